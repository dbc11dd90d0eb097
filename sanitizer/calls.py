"""Which JSON objects are calls, by their keys: JSON-RPC requests, and calls as programs and language models log them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Literal, NamedTuple

import msgspec

Role = Literal["name", "tool", "method", "params", "loose", "state", ""]

# Lower case, `_` and `-` taken out. `tool`, `method`: its string value names what is called. `name`: it does so only in an object
# shaped like a tool call. `params`: what is called with. `loose`: the same, but also an everyday word. `state`: never logged.
_ROLES: Mapping[str, Role] = {
    "name": "name",
    "type": "",
    **dict.fromkeys(("tool", "toolname", "function", "functionname", "func", "rpcmethod", "methodname"), "tool"),
    "method": "method",
    **dict.fromkeys(("params", "arguments", "toolinput", "toolargs", "toolarguments", "toolparams", "rpcparams"), "params"),
    **dict.fromkeys(("args", "input", "kwargs", "parameters"), "loose"),
    **dict.fromkeys(("inputresponses", "requeststate"), "state"),
}

# Every object that needs a look holds one of these once it is in lower case. `\\u00` may spell any of them.
LITERALS = (b"jsonrpc", b"param", b"arg", b"input", b"state", b"\\u00")
MIN_CALL_BYTES = 20

# A key ends at a quote, escaped or not: this tells `input` from `inputSchema`.
_KEY_END = re.compile(rb'(?:params|arguments|args|input|parameters|responses|request_?state|jsonrpc)["\\]|\\u00[4-7]')
_HTTP_VERBS = frozenset(b'"GET" "HEAD" "POST" "PUT" "PATCH" "DELETE" "OPTIONS" "CONNECT" "TRACE"'.split())
_CALL_TYPES = ("tool", "function", "mcp")
# A key whose value is a call: {"function": {"name": ..., "arguments": ...}}, {"functionCall": ...}, {"toolUse": ...}
_CALL_PARENTS = frozenset(("function", "functioncall", "toolcall", "tooluse", "toolcalls", "call", "toolinvocation"))

TEXT = msgspec.json.Decoder(str).decode


class Call(NamedTuple):
    """A logged call: the key and raw value of its name, and the keys that hold its params, in order."""

    name_key: str
    name: bytes
    params_keys: tuple[str, ...]


@lru_cache(4096)
def role(key: str) -> Role:
    """What an object key may mean for a call; spelling (`toolName`, `tool_name`, `Tool-Name`) does not matter."""
    return _ROLES.get(_plain(key), "") if len(key) <= 32 else ""


def needs_a_look(record: bytes) -> bool:
    """Whether `Params.rewrite` may find anything in *record*; false is certain, true is not."""
    return might_hold_call(record) or tells_of_call(record)


WORDS = (b"param", b"arg", b"input", b"jsonrpc", b"state", b"\\u00")
"""One of them stands, in some case, in every record that holds a call."""


def candidates(rows: Sequence[bytes], *, told: bool = False) -> list[int]:
    """The numbers of the *rows* that `might_hold_call` (and, if *told*, `tells_of_call`) may say yes to, found in all together."""
    low = b"\n".join(rows).lower()
    ends = list(accumulate(len(row) + 1 for row in rows))
    found: set[int] = set()
    for word in (*WORDS, *TELLING) if told else WORDS:
        at = low.find(word)
        while at >= 0:
            number = bisect_right(ends, at)
            found.add(number)
            at = low.find(word, ends[number])
    return sorted(found)


def might_hold_call(data: bytes) -> bool:
    """Whether *data* might be or hold a call; false is certain, true is not."""
    if len(data) < MIN_CALL_BYTES or b"{" not in data:
        return False
    low = data.lower()
    return any(word in low for word in WORDS) and _KEY_END.search(low) is not None


TELLING = (b"tool '", b"essage from ", b" http/")
"""The same for those that speak of one."""


def tells_of_call(data: bytes) -> bool:
    """Whether *data* might speak of a call without holding one; false is certain, true is not."""
    if data[:1] == b"{":
        return data[2:8] in (b'debug"', b'error"') and b"Tool '" in data
    return b"essage from " in data or b" tool '" in data or b" HTTP/" in data


def is_request(fields: Mapping[str, msgspec.Raw]) -> bool:
    """Whether an object with a `method` among its *fields* is a JSON-RPC request, or one written without its version."""
    method = bytes(fields["method"])
    return method[:1] == b'"' and ("jsonrpc" in fields or ("params" in fields and b"/" in method))


def logged_call(fields: Mapping[str, msgspec.Raw], parent: str = "") -> Call | None:
    """The call that an object with these *fields*, found under the key *parent*, is; or None."""
    name_key, name, best = "", b"", 0
    params: list[str] = []
    sure = False
    for key, raw in fields.items():
        match role(key):
            case "params":
                params.append(key)
                sure = True
            case "loose":
                if bytes(raw[:1] if isinstance(raw, bytes) else memoryview(raw)[:1]) in b'{["':
                    params.append(key)
            case "tool" | "method" | "name" as kind:
                rank = {"tool": 3, "method": 2, "name": 1}[kind]
                value = bytes(raw)
                if rank > best and value.startswith(b'"') and value not in _HTTP_VERBS:
                    name_key, name, best = key, value, rank
            case _:
                pass
    if not (params and best):
        return None
    if best == 1 and not _is_shaped_like_a_call(fields, params, parent, sure):
        return None
    return Call(name_key, name, tuple(params))


def _is_shaped_like_a_call(fields: Mapping[str, msgspec.Raw], params: list[str], parent: str, sure: bool) -> bool:
    """`name` alone names many things: it is a call's beside `arguments` that are an object, or where a type or parent says so."""
    first = bytes(fields[params[0]])[:3]
    if sure and first.startswith((b"{", b'"{', b'"[', b'"\\')):
        return True
    if _plain(parent) in _CALL_PARENTS:
        return True
    kind = bytes(fields.get("type", msgspec.Raw(b""))).lower()
    return any(word.encode() in kind for word in _CALL_TYPES)


def _plain(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "")
