"""Chains that go where their lanes go."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sanitizer.audit.lane_trails import LaneEvents, LaneTrails
from sanitizer.audit.verify import verify
from sanitizer.model import Clean, CleanBatch
from sanitizer.protocol.mcp import Frame
from sanitizer.service.settings import Audit


def trails() -> LaneTrails:
    return LaneTrails(Audit(), None)


def called(lane: str, *ids: int, answered: bool = True) -> CleanBatch:
    """A batch in which calls were made, and answered."""
    frames: list[object] = []
    for number in ids:
        frames.append(Frame("request", 100, "c2s", "tools/call", "t", number))
        if answered:
            frames.append(Frame("response", 100, "s2c", id=number))
    return CleanBatch(lane, [Clean(b"{}")], [0], 1, frames=frames)


def events(batches: Sequence[CleanBatch]) -> list[dict[str, Any]]:
    return [json.loads(record) for batch in batches for record in batch.records]


async def test_a_lane_goes_on_in_another_process_where_it_was_committed_last() -> None:
    first, second = trails(), trails()
    first.resume("in/0", "")
    (committed,) = first(called("in/0", 1))
    assert isinstance(committed, LaneEvents)
    first(called("in/0", 2))  # sealed, but its transaction never came about
    second.resume("in/0", committed.head)
    (again,) = second(called("in/0", 2))
    second.finish()
    written = [record for batch in (committed, again, *await second.due()) for record in batch.records]
    (verdict,) = verify(("topic", record) for record in written)
    assert (verdict.is_intact, verdict.events, verdict.duplicates) == (True, 3, 0)


def test_each_lane_has_a_chain_of_its_own() -> None:
    trail = trails()
    terms = [trail.resume(lane, "") for lane in ("in/0", "in/1")]
    batches = [*trail(called("in/0", 1)), *trail(called("in/1", 1)), *trail(called("in/0", 2))]
    assert [(batch.of, batch.term) for batch in batches if isinstance(batch, LaneEvents)] == [
        ("in/0", terms[0]),
        ("in/1", terms[1]),
        ("in/0", terms[0]),
    ]
    assert [event["seq"] for event in events(batches)] == [1, 1, 2]
    assert len({event["chain"] for event in events(batches)}) == 2


def test_a_new_term_knows_open_calls_only_where_nobody_else_moved_the_chain() -> None:
    trail = trails()
    trail.resume("in/0", "")
    (before,) = trail(called("in/0", 1))
    assert isinstance(before, LaneEvents)
    assert trail(called("in/0", 2, answered=False)) == ()
    assert trail.resume("in/0", before.head) > before.term
    answer = CleanBatch("in/0", [], [], 2, frames=[Frame("response", 100, "s2c", id=2)])
    (event,) = events(trail(answer))
    assert (event["seq"], event["tool"]) == (2, "t")
    trail(called("in/0", 3, answered=False))
    trail.resume("in/0", before.head.replace('"seq":1', '"seq":9'))
    (event,) = events(trail(CleanBatch("in/0", [], [], 3, frames=[Frame("response", 100, "s2c", id=3)])))
    assert event["seq"] == 10
    assert "tool" not in event


async def test_only_lanes_of_which_something_was_said_are_closed() -> None:
    trail = trails()
    for lane in ("silent", "said", "open"):
        trail.resume(lane, "")
    trail(called("said", 1))
    trail(called("open", 1, answered=False))
    trail.finish()
    closing = await trail.due()
    assert await trail.due() == []
    assert [batch.of for batch in closing if isinstance(batch, LaneEvents)] == ["said", "open"]
    assert [(event["type"], event.get("outcome")) for event in events(closing)] == [
        ("checkpoint", None),
        ("call", "no_response"),
        ("checkpoint", None),
    ]


def test_a_head_that_cannot_be_read_begins_a_chain_and_breaks_none() -> None:
    trail = trails()
    trail.resume("in/0", "set by another program")
    assert [event["seq"] for event in events(trail(called("in/0", 1)))] == [1]
