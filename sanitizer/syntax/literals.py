"""Calls in the notation of Python, as programs log them: `{'method': 'tools/call', 'params': {...}}`, and the same as pydantic
models show it, `JSONRPCRequest(method='tools/call', params={...})`.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable

from sanitizer import patterns

MAX_LITERAL_CHARS = 1 << 17

_TOKEN = patterns.lazy(r"""'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]()]""", re.DOTALL)
_PARAMS_KEY = patterns.lazy(r"""['"](?:params|arguments|tool_?input|tool_?args|args|input|kwargs)['"]\s*:""", re.IGNORECASE)
_CALLS_SOMETHING = patterns.lazy(r"""['"](?:jsonrpc|method|tool\w*|func\w*|name)['"]\s*:""", re.IGNORECASE)
_ASSIGNED = patterns.lazy(r"\b(params|arguments|args|kwargs|input)=$")
_NAMED = patterns.lazy(r"\b(method|name|tool|tool_name)=(['\"])([^'\"\\]{1,200})\2")
_CLOSING = {"{": "}", "[": "]", "(": ")"}


def rewrite_literal(text: str, start: int, rewrite: Callable[[bytes], bytes]) -> tuple[int, int, str | None] | None:
    """The dict that begins at *start*: from where to where something takes its place, and what (None: it may stay). None for none.

    One that does not end, or cannot be read, and looks like a call is cut off at its params.
    """
    end = _end(text, start)
    value = _read(text[start:end]) if end > 0 else None
    if not isinstance(value, dict):
        stop = end if end > 0 else len(text)
        key = _PARAMS_KEY.search(text, start, stop)
        if key is None or _CALLS_SOMETHING.search(text, start, stop) is None:
            return None
        return key.start(), stop, "'params_withheld': 'truncated'}"
    if (assigned := _ASSIGNED.search(text, max(0, start - 16), start)) is not None:
        names = list(_NAMED.finditer(text, max(0, start - 2_048), start))
        if names:
            return assigned.start(), end, _arguments(names[-1], assigned[1], value, rewrite)
    changed = _changed(value, rewrite)
    return start, end, None if changed is None else repr(changed)


def _arguments(name: re.Match[str], key: str, value: object, rewrite: Callable[[bytes], bytes]) -> str:
    """Keyword arguments in the place of *key*`=`*value*, in a call that *name* names."""
    given = {name[1]: name[3], key: value}
    changed = _changed(given, rewrite) or given
    return ", ".join(f"{field}={item!r}" for field, item in changed.items() if field != name[1]) or f"{key}=None"


def _changed(value: object, rewrite: Callable[[bytes], bytes]) -> dict[str, object] | None:
    try:
        data = json.dumps(value, default=repr).encode()
    except (TypeError, ValueError, RecursionError):
        return None
    new = rewrite(data)
    if new is data:
        return None
    changed = json.loads(new)
    return changed if isinstance(changed, dict) else {}


def _end(text: str, start: int) -> int:
    """Where the brackets that open at *start* are closed; -1 when they are not."""
    expected: list[str] = []
    for token in _TOKEN.finditer(text, start, start + MAX_LITERAL_CHARS):
        sign = token[0]
        if sign in _CLOSING:
            expected.append(_CLOSING[sign])
        elif len(sign) == 1:
            if expected.pop() != sign:
                return -1
            if not expected:
                return token.end()
    return -1


def _read(literal: str) -> object:
    try:
        return ast.literal_eval(literal)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
