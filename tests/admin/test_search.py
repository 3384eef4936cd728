"""What is written into the search box, word by word."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factos_django.admin.events.search import Word, parsed_search
from factos_django.core.position import LAST_POSITION
from factos_django.core.tag import checked_tag

ID = "0b6f4c1e-8f52-4a53-9d0e-2f1f7e9b1c11"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \t\n ", []),
        ("tag:order:1", [Word("tag", "order:1")]),
        ('tag:"a b"  type:order.paid', [Word("tag", "a b"), Word("type", "order.paid")]),
        ('tag:"say ""hi"""', [Word("tag", 'say "hi"')]),
        ('tag:say"hi"', [Word("tag", 'say"hi"')]),
        ('tag:"open end', [Word("tag", '"open'), Word("misfit", "end")]),
        ('tag:"a b"c', [Word("tag", '"a'), Word("misfit", 'b"c')]),
        ("tag:", [Word("no-tag", "")]),
        ('tag:""', [Word("no-tag", "")]),
        (f"tag:{'a' * 256}", [Word("no-tag", "a" * 256)]),
        ("tag:a\x00b", [Word("no-tag", "a\x00b")]),
        ("tag:\ud800", [Word("no-tag", "\ud800")]),
        ("type:", [Word("no-type", "")]),
        ("type:größe", [Word("no-type", "größe")]),
        ("#7", [Word("position", "7")]),
        (f"#{LAST_POSITION}", [Word("position", str(LAST_POSITION))]),
        (f"#{LAST_POSITION + 1}", [Word("no-position", f"#{LAST_POSITION + 1}")]),
        ("#-1 #٧ #", [Word("no-position", "#-1"), Word("no-position", "#٧"), Word("no-position", "#")]),
        (ID, [Word("id", ID)]),
        (ID.upper().replace("-", ""), [Word("id", ID.upper().replace("-", ""))]),
        (ID.replace("-", "", 1), [Word("misfit", ID.replace("-", "", 1))]),
        ("TAG:a ada 12", [Word("misfit", "TAG:a"), Word("misfit", "ada"), Word("misfit", "12")]),
    ],
)
def test_each_word_is_what_it_looks_like(text, words):
    assert list(parsed_search(text).words) == words


def test_one_fact_is_searched_for_by_a_position_or_an_id_that_stands_alone():
    assert parsed_search(" #007 ").only_position == 7
    assert parsed_search(ID).only_id == UUID(ID)
    for text in ("", "tag:a", "tag:a #7", f"{ID} #7", "#x"):
        search = parsed_search(text)
        assert (search.only_position, search.only_id) == (None, None)


@given(st.text(st.characters(exclude_categories=[])))
def test_no_text_makes_it_fail(text):
    assert len(parsed_search(text).words) <= len(text)


@given(st.text(alphabet='ab:"# \t\x00tagype7', max_size=40))
def test_whatever_is_searched_for_is_a_tag_a_type_a_position_or_an_id(text):
    search = parsed_search(text)
    assert all(checked_tag(tag) == tag for tag in search.of_kind("tag"))
    assert all(int(each) >= 0 for each in search.of_kind("position"))


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30), max_size=4))
def test_every_tag_can_be_searched_for_in_quotes(tags):
    quoted = " ".join('tag:"{}"'.format(tag.replace('"', '""')) for tag in tags)
    assert list(parsed_search(quoted).of_kind("tag")) == tags
