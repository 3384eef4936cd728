"""Made-up names of people and of conferences. Pure; nothing here knows Django."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, product
from random import Random

__all__ = ["conferences", "people"]

_FIRST = (
    "ada", "amir", "anouk", "bela", "carla", "chidi", "dagny", "dario", "elif", "emil", "esra", "farid",
    "greta", "hana", "hugo", "ines", "ivo", "jana", "kofi", "lena", "luca", "mei", "mila", "nadia",
    "noor", "olek", "paula", "quim", "renata", "rosa", "sami", "sora", "tariq", "thea", "uma", "vera",
    "wanda", "xenia", "yara", "zeno",
)  # fmt: skip
_LAST = (
    "almeida", "berg", "castro", "dahl", "eriksen", "faber", "gomez", "hoffmann", "ilves", "jansen",
    "keita", "lindt", "moreau", "novak", "okafor", "pereira", "quist", "rossi", "sato", "tanaka", "ueda",
    "vargas", "weber", "yilmaz", "zimmer",
)  # fmt: skip
_CITIES = ("lisbon", "porto", "ghent", "turin", "graz", "bergen", "gdansk", "tartu", "lyon", "cork")


def people(chance: Random) -> Iterator[str]:
    """Yield usernames, none of them twice."""
    names = [f"{first}.{last}" for first, last in product(_FIRST, _LAST)]
    for number in count(1):
        chance.shuffle(names)
        yield from (name if number == 1 else f"{name}{number}" for name in names)


def conferences() -> Iterator[str]:
    """Yield names of conferences, none of them twice."""
    for year in count(2024):
        yield from (f"{city}-{year}" for city in _CITIES)
