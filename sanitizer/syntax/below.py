"""Values on the line below their key: of YAML, of lists, of consoles, of prose, of a logger that wrote the two one by one.

Given is a buffer; the answer is the spans to redact, none of which goes over a line end.
"""

from __future__ import annotations

import re

from sanitizer import patterns
from sanitizer.syntax.continuations import alike, shared
from sanitizer.syntax.nested import Span

TELLING = rb"(?=[^\s]*[0-9!@#$%^&*~+?_-])"
QUOTED = rb"(?P<quote>[\x22'])(?P<text>(?:(?!(?P=quote))[^\n]){1,4096})(?P=quote)"

_ENDS = rb"[ \t]*(?=(?:[ ]\{ metadata: undefined \})?\r?\n|(?<=`)\\*\x22|\\*\x22[,}\]])"
"""The end of a line, or of a string of JSON that holds it; what Claude Desktop writes behind each message."""

YAML_KEY = patterns.lazy(rb"\n(?P<indent>[ \t]*(?:- +)*)[\x22']?[\w.\-]{1,64}[\x22']?:")
BELOW = patterns.lazy(
    rb"\r?\n(?P<indent>[ \t]+(?P<dash>- +)?)"
    rb"(?:\x22(?P<double>[^\x22\n]+)\x22|'(?P<single>[^'\n]+)'|(?P<plain>[^\s\x22'#:\[{-]\S*(?<!:)))[ \t]*,?[ \t]*(?=\r?\n)"
)
PADDED = patterns.lazy(rb"[A-Za-z0-9+/]{24}=")
"""The end of base64, of which the last letters are no name."""

PRINTED = patterns.lazy(rb"\r?\n[ \t]+(?:string\(\d{1,6}\) )?\x22([^\x22\\\n]+)\x22")
_LABEL = (
    rb"[^\S\n]*(?:[\w*#>\x22'`/().\[\]\x80-\xff-]+ ){0,11}[\w*#\x22'`\])\x80-\xff-]+(?::(?:\*{1,2}|__)?|[ ]?=>?)[ \t]*"
)
LABEL = patterns.lazy(
    rb"(?:[\n\x22'>]|[\]:|-] |[A-Z] (?<=INFO )|[A-Z] (?<=DEBUG )|[A-Z] (?<=WARN )|[A-Z] (?<=ERROR )|[A-Z]:[\w.-]{1,64}:)"
    + _LABEL
    + rb"$"
)
LABEL_HERE = patterns.lazy(_LABEL)
"""A line that ends in a colon or in a sign of assignment, and is no program."""

_WORD = (
    rb"(?P<dash>[-*][ ]|\xe2\x80\xa2[ ])?(?P<quote>[\x22'`]?)"
    + TELLING
    + rb"(?!(?=[\d+-]*[.:/TZ]|\d{4}-\d\d-\d\d[\r\n])[\d.:/TZ+-]+[\r\n]"
    rb"|@?[\w.]+\(|(?:[a-z][a-z_.]+|[A-Z][A-Z_]+)=|[A-Z]{2,10}(?:-\d+)+[\r\n]|[a-z]+(?:\.[a-z]+)+/"
    rb"|[-=*#_~+`]+[\r\n]|[-*][ ]|https?://|/|[\w.-]+\.(?:gz|log|zip|tar|json|ya?ml|txt|sql|py|js|ts|go|md)[\r\n])"
    rb"(?P<text>[^\s\x22'`:{}\[\]]{6,256})(?P=quote)"
    + _ENDS
)
ALONE = patterns.lazy(rb"\r?\n[ \t]*(?:\r?\n[ \t]*)?(?:`{3}[\w+-]{0,12}[ \t]*\r?\n[ \t]*)?" + _WORD)
"""A word alone on its line, which is no time, path, file, setting, call or ticket; perhaps below a blank line, or fenced."""

ALONE_HERE = patterns.lazy(rb"[ ]{0,16}" + _WORD)
STRONG = patterns.lazy(rb"(?=[^\s]*[0-9])(?=[^\s]*[A-Za-z])(?=[^\s]{0,256}[!@#$%^&*~+?]|[^\s]{16})[^\s]{8,}")
"""What no heading has below it but a secret."""

MOST_ITEMS = 16
"""Items of a list below a key that are followed."""

LOGGED = patterns.lazy(rb'\\n"[^\n]{0,300}\}\r?\n\{"log": ?"[ ]*' + TELLING + rb'(?P<text>[^\s"\\:{}\[\]=]{6,256})\\n"')
"""A word alone on the line below, both lines in a file of Docker's."""

LISTED_BELOW = patterns.lazy(rb"\r?\n\[1\] " + QUOTED + rb"[ \t]*(?=\r?\n)")
"""The value of a member of a list as R prints it, below its name: `$password`."""

QUOTED_HERE = patterns.lazy(rb"[ \t]+" + QUOTED + rb"[ \t]*(?=[,;)}\]]|\r?\n)")
QUOTED_BELOW = patterns.lazy(rb"\r?\n" + QUOTED_HERE.pattern)
WRAPPED_BELOW = patterns.lazy(rb"(?P<key>[\x22']):[ ]?\r?\n(?P<text>(?P=key)(?:(?!(?P=key))[^\n\\]){1,4096}(?P=key))(?=[,}\])])")
"""A value that a console had no room for behind its key: both in the same quotes, and the object goes on behind it."""
ASSIGNED_BELOW = patterns.lazy(
    rb"\r?\n(?:[ \t]+(?::?=|:)|:)[ \t]*(?:" + QUOTED + rb"|" + TELLING + rb"(?P<bare>[^\s\x22'`{}\[\]]{6,256})" + _ENDS + rb")"
)
"""The value of a name that ends its line, behind the sign that joins the two on the line below."""

_GUIDES = rb"(?:[ \t]|\xe2\x94\x82)"
"""What stands before an item: Rich draws how deep it is."""

LINE_ENDS = patterns.lazy(rb"[ \t]*(?=\r?\n)")
ARGUMENT = patterns.lazy(rb"\r?\n" + _GUIDES + rb"*(?:-[ ]+)?(?=[^\s-])")
LISTED = patterns.lazy(
    rb"\r?\n" + _GUIDES + rb"+(?=[\x22']" + TELLING + rb"[^\n]{6})" + QUOTED + rb"[ \t]*[)\]}]{0,3},?" + _ENDS
)
DASHED = patterns.lazy(rb"(?P<indent>[ \t]*)-[ ]+[\x22']?--?[\w.\-]+")
NEXT_ITEM = patterns.lazy(rb"\r?\n(?P<indent>[ \t]*)-[ ]+(?![\x22']?-)")
NUMBERED = patterns.lazy(rb"[ ]*(?P<number>\d{1,6})\) \x22[^\x22\n]{1,200}\x22")
NUMBERED_NEXT = patterns.lazy(rb"\r?\n[ ]*(?P<number>\d{1,6})\) \x22(?P<text>[^\x22\n]{1,4096})\x22")
"""An answer of Redis, with names at odd places and values at even ones."""

EXPLICIT = patterns.lazy(rb"\r?\n:[ ]+(?=\S)")
"""The value of an explicit key (YAML 1.2, section 8.2.2)."""

ANSWER = patterns.lazy(rb"\r?\n(?:[ \t]*Out\[\d{1,6}\]:[ ]*)?" + QUOTED + rb"[ \t]*(?=\r?\n)")
ASKED = patterns.lazy(rb"[ \t]*(?:[\w.:\[\]-]{1,64}>[ ]GET|In \[\d{1,6}\]:|>>>|\(Pdb\)(?:[ ](?:p|pp))?|ipdb>(?:[ ](?:p|pp))?)[ ]+")
"""A name that is typed into a console."""

NAMED = patterns.lazy(rb"/[^\s]+|[ \t]*--?[A-Za-z][\w-]{1,64}")
"""A key as etcd prints it, an option in a list of arguments."""

HEADING = patterns.lazy(rb"[ \t]*#{1,6} [^\n]{1,80}|[ \t]*\*\*[^*\n]{1,80}\*\*")
"""One of Markdown."""

UNDERLINED = patterns.lazy(rb"\r?\n[ \t]*(?P<line>-{4,64})[ \t]*\r?\n[ \t]*(?P<text>\S{4,512})[ \t]*(?=\r?\n)")
"""The first cell of a table of one column, as PowerShell prints it: its name is underlined."""


def below(buffer: bytes, at: int, start: int) -> list[Span]:
    """The word or quoted text on the line below a key, whose separator ends *at* and whose line ends at *start*.

    In YAML it may be a list of such; of other notations it is a text that is printed over lines (`["key"]=>`, `key: Some(`).
    """
    if buffer[start - 1] in b">(":
        printed = PRINTED.match(buffer, start)
        if printed or buffer[start - 1] == 0x28:
            return [printed.span(1)] if printed else []
    if PADDED.match(buffer, max(0, at - 25)):
        return []
    if (wrapped := WRAPPED_BELOW.match(buffer, at - 2)) is not None:
        return [(wrapped.start("text") + 1, wrapped.end("text") - 1)]
    line = buffer.rfind(b"\n", 0, at)
    key = YAML_KEY.fullmatch(buffer, line, at) if line >= 0 else None
    spans: list[Span] = []
    while key is not None and (found := BELOW.match(buffer, start)) is not None and len(found["indent"]) > len(key["indent"]):
        spans.append(found.span(found.lastgroup or 0))
        if not found["dash"]:
            break
        start = found.end()
    if spans or line < 0:
        return spans
    after = buffer.find(b"\n", start) + 1
    prefix = shared(buffer, line + 1, at, after)
    if prefix:
        told = LABEL_HERE.fullmatch(buffer, line + 1 + prefix, start) is not None
        spans = listed(buffer, ALONE_HERE.match(buffer, after + prefix) if told else None, buffer[line + 1 : line + 1 + prefix])
        quoted = None if spans else QUOTED_HERE.match(buffer, after + prefix)
        return [quoted.span("text")] if quoted else spans
    if LABEL.search(buffer, max(line, at - 96), start) is not None and (spans := listed(buffer, ALONE.match(buffer, start))):
        return spans
    quoted = QUOTED_BELOW.match(buffer, start)
    return [quoted.span("text")] if quoted else []


def listed(buffer: bytes, found: re.Match[bytes] | None, prefix: bytes = b"") -> list[Span]:
    """The word *found*, and if it is the first item of a list the others, each behind a *prefix*."""
    spans: list[Span] = []
    while found is not None and len(spans) < MOST_ITEMS:
        spans.append(found.span("text"))
        after = buffer.find(b"\n", found.end()) + 1
        if not found["dash"] or not after or not alike(buffer[after : after + len(prefix)], prefix):
            break
        found = ALONE_HERE.match(buffer, after + len(prefix))
        found = found if found and found["dash"] else None
    return spans


def logged(buffer: bytes, start: int) -> list[Span]:
    """The word on the line below a key, whose text ends at *start* in a file of Docker's."""
    found = LOGGED.match(buffer, start)
    return [found.span("text")] if found and buffer.startswith(b'{"log":', buffer.rfind(b"\n", 0, start) + 1) else []


def argument(buffer: bytes, at: int, key: bytes) -> list[Span]:
    """The item below an item of a list over lines, which ends *at* and names an option or a header: its value, where it tells."""
    if (ended := LINE_ENDS.match(buffer, at)) is None:
        return []
    at = ended.end()
    if key.startswith(b"-"):
        after = ARGUMENT.match(buffer, at)
        return [] if after is None else item(buffer, after.end())
    listed = LISTED.match(buffer, at)
    return [listed.span("text")] if listed else []


OPEN_ITEM = patterns.lazy(rb"[\x22'](?P<text>[^\s\x22']{16,4096})(?=\r?\n)")
"""An item that goes on below, where a console broke its line."""

ITEM = patterns.lazy(rb"(?P<quote>[\x22']?)(?P<text>(?:[^\x22'\r\n]|(?<=\w)'(?=\w)){1,4096}?)(?P=quote)[ \t]*,?[ \t]*(?=\r?\n)")


def item(buffer: bytes, at: int) -> list[Span]:
    found = ITEM.match(buffer, at) or OPEN_ITEM.match(buffer, at)
    return [found.span("text")] if found else []


def typed(buffer: bytes, at: int, line: int, key_at: int) -> list[Span]:
    """The value to a name at *key_at* that ends its *line* *at*.

    Of a variable of a program, an option in a list of YAML, a key with a mark of its own, a console that was asked for it.
    """
    if at - line > 256:
        return []
    if (assigned := ASSIGNED_BELOW.match(buffer, at)) is not None:
        return [assigned.span("bare" if assigned["text"] is None else "text")]
    if (option := DASHED.fullmatch(buffer[line:at].rstrip(b"\"'\r"))) is not None:
        after = NEXT_ITEM.match(buffer, at)
        return item(buffer, after.end()) if after and after["indent"] == option["indent"] else []
    if buffer.startswith(b"? ", line) and (after := EXPLICIT.match(buffer, at)) is not None:
        return item(buffer, after.end())
    if (cell := UNDERLINED.match(buffer, at)) is not None and len(cell["line"]) == len(buffer[line:at].strip()):
        return [cell.span("text")]
    numbered, following = NUMBERED.fullmatch(buffer, line, at), NUMBERED_NEXT.match(buffer, at)
    if numbered and following:
        return [following.span("text")] if int(following["number"]) == int(numbered["number"]) + 1 else []
    if buffer[line] == 0x24 and (found := LISTED_BELOW.match(buffer, at)) is not None:
        return [found.span("text")]
    if NAMED.fullmatch(buffer, line, at) and (alone := ALONE.match(buffer, at)) is not None:
        return [alone.span("text")]
    if HEADING.fullmatch(buffer, line, at) and (alone := ALONE.match(buffer, at)) is not None:
        return [alone.span("text")] if STRONG.fullmatch(alone["text"]) else []
    found = ANSWER.match(buffer, at) if ASKED.fullmatch(buffer, line, key_at) else None
    return [found.span("text")] if found else []


