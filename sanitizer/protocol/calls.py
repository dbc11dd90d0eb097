"""Which JSON objects are calls, by their keys: JSON-RPC requests, and calls as programs and language models log them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, count
from operator import add
from typing import Literal, NamedTuple

import msgspec

from sanitizer import patterns

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

# Every record in which something is replaced holds one of these, in some case, and after it a quote: of either kind, or escaped; or
# what begins a dict of Python's (`params={'a': 1}`); or a colon (`params: { a: 1 }`, as Node has it). `args` stands for `kwargs`,
# `input` for `toolInput`. Escapes may spell any.
_KEYS = tuple(b"params arguments args input parameters responses request_state requeststate request-state".split())
_SPOKEN_KEYS = (*_KEYS[:5], b"inputs", b"kwargs")
SIGNS = (
    *(rb"(?i)%b(?:[\x22\x27\\]|=\{|:\s)" % key for key in _KEYS),
    *(rb"(?i)%b(?:[=: ](?:[{\[(&%%\x22\x27]|map\[|some\(|object[ ({])|[= ]=|=[a-z][(\[{a-z]| => )" % key for key in _SPOKEN_KEYS),
    rb"(?i)(?:ing|ed|ute|oke|all|run|use|le) (?:mcp )?(?:tool|function)(?:s| call)?[ :=\x27\x22`]",
    rb"(?i)tool(?:[ _-](?:call|use|invocation|request|execution)|call[ :])",
    rb"(?i)call_?tool[ :]", rb"tools/call[ :]", rb"(?i)action for tool",
    rb"\\u00[4-7]",
)  # fmt: skip
"""What a pass over many records together looks for, to tell `candidates`."""

# The same for one value: in lower case, with one quote for every sign that ends a key.
_FOLD = bytes.maketrans(bytes(range(65, 91)) + rb"\'=:", bytes(range(97, 123)) + b'"' * 4)
_FRAME = b"jsonrpc"
_HELD = tuple(b'%b"' % key for key in (*_KEYS[:2], _FRAME, *_KEYS[2:]))
_ESCAPED_LETTER = patterns.lazy(rb"\\u00[4-7]")
_SPOKEN = patterns.lazy(
    rb"(?:(?:arguments|args|params|parameters|inputs?|kwargs)(?:\s?(?:=>?|:)\s{0,8}|\s)\\*(?:[{\[(&%\x22\x27]|map\[|[A-Z]\w{0,64}[({])"
    rb"|tool(?:[ _-](?:call|use|invocation|request|execution)|call[ :])|(?:tool|function) (?:call )?[^{(\[]{1,140}[{(\[])",
    re.IGNORECASE,
)
_SPOKEN_OF = (b"tool", b"arg", b"param", b"input", b"function")
"""One of them stands in all that `_SPOKEN` finds."""
MIN_CALL_BYTES = 20
_LONGEST_KEY = 32
_MAX_REMEMBERED_BYTES = 4_096

SIGNS_OF_FRAMES = (rb"jsonrpc", rb"ool \x27", rb"essage from ", rb"HTTP/")
"""One of them stands in every record that holds a frame without params, or speaks of a call without holding one."""

_HTTP_VERBS = frozenset(b'"GET" "HEAD" "POST" "PUT" "PATCH" "DELETE" "OPTIONS" "CONNECT" "TRACE"'.split())
_CALL_TYPES = ("tool", "function", "mcp")
# A key whose value is a call: {"function": {"name": ..., "arguments": ...}}, {"functionCall": ...}, {"toolUse": ...}
_CALL_PARENTS = frozenset(("function", "functioncall", "toolcall", "tooluse", "toolcalls", "call", "toolinvocation"))

_MESSAGES = frozenset(("msg", "message", "event", "text", "body", "debug"))
_SAYS_CALLED = patterns.lazy(rb"tool|function|mcp|invok|execut|\bcall(?:ed|ing)\b", re.IGNORECASE)
_NAMES_TOOL = patterns.lazy(
    rb"\b(?:tool|function)[: ] ?[\x27`]?(?!(?:call|was|is|request|input|with)\b)([A-Za-z_][\w./\-]{0,127})", re.IGNORECASE
)

TEXT = msgspec.json.Decoder(str).decode


class Call(NamedTuple):
    """A logged call: the key and raw value of its name, and the keys that hold its params, in order."""

    name_key: str
    name: bytes
    params_keys: tuple[str, ...]


def role(key: str) -> Role:
    """What an object key may mean for a call; spelling (`toolName`, `tool_name`, `Tool-Name`) does not matter."""
    return _role(key) if len(key) <= _LONGEST_KEY else ""


@lru_cache(4096)
def _role(key: str) -> Role:
    return _ROLES.get(_plain(key), "")


def meanings(keys: Iterable[str], size: int) -> frozenset[Role]:
    """What the *keys* of an object of *size* bytes may mean for a call, `loose` as `params`; most have one of a few shapes."""
    return _meanings(tuple(keys)) if size <= _MAX_REMEMBERED_BYTES else _meanings.__wrapped__(tuple(keys))


@lru_cache(1024)
def _meanings(keys: tuple[str, ...]) -> frozenset[Role]:
    return frozenset("params" if (meaning := role(key)) == "loose" else meaning for key in keys)


def candidates(rows: Sequence[bytes], signs: Callable[[bytes], Sequence[int]]) -> list[int]:
    """The numbers of the *rows* with a sign in them, looked for in all of them together.

    *signs* gives the ends of all there are in a text: of `SIGNS`, which stand in every row that holds the key of params or may
    spell it in escapes, and perhaps of `SIGNS_OF_FRAMES`.
    """
    joined = b"\n".join(rows)
    ends = list(map(add, accumulate(map(len, rows)), count(1)))
    return sorted({bisect_right(ends, end - 1) for end in signs(joined)})


def might_hold_call(data: bytes) -> bool:
    """Whether *data* might be or hold a call; false is certain, true is not."""
    # `find`, since `in` takes what it is given for a number first, which costs more than the search; nor is `any` cheaper.
    if len(data) < MIN_CALL_BYTES:
        return False
    if data.find(b"{") < 0:
        return spoken_of(data)
    folded = data.translate(_FOLD)
    for word in _HELD:
        if folded.find(word) >= 0:
            return True
    for word in _SPOKEN_OF:
        if folded.find(word) >= 0:
            if spoken_of(data):
                return True
            break
    return data.find(rb"\u00") >= 0 and _ESCAPED_LETTER.search(data) is not None


def spoken_of(data: bytes) -> bool:
    """Whether *data* might tell of a call and its params in words; false is certain."""
    return _SPOKEN.search(data) is not None


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
    if sure and not best:
        name = _spoken_name(fields)
        return Call("", name, tuple(params)) if name and bytes(fields[params[0]])[:1] in (b"{", b"[", b'"') else None
    if not (params and best):
        return None
    if best == 1 and not _is_shaped_like_a_call(fields, params, parent, sure):
        return None
    return Call(name_key, name, tuple(params))


def _spoken_name(fields: Mapping[str, msgspec.Raw]) -> bytes:
    """The name, as JSON, of the tool that the message among *fields* says was called; nothing where it tells of no call."""
    for key, raw in fields.items():
        if key.lower() in _MESSAGES and (text := bytes(raw))[:1] == b'"' and _SAYS_CALLED.search(text) is not None:
            named = _NAMES_TOOL.search(text)
            return b'"%b"' % named[1] if named else b'""'
    return b""


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
