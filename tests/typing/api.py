"""The examples of the design, as users type them. mypy reads this file; nothing runs it.

A line that must fail says so with an ignore: under warn_unused_ignores it fails if it does not.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeAlias, assert_never, assert_type

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from factos_django import (
    AppendCondition,
    Backoff,
    Context,
    Decider,
    Deliver,
    Delivery,
    DomainError,
    Fatal,
    Proposed,
    Query,
    QueryItem,
    Reactor,
    Recorded,
    RetryLater,
    View,
    compute_events,
    compute_state,
    decide_context,
    effect_type,
    event_type,
    merge_reactors,
    merge_views,
    project,
    react,
)
from factos_django.dispatch import Dispatched, adispatch, dispatch, retrying, stamp
from factos_django.effects import reactor
from factos_django.models import ProjectionModel
from factos_django.projections import projection, projection_handler
from factos_django.rest_framework import CommandAPIView, CommandMixin
from factos_django.status import Health, Lag, Status, health, status
from factos_django.store import aappend, append, aread, head, read, read_context
from factos_django.tasks import EffectTask, effect_task
from factos_django.testing import InMemoryLog, deliver_effects, given, pending_effects, run_projections

# The domain


@event_type("typing.ConferenceOpened", version=1, tags=("event:{conference}",))
@dataclass(frozen=True, slots=True)
class ConferenceOpened:
    conference: str
    capacity: int


@event_type("typing.TicketSold", version=1, tags=("event:{conference}", "buyer:{buyer}"))
@dataclass(frozen=True, slots=True)
class TicketSold:
    conference: str
    buyer: str


@dataclass(frozen=True, slots=True)
class BuyTicket:
    conference: str
    buyer: str


@dataclass(frozen=True, slots=True)
class TicketWindow:
    capacity: int
    sold: int


class SoldOut(DomainError):
    """The conference has no ticket left."""

    capacity: int


def decide(window: TicketWindow, command: BuyTicket) -> list[TicketSold]:
    if window.sold >= window.capacity:
        raise SoldOut(capacity=window.capacity)
    return [TicketSold(command.conference, command.buyer)]


def evolve(window: TicketWindow, event: ConferenceOpened | TicketSold) -> TicketWindow:
    match event:
        case ConferenceOpened(capacity=capacity):
            return replace(window, capacity=capacity)
        case TicketSold():
            return replace(window, sold=window.sold + 1)
        case _:
            assert_never(event)


ticket_sales = Decider(initial=TicketWindow(capacity=0, sold=0), decide=decide, evolve=evolve)


def sale_context(command: BuyTicket) -> Query:
    return Query.of(QueryItem(types=[ConferenceOpened, TicketSold], tags=[f"event:{command.conference}"]))


# @event_type keeps the class's type, and a domain error takes its fields

assert_type(TicketSold("gleamconf", "renata"), TicketSold)
assert_type(TicketSold("gleamconf", "renata").buyer, str)
TicketSold("gleamconf", 7)  # type: ignore[arg-type]
TicketSold("gleamconf")  # type: ignore[call-arg]

assert_type(SoldOut(capacity=1), SoldOut)
assert_type(SoldOut(capacity=1).capacity, int)
assert_type(SoldOut.code, str)
SoldOut(capacity="x")  # type: ignore[arg-type]
SoldOut(1)  # type: ignore[call-arg]
SoldOut()  # type: ignore[call-arg]
SoldOut(capacity=1, seats=2)  # type: ignore[call-arg]


# Dispatch

sale = dispatch(BuyTicket("gleamconf-2026", "renata"), decider=ticket_sales, query=sale_context)
assert_type(sale.events, tuple[Recorded[TicketSold], ...])
assert_type(sale.events[0].event.buyer, str)
SaleFact: TypeAlias = ConferenceOpened | TicketSold

typed_sales: Decider[BuyTicket, TicketWindow, TicketSold] = Decider(
    initial=TicketWindow(capacity=0, sold=0), decide=decide, evolve=evolve
)
typed_sale = dispatch(BuyTicket("gleamconf", "renata"), decider=typed_sales, query=sale_context)
assert_type(typed_sale.events, tuple[Recorded[TicketSold], ...])
assert_type(typed_sale.events[0].event, TicketSold)
assert_type(typed_sale.position, int)
assert_type(typed_sale.attempts, int)

sale_by_query = dispatch(
    BuyTicket("g", "r"), decider=ticket_sales, query=Query.all(), idempotency_key="k", using="x"
)
wide: Decider[BuyTicket, TicketWindow, SaleFact] = Decider(
    initial=TicketWindow(capacity=0, sold=0), decide=decide, evolve=evolve
)
assert_type(
    dispatch(BuyTicket("g", "r"), decider=wide, query=sale_context).events,
    tuple[Recorded[ConferenceOpened | TicketSold], ...],
)


@dataclass(frozen=True, slots=True)
class CancelTicket:
    ticket: int


def cancel_context(command: CancelTicket) -> Query:
    return Query.of(QueryItem(tags=[f"ticket:{command.ticket}"]))


dispatch(BuyTicket("g", "r"), decider=typed_sales, query=cancel_context)  # type: ignore[arg-type]
dispatch(CancelTicket(7), decider=typed_sales, query=sale_context)  # type: ignore[misc]
dispatch(BuyTicket("g", "r"), decider=typed_sales, query="event:g")  # type: ignore[arg-type]
dispatch(BuyTicket("g", "r"), typed_sales, sale_context)  # type: ignore[call-arg]
dispatch(BuyTicket("g", "r"), decider=typed_sales)  # type: ignore[call-arg]


def evolve_cancelled(window: TicketWindow, event: CancelTicket) -> TicketWindow:
    return window


unrelated: Decider[BuyTicket, TicketWindow, TicketSold] = Decider(
    initial=TicketWindow(capacity=0, sold=0),
    decide=decide,
    evolve=evolve_cancelled,  # type: ignore[arg-type]
)
wrong_state: Decider[BuyTicket, TicketWindow, TicketSold] = Decider(
    initial=0,  # type: ignore[arg-type]
    decide=decide,
    evolve=evolve,
)


# Union commands and union events


@event_type("typing.Deposited", tags=("account:{account}",))
@dataclass(frozen=True, slots=True)
class Deposited:
    account: str
    amount: int


@event_type("typing.Withdrawn", tags=lambda event: [f"account:{event.account}"])
@dataclass(frozen=True, slots=True)
class Withdrawn:
    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class Deposit:
    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class Transfer:
    source: str
    target: str
    amount: int


def decide_booking(balance: int, command: Deposit | Transfer) -> list[Deposited | Withdrawn]:
    match command:
        case Deposit(account=account, amount=amount):
            return [Deposited(account, amount)]
        case Transfer(source=source, target=target, amount=amount):
            return [Withdrawn(source, amount), Deposited(target, amount)]
        case _:
            assert_never(command)


def evolve_balance(balance: int, event: Deposited | Withdrawn) -> int:
    match event:
        case Deposited(amount=amount):
            return balance + amount
        case Withdrawn(amount=amount):
            return balance - amount
        case _:
            assert_never(event)


bank: Decider[Deposit | Transfer, int, Deposited | Withdrawn] = Decider(
    initial=0, decide=decide_booking, evolve=evolve_balance
)


def transfer_context(command: Transfer) -> Query:
    return Query.of(QueryItem(types=[Deposited, Withdrawn], tags=[f"account:{command.source}"]))


def booking_context(command: Deposit | Transfer) -> Query:
    return Query.all()


transfer = dispatch(Transfer("a", "b", 5), decider=bank, query=transfer_context)
assert_type(transfer.events, tuple[Recorded[Deposited | Withdrawn], ...])
dispatch(Deposit("a", 5), decider=bank, query=booking_context)
dispatch(Transfer("a", "b", 5), decider=bank, query=booking_context)
dispatch(Deposit("a", 5), decider=bank, query=transfer_context)  # type: ignore[arg-type]
dispatch(BuyTicket("g", "r"), decider=bank, query=booking_context)  # type: ignore[misc]

transfers_alone: Decider[Transfer, int, Deposited | Withdrawn] = bank
all_commands: Decider[Deposit | Transfer, int, Deposited | Withdrawn] = transfers_alone  # type: ignore[assignment]

deposits: list[Deposited] = [Deposited("a", 5)]
assert_type(compute_events(bank, deposits, Deposit("a", 5)), tuple[Deposited | Withdrawn, ...])
assert_type(compute_state(bank, None, Deposit("a", 5)), int)
compute_events(bank, [TicketSold("g", "r")], Deposit("a", 5))  # type: ignore[misc]


# Store

context = read_context(booking_context(Deposit("a", 5)), bank)
assert_type(context, Context[int, Deposited | Withdrawn])
assert_type(context.state, int)
assert_type(context.append_condition, AppendCondition)
decided = decide_context(context, Deposit("a", 5), bank)
assert_type(decided, tuple[Deposited | Withdrawn, ...])
append(decided, condition=context.append_condition, metadata={"actor": "ada", "n": 1, "none": None})
append([Proposed(Deposited("a", 5), tags=("vip",)), Withdrawn("a", 5)])
append([Deposited("a", 5)], metadata={"actor": []})  # type: ignore[dict-item]
append([Deposited("a", 5)], condition=Query.all())  # type: ignore[arg-type]
assert_type(head(), int)
for recorded in read(Query.all(), after=head(), limit=10, backwards=True, using="default"):
    assert_type(recorded.position, int)
    assert_type(recorded.tags, tuple[str, ...])

proposal: Proposed[Deposited | Withdrawn] = Proposed(Deposited("a", 5))
wider: Recorded[Deposited | Withdrawn | TicketSold] = transfer.events[0]
narrower: Recorded[Deposited] = transfer.events[0]  # type: ignore[assignment]


async def asynchronous() -> None:
    done = await adispatch(Transfer("a", "b", 5), decider=bank, query=transfer_context)
    assert_type(done.events, tuple[Recorded[Deposited | Withdrawn], ...])
    await adispatch(Deposit("a", 5), decider=bank, query=transfer_context)  # type: ignore[arg-type]
    await aappend([Deposited("a", 5)], idempotency_key="k")
    async for recorded in aread(Query.all(), limit=3):
        assert_type(recorded.position, int)


@retrying(attempts=3)
def transfer_twice(amount: int, *, note: str = "") -> int:
    with stamp(actor="ada", correlation_id=lambda: "c"):
        dispatch(Transfer("a", "b", amount), decider=bank, query=transfer_context)
        return dispatch(Transfer("b", "a", amount), decider=bank, query=transfer_context).position


assert_type(transfer_twice(5, note="twice"), int)
transfer_twice("five")  # type: ignore[arg-type]


# Views


def evolve_count(count: int, event: Deposited | Withdrawn) -> int:
    return count + 1


def evolve_names(names: tuple[str, ...], event: Deposited) -> tuple[str, ...]:
    return (*names, event.account)


count = View(initial=0, evolve=evolve_count)
names: View[tuple[str, ...], Deposited] = View(initial=(), evolve=evolve_names)
assert_type(project(count, deposits), int)
assert_type(project(merge_views(count, names), deposits), tuple[int, tuple[str, ...]])
deposits_counted: View[int, Deposited] = count
project(names, [Withdrawn("a", 5)])  # type: ignore[misc]


# Projections


class AccountBalance(ProjectionModel):
    class Meta(ProjectionModel.Meta):
        abstract = True  # nothing runs this file, but django-stubs looks for the app of a table


@dataclass(frozen=True, slots=True)
class Balance:
    account: str
    amount: int


def evolve_row(row: Balance | None, recorded: Recorded[Deposited | Withdrawn]) -> Balance | None:
    return row and replace(row, amount=evolve_balance(row.amount, recorded.event))


def account_of(recorded: Recorded[Deposited | Withdrawn]) -> str:
    return recorded.event.account


def new_row(account: str) -> Balance | None:
    return Balance(account, 0)


booked = Query.of(QueryItem(types=[Deposited, Withdrawn]))
rows: View[Balance | None, Recorded[Deposited | Withdrawn]] = View(None, evolve_row)
balances = projection(
    "typing.balances",
    model=AccountBalance,
    query=booked,
    view=rows,
    mode="inline",
    key=account_of,
    start=new_row,
)
assert_type(balances.name, str)
projection("typing.by_label", model="bank.Balance", query=booked, view=rows, keys=lambda r: [r.event.account])
projection("typing.bare", model="bank.Balance", query=booked, view=deposits_counted, key=account_of)  # type: ignore[arg-type]
projection("typing.mode", model="bank.Balance", query=booked, view=rows, key=account_of, mode="sync")  # type: ignore[arg-type]
projection("typing.event_key", model="b.B", query=booked, view=rows, key=lambda event: event.account)  # type: ignore[attr-defined]
projection("typing.model", model=Balance, query=booked, view=rows, key=account_of)  # type: ignore[arg-type]
projection("typing.no_view", model="bank.Balance", query=booked, key=account_of)  # type: ignore[call-arg]


@projection_handler("typing.audit", query=booked, tables=["bank.Line"])
def audit(recorded: Recorded[Any], using: str) -> None: ...


@projection_handler("typing.unused", query=booked, tables=["bank.Line"])  # type: ignore[arg-type]
def audit_everywhere(recorded: Recorded[Any]) -> None: ...


# Reactors and effects


@effect_type("typing.AnnounceTicketSale", version=1)
@dataclass(frozen=True, slots=True)
class AnnounceTicketSale:
    buyer: str
    position: int


@effect_type("typing.Invoice")
@dataclass(frozen=True, slots=True)
class Invoice:
    buyer: str


class BadAddress(Exception):
    """Nobody lives there."""


assert_type(AnnounceTicketSale("ada", 1), AnnounceTicketSale)
AnnounceTicketSale("ada")  # type: ignore[call-arg]

ticket_facts = Query.of(QueryItem(types=[TicketSold]))


@reactor("typing.announce", query=ticket_facts)
def announce(recorded: Recorded[TicketSold]) -> list[AnnounceTicketSale | Deliver[AnnounceTicketSale]]:
    return [
        Deliver(
            AnnounceTicketSale(recorded.event.buyer, recorded.position),
            key=None,
            ordering_key=recorded.event.conference,
            delay=0.0,
        )
    ]


@reactor("typing.invoice", query=ticket_facts)
def invoice(recorded: Recorded[TicketSold]) -> list[Invoice]:
    return [Invoice(recorded.event.buyer)]


@reactor("typing.untold", query=ticket_facts)  # type: ignore[arg-type]
def of_two_arguments(recorded: Recorded[TicketSold], using: str) -> list[Invoice]:
    return []


@reactor("typing.nothing", query=ticket_facts)  # type: ignore[arg-type]
def of_one_effect(recorded: Recorded[TicketSold]) -> Invoice:
    return Invoice(recorded.event.buyer)


reactor("typing.no_query")  # type: ignore[call-arg]
assert_type(announce, Reactor[TicketSold, AnnounceTicketSale | Deliver[AnnounceTicketSale]])
assert_type(invoice, Reactor[TicketSold, Invoice])
ticket = typed_sale.events[0]
assert_type(announce(ticket)[0], AnnounceTicketSale | Deliver[AnnounceTicketSale])
assert_type(react(invoice, ticket), tuple[Invoice, ...])
assert_type(
    merge_reactors(announce, invoice),
    Reactor[TicketSold, AnnounceTicketSale | Deliver[AnnounceTicketSale] | Invoice],
)
invoice(transfer.events[0])  # type: ignore[arg-type]
Deliver(Invoice("ada"), delay="soon")  # type: ignore[arg-type]


@effect_task(
    AnnounceTicketSale,
    max_attempts=5,
    backoff=Backoff(first=2.0, factor=2.0, limit=3600.0),
    fatal=(BadAddress,),
    lease_seconds=300,
    queue="mail",
    rate_limit="10/m",
)
def announce_ticket_sale(effect: AnnounceTicketSale, delivery: Delivery) -> None:
    assert_type(delivery.key, str)
    assert_type(delivery.attempt, int)
    if effect.buyer == "nobody":
        raise Fatal("nobody wants to know")
    raise RetryLater(60)


assert_type(announce_ticket_sale, EffectTask[AnnounceTicketSale])
announce_ticket_sale(AnnounceTicketSale("ada", 1), Delivery(key="k"))
announce_ticket_sale(Invoice("ada"), Delivery(key="k"))  # type: ignore[arg-type]
announce_ticket_sale(AnnounceTicketSale("ada", 1))  # type: ignore[call-arg]
announce_ticket_sale(AnnounceTicketSale("ada", 1), delivery="k")  # type: ignore[arg-type]
announce_ticket_sale.task.delay(1)
announce_ticket_sale.delay(1)  # type: ignore[attr-defined]


@effect_task(AnnounceTicketSale)  # type: ignore[arg-type]
def of_another_effect(effect: Invoice, delivery: Delivery) -> None: ...


@effect_task(Invoice)  # type: ignore[arg-type]
def of_one_argument(effect: Invoice) -> None: ...


effect_task(Invoice, max_attempts="5")  # type: ignore[arg-type]
effect_task(Invoice, backoff=2.0)  # type: ignore[arg-type]
effect_task(Invoice, fatal=BadAddress)  # type: ignore[arg-type]
RetryLater("soon")  # type: ignore[arg-type]


# Status

assert_type(status(), Status)
assert_type(status(using="default").projections[0].lag, Lag | None)
assert_type(health(max_lag=timedelta(seconds=30)), Health)
assert_type(health(max_lag=1000).problems, tuple[str, ...])
health(max_lag="30s")  # type: ignore[arg-type]


# The testing kit

opened, sold = ConferenceOpened("gleamconf", 1), TicketSold("gleamconf", "ada")
buy = BuyTicket("gleamconf", "renata")
given(opened).when(buy, decider=ticket_sales, query=sale_context).then(TicketSold("gleamconf", "renata"))
given(opened, sold).when(buy, decider=ticket_sales, query=sale_context).then_raises(SoldOut(capacity=1))
given(opened, sold).when(buy, decider=ticket_sales, query=sale_context).then_raises(SoldOut)
given().when(buy, decider=ticket_sales, query=Query.all()).then_nothing()
given(opened).when(buy, decider=ticket_sales, query=sale_context).then_raises(LookupError())  # type: ignore[arg-type]
assert_type(
    InMemoryLog().dispatch(Transfer("a", "b", 5), decider=bank, query=transfer_context).events,
    tuple[Recorded[Deposited | Withdrawn], ...],
)

given(sold).react(announce).then(AnnounceTicketSale("ada", 1))
given(sold).react(invoice).then(Deliver(Invoice("ada"), ordering_key="gleamconf"))
assert_type(pending_effects(Invoice), list[Invoice])
assert_type(pending_effects(), list[Any])
assert_type(deliver_effects(Invoice, raising=False, using="default"), list[Delivery])
assert_type(run_projections("typing.balances", using="default")[0].events, int)
deliver_effects(Invoice("ada"))  # type: ignore[arg-type]
run_projections(balances)  # type: ignore[arg-type]

# Queries

QueryItem(types=[TicketSold, "Elsewhere"], tags=("event:g",))
QueryItem(tags=[7])  # type: ignore[list-item]
Query.of("event:g")  # type: ignore[arg-type]

# Command endpoints


class BuyTicketView(CommandAPIView):
    command = BuyTicket
    decider = ticket_sales
    query = sale_context


class EveryTicketView(CommandAPIView):
    command = BuyTicket
    decider = ticket_sales
    query = Query.all()

    def get_command(self, data: BuyTicket) -> BuyTicket:
        return replace(data, buyer=str(self.request.user.pk))

    @retrying
    def perform_command(self, command: BuyTicket) -> Dispatched[TicketSold]:
        return super().perform_command(command)


class MethodsView(CommandMixin, ViewSet):
    def get_decider(self) -> Decider[BuyTicket, TicketWindow, TicketSold]:
        return ticket_sales_alone

    def get_query(self, command: BuyTicket) -> Query:
        return sale_context(command)

    def create(self, request: Request) -> Response:
        return self.handle_command(request)


class WrongView(CommandAPIView):
    decider = decide  # type: ignore[assignment]
    query = "event:gleamconf"  # type: ignore[assignment]
    using = 5  # type: ignore[assignment]


ticket_sales_alone: Decider[BuyTicket, TicketWindow, TicketSold] = Decider(
    TicketWindow(0, 0), decide, lambda window, event: window
)


def tell(context: Context[TicketWindow, TicketSold]) -> None:
    """Look at what a decision is about to see."""


dispatch(buy, decider=ticket_sales_alone, query=sale_context, check=tell)
dispatch(buy, decider=ticket_sales_alone, query=sale_context, check=decide)  # type: ignore[arg-type]
