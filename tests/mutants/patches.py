"""The mutants: each is the shipped code with one mistake that is easily made, as text to be replaced."""

from __future__ import annotations

from tests.mutants.effects import EFFECTS
from tests.mutants.mutant import Edit, Mutant, Stale
from tests.mutants.rest import REST

__all__ = ["MUTANTS", "Edit", "Mutant", "Stale"]

_CALLS, _INSERTION = "sql/postgresql/calls.py", "sql/postgresql/insertion.py"
_LOCKS, _MATCHING = "sql/postgresql/locks.py", "sql/postgresql/matching.py"
_RECORDING, _FUNCTIONS = "store/recording.py", "store/backends/postgresql.py"

# What an append says and a context does not: all that Edit replaces must stand once.
_NARROW = "    items := factos_narrow_1(nullif(request -> 'items', 'null'));\n"
_HOLD = "    unwanted := factos_hold_4(request, items);\n"
_KEY = """\
    IF factos_knows_key_1(request) THEN
        RETURN factos_done_1('known key', '{{}}');
    END IF;
"""
_MATCH = "factos_matching_1(items, (request ->> 'after')::bigint, "
_CHECK = f"        positions := {_MATCH}{{MOST_CONFLICTS}});\n"
_INSERT = "    RETURN factos_done_1('recorded', factos_insert_2(request, events, NULL, moment));\n"
_NARROW_CONTEXT = "    items := factos_narrow_1(request -> 'items');\n"
_READ = """    positions := factos_matching_1(
        items, coalesce((request ->> 'after')::bigint, 0), (request ->> 'most')::integer
    );
"""
_SHARE = """    IF NOT factos_share_2(request -> 'shares', request -> 'rows') THEN
        RETURN factos_done_1('refused', '{{}}');
    END IF;
"""
_WAIT = """    PERFORM factos_hold_4(jsonb_build_object(
        'whole_log', false, 'keys', '[]'::jsonb, 'shares', request -> 'shares', 'rows', '[]'::jsonb), NULL);
"""
_ROWS = "    unwanted := factos_rows_1(request -> 'rows');\n"
_RECORD = "    RETURN factos_done_1('recorded', factos_insert_2(request, events, decision, moment));\n"
_RECORD_CALL = "    done = backend.record(request, replace(decided, rows=parts.rows), moment)\n"
_RECORD_AND_GO_ON = _RECORD.replace("RETURN", "unwanted :=")
_NEXT = "ARRAY(SELECT nextval('factos_event_position_seq') FROM generate_series(1, wanted))"
_COUNT = "(request ->> 'count')::integer"
_GATE = "    LOCK TABLE factos_gate IN ROW EXCLUSIVE MODE;\n"
_STABLE_CHECK = tuple(
    Edit(
        _MATCHING,
        f"{function}, above bigint, most integer)\nRETURNS bigint[] LANGUAGE plpgsql VOLATILE AS",
        f"{function}, above bigint, most integer)\nRETURNS bigint[] LANGUAGE plpgsql STABLE AS",
    )
    for function in ("factos_matching_1(items jsonb", "factos_matching_item_1(item jsonb")
)
# The head told as the sequence has it; told as an event's, it forgives a fresh sequence.
_TOLD_AS_DRAWN = Edit(
    "sql/postgresql/head.py",
    "    SELECT coalesce(max(position), 0) INTO head FROM factos_event WHERE position <= stable;\n",
    "    head := stable;\n",
)
_DROPPED_ROW = Edit("guards/log.py", "        _HOLDERS[vendor](using)\n", "        return\n")

#: Of a run over the ledger with those who follow and rebuild.
_ALL_AT_ONCE = {"alone": 5, "followers": 2, "rebuilders": 1}
#: Of followers and rebuilds, hunted by many processes at once.
_MET_IN_THE_RUN: tuple[Mutant, ...] = (
    Mutant(
        "rows deleted, committed, and then inserted anew",
        "postgres-tags",
        (
            Edit(
                "projections/rebuilding/difference.py",
                'only_gone = "" if self._shape.has_other_constraints else',
                'only_gone = "" if stays else',
            ),
            Edit(
                "projections/rebuilding/difference.py",
                "    said.execute(said.deletion)\n",
                "    said.execute(said.deletion)\n    connections[staging.using].connection.commit()\n",
            ),
        ),
        scenes=_ALL_AT_ONCE,
        run="ledger",
    ),
    *(
        Mutant(
            f"swap that forgets what came meanwhile ({store})",
            store,
            (
                Edit(
                    "projections/rebuilding/computing_rows.py",
                    "        self.staging.add_keys(self.recomputed.touched)\n",
                    "",
                ),
            ),
            scenes=_ALL_AT_ONCE,
            run="ledger",
        )
        for store in ("postgres-tags", "mariadb", "sqlite")
    ),
)

_FOLLOWING, _ROWS_AGAIN = "projections/following.py", "projections/rebuilding/computing_rows.py"
_SWAP_READS = "            return highest_position(self.run.using)\n"
_RUNS, _KILLS = "projections/test_rebuild_runs.py", "projections/test_rebuild_kills.py"

#: Of followers and rebuilds.
_PROJECTIONS: tuple[Mutant, ...] = (
    Mutant(
        "rebuild by delete, then insert, outside one transaction",
        "postgres-tags",
        (
            Edit(
                _ROWS_AGAIN,
                "states.held_by_us(self.projection, using), swap_transaction(using):",
                "states.held_by_us(self.projection, using):",
            ),
        ),
        test=f"{_KILLS}::test_a_killed_rebuild_of_rows_leaves_them_as_they_were_and_the_next_one_puts_them_right"
        "[ledger.balances-postgres-tags]",
    ),
    Mutant(
        "swap that reads only up to the head",
        "postgres-tags",
        (Edit(_ROWS_AGAIN, _SWAP_READS, "            return self.replay.position\n"),),
        test=f"{_RUNS}::test_a_row_above_the_head_survives_the_swap_which_waits_for_the_open_append"
        "[ledger.balances-commit-postgres-tags]",
    ),
    Mutant(
        "swap without the gate",
        "postgres-tags",
        (Edit(_ROWS_AGAIN, "            LogGuardByRow().hold(self.run.using)\n", ""),),
        test=f"{_RUNS}::test_what_an_open_append_adds_to_a_row_that_is_put_right_is_not_lost"
        "[commit-postgres-tags]",
    ),
    Mutant(
        "checkpoint saved before rows",
        "mariadb",
        (
            Edit(
                _FOLLOWING,
                "    with batch_transaction(using):\n        moved = move(held, position)\n"
                "        projection.feed.write",
                "    moved = move(held, position)\n    with batch_transaction(using):\n"
                "        projection.feed.write",
            ),
        ),
        test="projections/test_killed_batches.py"
        "::test_a_follower_that_is_killed_in_its_batch_leaves_neither_rows_nor_checkpoint"
        "[checkpoint-mariadb-log]",
    ),
    Mutant(
        "follower past the head",
        "postgres-tags",
        (Edit(_FOLLOWING, "heads import head\n", "heads import highest_position as head\n"),),
        test="projections/test_following.py::test_a_follower_does_not_pass_an_append_that_is_open"
        "[postgres-tags]",
    ),
    Mutant(
        "unfenced worker",
        "postgres-tags",
        (
            Edit(
                "projections/states.py",
                "    if not _leased(lease).filter(position__lte=position).update(**moved):\n",
                "    if not _rows(lease.using).filter(pk=lease.name).update(**moved):\n",
            ),
        ),
        test="projections/test_frozen_followers.py"
        "::test_one_that_is_frozen_before_it_writes_is_replaced_and_writes_nothing[postgres-tags-2]",
    ),
)

MUTANTS: tuple[Mutant, ...] = (
    *_MET_IN_THE_RUN,
    *_PROJECTIONS,
    *EFFECTS,
    *REST,
    Mutant("guard dropped (tags)", "postgres-tags", (Edit(_LOCKS, _GATE, "    RETURN;\n"),)),
    Mutant(
        "guard dropped (log, postgres-log)",
        "postgres-log",
        (_DROPPED_ROW, Edit(_LOCKS, "IN SHARE ROW EXCLUSIVE MODE", "IN ROW EXCLUSIVE MODE")),
    ),
    Mutant("guard dropped (log, mariadb)", "mariadb", (_DROPPED_ROW,)),
    Mutant(
        "guards taken shared",
        "postgres-tags",
        (Edit(_LOCKS, "IF claim % 2 = 0 THEN", "IF false THEN"),),
    ),
    Mutant(
        "tags locked in no order",
        "postgres-tags",
        (Edit(_LOCKS, "AS claim ORDER BY claim", "AS claim ORDER BY random()"),),
    ),
    Mutant("appends by tags pass the gate unseen", "postgres-mixed", (Edit(_LOCKS, _GATE, ""),)),
    Mutant(
        "check before lock",
        "postgres-tags",
        (
            Edit(_CALLS, _NARROW, f"{_NARROW}    positions := {_MATCH}1);\n"),
            Edit(_CALLS, _CHECK, ""),
        ),
    ),
    Mutant(
        "context read before lock",
        "postgres-tags",
        (
            Edit(_CALLS, _READ, ""),
            Edit(_CALLS, _NARROW_CONTEXT, f"{_NARROW_CONTEXT}{_READ}"),
        ),
    ),
    Mutant(
        "lock and check in one statement",
        "postgres-tags",
        (
            # A function that is VOLATILE looks anew, even so.
            *_STABLE_CHECK,
            Edit(
                _CALLS,
                _HOLD + _KEY,
                f"    SELECT {_MATCH}1) INTO positions FROM factos_hold_4(request, items);\n{_KEY}",
            ),
            Edit(_CALLS, _CHECK, ""),
        ),
    ),
    Mutant(
        "append and its check declared STABLE",
        "postgres-tags",
        (
            *_STABLE_CHECK,
            Edit(
                _CALLS,
                "factos_append_3(request jsonb, events jsonb, moment timestamptz) RETURNS text\n"
                "LANGUAGE plpgsql VOLATILE\n",
                "factos_append_3(request jsonb, events jsonb, moment timestamptz) RETURNS text\n"
                "LANGUAGE plpgsql STABLE\n",
            ),
        ),
    ),
    Mutant(
        "context declared STABLE",
        "postgres-tags",
        (
            Edit(
                _CALLS,
                "    tags text\n) LANGUAGE plpgsql VOLATILE\n",
                "    tags text\n) LANGUAGE plpgsql STABLE\n",
            ),
        ),
    ),
    Mutant(
        "positions drawn before the shared locks",
        "postgres-tags",
        (Edit(_CALLS, _SHARE + _ROWS + _RECORD, f"{_RECORD_AND_GO_ON}{_WAIT}    RETURN unwanted;\n"),),
    ),
    Mutant("inserting under a second, waiting lock pass", "postgres-tags", (Edit(_CALLS, _SHARE, _WAIT),)),
    Mutant(
        "a share that is refused is passed over",
        "postgres-tags",
        (
            Edit(
                _LOCKS,
                "            RETURN false;\n        END IF;\n    END LOOP;\n",
                "            CONTINUE;\n        END IF;\n    END LOOP;\n",
            ),
        ),
    ),
    Mutant(
        "blind appends without locks",
        "postgres-tags",
        (
            Edit(
                _RECORDING,
                "Claim.of(request.query, shares=_tags(prepared),",
                "Claim.of(request.query, shares=_tags(prepared if condition else ()),",
            ),
        ),
    ),
    Mutant(
        "a restart that keeps its first tags",
        "postgres-tags",
        (
            Edit(
                _FUNCTIONS,
                "shares = {tag for each in decided.prepared for tag in each.tags}\n",
                "shares = {tag for each in decided.prepared for tag in each.tags if not self.restarted}\n",
            ),
            Edit(
                _RECORDING,
                _RECORD_CALL,
                f"    backend.restarted = bool(claim.shares)\n{_RECORD_CALL}",
            ),
        ),
        scenes={"operations": 120},
    ),
    Mutant(
        "alone for the rest of the session",
        "postgres-tags",
        (Edit(_LOCKS, "set_config('factos.alone', 'on', true)", "set_config('factos.alone', 'on', false)"),),
    ),
    Mutant(
        "every append takes the whole log",
        "postgres-tags",
        (Edit(_LOCKS, "    IF (request ->> 'whole_log')::boolean OR NOT", "    IF true OR NOT"),),
    ),
    Mutant(
        "read past the head",
        "postgres-tags",
        (Edit("store/reading.py", "upto=_asked(using, head, using)", "upto=None"),),
    ),
    Mutant(
        "head with last_value of a fresh sequence",
        "postgres-tags",
        (
            Edit(
                "sql/postgresql/head.py",
                "last_value - (NOT is_called)::int INTO drawn",
                "last_value INTO drawn",
            ),
            _TOLD_AS_DRAWN,
        ),
    ),
    Mutant(
        "mark with last_value of a fresh sequence",
        "postgres-tags",
        (
            Edit(_INSERTION, "SELECT last_value - (NOT is_called)::int,", "SELECT last_value,"),
            _TOLD_AS_DRAWN,
        ),
    ),
    Mutant(
        "mark taken after the positions",
        "postgres-tags",
        (
            Edit(
                _INSERTION,
                "    mark bigint;\n    unwanted text;\nBEGIN\n",
                f"    mark bigint;\n    unwanted text;\n    drawn bigint[] := {_NEXT};\nBEGIN\n",
            ),
            Edit(
                _INSERTION,
                "        RETURN ARRAY[nextval('factos_event_position_seq')]",
                "        RETURN drawn",
            ),
            Edit(_INSERTION, f"    RETURN {_NEXT}", "    RETURN drawn"),
        ),
    ),
    Mutant(
        "mark remembered for the session",
        "postgres-tags",
        (
            Edit(
                _INSERTION,
                "set_config('factos.mark', mark::text, true)",
                "set_config('factos.mark', mark::text, false)",
            ),
        ),
    ),
    Mutant(
        "mark remembered in Python",
        "postgres-tags",
        (
            Edit(
                _FUNCTIONS,
                "        cursor.execute(call, parameters)\n",
                """        cursor.execute("SELECT txid_current()")
        transaction = cursor.fetchone()[0]
        if _MARKED.get(using) == transaction:
            cursor.execute("SELECT set_config('factos.mark', 'remembered', true)")
        _MARKED[using] = transaction
        cursor.execute(call, parameters)
""",
            ),
            Edit(_FUNCTIONS, "def _wait()", "_MARKED = {}\n\n\ndef _wait()"),
        ),
    ),
    Mutant(
        "positions of a copy drawn without the mark",
        "postgres-tags",
        (
            Edit(
                _INSERTION,
                "        positions := factos_draw_1((request ->> 'count')::integer);\n",
                f"        positions := CASE WHEN events IS NULL THEN {_NEXT.replace('wanted', _COUNT)} "
                "ELSE factos_draw_1((request ->> 'count')::integer) END;\n",
            ),
        ),
    ),
    Mutant(
        "copied after the locks are gone",
        "postgres-tags",
        (
            Edit(
                _FUNCTIONS,
                "return len(prepared) < COPIED_FROM and not ids_and_key",
                "return not ids_and_key",
            ),
        ),
    ),
    Mutant(
        "head in one statement",
        "postgres-tags",
        (
            Edit("store/reading.py", "upto=_asked(using, head, using)", "upto=None"),
            Edit(
                "store/rows.py",
                """        cursor.execute(f"SELECT {columns} FROM {source}", parameters)
        return list(cursor.fetchall())
""",
                """        headed = "LIMIT" in source and connection.vendor == "postgresql"
        head = "(SELECT head FROM factos_head_2())" if headed else str(2**62)
        cursor.execute(f"SELECT {head}, {columns} FROM {source}", parameters)
        return [tuple(row) for head, *row in cursor.fetchall() if row[0] <= head]
""",
            ),
        ),
    ),
    Mutant(
        "case-insensitive tags",
        "mariadb",
        (
            Edit(
                "store/matching.py",
                '_one_of("t.value", item.tags[:1], part)',
                '("lower(t.value) = lower(%s)", [*item.tags[:1]]), []',
            ),
        ),
    ),
    Mutant(
        "two-statement context read",
        "mariadb",
        (
            Edit(
                "store/contexts.py",
                "    return context_of(query, tuple(recorded_of(rows, alias)), decider)\n",
                """    seen = context_of(query, tuple(recorded_of(rows, alias)), decider)
    return Context(query, seen.state, seen.events, head(alias))
""",
            ),
        ),
    ),
    Mutant(
        "idempotency key looked up after the condition",
        "postgres-log",
        (Edit(_CALLS, _HOLD + _KEY, _HOLD), Edit(_CALLS, _INSERT, _KEY + _INSERT)),
    ),
    Mutant(
        "a decision that does not look for its key",
        "postgres-tags",
        (Edit(_CALLS, "        RETURN NEXT;\n        RETURN;\n", ""),),
    ),
    Mutant(
        "acknowledged before its COMMIT",
        "mariadb",
        (
            Edit(
                "store/transactions.py",
                "        with bounded_begin(using), transaction.atomic(using=using):\n",
                "        with bounded_begin(using), _committed_by_the_next(using, ours):\n",
            ),
            Edit(
                "store/transactions.py",
                "@contextmanager\ndef _statement(",
                """@contextmanager
def _committed_by_the_next(using, ours):
    if not ours:
        with transaction.atomic(using=using):
            yield
        return
    with connections[using].cursor() as cursor:
        cursor.execute("COMMIT")
        cursor.execute("BEGIN")
        connections[using].autocommit = False
        try:
            yield
        except BaseException:
            cursor.execute("ROLLBACK")
            raise
        finally:
            connections[using].autocommit = True


@contextmanager
def _statement(""",
            ),
        ),
        scenes={"victims": 2},
    ),
    Mutant(
        "a context that rolls its caller back",
        "postgres-tags",
        (
            Edit(
                "store/contexts.py",
                """        if not one_statement:
            transaction.set_rollback(True, using=request.using)  # gives the guards up
        return rows
""",
                """    if not one_statement:
        transaction.set_rollback(True, using=request.using)
    return rows
""",
            ),
        ),
        scenes={"victims": 2},
    ),
    Mutant(
        "no limit of the waits",
        "postgres-tags",
        (Edit(_FUNCTIONS, "str(lock_timeout_milliseconds())", '"0"'),),
        scenes={"freezes": 1},
    ),
    Mutant(
        "inline rows locked after positions are drawn",
        "postgres-tags",
        (
            Edit(
                _CALLS,
                _ROWS + _INSERT,
                "    positions := factos_insert_2(request, events, NULL, moment);\n"
                f"{_ROWS}    RETURN factos_done_1('recorded', positions);\n",
            ),
            Edit(
                _CALLS,
                _ROWS + _RECORD,
                f"{_RECORD_AND_GO_ON}{_ROWS.replace('unwanted :=', 'PERFORM')}    RETURN unwanted;\n",
            ),
        ),
        run="ledger",
    ),
    Mutant(
        "inline rows not locked",
        "postgres-tags",
        (Edit(_LOCKS, "    IF jsonb_array_length(rows) = 0 OR", "    IF true OR"),),
        run="ledger",
    ),
    Mutant(
        "inline rows locked in no order",
        "postgres-tags",
        (
            Edit(
                _LOCKS,
                """        SELECT DISTINCT hashtext(row_name COLLATE "C") AS hash
        FROM jsonb_array_elements_text(rows) AS row_name ORDER BY hash OFFSET 0
""",
                """        SELECT hashtext(row_name COLLATE "C") AS hash
        FROM jsonb_array_elements_text(rows) AS row_name ORDER BY random() OFFSET 0
""",
            ),
        ),
        run="ledger",
    ),
    *(
        Mutant(
            f"inline rows after the commit ({store})",
            store,
            (
                Edit(
                    _RECORDING,
                    "    parts.take_part(recorded, request.using)\n",
                    """    from django.db import transaction
    transaction.on_commit(lambda: parts.take_part(recorded, request.using), using=request.using)
""",
                ),
            ),
            run="ledger",
        )
        for store in ("postgres-tags", "mariadb", "sqlite")
    ),
)
