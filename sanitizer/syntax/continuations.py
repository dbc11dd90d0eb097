"""Values that stand on the lines below their key: of YAML, of here documents and texts in three quotes, of lists, of prose.

Given is a buffer; the answer is the spans to redact, none of which goes over a line end.
"""

from __future__ import annotations

from sanitizer import patterns
from sanitizer.finding import BETWEEN_TEXTS
from sanitizer.syntax.nested import LONGEST, Span, line_end

MOST_LINES, FEW_LINES = 64, 4
"""Lines of one value that are followed."""

TELLING = rb"(?=[^\s]*[0-9!@#$%^&*~+?_-])"
QUOTED = rb"(?P<quote>[\x22'])(?P<text>(?:(?!(?P=quote))[^\n]){1,4096})(?P=quote)"
YAML_KEY = patterns.lazy(rb"\n(?P<indent>[ \t]*(?:- +)*)[\x22']?[\w.\-]{1,64}[\x22']?:")
BELOW = patterns.lazy(
    rb"\r?\n(?P<indent>[ \t]+(?P<dash>- +)?)"
    rb"(?:\x22(?P<double>[^\x22\n]+)\x22|'(?P<single>[^'\n]+)'|(?P<plain>[^\s\x22'#:\[{-]\S*(?<!:)))[ \t]*,?[ \t]*(?=\r?\n)"
)
PADDED = patterns.lazy(rb"[A-Za-z0-9+/]{24}=")
"""The end of base64, of which the last letters are no name."""

PRINTED = patterns.lazy(rb"\r?\n[ \t]+(?:string\(\d{1,6}\) )?\x22([^\x22\\\n]+)\x22")
LABEL = patterns.lazy(
    rb"(?:[\n\x22'>]|[\]:|-] |[A-Z] (?<=INFO )|[A-Z] (?<=DEBUG )|[A-Z] (?<=WARN )|[A-Z] (?<=ERROR ))[^\S\n]*"
    rb"(?:[\w*#>\x22'`/().\[\]\x80-\xff-]+ ){0,11}[\w*#\x22'`\])\x80-\xff-]+:(?:\*{1,2}|__)?[ \t]*$"
)
"""A line that ends in a colon, and is no program."""

ALONE = patterns.lazy(
    rb"(?:\r?\n[ \t]*){1,2}(?P<quote>[\x22'`]?)"
    + TELLING
    + rb"(?!(?=[\d+-]*[.:/TZ]|\d{4}-\d\d-\d\d[\r\n])[\d.:/TZ+-]+[\r\n]"
    rb"|@?[\w.]+\(|(?:[a-z][a-z_.]+|[A-Z][A-Z_]+)=|[A-Z]{2,10}(?:-\d+)+[\r\n]|[a-z]+(?:\.[a-z]+)+/"
    rb"|[-=*#_~+]+[\r\n]|[-*][ ]|https?://|/|[\w.-]+\.(?:gz|log|zip|tar|json|ya?ml|txt|sql|py|js|ts|go|md)[\r\n])"
    rb"(?P<text>[^\s\x22'`:{}\[\]]{6,256})(?P=quote)[ \t]*(?=\r?\n|(?<=`)\\*\x22|\\*\x22[,}\]])"
)
"""A word alone on its line, which is no time, path, file, setting, call or ticket."""

ALONE_HERE = patterns.lazy(rb"[ ]{0,16}" + ALONE.pattern.removeprefix(rb"(?:\r?\n[ \t]*){1,2}"))
PREFIX = patterns.lazy(rb"(?:[^\n]{0,80}(?:\]:?|std(?:out|err) F|[ ]\||:|[ ](?:DEBUG|INFO|WARN|WARNING|ERROR))|>|data:)[ ]+(?=\w)")
"""What a logger, a container or a mailer writes before each line."""

LOGGED = patterns.lazy(rb'\\n"[^\n]{0,300}\}\r?\n\{"log": ?"[ ]*' + TELLING + rb'(?P<text>[^\s"\\:{}\[\]=]{6,256})\\n"')
"""A word alone on the line below, both lines in a file of Docker's."""

LISTED_BELOW = patterns.lazy(rb"\r?\n\[1\] " + QUOTED + rb"[ \t]*(?=\r?\n)")
"""The value of a member of a list as R prints it, below its name: `$password`."""

INDENT = patterns.lazy(rb"[ \t]*(?:-[ ])*")
DEEPER = patterns.lazy(rb"[ \t]+\S")

DIGITS = bytes(0x30 if 0x30 <= c <= 0x39 else c for c in range(256))

QUOTED_BELOW = patterns.lazy(rb"\r?\n[ \t]+" + QUOTED + rb"[ \t]*(?=[,;)]|\r?\n)")
WRAPPED_BELOW = patterns.lazy(rb"(?P<key>[\x22']):[ ]?\r?\n(?P<text>(?P=key)(?:(?!(?P=key))[^\n\\]){1,4096}(?P=key))(?=[,}\])])")
"""A value that a console had no room for behind its key: both in the same quotes, and the object goes on behind it."""
ASSIGNED_BELOW = patterns.lazy(rb"\r?\n[ \t]+(?::?=|:)[ \t]*" + QUOTED)
"""The value of a name that ends its line, behind the sign that joins the two on the line below."""

_GUIDES = rb"(?:[ \t]|\xe2\x94\x82)"
"""What stands before an item: Rich draws how deep it is."""

LINE_ENDS = patterns.lazy(rb"[ \t]*(?=\r?\n)")
ARGUMENT = patterns.lazy(rb"\r?\n" + _GUIDES + rb"*(?:-[ ]+)?(?=[^\s-])")
LISTED = patterns.lazy(rb"\r?\n" + _GUIDES + rb"+(?=[\x22']" + TELLING + rb"[^\n]{6})" + QUOTED + rb"[ \t]*,?[ \t]*(?=\r?\n)")
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

UNDERLINED = patterns.lazy(rb"\r?\n[ \t]*(?P<line>-{4,64})[ \t]*\r?\n[ \t]*(?P<text>\S{4,512})[ \t]*(?=\r?\n)")
"""The first cell of a table of one column, as PowerShell prints it: its name is underlined."""

ARROWS = patterns.lazy(rb"[ \t]*(?:\xe2\x94\x82[ \t]*)*(?:\xe2\x94\x94[ ]|$)")
POINTED = patterns.lazy(r"[A-Za-z_]\w*|\.\w+")
"""A line of arrows, and what one points to."""

FRESH = patterns.lazy(rb"\{\x22|\d{4}-\d\d-\d\d[T ]\d\d:|<<[-~]?\w|[\w. ]{1,40} = <<")
"""A line of a log, or of another document, which none goes on with."""

LAST = patterns.lazy(rb"(?!\w)\\*(?:[\x22'<\\].*)?$")
HEREDOC = patterns.lazy(rb"<<[-~]?[ ]?[\x22']?(?P<word>[A-Za-z_]\w{1,20})[\x22']?[ \t]*\r?\n")
CONTINUED = patterns.lazy(rb"\\\r?\n[ \t]*")


def below(buffer: bytes, at: int, start: int) -> list[Span]:
    """The word or quoted text on the line below a key, whose separator ends *at* and whose line ends at *start*.

    In YAML it may be a list of such; of other notations it is a text that is printed over lines (`["key"]=>`, `key: Some(`).
    """
    if buffer[start - 1] in b">(":
        printed = PRINTED.match(buffer, start)
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
    told = LABEL.search(buffer, max(line, at - 96), start) is not None
    alone = (ALONE.match(buffer, start) if told else None) or QUOTED_BELOW.match(buffer, start)
    if alone is None and told and (prefix := PREFIX.match(buffer, line + 1, at)) is not None:
        after = buffer.find(b"\n", start) + 1
        if alike(buffer[after : after + len(prefix[0])], prefix[0]):
            alone = ALONE_HERE.match(buffer, after + len(prefix[0]))
    return [alone.span("text")] if alone else []


def block(buffer: bytes, key: int, start: int) -> list[Span]:
    """A block scalar (YAML 1.2, section 8.1) from *start* on: the lines that are indented deeper than the one *key* is on.

    Each stands behind the same prefix if the key does: of a container, a logger.
    """
    line = buffer.rfind(b"\n", 0, key) + 1
    prefix = b""
    indent = INDENT.match(buffer, line).end() - line  # type: ignore[union-attr]  # matches the empty string
    if not DEEPER.match(buffer, start):
        told = PREFIX.match(buffer, line, key)
        if told is None or not alike(buffer[start : start + len(told[0])], told[0]):
            return []
        prefix, indent = told[0], 0
    spans: list[Span] = []
    while start < min(len(buffer), key + LONGEST):
        end = line_end(buffer, start, len(buffer))
        if prefix and not alike(buffer[start : start + len(prefix)], prefix):
            break
        text = buffer[start + len(prefix) : end].lstrip(b" \t")
        if buffer.startswith(BETWEEN_TEXTS, start - 1) or (text and end - len(text) - start - len(prefix) <= indent):
            break
        spans += [(end - len(text), end)] if text else []
        start = end + 1
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
        return [assigned.span("text")]
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
    if buffer[line] == 0x2F and b" " not in buffer[line:at] and (alone := ALONE.match(buffer, at)) is not None:
        return [alone.span("text")]  # as etcd prints keys and values
    found = ANSWER.match(buffer, at) if ASKED.fullmatch(buffer, line, key_at) else None
    return [found.span("text")] if found else []


def alike(text: bytes, prefix: bytes) -> bool:
    """Whether *text* is *prefix* but for its digits: what a logger writes before each line."""
    return text == prefix or text.translate(DIGITS) == prefix.translate(DIGITS)


def pointed(buffer: bytes, at: int) -> bytes:
    """The name that an arrow *at* points to, as loguru and better-exceptions draw them below a line of code; nothing if none."""
    line = buffer.rfind(b"\n", 0, at) + 1
    column = len(buffer[line:at].decode("utf-8", "replace"))
    for _ in range(MOST_LINES):
        above = buffer.rfind(b"\n", max(0, line - 1024), max(0, line - 1)) + 1
        if not above and line > 1024:
            break
        text, line = buffer[above : max(0, line - 1)], above
        if not ARROWS.match(text):
            named = POINTED.match(text.decode("utf-8", "replace"), column)
            return named[0].encode() if named else b""
    return b""


def heredoc(buffer: bytes, start: int) -> list[Span]:
    """The lines of a here document (POSIX shell, HCL) that begins at *start*, to the word that ends it."""
    begun = HEREDOC.match(buffer, start)
    if begun is None:
        return []
    prefix = PREFIX.match(buffer, buffer.rfind(b"\n", 0, start) + 1, start)
    return lines(buffer, begun.end(), begun["word"], prefix[0] if prefix else b"")


def literal(buffer: bytes, start: int, quotes: bytes) -> list[Span]:
    """The lines of a text in three *quotes* that opened before *start*, the end of its line; it ends in the same text."""
    apart = buffer.find(BETWEEN_TEXTS, start, start + LONGEST)
    end = buffer.find(quotes, start, apart if apart >= 0 else start + LONGEST)
    most = MOST_LINES
    if end < 0:  # what ends it may not be read yet
        most, end = (0 if FRESH.match(buffer, start + 1) else 2), min(len(buffer), start + LONGEST)
    found: list[Span] = []
    while 0 <= start < end and len(found) < most:
        stop = min(end, after if (after := buffer.find(b"\n", start)) >= 0 else end)
        found.append((start, stop))
        start = stop + 1
    return trimmed(buffer, found)


def lines(buffer: bytes, start: int, last: bytes, prefix: bytes) -> list[Span]:
    """The lines from *start* to the one that is *last*, each behind a *prefix* if the first one has it; none if none is."""
    found: list[Span] = []
    if prefix and not alike(buffer[start : start + len(prefix)], prefix):
        prefix = b""
    while len(found) < MOST_LINES and (end := buffer.find(b"\n", start, start + LONGEST)) >= 0:
        if not alike(buffer[start : start + len(prefix)], prefix) or FRESH.match(buffer, start + len(prefix)):
            return []
        start += len(prefix)
        if LAST.match(buffer[start:end].strip().removeprefix(last)) and last in buffer[start:end]:
            return trimmed(buffer, found)
        found.append((start, end))
        start = end + 1
    # What ends it may not be read yet: the first lines are of it all the same.
    return trimmed(buffer, found) if len(found) <= FEW_LINES else []


def trimmed(buffer: bytes, spans: list[Span]) -> list[Span]:
    """*spans* without the white space around them, and without those that hold nothing else."""
    cut = [(end - len(buffer[start:end].lstrip()), start + len(buffer[start:end].rstrip())) for start, end in spans]
    return [(start, end) for start, end in cut if start < end]
