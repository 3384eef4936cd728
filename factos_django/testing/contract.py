"""The contract of a store, as a test class: every log must pass every one of these.

::

    class TestMyLog(StoreContract):
        @pytest.fixture
        def log(self, transactional_db):
            return MyLog()

It asserts nothing about absolute positions: they grow, and may have gaps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import uuid4

from django.test import override_settings

from factos_django.core.condition import AppendCondition, AppendConditionFailed
from factos_django.core.decider import Context, Decider
from factos_django.core.domain_error import DomainError
from factos_django.core.errors import (
    EncodeError,
    EventIdReused,
    IdempotencyKeyReused,
    InvalidAppend,
    InvalidInput,
    InvalidLimit,
    InvalidMetadata,
    InvalidPosition,
    InvalidQuery,
    InvalidTag,
    NotAnEvent,
    TypeNotRegistered,
)
from factos_django.core.event import Proposed, Recorded, UnregisteredEvent
from factos_django.core.event_types import event_type
from factos_django.core.metadata import Metadata
from factos_django.core.query import Query, QueryItem
from factos_django.stamps import stamp

__all__ = ["Counted", "Log", "Noted", "StoreContract"]


class Log(Protocol):
    """What the contract asks of a log: the functions of the store, bound to one database."""

    def append(
        self,
        events: Iterable[Any],
        *,
        condition: AppendCondition | None = None,
        metadata: Metadata | None = None,
        idempotency_key: str | None = None,
    ) -> tuple[Recorded[Any], ...]: ...

    def read(
        self, query: Query, *, after: int = 0, limit: int | None = None, backwards: bool = False
    ) -> Iterator[Recorded[Any]]: ...

    def read_context(self, query: Query, decider: Decider[Any, Any, Any]) -> Context[Any, Any]: ...

    def head(self) -> int: ...

    def dispatch(
        self,
        command: Any,
        *,
        decider: Decider[Any, Any, Any],
        query: Query | Callable[[Any], Query],
        metadata: Metadata | None = None,
        idempotency_key: str | None = None,
    ) -> Any: ...

    def atomic(self) -> AbstractContextManager[Any]: ...


@event_type("factos.contract.Noted", tags=["factos.contract:{subject}"])
@dataclass(frozen=True, slots=True)
class Noted:
    """A fact with any data, tagged by the test that makes it, or by its subject if it has one."""

    text: str = ""
    data: Any = None
    subject: str | None = None


@event_type("factos.contract.Counted")
@dataclass(frozen=True, slots=True)
class Counted:
    """A fact with a number."""

    number: int


class LimitReached(DomainError):
    """There are as many as there may be."""

    limit: int


@dataclass(frozen=True, slots=True)
class _Count:
    """A command: count once more, under this tag, up to the limit."""

    tag: str
    limit: int


def _decide(count: int, command: _Count) -> list[Any]:
    if count >= command.limit:
        raise LimitReached(limit=command.limit)
    return [Proposed(Counted(count + 1), tags=(command.tag,))]


_counting: Decider[Any, int, Any] = Decider(
    initial=0, decide=_decide, evolve=lambda count, event: count + isinstance(event, Counted)
)
_idle: Decider[Any, int, Any] = Decider(initial=0, decide=lambda _s, _c: [], evolve=lambda n, _e: n + 1)


#: The name of a type that has no class.
_GONE = "factos.contract.Gone"


def _tagged(*tags: str, types: Iterable[Any] = ()) -> Query:
    return Query.of(QueryItem(types=types, tags=tags))


def _count_context(command: _Count) -> Query:
    return _tagged(command.tag, types=[Counted])


def _noted(text: str, *tags: str) -> Proposed[Noted]:
    return Proposed(Noted(text), tags=tags)


def _texts(recorded: Iterable[Recorded[Any]]) -> list[str]:
    return [each.event.text for each in recorded]


def _raises(error: type[Exception], function: Callable[..., object], *args: Any, **kwargs: Any) -> Any:
    try:
        function(*args, **kwargs)
    except error as raised:
        return raised
    raise AssertionError(f"{error.__name__} was not raised")


#: Pairs that some database's collation says are equal.
LOOKALIKES = (
    ("case:A", "case:a"),
    ("cafe", "café"),
    ("space", "space "),
    ("\N{GRINNING FACE}", "\N{GRINNING FACE WITH SMILING EYES}"),
    ("na\u00efve", "nai\u0308ve"),  # one text to a reader: composed, and decomposed
)

BAD_TAGS = ("", "a\x00b", "a\nb", "a\tb", "a\x7fb", "a\x85b", "a\ud800b", "x" * 256, 7)
BAD_NAMES = ("", "a b", "a\x00b", "a\nb", "x" * 101, "é", "a/b")


class StoreContract:
    """Subclass it and give a fixture ``log`` that returns an empty log."""

    # --- appending -------------------------------------------------------------------------------

    def test_an_empty_log_has_no_events_and_its_head_is_not_below_0(self, log: Log) -> None:
        assert list(log.read(Query.all())) == []
        assert log.head() >= 0

    def test_append_returns_what_read_returns_later(self, log: Log) -> None:
        recorded = log.append([_noted("a", "x"), _noted("b", "y")], metadata={"actor": "renata"})
        assert list(log.read(Query.all())) == list(recorded)

    def test_positions_grow_in_the_order_of_the_batch_and_of_the_appends(self, log: Log) -> None:
        positions = [each.position for _ in range(3) for each in log.append([_noted("a"), _noted("b")])]
        assert positions == sorted(set(positions))
        assert positions[0] > 0

    def test_the_head_is_the_last_position_when_nobody_appends(self, log: Log) -> None:
        recorded = log.append([_noted("a"), _noted("b")])
        assert log.head() == recorded[-1].position

    def test_an_event_is_recorded_with_type_version_tags_metadata_and_time(self, log: Log) -> None:
        before = datetime.now(UTC) - timedelta(seconds=1)
        log.append(
            [_noted("a", "x", "y")], metadata={"actor": "renata", "n": 1, "f": 0.5, "t": True, "none": None}
        )
        [recorded] = log.read(Query.all())
        assert (recorded.type, recorded.version) == ("factos.contract.Noted", 1)
        assert recorded.tags == ("x", "y")
        assert recorded.metadata == {"actor": "renata", "n": 1, "f": 0.5, "t": True, "none": None}
        assert before <= recorded.recorded_at <= datetime.now(UTC) + timedelta(seconds=1)
        assert recorded.recorded_at.utcoffset() == timedelta(0)

    def test_an_event_keeps_the_id_that_the_client_gave(self, log: Log) -> None:
        id = uuid4()
        log.append([Proposed(Noted("a"), id=id)])
        assert [each.id for each in log.read(Query.all())] == [id]

    def test_a_tag_given_twice_is_recorded_once(self, log: Log) -> None:
        assert log.append([_noted("a", "x", "x")])[0].tags == ("x",)

    def test_metadata_of_the_event_goes_over_that_of_the_append_and_that_over_stamps(self, log: Log) -> None:
        with stamp(actor="stamp", correlation_id="stamp", causation_id="stamp"):
            proposal = Proposed(Noted(), metadata={"actor": "event"})
            [recorded] = log.append([proposal], metadata={"actor": "append", "correlation_id": "append"})
        assert recorded.metadata == {"actor": "event", "correlation_id": "append", "causation_id": "stamp"}

    def test_data_comes_back_as_it_was(self, log: Log) -> None:
        data = {
            "float": 1e22, "small": 1e-7, "int": 2**53 + 1, "huge": 10**30, "null": None, "yes": True,
            "text": 'é \u2028 "\\ \N{GRINNING FACE} \\u0000',
            "list": [1, [2.0, {"deep": []}]], "": "empty key",
        }  # fmt: skip
        log.append([Noted("a", data)])
        [recorded] = log.read(Query.all())
        assert recorded.event == Noted("a", data)
        for key, value in data.items():
            assert type(recorded.event.data[key]) is type(value), key  # 1e22 equals 10**22, and is not it

    def test_a_batch_of_a_thousand_events_is_recorded_in_order(self, log: Log) -> None:
        recorded = log.append([_noted(str(n), f"n:{n % 7}", "all") for n in range(1000)])
        assert _texts(log.read(Query.all())) == [str(n) for n in range(1000)]
        assert [each.position for each in log.read(_tagged("all", "n:3"))] == [
            each.position for each in recorded if "n:3" in each.tags
        ]

    # --- queries ---------------------------------------------------------------------------------

    def test_types_of_an_item_are_ored_and_tags_anded(self, log: Log) -> None:
        log.append([_noted("ab", "a", "b"), _noted("a", "a"), Proposed(Counted(1), tags=("a", "b"))])
        assert [r.type for r in log.read(_tagged("a", "b", types=[Noted, Counted]))] == [
            "factos.contract.Noted",
            "factos.contract.Counted",
        ]
        assert _texts(log.read(_tagged("a", "b", types=[Noted]))) == ["ab"]
        assert _texts(log.read(_tagged("b", "a", types=["factos.contract.Noted"]))) == ["ab"]

    def test_items_are_ored_and_an_event_that_matches_two_of_them_is_read_once(self, log: Log) -> None:
        log.append([_noted("ab", "a", "b"), _noted("c", "c"), _noted("b", "b")])
        query = Query.of(QueryItem(tags=["a"]), QueryItem(tags=["b"]))
        assert _texts(log.read(query)) == ["ab", "b"]

    def test_an_item_without_tags_matches_by_type_alone(self, log: Log) -> None:
        log.append([_noted("a", "x"), _noted("untagged"), Counted(1)])
        assert _texts(log.read(Query.of(QueryItem(types=[Noted])))) == ["a", "untagged"]

    def test_an_item_without_types_matches_by_tags_alone(self, log: Log) -> None:
        log.append([_noted("a", "x"), _noted("b", "y")])
        assert _texts(log.read(_tagged("x"))) == ["a"]

    def test_a_query_agrees_with_its_own_matches(self, log: Log) -> None:
        log.append(
            [_noted(str(n), *(tag for bit, tag in enumerate("abc") if n >> bit & 1)) for n in range(8)]
        )
        everything = list(log.read(Query.all()))
        for query in (
            _tagged("a"),
            _tagged("a", "c"),
            Query.of(QueryItem(tags=["b"], types=[Noted]), QueryItem(types=[Counted])),
        ):
            assert list(log.read(query)) == [each for each in everything if query.matches(each)]

    def test_tags_that_look_alike_are_different_tags(self, log: Log) -> None:
        for first, second in LOOKALIKES:
            log.append([_noted(first, first), _noted(second, second)])
            assert _texts(log.read(_tagged(first))) == [first]
            assert _texts(log.read(_tagged(second))) == [second]
            log.append([_noted("more", first)], condition=AppendCondition(_tagged(second, types=[Counted])))

    # --- reading ---------------------------------------------------------------------------------

    def test_read_begins_after_a_position(self, log: Log) -> None:
        first, second, third = log.append([_noted("a"), _noted("b"), _noted("c")])
        assert list(log.read(Query.all(), after=first.position)) == [second, third]
        assert list(log.read(Query.all(), after=third.position)) == []
        assert list(log.read(Query.all(), after=2**63 - 1)) == []

    def test_read_takes_a_limit_from_either_end(self, log: Log) -> None:
        log.append([_noted(text, "x") for text in "abcde"])
        for query in (Query.all(), _tagged("x")):
            assert _texts(log.read(query, limit=2)) == ["a", "b"]
            assert _texts(log.read(query, limit=2, backwards=True)) == ["e", "d"]
            assert _texts(log.read(query, limit=0)) == []
            assert _texts(log.read(query, backwards=True)) == ["e", "d", "c", "b", "a"]

    def test_read_is_lazy_and_sees_the_log_as_it_was_when_it_began(self, log: Log) -> None:
        log.append([_noted("a"), _noted("b")])
        events = log.read(Query.all())
        assert next(events).event.text == "a"
        log.append([_noted("c")])
        assert _texts(events) == ["b"]

    # --- conditions ------------------------------------------------------------------------------

    def test_a_condition_fails_when_a_matching_event_stands_after_its_position(self, log: Log) -> None:
        [first] = log.append([_noted("a", "x")])
        [second] = log.append([_noted("b", "x")])
        condition = AppendCondition(_tagged("x"), after=first.position)
        error = _raises(AppendConditionFailed, log.append, [_noted("c")], condition=condition)
        assert error.condition == condition
        assert error.positions == (second.position,)
        assert _texts(log.read(Query.all())) == ["a", "b"]

    def test_a_condition_without_position_fails_for_any_matching_event(self, log: Log) -> None:
        log.append([_noted("a", "x")])
        condition = AppendCondition(_tagged("x"))
        _raises(AppendConditionFailed, log.append, [_noted("b", "x")], condition=condition)

    def test_a_condition_holds_when_only_others_were_recorded_since(self, log: Log) -> None:
        [first] = log.append([_noted("a", "x")])
        log.append([_noted("b", "y"), Proposed(Counted(1), tags=("x",))])
        condition = AppendCondition(_tagged("x", types=[Noted]), after=first.position)
        assert _texts(log.append([_noted("c", "x")], condition=condition)) == ["c"]

    def test_a_condition_may_lie_above_the_head(self, log: Log) -> None:
        log.append([_noted("a", "x")])
        condition = AppendCondition(_tagged("x"), after=2**63 - 1)
        assert _texts(log.append([_noted("b", "x")], condition=condition)) == ["b"]

    def test_a_condition_of_everything_fails_for_anything(self, log: Log) -> None:
        log.append([_noted("untagged")])
        _raises(AppendConditionFailed, log.append, [_noted("b")], condition=AppendCondition(Query.all()))

    # --- contexts --------------------------------------------------------------------------------

    def test_a_context_holds_the_matching_events_folded_and_a_condition_that_holds(self, log: Log) -> None:
        recorded = log.append([Proposed(Counted(1), tags=("x",)), Proposed(Counted(2), tags=("y",))])
        context = log.read_context(_tagged("x"), _counting)
        assert context.state == 1
        assert context.events == recorded[:1]
        assert context.position >= recorded[0].position
        assert context.append_condition == AppendCondition(_tagged("x"), after=context.position)
        log.append([_noted("b", "x")], condition=context.append_condition)
        _raises(AppendConditionFailed, log.append, [_noted("c")], condition=context.append_condition)

    def test_an_empty_context_has_the_initial_state(self, log: Log) -> None:
        context = log.read_context(_tagged("nobody"), _counting)
        assert (context.state, context.events) == (0, ())

    # --- dispatch --------------------------------------------------------------------------------

    def test_dispatch_decides_from_what_the_query_matches_and_records_it(self, log: Log) -> None:
        log.append([Proposed(Counted(9), tags=("other",))])
        done = log.dispatch(_Count("x", 2), decider=_counting, query=_count_context, metadata={"actor": "a"})
        assert [each.event for each in done.events] == [Counted(1)]
        assert done.events == tuple(log.read(_tagged("x")))
        assert done.position == done.events[-1].position
        assert (done.context.state, done.context.events, done.attempts) == (0, (), 1)
        assert done.events[0].metadata == {"actor": "a"}

    def test_dispatch_lets_a_domain_error_out_and_records_nothing(self, log: Log) -> None:
        for _ in range(2):
            log.dispatch(_Count("x", 2), decider=_counting, query=_count_context)
        error = _raises(LimitReached, log.dispatch, _Count("x", 2), decider=_counting, query=_count_context)
        assert error.limit == 2
        assert len(list(log.read(Query.all()))) == 2

    def test_dispatch_of_nothing_is_a_success_at_the_position_of_its_context(self, log: Log) -> None:
        [seen, _] = log.append([_noted("a", "x"), _noted("b", "y")])
        done = log.dispatch("command", decider=_idle, query=_tagged("x"))
        assert (done.events, done.position, done.context.state) == ((), seen.position, 1)
        assert len(list(log.read(Query.all()))) == 2

    def test_dispatch_takes_a_query_or_a_function_of_the_command(self, log: Log) -> None:
        log.dispatch(_Count("x", 2), decider=_counting, query=_tagged("x", types=[Counted]))
        assert log.dispatch(_Count("x", 2), decider=_counting, query=_count_context).context.state == 1

    # --- repetitions -----------------------------------------------------------------------------

    def test_the_same_key_records_once_and_returns_what_was_recorded(self, log: Log) -> None:
        first = log.append([_noted("a", "x"), _noted("b")], idempotency_key="k")
        condition = AppendCondition(_tagged("x"))
        assert log.append([_noted("a", "x"), _noted("b")], condition=condition, idempotency_key="k") == first
        assert len(list(log.read(Query.all()))) == 2
        assert first[0].metadata["idempotency_key"] == "k"

    def test_keys_are_compared_exactly(self, log: Log) -> None:
        for first, second in LOOKALIKES:
            log.append([_noted("a")], idempotency_key=first)
            log.append([_noted("b")], idempotency_key=second)
        assert len(list(log.read(Query.all()))) == 2 * len(LOOKALIKES)

    def test_a_key_with_other_content_is_refused(self, log: Log) -> None:
        log.append([_noted("a")], idempotency_key="k")
        for other in ([_noted("b")], [_noted("a", "x")], [_noted("a"), _noted("a")]):
            error = _raises(IdempotencyKeyReused, log.append, other, idempotency_key="k")
            assert error.key == "k"
        assert _texts(log.read(Query.all())) == ["a"]

    def test_a_key_that_failed_may_be_used_again(self, log: Log) -> None:
        log.append([_noted("a", "x")])
        condition = AppendCondition(_tagged("x"))
        _raises(
            AppendConditionFailed,
            log.append,
            [_noted("b")],
            condition=condition,
            idempotency_key="k",
        )
        assert _texts(log.append([_noted("b")], idempotency_key="k")) == ["b"]

    def test_the_same_event_ids_record_once_and_return_what_was_recorded(self, log: Log) -> None:
        proposals = [Proposed(Noted("a"), id=uuid4(), tags=("x",)), Proposed(Noted("b"), id=uuid4())]
        first = log.append(proposals)
        assert log.append(proposals, condition=AppendCondition(_tagged("x"))) == first
        assert len(list(log.read(Query.all()))) == 2

    def test_events_without_id_beside_one_that_has_one_are_repeated_too(self, log: Log) -> None:
        proposals = [Proposed(Noted("a"), id=uuid4()), Proposed(Noted("b"))]
        assert log.append(proposals) == log.append(proposals)
        assert len(list(log.read(Query.all()))) == 2

    def test_an_event_id_with_other_content_or_companions_is_refused(self, log: Log) -> None:
        id = uuid4()
        [first] = log.append([Proposed(Noted("a"), id=id)])
        for other in (
            [Proposed(Noted("b"), id=id)],
            [Proposed(Noted("a"), id=id, tags=("x",))],
            [Proposed(Noted("a"), id=id), Proposed(Noted("new"), id=uuid4())],
        ):
            error = _raises(EventIdReused, log.append, other)
            assert (error.id, error.position) == (id, first.position)
        assert _texts(log.read(Query.all())) == ["a"]

    def test_dispatch_under_a_key_decides_once(self, log: Log) -> None:
        first = log.dispatch(_Count("x", 1), decider=_counting, query=_count_context, idempotency_key="k")
        again = log.dispatch(_Count("x", 1), decider=_counting, query=_count_context, idempotency_key="k")
        assert (again.events, again.position) == (first.events, first.position)
        assert (again.context, again.attempts) == (None, 0)

    def test_dispatch_of_nothing_under_a_key_returns_nothing_again(self, log: Log) -> None:
        [seen] = log.append([_noted("a", "x")])
        first = log.dispatch("command", decider=_idle, query=_tagged("x"), idempotency_key="k")
        log.append([_noted("b", "x")])
        again = log.dispatch("command", decider=_idle, query=_tagged("x"), idempotency_key="k")
        assert (first.events, again.events) == ((), ())
        assert first.position == again.position == seen.position

    def test_a_key_of_another_command_is_refused(self, log: Log) -> None:
        log.dispatch(_Count("x", 1), decider=_counting, query=_count_context, idempotency_key="k")
        _raises(
            IdempotencyKeyReused,
            lambda: log.dispatch(
                _Count("y", 1), decider=_counting, query=_count_context, idempotency_key="k"
            ),
        )

    # --- transactions ----------------------------------------------------------------------------

    def test_what_a_transaction_recorded_goes_with_it(self, log: Log) -> None:
        def fail() -> None:
            with log.atomic():
                log.append([_noted("a", "x")], idempotency_key="k")
                log.dispatch(_Count("x", 5), decider=_counting, query=_count_context)
                raise LookupError

        _raises(LookupError, fail)
        assert list(log.read(Query.all())) == []
        assert _texts(log.append([_noted("b")], idempotency_key="k")) == ["b"]

    def test_a_transaction_sees_its_own_facts_when_it_decides(self, log: Log) -> None:
        with log.atomic():
            for number in (1, 2, 3):
                done = log.dispatch(_Count("x", 5), decider=_counting, query=_count_context)
                assert done.events[0].event == Counted(number)
        assert len(list(log.read(_tagged("x")))) == 3

    def test_an_inner_transaction_that_fails_leaves_the_outer_one_its_own(self, log: Log) -> None:
        def fail() -> None:
            with log.atomic():
                log.append([_noted("inner", "x")])
                raise LookupError

        with log.atomic():
            log.append([_noted("before", "x")])
            _raises(LookupError, fail)
            log.append([_noted("after", "x")])
        assert _texts(log.read(_tagged("x"))) == ["before", "after"]

    def test_a_refused_append_leaves_the_transaction_usable(self, log: Log) -> None:
        with log.atomic():
            log.append([_noted("a", "x")])
            condition = AppendCondition(_tagged("x"))
            _raises(AppendConditionFailed, log.append, [_noted("b")], condition=condition)
            log.append([_noted("c")])
        assert _texts(log.read(Query.all())) == ["a", "c"]

    # --- types without a class -------------------------------------------------------------------

    def test_an_event_of_an_allowed_type_without_a_class_is_recorded_as_it_is(self, log: Log) -> None:
        data: Any
        with override_settings(FACTOS_API_UNREGISTERED_TYPES=[_GONE]):
            for data in ({"b": 1, "a": [1e22, None, "é"]}, [1, 2.0], "text", 7, False):
                sent = UnregisteredEvent(_GONE, 3, data)
                (recorded,) = log.append([Proposed(sent, tags=("x",))])
                assert (recorded.event, recorded.type, recorded.version) == (sent, _GONE, 3)
                assert recorded.tags == ("x",)
                assert list(log.read(_tagged("x", types=[_GONE]), after=recorded.position - 1)) == [recorded]
        assert list(log.read(_tagged("y"))) == []

    def test_an_event_without_a_class_is_repeated_only_as_it_was(self, log: Log) -> None:
        id = uuid4()
        with override_settings(FACTOS_API_UNREGISTERED_TYPES=True):
            (first,) = log.append([Proposed(UnregisteredEvent(_GONE, 1, {"b": 1, "a": 2}), id=id)])
            (again,) = log.append([Proposed(UnregisteredEvent(_GONE, 1, {"a": 2, "b": 1}), id=id)])
            assert (again.position, again.event) == (first.position, first.event)
            for version, data in ((2, {"b": 1, "a": 2}), (1, {"b": 1})):
                other = Proposed(UnregisteredEvent(_GONE, version, data), id=id)
                _raises(EventIdReused, log.append, [other])
            (keyed,) = log.append([UnregisteredEvent(_GONE, 1, 1)], idempotency_key="k")
            (rekeyed,) = log.append([UnregisteredEvent(_GONE, 1, 1)], idempotency_key="k")
            assert rekeyed == keyed
            _raises(IdempotencyKeyReused, log.append, [UnregisteredEvent(_GONE, 2, 1)], idempotency_key="k")

    def test_an_event_without_a_class_is_refused_where_it_is_not_allowed(self, log: Log) -> None:
        _raises(TypeNotRegistered, log.append, [UnregisteredEvent(_GONE, 1, {})])
        with override_settings(FACTOS_API_UNREGISTERED_TYPES=["factos.contract.Other"]):
            _raises(TypeNotRegistered, log.append, [UnregisteredEvent(_GONE, 1, {})])
        bad: Any
        with override_settings(FACTOS_API_UNREGISTERED_TYPES=True):
            _raises(
                InvalidAppend, log.append, [UnregisteredEvent("factos.contract.Counted", 1, {"number": 1})]
            )
            for bad in BAD_NAMES:
                _raises(InvalidInput, log.append, [UnregisteredEvent(bad, 1, {})])
            for bad in (0, -1, 32_768, "1", True, None, 1.0):
                _raises(InvalidAppend, log.append, [UnregisteredEvent(_GONE, bad, {})])
            for bad in (None, "a\x00b", "a\ud800b", float("nan"), object(), "x" * 262_144):
                _raises(EncodeError, log.append, [UnregisteredEvent(_GONE, 1, bad)])
        assert list(log.read(Query.all())) == []

    # --- bad input -------------------------------------------------------------------------------

    def test_bad_tags_are_refused_and_nothing_is_stored(self, log: Log) -> None:
        bad: Any
        for bad in BAD_TAGS:
            _raises(InvalidTag, _tagged, bad)
            _raises(InvalidTag, Proposed, Noted(), tags=(bad,))
            _raises(InvalidTag, log.append, [Noted(), Noted(subject=bad if bad != 7 else "\n")])
        assert list(log.read(Query.all())) == []

    def test_bad_type_names_are_refused(self, log: Log) -> None:
        for bad in BAD_NAMES:
            _raises(InvalidInput, _tagged, "x", types=[bad])

    def test_bad_data_is_refused_and_nothing_is_stored(self, log: Log) -> None:
        deep: list[Any] = []
        for _ in range(100_000):
            deep = [deep]
        for bad in (
            "a\x00b", "a\ud800b", float("nan"), float("inf"), [float("-inf")], {1: "a", "1": "b"}, object(),
            deep, deep_enough_to_refuse(), "x" * 262_144,
        ):  # fmt: skip
            _raises(EncodeError, log.append, [Noted(), Noted(data=bad)])
        _raises(EncodeError, log.append, [Counted("seven")])  # type: ignore[arg-type]
        _raises(EncodeError, log.append, [Noted(7)])  # type: ignore[arg-type]
        assert list(log.read(Query.all())) == []

    def test_bad_metadata_is_refused_and_nothing_is_stored(self, log: Log) -> None:
        bad: Any
        for bad in ({"": 1}, {"a": "\x00"}, {"a": "\ud800"}, {"a": float("nan")}, {"a": []}, {7: 1}):
            _raises(InvalidMetadata, log.append, [Noted()], metadata=bad)
        _raises(InvalidMetadata, log.append, [Noted()], metadata={"idempotency_key": "k"})
        for key in ("", "x" * 256, "\x00", 7):
            _raises(InvalidMetadata, log.append, [Noted()], idempotency_key=key)
        assert list(log.read(Query.all())) == []

    def test_a_batch_that_is_empty_or_no_list_of_events_is_refused(self, log: Log) -> None:
        bad: Any
        for bad in ([], "text", {"a": 1}, 7, Noted()):
            _raises(InvalidAppend, log.append, bad)
        for bad in (["text"], [object()], [None], [Proposed("text")]):
            _raises(NotAnEvent, log.append, bad)

    def test_a_batch_above_the_limits_is_refused(self, log: Log) -> None:
        _raises(InvalidAppend, log.append, [Noted()] * 10_001)
        _raises(InvalidAppend, log.append, [_noted("a", *map(str, range(65)))])
        id = uuid4()
        _raises(InvalidAppend, log.append, [Proposed(Noted(), id=id), Proposed(Noted(), id=id)])
        assert list(log.read(Query.all())) == []

    def test_bad_positions_limits_and_queries_are_refused_at_the_call(self, log: Log) -> None:
        for position in (-1, 2**63, 1.5, "1", True):
            _raises(InvalidPosition, log.read, Query.all(), after=position)
            _raises(InvalidPosition, AppendCondition, Query.all(), after=position)
        for limit in (-1, 1.5, "1", True):
            _raises(InvalidLimit, log.read, Query.all(), limit=limit)
        too_many = Query.of(*(QueryItem(tags=[str(n)]) for n in range(101)))
        for query in ("x", None, too_many):
            _raises(InvalidQuery, log.read, query)
            _raises(InvalidQuery, log.dispatch, "c", decider=_idle, query=query)
        _raises(InvalidQuery, log.append, [Noted()], condition=Query.all())
        _raises(InvalidQuery, log.append, [Noted()], condition=AppendCondition(too_many))


def deep_enough_to_refuse() -> Any:
    """Return data of one level more than every database takes, under the level of the event itself."""
    data: Any = {}
    for _ in range(30):
        data = {"a": data}
    return data
