import pytest

from demo_project.registration.domain import (
    AlreadyRegistered,
    ChangeUsername,
    Member,
    NotAUsername,
    NotRegistered,
    RegisterUsername,
    ReleaseUsername,
    UsernameChanged,
    UsernameRegistered,
    UsernameReleased,
    Usernames,
    UsernameTaken,
    change_context,
    every_registration,
    facts_of_member,
    folded,
    member_of,
    member_row,
    registration_context,
    release_context,
    usernames,
    usernames_by_member,
)
from factos_django import InvalidTag
from factos_django.core.satisfiability import unsatisfiable_items
from factos_django.testing import CommandKind, Invariant, assert_sound_context, given, simulate
from tests.demo.stored import matched, stored_as

ADA = UsernameRegistered("m-1", "Ada")
ELSEWHERE = (UsernameRegistered("m-8", "grace"), UsernameChanged("m-8", "grace", "hopper"))

CONTEXTS = {
    RegisterUsername: registration_context,
    ChangeUsername: change_context,
    ReleaseUsername: release_context,
}


def context_of(command):
    return CONTEXTS[type(command)](command)


def when(command, *facts):
    """What comes of a command, among facts of another member and another name."""
    return given(*ELSEWHERE, *facts).when(command, decider=usernames, query=context_of)


def test_a_name_that_nobody_has_is_registered_as_it_is_spelt():
    when(RegisterUsername("m-2", "Renata")).then(UsernameRegistered("m-2", "Renata"))


@pytest.mark.parametrize("spelt", ["Ada", "ada", "ADA", "\uff21\uff44\uff41"])
def test_a_name_that_somebody_has_is_taken_in_every_spelling(spelt):
    when(RegisterUsername("m-2", spelt), ADA).then_raises(UsernameTaken(username=spelt))


def test_an_accent_typed_after_its_letter_is_the_same_name():
    spelt = "rene\u0301"
    when(RegisterUsername("m-2", spelt), UsernameRegistered("m-1", "René")).then_raises(UsernameTaken)


def test_a_longer_name_is_another_name():
    when(RegisterUsername("m-2", "ada2"), ADA).then(UsernameRegistered("m-2", "ada2"))


def test_the_same_registration_again_is_nothing_to_do():
    when(RegisterUsername("m-1", "Ada"), ADA).then_nothing()


@pytest.mark.parametrize("name", ["ada", "grace"])
def test_a_member_registers_once(name):
    when(RegisterUsername("m-1", name), ADA).then_raises(AlreadyRegistered(username="Ada"))


def test_a_changed_name_is_a_fact_about_both():
    when(ChangeUsername("m-1", "Lovelace"), ADA).then(UsernameChanged("m-1", "Ada", "Lovelace"))


def test_a_changed_name_frees_the_old_one_for_others_and_for_its_former_holder():
    changed = UsernameChanged("m-1", "Ada", "lovelace")
    when(RegisterUsername("m-2", "ada"), ADA, changed).then(UsernameRegistered("m-2", "ada"))
    when(ChangeUsername("m-1", "ada"), ADA, changed).then(UsernameChanged("m-1", "lovelace", "ada"))


def test_a_change_takes_no_name_of_another_member():
    when(ChangeUsername("m-8", "ADA"), ADA).then_raises(UsernameTaken(username="ADA"))


def test_a_name_taken_by_a_change_is_taken():
    changed = UsernameChanged("m-1", "Ada", "lovelace")
    when(RegisterUsername("m-2", "Lovelace"), ADA, changed).then_raises(UsernameTaken)


def test_a_member_may_spell_its_name_otherwise():
    when(ChangeUsername("m-1", "ADA"), ADA).then(UsernameChanged("m-1", "Ada", "ADA"))


def test_a_name_changed_to_itself_is_nothing_to_do():
    when(ChangeUsername("m-1", "Ada"), ADA).then_nothing()


def test_a_member_who_goes_frees_the_name():
    when(ReleaseUsername("m-1"), ADA).then(UsernameReleased("m-1", "Ada"))
    gone = UsernameReleased("m-1", "Ada")
    when(RegisterUsername("m-2", "ada"), ADA, gone).then(UsernameRegistered("m-2", "ada"))
    when(RegisterUsername("m-1", "ada"), ADA, gone).then(UsernameRegistered("m-1", "ada"))


def test_a_name_that_went_through_many_hands_belongs_to_the_last():
    history = (
        ADA,
        UsernameChanged("m-1", "Ada", "b"),
        UsernameRegistered("m-2", "ADA"),
        UsernameChanged("m-1", "b", "c"),
        UsernameReleased("m-2", "ADA"),
        UsernameRegistered("m-3", "ada"),
    )
    when(ChangeUsername("m-1", "ada"), *history).then_raises(UsernameTaken(username="ada"))
    when(ChangeUsername("m-3", "b"), *history).then(UsernameChanged("m-3", "ada", "b"))


@pytest.mark.parametrize("command", [ChangeUsername("m-2", "new"), ReleaseUsername("m-2")])
def test_who_is_not_registered_can_neither_change_nor_go(command):
    when(command, ADA).then_raises(NotRegistered(member="m-2"))
    when(command, UsernameRegistered("m-2", "x"), UsernameReleased("m-2", "x")).then_raises(NotRegistered)


@pytest.mark.parametrize(
    "name", ["a", "0", "ada.lovelace", "o-o_o.", "René", "李清照", "हिन्दी", "İrem", "x" * 30]
)
def test_letters_digits_and_some_signs_make_a_username(name):
    when(RegisterUsername("m-2", name)).then(UsernameRegistered("m-2", name))


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "a b",
        "a/b",
        ".ada",
        "-ada",
        "_ada",
        "ada ",
        "<b>",
        "🎟",
        "\u3164",
        "ada\ufe0f",
        "\u0301a",
        "x" * 31,
        "ﷺ",
        "ß" * 16,
    ],
)
def test_anything_else_is_none(name):
    """The last two have more letters once they are folded."""
    when(RegisterUsername("m-2", name)).then_raises(NotAUsername(username=name))
    when(ChangeUsername("m-1", name), ADA).then_raises(NotAUsername(username=name))


def test_folding_twice_changes_nothing():
    for name in ("Ada", "ẞ", "\uff21", "İ", "ǰ", "ſ", "Σς"):
        assert folded(folded(name)) == folded(name)


def test_nobody_has_no_name():
    with pytest.raises(InvalidTag):
        registration_context(RegisterUsername("", "ada"))


REGISTERED = {
    "taken": ADA,
    "changed to": UsernameChanged("m-3", "x", "aDa"),
    "changed from": UsernameChanged("m-3", "ADA", "x"),
    "released": UsernameReleased("m-3", "ada"),
    "member": UsernameChanged("m-2", "y", "z"),
    "elsewhere": ELSEWHERE[0],
}
NAME = {"taken", "changed to", "changed from", "released"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (registration_context(RegisterUsername("m-2", "adA")), NAME | {"member"}),
        (change_context(ChangeUsername("m-2", "adA")), NAME | {"member"}),
        (release_context(ReleaseUsername("m-2")), {"member"}),
        (facts_of_member("m-3"), NAME - {"taken"}),
        (every_registration(), set(REGISTERED)),
    ],
    ids=["registration", "change", "release", "member", "all"],
)
def test_a_query_matches_the_facts_that_it_should(query, expected):
    assert matched(query, REGISTERED) == expected
    assert unsatisfiable_items(query) == ()


def test_facts_are_stored_under_these_names_and_fields():
    """They are in databases: a change needs a new version and an upcaster."""
    assert stored_as(ADA, UsernameChanged("m", "a", "b"), UsernameReleased("m", "a")) == {
        "registration.UsernameRegistered": ["member", "username"],
        "registration.UsernameChanged": ["member", "old", "new"],
        "registration.UsernameReleased": ["member", "username"],
    }


def test_the_row_of_a_member_holds_the_latest_name_and_goes_with_the_member():
    changed = UsernameChanged("m-1", "Ada", "Lovelace")
    given(ADA, changed).project(member_row).then(Member("Lovelace", "lovelace"))
    given(ADA, changed, UsernameReleased("m-1", "Lovelace")).project(member_row).then(None)
    assert [member_of(each) for each in given(*ELSEWHERE, ADA).facts] == ["m-8", "m-8", "m-1"]


# Simulated


NAMES = ("ada", "Ada", "ADA", "grace", "renata")
MEMBERS = ("m-1", "m-2", "m-3")


def registrations(random):
    return RegisterUsername(random.choice(MEMBERS), random.choice(NAMES))


def changes(random):
    return ChangeUsername(random.choice(MEMBERS), random.choice(NAMES))


def releases(random):
    return ReleaseUsername(random.choice(MEMBERS))


def each_name_once(names: Usernames):
    """No two members have the same name."""
    held = [folded(name) for name in names.by_member.values()]
    return f"{names.by_member}" if len(held) != len(set(held)) else None


@pytest.mark.parametrize("seed", range(10))
def test_no_two_members_have_the_same_name_and_the_contexts_are_sound(seed):
    kinds = ((registrations, 2), (changes, 2), (releases, 1))
    run = simulate(
        seed,
        steps=60,
        commands=[
            CommandKind(make, decider=usernames, query=context_of, weight=weight) for make, weight in kinds
        ],
        invariants=[Invariant(each_name_once, view=usernames_by_member)],
    )
    assert run.refusals["UsernameTaken"] > 0
    facts = [each.event for each in run.facts]
    for kind, context in CONTEXTS.items():
        asked = [each for each in run.commands if isinstance(each, kind)][:5]
        assert_sound_context(given=facts, when=asked, decider=usernames, query=context)
