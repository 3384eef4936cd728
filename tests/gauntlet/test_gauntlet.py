"""The page says what the runs saw, zero or not, and the gauntlet has a case for what must gate a release."""

import json
import subprocess
import sys

import pytest

from demo_project.settings import BASE_DIR
from tests.children import environment_apart
from tests.gauntlet.outcome import Outcome
from tests.gauntlet.page import BEGIN, PAGE, written
from tests.gauntlet.promises import PROMISES
from tests.gauntlet.scenarios import SCENARIOS
from tests.history.faults import Fault
from tests.markdown import END

EMPTY = f"before\n{BEGIN}\nof another run\n{END}\nafter\n"
#: By the catalogue of faults: what must hold before a release.
GATE = (
    "A1-A6, A8, A11-A13, A15, A19, B1-B6, C1, C2, C9-C11, C13, D1, D3, D5, D7, D11, D16-D18, D21, "
    "E1, E2, E4, E5, E13"
)


@pytest.fixture(autouse=True)
def no_machine(monkeypatch):
    monkeypatch.setattr("tests.gauntlet.page.machine", lambda: iter(["a machine"]))


def outcome(scenario="many writers", place="postgres-tags", *faults, **about):
    counts = about.pop("counts", {"facts": 1200, "decisions": 300, "passing": 7})
    return Outcome.judged(scenario, place, 7, 60.0, faults, counts=counts, **about)


def line_of(page, begin):
    (line,) = (each for each in page.splitlines() if each.startswith(begin))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_promise_that_held_has_a_zero_beside_what_was_tried():
    page = written(EMPTY, [outcome(), outcome(place="sqlite-log")], [])
    assert line_of(page, "| G1 atomic")[-3:] == ["**0** of 1,200", "**0** of 1,200", "not tried"]
    assert line_of(page, "| G5 parallel")[-3:] == ["not promised", "**0** of 7", "not promised"]


def test_a_promise_that_was_broken_is_counted_where_it_was():
    faults = [Fault("G2", "one"), Fault("G2", "two"), Fault("G6 lost", "three")]
    bad = outcome("many writers", "mariadb-log", *faults)
    assert not bad.is_good
    page = written(EMPTY, [bad], [])
    assert line_of(page, "| G2 condition")[-1] == "**2** of 300"
    assert line_of(page, "| G6 effects | effects lost")[-1] == "**1** of 0"
    assert line_of(page, "| many writers")[-1] == "1"


def test_what_proved_too_little_is_not_good():
    assert not outcome(problems=["proved too little: decisions 3, of 150"]).is_good
    assert outcome().is_good


def test_the_page_keeps_what_is_around_the_tables():
    page = written(EMPTY, [outcome()], ["disk full, sqlite-log: only root may mount a small disk"])
    assert (page.partition(BEGIN)[0], page.partition(END)[2]) == ("before\n", "\nafter\n")
    assert "of another run" not in page
    assert "- left out: disk full, sqlite-log: only root may mount a small disk\n" in page
    assert written(PAGE.read_text(), [outcome()], []).startswith("# Reliability")
    with pytest.raises(ValueError, match="lacks one of the marks"):
        written("nothing", [outcome()], [])


def test_recoveries_are_told_by_their_median_and_the_longest():
    page = written(EMPTY, [outcome("server killed", recoveries=[1.0, 2.0, 9.0])], [])
    assert line_of(page, "| server killed, to")[1:] == ["PostgreSQL", "3", "2.0", "9.0"]


def test_mutants_are_counted_and_named_with_what_found_them():
    killed = Outcome("mutants", "postgres-tags: guard dropped", 1, 3.0, counts={"mutants": 1, "killed": 1},
                     labels={"mutant": "guard dropped", "found by": "G2"})  # fmt: skip
    alive = Outcome("mutants", "mariadb: tags folded", 1, 99.0, counts={"mutants": 1, "killed": 0},
                    labels={"mutant": "tags folded", "found by": ""}, problems=("it survived",))  # fmt: skip
    page = written(EMPTY, [outcome(), killed, alive], [])
    assert "1 of 2 were found." in page
    assert line_of(page, "| guard dropped")[1:3] == ["postgres-tags", "G2"]
    assert line_of(page, "| tags folded")[1:3] == ["mariadb", "**nothing**"]


def named(faults):
    """Yield each fault of ``A1, B2-B4``."""
    for part in faults.split(", "):
        first, _, last = part.partition("-")
        if first[0] in "ABCDE":
            for number in range(int(first[1:]), int((last or first)[1:]) + 1):
                yield f"{first[0]}{number}"


def test_every_fault_that_must_gate_a_release_has_a_scenario():
    assert set(named(GATE)) <= {each for scenario in SCENARIOS for each in named(scenario.faults)}


def test_every_promise_of_the_page_of_promises_has_a_line():
    promised = (BASE_DIR / "docs" / "explanation" / "promises.md").read_text()
    names = {line.split("|")[1].strip(" *") for line in promised.splitlines() if line.startswith("| **G")}
    assert {name.split()[0] for name in names} == {each.name.split()[0] for each in PROMISES} - {
        "REST",
        "all",
    }


@pytest.mark.parametrize("short", [True, False])
def test_cases_have_names_of_their_own_and_a_database(short):
    for scenario in SCENARIOS:
        places = [case.place for case in scenario.cases(7, short)]
        assert len(places) == len(set(places))
        for place in places:
            assert Outcome(scenario.name, place, 7, 0.0).database


def gauntlet(*arguments):
    command = [sys.executable, "-m", "tests.gauntlet", *arguments]
    return subprocess.run(
        command,
        cwd=BASE_DIR,
        env=environment_apart(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_what_is_on_record_is_not_run_again(tmp_path):
    record = tmp_path / "record.jsonl"
    done = gauntlet("races", "--short", "--seed", "7", "--record", str(record))
    assert done.returncode == 0, done.stdout + done.stderr
    told = [json.loads(line) for line in record.read_text().splitlines()]
    assert {each["scenario"] for each in told} == {"races"}
    assert all(each["counts"]["races"] == 34 for each in told)
    before = record.read_text()
    again = gauntlet("races", "--short", "--seed", "8", "--record", str(record))
    assert "seed 7: races 34" in again.stdout
    assert record.read_text() == before


def test_a_scenario_that_is_not_there_is_refused():
    assert "there is no scenario quakes" in gauntlet("quakes").stderr


def test_a_page_is_written_from_a_whole_run_alone():
    assert "the page is written from a whole run" in gauntlet("--write", "--short").stderr
