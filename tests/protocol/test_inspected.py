from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanitizer.hashing import Keyring
from sanitizer.protocol.calls import might_hold_call
from sanitizer.protocol.params import Params

KEYRING = Keyring({"k": b"a key of enough length"}, "k")
PARAMS = Params(KEYRING, lambda text: text)
ARGUMENTS: dict[str, Any] = {"pin": "hunter2", "n": [1, 2.5, -3], "it's": None, "deep": {"ok": True}}
HASH = KEYRING.params_hash(ARGUMENTS)
SHOWN = """{ pin: 'hunter2', n: [ 1, 2.5, -3 ], "it's": null, deep: { ok: true } }"""


def rewritten(text: str) -> str:
    return PARAMS.rewrite(text.encode())[0].decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"got {{ jsonrpc: '2.0', id: 1, method: 'tools/call', params: {{ name: 't', arguments: {SHOWN} }} }} now",
            f"got {{ jsonrpc: '2.0', id: 1, method: 'tools/call', params_hash: '{HASH}', tool_name: 't' }} now",
        ),
        (
            f"Request {{\n  at: undefined,\n  method: 'a/b',\n  params: {SHOWN},\n  jsonrpc: '2.0'\n}}",
            f"Request {{ at: undefined, method: 'a/b', params_hash: '{HASH}', jsonrpc: '2.0' }}",
        ),
        (f"{{ 'x-id': 1, tool: 't', args: {SHOWN} }}", f"{{ 'x-id': 1, tool: 't', params_hash: '{HASH}' }}"),
        (
            f"{{ level: 'info', req: {{ tool: 't', input: {SHOWN} }}, took: 5 }}",
            f"{{ level: 'info', req: {{ tool: 't', params_hash: '{HASH}' }}, took: 5 }}",
        ),
        (
            f"{{ name: 'x', body: '{{\"tool\":\"t\",\"args\":{json.dumps(ARGUMENTS).replace(chr(39), chr(92) + chr(39))}}}', args: [] }}",
            f"{{ name: 'x', body: '{{\"tool\":\"t\",\"params_hash\":\"{HASH}\"}}', args: [] }}",
        ),
        ("[ { tool: 't', args: { text: 'a\\n' +\n 'hunter2' } } ]", f"[ {{ tool: 't', params_hash: '{KEYRING.params_hash({'text': 'a' + chr(10) + 'hunter2'})}' }} ]"),
    ],
)  # fmt: skip
def test_a_call_that_node_shows_loses_its_params_and_stays_an_object(text: str, expected: str) -> None:
    assert might_hold_call(text.encode())
    assert rewritten(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{ method: 'tools/call', params: { name: 't', arguments: { pin: 'hunter2', more: [Object] } }, id: 1 }",
        "{ method: 'tools/call', at: 2026-01-01T00:00:00.000Z, params: { pin: 'hunter2' } }",
        "{ jsonrpc: '2.0', params: Params { pin: 'hunter2' } }",
        "{ tool: 't', args: { pin: 'hunter2', pin: 1 } }",
        'Request { method: "tools/call", params: Some(Object {"pin": Secret("hunter2")}) }',
        "<ref *1> { tool: 't', args: [ 'hunter2', [Circular *1] ] }",
    ],
)
def test_what_does_not_show_all_it_holds_is_withheld(text: str) -> None:
    assert "hunter2" not in rewritten(text)
    assert "params_withheld: 'unreadable' }" in rewritten(text)


@pytest.mark.parametrize(
    "text",
    [
        "{ method: 'GET', url: '/mcp', params: {}, route: [Route] }",
        "{ method: 'POST', url: '/mcp', params: { id: '1' } }",
        "options { args: [ 'a' ], input: [Stream] }",
        "usage { input: 3, output: 4 } args: none",
        "div { color: red; args: x }",
    ],
)
def test_what_is_no_call_stays(text: str) -> None:
    record = text.encode()
    assert PARAMS.rewrite(record)[0] is record


TEXT = f"got {{ jsonrpc: '2.0', id: 1, method: 'tools/call', params: {{ name: 't', arguments: {SHOWN} }} }} now"


@pytest.mark.parametrize("cut", range(TEXT.index("hunter2") + 7, len(TEXT) - 4, 5))
def test_an_object_that_is_cut_off_loses_everything_from_its_params_on(cut: int) -> None:
    shown = rewritten(TEXT[:cut])
    assert shown == "got { jsonrpc: '2.0', id: 1, method: 'tools/call', params_withheld: 'unreadable' }" or HASH in shown
    assert "hunter2" not in shown


def test_a_json_record_may_quote_what_node_shows() -> None:
    record = json.dumps({"level": "debug", "msg": f"got {{\n  tool: 't',\n  args: {SHOWN}\n}}"}).encode()
    assert HASH.encode() in PARAMS.rewrite(record)[0]
    assert b"hunter2" not in PARAMS.rewrite(record)[0]


MARK = "zq7planted7qz"
plain = st.sampled_from([MARK, f"it's {MARK}", f'"{MARK}"\n', 1, None, True, "x", "{", "'"])
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b-c", "params"]), inner, max_size=2)
)


def node(value: Any) -> str:
    """As `util.inspect` shows it: the quote is one that the text does not hold."""
    if isinstance(value, dict):
        return (
            "{ " + ", ".join(f"{key if key.isidentifier() else repr(key)}: {node(item)}" for key, item in value.items()) + " }"
            if value
            else "{}"
        )
    if isinstance(value, list):
        return f"[ {', '.join(map(node, value))} ]" if value else "[]"
    if isinstance(value, str):
        quote = next(sign for sign in "'\"`" if sign not in value)
        return quote + value.replace("\\", "\\\\").replace("\n", "\\n") + quote
    return json.dumps(value)


@given(values, st.sampled_from(["{}", "x {} y", "[ {} ]", "{{ a: {}, b: [ 1 ] }}", "don't {}"]), st.data())
def test_what_is_planted_in_params_never_survives(planted: Any, around: str, data: st.DataObject) -> None:
    record = around.format(node({"method": "a/b", "params": {"k": planted}, "jsonrpc": "2.0"})).encode()
    cut = record[: data.draw(st.integers(record.index(b"params"), len(record)))]
    assert MARK.encode() not in PARAMS.rewrite(record)[0]
    assert MARK.encode() not in PARAMS.rewrite(cut)[0]


@pytest.mark.parametrize("bomb", ["{ a: " * 200_000, "{ params: [" * 100_000, "{ a: '" * 100_000, "{ tool: 't', args: `" * 50_000])
def test_no_object_takes_long(bomb: str) -> None:
    start = time.process_time()
    PARAMS.rewrite(f"{bomb} tool: params: ".encode())
    assert time.process_time() - start < 5
