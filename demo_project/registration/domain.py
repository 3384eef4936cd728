"""Usernames: no two members have the same one. Pure; nothing here knows Django.

Renata and renata are one name: ``folded`` says which spellings are. Tags hold the folded name, so that
whoever wants any spelling of it asks for the same facts; the facts keep the spelling that the member chose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias
from unicodedata import category, normalize

from factos_django import Decider, DomainError, InvalidTag, Query, QueryItem, Recorded, View, event_type

__all__ = [
    "AlreadyRegistered",
    "ChangeUsername",
    "Member",
    "NotAUsername",
    "NotRegistered",
    "RegisterUsername",
    "RegistrationCommand",
    "RegistrationFact",
    "ReleaseUsername",
    "UsernameChanged",
    "UsernameRegistered",
    "UsernameReleased",
    "UsernameTaken",
    "Usernames",
    "change_context",
    "every_registration",
    "facts_of_member",
    "facts_of_name",
    "folded",
    "member_of",
    "member_row",
    "registration_context",
    "release_context",
    "username_tag",
    "usernames",
    "usernames_by_member",
]

#: So many letters (with their marks), digits, dots, hyphens and underscores, a letter or a digit first.
USERNAME_MAX_LENGTH = 30

#: Characters that count as letters or marks and cannot be seen: with them one name looks like another.
_UNSEEN = frozenset(
    map(
        chr,
        (
            *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0),
            *range(0x180B, 0x1810),
            *range(0xFE00, 0xFE10),
            *range(0xE0100, 0xE01F0),
        ),
    )
)


def folded(username: str) -> str:
    """Return what all spellings of ``username`` have in common.

    Case is folded, and so are the forms that Unicode holds to be the same character (NFKC): the wide
    letters of an East Asian keyboard, or an accent typed after its letter.
    """
    return normalize("NFKC", normalize("NFKC", username).casefold())


def username_tag(username: str) -> str:
    """Return the tag of a name, in whatever spelling."""
    return f"username:{folded(username)}"


def member_tag(member: str) -> str:
    """Return the tag of a member; raise InvalidTag for nobody, as a template does for an empty field."""
    if not member:
        raise InvalidTag(tag="member:", reason="it names no member")
    return f"member:{member}"


def is_username(username: str) -> bool:
    """Tell whether ``username`` can be one. Folded it is one as well: some signs unfold into many."""
    return all(map(_is_well_formed, (normalize("NFKC", username), folded(username))))


def _is_well_formed(name: str) -> bool:
    if not 1 <= len(name) <= USERNAME_MAX_LENGTH or not name[0].isalnum():
        return False
    return _UNSEEN.isdisjoint(name) and all(
        each.isalnum() or each in ".-_" or category(each) in ("Mn", "Mc") for each in name
    )


# Facts. A template would put the name into the tag as it is spelt, so functions make the tags.


def _tags_of_one(fact: UsernameRegistered | UsernameReleased) -> list[str]:
    return [username_tag(fact.username), member_tag(fact.member)]


def _tags_of_change(fact: UsernameChanged) -> list[str]:
    return [username_tag(fact.old), username_tag(fact.new), member_tag(fact.member)]


@event_type("registration.UsernameRegistered", version=1, tags=_tags_of_one)
@dataclass(frozen=True, slots=True)
class UsernameRegistered:
    """A new member took a name."""

    member: str
    username: str


@event_type("registration.UsernameChanged", version=1, tags=_tags_of_change)
@dataclass(frozen=True, slots=True)
class UsernameChanged:
    """A member took another name, and left the old one to whoever wants it."""

    member: str
    old: str
    new: str


@event_type("registration.UsernameReleased", version=1, tags=_tags_of_one)
@dataclass(frozen=True, slots=True)
class UsernameReleased:
    """A member went, and left the name to whoever wants it."""

    member: str
    username: str


RegistrationFact: TypeAlias = UsernameRegistered | UsernameChanged | UsernameReleased

_FACTS = (UsernameRegistered, UsernameChanged, UsernameReleased)


# Commands


@dataclass(frozen=True, slots=True)
class RegisterUsername:
    """Give a new member this name."""

    member: str
    username: str


@dataclass(frozen=True, slots=True)
class ChangeUsername:
    """Give a member another name."""

    member: str
    username: str


@dataclass(frozen=True, slots=True)
class ReleaseUsername:
    """Let a member go."""

    member: str


RegistrationCommand: TypeAlias = RegisterUsername | ChangeUsername | ReleaseUsername


# Refusals


class NotAUsername(DomainError):
    """A username is up to 30 letters, digits and any of . - _, and begins with a letter or a digit."""

    username: str


class UsernameTaken(DomainError):
    """Somebody else has this username."""

    username: str


class AlreadyRegistered(DomainError):
    """The member has a username already, and can change it."""

    username: str


class NotRegistered(DomainError):
    """Nobody is registered as this member."""

    member: str


# Decision: may this member have this name?


@dataclass(frozen=True, slots=True)
class Usernames:
    """Who has which name, as far as the facts tell that were folded.

    It is right about the members and the names that the query asks for. Of others it may know something,
    which is as old as it is, and which no decision looks at.
    """

    by_member: Mapping[str, str]

    def of(self, member: str) -> str | None:
        """Return the name of a member."""
        return self.by_member.get(member)

    def holders(self, username: str) -> list[str]:
        """Return the members who have this name, in whatever spelling. There is no more than one."""
        wanted = folded(username)
        return [member for member, name in self.by_member.items() if folded(name) == wanted]


def decide(names: Usernames, command: RegistrationCommand) -> list[RegistrationFact]:
    """Give the name, or refuse."""
    match command:
        case RegisterUsername(member, username):
            return _register(names, member, username)
        case ChangeUsername(member, username):
            return _change(names, member, username)
        case ReleaseUsername(member):
            return [UsernameReleased(member, _name_of(names, member))]


def _register(names: Usernames, member: str, username: str) -> list[RegistrationFact]:
    _refuse_unless_free(names, member, username)
    if (known := names.of(member)) is None:
        return [UsernameRegistered(member, username)]
    if known != username:
        raise AlreadyRegistered(username=known)
    return []


def _change(names: Usernames, member: str, username: str) -> list[RegistrationFact]:
    old = _name_of(names, member)
    _refuse_unless_free(names, member, username)
    return [UsernameChanged(member, old, username)] if username != old else []


def _refuse_unless_free(names: Usernames, member: str, username: str) -> None:
    if not is_username(username):
        raise NotAUsername(username=username)
    if any(holder != member for holder in names.holders(username)):
        raise UsernameTaken(username=username)


def _name_of(names: Usernames, member: str) -> str:
    if (known := names.of(member)) is None:
        raise NotRegistered(member=member)
    return known


def evolve(names: Usernames, fact: RegistrationFact) -> Usernames:
    """Fold one fact into what is known of names."""
    match fact:
        case UsernameRegistered(member, username) | UsernameChanged(member, _, username):
            return Usernames({**names.by_member, member: username})
        case UsernameReleased(member):
            return Usernames({each: name for each, name in names.by_member.items() if each != member})


usernames: Decider[RegistrationCommand, Usernames, RegistrationFact] = Decider(
    initial=Usernames({}), decide=decide, evolve=evolve
)


def registration_context(command: RegisterUsername) -> Query:
    """Return the facts that can change whether this name may be registered.

    Those of the name tell whether it is free, which it is again when its holder has changed it. Those of the
    member tell whether somebody came back to register twice.
    """
    return Query.of(_of_name(command.username), _of_member(command.member))


def change_context(command: ChangeUsername) -> Query:
    """Return the facts that can change whether this member may take this name.

    The old name is not asked for: nobody but its holder can give it up, and whatever the holder does is a
    fact of the member.
    """
    return Query.of(_of_name(command.username), _of_member(command.member))


def release_context(command: ReleaseUsername) -> Query:
    """Return the facts that can change whether this member may go: its own."""
    return facts_of_member(command.member)


def facts_of_member(member: str) -> Query:
    """Return the facts about one member."""
    return Query.of(_of_member(member))


def facts_of_name(username: str) -> Query:
    """Return the facts about one name, in whatever spelling."""
    return Query.of(_of_name(username))


def every_registration() -> Query:
    """Return the facts about all members."""
    return Query.of(QueryItem(types=_FACTS))


def _of_name(username: str) -> QueryItem:
    return QueryItem(types=_FACTS, tags=[username_tag(username)])


def _of_member(member: str) -> QueryItem:
    return QueryItem(types=_FACTS, tags=[member_tag(member)])


# Views: one folds the facts of a row, the other those of all members


@dataclass(frozen=True, slots=True)
class Member:
    """A member's name, and its folded form, which no other member's has."""

    username: str
    folded: str


def evolve_member(_: Member | None, recorded: Recorded[RegistrationFact]) -> Member | None:
    """Fold one fact into the row of its member; a member who went has none."""
    match recorded.event:
        case UsernameRegistered(_, username) | UsernameChanged(_, _, username):
            return Member(username, folded(username))
        case UsernameReleased():
            return None


member_row: View[Member | None, Recorded[RegistrationFact]] = View(initial=None, evolve=evolve_member)


def member_of(recorded: Recorded[RegistrationFact]) -> str:
    """Return the member that the fact is about."""
    return recorded.event.member


def evolve_recorded(names: Usernames, recorded: Recorded[RegistrationFact]) -> Usernames:
    """Fold one fact into what is known of names."""
    return evolve(names, recorded.event)


usernames_by_member: View[Usernames, Recorded[RegistrationFact]] = View(
    initial=usernames.initial, evolve=evolve_recorded
)
