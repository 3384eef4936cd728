"""Mutants of effects: what is easily made wrong between a fact and its delivery, and what finds it."""

from __future__ import annotations

from tests.mutants.mutant import Edit, Mutant

__all__ = ["EFFECTS"]

_ATTEMPTING, _DELIVERING = "effects/outbox/attempting.py", "effects/delivering.py"
_PUBLISHING, _RELAYING = "effects/outbox/publishing.py", "effects/relaying.py"
_ATTEMPTS, _ORDER = "effects/test_attempts.py", "effects/test_ordering.py"
_RELAYS, _REACTORS = "effects/test_relaying.py", "effects/test_reacting.py"

_BEGIN = """\
    begun = retried(
        lambda: attempting.begin(id, handler.name, handler.policy, using, untimely=untimely), using=using
    )
"""
_IN_ON_COMMIT = Edit(
    "effects/declaration.py",
    "        ask(self.wanted(recorded), using)\n",
    """\
        from django.db import transaction
        wanted = self.wanted(recorded)
        transaction.on_commit(lambda: ask(wanted, using), using=using)
""",
)
_KEY_OF_EVENT = Edit(
    _DELIVERING,
    "effect_key(row.reactor, row.event_id, row.name, row.key)",
    "effect_key('', row.event_id, '', row.key)",
)
_COUNTED_AFTER = (
    Edit(_ATTEMPTING, '        "attempts": row.attempts + 1,\n', '        "attempts": row.attempts,\n'),
    Edit(
        _ATTEMPTING,
        "        return self.effect.attempts\n",
        "        return self.effect.attempts + 1\n",
    ),
    Edit(_DELIVERING, "        attempt=row.attempts,\n", "        attempt=attempt.number,\n"),
    Edit(_ATTEMPTING, ".update(**ended):\n", ".update(**ended, attempts=attempt.number):\n"),
)
_PUBLISHED_IS_DONE = Edit(
    _PUBLISHING,
    '    _put_off(outgoing, _pause, now, using, published_at=now, publications=F("publications") + 1)\n',
    '    _put_off(outgoing, _pause, now, using, published_at=now, publications=F("publications") + 1)\n'
    "    _rows(using).filter(pk__in=[row.pk for row in outgoing]).update(publish_at=None)\n",
)
_RUN = "effects/test_effect_histories.py::test_every_effect_is_delivered_whatever_strikes"
_TURN = "        return (untimely or is_released(row, using)) and is_at_front(row, using)\n"

EFFECTS: tuple[Mutant, ...] = (
    Mutant(
        "outbox written in on_commit",
        "postgres-tags",
        (_IN_ON_COMMIT,),
        test=f"{_RELAYS}::test_a_process_that_dies_between_its_commit_and_the_callbacks_after_it_loses_nothing"
        "[postgres-tags]",
    ),
    Mutant(
        "outbox written in on_commit, and a run",
        "mariadb-log",
        (_IN_ON_COMMIT,),
        test=f"{_RUN}[writers at points-mariadb-log-redis]",
    ),
    Mutant(
        "effect key without reactor and name, and a run",
        "mariadb-log",
        (_KEY_OF_EVENT,),
        test=f"{_RUN}[writers at points-mariadb-log-redis]",
    ),
    Mutant(
        "attempt counted after the run, and a run",
        "sqlite-log",
        _COUNTED_AFTER,
        test=f"{_RUN}[workers at points-sqlite-log-files]",
    ),
    Mutant(
        "published is done, and a run",
        "postgres-log",
        (_PUBLISHED_IS_DONE,),
        test=f"{_RUN}[relays at points-postgres-log-redis]",
    ),
    Mutant(
        "messages sent before the commit",
        "postgres-tags",
        (
            Edit(
                "effects/announcing.py",
                "    transaction.on_commit(_Announcement(tuple(outgoing), using), using=using, robust=True)",
                "    _Announcement(tuple(outgoing), using)()",
            ),
        ),
        test=f"{_REACTORS}::test_a_savepoint_that_is_rolled_back_takes_its_effects_and_their_messages"
        "[postgres-tags]",
    ),
    Mutant(
        "effect key by list index alone",
        "sqlite-log",
        (
            Edit(
                "effects/reacting.py",
                "str(ordinals[kind.name])\n        ordinals[kind.name] += 1\n",
                "str(ordinals['of all'])\n        ordinals['of all'] += 1\n",
            ),
        ),
        test="effects/test_reacting_again.py"
        "::test_a_reactor_that_asks_for_more_or_in_another_order_shifts_no_key[sqlite-log]",
    ),
    Mutant(
        "effect key without reactor and name",
        "sqlite-log",
        (_KEY_OF_EVENT,),
        test="effects/test_expected.py"
        "::test_keys_are_computed_from_the_facts_as_handlers_are_told_them[sqlite-log]",
    ),
    Mutant(
        "attempt counted after the run",
        "postgres-tags",
        _COUNTED_AFTER,
        test=f"{_ATTEMPTS}::test_a_poison_effect_that_kills_its_worker_dies_in_so_many_attempts[postgres-tags]",
    ),
    Mutant(
        "mark without the token",
        "postgres-tags",
        (
            Edit(
                _ATTEMPTING,
                "        mine = _rows(using).filter(pk=row.pk, token=row.token)\n",
                "        mine = _rows(using).filter(pk=row.pk)\n",
            ),
        ),
        test=f"{_ATTEMPTS}::test_what_comes_of_an_attempt_that_outlived_its_lease_is_ignored"
        "[runs-returns-postgres-tags]",
    ),
    Mutant(
        "lease without the token",
        "sqlite-log",
        (
            Edit(
                _ATTEMPTING,
                "filter(pk=row.pk, token=row.token, state=row.state).update(**begun)",
                "filter(pk=row.pk).update(**begun)",
            ),
        ),
        test=f"{_ATTEMPTS}::test_of_many_that_begin_at_once_one_runs[sqlite-log]",
    ),
    Mutant(
        "handler run in the transaction of the lease",
        "postgres-tags",
        (
            Edit(
                _DELIVERING,
                _BEGIN,
                """\
    from django.db import transaction
    with transaction.atomic(using=using):
        begun = attempting.begin(id, handler.name, handler.policy, using, untimely=untimely)
        if isinstance(begun, Attempt):
            return _attempted(begun, handler)
""",
            ),
        ),
        test=f"{_ATTEMPTS}::test_a_poison_effect_that_kills_its_worker_dies_in_so_many_attempts[postgres-tags]",
    ),
    Mutant(
        "what is finished is begun again",
        "sqlite-log",
        (
            Edit(
                _ATTEMPTING,
                "    return row.state == Effect.State.RUNNING and is_free(",
                "    return is_free(",
            ),
        ),
        test=f"{_ATTEMPTS}::test_what_is_finished_is_not_delivered_again[done-sqlite-log]",
    ),
    Mutant(
        "published is done",
        "postgres-tags",
        (_PUBLISHED_IS_DONE,),
        test=f"{_RELAYS}::test_a_relay_that_is_killed_delays_what_it_had_claimed_by_its_lease"
        "[postgres-tags-0]",
    ),
    Mutant(
        "nobody waits for those in front",
        "postgres-tags",
        (Edit(_ATTEMPTING, _TURN, "        return untimely or is_released(row, using)\n"),),
        test=f"{_ORDER}::test_each_waits_until_the_one_before_it_is_done_which_has_it_published[postgres-tags]",
    ),
    Mutant(
        "in order among what has committed, not waiting for the head",
        "postgres-tags",
        (Edit(_ATTEMPTING, _TURN, "        return is_at_front(row, using)\n"),),
        test=f"{_ORDER}::test_a_later_one_waits_while_a_lower_position_may_still_be_committed[postgres-tags]",
    ),
    Mutant(
        "what was not published is not given back",
        "postgres-tags",
        (
            Edit(
                _RELAYING,
                "        retried(lambda: give_back(outgoing[number:], using, seconds=_PAUSE), using=using)\n",
                "",
            ),
        ),
        test=f"{_RELAYS}::test_what_the_broker_does_not_take_is_given_back_at_once[postgres-tags]",
    ),
)
