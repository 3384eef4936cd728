"""What the rows of a keyed projection look like: the columns of its key, and those of its state."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Any, TypeAlias

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import format_number

from factos_django.core.errors import RegistrationError, UnstorableState
from factos_django.models import ProjectionModel
from factos_django.projections.rows.columns import Column, Refusal, plain

__all__ = ["Key", "Row", "Shape", "state_class_of"]

#: The value of the primary key, or a tuple of values, one for each of the key fields.
Key: TypeAlias = Any
#: A state, and the position of the last fact that was folded into it.
Row: TypeAlias = tuple[Any, int]

_POSITION = "factos_position"


class Shape:
    """The columns of one projection, and how a key and a state fill them.

    Args:
        name: Of the projection.
        model: Its model.
        key_fields: What a key holds; empty: the primary key.
        state_class: A frozen dataclass. Its fields are columns: those of the key may be among them, and
            all others must be.

    Raises:
        RegistrationError: They do not fit.
    """

    def __init__(
        self,
        name: str,
        model: type[ProjectionModel],
        key_fields: Sequence[str],
        state_class: type[Any],
    ) -> None:
        self.name = name
        self.model = model
        self.is_composite = bool(key_fields)
        self.state_class = state_class
        self.keys = [Column(field) for field in _key_fields(name, model, key_fields)]
        names = _state_names(name, state_class)
        columns = [*self.keys, *_others(name, model, self.keys, names)]
        #: All that is written, in order: key, the rest of the state, position.
        self.columns = [*columns, Column(_field(name, model, _POSITION))]
        places = {column.name: place for place, column in enumerate(columns)}
        self._state_places = [(each, places[each]) for each in names]
        self._judges = [(name, self.columns[place].judge) for name, place in self._state_places]
        self._keys_in_state = [(name, p) for name, p in self._state_places if p < len(self.keys)]
        self._other_names = [column.name for column in columns[len(self.keys) :]]
        self._enums = _enums(state_class, places)

    @property
    def key_names(self) -> list[str]:
        """The names of the key columns in the database."""
        return [column.column for column in self.keys]

    @property
    def has_other_constraints(self) -> bool:
        """Whether something else than its key may have to be unique among the rows of the table."""
        options, key = self.model._meta, {column.field.name for column in self.keys}
        own = [field for field in options.concrete_fields if field.unique and not _is_made_by_database(field)]
        together = [*([field.name] for field in own), *options.unique_together]
        others = [c for c in options.constraints if not isinstance(c, models.CheckConstraint)]
        together += [getattr(constraint, "fields", ()) for constraint in others]
        return any(set(each) != key for each in together)

    def key(self, given: Any) -> Key:
        """Return a key in its one form; raise UnstorableState for what the columns cannot hold."""
        if not self.is_composite:
            return self._key_part(self.keys[0], given)
        if not isinstance(given, tuple) or len(given) != len(self.keys):
            reason = f"give a tuple ({', '.join(column.name for column in self.keys)})"
            raise UnstorableState(projection=self.name, field="key", value=given, reason=reason)
        return tuple(map(self._key_part, self.keys, given))

    def parts(self, key: Key) -> tuple[Any, ...]:
        """Return the values of the key columns."""
        return key if self.is_composite else (key,)

    def values(self, key: Key, row: Row) -> list[Any]:
        """Return the judged values of a row, in the order of ``columns``; raise UnstorableState."""
        state, position = row
        if type(state) is not self.state_class:
            reason = f"a {self.state_class.__name__} is wanted"
            raise UnstorableState(projection=self.name, field="state", value=state, reason=reason)
        judged = self._judged_state(state)
        for name, place in self._state_places:
            value = getattr(state, name)
            if judged[name] is not value or name in self._enums:
                self._check_member(self.columns[place], value)
        for name, place in self._keys_in_state:
            if judged[name] != self.parts(key)[place]:
                reason = f"the state is to be stored under the key {key!r}"
                raise UnstorableState(projection=self.name, field=name, value=judged[name], reason=reason)
        return [*self.parts(key), *[judged[name] for name in self._other_names], position]

    def _judged_state(self, state: Any) -> dict[str, Any]:
        try:
            return {name: judge(getattr(state, name)) for name, judge in self._judges}
        except Refusal:
            # Once more, to say which.
            return {
                name: self._judged(self.columns[p], getattr(state, name)) for name, p in self._state_places
            }

    def prepared(self, column: Column, value: Any, connection: BaseDatabaseWrapper) -> Any:
        """Return a judged value as a parameter; raise UnstorableState for what this database cannot hold."""
        try:
            return column.prepared(value, connection)
        except Refusal as refusal:
            self._refuse(column, value, str(refusal))

    def row(self, values: Sequence[Any]) -> tuple[Key, Row]:
        """Return key and row of ``values`` that were read, in the order of ``columns``."""
        parts = tuple(values[: len(self.keys)])
        state = {
            name: values[place] if name not in self._enums else self._member(name, values[place])
            for name, place in self._state_places
        }
        return (parts if self.is_composite else parts[0]), (self.state_class(**state), values[-1])

    def _key_part(self, column: Column, given: Any) -> Any:
        if given is None:
            self._refuse(column, given, "a part of a key is never null")
        given = plain(given)
        try:
            value = column.field.to_python(given)
        except (ValidationError, TypeError, ValueError, OverflowError) as error:
            self._refuse(column, given, " ".join(getattr(error, "messages", [str(error)])))
        if not isinstance(given, str) and value != given and value != str(given):
            self._refuse(column, given, f"as a key it would be {value!r}")
        return _one_form(self._judged(column, value), column.target)

    def _member(self, name: str, value: Any) -> Any:
        return None if value is None else self._enums[name](value)

    def _check_member(self, column: Column, value: Any) -> None:
        """Refuse what is read back as a member and was none, or the other way round."""
        kind = self._enums.get(column.name)
        if kind is None and isinstance(value, Enum):
            self._refuse(column, value, f"annotate the field with {type(value).__name__}, or store its value")
        if kind is not None and value is not None and not isinstance(value, kind):
            self._refuse(column, value, f"a {kind.__name__} is wanted")

    def _judged(self, column: Column, value: Any) -> Any:
        try:
            return column.judge(value)
        except Refusal as refusal:
            self._refuse(column, value, str(refusal))

    def _refuse(self, column: Column, value: Any, reason: str) -> typing.NoReturn:
        raise UnstorableState(projection=self.name, field=column.name, value=value, reason=reason)


def state_class_of(name: str, initial: Any, evolve: Callable[..., Any]) -> type[Any]:
    """Return the dataclass of a view's states: that of ``initial``, or what ``evolve`` says it returns."""
    if initial is not None:
        return type(initial)
    try:
        hint = typing.get_type_hints(evolve).get("return")
    except (NameError, TypeError):
        hint = None
    said = [each for each in (hint, *typing.get_args(hint)) if dataclasses.is_dataclass(each)]
    if len(said) != 1 or not isinstance(said[0], type):
        reason = "its view starts from None, so evolve has to be annotated with the one dataclass it returns"
        raise RegistrationError(what="Projection", name=name, reason=reason)
    return said[0]


def _refuse(name: str, reason: str) -> typing.NoReturn:
    raise RegistrationError(what="Projection", name=name, reason=reason)


def _field(name: str, model: type[ProjectionModel], wanted: str) -> models.Field[Any, Any]:
    for field in model._meta.concrete_fields:
        if wanted in (field.name, field.attname):
            return field
    _refuse(name, f"{model._meta.label} has no field {wanted!r}")


def _key_fields(
    name: str, model: type[ProjectionModel], key_fields: Sequence[str]
) -> list[models.Field[Any, Any]]:
    if isinstance(key_fields, str):
        _refuse(name, "key_fields= takes a list of names, not one string")
    if not key_fields:
        return [_primary_key(name, model)]
    fields = [_field(name, model, each) for each in key_fields]
    if not _unique_together(model, [field.name for field in fields]):
        said = ", ".join(key_fields)
        _refuse(
            name, f"({said}) is not unique in {model._meta.label}: add a UniqueConstraint on these fields"
        )
    if any(field.null for field in fields):
        _refuse(name, "a field of its key can be null")
    if any(isinstance(field, models.JSONField) for field in fields):
        _refuse(name, "a field of its key is a JSONField, whose values cannot be keys")
    return fields


def _primary_key(name: str, model: type[ProjectionModel]) -> models.Field[Any, Any]:
    key, label = model._meta.pk, model._meta.label
    if not isinstance(key, models.Field) or key.column is None:
        _refuse(name, f"the primary key of {label} has several parts: give key_fields=")
    if key.auto_created:
        _refuse(name, f"{label} has no primary key of its own: declare one, or give key_fields=")
    return key


def _unique_together(model: type[ProjectionModel], names: Sequence[str]) -> bool:
    wanted, options = sorted(names), model._meta
    total = [each for each in options.total_unique_constraints if each.deferrable is None]
    declared = [*options.unique_together, *(each.fields for each in total)]
    single = [[field.name] for field in options.concrete_fields if field.unique]
    primary = [[field.name for field in getattr(options, "pk_fields", [])]]
    return any(sorted(each) == wanted for each in [*declared, *single, *primary])


def _state_names(name: str, state_class: type[Any]) -> list[str]:
    if not dataclasses.is_dataclass(state_class):
        _refuse(name, f"its state is a {state_class.__name__}; a frozen dataclass is wanted")
    if not state_class.__dataclass_params__.frozen:  # type: ignore[attr-defined]  # dataclass() sets it
        _refuse(name, f"{state_class.__name__} can be changed: use @dataclass(frozen=True)")
    return [field.name for field in dataclasses.fields(state_class) if field.init]


def _others(
    name: str, model: type[ProjectionModel], keys: Sequence[Column], state_names: Iterable[str]
) -> list[Column]:
    """Return the columns that are neither of the key nor the position; the state fills each of them."""
    known = {column.name for column in keys} | {_POSITION}
    others = [
        field
        for field in model._meta.concrete_fields
        if field.attname not in known and not _is_made_by_database(field)
    ]
    state, columns = set(state_names), {field.attname for field in others} | known - {_POSITION}
    if lacking := sorted(state - columns):
        _refuse(name, f"{model._meta.label} has no column for {', '.join(lacking)} of its state")
    if unfilled := sorted(field.attname for field in others if field.attname not in state):
        _refuse(name, f"its state has no {', '.join(unfilled)} for the columns of {model._meta.label}")
    return [Column(field) for field in others]


def _is_made_by_database(field: models.Field[Any, Any]) -> bool:
    return isinstance(field, models.AutoField | models.BigAutoField | models.SmallAutoField) or bool(
        getattr(field, "generated", False)
    )


def _enums(state_class: type[Any], places: dict[str, int]) -> dict[str, type[Enum]]:
    """Return the enumerations that the annotations of the state name, by its fields."""
    try:
        hints = typing.get_type_hints(state_class)
    except (NameError, TypeError):
        return {}
    return {name: made for name in places if (made := _enum(hints.get(name))) is not None}


def _enum(hint: Any) -> type[Enum] | None:
    kinds = [hint]
    if typing.get_origin(hint) in (typing.Union, UnionType):
        kinds = [each for each in typing.get_args(hint) if each is not type(None)]
    is_enum = len(kinds) == 1 and isinstance(kinds[0], type) and issubclass(kinds[0], Enum)
    return kinds[0] if is_enum else None


def _one_form(value: Any, field: models.Field[Any, Any]) -> Any:
    """Return the one of equal numbers that stands for them, as text too: locks are named by that."""
    if isinstance(value, Decimal) and isinstance(field, models.DecimalField):
        value = Decimal(str(format_number(value, field.max_digits, field.decimal_places)))
        return value or value.copy_abs()
    return value + 0.0 if isinstance(value, float) else value
