"""Calls that a text tells of: `Calling tool x with arguments {...}`, `tool=x args="{...}"`, `Tool call: x(a=1)`, Go's `%+v`.

The argument part gives way to the hash of its canonical form, in whatever notation it stands; where it does not say which value
was a number and which a text, or cannot be read, it is withheld.
"""

from __future__ import annotations

import ast
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from sanitizer import patterns
from sanitizer.protocol.inspected import end, read

Rewrite = Callable[[bytes], bytes]

MOST_UNREADABLE = 16
"""Params in one text that cannot be read, each by itself; behind so many, the rest of the text is withheld."""

REACH = 240
"""Characters around params in which a call is spoken of, or named."""

_KEYS = r"arguments|args|params|parameters|tool_?(?:input|args|arguments|params|parameters)|inputs?|kwargs"
_OBJECT = r"[&%]?\{|&?map\[[^\]]|map\[\]|(?:Some|Ok|Array|Object)[({]|\[(?=[\s\"'{\[\]\d-])|\[\][\w.]+[ ]?(?:\{\}[ ]?)?\{"
_QUOTED = r"\"(?=\\*(?:[&%]?\{|&?map\[|\[[\\\"'{]))|'(?=[&%]?\{|map\[|\[[\"{])"
_PARAMS = patterns.lazy(
    rf"(?<![\w.$\"'\\-])(?P<key>{_KEYS})(?:\s?(?:=>?|:)\s{{0,8}}|\s)(?=(?:{_OBJECT})|{_QUOTED}|(?<=[=:])\s?(?:\(|[A-Z]\w*\())",
    re.IGNORECASE,
)
_SPEAKS = patterns.lazy(r"tool|call(?:s|ed|ing)?\b|invo[ck]|execut|function|jsonrpc|method|\bname[:=]", re.IGNORECASE)
_SPEAKS_OF_A_TOOL = patterns.lazy(r"tool|call(?:ed|ing)|function", re.IGNORECASE)

_CALLED = re.compile(
    r"\b(?:(?:call|execut|invok|runn?|us|dispatch|handl|trigger|request)(?:e|es|ed|ing)?\s(?:the\s|an?\s)?(?:mcp\s)?(?:tool|function)(?:\scalls?)?"
    r"|tool(?:[ _-](?:calls?|use|invocation|request|execution)|calls?)|call_?tool|tools/call|action for tool)\b[\s:=>|`'\"\]-]{1,6}"
    r"(?P<name>[A-Za-z_][\w./-]{0,127}(?::[\w./-]{1,64})?)[`'\"\]]{0,2}"
    rf"(?P<joint>(?=\()|\s?(?:[:,=-]|->)?\s?(?:with:?\s)?(?={_OBJECT}))",
    re.IGNORECASE,
)
_NO_NAME = patterns.lazy(
    rf"(?:{_KEYS}|request|payload|received|with|for|from|in|on|to|of|is|was|and|id|ids|name|results?|returned|response|output|errors?|failed|failure|completed|finished|"
    r"succeeded|success|timeout|timed|took|schema|definitions?|list)$",
    re.IGNORECASE,
)
_FAILED = patterns.lazy(r"(?:error|fail\w*|exception|results?|response|returned|output)\W+(?:\w+\W+){0,2}$", re.IGNORECASE)
_NAME = patterns.lazy(
    rf"\b(?:tool_?name|function_?name|tool|function|name|method)\s?[=:]\s?[\"'`]?(?P<field>[A-Za-z_][\w./-]{{0,127}})"
    rf"|\b(?:tool|function|call(?:ing|ed)?|execut(?:e|ing|ed)|invok(?:e|ing|ed))(?:\scall)?[:\s]\s?[\"'`]?"
    rf"(?!(?:{_KEYS}|tool|function|mcp|with|for|the|a|call|request)\b)(?P<said>[A-Za-z_][\w./-]{{0,127}})",
    re.IGNORECASE,
)
_REFUSED = patterns.lazy(r"\b(?:rejected|invalid|missing|required|unknown|unexpected|extra)\W{1,3}$", re.IGNORECASE)
"""What stands before a list of names of params."""
_NAMED_BESIDE = patterns.lazy(r"\bname\s?[:=]\s?[\"'`]?[\w./-]{1,128}[\"'`]?,?\s$", re.IGNORECASE)
_NAMED_BEHIND = patterns.lazy(r"\b(?:tool|tool_?name|function)=", re.IGNORECASE)
_BARE_TABLE = re.compile(
    r"(?:tool|call|invok|execut)[^{}\n]{0,80}?(?=\{\s?\"(?:[^{}\"]|\"(?!(?:name|tool|method)))*\"?(?:arguments|params|tool_?input|tool_?args)\"\s?:\s?\{)",
    re.IGNORECASE,
)
_QUOTE = {
    "\"": patterns.lazy(r"\"([^\"\\]*(?:\\.[^\"\\]*)*)\"", re.DOTALL),
    "'": patterns.lazy(r"'([^'\\]*(?:\\.[^'\\]*)*)'", re.DOTALL),
}
_NESTED = patterns.lazy(r"\bname\s?[:=].*?(?:arguments|args|params_(?:hash|withheld|shape))\s?[:=]", re.IGNORECASE | re.DOTALL)
_REPLACED = patterns.lazy(r"\(params_(?:hash|withheld|shape)=[^()]*\)")
_scan = json.JSONDecoder(strict=False, parse_int=str).raw_decode
_STRING = json.JSONDecoder(strict=False).decode


def rewrite_spoken(text: str, whole: Sequence[tuple[int, int]], rewrite: Rewrite) -> str:
    """*text* with the params of each call that it tells of replaced, by what *rewrite* makes of that call as JSON.

    *whole* are the objects in it, in order, that were read already: what they hold is no part of the telling.
    """
    if _SPEAKS.search(text) is None:
        return text
    written: list[str] = []
    copied = position = unreadable = 0
    begins = [start for start, _ in whole]
    places = sorted(
        [*_PARAMS.finditer(text), *_CALLED.finditer(text), *_BARE_TABLE.finditer(text)], key=lambda found: found.end()
    )
    for found in places:
        start = found.start()
        within = bisect_right(begins, start) - 1
        if start < position or (within >= 0 and start < whole[within][1]):
            continue
        if unreadable >= MOST_UNREADABLE:
            written += (text[copied:start], "params_withheld=unreadable")
            copied = len(text)
            break
        place = _replaced(text, found, rewrite, 0 < start - position < REACH and position > 0)
        if place is None:
            continue
        begin, after, new = place
        unreadable += begin == after or "params_withheld" in new
        if begin < after:
            written += (text[copied:begin], new)
            copied = position = after
    return "".join([*written, text[copied:]]) if written else text


def _replaced(text: str, found: re.Match[str], rewrite: Rewrite, goes_on: bool) -> tuple[int, int, str] | None:
    """From where to where something takes the place of the params at *found*, and what; None where it is no call, or they may stay.

    *goes_on*: a call was told of right before. What holds the params of a call under a name of their own gives way to nothing: an
    empty span.
    """
    at = found.end()
    if _REPLACED.match(text, at) is not None:
        return None
    if found.re is _BARE_TABLE:
        return _table(text, at, rewrite)
    named = found["name"] if found.re is _CALLED else ""
    if named and (_NO_NAME.match(named) or _FAILED.search(text, max(0, found.start() - 40), found.start())):
        return None
    if not (named or goes_on or _is_a_call(text, found, text[at])):
        return None
    name = named or _name(text, found.start(), at)
    value, stop, quote, whole = _value(text, at)
    if not named and _NESTED.search(text, at, stop):
        return at, at, ""
    ours = _ours(name, value, rewrite)
    if ours is None:
        return None
    if value is None:
        ours = {"params_withheld": "unreadable" if whole else "truncated"}
    if named and text[at] == "(":
        return at, stop, f"({', '.join(f'{field}={item}' for field, item in ours.items())})"
    if named:
        return at, stop, " ".join(f"{field}={item}" for field, item in ours.items())
    joint = text[found.end("key") : at]
    return found.start(), stop, " ".join(f"{field}{joint}{quote}{item}{quote}" for field, item in ours.items())


def _is_a_call(text: str, found: re.Match[str], opening: str) -> bool:
    """Whether a call is spoken of around the key of params at *found*; lists are everyday words' of programs, too."""
    speaks = _SPEAKS_OF_A_TOOL if opening in "[(" else _SPEAKS
    begin = max(0, found.start() - REACH)
    if opening == "[" and _REFUSED.search(text, begin, found.start()):
        return False
    if speaks.search(text, begin, found.end("key")) or _NAMED_BESIDE.search(text, begin, found.start()):
        return True
    return _NAMED_BEHIND.search(text, found.end(), found.end() + 4 * REACH) is not None


def _name(text: str, start: int, at: int) -> str:
    """The name nearest to the params at *start*, before them rather than behind; empty for none."""
    before = list(_NAME.finditer(text, max(0, start - REACH), start))
    fields = [name for name in before if name["field"]]
    behind = _NAME.search(text, at, at + 4 * REACH)
    name = fields[-1] if fields else before[-1] if before else behind if behind and behind["field"] else None
    return (name["field"] or name["said"]) if name else ""


def _value(text: str, at: int) -> tuple[bytes | None, int, str, bool]:
    """The params at *at* as JSON (None where they cannot be read), where they end, what quotes they stand in, and if they end."""
    if (quote := text[at]) in _QUOTE:
        found = _QUOTE[quote].match(text, at)
        if found is None:
            return None, len(text), quote, False
        for reading in (found[1], _unescaped(found[1])):
            value, stop = _read(reading, 0)
            if value is not None and not reading[stop:].strip():
                return value, found.end(), quote, True
        return None, found.end(), quote, True
    value, stop = _read(text, at)
    if value is not None:
        return value, stop, "", True
    stop, whole = _closed(text, at)
    return None, stop, "", whole


def _read(text: str, at: int) -> tuple[bytes | None, int]:
    """The value at *at* as JSON, and where it ends."""
    try:
        if text[at : at + 1] in ("{", "["):
            stop = int(_scan(text, at)[1])
            return text[at:stop].encode("utf-8", "replace"), stop
    except (ValueError, RecursionError):
        pass
    with_words = end(text, at)
    try:
        literal = ast.literal_eval(text[at:with_words])
        return json.dumps(literal, allow_nan=False).encode(), with_words
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        pass
    try:
        value, stop = read(text, at)
        return json.dumps(value).encode(), stop
    except (ValueError, RecursionError):
        return None, at


def _unescaped(inner: str) -> str:
    try:
        return str(_STRING(f'"{inner}"'))
    except ValueError:
        return ""


def _closed(text: str, at: int) -> tuple[int, bool]:
    """Where params that cannot be read end, and if they do: where their brackets close, unless more close on the line than open."""
    stop = last = end(text, at)
    closing = text[stop - 1]
    line = text.find("\n", stop)
    depth = 0
    for index in range(stop, len(text) if line < 0 else line):
        if text[index] in "[{(":
            depth += 1
        elif text[index] in "]})":
            depth -= 1
            if depth < 0 and text[index] == closing:
                last, depth = index + 1, 0
    return last, closing in "]})"


def _ours(name: str, value: bytes | None, rewrite: Rewrite) -> dict[str, str] | None:
    """The fields that come where the params stood; None where they may stay."""
    call = b'{"tool":%b,"arguments":%b}' % (json.dumps(name).encode(), b"{}" if value is None else value)
    if (new := rewrite(call)) is call:
        return None
    fields: dict[str, Any] = json.loads(new)
    del fields["tool"]
    return {field: item if isinstance(item, str) else json.dumps(item) for field, item in fields.items()}


def _table(text: str, at: int, rewrite: Rewrite) -> tuple[int, int, str] | None:
    """The same for an object that holds params and no name, behind words that tell of a call."""
    try:
        stop = int(_scan(text, at)[1])
        fields = json.loads(text[at:stop])
        call = json.dumps({"tool": _name(text, at, at), **fields}).encode()
    except (ValueError, RecursionError):
        return None
    if "tool" in fields or (new := rewrite(call)) is call:
        return None
    changed = json.loads(new)
    del changed["tool"]
    return at, stop, json.dumps(changed, ensure_ascii=False)
