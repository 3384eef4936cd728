"""What a page about effects reads of the outbox is bounded, however many there are, of whatever kind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from django.db import connections

from factos_django.models import Effect
from tests.admin.statement_rows import statements_of
from tests.stores import on_databases

pytestmark = on_databases(also=["default"])

LIST = "/admin/factos/effect/"
EFFECTS = 8_000
#: No statement reads more (rows): a window, or what an index is asked for, and room for what SQLite counts.
MOST = 1_100
#: Nor has a page more of them about effects.
STATEMENTS = 70

FILTERS = {
    "nothing": {},
    "a state of most": {"state": "done"},
    "a state of many old ones": {"state": "dead"},
    "a state of few": {"state": "dropped"},
    "a state of many that are unfinished": {"state": "pending"},
    "a state of none": {"state": "running"},
    "a name of most": {"name": "often"},
    "a name of one, the oldest": {"name": "once"},
    "a name of none": {"name": "never"},
    "a reactor of none in a state of many": {"reactor": "never", "state": "dead"},
    "a key of many": {"ordering_key": "broad"},
    "a key of few": {"ordering_key": "rare"},
    "a key of many in a state of none": {"ordering_key": "broad", "state": "running"},
    "a key of few in a state of most": {"ordering_key": "rare", "state": "done"},
    "a name of none in a state of most with a key of many": {
        "name": "never",
        "state": "done",
        "ordering_key": "broad",
    },
    "a fact of none": {"position": 2**62},
    "words of nothing": {"q": "nothing"},
    "a number": {"q": "7"},
}


def fill(using):
    """Effects of one a minute: the oldest dead, then mostly done ones, the newest pending."""
    now = datetime.now(UTC)

    def effect(n):
        state = "dead" if n < EFFECTS // 4 else "pending" if n > 3 * EFFECTS // 4 else "done"
        state = "dropped" if n % 1_000 == 999 else state
        moment = now - timedelta(minutes=EFFECTS - n)
        return Effect(
            event_id=uuid4(),
            reactor="seldom" if n % 100 == 0 else "always",
            name="often" if n else "once",
            key=str(n),
            position=n,
            version=1,
            data="{}",
            created_at=moment,
            available_at=moment,
            publish_at=moment if state == "pending" else None,
            finished_at=None if state == "pending" else moment,
            ordering_key="broad" if n % 2 else "rare" if n % 500 == 0 else None,
            holds=state == "pending" and n % 2 == 1,
            state=state,
        )

    Effect.objects.using(using).bulk_create(map(effect, range(EFFECTS)), batch_size=500)


def analyze(using):
    with connections[using].cursor() as cursor:
        cursor.execute({"mysql": "ANALYZE TABLE factos_effect"}.get(connections[using].vendor, "ANALYZE"))
        cursor.fetchall() if cursor.description else None


def assert_bounded(root, using, path, parameters, what):
    def page():
        assert root.get(path, parameters).status_code == 200

    statements = statements_of(using, page)
    about = [each for each in statements if "factos_effect" in each.sql]
    assert 0 < len(about) <= STATEMENTS, what
    assert [each for each in about if each.rows > most_of(each, using)] == [], what


def most_of(statement, using):
    """MariaDB reads the rows of an inner SELECT, and then those once more."""
    return MOST * (2 if connections[using].vendor == "mysql" and "subquery" in statement.sql else 1)


def test_no_statement_of_a_list_reads_more_than_a_window(root, store):
    fill(store.using)
    first, last = (Effect.objects.using(store.using).order_by(order).first() for order in ("pk", "-pk"))
    period = {
        "created_after": (last.created_at - timedelta(minutes=EFFECTS // 2 + 30)).isoformat(),
        "created_before": (last.created_at - timedelta(minutes=EFFECTS // 2)).isoformat(),
    }
    never = {"created_after": (last.created_at + timedelta(days=900)).isoformat()}
    asked = FILTERS | {
        "a period": period,
        "a period and a state of none in it": {**period, "state": "dead"},
        "a period of nothing": never,
    }
    places = [{}, {"before": (first.pk + last.pk) // 2}, {"after": 0}]
    for round, place in enumerate(places):
        # SQLite and MariaDB know nothing of the table at first. PostgreSQL reads a small one that it knows
        # nothing of from end to end.
        if round or connections[store.using].vendor == "postgresql":
            analyze(store.using)
        for name, filters in asked.items():
            assert_bounded(root, store.using, LIST, {**filters, **place}, (name, place))


def test_a_period_is_found_at_once_in_the_middle(root, store):
    fill(store.using)
    newest = Effect.objects.using(store.using).latest("pk")
    period = {
        "created_after": (newest.created_at - timedelta(minutes=EFFECTS // 2 + 30)).isoformat(),
        "created_before": (newest.created_at - timedelta(minutes=EFFECTS // 2)).isoformat(),
    }
    found = root.get(LIST, period).context["cl"]
    back = [newest.pk - row.pk for row in found.result_list]
    assert back == list(range(EFFECTS // 2 + 1, EFFECTS // 2 + 30))
    assert found.looked_to is None


def test_no_statement_of_the_pages_of_one_reads_more_than_a_window(root, store):
    fill(store.using)
    analyze(store.using)
    line = Effect.objects.using(store.using).filter(ordering_key="broad").order_by("pk")
    for row in (line[0], line[len(line) // 2], line.filter(holds=True)[500], line.last()):
        for page in ("change", "retry", "retry-behind", "drop"):
            assert_bounded(root, store.using, f"{LIST}{row.pk}/{page}/", {}, (row.pk, page))
    waiting = line.filter(holds=True)[500]
    shown = root.get(f"{LIST}{waiting.pk}/change/").context
    assert (len(shown["waits_for"].effects), shown["waits_for"].is_more) == (10, True)
    assert (len(shown["held_by"].effects), shown["held_by"].is_more) == (10, True)
