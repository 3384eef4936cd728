"""Ask the API whatever its description allows, and more, and hold its answers against the description."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from django.contrib.auth.models import User
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from factos_django.store import append
from tests.parcels.domain import ParcelSent
from tests.rest.clients import a_client, a_user

__all__ = ["EXAMPLES", "SEEDS", "WHO", "Answers", "Asker", "answers_to", "filled"]

#: Set by tests.rest.fuzz for a longer run.
SEEDS = [int(each) for each in os.environ.get("FACTOS_TEST_FUZZ_SEEDS", "1").split(",")]
EXAMPLES = int(os.environ.get("FACTOS_TEST_FUZZ_EXAMPLES", "8"))

#: Who asks: everything allowed, the facts without their data. Nobody gets as far as the log.
WHO = ["root", "reader"]

#: What is not asked, and why.
LEFT_OUT = [
    # It sends what the description forbids and expects 400 or so. Parameters of an address are text: where a
    # list of strings is expected, what it takes for another type is one string more.
    checks.negative_data_rejection,
    # It expects that what fits its schema is accepted. No schema says which query can match, which type there
    # is, or which position is below the head; those are refused, as the description says, with 4xx.
    checks.positive_data_acceptance,
    # They send credentials of their own making, or none, and expect 401: with sessions first it is 403. That
    # nobody gets in is asked of every address in tests/rest/test_faults.py.
    checks.ignored_auth,
    checks.missing_required_header,
]


_ITEMS = st.fixed_dictionaries(
    {},
    optional={
        "types": st.lists(st.sampled_from(["parcels.Sent", "parcels.Reported", "ledger.Deposited"])),
        "tags": st.lists(st.sampled_from(["parcel:p1", "buyer:rob", "buyer:renata", "none:such"])),
    },
)
_QUERIES = st.just({"all": True}) | st.fixed_dictionaries({"items": st.lists(_ITEMS, max_size=3)})
_NAMES = st.sampled_from(["p1", "p2", "p3", "rob", "renata"])
_EVENTS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["parcels.Sent", "parcels.Reported", "no.such.Type"]),
        "data": st.fixed_dictionaries({"parcel": _NAMES}, optional={"buyer": _NAMES, "billed": _NAMES}),
    },
    optional={
        "tags": st.lists(st.sampled_from(["more:1", "more:2", ""]), max_size=2),
        "id": st.uuids().map(str),
    },
)

#: What makes sense in a log that is filled; by itself it is hardly ever drawn.
_MEMBERS = {
    "query": _QUERIES,
    "fail_if_events_match": _QUERIES,
    "events": st.lists(_EVENTS, max_size=3),
    "after": st.integers(0, 10),
    "before": st.integers(0, 10),
    "limit": st.integers(1, 10),
}
_PARTS = {
    "position": st.integers(1, 6).map(str),
    "name": st.sampled_from(["parcels.sent", "parcels.Sent", "ticketing.conferences", "ledger.balances"]),
    "id": st.integers(1, 12).map(str),
}


class Asker:
    """Somebody with credentials, who asks the API through WSGI."""

    def __init__(self, who: str) -> None:
        self.headers: dict[str, str] = {}
        if who == "root":
            user = User.objects.create_superuser(who, password=who)
        else:
            user = a_user(who, *(["view_event"] if who == "reader" else []))
            user.set_password(who)
            user.save()
        if who != "nobody":
            login = base64.b64encode(f"{who}:{who}".encode()).decode()
            self.headers = {"Authorization": f"Basic {login}"}


def filled(using: str) -> None:
    """Put facts into the log; their projections have rows then, and their reactors effects."""
    sent = [ParcelSent(f"p{number}", "renata" if number % 2 else "rob", billed="fine") for number in range(6)]
    append(sent, using=using)


@dataclass
class Answers:
    """How many requests were answered, how many of them with a 5xx, and what is wrong, a text each."""

    requests: int = 0
    server_errors: int = 0
    failures: list[str] = field(default_factory=list)


def answers_to(who: str, number: int, examples: int) -> Answers:
    """Ask everything for ``who``, by dice of this number."""
    asker = Asker(who)
    reader = a_client(User.objects.create_superuser("describes"))
    schema = schemathesis.openapi.from_dict(reader.fetch("schema/").json(), config=SchemathesisConfig())
    schema.app = get_wsgi_application()
    answers = Answers()
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]  # one that is described wrongly raises
        for mode in GenerationMode:
            _ask(operation, mode, asker, number, examples, answers)
    return answers


@st.composite
def _cases(draw: Any, operation: Any, mode: Any) -> Any:
    """Draw a request; most of those that are to fit speak of what the log holds."""
    case = draw(operation.as_strategy(generation_mode=mode))
    if mode is GenerationMode.POSITIVE and draw(st.integers(0, 3)):
        for name in set(case.path_parameters or ()).intersection(_PARTS):
            case.path_parameters[name] = draw(_PARTS[name])
        _make_sense(draw, case.body)
    return case


def _make_sense(draw: Any, body: Any) -> None:
    for name in sorted(body) if isinstance(body, dict) else ():
        if name in _MEMBERS:
            body[name] = draw(_MEMBERS[name])
        else:
            _make_sense(draw, body[name])


def _ask(operation: Any, mode: Any, asker: Asker, number: int, examples: int, answers: Answers) -> None:
    def count(_context: Any, response: Any, _case: Any) -> None:
        answers.requests += 1
        answers.server_errors += response.status_code >= 500

    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=_cases(operation, mode))
    def ask(case: Any) -> None:
        case.call_and_validate(headers=asker.headers, additional_checks=[count], excluded_checks=LEFT_OUT)

    try:
        ask()
    except FailureGroup as failure:
        answers.failures.append(f"{operation.method.upper()} {operation.path} ({mode.value}): {failure}")
