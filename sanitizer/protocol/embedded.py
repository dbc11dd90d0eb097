"""JSON inside of text: found and rewritten in place; and cut where it is broken and may hold params."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from sanitizer import patterns
from sanitizer.protocol.inspected import rewrite_inspected, speaks
from sanitizer.protocol.spoken import rewrite_spoken
from sanitizer.syntax.literals import rewrite_literal

_OPENING = patterns.lazy(r"""(?P<python>\{\s*')|[{\[]\s*(?P<escape>\\*)["{\[]""")
_TEXT_BEFORE = patterns.lazy(rb"""[^"{\[]*+(?:\[[^"{\[\s\\][^"{\[]*+)*+(?=\{")""")
_OPENING_OR_INSPECTED = patterns.lazy(_OPENING.pattern + r"|(?P<inspected>\{\s*[A-Za-z_$][\w$]*:\s)")
_PARAMS_KEY = patterns.lazy(
    r'(\\*)"(?:(params|arguments|tool_?input|tool_?args|input_?responses|request_?state)|args|input|kwargs)\\*"\s*:\s*',
    re.IGNORECASE,
)
_CALLS_SOMETHING = patterns.lazy(r'"(?:jsonrpc|method|tool[^"\\]*|func[^"\\]*|name|type)\\*"\s*:', re.IGNORECASE)
_STRING_REST = patterns.lazy(r'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_STRUCTURE = patterns.lazy(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]]', re.DOTALL)
_MAX_BROKEN = 16
_scan = json.JSONDecoder(strict=False, parse_int=str).raw_decode  # `int` refuses thousands of digits


METADATA = b" { metadata: undefined }"
"""What Claude Desktop writes after a message."""


def last_object(text: bytes) -> int:
    """Where the object begins that *text* ends with, if it does: the first place that `rewrite_text` would read, else -1.

    Before it stands nothing that could be JSON, or a key: no quote, no brace, and no bracket that might open anything.
    """
    before = _TEXT_BEFORE.match(text)
    return -1 if before is None or text[-1:] != b"}" else before.end()


def rewrite_text(text: bytes, rewrite: Callable[[bytes], bytes]) -> bytes:
    """*text* with *rewrite* applied to each JSON object or array in it, and to JSON in escaped form (`{\\"a\\":1}`), unescaped.

    *rewrite* returns its argument itself for no change; with no change, so does this. Where an object cannot be read (it does
    not end, say) everything from the key of its params on is cut, and `"params_withheld":"truncated"` takes its place.
    """
    decoded = text.decode("utf-8", "surrogateescape")
    out = _Output(decoded)
    settled = position = broken = 0
    first_broken = -1
    inspects = speaks(decoded)
    openings = _OPENING_OR_INSPECTED if inspects else _OPENING
    while broken < _MAX_BROKEN and (opening := openings.search(decoded, position)) is not None:
        start = opening.start()
        if first_broken >= 0 and _params_key(decoded, first_broken, start) is not None:
            break
        if opening.lastgroup != "escape":
            if (found := _in_code(decoded, start, opening, rewrite, inspects)) is None:
                broken += 1
                position = start + 1
            else:
                out.put(*found)
                settled = position = found[1]
            continue
        end = _end(decoded, start, bool(opening["escape"]))
        if end < 0:
            broken += 1
            first_broken = start if first_broken < 0 else first_broken
            position = start + 1
            continue
        fragment = _params_key(decoded, settled, start)
        if fragment is not None and fragment.end() == start:
            out.put(fragment.start(), end, _withheld(fragment[1], "fragment"))
        else:
            out.put(start, end, _rewritten(decoded[start:end], bool(opening["escape"]), rewrite))
        settled = position = end
        first_broken = -1
    if broken >= _MAX_BROKEN and first_broken < 0:
        first_broken = position  # nothing behind it was looked at
    if first_broken >= 0 and (key := _params_key(decoded, first_broken, len(decoded))) is not None:
        start = key.start()
        out.put(start, len(decoded), _withheld(key[1], "truncated") + _closing(decoded[first_broken:start], key[1]))
    left = out.text()
    spoken = rewrite_spoken(left, out.whole, rewrite)
    return text if spoken is decoded else spoken.encode("utf-8", "surrogateescape")


class _Output:
    """What becomes of *text*. `whole` are the places in it of the objects that were read, whether or not they were replaced."""

    def __init__(self, text: str) -> None:
        self.source = text
        self.whole: list[tuple[int, int]] = []
        self._written: list[str] = []
        self._copied = self._shift = 0

    def put(self, start: int, end: int, new: str | None) -> None:
        """Put *new* where an object stands from *start* to *end*; None: it stays. Later ones come behind it."""
        begun = start + self._shift
        if new is not None:
            self._written += (self.source[self._copied : start], new)
            self._copied = end
            self._shift += len(new) - (end - start)
        self.whole.append((begun, end + self._shift))

    def text(self) -> str:
        """All of it; the same object where nothing was replaced."""
        return "".join([*self._written, self.source[self._copied :]]) if self._written else self.source


def _in_code(
    text: str, start: int, opening: re.Match[str], rewrite: Callable[[bytes], bytes], inspects: bool
) -> tuple[int, int, str | None] | None:
    """What takes the place of an object in the notation of Python, or of Node if *inspects*."""
    found = rewrite_literal(text, start, rewrite) if opening["python"] else None
    return rewrite_inspected(text, start, rewrite) if found is None and inspects else found


def _end(text: str, start: int, escaped: bool) -> int:
    """Where the JSON that begins at *start* ends; -1 when it does not, or is none."""
    if escaped:
        rest = _STRING_REST.match(text, start)
        return -1 if rest is None or _unescaped(rest[0]) is None else rest.end()
    try:
        return int(_scan(text, start)[1])
    except (ValueError, StopIteration, RecursionError):
        return -1


def _unescaped(piece: str) -> str | None:
    try:
        return str(_scan(f'"{piece}"', 0)[0])
    except (ValueError, StopIteration):
        return None


def _rewritten(piece: str, escaped: bool, rewrite: Callable[[bytes], bytes]) -> str | None:
    inner = _unescaped(piece) if escaped else piece
    raw = (inner or "").encode("utf-8", "surrogateescape" if not escaped else "replace")
    if (new := rewrite(raw)) is raw:
        return None
    text = new.decode("utf-8", "surrogateescape")
    return json.dumps(text, ensure_ascii=False)[1:-1] if escaped else text


def _params_key(text: str, start: int, end: int) -> re.Match[str] | None:
    """The first key of params between *start* and *end*; an everyday word is one only where a call is spoken of."""
    for key in _PARAMS_KEY.finditer(text, start, end):
        if key[2] or _CALLS_SOMETHING.search(text, start):
            return key
    return None


def _withheld(backslashes: str, reason: str) -> str:
    quote = f'{backslashes}"'
    return f"{quote}params_withheld{quote}:{quote}{reason}{quote}"


def _closing(text: str, backslashes: str) -> str:
    """What closes the objects and arrays that *text* leaves open, so that a frame cut short is JSON again."""
    if backslashes:
        return ""
    open_: list[str] = []
    for token in _STRUCTURE.finditer(text):
        match token[0]:
            case "{":
                open_.append("}")
            case "[":
                open_.append("]")
            case "}" | "]":
                open_[-1:] = []
            case _:
                pass
    return "".join(reversed(open_))
