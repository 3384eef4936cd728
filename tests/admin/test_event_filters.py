"""What the list of facts can be narrowed to, by its filters and its search box."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

from factos_django.core.event import Proposed, UnregisteredEvent
from factos_django.store import append
from factos_django.testing.contract import Counted, Noted
from tests.admin.clients import staff_client
from tests.admin.pages import words_of
from tests.stores import on_databases

pytestmark = on_databases(also=["default"])

EVENTS = "/admin/factos/event/"
NOTED, COUNTED = "factos.contract.Noted", "factos.contract.Counted"
TRACE = "5f0c7a9e-2f57-4a0e-9a55-3d7f5b1f0f10"


def found(client, **parameters) -> list[int]:
    answer = client.get(EVENTS, parameters)
    assert answer.status_code == 200
    return [event.position for event in answer.context["cl"].result_list]


def hidden(html: str, form: str) -> list[tuple[str, str]]:
    """What a form says without being asked, its hidden inputs."""
    inside = re.search(rf'<form id="{form}".*?</form>', html, re.DOTALL)
    assert inside
    pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', inside[0])
    return [(name, unescape(value)) for name, value in pairs]


def test_filters_and_search_narrow_together(root, store):
    a, b, c, d = (
        each.position
        for each in append(
            [
                Proposed(Noted("1"), tags=["order:1", "buyer:ada"]),
                Proposed(Noted("2"), tags=["order:2", "buyer:ada"], metadata={"correlation_id": TRACE}),
                Proposed(Counted(3), tags=["order:2", "two words"], metadata={"correlation_id": TRACE}),
                Proposed(Counted(4), tags=["order:3"]),
            ],
            using=store.using,
        )
    )
    assert found(root) == [d, c, b, a]
    assert found(root, type=NOTED) == [b, a]
    assert found(root, type=[NOTED, COUNTED]) == [d, c, b, a]
    assert found(root, tag="order:2") == [c, b]
    assert found(root, tag=["order:2", "buyer:ada"]) == [b]
    assert found(root, tag=["order:2", "", "buyer:ada"]) == [b], "an input that was left empty asks nothing"
    assert found(root, correlation_id=TRACE) == [c, b]
    assert found(root, correlation_id=TRACE, type=COUNTED) == [c]
    assert found(root, correlation_id=TRACE[:-1]) == []
    assert found(root, q="tag:order:2 type:factos.contract.Counted") == [c]
    assert found(root, q='tag:"two words"') == [c]
    assert found(root, q=TRACE) == [c, b], "it is the id of no event"
    assert found(root, q=f"{TRACE} tag:buyer:ada") == [b]
    assert found(root, q="tag:order:2", type=[NOTED], correlation_id=TRACE) == [b]
    assert found(root, q=f"type:{NOTED} type:{COUNTED}") == []
    assert found(root, q=f"type:{NOTED}", type=COUNTED) == []
    assert found(root, q="tag:buyer:ada", before=b) == [a]
    assert found(staff_client("viewer", "view_event"), tag="order:1") == [a]


def test_a_position_or_an_id_leads_to_the_page_of_the_event(root, store):
    (event,) = append([Noted("a")], using=store.using)
    page = f"{EVENTS}{event.position}/change/"
    for text in (f"#{event.position}", f" #{event.position} ", str(event.id), str(event.id).upper()):
        assert root.get(EVENTS, {"q": text, "tag": "not:there"})["Location"] == page
    missing = event.position + 1
    answer = root.get(EVENTS, {"q": f"#{missing}"})
    assert f"There is no event at position #{missing}." in words_of(answer)
    assert list(answer.context["cl"].result_list) == []
    both = root.get(EVENTS, {"q": f"#{event.position} tag:a"})
    assert f"#{event.position} names one event: search for it alone." in words_of(both)


def test_a_period_is_in_the_current_time_zone(root, store, settings):
    settings.TIME_ZONE = "America/New_York"
    zone = ZoneInfo(settings.TIME_ZONE)
    (a,) = append([Noted("a")], using=store.using)
    time.sleep(0.01)
    between = datetime.now(zone).replace(tzinfo=None)
    time.sleep(0.01)
    (b,) = append([Noted("b")], using=store.using)
    said = between.isoformat()
    assert found(root, recorded_after=said) == [b.position]
    assert found(root, recorded_before=said) == [a.position]
    assert found(root, recorded_after=f"{said}-05:01") == [], "an offset that is said counts"
    assert found(root, recorded_after=f"{said}Z") == [b.position, a.position]
    hour = timedelta(hours=1)
    for ends in ({"recorded_after": between + hour}, {"recorded_before": between - hour}):
        assert found(root, **{name: end.isoformat() for name, end in ends.items()}) == []
    whole = {"recorded_after": (between - hour).isoformat(), "recorded_before": (between + hour).isoformat()}
    assert found(root, **whole) == [b.position, a.position]
    answer = root.get(EVENTS, {"recorded_after": f"{between:%Y-%m-%dT%H:%M}"})
    assert f'value="{between:%Y-%m-%dT%H:%M}:00"' in answer.content.decode()
    assert "Times are those of America/New_York." in words_of(answer)
    (quick,) = re.findall(r'<a href="([^"]*)">Last 15 minutes</a>', answer.content.decode())
    moment = re.search(r"recorded_after=([^&]+)$", unescape(quick))
    assert moment
    since = datetime.fromisoformat(moment[1].replace("%3A", ":"))
    assert timedelta(minutes=14) < datetime.now(UTC) - since < timedelta(minutes=16)
    assert root.get(EVENTS + unescape(quick)).context["cl"].result_list


BAD = {
    "recorded_after": [
        "soon",
        "2026-13-01T00:00",
        "0001-01-01T00:00",
        "9999-12-31T23:59",
        "2026-01-01\x00",
        "٢",
    ],
    "recorded_before": ["soon", "0001-01-01T00:00+14:00", "9" * 5000],
    "type": ["no name", "\x00", "a" * 101, "'; --"],
    "tag": ["a" * 256, "\x00", "a\nb", "\x7f"],
    "correlation_id": ["\x00"],
    "q": ["ada", "#x", "#99999999999999999999", "tag:", 'tag:""', "type:ä", "tag:\x01", "🎉"],
}


def test_what_cannot_be_understood_is_told_and_matches_nothing(root, store):
    append([Noted("a")], using=store.using)
    for name, texts in BAD.items():
        for text in texts:
            answer = root.get(EVENTS, {name: text})
            assert answer.status_code == 200, (name, text)
            assert len(answer.context["cl"].problems) == 1, (name, text)
            assert 'class="messagelist' in answer.content.decode()
            assert list(answer.context["cl"].result_list) == []
    assert "Null characters" in words_of(root.get(EVENTS, {"q": "a\x00"}))
    ends = {"recorded_after": "2026-01-02", "recorded_before": "2026-01-01"}
    assert "The period ends before it begins." in words_of(root.get(EVENTS, ends))
    many = root.get(EVENTS, {"tag": [f"t:{n}" for n in range(70)]})
    assert "At most 64 tags are looked for at once." in words_of(many)
    assert "Choose at most 20 types at once." in words_of(
        root.get(EVENTS, {"type": [f"t{n}" for n in range(30)]})
    )
    assert len(root.get(EVENTS, {"q": " ".join(map(str, range(1000)))}).context["cl"].problems) == 5
    assert found(root, correlation_id="a" * 4000) == []
    assert found(root, e=1) == found(root)
    assert root.get(EVENTS, {"e": 1, "before": "x"}).status_code == 200


def test_all_that_is_asked_survives_paging_the_search_and_the_other_filters(root, store):
    tags = ["t:1", "t:&=+ <x>"]
    recorded = append([Proposed(Noted(str(n)), tags=tags) for n in range(51)], using=store.using)
    asked = {"tag": tags, "q": "tag:t:1", "type": [NOTED, COUNTED], "recorded_after": "2026-01-01T00:00"}
    answer = root.get(EVENTS, {**asked, "before": recorded[-1].position})
    page, html = answer.context["cl"], answer.content.decode()
    assert len(page.result_list) == 50
    for address in (page.newest_url, page.newer_url):
        again = root.get(EVENTS + address).context["cl"]
        assert again.asked == page.asked
        assert again.result_list[0].position == recorded[-1].position
    assert (
        len(root.get(EVENTS + root.get(EVENTS, asked).context["cl"].older_url).context["cl"].result_list) == 1
    )
    filters = [(name, value) for name, value in asked.items() if name != "q"]
    said = [
        (name, each) for name, value in filters for each in ([value] if isinstance(value, str) else value)
    ]
    assert sorted(hidden(html, "changelist-search")) == sorted(said)
    assert hidden(html, "factos-filter-form") == [("q", "tag:t:1")]
    removed = re.findall(r'<a href="([^"]*)" aria-label="Remove t:1"', html)
    assert root.get(EVENTS + unescape(removed[0])).context["cl"].asked.tags == ("t:&=+ <x>", "t:1")
    cleared = root.get(EVENTS + page.clear_all_filters_qs).context["cl"]
    assert (cleared.query, cleared.filter_params) == ("tag:t:1", {"q": ["tag:t:1"]})
    checked = re.findall(r'name="type" value="([^"]*)" form="factos-filter-form" checked', html)
    assert checked == sorted([NOTED, COUNTED])


def test_types_that_no_code_declares_are_offered_too(root, store, settings):
    names = ["a.first", "factos.contract.Middle", "zz.last", "zz.laster"]
    settings.FACTOS_API_UNREGISTERED_TYPES = True
    append([UnregisteredEvent(name, 1, {"n": 1}) for name in names for _ in range(2)], using=store.using)
    html = root.get(EVENTS).content.decode()
    offered = re.findall(r'name="type" value="([^"]*)"', html)
    assert set(names) < set(offered)
    assert NOTED in offered
    assert offered == sorted(offered)
    assert len(offered) == len(set(offered))


def test_pages_carry_no_inline_script_or_style(root, store):
    html = root.get(EVENTS, {"tag": "a", "before": "x"}).content.decode()
    assert not re.search(r"<style|style=|\son[a-z]+=|<script(?![^>]*\ssrc=)", html.split('id="content"')[1])


def test_without_time_zones_every_page_tells_a_moment_in_utc(root, store, settings):
    settings.USE_TZ, settings.TIME_ZONE = False, "America/Chicago"
    (fact,) = append([Noted("a")], using=store.using)
    moment = f"{fact.recorded_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    answer = root.get(EVENTS, {"recorded_after": moment.replace(" ", "T")})
    assert moment in words_of(answer)
    assert "Times are those of UTC." in words_of(answer)
    assert moment in words_of(root.get(f"{EVENTS}{fact.position}/change/"))
    assert root.get("/admin/factos/event/dashboard/").status_code == 200
