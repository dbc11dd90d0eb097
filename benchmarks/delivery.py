"""Measure what delivery costs: `python -m benchmarks.delivery`.

Runs the whole program from files and Kafka to files, a collector that only answers, and Kafka, in turns in one run, beside the
plain pipe from standard input to standard output, and prints ratios of their speeds. What an empty input costs (start-up, joining
a group) is taken off each. Kafka is a real broker, started as the tests start it.

Others may use this machine's cores meanwhile. So beside the megabytes a second as they were, there are those "on free cores": the
time in which a process could run and was not let (Linux tells it) is taken off. Ratios are of these.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from aiokafka import AIOKafkaProducer

from benchmarks.corpus import generate

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from servers.kafka_server import KafkaServer
from servers.ports import free_ports
from servers.topics import create_topic

from benchmarks.peers import SCHEDULED

PEER = [sys.executable, "-m", "benchmarks.peers"]
RUN = [*PEER, "run"]
PARTITIONS = 3


class Run(NamedTuple):
    """Seconds: as the clock has them, as they had been with a free core for each process, and of CPU time of all processes; and the
    largest process's peak of memory, in megabytes."""

    wall: float
    free: float
    cpu: float
    peak: float


@dataclass
class Way:
    """A way for records to go: prepares a run over an input and returns its processes' commands; the seconds that full and
    empty runs took."""

    name: str
    prepare: Callable[[str], Sequence[Sequence[str]]]
    beside: str = ""
    target: float = 0
    crowd: bool = False
    """Its processes wait for one another's cores, which is its own affair: its ratio is by the clock."""
    full: list[Run] = field(default_factory=list)
    empty: list[Run] = field(default_factory=list)

    def take(self) -> Run:
        """What the input alone took."""
        sides = [[statistics.median(column) for column in zip(*runs, strict=True)] for runs in (self.full, self.empty)]
        return Run(*[max(1e-3, full - empty) for full, empty in zip(*sides, strict=True)])


class Bench:
    """The inputs ("full" and "empty") as files and as topics, and configurations to run over them."""

    def __init__(self, folder: Path, collector: str, log: bytes) -> None:
        self._folder = folder
        self._kafka: KafkaServer | None = None
        self._collector = collector
        self._numbers = itertools.count()
        self._topics: dict[str, str] = {}
        self._contents = {"full": log, "empty": b""}
        for name, content in self._contents.items():
            (folder / name).write_bytes(content)

    def use(self, kafka: KafkaServer) -> None:
        """Put the inputs into topics of *kafka*, too."""
        self._kafka = kafka
        for name, content in self._contents.items():
            self._topics[name] = asyncio.run(fill(kafka, content.splitlines()))

    @property
    def kafka(self) -> KafkaServer:
        if self._kafka is None:
            raise SystemExit("no broker is running")
        return self._kafka

    def log_of(self, number: int) -> Path:
        """Where a process's standard error goes."""
        return self._folder / f"log-{number}"

    def input(self, name: str) -> Path:
        return self._folder / name

    def _configure(self, sources: object, sinks: object, **more: object) -> str:
        """Write a configuration with a state folder of its own, as YAML's subset JSON."""
        number = next(self._numbers)
        config = {"state_dir": str(self._folder / f"state-{number}"), "sources": [sources], "sinks": [sinks], **more}
        path = self._folder / f"config-{number}.yaml"
        path.write_text(json.dumps(config))
        return str(path)

    def _file(self, name: str) -> dict[str, object]:
        return {"type": "file", "paths": [str(self._folder / name)]}

    def _topic(self, name: str) -> dict[str, object]:
        group = {"group_id": uuid.uuid4().hex, "topics": [self._topics[name]]}
        return {"type": "kafka", "bootstrap_servers": self.kafka.bootstrap()} | group

    def _out(self) -> dict[str, object]:
        topic = asyncio.run(create_topic(self.kafka, "out", PARTITIONS))
        return {"type": "kafka", "bootstrap_servers": self.kafka.bootstrap(), "topic": topic}

    def pipe(self, _name: str) -> Sequence[Sequence[str]]:
        return [[*RUN, self._configure({"type": "stdin", "when_full": "block"}, {"type": "stdout"})]]

    def one(self, name: str) -> Sequence[Sequence[str]]:
        return [[*RUN, self._configure(self._file(name), {"type": "stdout"})]]

    def workers(self, name: str) -> Sequence[Sequence[str]]:
        return [[*RUN, self._configure(self._file(name), {"type": "stdout"}, workers=2)]]

    def to_slow(self, name: str) -> Sequence[Sequence[str]]:
        sink = {"type": "otlp", "endpoint": f"{self._collector}/slow", "when_down": "spill"}
        return [[*RUN, self._configure(self._file(name), sink)]]

    def to_file(self, name: str) -> Sequence[Sequence[str]]:
        out = self._folder / f"out-{next(self._numbers)}"
        return [[*RUN, self._configure(self._file(name), {"type": "file", "path": str(out)})]]

    def to_collector(self, name: str) -> Sequence[Sequence[str]]:
        return [[*RUN, self._configure(self._file(name), {"type": "otlp", "endpoint": self._collector})]]

    def kafka_to_kafka(self, name: str) -> Sequence[Sequence[str]]:
        return [[*RUN, self._configure(self._topic(name), self._out())]]

    def exactly_once(self, name: str) -> Sequence[Sequence[str]]:
        return [[*RUN, self._configure(self._topic(name), self._out(), delivery="exactly_once")]]

    def three_consumers(self, name: str) -> Sequence[Sequence[str]]:
        source, sink = self._topic(name), self._out()
        return [[*RUN, self._configure(source, sink)] for _ in range(PARTITIONS)]

    def copy(self, name: str) -> Sequence[Sequence[str]]:
        return [[*PEER, "copy", self._configure(self._topic(name), self._out())]]


async def fill(kafka: KafkaServer, lines: list[bytes]) -> str:
    """Write *lines* to a topic of their own, by turns to its partitions."""
    topic = await create_topic(kafka, "in", PARTITIONS)
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap(), max_batch_size=1 << 18, linger_ms=20) as producer:
        for number, line in enumerate(lines):
            await producer.send(topic, line, partition=number % PARTITIONS)
    return topic


@contextmanager
def collector() -> Iterator[str]:
    """The address of a collector in a process of its own."""
    (port,) = free_ports(1)
    process = subprocess.Popen([*PEER, "collector", str(port)])
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def measure(way: Way, bench: Bench, name: str) -> None:
    """Run once, and note what it took."""
    commands = way.prepare(name)
    cpu, peak, schedules = 0.0, 0.0, []
    with open(bench.input(name), "rb") as stdin:
        start = time.perf_counter()
        processes = [
            subprocess.Popen(command, stdin=stdin, stdout=subprocess.DEVNULL, stderr=bench.log_of(number).open("wb"))
            for number, command in enumerate(commands)
        ]
        for number, process in enumerate(processes):
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - start
            cpu += usage.ru_utime + usage.ru_stime
            peak = max(peak, usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10))
            said = bench.log_of(number).read_text()
            if os.waitstatus_to_exitcode(status):
                raise SystemExit(f"{way.name}: ended with {os.waitstatus_to_exitcode(status)}: {said[-2000:]}")
            ran, waited = map(float, said.rpartition(SCHEDULED)[2].split())
            schedules.append((ran + waited, waited))
            process.returncode = 0
    _, waited = max(schedules)  # of the busiest process, for which the others wait at the end
    (way.full if name == "full" else way.empty).append(Run(wall, wall - waited, cpu, peak))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=float, default=20, help="megabytes of log (default 20)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run (default 3)")
    parser.add_argument("--only", default="", help="measure the ways whose name holds this")
    arguments = parser.parse_args()
    cores = min(PARTITIONS, os.cpu_count() or 1)
    log = b"".join(generate("mixed", int(arguments.size * 1e6)))
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="benchmark-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        bench = Bench(folder, stack.enter_context(collector()), log)
        ways = [
            Way("pipe", bench.pipe),
            Way("file to file, checkpoints", bench.to_file, "pipe", 0.8),
            Way("file to OTLP/JSON", bench.to_collector, "pipe", 0.6),
            Way("file to a slow OTLP/JSON, spool", bench.to_slow),
            Way("file to pipe, one process", bench.one),
            Way("file to pipe, two workers", bench.workers, "file to pipe, one process", 0.8 * min(2, cores), crowd=True),
            Way("Kafka to Kafka, redaction left out", bench.copy),
            Way("Kafka to Kafka, at least once", bench.kafka_to_kafka, "Kafka to Kafka, redaction left out", 0.6),
            Way("Kafka to Kafka, exactly once", bench.exactly_once, "Kafka to Kafka, at least once", 0.7),
            Way("Kafka to Kafka, three consumers", bench.three_consumers, "Kafka to Kafka, at least once", 0.8 * cores),
        ]
        chosen = [way for way in ways if arguments.only.lower() in way.name.lower()]
        beside = {way.beside for way in chosen}
        ways = [way for way in ways if way in chosen or way.name in beside]
        if any("Kafka" in way.name for way in ways):
            bench.use(stack.enter_context(KafkaServer()))
        measure(Way("warm-up", bench.pipe), bench, "empty")  # compiles the rules, where that was not done yet
        for _ in range(arguments.rounds):
            for way, name in itertools.product(ways, ("full", "empty")):
                measure(way, bench, name)
    by_name = {way.name: way for way in ways}
    print(f"{len(log) / 1e6:.0f} MB, {log.count(bytes([10]))} lines, median of {arguments.rounds}")
    print(f"{'':36} {'MB/s':>7} {'on free cores':>14} {'CPU us/line':>12} {'peak MB':>7} {'ratio':>7} {'wanted':>7}")
    for way in ways:
        took, beside, peak = way.take(), by_name.get(way.beside), max(run.peak for run in way.full)
        measure_of = "wall" if way.crowd else "free"
        ratio = f"{getattr(beside.take(), measure_of) / getattr(took, measure_of):7.2f} {way.target:7.2f}" if beside else ""
        speeds = [len(log) / 1e6 / secs for secs in (took.wall, took.free)]
        cost = took.cpu / log.count(bytes([10])) * 1e6
        print(f"{way.name:36} {speeds[0]:7.1f} {speeds[1]:14.1f} {cost:12.1f} {peak:7.0f} {ratio}")


if __name__ == "__main__":
    main()
