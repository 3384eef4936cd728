"""JSON as the page of a fact shows it."""

from __future__ import annotations

import json
import time
from operator import itemgetter

import msgspec
import pytest
from django.template.loader import render_to_string

from factos_django.admin.events.json_tree import json_tree


def kinds(text: str) -> list[tuple[str, str | None, str]]:
    return [(step.kind, step.name, step.text) for step in json_tree(text).steps]


def page(text: str) -> str:
    return render_to_string("admin/factos/includes/json_tree.html", {"tree": json_tree(text), "id": "data"})


def timed(text: str) -> tuple[str, float]:
    began = time.process_time()
    return page(text), time.process_time() - began


def test_strings_numbers_and_words_are_told_apart_by_more_than_colour():
    assert kinds('{"a": "1", "b": 1, "c": null, "d": "null", "e": [1.5, 1e22, true], "f": {}, "": []}') == [
        ("open", None, "{7 members}"),
        ("string", "a", '"1"'),
        ("number", "b", "1"),
        ("word", "c", "null"),
        ("string", "d", '"null"'),
        ("open", "e", "[3 items]"),
        ("number", "0", "1.5"),
        ("number", "1", "10000000000000000000000.0"),
        ("word", "2", "true"),
        ("close", None, ""),
        ("empty", "f", "{}"),
        ("empty", '""', "[]"),
        ("close", None, ""),
    ]


@pytest.mark.parametrize("text", ['"x"', "1", "null", "[]", "{}"])
def test_what_has_no_members_is_one_line(text):
    assert [step[2] for step in kinds(text)] == [text]


def test_what_turns_text_around_is_shown_as_json_may_write_it():
    tree = json_tree(json.dumps({"a\u202e": "b\u2066\ufeff"}, ensure_ascii=False))
    assert tree.steps[1].name == "a\\u202e"
    assert tree.steps[1].text == '"b\\u2066\\ufeff"'
    assert json.loads(tree.text) == {"a\u202e": "b\u2066\ufeff"}
    assert "\u202e" not in tree.text


def test_what_no_database_takes_is_shown_where_somebody_put_it():
    assert kinds('{"\\u0000": "\\u0000"}')[1] == ("string", "\\u0000", '"\\u0000"')


def test_markup_stays_text_and_each_list_is_closed():
    html = page(json.dumps({"</ul><script>": ["</pre><img src=x>", {"deep": {"er": "&"}}]}))
    assert "<script>" not in html
    assert "<img" not in html
    assert "&lt;/pre&gt;&lt;img" in html
    for element in ("ul", "li", "details", "summary", "pre"):
        assert html.count(f"<{element}") == html.count(f"</{element}>")


def test_text_that_is_no_json_is_shown_as_it_is():
    tree = json_tree('{"a": <b>')
    assert (tree.steps, tree.text, tree.is_readable) == ((), '{"a": <b>', False)
    assert "somebody has changed the stored row" in page('{"a": <b>')
    assert not json_tree("1" * 5000).is_readable  # no number that Python reads


def test_the_largest_facts_cost_little_and_lose_nothing() -> None:
    deep: object = [0] * 50_000
    for _ in range(30):
        deep = [deep]
    wide = {f"name {number}": ["x", {"y": number}] for number in range(12_000)}
    for value in (deep, wide, ["x" * 262_000], {"x" * 262_000: 1}):
        text = msgspec.json.encode(value).decode()
        html, seconds = min((timed(text) for _ in range(4)), key=itemgetter(1))
        assert seconds < 0.1  # about 0.02 where nothing else runs
        tree = json_tree(text)
        assert json.loads(tree.text) == value
        assert len(tree.steps) < 1000
        assert html.count("<ul") == html.count("</ul>")
    assert "leaves something out" in page('["' + "x" * 1001 + '"]')


def test_what_the_tree_leaves_out_is_counted():
    rest = [
        step.text for step in json_tree(json.dumps([list(range(500)), 1, 2])).steps if step.kind == "rest"
    ]
    assert rest == ["102 more", "2 more"]


def test_json_that_somebody_nested_deeper_than_any_append_may_is_cut():
    tree = json_tree("[" * 400 + "]" * 400)
    assert tree.is_cut
    assert tree.is_readable


def test_long_lists_are_folded_at_first():
    opened = [step for step in json_tree(json.dumps([list(range(21)), [1]])).steps if step.kind == "open"]
    assert [step.is_unfolded for step in opened] == [True, False, True]
