"""Where a value starts and ends after its key, in the syntaxes that logs are written in.

JSON, Python, JavaScript, Go, Rust and PHP literals, YAML, logfmt, environment, command lines, query strings, HTTP headers, XML, CSV,
SQL, name/value pairs. Given is a buffer and the position right after a key's separator; the answer is the spans to redact.
"""

from __future__ import annotations

import re

Span = tuple[int, int]

LONGEST = 1 << 16
"""Bytes of one value that are looked at; a longer one is redacted to there, and the rest by what else is found in it."""

DEEPEST = 16
"""Nesting of a list or object that is followed."""

START = re.compile(
    rb"""[=:>~]{0,2}[ \t]*
    (?:(?:[A-Za-z_][\w.]{0,30}[ \t]*(?:\[[\w., |]{0,40}\]|<[\w., |]{0,40}>)?(?:[ \t]*\|[ \t]*\w{1,20}){0,3}[ \t]*)=[ \t]*(?=[\x22'`bfru]))?   # a type: `password: str = "x"`
    (?:(?:Some|Ok|Just|SecretStr|Secret|String|new[ ]String|String\.from|str|bytes|quote)\([ \t]*)?
    (?:[bBuUfFrRN@$]{1,2}(?=[\x22']))?""",
    re.X,
)
QUOTED = {
    0x22: re.compile(rb'"((?:[^"\\\n]|\\.|"")*+)"', re.S),
    0x27: re.compile(rb"'((?:[^'\\\n]|\\.|'')*+)'", re.S),
    0x60: re.compile(rb"`([^`\n]*)`"),
}
QUOTES = re.compile(rb"\\*[\x22'`]")
ESCAPED_QUOTE = re.compile(rb"\\+[\x22'`]")
LONG = 1900
"""An unquoted value so long was perhaps cut: its rest belongs to it, too."""

BARE = re.compile(rb"[^\s\x22'`<>]{1,2048}")
REST = re.compile(rb"[^\s\x22'`<>&,;|]*")
CUT = re.compile(rb"[&,;|](?=$|[\w.%\-\[\]$@]{1,64}[\])]?[ \t]{0,2}[=:](?![=:]))|[,;|](?=[,;|])|\}\s*,|%26(?=\w{1,64}(?:=|%3[Dd]))")
LINE = re.compile(rb"[^\r\n]*")
COMMENT = re.compile(rb"[ \t]+#.*$|[ \t]+//.*$")
TRAIL = b",;.:)]}>|"
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|\'(?:[^\'\\\n]|\\.)*+\'|[\[\]{}]|[^\s,:=\[\]{}"\']+|[,:=]|\s+|.', re.S)
CONSTANTS = frozenset((b"true", b"false", b"null", b"None", b"True", b"False", b"undefined", b"nil", b"NaN"))
NAMED = re.compile(rb"[ \t]*\\*[\x22'`]?(?:value|val|values|content|data|secret|text|default)\\*[\x22'`]?[ \t]{0,2}[:=]", re.I)
QUOTE_NEXT = re.compile(rb"[ \t]*[bBuUrR]?\\*[\x22'`\[]")
SERIALIZED = re.compile(rb"[ \t]*s:\d{1,6}:(?=\\*[\x22'])")
CELL = re.compile(rb"(?:</?(?:td|th|dt|dd|b|strong|span|label|code|em|i|p|div|key|name|string|value)(?:\s[^<>]{0,100})?>[ \t]{0,4}){1,4}", re.I)
CDATA = re.compile(rb"<!\[CDATA\[(.*?)(?:\]\]>|$)")
ANGLED = re.compile(rb"<([^<>\s]*[^<>\sA-Za-z_-][^<>\s]*)>")  # a placeholder (`<your-key>`) is words only
MARKUP = re.compile(rb"(?:<!\[CDATA\[)?([^<>\r\n]+)")
SCHEME = re.compile(rb"[ \t]*(?:Bearer|Basic|Digest|Negotiate|NTLM|Token|ApiKey|Api-Key|Key|OAuth|SSWS|AWS4-HMAC-SHA256|Hawk|GenieKey|Splunk|JWT|DPoP|PoP|Bot|Zoho-oauthtoken)[ \t]+", re.I)


def value(buffer: bytes, at: int, *, line: bool = False) -> list[Span]:
    """The spans of the value that starts at *at* (after `:` or `=`); none if there is no value.

    `line` takes an unquoted value to the end of its line (a cookie header). A list or object gives the spans of its leaves.
    """
    start = START.match(buffer, at).end()  # type: ignore[union-attr] - matches the empty string, so never None
    first = buffer[start : start + 1]
    if not first or first in b"\r\n,;&)}]":
        return []
    code = first[0]
    if code in QUOTED:
        if buffer.startswith(first * 3, start):
            end = buffer.find(first * 3, start + 3, start + LONGEST)
            return [(start + 3, end)] if end > start + 3 else []
        found = QUOTED[code].match(buffer, start, start + LONGEST)
        return nonempty(*found.span(1)) if found else nonempty(start + 1, LINE.match(buffer, start, start + LONGEST).end())  # type: ignore[union-attr]
    if code == 0x5C:
        quote = ESCAPED_QUOTE.match(buffer, start)
        if quote:
            end = closing(buffer, quote.end(), quote[0])
            return nonempty(quote.end(), end)
    if code in b"[{" and not line:
        return leaves(buffer, start)
    if code == 0x3C:
        found = CDATA.match(buffer, start) or ANGLED.match(buffer, start)
        return nonempty(*found.span(1)) if found else []
    if line:
        end = LINE.match(buffer, start, start + LONGEST).end()  # type: ignore[union-attr]
        quote_at = min((p for p in (buffer.find(q, start, end) for q in (b'"', b"'", b"`")) if p >= 0), default=end)
        return nonempty(start, start + len(buffer[start:quote_at].rstrip(b" \t\\" + TRAIL)))
    return bare(buffer, start)


def closing(buffer: bytes, start: int, quote: bytes) -> int:
    """The end of a value that *quote* (an escaped quote, such as `\\"`) opened.

    It is the next such quote that is escaped no deeper: one escaped less ends the string that all of this stands in. Else it is the
    line's end.
    """
    stop = LINE.match(buffer, start, start + LONGEST).end()  # type: ignore[union-attr]
    for found in QUOTES.finditer(buffer, start, stop):
        text = found[0]
        if len(text) <= len(quote) and (text[-1:] == quote[-1:] or len(text) < len(quote) and text[-1:] == b'"'):
            return found.start()
    return stop


def bare(buffer: bytes, start: int) -> list[Span]:
    """An unquoted value: to white space or a quote, less what belongs to the text around it."""
    found = BARE.match(buffer, start, start + LONGEST)
    if found is None:
        return []
    text = found[0]
    cut = CUT.search(text)
    if cut is not None:
        text = text[: cut.start()]
    kept = text.rstrip(TRAIL)
    for opening, close in ((b"(", b")"), (b"[", b"]"), (b"{", b"}"), (b"<", b">")):
        if opening in kept and text[len(kept) : len(kept) + 1] == close:
            kept = text[: len(kept) + 1]
    if kept.endswith(b"\\") or b"\\" in kept:
        escape = re.search(rb"\\+(?:[\x22'nrt]|$)", kept)
        kept = kept[: escape.start()] if escape else kept
    return nonempty(start, start + len(kept))


def leaves(buffer: bytes, start: int) -> list[Span]:
    """The strings, numbers and words of the list or object at *start*, but for keys and constants.

    Where it is nested too deeply to be followed, all of the rest of the line is one span.
    """
    spans: list[Span] = []
    depth = 0
    pending: Span | None = None
    for token in TOKEN.finditer(buffer, start, start + LONGEST):
        text = token[0]
        if text in (b"[", b"{"):
            depth += 1
            if depth > DEEPEST:
                return [*spans, (token.start(), LINE.match(buffer, start, start + LONGEST).end())]  # type: ignore[union-attr]
        elif text in (b"]", b"}"):
            depth -= 1
        elif text in (b":", b"="):
            pending = None
        elif not text.isspace() and text != b"," and text not in CONSTANTS:
            if pending:
                spans.append(pending)
            quoted = text[0] in b"\"'" and len(text) > 1
            pending = (token.start() + quoted, token.end() - quoted)
            continue
        elif text.isspace() and b"\n" not in text:
            continue
        if pending and text not in (b":", b"="):
            spans.append(pending)
            pending = None
        if depth <= 0:
            break
    if pending:
        spans.append(pending)
    return [span for span in spans if span[0] < span[1]]


def nonempty(start: int, end: int) -> list[Span]:
    return [(start, end)] if start < end else []
