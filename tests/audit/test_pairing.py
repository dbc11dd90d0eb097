from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sanitizer.audit.pairing import Exchange, Pairing
from sanitizer.hashing import Keyring
from sanitizer.protocol.mcp import Direction, Frame
from sanitizer.protocol.params import Params

PARAMS = Params(Keyring({"k": b"a key of enough length"}, "k"), lambda text: text)
SECOND = 1_000_000_000


class Stream:
    """A lane on which frames pass, one a second unless said otherwise."""

    def __init__(self, **options: Any) -> None:
        self.pairing = Pairing(**options)
        self.now = 0

    def sees(self, direction: Direction, frame: dict[str, Any], lane: str = "lane", **facts: Any) -> list[Exchange]:
        self.now += SECOND
        record = json.dumps({"jsonrpc": "2.0", **frame}).encode()
        frames = [msgspec.structs.replace(found, direction=direction, **facts) for found in PARAMS.rewrite(record)[1]]
        return [exchange for found in frames for exchange in self.pairing.observe(found, self.now, lane)]


def call(name: Any, tool: str = "t", **params: Any) -> dict[str, Any]:
    return {"id": name, "method": "tools/call", "params": {"name": tool, "arguments": {"a": 1}, **params}}


def answer(name: Any, **result: Any) -> dict[str, Any]:
    return {"id": name, "result": {"content": [], **result}}


def test_a_request_and_its_response_are_one_exchange() -> None:
    stream = Stream()
    assert stream.sees("c2s", call(7)) == []
    (exchange,) = stream.sees("s2c", answer(7))
    assert exchange.request is not None
    assert exchange.response is not None
    assert (exchange.outcome, exchange.latency_ms, exchange.request.name) == ("ok", 1000.0, "t")
    assert exchange.request_bytes == exchange.request.size
    assert exchange.response_bytes == exchange.response.size
    assert len(stream.pairing) == 0


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        ({"result": {"content": []}}, "ok"),
        ({"result": {"content": [], "isError": False}}, "ok"),
        ({"result": {"content": [], "isError": True}}, "tool_error"),
        ({"result": None}, "ok"),
        ({"error": {"code": -32602, "message": "Unknown tool"}}, "rpc_error"),
        ({"error": {"code": 403, "message": "no"}}, "denied"),
        ({"error": "no object"}, "rpc_error"),
    ],
)
def test_outcomes_tell_a_failed_tool_from_a_failed_call(response: dict[str, Any], outcome: str) -> None:
    stream = Stream()
    stream.sees("c2s", call(1))
    (exchange,) = stream.sees("s2c", {"id": 1, **response})
    assert exchange.outcome == outcome


@pytest.mark.parametrize("name", [0, 1, -1, "1", "", "a-b", 2**53])
def test_ids_of_every_kind_pair(name: Any) -> None:
    stream = Stream()
    stream.sees("c2s", call(name))
    (exchange,) = stream.sees("s2c", answer(name))
    assert exchange.request is not None
    assert exchange.request.id == name


def test_ids_of_different_types_do_not_pair() -> None:
    stream = Stream()
    stream.sees("c2s", call(1, "number"))
    stream.sees("c2s", call("1", "string"))
    (first,) = stream.sees("s2c", answer("1"))
    (second,) = stream.sees("s2c", answer(1))
    assert [exchange.request and exchange.request.name for exchange in (first, second)] == ["string", "number"]


def test_each_direction_has_ids_of_its_own() -> None:
    stream = Stream()
    stream.sees("c2s", call(1))
    stream.sees("s2c", {"id": 1, "method": "sampling/createMessage", "params": {"messages": []}})
    (sampled,) = stream.sees("c2s", {"id": 1, "result": {"role": "assistant"}})
    (called,) = stream.sees("s2c", answer(1))
    assert [exchange.request and exchange.request.method for exchange in (sampled, called)] == [
        "sampling/createMessage",
        "tools/call",
    ]


def test_a_log_without_directions_pairs_by_method_and_the_last_asked_is_answered_first() -> None:
    stream = Stream()
    stream.sees("", call(1))
    stream.sees("", {"id": 1, "method": "elicitation/create", "params": {}})
    (asked,) = stream.sees("", {"id": 1, "result": {"action": "accept"}})
    (called,) = stream.sees("", answer(1))
    assert [exchange.request and exchange.request.method for exchange in (asked, called)] == ["elicitation/create", "tools/call"]


def test_responses_may_come_in_any_order() -> None:
    stream = Stream()
    for name in range(5):
        stream.sees("c2s", call(name, f"tool_{name}"))
    tools = [stream.sees("s2c", answer(name))[0].request for name in (3, 0, 4, 1, 2)]
    assert [tool and tool.name for tool in tools] == ["tool_3", "tool_0", "tool_4", "tool_1", "tool_2"]


def test_ids_repeat_per_lane_server_session_and_connection() -> None:
    stream = Stream()
    stream.sees("c2s", call(1, "a"), lane="one")
    stream.sees("c2s", call(1, "b"), lane="two")
    stream.sees("c2s", call(1, "c"), session="s1")
    stream.sees("c2s", call(1, "d"), session="s2")
    stream.sees("c2s", call(1, "e"), facts={"server": "crm"})
    answered = [
        stream.sees("s2c", answer(1), facts={"server": "crm"}),
        stream.sees("s2c", answer(1), session="s2"),
        stream.sees("s2c", answer(1), session="s1"),
        stream.sees("s2c", answer(1), lane="two"),
        stream.sees("s2c", answer(1), lane="one"),
    ]
    assert [exchange.request and exchange.request.name for (exchange,) in answered] == ["e", "d", "c", "b", "a"]


def test_after_a_new_initialize_an_id_means_the_new_connections_request() -> None:
    stream = Stream()
    stream.sees("c2s", {"id": 0, "method": "initialize", "params": {}})
    stream.sees("s2c", {"id": 0, "result": {}})
    stream.sees("c2s", call(1, "lost"))
    stream.sees("c2s", {"id": 0, "method": "initialize", "params": {}})
    stream.sees("s2c", {"id": 0, "result": {}})
    stream.sees("c2s", call(1, "answered"))
    (exchange,) = stream.sees("s2c", answer(1))
    assert exchange.request is not None
    assert exchange.request.name == "answered"
    (lost,) = stream.pairing.close()
    assert (lost.outcome, lost.request and lost.request.name) == ("no_response", "lost")


def test_both_eras_may_share_a_stream() -> None:
    stream = Stream()
    stream.sees("c2s", {"id": 1, "method": "server/discover", "params": {}})
    (failed,) = stream.sees("s2c", {"id": 1, "error": {"code": -32601, "message": "Method not found"}})
    stream.sees("c2s", {"id": 2, "method": "initialize", "params": {}})
    (opened,) = stream.sees("s2c", {"id": 2, "result": {}})
    assert (failed.outcome, opened.outcome) == ("rpc_error", "ok")


def test_a_call_that_asked_for_input_and_got_it_is_one_call() -> None:
    stream = Stream()
    stream.sees("c2s", call(1))
    assert stream.sees("s2c", {"id": 1, "result": {"resultType": "input_required", "requestState": "abc"}}) == []
    stream.sees("c2s", call(2, inputResponses={"q": "yes"}, requestState="abc"))
    assert stream.sees("s2c", {"id": 2, "result": {"resultType": "input_required", "requestState": "def"}}) == []
    stream.sees("c2s", call(3, inputResponses={"q": "yes"}, requestState="def"))
    (exchange,) = stream.sees("s2c", answer(3, resultType="complete"))
    assert (exchange.outcome, exchange.attempts, exchange.latency_ms) == ("ok", 3, 5000.0)
    assert exchange.request is not None
    assert exchange.request.id == 1
    assert list(stream.pairing.close()) == []


def test_without_a_state_the_same_call_with_answers_continues_it() -> None:
    stream = Stream()
    stream.sees("c2s", call(1))
    stream.sees("s2c", {"id": 1, "result": {"resultType": "input_required"}})
    stream.sees("c2s", call(2, inputResponses={"q": "yes"}))
    (exchange,) = stream.sees("s2c", answer(2, resultType="complete"))
    assert (exchange.outcome, exchange.attempts) == ("ok", 2)


def test_a_call_whose_input_never_came_says_so() -> None:
    stream = Stream(max_age_secs=60)
    stream.sees("c2s", call(1))
    stream.sees("s2c", {"id": 1, "result": {"resultType": "input_required", "requestState": "abc"}})
    assert list(stream.pairing.expire(stream.now + 59 * SECOND)) == []
    (exchange,) = stream.pairing.expire(stream.now + 60 * SECOND)
    assert exchange.outcome == "input_required"


def test_a_cancelled_call_is_over_and_a_late_answer_is_no_news() -> None:
    stream = Stream()
    stream.sees("c2s", call(4))
    (exchange,) = stream.sees("c2s", {"method": "notifications/cancelled", "params": {"requestId": 4, "reason": "user"}})
    assert exchange.outcome == "cancelled"
    assert stream.sees("s2c", answer(4)) == []
    assert stream.sees("c2s", {"method": "notifications/cancelled", "params": {"requestId": 4}}) == []


def test_progress_is_counted_and_keeps_a_call_alive() -> None:
    stream = Stream(max_age_secs=2.5)
    stream.sees("c2s", call(1, "slow", _meta={"progressToken": 1}))
    stream.sees("c2s", call(2, "silent"))
    for _ in range(3):
        stream.sees("s2c", {"method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}})
    (silent,) = stream.pairing.expire(stream.now)
    assert (silent.outcome, silent.request and silent.request.name) == ("no_response", "silent")
    (slow,) = stream.sees("s2c", answer(1))
    assert (slow.outcome, slow.progress) == ("ok", 3)


def test_a_response_nobody_asked_for_is_an_exchange_of_its_own() -> None:
    (exchange,) = Stream().sees("s2c", answer(9, isError=True))
    assert exchange.request is None
    assert exchange.outcome == "tool_error"


def test_an_error_without_an_id_answers_the_only_request_there_is() -> None:
    refused = {"id": None, "error": {"code": -32000, "message": "no session"}}
    stream = Stream()
    stream.sees("c2s", call(1))
    (exchange,) = stream.sees("s2c", refused)
    assert (exchange.outcome, exchange.request and exchange.request.id) == ("rpc_error", 1)
    stream.sees("c2s", call(2))
    stream.sees("c2s", call(3))
    (exchange,) = stream.sees("s2c", refused)
    assert exchange.request is None, "it may be either's"


def test_pending_calls_are_bounded_by_count() -> None:
    stream = Stream(max_pending=3)
    given_up = [exchange for name in range(10) for exchange in stream.sees("c2s", call(name, f"tool_{name}"))]
    assert [exchange.request and exchange.request.name for exchange in given_up] == [f"tool_{name}" for name in range(7)]
    assert {exchange.outcome for exchange in given_up} == {"no_response"}
    assert len(stream.pairing) == 3


def test_a_batch_is_as_many_calls_as_it_holds() -> None:
    stream = Stream()
    batch = json.dumps([{"jsonrpc": "2.0", **call(1)}, {"jsonrpc": "2.0", "method": "x/y"}, {"jsonrpc": "2.0", **call(2)}]).encode()
    for frame in PARAMS.rewrite(batch)[1]:
        assert stream.pairing.observe(frame, 0, "lane") in ([], ())
    assert len(stream.pairing) == 2


def test_latency_goes_by_one_clock_only() -> None:
    stream = Stream()
    stream.sees("c2s", call(1), time_ns=50 * SECOND)
    assert stream.sees("s2c", answer(1), time_ns=50 * SECOND + 250_000_000)[0].latency_ms == 250.0
    stream.sees("c2s", call(1), time_ns=50 * SECOND)
    assert stream.sees("s2c", answer(1))[0].latency_ms is None
    stream.sees("c2s", call(2))
    stream.now -= SECOND
    assert stream.sees("s2c", answer(2))[0].latency_ms is None  # both were read at once
    stream.sees("c2s", call(1), time_ns=50 * SECOND)
    assert stream.sees("s2c", answer(1), time_ns=49 * SECOND)[0].latency_ms is None


def test_memory_stays_flat_whatever_is_never_answered_or_asked() -> None:
    pairing = Pairing(max_pending=100)
    for number in range(20_000):
        frame = Frame("request", 10, "c2s", "initialize" if number % 3 == 0 else "tools/call", id=number, session=f"s{number}")
        for _ in pairing.observe(frame, number, "lane"):
            pass
        pairing.observe(Frame("response", 10, "s2c", id=f"x{number}"), number, "lane")
        if number % 2:
            suspended = Frame(
                "response", 10, "s2c", id=number, session=f"s{number}", result_type="input_required", request_state=f"{number}"
            )
            pairing.observe(suspended, number, "lane")
        else:
            pairing.observe(
                Frame("notification", 9, "c2s", "notifications/cancelled", cancels=number, session=f"s{number}"), number, "lane"
            )
    sizes = [len(value) for value in vars(pairing).values() if isinstance(value, dict)]
    assert max(sizes) <= 1_024


CAPTURES = Path(__file__).parents[1] / "captures" / "wire"


@pytest.mark.parametrize("capture", sorted(CAPTURES.glob("*.jsonl")), ids=lambda path: path.stem)
def test_every_request_of_a_real_server_finds_its_response(capture: Path) -> None:
    pairing = Pairing()
    over: list[Exchange] = []
    requests = 0
    for line in capture.read_bytes().splitlines():
        entry = json.loads(line)
        if entry["dir"] not in ("c2s", "s2c"):
            continue
        for frame in PARAMS.rewrite(entry["line"].encode())[1]:
            requests += frame.kind == "request"
            directed = msgspec.structs.replace(frame, direction=entry["dir"])
            over += pairing.observe(directed, int(entry["ts"] * SECOND), capture.stem)
    assert requests == len(over) > 3
    assert all(exchange.request is not None and exchange.response is not None for exchange in over)
    assert len(pairing) == 0
