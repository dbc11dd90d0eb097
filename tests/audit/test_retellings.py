from __future__ import annotations

from typing import Any

import pytest

from sanitizer.audit.chain import Chain
from sanitizer.audit.event import AuditEvent
from sanitizer.audit.retellings import Retellings

CALL: dict[str, Any] = {
    "lane": "file:ab", "request_at": 100, "response_at": 200, "id": 7, "id_type": "integer", "method": "tools/call", "tool": "find",
    "outcome": "ok", "request_bytes": 90, "response_bytes": 60,
}  # fmt: skip


def event(**facts: Any) -> AuditEvent:
    return AuditEvent(**{"type": "call", "time": "2026-11-20T14:55:52.000000Z", **CALL, **facts})


def retellings(*events: AuditEvent) -> Retellings:
    chain = Chain()
    return Retellings([chain.seal(each) for each in events])


def test_a_call_is_known_again_once() -> None:
    told = retellings(event(), event(id=8))
    assert [told.take(event(params_hash="hmac-sha256:new:00", time="2027-01-01T00:00:00.000000Z")) for _ in range(2)] == [True, False]
    assert len(told) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"lane": "file:cd"}, {"response_at": 199}, {"id": "7", "id_type": "string"}, {"id": 8}, {"outcome": "tool_error"}, {"code": 1},
        {"tool": "charge"}, {"method": "prompts/get"}, {"request_at": 99}, {"request_bytes": 91}, {"response_bytes": 61},
        {"lane": "", "request_at": None, "response_at": None}, {"type": "records_dropped"},
    ],
)  # fmt: skip
def test_what_differs_in_anything_that_its_log_says_is_another_call(other: dict[str, Any]) -> None:
    assert not retellings(event()).take(event(**other))


def test_the_answer_alone_is_known_by_what_was_told_with_its_request() -> None:
    answer = {"request_at": None, "method": "", "tool": "", "request_bytes": 0}
    assert retellings(event()).take(event(**answer))
    assert not retellings(event(**answer)).take(event()), "now it is known what was asked"
    assert not retellings(event()).take(event(**answer, outcome="rpc_error"))


def test_a_call_without_an_answer_is_known_by_where_it_was_asked() -> None:
    unanswered = {"response_at": None, "response_bytes": 0, "outcome": "no_response"}
    assert retellings(event(**unanswered)).take(event(**unanswered))
    assert not retellings(event(**unanswered)).take(event()), "now it has an answer, which nobody was told of"


def test_a_call_that_ended_in_another_file_of_its_log_is_known_by_where_it_ended() -> None:
    rotated = {"response_lane": "file:cd"}
    assert retellings(event(**rotated)).take(event(**rotated))
    answer = {"lane": "file:cd", "request_at": None, "method": "", "tool": "", "request_bytes": 0}
    assert retellings(event(**rotated)).take(event(**answer)), "the file with its request is not read again"
    assert not retellings(event(**rotated)).take(event())


def test_a_lane_that_goes_on_is_forgotten_and_the_others_are_not() -> None:
    told = retellings(event(), event(lane="file:cd"))
    assert not told.take(event(request_at=300, response_at=400))
    assert len(told) == 1
    assert not told.take(event())
    assert told.take(event(lane="file:cd"))


def test_what_is_no_event_is_passed_over() -> None:
    assert len(Retellings([b"", b"noise", b"\xff", b"[]", b'{"type":"call","lane":5}', b'{"type":"checkpoint"}'])) == 0
