import json
import os
import subprocess
import sys
from collections import Counter
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connections

from demo_project.settings import BASE_DIR
from demo_project.ticketing import buyers
from demo_project.ticketing.domain import ConferenceOpened, SoldOut, sale_facts
from demo_project.ticketing.factos import sales, sales_by_hour
from demo_project.ticketing.management.commands.sell_tickets import Command
from demo_project.ticketing.models import ConferenceSales, SalesByHour
from demo_project.ticketing.sale import ACCEPTED, SOLD_OUT, Answer, Sale
from demo_project.ticketing.sale_report import SaleReport, Tally, count_recorded
from factos_django.projections import catch_up
from factos_django.projections.rebuilding import check
from factos_django.store import read

GLEAM = "gleamconf-2026"

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.fixture(
    params=[
        pytest.param(alias, marks=pytest.mark.django_db(transaction=True, databases=[alias]))
        for alias in settings.DATABASES
    ]
)
def alias(request):
    return request.param


def sell(alias="default", *, capacity=5, attempts=12, concurrency=4, options=()):
    """Run the command and return what it prints as JSON; CommandError if the sale broke a rule."""
    out = StringIO()
    numbers = [f"--capacity={capacity}", f"--attempts={attempts}", f"--concurrency={concurrency}"]
    call_command("sell_tickets", *numbers, f"--database={alias}", "--json", *options, stdout=out)
    return json.loads(out.getvalue())


def failed_sale():
    with pytest.raises(CommandError) as failed:
        sell()
    return str(failed.value)


def told(report):
    assert report["projected"] == report["recorded"]
    return {name: report[name] for name in ("accepted", "sold_out", "errors", "recorded")}


def test_exactly_the_capacity_is_recorded_after_any_number_of_runs(alias):
    first, second = sell(alias), sell(alias)
    assert told(first) == {"accepted": 5, "sold_out": 7, "errors": {}, "recorded": 5}
    assert told(second) == {"accepted": 0, "sold_out": 12, "errors": {}, "recorded": 5}


def test_a_conference_that_is_not_sold_out_sells_on_in_the_next_run(alias):
    first, second = sell(alias, attempts=3), sell(alias, attempts=3)
    assert told(first) == {"accepted": 3, "sold_out": 0, "errors": {}, "recorded": 3}
    assert told(second) == {"accepted": 2, "sold_out": 1, "errors": {}, "recorded": 5}


def test_transactions_that_are_held_open_sell_no_ticket_twice(alias):
    report = sell(alias, options=["--hold-ms=20"])
    assert told(report) == {"accepted": 5, "sold_out": 7, "errors": {}, "recorded": 5}
    assert report["seconds"] > 0.02


def test_the_facts_are_one_opening_and_tickets_of_different_buyers(alias):
    sell(alias)
    sell(alias)
    opening, *tickets = (each.event for each in read(sale_facts(GLEAM), using=alias))
    assert opening == ConferenceOpened(GLEAM, 5)
    assert len({ticket.buyer for ticket in tickets}) == len(tickets) == 5


def test_the_tables_hold_what_the_log_does_after_concurrent_sales(alias):
    for conference in (GLEAM, "djangocon"):
        sell(alias, capacity=7, attempts=20, concurrency=4, options=[f"--conference={conference}"])
    catch_up(sales_by_hour.name, using=alias)
    rows = ConferenceSales.objects.using(alias).order_by("pk").values_list("conference", "capacity", "sold")
    assert list(rows) == [("djangocon", 7, 7), (GLEAM, 7, 7)]
    hours = SalesByHour.objects.using(alias).values_list("conference", "sold")
    assert Counter(conference for conference, sold in hours for _ in range(sold)) == {
        GLEAM: 7,
        "djangocon": 7,
    }
    for projection in (sales, sales_by_hour):  # positions and all
        assert check(projection.name, using=alias).is_right


def test_the_count_is_of_the_tickets_of_this_conference(alias):
    sell(alias, capacity=2, attempts=2)
    sell(alias, capacity=3, attempts=3, options=["--conference=GleamConf-2026"])
    counts = [count_recorded(name, alias) for name in (GLEAM, "GleamConf-2026", f"{GLEAM} ")]
    assert counts == [2, 3, 0]


@pytest.mark.django_db(transaction=True)
def test_the_capacity_on_record_counts_and_the_command_says_so():
    sell(capacity=5, attempts=1)
    out, errors = StringIO(), StringIO()
    call_command("sell_tickets", "--capacity=7", "--attempts=9", "--no-color", stdout=out, stderr=errors)
    assert errors.getvalue() == f"{GLEAM} is open already: its capacity is 5.\n"
    assert "5  of 5, counted in the tables" in out.getvalue()
    assert "5  by ticketing.sales" in out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_the_report_is_aligned_and_without_colour():
    out = StringIO()
    call_command("sell_tickets", "--capacity=3", "--attempts=12", "--no-color", stdout=out)
    lines = out.getvalue().splitlines()
    assert [" ".join(line.split()) for line in lines[:6]] == [
        "gleamconf-2026 on default",
        "accepted 3",
        "sold out 9",
        "errors 0",
        "recorded 3 of 3, counted in the tables",
        "projected 3 by ticketing.sales",
    ]
    assert lines[-1] == "The rule held: 3 of 3 tickets are sold."
    assert "\x1b" not in out.getvalue()
    assert len({len(line) for line in lines[1:4]}) == 1


@pytest.mark.django_db(transaction=True)
def test_verbosity_0_prints_nothing():
    out, errors = StringIO(), StringIO()
    call_command("sell_tickets", "--capacity=3", "--attempts=4", "--verbosity=0", stdout=out, stderr=errors)
    assert (out.getvalue(), errors.getvalue()) == ("", "")


@pytest.mark.django_db(transaction=True)
def test_each_process_buys_on_a_connection_of_its_own(monkeypatch, tmp_path):
    def buy(sale, buyer):
        connected = connections[sale.using].connection is not None
        (tmp_path / buyer).write_text(f"{os.getpid()} {connected}")
        return really_buy(sale, buyer)

    really_buy = buyers.buy
    monkeypatch.setattr(buyers, "buy", buy)
    sell(attempts=12, concurrency=4)
    processes = Counter(path.read_text() for path in tmp_path.iterdir())
    assert sorted(processes.values()) == [3, 3, 3, 3]
    assert all(text.endswith(" True") and text != f"{os.getpid()} True" for text in processes)


@pytest.mark.django_db(transaction=True)
def test_a_process_that_dies_counts_as_errors_for_what_it_did_not_report(monkeypatch):
    def buy(sale, buyer):
        if buyer.endswith("-6"):
            os._exit(9)
        return really_buy(sale, buyer)

    really_buy = buyers.buy
    monkeypatch.setattr(buyers, "buy", buy)
    out = StringIO()
    with pytest.raises(CommandError, match="2 of 12 attempts ended in errors"):
        call_command("sell_tickets", "--attempts=12", "--concurrency=4", "--json", stdout=out)
    assert json.loads(out.getvalue())["errors"] == {"ProcessDied(9)": 2}


@pytest.mark.django_db(transaction=True)
def test_errors_are_counted_by_their_class_and_shown_with_a_message(monkeypatch):
    def buy(sale, buyer):
        if buyer.endswith("-1"):
            raise ZeroDivisionError("by\nnothing")
        if buyer.endswith(("-2", "-3")):
            raise KeyError(buyer)
        return really_buy(sale, buyer)

    really_buy = buyers.buy
    monkeypatch.setattr(buyers, "buy", buy)
    out = StringIO()
    with pytest.raises(CommandError, match="3 of 6 attempts ended in errors"):
        call_command("sell_tickets", "--attempts=6", "--concurrency=2", "--no-color", stdout=out)
    shown = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert "errors 3" in shown
    assert "ZeroDivisionError 1 by nothing" in shown
    assert any(line.startswith("KeyError 2 'buyer-") for line in shown)


@pytest.mark.django_db(transaction=True)
def test_an_acceptance_that_was_not_recorded_fails_the_sale(monkeypatch):
    monkeypatch.setattr(buyers, "buy", lambda sale, buyer: 0)
    assert "12 buyers were accepted, and 0 tickets were recorded meanwhile" in failed_sale()


@pytest.mark.django_db(transaction=True)
def test_a_row_that_is_lost_fails_the_sale_until_it_is_computed_again():
    sell()
    with connections["default"].cursor() as cursor:
        cursor.execute("DELETE FROM ticketing_conferencesales")
    assert "ticketing.sales counts 0 tickets, and 5 are recorded" in failed_sale()
    call_command("rebuild_projections", "ticketing.sales", "--no-input", stdout=StringIO())
    assert told(sell())["recorded"] == 5


@pytest.mark.django_db(transaction=True)
def test_a_refusal_before_the_last_ticket_fails_the_sale(monkeypatch):
    def refuse(sale, buyer):
        raise SoldOut(capacity=5)

    monkeypatch.setattr(buyers, "buy", refuse)
    assert "buyers were told 'sold out' with 0 of 5 tickets recorded" in failed_sale()


def report(answers, *, attempts, before, after, projected=None, capacity=5):
    projected = after if projected is None else projected
    tally = Tally()
    for kind in answers:
        tally.add(Answer(kind))
    return SaleReport(
        Sale(GLEAM, attempts, 4, 0, "default"), capacity, tally, before, after, projected, seconds=0.5
    )


def test_a_sale_above_the_capacity_is_named():
    oversold = report([ACCEPTED] * 7, attempts=7, before=0, after=7)
    assert oversold.failures() == ["oversold: 7 tickets are recorded, and the capacity is 5"]


def test_a_missing_answer_is_named():
    short = report([ACCEPTED] * 3, attempts=4, before=0, after=3)
    assert short.failures() == ["3 answers came to 4 attempts"]


def test_a_table_that_differs_from_the_log_is_named_with_the_command_that_mends_it():
    differing = report([ACCEPTED] * 2, attempts=2, before=0, after=2, projected=1)
    mend = "manage.py rebuild_projections ticketing.sales"
    assert differing.failures() == [f"ticketing.sales counts 1 tickets, and 2 are recorded ({mend})"]


def test_a_sale_that_kept_the_rules_has_no_failures():
    kept = report([ACCEPTED] * 2 + [SOLD_OUT] * 4, attempts=6, before=3, after=5)
    assert (kept.failures(), kept.decisions_per_second) == ([], 12.0)


def test_every_buyer_is_in_one_share_and_no_share_is_empty():
    shares = Sale(GLEAM, attempts=10, concurrency=4, hold_seconds=0, using="default").shares()
    buyers = [buyer for share in shares for buyer in share]
    assert [len(share) for share in shares] == [3, 3, 2, 2]
    assert len(set(buyers)) == 10


def test_more_processes_than_buyers_are_not_started():
    shares = Sale(GLEAM, attempts=2, concurrency=9, hold_seconds=0, using="default").shares()
    assert [len(share) for share in shares] == [1, 1]


def test_buyers_of_another_run_are_other_people():
    first, second = (Sale(GLEAM, 3, 1, 0, "default").shares()[0] for _ in range(2))
    assert not set(first) & set(second)


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("--capacity=0", "0 is less than 1"),
        ("--attempts=-3", "-3 is less than 1"),
        ("--concurrency=0", "0 is less than 1"),
        ("--concurrency=many", "'many' is no whole number"),
        ("--hold-ms=-1", "-1 is less than 0"),
        ("--conference=", "a conference has a name"),
        ("--conference=a\tb", "U+0009"),
        ("--conference=" + "x" * 250, "it has 256 characters"),
        ("--database=nowhere", "invalid choice"),
    ],
)
def test_usage_errors_are_refused_with_exit_code_2(argument, reason, capsys):
    with pytest.raises(SystemExit) as refused:
        Command().run_from_argv(["manage.py", "sell_tickets", argument])
    assert refused.value.code == 2
    assert reason in capsys.readouterr().err


def manage(directory, *arguments):
    environment = os.environ | {
        "DATABASE_URL": f"sqlite:///{directory / 'demo.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "demo_project.settings",
    }
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, check=False)


def test_from_the_shell_it_exits_with_0_and_with_1_on_a_database_without_tables(tmp_path):
    early = manage(tmp_path, "sell_tickets")
    assert (early.returncode, "migrated" in early.stderr) == (1, True), early.stderr
    assert manage(tmp_path, "migrate", "--verbosity=0").returncode == 0
    done = manage(tmp_path, "sell_tickets", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    expected = {"accepted": 100, "sold_out": 200, "errors": {}, "recorded": 100}
    assert told(json.loads(done.stdout)) == expected
