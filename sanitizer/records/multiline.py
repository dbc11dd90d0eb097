"""Which lines make one record: tracebacks, pretty JSON, inspected objects, key blocks, wrapped console output.

A `Shape` is opened by a record's first line and asked about each line after it. Where a line could be a record of its own as
well as a continuation, it is a record of its own.
"""

from __future__ import annotations

import re

from sanitizer import patterns
from sanitizer.records.keyblock import BASE64, Base64Run, Key
from sanitizer.records.richlog import RICH_BLANK, Box, Rich
from sanitizer.records.shape import LAST, REFUSE, TAKE, Pieces, Shape
from sanitizer.records.yamltext import Item

HEADER = patterns.lazy(
    rb"(?:\x1b\[[\d;]*m)*(?:[\[<(]?\d{4}[-/]\d\d[-/]\d\d|[\[(]?\d\d[/:.]\d\d[/:.]\d\d|\d{10,}|[IWEFD]\d{4} \d\d:|"
    rb"[A-Z][a-z]{2} [ \d]\d \d\d:|\[?(?:DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|SEVERE|TRACE)\b|(?:level|time|ts)=)"
)
FAILED = patterns.lazy(rb"\b(?:ERROR|CRITICAL|FATAL|SEVERE|EXCEPTION|[Ee]rror|[Cc]ritical|[Ff]atal|[Ss]evere)\b|^E\d{4} ")
FAILURES = (b"error", b"exception", b"critical", b"fatal", b"severe")
FRAME = patterns.lazy(
    rb"\s+(?:at |File \"|from |\.\.\. \d+ |\^|~|\d+: |Suppressed: |Caused by: |---> |--- End of |\[cause\]|\[errors\]|\| )"
    rb"|\t\S|(?:\s|\xe2\x86\x92)*\xe2\x86\x90"
)
EXCEPTION = patterns.lazy(
    rb"(?:Exception in thread \"[^\"]*\" |Uncaught |Unhandled exception\. )?[A-Za-z_$][\w$]*+(?:\.[A-Za-z_$][\w$]*+)*+"
    rb"(?:(?<=[\w$]Exception|[\w$]Interrupt|[\w$]Throwable)|(?<=[\w$]Failure|[\w$]Warning)|(?<=[\w$]Error|[\w$]Fault|[\w$]Group)|"
    rb"(?<=[\w$]Exit))(?: \[[\w-]+\])?(?:: .*|\r?)$",
    re.S,
)
CAUSE = patterns.lazy(rb"Caused by: |Suppressed: |Wrapped by: | ?---> |--- End of |\.\.\. \d+ (?:more|common)")
RAISED = patterns.lazy(rb"[A-Za-z_]\w*+(?:\.[A-Za-z_]\w*+)*+(?::|\r?$)")
CHAINED = patterns.lazy(rb"(?:The above exception was the direct cause|During handling of the above exception)")
TRACEBACK = patterns.lazy(rb" *(?:[+|] )*(?:\+ )?(?:Exception Group )?Traceback \(most recent call last\):")
WARNED = patterns.lazy(rb"\S+:\d+: \w*Warning: ")
GO = patterns.lazy(
    rb"panic: |fatal error: |goroutine \d+ \[|\[signal |created by |exit status \d|runtime\.|main\.|"
    rb"[\w./\-]+\.[\w.()*]+\(|\t|\s*$|\.\.\."
)
UNGREETED = frozenset([b"%c" % byte for byte in b"0123456789{[<("] + [b""])
"""What a line begins with that no text goes on with."""
HEADS = frozenset([b"T", b"E", b"+", b"|"])
"""What the head of a traceback begins with."""
INDENTS = frozenset([b" ", b"\t"])
HANGING = patterns.lazy(rb"\n[ \t]*")
OPEN_BRACKET = patterns.lazy(rb"[{\[(]\s*$")
OPEN_ELEMENT = patterns.lazy(rb"(?:^|[\s>])<[A-Za-z][\w:.\-]{0,63}>\s*$")
"""The start of an XML element whose text has a line for itself."""

RUST = patterns.lazy(rb"thread '[^']*'(?: \(\d+\))? panicked at ")
RUST_MORE = patterns.lazy(rb"stack backtrace:|\s+\d+: |\s+at |note: |\s+\[\.\.\. |  (?:left|right): ")


def indented(lines: list[bytes], at: int) -> int:
    """How many of the *lines* from *at* on are indented and not blank."""
    for number in range(at, len(lines)):
        line = lines[number]
        if not line or line[0] not in (0x20, 0x09) or line.isspace():
            return number - at
    return len(lines) - at


def says_failure(line: bytes) -> bool:
    """Whether the beginning of *line* says that something failed."""
    head = line[:160]
    low = head.lower()  # the pattern is slow to say no
    likely = head[:1] == b"E" or max(map(low.find, FAILURES)) >= 0
    return likely and FAILED.search(head) is not None


class Text(Shape):
    """An ordinary line; becomes a record of several when what follows can only be its continuation."""

    __slots__ = ("_bracket", "_element", "_inner", "_opener", "_stack", "_warning")

    def __init__(self, line: bytes) -> None:
        self.kind = "text"
        self.tentative = 0
        self._opener = line
        self._element: bool | None = None
        self._inner: Shape | None = None
        self._stack = self._warning = self._bracket = False

    def _look(self, line: bytes) -> None:
        """See what *line*, which opens the record, ends in: most are asked about nothing that goes on with it."""
        last = line.rstrip()[-1:]
        self._bracket = last in (b"{", b"[", b"(") and OPEN_BRACKET.search(line, max(0, len(line) - 4)) is not None
        self._element = last == b">" and OPEN_ELEMENT.search(line, max(0, len(line) - 80)) is not None

    def take(self, line: bytes) -> int:
        if self._inner is not None:
            answer = self._inner.take(line)
            self.tentative = self._inner.tentative
            return answer
        head = line[:1]
        if head in UNGREETED and self.kind == "text":
            return REFUSE
        is_first = self._element is None
        if is_first:
            self._look(self._opener)
        if self._element:
            if line.lstrip().startswith(b"</"):
                return LAST if self.kind == "object" else REFUSE
            if self.kind == "text" and b"<" not in line and line.strip() and head in (b" ", b"\t"):
                self.kind = "object"
                return TAKE
            self._element = False
        if head in UNGREETED:
            return REFUSE
        return self._indented(line, is_first) if head in INDENTS else self._beside(line, head)

    def _beside(self, line: bytes, head: bytes) -> int:
        """The answer to a line that is not indented."""
        if head in (b"}", b"]", b")"):
            return LAST if self._bracket else REFUSE
        if self._stack:
            return TAKE if CAUSE.match(line) else REFUSE
        if self._bracket or head.isspace():
            return REFUSE
        if (head in HEADS and TRACEBACK.match(line)) or line.startswith(b"\xe2\x95\xad"):
            return self._become(PythonTraceback() if head == b"T" else Box()) if says_failure(self._opener) else REFUSE
        if EXCEPTION.match(line) and HEADER.match(self._opener) and says_failure(self._opener):
            self._stack = True
            self.kind = "traceback"
            return TAKE
        return REFUSE

    def certain(self, lines: list[bytes], at: int) -> int:
        return indented(lines, at) if self._stack and not self._bracket and self._inner is None else 0

    def text(self, lines: list[bytes]) -> tuple[bytes, tuple[tuple[int, int], ...]]:
        whole, _ = super().text(lines)
        if self.kind != "text":
            return whole, ()
        return whole, tuple((found.start(), found.end() - found.start()) for found in HANGING.finditer(whole))

    def views(self, lines: list[bytes]) -> list[Pieces]:
        if self._inner is not None:
            shifted = self._inner.views(lines[1:])
            return [Pieces(tuple((at + 1, start, end) for at, start, end in view.pieces), view.glue) for view in shifted]
        if self.kind != "text":
            return []
        pieces = tuple((at, len(line) - len(line.lstrip()) if at else 0, len(line.rstrip())) for at, line in enumerate(lines))
        return [Pieces(pieces, (glue,) * (len(pieces) - 1)) for glue in (b"", b" ")]

    def _become(self, inner: Shape) -> int:
        self._inner = inner
        self.kind = inner.kind
        return TAKE

    def _indented(self, line: bytes, is_first: bool) -> int:
        if self._bracket:
            if self.kind == "text":
                self.kind = "object"
            return TAKE
        if not line.strip():
            return REFUSE
        if line.find(b"Traceback") >= 0 and TRACEBACK.match(line):
            return self._become(PythonTraceback()) if says_failure(self._opener) else REFUSE
        framed = FRAME.match(line)
        if framed and (len(framed[0].lstrip()) > 1 or not HEADER.match(self._opener) or says_failure(self._opener)):
            self._stack = True
            self.kind = "traceback"
            self._bracket = line.rstrip().endswith(b" {")
            return TAKE
        if self._stack:
            return TAKE
        if WARNED.match(self._opener) and not self._warning:
            self._warning = True
            return TAKE
        if not HEADER.match(self._opener) or RICH_BLANK.match(line):
            return REFUSE
        return self._become(row) if is_first and (row := Rich.untimed(line)) else TAKE


class PythonTraceback(Shape):
    """A traceback of CPython, chained and grouped exceptions included, with a multi-line message where pydantic wrote it."""

    __slots__ = ("_after", "_listing")

    breaks = False

    def __init__(self) -> None:
        super().__init__("traceback")
        self._after = False
        self._listing = False

    def take(self, line: bytes) -> int:
        blank = not line or line.isspace()
        if not blank:
            if not self._after and line[:1] in INDENTS:
                self.tentative = 0
                return TAKE
            if self._after and not self._listing and line[:1] in UNGREETED:
                return REFUSE
        bare = line.lstrip(b" |")
        if (bare[:1] in (b"T", b"D") and CHAINED.match(bare)) or (line.find(b"Traceback") >= 0 and TRACEBACK.match(line)):
            self._after = self._listing = False
            self.tentative = 0
            return TAKE
        if blank:
            self.tentative += 1
            return TAKE if self.tentative < 3 else REFUSE
        if line[:1] in (b" ", b"\t"):
            self.tentative = 0
            return TAKE
        if not self._after:
            self.tentative = 0
            self._after = bool(RAISED.match(line))
            self._listing = line.find(b"validation error") >= 0
            return TAKE if self._after else REFUSE
        if self._listing and not self.tentative and b" " not in line.strip():
            self.tentative += 1
            return TAKE
        return REFUSE

    def certain(self, lines: list[bytes], at: int) -> int:
        return 0 if self._after or self.tentative else indented(lines, at)


class Panic(Shape):
    """A Go panic with its goroutines, or a Rust panic with its backtrace."""

    __slots__ = ("_more", "_said")

    breaks = False

    def __init__(self, line: bytes) -> None:
        super().__init__("traceback")
        self._more = RUST_MORE if RUST.match(line) else GO
        self._said = self._more is not RUST_MORE or not line.rstrip().endswith(b":")

    def take(self, line: bytes) -> int:
        if not self._said:
            self._said = True
            return TAKE
        if not self._more.match(line):
            return REFUSE
        self.tentative = 0 if line.strip() else self.tentative + 1
        return TAKE if self.tentative < 3 else REFUSE


class PrettyJson(Shape):
    """A JSON value over many lines: an opening bracket alone in column 0, indented lines, the closing one in column 0."""

    __slots__ = ()

    breaks = False

    def __init__(self) -> None:
        super().__init__("json")

    def take(self, line: bytes) -> int:
        head = line[:1]
        if head in (b"}", b"]"):
            return LAST
        return TAKE if head in (b" ", b"\t") else REFUSE

    def certain(self, lines: list[bytes], at: int) -> int:
        return indented(lines, at)


OPENS = patterns.lazy(
    rb"[ \t\[{]|\xe2\x95\xad|Traceback |Exception Group |panic: |fatal error: |goroutine |thread '|[A-Za-z0-9+/]{40,}={0,2}\r?$"
)
"""The start of a line that is more than text."""


def opening(line: bytes) -> Shape | None:
    """The shape that *line* opens, or None when nothing can follow that belongs to it."""
    if line.find(b"-----BEGIN ") >= 0:
        stripped = line.rstrip()
        if b"-----END " not in line and not (stripped.startswith(b"{") and stripped.endswith(b"}")):
            return Key(line)
    if OPENS.match(line):
        return _special(line, line.rstrip(b"\r"))
    return (Item.parse(line) or Text(line)) if line and line != b"\r" else None


def _special(line: bytes, stripped: bytes) -> Shape | None:
    head = stripped[:1]
    if head == b"{" and stripped.endswith(b"}"):
        return None
    if stripped in (b"{", b"["):
        return PrettyJson()
    if head in (b"[", b" ") and (row := Rich.parse(line)) is not None:
        return row
    if head == b"\xe2":
        return Box()
    if stripped.find(b"Traceback") >= 0 and TRACEBACK.match(stripped):
        return PythonTraceback()
    if stripped.startswith((b"panic: ", b"fatal error: ", b"goroutine ")) or (head == b"t" and RUST.match(stripped)):
        return Panic(line)
    if not (body := line.strip()):
        return None
    if len(body) >= 40 and BASE64.match(body):
        return Base64Run(line)
    return Item.parse(line) or Text(line)
