"""The mutants: each is the shipped code with one mistake that is easily made, as text to be replaced."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["MUTANTS", "Edit", "Mutant", "Stale"]


class Stale(Exception):
    """The text that a mutant replaces is not there, or not once: the code has moved on."""


@dataclass(frozen=True, slots=True)
class Edit:
    """In the file, beneath the package, ``old`` stands once and gives way to ``new``."""

    file: str
    old: str
    new: str

    def apply(self, package: Path) -> None:
        """Change the copy of the package."""
        path = package / self.file
        text = path.read_text()
        if (times := text.count(self.old)) != 1:
            raise Stale(f"{self.file} holds this {times} times, not once: {self.old}")
        path.write_text(text.replace(self.old, self.new))


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake, and the store on which it is looked for; see ``tests.history.long_form`` for the names."""

    name: str
    store: str
    edits: tuple[Edit, ...]


_SQL, _RECORDING, _TAGS = "sql/postgresql.py", "store/recording.py", "guards/tags.py"
_HOLD = "    guard.hold(claim, request.using)\n"
_TRIED_SHARES = """    FOR claimed IN
        SELECT DISTINCT hashtext(tag COLLATE "C") AS hash FROM unnest(shares) AS tag
        WHERE NOT alone ORDER BY hash
    LOOP
        IF NOT pg_try_advisory_xact_lock_shared({GUARD_LOCKS}, claimed.hash) THEN
            RETURN NULL;
        END IF;
    END LOOP;
"""
_TRY = _TRIED_SHARES[_TRIED_SHARES.index("        IF NOT pg_try") : _TRIED_SHARES.index("    END LOOP")]
_WAIT = "        PERFORM pg_advisory_xact_lock_shared({GUARD_LOCKS}, claimed.hash);\n"
_DRAW = "        SELECT nextval('factos_event_position_seq') FROM generate_series(1, cardinality(ids)));\n"
_CHECK = """            f"SELECT position FROM ({sql}) AS matching ORDER BY position LIMIT {part.limit}", """
_EXECUTE_RECORD = """        cursor.execute(_RECORD, parameters)
        positions: list[int] | None = cursor.fetchone()[0]
"""
_CONTEXT = "    return Context(query, state, events, events[-1].position if events else 0)\n"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "guard dropped (tags)",
        "postgres-tags",
        (Edit(_TAGS, "        hold_advisory(claim, using)\n", "        return\n"),),
    ),
    *(
        Mutant(
            f"guard dropped (log, {store})",
            store,
            (Edit("guards/log.py", "        _HOLDERS[vendor](using)\n", "        return\n"),),
        )
        for store in ("postgres-log", "mariadb")
    ),
    Mutant(
        "check before lock",
        "postgres-tags",
        (
            Edit(
                _RECORDING,
                _HOLD,
                f"    early = decide(request.query)\n{_HOLD}    decide = lambda query: early\n",
            ),
        ),
    ),
    Mutant(
        "lock and check in one statement",
        "postgres-tags",
        (
            Edit(_RECORDING, "_RESTARTS = 3\n", "_RESTARTS = 3\nLATER = {}\n"),
            Edit(
                _RECORDING,
                _HOLD,
                "    LATER[request.using] = claim\n"
                "    if request.query is None or not request.prepared or claim.whole_log:\n"
                "        LATER.clear()\n"
                f"    {_HOLD}",
            ),
            Edit(
                "store/appending.py",
                f"{_CHECK}parameters\n",
                """            "WITH held AS MATERIALIZED (SELECT factos_hold_2("
            "false, %s::text[], %s::text[], %s::text[], '5s'"
            ")) SELECT unnest(ARRAY(" * bool(held := _held(using))
            + f"SELECT position FROM ({sql}) AS matching ORDER BY position LIMIT {part.limit}"
            + ")) FROM held" * bool(held),
            [*held, *parameters],
""",
            ),
            Edit(
                "store/appending.py",
                "aappend = sync_to_async(",
                """def _held(using):
    from factos_django.store.recording import LATER

    claim = LATER.pop(using, None)
    return [list(claim.keys), list(claim.guards), list(claim.shares)] if claim else []


aappend = sync_to_async(""",
            ),
        ),
    ),
    Mutant(
        "positions drawn before the shared locks",
        "postgres-tags",
        (
            Edit(_SQL, _TRIED_SHARES, ""),
            Edit(_SQL, _DRAW, _DRAW + _TRIED_SHARES.replace(_TRY, _WAIT)),
        ),
    ),
    Mutant(
        "blind appends without locks",
        "postgres-tags",
        (
            Edit(
                _RECORDING,
                "    shares = guard.still_to_share(claim, tags)\n",
                "    shares = guard.still_to_share(claim, tags) if request.query else frozenset()\n",
            ),
        ),
    ),
    Mutant(
        "a restart that keeps its first tags",
        "postgres-tags",
        (
            Edit(
                _TAGS,
                "if claim.whole_log else tags - claim.guards - claim.shares",
                "if claim.whole_log or claim.shares else tags - claim.guards",
            ),
        ),
    ),
    Mutant(
        "read past the head",
        "postgres-tags",
        (Edit("store/reading.py", "upto=head(using)", "upto=None"),),
    ),
    Mutant(
        "head with last_value of a fresh sequence",
        "postgres-tags",
        (Edit(_SQL, "last_value - (NOT is_called)::int INTO drawn", "last_value INTO drawn"),),
    ),
    Mutant(
        "mark with last_value of a fresh sequence",
        "postgres-tags",
        (Edit(_SQL, "last_value - (NOT is_called)::int INTO mark", "last_value INTO mark"),),
    ),
    Mutant(
        "marker remembered in Python",
        "postgres-tags",
        (
            Edit(
                "store/writing.py",
                _EXECUTE_RECORD,
                """        cursor.execute("SELECT txid_current()")
        transaction = cursor.fetchone()[0]
        if _MARKED.get(using) == transaction:
            cursor.execute("SELECT set_config('factos.mark', 'remembered', true)")
        _MARKED[using] = transaction
"""
                + _EXECUTE_RECORD,
            ),
            Edit(
                "store/writing.py",
                "def _insert_on_postgresql(",
                "_MARKED = {}\n\n\ndef _insert_on_postgresql(",
            ),
        ),
    ),
    Mutant(
        "head in one statement",
        "postgres-tags",
        (
            Edit("store/reading.py", "upto=head(using)", "upto=-1"),
            Edit(
                "store/matching.py",
                """        where, parameters = [*where, f"{column} <= %s"], [*parameters, part.upto]
""",
                """        upto = "%s" if part.upto >= 0 else "(SELECT head FROM factos_head_2())"
        where = [*where, f"{column} <= {upto}"]
        parameters = [*parameters, part.upto] if part.upto >= 0 else parameters
""",
            ),
        ),
    ),
    Mutant(
        "case-insensitive tags",
        "mariadb",
        (Edit("store/matching.py", '["t.value = %s", where', '["lower(t.value) = lower(%s)", where'),),
    ),
    Mutant(
        "two-statement context read",
        "mariadb",
        (
            Edit(
                "store/contexts.py",
                _CONTEXT,
                """    last = tuple(recorded_of(select_matching(query, Slice(), using), using))
    return Context(query, state, events, last[-1].position if last else 0)
""",
            ),
        ),
    ),
    Mutant(
        "idempotency key looked up after the condition",
        "postgres-log",
        (
            Edit(
                _RECORDING,
                "    # Before any condition: a repetition would fail on what it recorded itself.\n",
                "    early = decide(request.query)\n    decide = lambda query: early\n",
            ),
        ),
    ),
    Mutant(
        "inserting under a second, waiting lock pass",
        "postgres-tags",
        (Edit(_SQL, _TRY, _WAIT),),
    ),
    Mutant(
        "every append takes the whole log",
        "postgres-tags",
        (
            Edit(
                _TAGS,
                "        hold_advisory(claim, using)\n",
                "        hold_advisory(claim.of_whole_log(), using)\n",
            ),
        ),
    ),
)
