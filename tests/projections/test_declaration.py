"""Registering a projection: what does not fit is refused, in words, before any fact comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import pytest
from django.db import models
from django.test.utils import isolate_apps

from factos_django import InvalidName, Query, QueryItem, Recorded, RegistrationError, UnknownProjection, View
from factos_django.models import ProjectionModel
from factos_django.projections import projection, projection_handler
from factos_django.projections.declaration import Projection, projection_named
from factos_django.registry import PROJECTIONS, REACTORS, participants
from factos_django.store import append
from tests.ledger.domain import LEDGER, Deposited, Transferred
from tests.ledger.factos import balances, entries, followed_entries, turnovers
from tests.ledger.models import FollowedEntry, Measurement
from tests.stores import Store, on_databases

NAME = "test.declared"


@dataclass(frozen=True, slots=True)
class State:
    value: int = 0


def same(state: Any, recorded: Any) -> Any:
    return state


VIEW: View[Any, Recorded[Any]] = View(State(), same)
KEY = ("place", "moment", "device")


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """What a test has registered is forgotten after it."""
    known = {each.name for each in PROJECTIONS}
    yield
    for each in PROJECTIONS:
        if each.name not in known:
            PROJECTIONS.unregister(each.name)


def declare(**changes: Any) -> Projection:
    """A projection that is fine but for `changes`."""
    usual: dict[str, Any] = {
        "name": NAME,
        "model": Measurement,
        "query": LEDGER,
        "view": VIEW,
        "key": lambda recorded: None,
        "key_fields": KEY,
    }
    given = usual | changes
    return projection(given.pop("name"), **given)


def refused(declaring: Callable[..., Any], **changes: Any) -> str:
    """Why it is refused; nothing is left of it."""
    with pytest.raises(RegistrationError) as caught:
        declaring(**changes)
    assert (caught.value.what, caught.value.name) == ("Projection", changes.get("name", NAME))
    assert str(caught.value).startswith(f"Projection {caught.value.name!r} cannot be registered: ")
    assert PROJECTIONS.named(NAME) is None
    return caught.value.reason


def test_what_fits_is_registered_under_its_name() -> None:
    made = declare()
    assert projection_named(NAME) is made
    assert (made.mode, made.version, made.on_error, made.inline) == ("async", 1, "stop", False)
    assert made.feed.models == (Measurement,)
    made = declare(name="test.other", model="ledger.Specimen", view=View(FILLED, same), key_fields=())
    assert made.feed.models[0].__name__ == "Specimen"


def test_an_unknown_name_is_told_with_those_that_are_known() -> None:
    with pytest.raises(
        UnknownProjection, match=r"'ledger.balance'; those that are: .*ledger.balances"
    ) as caught:
        projection_named("ledger.balance")
    assert "ledger.balances" in caught.value.known


def test_inline_projections_take_part_in_appends_in_the_order_of_names_and_reactors_after_them() -> None:
    names = [each.name for each in participants("default")]
    assert {balances.name, entries.name} <= set(names)
    assert turnovers.name not in names
    rows = [each.name for each in PROJECTIONS if each.inline]
    assert names == [*sorted(rows), *sorted(each.name for each in REACTORS)]


def test_the_digest_is_that_of_the_query_in_any_order_of_its_items() -> None:
    first, second = QueryItem(types=["a"]), QueryItem(tags=["b:c"])
    made = declare(query=Query.of(first, second))
    PROJECTIONS.unregister(NAME)
    assert declare(query=Query.of(second, first)).query_digest == made.query_digest
    PROJECTIONS.unregister(NAME)
    assert declare(query=Query.of(first)).query_digest != made.query_digest
    assert len(made.query_digest) == 64


# Names


@pytest.mark.parametrize("name", ["", "a b", "é", "x" * 101, None, 7])
def test_a_name_is_stored_and_has_the_letters_of_one(name: Any) -> None:
    with pytest.raises(InvalidName):
        declare(name=name)
    with pytest.raises(InvalidName):
        projection_handler(name, query=LEDGER, tables=["oddities.Tally"])(lambda recorded, using: None)


def test_a_name_is_taken_once() -> None:
    assert refused(declare, name="ledger.balances") == "the name is taken"


def test_a_table_has_one_projection() -> None:
    declare(name="test.first")
    said = "projection 'test.first' writes ledger.Measurement already; a table has one"
    assert refused(declare) == said
    assert refused(handle, tables=["oddities.Tally", "ledger.Measurement"]) == said
    handle(name="test.handler", tables=["oddities.Tally"])
    assert "projection 'test.handler' writes oddities.Tally already" in refused(
        handle, tables=["oddities.Tally"]
    )


# The model


def test_the_model_is_one_of_the_installed_apps() -> None:
    for model in ("ledger.Nothing", "nowhere.Balance", "Balance", "", 7, State):
        assert refused(declare, model=model) == f"there is no model {model!r} in the installed apps"


def test_the_model_is_a_projection_model() -> None:
    said = "auth.Group is no ProjectionModel; to write other tables use @projection_handler"
    assert refused(declare, model="auth.Group") == said


Made: TypeAlias = type[ProjectionModel]


@isolate_apps("tests.ledger")
def test_the_model_has_one_table_of_its_own() -> None:
    class Abstract(ProjectionModel):
        class Meta:
            app_label = "ledger"
            abstract = True

    class Base(ProjectionModel):
        key = models.IntegerField(primary_key=True)

        class Meta:
            app_label = "ledger"

    class Proxy(Base):
        class Meta:
            app_label = "ledger"
            proxy = True

    class Child(Base):
        class Meta:
            app_label = "ledger"

    for model in (Abstract, Proxy, Child):
        assert refused(declare, model=model) == f"ledger.{model.__name__} has not one table of its own"


@isolate_apps("tests.ledger", "django.contrib.auth", "django.contrib.contenttypes")
@pytest.mark.parametrize("related_name", ["rows", "+"])
def test_no_foreign_key_points_at_its_table(related_name: str) -> None:
    class Row(ProjectionModel):
        key = models.IntegerField(primary_key=True)
        value = models.IntegerField()

        class Meta:
            app_label = "ledger"

    class Note(models.Model):  # noqa: DJ008
        row = models.ForeignKey(Row, models.CASCADE, related_name=related_name)

        class Meta:
            app_label = "ledger"

    assert refused(declare, model=Row, key_fields=()) == (
        "ledger.Note.row points at ledger.Row, whose rows come and go: store the key in a plain column"
    )


@isolate_apps("tests.ledger")
def test_no_other_model_points_at_a_table_of_a_handler() -> None:
    class Bill(models.Model):  # noqa: DJ008
        class Meta:
            app_label = "ledger"

    class Line(models.Model):  # noqa: DJ008
        bill = models.ForeignKey(Bill, models.CASCADE)

        class Meta:
            app_label = "ledger"

    said = "ledger.Line.bill points at ledger.Bill"
    assert said in refused(handle, tables=[Bill])
    handle(name="test.bills", tables=[Bill, Line])  # its own may: a rebuild empties both


@isolate_apps("tests.ledger")
def test_a_handler_names_models_with_one_table_and_a_table_has_one_projection_whatever_the_model() -> None:
    class Line(models.Model):  # noqa: DJ008
        class Meta:
            app_label = "ledger"

    class Proxy(Line):  # noqa: DJ008
        class Meta:
            app_label = "ledger"
            proxy = True

    class Same(models.Model):  # noqa: DJ008
        class Meta:
            app_label = "ledger"
            db_table = "ledger_line"
            managed = False

    assert refused(handle, tables=[Proxy]) == "ledger.Proxy has not one table of its own"
    handle(name="test.lines", tables=[Line])
    assert refused(handle, tables=[Same]) == (
        "projection 'test.lines' writes ledger.Same already; a table has one"
    )


@isolate_apps("tests.ledger")
def test_no_table_of_a_many_to_many_field_points_at_its_table() -> None:
    class Group(models.Model):  # noqa: DJ008
        class Meta:
            app_label = "ledger"

    class Row(ProjectionModel):
        key = models.IntegerField(primary_key=True)
        groups = models.ManyToManyField(Group)

        class Meta:
            app_label = "ledger"

    assert "ledger.Row_groups.row points at ledger.Row" in refused(declare, model=Row, key_fields=())


def model(**fields: Any) -> Made:
    """A model of these fields."""
    meta = {"app_label": "ledger", **fields.pop("Meta", {})}
    namespace = {"__module__": __name__, "Meta": type("Meta", (), meta), **fields}
    with isolate_apps("tests.ledger"):
        return type("Row", (ProjectionModel,), namespace)


def whole(**options: Any) -> Any:
    return models.IntegerField(**options)


# Its key


def test_a_key_is_the_declared_primary_key() -> None:
    made = declare(model=model(key=whole(primary_key=True), value=whole()), key_fields=())
    assert made.feed.shape.key_names == ["key"]  # type: ignore[attr-defined]  # of a keyed one
    said = "ledger.Row has no primary key of its own: declare one, or give key_fields="
    PROJECTIONS.unregister(NAME)
    assert refused(declare, model=model(value=whole()), key_fields=()) == said


def test_key_fields_are_fields_that_are_unique_together() -> None:
    assert refused(declare, key_fields=("place", "nothing")) == "ledger.Measurement has no field 'nothing'"
    said = "(place, moment) is not unique in ledger.Measurement: add a UniqueConstraint on these fields"
    assert refused(declare, key_fields=("place", "moment")) == said
    assert "is not unique" in refused(declare, key_fields=("place", "moment", "device", "id"))
    assert refused(declare, key_fields="place") == "key_fields= takes a list of names, not one string"


def test_any_total_constraint_makes_fields_unique_together() -> None:
    unique = [models.UniqueConstraint(fields=["b", "a"], name="ledger_total")]
    for fields in (
        {"a": whole(), "b": whole(), "Meta": {"constraints": unique}},
        {"a": whole(), "b": whole(), "Meta": {"unique_together": [("a", "b")]}},
    ):
        declare(model=model(value=whole(), **fields), key_fields=("a", "b"))
        PROJECTIONS.unregister(NAME)
    declare(model=model(value=whole(), a=whole(unique=True)), key_fields=("a",))


def test_a_constraint_that_is_partial_or_judged_late_makes_nothing_unique() -> None:
    for options in (
        {"condition": models.Q(a=1)},
        {"deferrable": models.Deferrable.DEFERRED},
    ):
        unique = [models.UniqueConstraint(fields=["a", "b"], name="ledger_partial", **options)]
        made = model(a=whole(), b=whole(), value=whole(), Meta={"constraints": unique})
        assert "is not unique" in refused(declare, model=made, key_fields=("a", "b"))


def test_a_field_of_a_key_is_never_null_and_can_be_a_key() -> None:
    made = model(a=whole(unique=True, null=True), value=whole())
    assert refused(declare, model=made, key_fields=("a",)) == "a field of its key can be null"
    made = model(a=models.JSONField(unique=True), value=whole())
    said = "a field of its key is a JSONField, whose values cannot be keys"
    assert refused(declare, model=made, key_fields=("a",)) == said


def test_one_of_key_and_keys_is_given() -> None:
    said = "give key= (one row a fact) or keys= (several), not both"
    assert refused(declare, key=None) == said
    assert refused(declare, keys=lambda recorded: []) == said
    assert refused(declare, key="account") == "key= takes a function, not 'account'"
    assert refused(declare, key=None, keys=["account"]) == "keys= takes a function, not ['account']"
    assert refused(declare, start=State()) == "start= takes a function, not State(value=0)"


# Its state


@dataclass(frozen=True)
class Extra:
    value: int = 0
    more: int = 0
    factos_position: int = 0


@dataclass(frozen=True)
class Empty:
    place: int = 0


@dataclass
class Mutable:
    value: int = 0


@dataclass(frozen=True)
class Filled:
    """What fills the columns of Specimen."""

    label: str = ""
    text: str = ""
    small: Any = None
    whole: Any = None
    big: Any = None
    positive: Any = None
    amount: Any = None
    ratio: Any = None
    flag: Any = None
    moment: Any = None
    day: Any = None
    clock: Any = None
    span: Any = None
    token: Any = None
    raw: Any = None
    data: Any = None
    address: Any = None
    suit: str = ""
    rank: Any = None
    owner_id: Any = None


FILLED = Filled()


def test_the_fields_of_the_state_are_the_columns() -> None:
    said = refused(declare, view=View(Extra(), same))
    assert said == "ledger.Measurement has no column for factos_position, more of its state"
    said = refused(declare, view=View(Empty(), same))
    assert said == "its state has no value for the columns of ledger.Measurement"


def test_the_state_is_a_frozen_dataclass() -> None:
    assert refused(declare, view=View(0, same)) == "its state is a int; a frozen dataclass is wanted"
    said = "Mutable can be changed: use @dataclass(frozen=True)"
    assert refused(declare, view=View(Mutable(), same)) == said


def test_a_view_that_starts_from_none_says_what_it_returns() -> None:
    def annotated(state: State | None, recorded: Any) -> State | None: ...
    def several(state: Any, recorded: Any) -> State | Extra | None: ...

    declare(view=View(None, annotated))
    PROJECTIONS.unregister(NAME)
    said = "its view starts from None, so evolve has to be annotated with the one dataclass it returns"
    for evolve in (same, several, lambda state, recorded: state):
        assert refused(declare, view=View(None, evolve)) == said


def test_the_view_is_a_view() -> None:
    assert refused(declare, view=same) == "view= takes a View, not function"


# How it is fed


def handle(**changes: Any) -> Projection:
    """A handler that is fine but for `changes`."""
    given: dict[str, Any] = {"name": NAME, "query": LEDGER, "tables": ["oddities.Tally"]} | changes
    return projection_handler(given.pop("name"), **given)(lambda recorded, using: None)


@pytest.mark.parametrize("declaring", [declare, handle])
def test_query_mode_and_policy_are_what_they_can_be(declaring: Callable[..., Projection]) -> None:
    assert refused(declaring, query=[Deposited]) == "query= takes a Query"
    assert refused(declaring, mode="sync") == "mode='sync' is neither 'inline' nor 'async'"
    assert refused(declaring, on_error="skip") == "on_error='skip' is neither 'stop' nor 'park'"
    made = declaring(mode="inline", on_error="park", version=3)
    assert (made.inline, made.on_error, made.version) == (True, "park", 3)


@pytest.mark.parametrize("version", [0, -1, 1.5, "1", True, None])
def test_a_version_is_a_whole_number_from_1(version: Any) -> None:
    assert "version" in refused(declare, version=version)
    assert "version" in refused(handle, version=version)


def test_a_handler_says_which_tables_it_writes() -> None:
    assert refused(handle, tables=[]) == "tables= names none; a rebuild has to know them"
    assert refused(handle, tables="auth.Group") == "tables= takes a list of models, not one string"
    assert (
        refused(handle, tables=["auth.Nothing"]) == "there is no model 'auth.Nothing' in the installed apps"
    )
    assert [each.__name__ for each in handle(tables=["oddities.Tally", "oddities.Desk"]).feed.models] == [
        "Tally",
        "Desk",
    ]


@on_databases("default")
def test_a_handler_can_still_be_called_as_the_function_that_it_is(store: Store) -> None:
    (transferred,) = append([Transferred("a", "b", 3)], using=store.using)
    followed_entries(transferred, store.using)
    assert FollowedEntry.objects.using(store.using).get().position == transferred.position
