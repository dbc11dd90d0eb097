from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from engines import rule
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.detection.scan import Scanner
from sanitizer.hashing import Keyring
from sanitizer.protocol.calls import candidates, logged_call, meanings, might_hold_call, role, tells_of_call
from sanitizer.protocol.params import Params
from sanitizer.rulesets.database import compile_rules
from sanitizer.rulesets.ruleset import Rules

COMPILED = compile_rules(Rules((rule("any", "sample"),), (), "test"))
VECTORSCAN, REGEX = (Scanner(COMPILED, engine) for engine in ("vectorscan", "regex"))
PARAMS = Params(Keyring({"k": b"a key of enough length"}, "k"), lambda text: text)


def noticed(rows: Sequence[bytes], *, told: bool = False) -> list[int]:
    """The candidates among *rows*, the same by either engine."""
    by_either = [
        candidates(rows, scanner.signs_of_frames if told else scanner.signs_of_calls) for scanner in (VECTORSCAN, REGEX)
    ]
    assert by_either[0] == by_either[1]
    return by_either[0]


def recognised(record: dict[str, Any], parent: str = "") -> tuple[str, tuple[str, ...]] | None:
    fields = msgspec.json.decode(json.dumps(record), type=dict[str, msgspec.Raw])
    call = logged_call(fields, parent)
    return call and (json.loads(call.name), call.params_keys)


@pytest.mark.parametrize("key", ["toolName", "tool_name", "TOOL-NAME", "ToolName", "function", "func"])
def test_spelling_does_not_change_what_a_key_means(key: str) -> None:
    assert role(key) == "tool"
    assert role(key * 10) == ""


@pytest.mark.parametrize(
    ("record", "call"),
    [
        ({"tool": "t", "args": {}}, ("t", ("args",))),
        ({"name": "outer", "tool": "t", "method": "m", "input": {}, "params": 1}, ("t", ("input", "params"))),
        ({"tool": {"name": "t"}, "args": {}}, None),
        ({"tool": "t", "input": 5}, None),
        ({"name": "t", "arguments": {}}, ("t", ("arguments",))),
        ({"name": "t", "arguments": "free text"}, None),
        ({"name": "t", "arguments": "free text", "type": "mcp_call"}, ("t", ("arguments",))),
        ({"name": "t", "input": {}}, None),
        ({"name": "t", "input": {}, "type": "tool_use"}, ("t", ("input",))),
        ({"method": "POST", "params": {}}, None),
    ],
)
def test_a_call_is_a_name_beside_params(record: dict[str, Any], call: tuple[str, tuple[str, ...]] | None) -> None:
    assert recognised(record) == call


def test_a_parent_may_say_that_it_is_a_call() -> None:
    assert recognised({"name": "t", "args": {}}, "functionCall") == ("t", ("args",))


@given(st.sampled_from(["params", "Params", "arguments", "tool_input", "inputResponses", "request_state", "kwargs"]), st.booleans())
def test_nothing_that_is_rewritten_goes_unnoticed(key: str, escaped: bool) -> None:
    record = json.dumps({"tool": "t", "method": "a/b", key: {"a": 1}})
    data = (json.dumps({"msg": record}) if escaped else record).encode()
    assert might_hold_call(data)
    assert noticed([b"", data]) == [1]
    assert PARAMS.rewrite(data)[0] != data


@pytest.mark.parametrize(
    ("record", "looked_at"),
    [
        (b"INFO plain text about the arguments of someone", False),
        (b'{"level":"info","msg":"nothing of note here","took":5}', False),
        (b'{"name":"x","inputSchema":{"type":"object"}}', False),
        (b'2026 [x] [info] Message from client: method="ping" id=1', True),
        (b'INFO:     10.0.0.1:0 - "POST /mcp HTTP/1.1" 401 Unauthorized', True),
    ],
)
def test_most_lines_need_no_look(record: bytes, looked_at: bool) -> None:
    assert bool(noticed([record], told=True)) is looked_at
    assert tells_of_call(record) is looked_at
    assert not noticed([record])


NOTATIONS = [
    b"got {'method': 'tools/call', 'params': {'pin': 'x'}}",
    b"root=JSONRPCRequest(method='tools/call', params={'pin': 'x'}, id=1)",
    b"CallToolRequestParams(name='t', arguments={'pin': 'x'})",
    b'{"tool":"t","toolInput":{"pin":"x"}}',
    rb'{"msg":"{\"tool\":\"t\",\"args\":{\"pin\":1}}"}',
    rb'{"tool":"t","\u0061rgs":{"pin":1}}',
    b'{"result":{"requestState":"x"}}',
]


@pytest.mark.parametrize("record", NOTATIONS)
def test_every_notation_is_a_candidate_wherever_it_stands(record: bytes) -> None:
    assert noticed([b"one", record, b"args=1 input=2 {}", record, b"", b"three"]) == [1, 3]


@given(st.lists(st.sampled_from([*NOTATIONS, b"", b"a", b'args=1 "args"', b"args=", b"args={", rb"\u00e9", rb"\u00e9 \u0061"])))
def test_candidates_are_the_rows_that_are_candidates_alone(rows: list[bytes]) -> None:
    assert noticed(rows) == [number for number, row in enumerate(rows) if noticed([row])]


def test_keys_of_any_length_and_number_are_no_burden() -> None:
    keys = ["k" * 100_000, "args", "tool"]
    assert meanings(keys, 200_000) == {"", "params", "tool"}
    assert meanings(["inputResponses"], 20) == {"state"}
