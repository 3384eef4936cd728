"""From an append to a handler, by real brokers, workers and relays; and brokers that fail."""

from __future__ import annotations

import signal
import threading
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command

from factos_django.effects.outbox.publishing import is_anything_due
from factos_django.models import Effect
from factos_django.projections import wait_for
from factos_django.store import append, head
from factos_django.tasks.relaying import relay_effects_task
from tests.children import manage
from tests.effects.brokers import broker_at, celery_worker, on_brokers, own_redis
from tests.effects.sending import appended_elsewhere, relay_daemon
from tests.effects.waiting import all_done, states, until
from tests.faults.proxy import Proxy, proxy_to
from tests.parcels.domain import ParcelSent
from tests.projections.ledgers import BALANCES, deposit
from tests.stores import on_databases

AWAY = "failed, and is tried again in"


@pytest.fixture(autouse=True)
def _not_nudged(settings):
    """What the test itself appends is a relay's, at once."""
    settings.FACTOS_CELERY_NUDGE = False


def send(number, using, **how):
    append([ParcelSent(str(each), "renata", **how) for each in range(number)], using=using)


def rows(using):
    return list(Effect.objects.using(using).order_by("pk"))


@on_brokers()
def test_a_commit_has_its_effects_published_and_a_worker_delivers_each_once(store, broker):
    with celery_worker(broker) as worker:
        worker.says("ready.")
        assert appended_elsewhere(broker, store.using, billed="fine")[0] == "sent True"
        all_done(store.using)
    assert {row.attempts for row in rows(store.using)} == {1}
    assert len(rows(store.using)) == 6


@on_brokers()
def test_what_nobody_published_is_relayed(store, broker):
    send(2, store.using, billed="fine")
    with celery_worker(broker) as worker, relay_daemon(broker, store.using) as relay:
        all_done(store.using)
        send(1, store.using, told="fails 2")
        all_done(store.using)
        for each in (relay, worker):
            each.send(signal.SIGTERM)
            assert each.end() == 0
    assert "effects: 3 published" in relay.output  # the second bill waits for the first
    assert relay.output.endswith("Ended.\n")
    assert [row.attempts for row in rows(store.using)] == [1, 1, 1, 1, 3]


@on_brokers("files", "redis")
def test_beat_relays_too(store, broker, tmp_path):
    send(2, store.using, told="fails 1")
    schedule = {"relay": {"task": "factos.relay_effects", "schedule": 0.2, "args": [store.using]}}
    beat = ["--beat", "--schedule", str(tmp_path / "schedule")]
    with celery_worker(broker, *beat, CELERY_BEAT_SCHEDULE=schedule) as worker:
        all_done(store.using)
        worker.send(signal.SIGTERM)
        assert worker.end() == 0
    assert {row.attempts for row in rows(store.using)} == {2}


@on_brokers("files", "rabbitmq")
def test_one_process_follows_and_relays(store, broker):
    with celery_worker(broker), relay_daemon(broker, store.using, command="run_factos") as both:
        send(1, store.using)
        wait_for(BALANCES, deposit(store.using)[0], 60, using=store.using)
        all_done(store.using)
        both.send(signal.SIGTERM)
        assert both.end() == 0
    assert f"follows the log of {store.using}" in both.output
    assert f"relays the effects of {store.using}" in both.output


@on_brokers("files", "redis")
def test_once_publishes_what_is_due_and_ends(store, broker):
    send(2, store.using)
    done = manage("relay_effects", "--once", "--database", store.using, **broker.settings)
    assert (done.returncode, done.stdout) == (0, "effects: 2 published\n"), done.stderr
    assert broker.waiting() == 2
    deposit(store.using)
    send(1, store.using)
    done = manage("run_factos", "--once", "--database", store.using, **broker.settings)
    assert done.returncode == 0, done.stderr
    assert f"{BALANCES}: caught up, 1 facts, at " in done.stdout
    assert done.stdout.endswith("effects: 1 published\n")


@on_databases("default")
def test_once_says_by_its_exit_code_what_is_wrong(store, tmp_path):
    send(1, store.using)
    away = broker_at("redis", "redis://127.0.0.1:1/0").settings
    done = manage("relay_effects", "--once", **away)
    assert done.returncode == 3
    assert "The broker takes no messages" in done.stderr
    (row,) = rows(store.using)
    assert (row.publications, row.state) == (0, "pending")
    until(lambda: is_anything_due(store.using), "what was given back is due")
    done = manage("run_factos", "--once", **away)
    assert (done.returncode, BALANCES in done.stdout) == (3, True)
    nothing = {"FACTOS_TEST_NAMES": {"default": str(tmp_path / "empty.sqlite3")}}
    for arguments in (["relay_effects"], ["relay_effects", "--once"]):
        done = manage(*arguments, **away, **nothing)
        assert (done.returncode, "manage.py migrate --database default" in done.stderr) == (1, True)
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["relay_effects", "run_factos"])
@on_databases("default")
def test_without_a_broker_the_commands_are_refused(store, command):
    with pytest.raises(CommandError, match="CELERY_BROKER_URL") as refused:
        call_command(command)
    assert refused.value.returncode == 1


@on_databases("default", "postgres")
def test_a_broker_that_is_down_costs_an_append_nothing_and_gets_everything_when_it_is_up(store):
    with own_redis() as server:
        told, log = appended_elsewhere(server.broker, store.using, 20)
        assert told == "sent True"  # that is: given up
        assert 1 <= log.count("failed in the background: BrokerUnavailable") < 20
        with relay_daemon(server.broker, store.using, command="run_factos") as both:
            both.says(f"relaying on {store.using} {AWAY}")
            wait_for(BALANCES, deposit(store.using)[0], 60, using=store.using)  # following goes on
            assert states(store.using) == {"pending": 20}
            server.start()
            with celery_worker(server.broker):
                all_done(store.using)
    assert {row.attempts for row in rows(store.using)} == {1}


@on_databases("default", "postgres")
def test_a_broker_that_stops_answering_holds_nobody_up_for_long(store):
    with own_redis() as server:
        server.start()
        with relay_daemon(server.broker, store.using) as relay:
            send(1, store.using)
            relay.says("effects: 1 published")
            server.freeze()
            told, log = appended_elsewhere(server.broker, store.using, 20)
            assert told == "sent True"
            assert 1 <= log.count("failed in the background: BrokerUnavailable") < 20
            relay.says(AWAY)
            relay.says(f"{AWAY} 2.0 s")
            server.thaw()
            with celery_worker(server.broker):
                all_done(store.using)
            relay.send(signal.SIGTERM)
            assert relay.end() == 0


@on_brokers("rabbitmq")
def test_a_rabbitmq_that_accepts_and_says_nothing_gets_everything_when_it_speaks(store, broker):
    url = broker.settings["CELERY_BROKER_URL"]
    host, port = urlsplit(url).hostname, urlsplit(url).port
    proxy = Proxy((host, port))  # its kernel accepts
    silent = broker_at("rabbitmq", url.replace(f":{port}", f":{proxy.port}"))
    silent.settings["CELERY_TASK_DEFAULT_QUEUE"] = broker.queue
    try:
        told, log = appended_elsewhere(silent, store.using, 20)
        assert told == "sent True"
        assert 1 <= log.count("failed in the background: BrokerUnavailable") < 20
        with relay_daemon(silent, store.using) as relay:
            relay.says(AWAY)
            threading.Thread(target=proxy.serve, daemon=True).start()
            with celery_worker(broker):
                all_done(store.using)
    finally:
        proxy.listener.close()


@pytest.mark.parametrize("executed", [False, True], ids=["lost", "taken"])
@on_brokers("rabbitmq", "redis")
def test_a_connection_that_is_cut_in_the_middle_leaves_everything_due_or_published(store, broker, executed):
    """Whether the broker took that message, the relay cannot know: it is sent again, and delivered once."""
    send(5, store.using)
    url = urlsplit(broker.settings["CELERY_BROKER_URL"])
    with proxy_to(url.hostname, url.port) as proxy:
        cut = {
            "CELERY_BROKER_URL": broker.settings["CELERY_BROKER_URL"].replace(
                f":{url.port}", f":{proxy.port}"
            )
        }
        third = rows(store.using)[2].pk
        proxy.cut_at(rb"\(%d,\)" % third, executed=executed)  # argsrepr
        once = ["relay_effects", "--once", "--database", store.using]
        done = manage(*once, **{**broker.settings, **cut})
        assert (done.returncode, proxy.cuts) == (3, 1), done.stderr
        until(lambda: is_anything_due(store.using), "what was given back is due")
        done = manage(*once, **{**broker.settings, **cut})
        assert (done.returncode, done.stdout) == (0, "effects: 3 published\n"), done.stderr
    assert broker.waiting() == (6 if executed else 5)
    with celery_worker(broker):
        all_done(store.using)
    assert {row.attempts for row in rows(store.using)} == {1}


@on_databases("default", "postgres")
def test_what_a_broker_loses_is_published_again_after_its_lease(store):
    with own_redis() as server:
        server.start()
        with relay_daemon(server.broker, store.using, FACTOS_EFFECT_LEASE_SECONDS=2) as relay:
            send(5, store.using)
            relay.says("effects: 5 published")
            server.flush()
            with celery_worker(server.broker):
                all_done(store.using)
    assert all(row.publications > 1 for row in rows(store.using))


@on_brokers()
def test_a_message_that_comes_again_after_the_end_does_nothing(store, broker):
    append([ParcelSent("fine", "b"), ParcelSent("dead", "b", told="fatal")], using=store.using)
    with celery_worker(broker) as worker, relay_daemon(broker, store.using):
        until(lambda: states(store.using) == {"done": 1, "dead": 1}, "both finished")
        for row in rows(store.using):
            forge(broker, [row.pk], store.using)
        asks_one_more(broker, store.using, worker)
    fine, dead, _ = rows(store.using)
    assert [(fine.state, fine.attempts), (dead.state, dead.attempts)] == [("done", 1), ("dead", 1)]


def forge(broker, args, using, name="factos.effect.parcels.Notify", **options):
    headers = {"factos_database": using}
    return broker.app.send_task(name, args=args, headers=headers, **options).id


def asks_one_more(broker, using, worker):
    """Return once everything that was sent before has been received, for this comes after it."""
    send(1, using)
    forge(broker, [rows(using)[-1].pk], using)
    until(lambda: rows(using)[-1].state == "done", "the last one done")


@on_brokers()
def test_forged_messages_have_nothing_done(store, broker):
    append([ParcelSent("1", "b", told="later 0", billed="fine")], using=store.using)
    Effect.objects.using(store.using).update(publish_at=None)  # nobody relays them
    bill, notice = rows(store.using)
    refused = ["1", 1.5, True, None, [notice.pk], {"id": notice.pk}, 10**30, -1, bill.pk]
    using = store.using
    with celery_worker(broker, FACTOS_CELERY_NUDGE=False) as worker:
        for each in refused:
            forge(broker, [each], using)
        for alias in ("nowhere", 7, ["default"]):
            forge(broker, [notice.pk], alias)
        ids = [
            forge(broker, [], using),
            forge(broker, [notice.pk, "more"], using),
            forge(broker, [notice.pk], using, kwargs={"using": "default"}),
            forge(broker, [notice.pk], using, name="factos.effect.parcels.Renamed"),
            forge(broker, ["nowhere"], using, name="factos.relay_effects"),
            forge(broker, [{}], using, name="factos.prune_effects"),
        ]
        broker.app.conf.accept_content = ["json", "pickle"]
        forge(broker, [notice.pk], using, serializer="pickle")
        asks_one_more(broker, using, worker)
    assert [(row.state, row.attempts) for row in rows(using)[:2]] == [("pending", 0), ("pending", 0)]
    assert all(each in worker.output for each in ids)
    assert "ContentDisallowed" in worker.output
    assert "Received unregistered task of type 'factos.effect.parcels.Renamed'" in worker.output


@on_brokers("redis", "rabbitmq")
def test_a_worker_that_was_frozen_past_its_lease_records_nothing(store, broker):
    send(1, store.using, told="slow 2")
    lease = {"FACTOS_EFFECT_LEASE_SECONDS": 4}
    with relay_daemon(broker, store.using, **lease), celery_worker(broker, **lease) as first:
        until(lambda: states(store.using) == {"running": 1}, "the first attempt")
        first.send(signal.SIGSTOP)
        with celery_worker(broker, **lease):
            all_done(store.using)
            first.send(signal.SIGCONT)
            first.says("outlived its lease, and another has begun: its result is ignored")
    (row,) = rows(store.using)
    assert (row.state, row.attempts, row.token) == ("done", 2, 2)


@pytest.mark.slow
@on_brokers("redis")
def test_a_message_that_the_broker_hands_out_again_while_it_is_worked_at_is_ignored(store, broker):
    """Redis takes what is not acknowledged within its visibility timeout for lost."""
    send(1, store.using, told="slow 12")
    options = broker.settings["CELERY_BROKER_TRANSPORT_OPTIONS"]
    options |= {"visibility_timeout": 1, "unacked_restore_interval": 1, "unacked_restore_throttle": 1}
    late = {"CELERY_TASK_ACKS_LATE": True}
    received = "Task factos.effect.parcels.Notify["
    with celery_worker(broker, **late) as one, celery_worker(broker, **late) as another:
        one.says("ready.")
        another.says("ready.")
        done = manage("relay_effects", "--once", "--database", store.using, **broker.settings)
        assert done.returncode == 0, done.stderr
        until(lambda: received in one.output or received in another.output, "a worker that takes it")
        idle = another if received in one.output else one
        idle.says(received)
        idle.says("'nothing'")
        assert states(store.using) == {"running": 1}
        all_done(store.using)
    assert rows(store.using)[0].attempts == 1


@on_databases("default")
def test_the_task_of_the_relay_returns_how_many_it_published(store, settings):
    assert relay_effects_task("nowhere") == 0
    assert relay_effects_task(["default"]) == 0
    assert relay_effects_task("default") == 0
    assert head(store.using) == 0
