"""JSON as programs really write it, read for hashing, and what of a call's params the hash covers."""

from __future__ import annotations

import json
import math
from typing import Any

import orjson

from sanitizer import patterns

_TRANSPORT = frozenset(("_meta", "inputResponses", "requestState", "task"))
_CALL_KEYS = _TRANSPORT | {"name", "arguments"}
_MAX_INT_DIGITS = 400  # a double ends at 309; longer ones count as infinite without the cost of reading them
_MAX_SHAPE = 8
_SURROGATE = patterns.lazy("[\ud800-\udfff]")


_EVERYDAY = """
    name uri url path paths query limit offset cursor page page_size id ids type kind format language timezone start end
    from to since until sort order filter filters fields include exclude recursive depth max_results count level mode
"""
KNOWN_NAMES = frozenset(_EVERYDAY.split())
"""Names of arguments that say nothing about a person; `shape` shows these as they are, and others not at all."""


class UnreadableError(ValueError):
    """Raised when something is JSON in no reading. The text says nothing about it."""


def parse(data: bytes) -> Any:
    """The value of *data*: strictly, else with NaN, lone surrogates, big numbers and U+FFFD for what is not UTF-8.

    Raises `UnreadableError`.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(data.decode("utf-8", "replace"), parse_int=_whole, strict=False)
    except (ValueError, RecursionError):
        raise UnreadableError from None


def parse_nested(data: bytes) -> Any:
    """As `parse`; a string that holds a JSON object or array counts as that (`"arguments": "{...}"`)."""
    value = parse(data)
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return parse(value.encode("utf-8", "surrogatepass"))
        except UnreadableError:
            return value
    return value


def subject(name: str, params: Any) -> Any:
    """What of *params* their hash covers: no `_meta`, no other transport fields, and of a tool call the arguments alone.

    *name* is the method, or the tool of a logged call, or empty where neither is known. Absent params count as `{}`.
    """
    if params is None:
        return {}
    if not isinstance(params, dict):
        return params
    # Logged params of a tool call are recognised by their shape, whatever they were logged under; prompts share it.
    has_its_shape = isinstance(params.get("name"), str) and "arguments" in params and params.keys() <= _CALL_KEYS
    if name == "tools/call" or (has_its_shape and name != "prompts/get"):
        arguments = params.get("arguments")
        return {} if arguments is None else arguments
    return {key: value for key, value in params.items() if key not in _TRANSPORT} if _TRANSPORT & params.keys() else params


def shape(value: Any, known: frozenset[str], depth: int = 0) -> Any:
    """Types in the place of values; a key that is not a *known* name is counted under `*`, not shown."""
    if isinstance(value, dict) and depth < _MAX_SHAPE:
        shown: dict[str, Any] = {key: shape(item, known, depth + 1) for key, item in value.items() if key in known}
        return {**shown, "*": hidden} if (hidden := len(value) - len(shown)) else shown
    if isinstance(value, list) and depth < _MAX_SHAPE:
        return [shape(item, known, depth + 1) for item in value[:_MAX_SHAPE]]
    names = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")


def mended(data: bytes) -> bytes | None:
    """*data* as strict JSON where a lenient reading gives one: `null` for NaN and infinities, U+FFFD for what is not text."""
    try:
        text = data.decode("utf-8", "replace")
        value = json.loads(text, parse_int=_representable, parse_float=_finite, parse_constant=_null, strict=False)
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        return None
    return _SURROGATE.sub("\ufffd", text).encode()


def repeats_a_key(data: bytes) -> bool:
    """Whether an object in *data* names a key twice, so that a reading shows only one of two values; true if it cannot be read."""
    try:
        _scan(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return True
    return False


def _once(pairs: list[tuple[str, object]]) -> None:
    if len(pairs) > 1 and len(dict(pairs)) < len(pairs):
        raise UnreadableError


_scan = json.JSONDecoder(object_pairs_hook=_once, parse_int=str, parse_float=str, strict=False).decode


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MAX_INT_DIGITS else math.inf


def _representable(digits: str) -> int | None:
    return int(digits) if math.isfinite(float(digits)) else None


def _finite(digits: str) -> float | None:
    return number if math.isfinite(number := float(digits)) else None


def _null(_: str) -> None:
    return None
