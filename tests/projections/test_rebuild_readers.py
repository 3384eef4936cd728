"""C10, C12 and C13: what others see of a rebuild, and do meanwhile."""

import random
from contextlib import contextmanager

import pytest
from django.db import connections, transaction

from factos_django import RetryTransaction, StoreBusy
from factos_django.guards.log import LogGuardByRow
from factos_django.projections import catch_up, states
from factos_django.projections.rebuilding import check, rebuild
from factos_django.store import append
from tests.faults.actors import actors
from tests.ledger.domain import Deposited, Transferred
from tests.stores import on_databases

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

ACCOUNTS = [f"account {number}" for number in range(20)]
INLINE, ASYNC = "ledger.balances", "ledger.followed_balances"

# In one statement, which sees one state of the database. Each deposit is of 1.
LOOKS = {
    INLINE: "SELECT coalesce(sum(amount), 0), count(*), "
    "(SELECT count(*) FROM factos_event WHERE type = 'ledger.Deposited') FROM ledger_balance",
    ASYNC: f"SELECT coalesce(sum(amount), 0), count(*), {len(ACCOUNTS)} FROM ledger_followedbalance",
}


def execute(using, sql):
    with connections[using].cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall()) if cursor.description else []


def until_told(step):
    """What does ``step`` again and again until it is told to stop, and says what came of it."""

    def work(pipe):
        said, times = [], 0
        while not pipe.poll():
            said += filter(None, [step()])
            if not times:
                pipe.send("begun")
            times += 1
        pipe.send((times, said))

    return work


def reading(look, using):
    """Look; return what was seen if it cannot be."""
    most = 0

    def step():
        nonlocal most
        ((amount, rows, deposits),) = execute(using, look)
        fewer, most = rows < most, max(rows, most)
        return (amount, deposits, rows, most) if fewer or amount != deposits else None

    return until_told(step)


def writing(facts, using):
    def step():
        try:
            append(facts(), using=using)
        except (StoreBusy, RetryTransaction) as error:
            return repr(error)

    return until_told(step)


def following(using):
    return until_told(lambda: catch_up(ASYNC, using=using) and None)


def deposit_or_transfer():
    payer, payee = random.sample(ACCOUNTS, 2)
    return [Transferred(payer, payee, 1) if random.random() < 0.5 else Deposited(payer, 1)]


def transfer():
    payer, payee = random.sample(ACCOUNTS, 2)
    return [Transferred(payer, payee, 1)]


def harm(name, using):
    """Make each row wrong, in a column that readers do not look at."""
    with transaction.atomic(using=using):
        if name == INLINE:
            LogGuardByRow().hold(using)
            execute(using, "UPDATE ledger_balance SET moves = -1")
        else:
            states.hold(name, using)
            execute(using, "UPDATE ledger_followedbalance SET moves = -1")


@contextmanager
def meanwhile(*works):
    """Run ``works`` beside the block; what they said is in the list afterwards."""
    said = []
    with actors(*works) as started:
        for each in started:
            assert each.hear() == "begun"
        yield said
        for each in started:
            each.tell("stop")
        said += [each.hear() for each in started]


def opened(using):
    append([Deposited(account, 1) for account in ACCOUNTS], using=using)
    catch_up(using=using)


@on_databases()
@pytest.mark.parametrize("name", LOOKS)
def test_readers_see_no_row_less_and_no_mix_through_rebuilds_while_writers_append(store, name):
    using = store.using
    opened(using)
    reader = reading(LOOKS[name], using)
    writer = writing(deposit_or_transfer if name == INLINE else transfer, using)
    with meanwhile(reader, reader, writer, writer, following(using)) as said:
        for _ in range(3):
            harm(name, using)
            assert rebuild(name, batch_size=100, using=using).counts.different > 0
    *readers, first, second, _follower = said
    assert [seen for _, seen in readers] == [[], []]
    assert min(times for times, _ in readers) > 3
    assert min(first[0], second[0]) > 0
    assert first[0] + second[0] > 6  # SQLite's lock has no queue: one may get it again and again
    catch_up(using=using)
    assert check(name, using=using).is_right


@on_databases()
@pytest.mark.parametrize("name", LOOKS)
def test_a_check_finds_nothing_while_writers_append(store, name):
    using = store.using
    opened(using)
    writer = writing(deposit_or_transfer, using)
    with meanwhile(writer, writer, writer, writer, following(using)) as said:
        outcomes = [check(name, batch_size=100, using=using) for _ in range(4)]
    assert [outcome.sample for outcome in outcomes] == [()] * 4
    assert outcomes[-1].events >= outcomes[0].events >= len(ACCOUNTS)
    assert min(times for times, _ in said[:4]) > 1
