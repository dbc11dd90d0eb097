from __future__ import annotations

from typing import Any

import pytest

from sanitizer.hashing import Keyring
from sanitizer.protocol.params import Params

KEYRING = Keyring({"k": b"a key of enough length"}, "k")
PARAMS = Params(KEYRING, lambda text: text)
ARGUMENTS: dict[str, Any] = {"pin": "hunter2", "n": 1, "ok": True, "none": None, "it's": ['"', "'"]}
HASH = KEYRING.params_hash(ARGUMENTS)
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t", "arguments": ARGUMENTS}}


def rewritten(text: str) -> str:
    return PARAMS.rewrite(text.encode())[0].decode()


def test_a_call_logged_as_a_python_dict_loses_its_params_and_stays_one() -> None:
    hashed = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params_hash": HASH, "tool_name": "t"}
    assert rewritten(f"DEBUG:client:Sending {CALL} now") == f"DEBUG:client:Sending {hashed} now"
    assert PARAMS.rewrite(f"got {CALL}".encode())[1][0].name == "t"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"message: root=JSONRPCRequest(method='tools/call', params={CALL['params']}, jsonrpc='2.0', id=2)",
            f"message: root=JSONRPCRequest(method='tools/call', params_hash='{HASH}', tool_name='t', jsonrpc='2.0', id=2)",
        ),
        (
            f"CallToolRequestParams(meta=None, name='t', arguments={ARGUMENTS!r})",
            f"CallToolRequestParams(meta=None, name='t', params_hash='{HASH}')",
        ),
        (f"calling tool='t' args={ARGUMENTS!r} took 5 ms", f"calling tool='t' params_hash='{HASH}' took 5 ms"),
    ],
)
def test_a_call_shown_as_a_model_loses_its_params(text: str, expected: str) -> None:
    assert rewritten(text) == expected


@pytest.mark.parametrize("cut", range(75, 130, 5))
def test_a_dict_that_is_cut_off_loses_everything_from_its_params_on(cut: int) -> None:
    text = f"got {CALL}"[:cut]
    assert rewritten(text) == "got {'jsonrpc': '2.0', 'id': 1, 'method': 'tools/call', 'params_withheld': 'truncated'}"


def test_a_dict_that_cannot_be_read_loses_its_params_alone() -> None:
    text = "got {'method': 'tools/call', 'at': <object at 0x7f>, 'params': {'pin': 'hunter2'}} and went on"
    assert rewritten(text) == "got {'method': 'tools/call', 'at': <object at 0x7f>, 'params_withheld': 'truncated'} and went on"


@pytest.mark.parametrize(
    "text",
    [
        "Popen(['git', 'status'], cwd=/srv, env={'args': 'no call'})",
        "options: {'name': 'job', 'args': ['a']}",
        "{'a': {'b': ('c',)}} is all",
        "{ email: 'jane', nested: { a: { b: [Object] } } } args",
        "{'{'{'{'{'param",
        "{')}'params",
    ],
)
def test_what_merely_looks_like_it_is_left_alone(text: str) -> None:
    assert rewritten(text) == text


@pytest.mark.parametrize(
    "bomb", ["{'" * 200_000, "{'a':" * 200_000, '{"' * 200_000, '{"a":[' * 100_000, "{'params': 'name':" * 50_000, "[{" * 300_000]
)
def test_brackets_by_the_hundred_thousand_cost_no_more_than_their_length(bomb: str) -> None:
    import time

    begun = time.process_time()
    rewritten(f"jsonrpc {bomb} args")
    assert time.process_time() - begun < 5
