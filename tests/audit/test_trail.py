from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sanitizer.audit import trail as trails
from sanitizer.audit.ledger import parts
from sanitizer.audit.trail import Trail
from sanitizer.audit.verify import verify
from sanitizer.model import CleanBatch
from sanitizer.protocol.mcp import Frame
from sanitizer.service.settings import Audit


class Facts:
    """Facts that survive a restart only once they were flushed."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.safe: dict[str, bytes] = {}

    def fact(self, name: str) -> bytes | None:
        return self.safe.get(name)

    def keep(self, name: str, value: bytes) -> None:
        self.kept[name] = value

    def flush(self) -> None:
        self.safe = dict(self.kept)


def calls(count: int = 1) -> CleanBatch:
    return CleanBatch("lane", (), (), 0, frames=[Frame("call", 10, name="t" * 40, result_type="complete") for _ in range(count)])


def numbers(batches: Sequence[CleanBatch]) -> list[int]:
    return [json.loads(record)["seq"] for batch in batches for record in batch.records]


def opened(facts: Facts, folder: Path, **options: Any) -> Trail:
    trail = Trail(Audit(**options), None, facts, folder)
    facts.flush()
    return trail


async def committed(trail: Trail, facts: Facts, batches: Sequence[CleanBatch]) -> None:
    await trail.committed(batches[-1].upto)
    facts.flush()


async def test_events_reach_sinks_only_once_they_are_on_disk(tmp_path: Path) -> None:
    trail = opened(Facts(), tmp_path)
    assert trail(calls(3)) == ()
    (batch,) = await trail.tick()
    assert (batch.kind, batch.lane[:6], list(batch.offsets), batch.upto) == ("audit", "audit:", [1, 2, 3], 3)
    assert batch.records == (tmp_path / "trail.ndjson").read_bytes().splitlines()
    assert await trail.tick() == []
    trail.close()


async def test_what_was_not_committed_is_sent_again_the_same_to_the_byte(tmp_path: Path) -> None:
    facts = Facts()
    trail = opened(facts, tmp_path)
    trail(calls(3))
    await committed(trail, facts, await trail.tick())
    trail(calls(4))
    lost = await trail.tick()
    trail(calls(2))  # written, and never handed on
    trail.close()

    trail = opened(facts, tmp_path)
    again = await trail.tick()
    assert numbers(again)[:6] == [4, 5, 6, 7, 8, 9]
    assert [record for batch in again for record in batch.records][:4] == [record for batch in lost for record in batch.records]
    trail.close()


async def test_sinks_have_only_so_much_in_hand_and_the_file_keeps_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trails, "_MAX_GIVEN_BYTES", 5_000)
    monkeypatch.setattr(trails, "_PART_BYTES", 3_000)
    facts = Facts()
    trail = opened(facts, tmp_path)
    for _ in range(10):
        trail(calls(10))
    first = await trail.tick()
    assert 0 < len(numbers(first)) < 30
    assert await trail.tick() == []
    seen = numbers(first)
    while first:
        await committed(trail, facts, first)
        first = await trail.due()
        seen += numbers(first)
    assert seen == list(range(1, 101))
    assert len(parts(tmp_path / "trail.ndjson")) <= 2, "what arrived is deleted"
    trail.close()


async def test_a_file_of_ones_own_is_not_sent_from_its_beginning(tmp_path: Path) -> None:
    facts, file = Facts(), str(tmp_path / "audit.ndjson")
    trail = opened(facts, tmp_path, file=file)
    trail.is_read_by_sinks = False
    trail(calls(3))
    assert await trail.tick() == ()
    trail.is_read_by_sinks = True
    trail(calls(2))
    assert numbers(await trail.tick()) == [4, 5]
    trail.close()
    facts = Facts()
    trail = opened(facts, tmp_path, file=file)
    assert [json.loads(record)["type"] for batch in await trail.tick() for record in batch.records] == ["trail_recovered"]
    trail.close()


def logged(first: int, last: int, answers_from: int = 0, tool: str = "t") -> CleanBatch:
    """Calls as a log has them, each asked and answered; read from where the answer of *answers_from* stands."""
    frames: list[Frame] = []
    for number in range(first, last):
        if number > answers_from or not answers_from:
            frames.append(Frame("request", 90, "c2s", "tools/call", tool, id=number, offset=number * 200))
        frames.append(Frame("response", 60, "s2c", id=number, offset=number * 200 + 100))
    return CleanBatch("file:ab", (), (), 0, frames=frames)


def told(folder: Path) -> list[Any]:
    events = [json.loads(line) for path in parts(folder / "trail.ndjson") for line in path.read_bytes().splitlines()]
    return [event["id"] for event in events if event["type"] == "call"]


async def test_a_log_that_is_read_again_gives_no_call_twice(tmp_path: Path) -> None:
    facts = Facts()
    trail = opened(facts, tmp_path)
    trail(logged(0, 10))
    await trail.tick()
    trail.close()
    for begun in (0, 4):  # where the position was saved last: before everything, or between a request and its answer
        trail = opened(facts, tmp_path)
        trail(logged(begun, 10, answers_from=begun))
        trail.close()
        assert told(tmp_path) == list(range(10))
    trail = opened(facts, tmp_path)
    trail(logged(8, 12))
    trail(logged(8, 12))  # no second reading, since the log went on
    trail.close()
    assert told(tmp_path) == [*range(12), *range(8, 12)]


async def test_what_stands_in_the_place_of_what_was_told_is_told(tmp_path: Path) -> None:
    facts = Facts()
    trail = opened(facts, tmp_path)
    trail(logged(0, 3))
    await trail.tick()
    trail.close()
    trail = opened(facts, tmp_path)
    trail(logged(0, 3, tool="another"))
    trail.close()
    assert told(tmp_path) == [0, 1, 2, 0, 1, 2]
    trail = opened(Facts(), tmp_path)  # a state that knows nothing of this trail: its lanes may be any
    trail(logged(0, 3))
    trail.close()
    assert told(tmp_path) == [0, 1, 2] * 3


async def test_what_is_not_as_it_was_sealed_reaches_no_sink(tmp_path: Path) -> None:
    trail = opened(Facts(), tmp_path)
    trail(calls(3))
    file = tmp_path / "trail.ndjson"
    one, two, three = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(one + two.replace(b"tttt", b"jane") + b"hunter2\n" + three)
    assert numbers(await trail.tick()) == [1, 3]
    trail.close()


WRITER = """
import asyncio, sys, json
from pathlib import Path
from sanitizer.protocol.mcp import Frame
from sanitizer.model import CleanBatch
from sanitizer.service.settings import Audit
from sanitizer.pipeline.state import State
from sanitizer.audit.trail import Trail

async def main():
    state = State(Path(sys.argv[1]))
    trail = Trail(Audit(), None, state, Path(sys.argv[1], "audit"))
    await state.flush()
    while True:
        trail(CleanBatch("lane", (), (), 0, frames=[Frame("call", 10, name="t", result_type="complete") for _ in range(5)]))
        for batch in await trail.tick():
            for record in batch.records:
                sys.stdout.write(record.decode() + "\\n")
            sys.stdout.flush()
            await trail.committed(batch.upto)
            await state.flush()

asyncio.run(main())
"""


def test_kills_at_any_moment_make_duplicates_at_most(tmp_path: Path) -> None:
    arrived: list[bytes] = []
    for number in range(8):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
        ) as writer:
            assert writer.stdout
            arrived += [writer.stdout.readline() for _ in range(15 + 3 * number)]
            writer.send_signal(signal.SIGKILL)
            arrived += [line for line in writer.stdout.read().splitlines(keepends=True) if line.endswith(b"\n")]
    by_number: dict[int, set[bytes]] = {}
    for line in arrived:
        by_number.setdefault(json.loads(line)["seq"], set()).add(line)
    assert all(len(lines) == 1 for lines in by_number.values()), "one number, one event"
    (verdict,) = verify((("", line.strip()) for line in arrived), excerpt=True)
    assert verdict.faults == []
    assert verdict.first == 1
    reasons = [json.loads(line).get("reason") for line in arrived]
    assert reasons.count("the writer was killed") >= 7
