"""The rows of the table, and how each is measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.benchmarks.bench import FLOOR, OURS, PEER, SUBJECTS, Bench, Scale
from tests.benchmarks.brokers import CONDITIONS, workers
from tests.benchmarks.figures import percentile, rate
from tests.benchmarks.floor import lasting, replay, script_of
from tests.benchmarks.tasks import Job, Result

__all__ = ["Line", "Row", "rows_of"]

#: One value for each line of the row; None where the subject has none.
Values = Sequence[float | None]
Measure = Callable[[Bench, str, int], Values]

_WORKERS = 2


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table.

    Attributes:
        label: What is measured, with its unit.
        elsewhere: The best known figure of another event store, measured elsewhere.
        aim: What we want to reach.
    """

    label: str
    elsewhere: str = "-"
    aim: str = "-"


@dataclass(frozen=True, slots=True)
class Row:
    """What is measured at once: a line or several.

    Attributes:
        name: For the command line.
        measure: Takes the bench, the subject, and the number of the run from 0.
        subjects: Those for which it makes sense.
        once: It is the same in every run.
    """

    name: str
    lines: tuple[Line, ...]
    measure: Measure
    subjects: tuple[str, ...] = SUBJECTS
    once: bool = False


def rows_of(scale: Scale) -> list[Row]:
    """All rows, in the order of the table."""
    return [
        *_concurrent_rows(scale),
        *_log_rows(scale),
        *_latency_rows(),
        *_projection_rows(scale),
        *_effect_rows(scale),
    ]


def _concurrent_rows(scale: Scale) -> list[Row]:
    disjoint = "conditional appends, disjoint contexts, {} (per s)"
    shared = "the same with 16 processes, all events sharing a tag; the condition names {} (per s)"
    rust = "5,419 (a Rust server), 1,387 (SQL)"
    hot = "decisions about one hot context, 16 processes"
    return [
        Row("append-1", (Line(disjoint.format("1 process"), "1,588", "1,700"),), _appends(1)),
        Row("append-4", (Line(disjoint.format("4 processes"), "3,377", "3,500"),), _appends(4)),
        Row("append-16", (Line(disjoint.format("16 processes"), "4,696", "3,000, then more"),), _appends(16)),
        Row(
            "broad",
            (Line(shared.format("the context"), rust, "no slower than disjoint"),),
            _appends(16, tenant="x"),
        ),
        Row("broad-both", (Line(shared.format("both tags")),), _appends(16, tenant="x", both_tags=True)),
        Row(
            "hot",
            (Line(f"{hot} (per s)", "112", "500"), Line(f"{hot} (conflicts)", "1,216", "0")),
            _hot_decisions,
            (OURS, PEER),
        ),
        Row(
            "batch",
            (
                Line(
                    f"one client, {scale.batch:,} events an append (events/s)",
                    "34,322 (SQL), 57,371",
                    "40,000",
                ),
            ),
            _batches,
        ),
        Row(
            "held",
            (Line("dispatches in transactions held 50 ms, 8 processes, disjoint (per s)", "20", "150"),),
            _held,
            (OURS, FLOOR),
        ),
    ]


def _log_rows(scale: Scale) -> list[Row]:
    read, append = "read a context of ten, {:,} events (p50 ms)", "append to it, {:,} events (p50 ms)"
    small = (Line(read.format(scale.small)), Line(append.format(scale.small)))
    aim = f"1.0, and as at {scale.small:,}"
    big = (Line(read.format(scale.big), "1.3", aim), Line(append.format(scale.big), "1.3", aim))
    replayed = f"replay of {scale.big:,} events"
    return [
        Row(
            "fill",
            (Line(f"filling a log with {scale.big:,} events (events/s)"),),
            _fill,
            (OURS, PEER),
            once=True,
        ),
        Row("log-small", small, _contexts(scale.small)),
        Row("log-big", big, _contexts(scale.big)),
        Row(
            "replay",
            (
                Line(f"{replayed} (events/s)", "140,285", "200,000"),
                Line(f"{replayed} (peak RSS, MB)", "138", "200"),
            ),
            _replay,
        ),
    ]


def _latency_rows() -> list[Row]:
    beside_none = _latency_lines("alone", "-")
    return [
        Row("latency", beside_none, _latency()),
        Row(
            "latency-followed",
            _latency_lines("beside a follower", "as alone"),
            _latency("follow"),
            (OURS, PEER),
        ),
        Row(
            "latency-held",
            _latency_lines("while another's append is open", "as alone"),
            _latency("hold_the_head"),
            (OURS,),
        ),
    ]


def _projection_rows(scale: Scale) -> list[Row]:
    rebuilt = f"rebuild of a projection from {scale.big:,} events, {scale.big // 5:,} keys"
    peers = f"(the peer: {scale.of_peer:,} events)"
    inline = "append of one client with {} inline projection ({} ms)"
    return [
        Row(
            "rebuild-small",
            (Line(f"rebuild of a projection from {scale.followed:,} events (events/s)"),),
            _rebuild(scale.followed, few=True),
            (OURS,),
        ),
        Row(
            "rebuild",
            (
                Line(f"{rebuilt} {peers} (events/s)", aim="100,000, and as from fewer"),
                Line(f"{rebuilt} (peak RSS, MB)", aim="300"),
                Line(f"{rebuilt} (its follower waits, ms)"),
            ),
            _rebuild(scale.big),
            (OURS, PEER),
        ),
        Row(
            "catch-up",
            (
                Line(
                    f"catching up with {scale.followed:,} events in batches {peers} (events/s)", aim="30,000"
                ),
            ),
            _catch_up,
            (OURS, PEER),
        ),
        Row(
            "inline-none",
            tuple(Line(inline.format("no", p)) for p in ("p50", "p99")),
            _inline("async"),
            (OURS,),
        ),
        Row(
            "inline", tuple(Line(inline.format("one", p)) for p in ("p50", "p99")), _inline("inline"), (OURS,)
        ),
    ]


def _effect_rows(scale: Scale) -> list[Row]:
    workers = f"Redis, {_WORKERS} worker processes"
    many = f"{scale.effects[0]:,} effects from the first append to the last done, {workers} (per s)"
    one = f"an effect from its fact to done, nothing else to do, {workers} ({{}} ms)"
    rows = [
        Row("effects", (Line(many),), _effects, (OURS,)),
        Row("effect", tuple(Line(one.format(p)) for p in ("p50", "p99")), _effect, (OURS,)),
        Row("reactor-none", _reactor_lines("without effect"), _reactor("none"), (OURS,)),
    ]
    for broker in CONDITIONS:
        lines = _reactor_lines(f"with one effect, the broker {broker}", "-" if broker == "up" else "as up")
        rows.append(Row(f"reactor-{broker}", lines, _reactor("effects", broker), (OURS,)))
    return rows


def _reactor_lines(what: str, aim: str = "-") -> tuple[Line, ...]:
    return tuple(Line(f"append of one client {what} ({each} ms)", aim=aim) for each in ("p50", "p99"))


def _latency_lines(beside: str, aim: str) -> tuple[Line, ...]:
    return tuple(Line(f"append of one client {beside} ({each} ms)", aim=aim) for each in ("p50", "p99"))


def _appends(processes: int, *, tenant: str = "", both_tags: bool = False) -> Measure:
    def measure(bench: Bench, subject: str, _run: int) -> Values:
        seconds = bench.scale.seconds
        with bench.fresh(subject) as database:
            if subject == FLOOR:
                script = script_of("append", tenant=tenant)
                return [bench.pgbench(database).per_second(script, clients=processes, seconds=seconds)]
            one = Job("append", seconds=seconds, tenant=tenant, both_tags=both_tags)
            return [rate(bench.clients(subject, database, one.numbered(processes)))]

    return measure


def _hot_decisions(bench: Bench, subject: str, _run: int) -> Values:
    with bench.fresh(subject) as database:
        jobs = Job("decide", count=bench.scale.decisions).numbered(16)
        results = bench.clients(subject, database, jobs)
    return [rate(results), sum(each["conflicts"] for each in results)]


def _batches(bench: Bench, subject: str, _run: int) -> Values:
    seconds, batch = bench.scale.seconds, bench.scale.batch
    with bench.fresh(subject) as database:
        if subject == FLOOR:
            script = script_of("append_batches", batch=batch)
            return [batch * bench.pgbench(database).per_second(script, clients=1, seconds=seconds)]
        return [rate(bench.clients(subject, database, [Job("append_batches", seconds=seconds, batch=batch)]))]


def _held(bench: Bench, subject: str, _run: int) -> Values:
    seconds = bench.scale.seconds
    with bench.fresh(subject) as database:
        if subject == FLOOR:
            script = script_of("dispatch_and_hold")
            return [bench.pgbench(database).per_second(script, clients=8, seconds=seconds)]
        return [rate(bench.clients(subject, database, Job("dispatch_and_hold", seconds=seconds).numbered(8)))]


def _fill(bench: Bench, subject: str, _run: int) -> Values:
    return [bench.log(subject, bench.scale.big).per_second]


def _contexts(size: int) -> Measure:
    def measure(bench: Bench, subject: str, run: int) -> Values:
        count, database = bench.scale.contexts, bench.log(subject, size).database
        if subject == FLOOR:
            pgbench, scripts = bench.pgbench(database), ("read_context", "append_known")
            return [
                percentile(pgbench.milliseconds(script_of(script, log=size), "-t", str(count)), 50)
                for script in scripts
            ]
        job = Job("read_and_append", count=count, log=size, part=run, parts=bench.runs)
        (result,) = bench.clients(subject, database, [job])
        return [percentile(result[each], 50) for each in ("reads", "appends")]

    return measure


def _replay(bench: Bench, subject: str, _run: int) -> Values:
    database = bench.log(subject, bench.scale.big).database
    if subject == FLOOR:
        with bench.databases.connected(database) as connection:
            return [replay(connection), None]
    (result,) = bench.clients(subject, database, [Job("replay")])
    return [rate([result]), result["megabytes"]]


def _latency(*beside: str) -> Measure:
    def measure(bench: Bench, subject: str, _run: int) -> Values:
        seconds = bench.scale.seconds
        with bench.fresh(subject) as database:
            if subject == FLOOR:
                script = script_of("append")
                took = bench.pgbench(database).milliseconds(script, *lasting(seconds))
            else:
                jobs = [Job(task, seconds=seconds) for task in ("append", *beside)]
                took = bench.clients(subject, database, jobs)[0]["milliseconds"]
        return [percentile(took, 50), percentile(took, 99)]

    return measure


def _rebuild(size: int, *, few: bool = False) -> Measure:
    def measure(bench: Bench, subject: str, _run: int) -> Values:
        if subject == PEER:
            return [_processed_by_peer(bench), None, None]
        with bench.tally_log(subject, size) as database:
            (result,) = bench.tally(subject, database, Job("rebuild_all"))
        values = [rate([result]), result["megabytes"], result["held"]]
        return values[:1] if few else values

    return measure


def _catch_up(bench: Bench, subject: str, _run: int) -> Values:
    if subject == PEER:
        return [_processed_by_peer(bench)]
    with bench.tally_log(subject, bench.scale.followed) as database:
        return [rate(bench.tally(subject, database, Job("catch_up_all")))]


def _processed_by_peer(bench: Bench) -> float:
    size = bench.scale.of_peer
    with bench.tally_log(PEER, size) as database:
        return rate(bench.tally(PEER, database, Job("replay", log=size)))


def _inline(mode: str) -> Measure:
    def measure(bench: Bench, subject: str, _run: int) -> Values:
        with bench.tally_log(subject, 0, mode) as database:
            job = Job("append_new", seconds=bench.scale.seconds)
            (result,) = bench.tally(subject, database, job, mode=mode)
        return [percentile(result["milliseconds"], each) for each in (50, 99)]

    return measure


def _effects(bench: Bench, subject: str, _run: int) -> Values:
    return [rate([_delivered(bench, subject, Job("deliver_all", count=bench.scale.effects[0]))])]


def _effect(bench: Bench, subject: str, _run: int) -> Values:
    result = _delivered(bench, subject, Job("deliver_each", count=bench.scale.effects[1]))
    return [percentile(result["milliseconds"], each) for each in (50, 99)]


def _delivered(bench: Bench, subject: str, job: Job) -> Result:
    with (
        bench.tally_log(subject, 0, "effects") as database,
        CONDITIONS["up"]() as broker,
        workers(bench.tally_environment(subject, database, "effects", broker), _WORKERS),
    ):
        (result,) = bench.tally(subject, database, job, mode="effects", broker=broker)
    return result


def _reactor(mode: str, kind: str = "up") -> Measure:
    def measure(bench: Bench, subject: str, _run: int) -> Values:
        job = Job("append_new", seconds=bench.scale.seconds)
        with bench.tally_log(subject, 0, mode) as database, CONDITIONS[kind]() as broker:
            (result,) = bench.tally(subject, database, job, mode=mode, broker=broker)
        return [percentile(result["milliseconds"], each) for each in (50, 99)]

    return measure
