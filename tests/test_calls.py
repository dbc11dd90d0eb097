from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.calls import LITERALS, logged_call, might_hold_call, needs_a_look, role
from sanitizer.hashing import Keyring
from sanitizer.params import Params

PARAMS = Params(Keyring({"k": b"a key of enough length"}, "k"), lambda text: text)


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
    assert any(literal in data.lower() for literal in LITERALS)
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
    assert needs_a_look(record) is looked_at
