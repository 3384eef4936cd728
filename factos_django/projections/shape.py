"""What the rows of a keyed projection look like: the columns of its key, and those of its state."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from types import UnionType
from typing import Any, TypeAlias

from django.core.exceptions import ValidationError
from django.db import models

from factos_django.core.errors import RegistrationError, UnstorableState
from factos_django.models import ProjectionModel
from factos_django.projections.columns import Column, Refusal

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
        self._revivers = _revivers(state_class, places)

    @property
    def key_names(self) -> list[str]:
        """The names of the key columns in the database."""
        return [column.column for column in self.keys]

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

    def row(self, values: Sequence[Any]) -> tuple[Key, Row]:
        """Return key and row of ``values`` that were read, in the order of ``columns``."""
        parts = tuple(values[: len(self.keys)])
        state = {
            name: self._revivers[name](values[place]) if name in self._revivers else values[place]
            for name, place in self._state_places
        }
        return (parts if self.is_composite else parts[0]), (self.state_class(**state), values[-1])

    def _key_part(self, column: Column, given: Any) -> Any:
        if given is None:
            self._refuse(column, given, "a part of a key is never null")
        try:
            value = column.field.to_python(given)
        except ValidationError as error:
            self._refuse(column, given, " ".join(error.messages))
        return self._judged(column, value)

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
    if not key_fields:
        if not isinstance(model._meta.pk, models.Field) or model._meta.pk.column is None:
            _refuse(name, f"the primary key of {model._meta.label} has several parts: give key_fields=")
        return [model._meta.pk]
    fields = [_field(name, model, each) for each in key_fields]
    if not _unique_together(model, [field.name for field in fields]):
        said = ", ".join(key_fields)
        _refuse(
            name, f"({said}) is not unique in {model._meta.label}: add a UniqueConstraint on these fields"
        )
    if any(field.null for field in fields):
        _refuse(name, "a field of its key can be null")
    return fields


def _unique_together(model: type[ProjectionModel], names: Sequence[str]) -> bool:
    wanted, options = sorted(names), model._meta
    declared = [*options.unique_together, *(c.fields for c in options.total_unique_constraints)]
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


def _revivers(state_class: type[Any], places: dict[str, int]) -> dict[str, Callable[[Any], Any]]:
    """Return what makes members of enumerations of their stored values, by the annotations of the state."""
    try:
        hints = typing.get_type_hints(state_class)
    except (NameError, TypeError):
        return {}
    return {name: made for name in places if (made := _reviver(hints.get(name))) is not None}


def _reviver(hint: Any) -> Callable[[Any], Any] | None:
    kinds = [hint]
    if typing.get_origin(hint) in (typing.Union, UnionType):
        kinds = [each for each in typing.get_args(hint) if each is not type(None)]
    if len(kinds) != 1 or not (isinstance(kinds[0], type) and issubclass(kinds[0], Enum)):
        return None
    made = kinds[0]
    return lambda value: None if value is None else made(value)
