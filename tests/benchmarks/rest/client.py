"""``python -m tests.benchmarks.rest.client JOB``: one client process, which knows HTTP and no Django."""

from __future__ import annotations

import http.client
import json
import os
import random
from typing import Any

from tests.benchmarks.facts import TYPE, contexts_of_log
from tests.benchmarks.tasks import Job, Steps, serve, until

__all__ = ["Api"]

_WARM_UP = 20
#: Rows.
_PAGE = 100


class Api:
    """The API of a server, over one connection that is kept."""

    def __init__(self, address: str, session: str) -> None:
        self._connection = http.client.HTTPConnection(address)
        secret = "s" * 32  # of the client's choice: the cookie and the header have to agree
        self._headers = {
            "Cookie": f"sessionid={session}; csrftoken={secret}",
            "X-CSRFToken": secret,
            "Content-Type": "application/json",
        }

    def get(self, path: str) -> Any:
        return self._answer("GET", path, None)

    def post(self, path: str, body: Any) -> Any:
        return self._answer("POST", path, json.dumps(body))

    def _answer(self, method: str, path: str, body: str | None) -> Any:
        self._connection.request(method, f"/api/{path}", body, self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 201):
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text)


def append(api: Api, job: Job) -> Steps:
    """Append under a condition, each time about a context that is new."""

    def one(name: str) -> None:
        fact = job.fact(name)
        data = {"context": fact.context, "tenant": fact.tenant, "note": fact.note}
        condition = {"fail_if_events_match": {"items": [{"tags": [fact.context_tag]}]}}
        api.post("events/append/", {"events": [{"type": TYPE, "data": data}], "condition": condition})

    for ordinal in range(_WARM_UP):
        one(f"warm-{job.number}-{ordinal}")
    yield
    return until(job.seconds, lambda ordinal: one(f"rest-{job.number}-{ordinal}"))


def query(api: Api, job: Job) -> Steps:
    """Read contexts of ten facts, one drawn after the other."""
    draw = random.Random(job.number)

    def one(_: int) -> None:
        context = draw.randrange(contexts_of_log(job.log))
        items = [{"tags": [f"context:{context}"]}]
        assert api.post("events/query/", {"query": {"items": items}})["events"]

    for ordinal in range(_WARM_UP):
        one(ordinal)
    yield
    return until(job.seconds, one)


def pages(api: Api, job: Job) -> Steps:
    """Read the same page of the log, of all facts or those of a tenant, beginning after a position."""
    tag = f"&tag=tenant:{job.tenant}" if job.tenant else ""

    def one(_: int) -> None:
        assert api.get(f"events/?limit={_PAGE}&after={job.after}{tag}")["events"]

    for ordinal in range(_WARM_UP):
        one(ordinal)
    yield
    return until(job.seconds, one)


if __name__ == "__main__":
    tasks = {each.__name__: each for each in (append, query, pages)}
    serve(Api(os.environ["FACTOS_BENCH_ADDRESS"], os.environ["FACTOS_BENCH_SESSION"]), tasks)
