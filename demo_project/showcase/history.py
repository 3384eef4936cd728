"""What may have happened before anybody looks: stories over all contexts, made by chance, but by the rules.

Each fact is decided by the decider of its context, from those facts before it that its query asks for. What a
decider refuses does not happen. Pure; nothing here knows Django.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from random import Random
from typing import Any

from demo_project.banking.domain import (
    CloseAccount,
    DepositMoney,
    OpenAccount,
    TransferMoney,
    WithdrawMoney,
    accounting,
    facts_of_account,
)
from demo_project.billing.domain import InvoiceIssued, IssueInvoice, PayInvoice, VoidInvoice
from demo_project.registration.domain import ChangeUsername, RegisterUsername, ReleaseUsername
from demo_project.showcase.names import conferences, people
from demo_project.showcase.past import Decision, Past
from demo_project.ticketing.domain import BuyTicket, OpenConference

__all__ = ["history"]

#: Whoever runs the conferences, and the account that tickets and invoices are paid to.
OFFICE = "office"
#: What the conferences hold: little, so that some of them are sold out.
CAPACITIES = (25, 40, 60)
#: The next conference, and its tickets: nobody has bought one, so whoever sees the demo can.
COMING, COMING_CAPACITY = "djangocon-2027", 300
#: So many invoices are issued before the next month begins, and with it the next series.
INVOICES_A_MONTH = 100
FIRST_YEAR = 2024


def history(seed: int) -> Iterator[Decision]:
    """Yield decisions, without an end: the same ones for the same ``seed``."""
    season = Season(seed)
    while True:
        yield from season.story()


@dataclass(slots=True, eq=False)
class Person:
    """A member, by the name of the day; the account keeps the first one."""

    member: str
    username: str
    account: str


class Season:
    """People, and what they do next."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(seed)
        self._past = Past(seed)
        self._told: list[Decision] = []
        self._names = people(self._chance)
        self._people: list[Person] = []
        self._members = 0
        self._conferences = conferences()
        self._conference = ""
        self._months = 0
        self._unpaid: list[tuple[InvoiceIssued, Person]] = []

    def story(self) -> list[Decision]:
        """Let one thing happen, and return it with what came of it."""
        self._told = []
        self._past.begin_story()
        if not self._members:
            self.found_office()
        few = len(self._people) < 2
        (tell,) = [Season.join] if few else self._chance.choices(list(_STORIES), list(_STORIES.values()))
        tell(self)
        return self._told

    def found_office(self) -> None:
        """Let somebody sell tickets, and be paid."""
        self._ask(OFFICE, OpenAccount(OFFICE))
        self._ask(OFFICE, OpenConference(COMING, COMING_CAPACITY))
        self._open_conference()

    def join(self) -> None:
        """Somebody registers, opens an account, and puts money in."""
        self._members += 1
        name = next(self._names)
        person = Person(f"member-{self._members}", name, name)
        self._people.append(person)
        self._ask(name, RegisterUsername(person.member, name))
        self._ask(name, OpenAccount(name))
        self._ask(name, DepositMoney(name, self._euros(100, 900)))

    def rename(self) -> None:
        """Somebody takes another name."""
        person = self._somebody()
        if self._ask(person.username, ChangeUsername(person.member, next(self._names))):
            person.username = self._told[-1].fact.new

    def leave(self) -> None:
        """Somebody who owes nothing takes the money and goes."""
        person = self._somebody()
        if len(self._people) < 3 or any(person is debtor for _, debtor in self._unpaid):
            return
        if balance := self._balance(person.account):
            self._ask(person.username, WithdrawMoney(person.account, balance))
        self._ask(person.username, CloseAccount(person.account))
        self._ask(person.username, ReleaseUsername(person.member))
        self._people.remove(person)

    def earn(self) -> None:
        """Somebody puts money into the account."""
        person = self._somebody()
        self._ask(person.username, DepositMoney(person.account, self._euros(20, 600)))

    def spend(self) -> None:
        """Somebody takes money out of the account, if there is enough."""
        person = self._somebody()
        self._ask(person.username, WithdrawMoney(person.account, self._euros(10, 300)))

    def send(self) -> None:
        """Somebody sends money to somebody, if there is enough."""
        source, target = self._chance.sample(self._people, 2)
        self._ask(source.username, TransferMoney(source.account, target.account, self._euros(5, 200)))

    def attend(self) -> None:
        """Somebody buys a ticket, and pays for it at once, or later."""
        person = self._somebody()
        if not self._ask(person.username, BuyTicket(self._conference, person.username)):
            self._open_conference()
            self._ask(person.username, BuyTicket(self._conference, person.username))
        self._bill(person, self._euros(80, 300))
        self._pay(*self._unpaid.pop())

    def bill(self) -> None:
        """The office asks somebody for money."""
        self._bill(self._somebody(), self._euros(15, 450))

    def settle(self) -> None:
        """Somebody pays an invoice; now and then the office takes one back."""
        if not self._unpaid:
            return
        invoice, person = self._unpaid.pop(self._chance.randrange(len(self._unpaid)))
        if self._chance.random() < 0.08:
            self._ask(OFFICE, VoidInvoice(invoice.series, invoice.number))
        else:
            self._pay(invoice, person)

    def _open_conference(self) -> None:
        self._conference = next(self._conferences)
        self._ask(OFFICE, OpenConference(self._conference, self._chance.choice(CAPACITIES)))

    def _bill(self, person: Person, amount: int) -> None:
        years, month = divmod(self._months, 12)
        series = f"{FIRST_YEAR + years}-{month + 1:02}"
        issued = self._ask(OFFICE, IssueInvoice(series, person.username, amount))
        assert issued is not None  # the next number is always free
        self._unpaid.append((issued.fact, person))
        self._months += issued.fact.number >= INVOICES_A_MONTH

    def _pay(self, invoice: InvoiceIssued, person: Person) -> None:
        if self._ask(person.username, TransferMoney(person.account, OFFICE, invoice.amount)):
            self._ask(OFFICE, PayInvoice(invoice.series, invoice.number, invoice.amount))
        else:
            self._unpaid.append((invoice, person))  # there is not enough: another time

    def _somebody(self) -> Person:
        return self._chance.choice(self._people)

    def _euros(self, least: int, most: int) -> int:
        return self._chance.randrange(least * 100, most * 100, 50)

    def _balance(self, account: str) -> int:
        facts = self._past.memory.matching(facts_of_account(account))
        return reduce(accounting.evolve, facts, accounting.initial).of(account).balance

    def _ask(self, actor: str, command: Any) -> Decision | None:
        decision = self._past.decide(actor, command)
        if decision is not None:
            self._told.append(decision)
        return decision


#: What may happen, and how often. Tickets are few: each is announced by a mail.
_STORIES: dict[Callable[[Season], None], int] = {
    Season.join: 12,
    Season.rename: 2,
    Season.leave: 1,
    Season.earn: 12,
    Season.spend: 5,
    Season.send: 20,
    Season.attend: 3,
    Season.bill: 9,
    Season.settle: 9,
}
