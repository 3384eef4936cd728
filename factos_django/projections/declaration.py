"""Declaring projections: which facts, which rows, when.

They are declared in ``<app>/factos.py``, so that every process knows them once Django has started.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

from django.apps import apps
from django.db import models, router
from django.db.models.fields.reverse_related import ForeignObjectRel

from factos_django.core.canonical_json import encode_json
from factos_django.core.errors import RegistrationError, UnknownProjection
from factos_django.core.event import Recorded
from factos_django.core.event_types import checked_version
from factos_django.core.naming import checked_name
from factos_django.core.query import Query
from factos_django.core.view import View
from factos_django.models import ProjectionModel
from factos_django.projections import inline
from factos_django.projections.feed import Feed
from factos_django.projections.handler import Handler
from factos_django.projections.keyed import KeyedRows
from factos_django.projections.rows import Shape, state_class_of
from factos_django.registry import PROJECTIONS

__all__ = [
    "HandlerProjection",
    "Mode",
    "OnError",
    "Projection",
    "projection",
    "projection_handler",
    "projection_named",
]

Mode: TypeAlias = Literal["inline", "async"]
OnError: TypeAlias = Literal["stop", "park"]

State = TypeVar("State")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Projection:
    """One declared projection. Where it stands is in the database, as a ProjectionState.

    Attributes:
        name: Its stable name; it is stored.
        query: The facts that it folds.
        mode: ``inline``: in the transaction of the append. ``async``: by a follower, after it.
        version: Goes up when the rows would come out otherwise; then it needs a rebuild.
        on_error: ``stop`` at an event that cannot be folded, or ``park`` it and go on.
        feed: How facts become rows.
    """

    name: str
    query: Query
    mode: Mode
    version: int
    on_error: OnError
    feed: Feed

    @property
    def inline(self) -> bool:
        """Whether its rows are written in the transaction of the append."""
        return self.mode == "inline"

    @property
    def query_digest(self) -> str:
        """A digest of the query, SHA-256 in hexadecimal, to see that it was changed."""
        return hashlib.sha256(encode_json(self.query.as_data())).hexdigest()

    def takes_part(self, using: str) -> bool:
        """Tell whether its tables may be in the database ``using``, as the project's routers say."""
        return all(router.allow_migrate_model(using, model) for model in self.feed.models)

    def row_names(self) -> Iterable[str]:
        """Return the name of the one lock of a handler."""
        return [inline.lock_name(self, "")]

    def row_locks(self, foreseen: Recorded[Any]) -> Iterable[str]:
        """Return the names of the rows that the append of ``foreseen`` has to lock."""
        return inline.locks(self, foreseen)

    def take_part(self, recorded: Sequence[Recorded[Any]], using: str, locked: frozenset[str]) -> None:
        """Fold facts that the open transaction has just recorded."""
        inline.apply(self, recorded, using, locked)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HandlerProjection(Projection):
    """A projection whose rows a function writes. It can still be called, so it is tested as what it is."""

    def __call__(self, recorded: Recorded[Any], using: str) -> None:
        self.feed.write([recorded], using)


def projection(
    name: str,
    *,
    model: str | type[ProjectionModel],
    query: Query,
    view: View[State, Recorded[Any]],
    mode: Mode = "async",
    version: int = 1,
    key: Callable[[Recorded[Any]], Any] | None = None,
    keys: Callable[[Recorded[Any]], Iterable[Any]] | None = None,
    key_fields: Sequence[str] = (),
    start: Callable[[Any], State] | None = None,
    on_error: OnError = "stop",
) -> Projection:
    """Register a projection: ``view``, folded for each key into a row of ``model``.

    Its functions are pure: the rows must come out the same whenever they are computed again, so no clock
    but ``recorded.recorded_at``, no random number, and nothing that is read elsewhere.

    Args:
        name: 1 to 100 of ``A-Z a-z 0-9 . _ : -``.
        model: A ProjectionModel, or its label (``"banking.AccountBalance"``). One projection a model.
        query: The facts that it folds.
        view: Folds ``Recorded`` facts into states, frozen dataclasses whose fields are the columns. None
            stands for no row.
        mode: ``inline`` (rows commit with the facts) or ``async`` (a follower writes them).
        version: 1 or more. Raise it with a change of the code that changes the rows, and rebuild.
        key: The row that a fact changes; None for none. Exactly one of ``key`` and ``keys``. Inline it is
            asked before the fact has a position, to lock the row, and again when the fact is folded.
        keys: The rows that a fact changes. An event whose keys cannot be told is one that cannot be folded:
            it is recorded, and ``on_error`` says what follows.
        key_fields: The fields that a key, a tuple, stands for; by default the primary key.
        start: The state of a row that is not there, by its key; by default ``view.initial``.
        on_error: ``stop``, or ``park`` the event that cannot be folded.

    Raises:
        RegistrationError: It says what does not fit.

    An append raises PositionNotDrawn, and records nothing, where keys of an inline projection ask for the
    position: no fact would ever find its rows locked.
    """
    checked_name(name)
    if (key is None) is (keys is None):
        _refuse(name, "give key= (one row a fact) or keys= (several), not both")
    known = _checked_model(name, model)
    _check_functions(name, view, key=key, keys=keys, start=start)
    state_class = state_class_of(name, view.initial, view.evolve)
    feed = KeyedRows(
        shape=Shape(name, known, key_fields, state_class),
        start=start or (lambda _: view.initial),
        evolve=view.evolve,
        key_of=key,
        keys_of=keys,
    )
    made = Projection(name=name, query=query, mode=mode, version=version, on_error=on_error, feed=feed)
    _register(made)
    return made


def projection_handler(
    name: str,
    *,
    query: Query,
    tables: Sequence[str | type[models.Model]],
    mode: Mode = "async",
    version: int = 1,
    on_error: OnError = "stop",
) -> Callable[[Callable[[Recorded[Any], str], None]], HandlerProjection]:
    """Register a function that writes, by whatever SQL, what one fact means.

    It gets the fact and the alias of the database, and runs in the transaction in which its effect is
    counted. It reads and writes ``tables`` and nothing else, and has no other effect: a rebuild empties
    them and calls it again for every fact.

    Args:
        name, query, mode, version, on_error: As of ``projection``. Inline, all appends with facts of
            ``query`` wait for each other.
        tables: The models that it writes, or their labels; no other projection writes them. They may refer
            to each other (those that are referred to come first), and no other model refers to them.

    Raises:
        RegistrationError: It says what does not fit.
    """

    def register(function: Callable[[Recorded[Any], str], None]) -> HandlerProjection:
        if isinstance(tables, str):
            _refuse(name, "tables= takes a list of models, not one string")
        known = tuple(_model(name, each) for each in tables)
        _check_tables(name, known, own=known)
        if not known:
            _refuse(name, "tables= names none; a rebuild has to know them")
        feed = Handler(function, known)
        made = HandlerProjection(
            name=name, query=query, mode=mode, version=version, on_error=on_error, feed=feed
        )
        _register(made)
        return made

    return register


def projection_named(name: str) -> Projection:
    """Return the projection ``name``; raise UnknownProjection."""
    found: Projection | None = PROJECTIONS.named(name)
    if found is None:
        raise UnknownProjection(name=name, known=tuple(each.name for each in PROJECTIONS))
    return found


def _register(made: Projection) -> None:
    if not isinstance(made.query, Query):
        _refuse(made.name, "query= takes a Query")
    if made.mode not in ("inline", "async"):
        _refuse(made.name, f"mode={made.mode!r} is neither 'inline' nor 'async'")
    if made.on_error not in ("stop", "park"):
        _refuse(made.name, f"on_error={made.on_error!r} is neither 'stop' nor 'park'")
    checked_version("Projection", made.name, made.version)
    for other in PROJECTIONS:
        taken = {model._meta.db_table for model in other.feed.models}
        if shared := [model for model in made.feed.models if model._meta.db_table in taken]:
            said = ", ".join(sorted(model._meta.label for model in shared))
            _refuse(made.name, f"projection {other.name!r} writes {said} already; a table has one")
    PROJECTIONS.register(made)


def _check_functions(name: str, view: object, **functions: object) -> None:
    if not isinstance(view, View):
        _refuse(name, f"view= takes a View, not {type(view).__name__}")
    for argument, function in functions.items():
        if function is not None and not callable(function):
            _refuse(name, f"{argument}= takes a function, not {function!r}")


def _refuse(name: str, reason: str) -> None:
    raise RegistrationError(what="Projection", name=name, reason=reason)


def _model(name: str, given: str | type[models.Model]) -> type[models.Model]:
    if isinstance(given, type) and issubclass(given, models.Model):
        return given
    try:
        return apps.get_model(given)
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        reason = f"there is no model {given!r} in the installed apps"
        raise RegistrationError(what="Projection", name=name, reason=reason) from error


def _checked_model(name: str, given: str | type[ProjectionModel]) -> type[ProjectionModel]:
    model = _model(name, given)
    label = model._meta.label
    if not issubclass(model, ProjectionModel):
        _refuse(name, f"{label} is no ProjectionModel; to write other tables use @projection_handler")
    _check_tables(name, [model])
    assert issubclass(model, ProjectionModel)  # said above, in words
    return model


def _check_tables(
    name: str, tables: Iterable[type[models.Model]], *, own: Sequence[type[models.Model]] = ()
) -> None:
    """Refuse models without one table, and those that others than ``own`` refer to."""
    for model in tables:
        label = model._meta.label
        if model._meta.proxy or model._meta.abstract or model._meta.parents:
            _refuse(name, f"{label} has not one table of its own")
        if pointing := sorted(_pointing_at(model, own)):
            said = ", ".join(pointing)
            _refuse(
                name, f"{said} points at {label}, whose rows come and go: store the key in a plain column"
            )


def _pointing_at(model: type[models.Model], own: Sequence[type[models.Model]]) -> Iterator[str]:
    """Yield the fields of models other than ``own`` that refer to rows of ``model``, hidden ones too."""
    for relation in model._meta.get_fields(include_hidden=True):
        if isinstance(relation, ForeignObjectRel) and relation.related_model not in own:
            yield f"{relation.related_model._meta.label}.{relation.field.name}"
