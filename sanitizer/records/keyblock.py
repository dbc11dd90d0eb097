"""Key material over many lines: PEM (RFC 7468), OpenSSH and PGP armour; cut off at either end, each line prefixed, all the same."""

from __future__ import annotations

from sanitizer import patterns
from sanitizer.records.shape import LAST, REFUSE, TAKE, Pieces, Shape

BASE64 = patterns.lazy(rb"[A-Za-z0-9+/]{16,}={0,2}\r?$")
KEY_HEADER = patterns.lazy(
    rb"(?:Proc-Type|DEK-Info|Comment|Version|Hash|Charset|MessageID|Subject|Private-Lines|Private-MAC|Encryption|Public-Lines): "
)
SHORT_TAIL = patterns.lazy(rb"=?[A-Za-z0-9+/]+={0,2}")
DIGITS = patterns.lazy(rb"\d")


class Key(Shape):
    """A PEM, OpenSSH or PGP block, its lines bare, indented, quoted or each with the log's own prefix; the end may be missing."""

    __slots__ = ("_done", "_prefix", "_starts")

    def __init__(self, line: bytes) -> None:
        super().__init__()
        start = line.index(b"-----BEGIN ")
        self._prefix = DIGITS.sub(b"0", line[:start])
        self._starts = [start]
        self.kind = "key" if b"PRIVATE" in line else "pem"

    def take(self, line: bytes) -> int:
        line = unframed(line)
        body = line.lstrip(b" \t>|#*")
        start = len(line) - len(body)
        if not _is_key_line(body):
            start = len(self._prefix)
            body = line[start:]
            if not start or DIGITS.sub(b"0", line[:start]) != self._prefix or not _is_key_line(body):
                return REFUSE
        if body:
            self.tentative = 0
        else:
            self.tentative += 1
        self._starts.append(start)
        return LAST if body.startswith(b"-----END") else TAKE if self.tentative < 3 else REFUSE

    def text(self, lines: list[bytes]) -> tuple[bytes, tuple[tuple[int, int], ...]]:
        bare = [unframed(line)[start:] for start, line in zip(self._starts[1:], lines[1:], strict=False)]
        return b"\n".join([unframed(lines[0]), *bare]), ()

    def resume(self) -> bool:
        self._starts = []
        return super().resume()

    def views(self, lines: list[bytes]) -> list[Pieces]:
        pieces = tuple((at, start, len(unframed(line))) for at, (start, line) in enumerate(zip(self._starts, lines, strict=False)))
        return [Pieces(pieces, (b"\n",) * (len(pieces) - 1))]


def unframed(line: bytes) -> bytes:
    """*line* without the blanks at its end, and the side of a box that it stands in (Rich's panels, and their like in ASCII)."""
    line = line.rstrip()
    return line[: -3 if line[-1:] == b"\x82" else -1].rstrip() if line.endswith((b"\xe2\x94\x82", b"|")) else line


def _is_key_line(body: bytes) -> bool:
    return not body or BASE64.match(body) is not None or body.startswith(b"-----END ") or is_tail(body) or (
        KEY_HEADER.match(body) is not None
    )


def is_tail(body: bytes) -> bool:
    return len(body) < 16 and SHORT_TAIL.fullmatch(body) is not None and (
        body.endswith(b"=") or len(body) % 4 == 0 or body[:1] == b"="
    )


class Base64Run(Shape):
    """Lines of nothing but base64, equally indented. A key whose head is lost when an `-----END` line follows."""

    __slots__ = ("_short", "_start", "_width")

    def __init__(self, line: bytes) -> None:
        super().__init__()
        self._start = len(line) - len(line.lstrip(b" \t"))
        self._width = len(line)
        self._short = False
        self.tentative = 1

    def take(self, line: bytes) -> int:
        body = line[self._start :]
        if line[: self._start].strip():
            return REFUSE
        if body.startswith(b"-----END "):
            self.tentative = 0
            self.kind = "key" if b"PRIVATE" in line else "pem"
            return LAST
        if self._short or len(line) > self._width or not (BASE64.match(body) or is_tail(body.rstrip())):
            return REFUSE
        self._short = len(line) < self._width
        self.tentative += 1
        return TAKE

    def views(self, lines: list[bytes]) -> list[Pieces]:
        pieces = tuple((at, self._start, len(line.rstrip())) for at, line in enumerate(lines))
        between = b"\n" if self.kind != "text" else b""
        return [Pieces(pieces, (between,) * (len(pieces) - 1))]
