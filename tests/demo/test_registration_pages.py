from __future__ import annotations

import html
import re

import pytest
from django.test import Client

from demo_project.registration.domain import UsernameChanged, UsernameRegistered, UsernameReleased
from factos_django import Query
from factos_django.store import append, read
from tests.demo.answers import ODD_NAMES, link_to, text_of, told

pytestmark = pytest.mark.django_db

ADA = UsernameRegistered("m-1", "Ada")
PAGE = "/names/members/m-1/"


def recorded():
    return [each.event for each in read(Query.all())]


def register(client, username, **more):
    return client.post("/names/", {"username": username, **more}, follow=True)


def do(client, action, **sent):
    return client.post(PAGE, {"do": action, **sent}, follow=True)


def test_a_name_is_registered_for_a_new_member_whose_page_tells_so(client):
    page = register(client, "Renata")
    [fact] = read(Query.all())
    assert fact.event == UsernameRegistered(fact.event.member, "Renata")
    assert page.redirect_chain == [(f"/names/members/{fact.event.member}/", 302)]
    assert told(page) == f"Renata is registered, as fact #{fact.position}."
    assert re.search(rf"#{fact.position} Renata was registered \S+ \S+ UTC", text_of(page))
    assert register(client, "eve").redirect_chain != page.redirect_chain


def test_a_name_that_is_taken_in_another_spelling_is_refused(client):
    append([ADA])
    page = register(client, "aDA")
    assert page.status_code == 422
    assert told(page) == "Refused (UsernameTaken): Somebody else has this username."
    assert 'value="aDA"' in page.content.decode()
    assert "Refused. Somebody else has this username. UsernameTaken(username='aDA')" in text_of(page)
    assert recorded() == [ADA]


def test_whoever_only_asks_sees_the_decision_and_records_nothing(client):
    append([ADA])
    taken, free = register(client, "ADA", ask="1"), register(client, "renata", ask="1")
    assert (taken.status_code, free.status_code) == (200, 200)
    assert "UsernameTaken(username='ADA')" in text_of(taken)
    assert "Accepted." in text_of(free)
    assert register(client, "\0", ask="1").status_code == 400
    assert recorded() == [ADA]


@pytest.mark.parametrize("name", ["a b", "<b>", "-ada", "ada!", "ﷺ", "x" * 31])
def test_what_is_no_username_is_refused(client, name):
    page = register(client, name)
    assert (page.status_code, told(page).split(":")[0]) == (422, "Refused (NotAUsername)")
    assert "<b>" not in page.content.decode()
    assert recorded() == []


@pytest.mark.parametrize("name", [*ODD_NAMES, "ﷺ" * 100])
@pytest.mark.parametrize("path", ["/names/", PAGE])
def test_an_odd_name_is_refused(client, name, path):
    append([ADA])
    page = client.post(path, {"do": "change", "username": name})
    assert page.status_code in (400, 422)
    assert told(page)
    assert recorded() == [ADA]


def test_a_changed_name_is_free_for_others(client):
    append([ADA])
    page = do(client, "change", username="Lovelace")
    assert told(page).startswith("The name is Lovelace now, as fact #")
    assert "Ada became Lovelace" in text_of(page)
    assert told(register(client, "ada")).startswith("ada is registered")
    assert told(do(client, "change", username="Lovelace")) == "The name is Lovelace."


def test_a_name_that_is_given_up_is_free_and_its_member_nobody(client):
    append([ADA])
    page = do(client, "release")
    assert told(page).startswith("The name is free, as fact #")
    assert "Nobody now" in text_of(page)
    assert "Ada was given up" in text_of(page)
    again = do(client, "release")
    assert (again.status_code, told(again)) == (
        422,
        "Refused (NotRegistered): Nobody is registered as this member.",
    )
    assert recorded() == [ADA, UsernameReleased("m-1", "Ada")]


def test_the_names_are_listed_those_first_where_something_happened_last(client):
    append([ADA, UsernameRegistered("m-2", "Grace"), UsernameChanged("m-1", "Ada", "Lovelace")])
    page = client.get("/names/")
    assert re.search(r"Lovelace m-1 #\d+ Grace m-2 #\d+", text_of(page))
    assert link_to(page, "Lovelace") == PAGE
    found = text_of(client.get("/names/?find=GRA"))
    assert ("Grace m-2" in found, "Lovelace m-1" in found) == (True, False)
    assert "No name begins so." in text_of(client.get("/names/?find=x"))
    assert client.get("/names/?find=%00").status_code == 200


@pytest.mark.parametrize("name", ["a/b", "ünïcode 🎟", "50%", "a?b#c", "<b>&\"'", "a b"])
def test_a_member_called_anything_is_linked_escaped_and_found(client, name):
    append([UsernameRegistered(name, name)])
    page = client.get(link_to(client.get("/names/"), html.escape(name)))
    assert page.status_code == 200
    assert f"Member {name}" in text_of(page)
    assert "<b>" not in page.content.decode()


@pytest.mark.parametrize("name", ["nobody", "M-1", "%00", "a%01b", "x" * 300])
def test_an_unknown_or_impossible_member_is_not_found(client, name):
    append([ADA])
    assert client.get(f"/names/members/{name}/").status_code == 404
    assert client.post(f"/names/members/{name}/", {"do": "release"}).status_code == 404


def test_what_nobody_can_do_is_not_found(client):
    append([ADA])
    assert client.post(PAGE, {"do": "steal"}).status_code == 404
    assert client.get("/names/at-once/").status_code == 405


def test_a_form_without_its_token_does_nothing():
    append([ADA])
    strict = Client(enforce_csrf_checks=True)
    for path in ("/names/", "/names/at-once/", PAGE):
        assert strict.post(path, {"username": "eve", "crowd": "2", "do": "release"}).status_code == 403
    assert recorded() == [ADA]


@pytest.mark.parametrize("sent", [{"username": "\0", "crowd": "2"}, {"username": "a"}, {"crowd": "1"}])
def test_a_crowd_that_cannot_be_is_not_let_in(client, sent):
    page = client.post("/names/at-once/", sent, follow=True)
    assert told(page).startswith("Nothing was recorded: ")
    assert recorded() == []


def test_what_lies_behind_another_name_asks_for_the_name_and_for_the_member(client):
    append([ADA, UsernameRegistered("m-2", "renata")])
    text = text_of(client.get(PAGE))
    assert "ChangeUsername(member='m-1', username='Renata')" in text
    assert "tagged username:renata" in text
    assert "tagged member:m-1" in text
    assert "UsernameTaken(username='Renata')" in text


def test_the_parts_that_change_are_had_alone(client):
    append([ADA])
    parts = client.get(f"{PAGE}?parts").content.decode()
    assert re.findall(r'data-part="(\w+)"', parts) == ["name", "history", "behind"]
    assert "<html" not in parts


def test_the_pages_need_no_inline_style_or_script(client):
    append([ADA])
    for address in ("/names/", PAGE):
        page = client.get(address).content.decode()
        assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son\w+=|javascript:", page)
        assert page.count("<h1") == 1
        ids = re.findall(r'\sid="([^"]+)"', page)
        assert len(ids) == len(set(ids))
