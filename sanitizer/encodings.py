"""Encodings that swallow a text whole: base64, base32, hex runs, byte arrays and the encoded words of mail and MCP headers.

Printable text leaves a trace in them: every third character of base64, for one, is of half the alphabet only. So a run is
decoded where it bears that trace, whatever it is glued to, and an identifier, a path or a digest hardly ever is.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, a2b_qp, unhexlify
from collections.abc import Callable, Iterator

from sanitizer.escapes import Substitution, utf8

PRINTABLE_SHARE = 0.85
"""How much of a decoded token must be printable UTF-8 to be taken for text as a whole."""

_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r")) + b"\x7f"

# Three bytes of printable ASCII (or tab, line feed, return) are four characters: one of each of these three sets, and any.
_BYTE_1 = rb"CDI-Za-f"
_BYTE_2 = rb"ACD-HQS-Xgi-nwyz0-3"
_BYTE_3 = rb"ABEFIJMNQRUVYZcdghklopstwx014589"
_ANY = rb"A-Za-z0-9+/_-"
_GROUP = rb"[%b][%b][%b][%b]" % (_BYTE_1, _BYTE_2, _BYTE_3, _ANY)
_NO_GROUP = rb"(?:[^%b](?s:...)|(?s:.)[^%b](?s:..)|(?s:..)[^%b](?s:.)|(?s:...)[^%b])" % (_BYTE_1, _BYTE_2, _BYTE_3, _ANY)

# Six bytes of UTF-16LE that are ASCII: every other byte is zero.
_GROUP_16 = rb"[I-Za-f][AQgw][AB][A-Za-z0-9+/]A[C-H][AEIMQUYcgkosw048]A"

# Five bytes of printable ASCII in base32 (RFC 4648, section 6).
_GROUP_32 = rb"[E-P][ABEFIJMNQRUVYZ45][A-Z2-7][C-HS-X][ACEGIKMOQSUWY246][I-Z2-7][BCDJKLRSTZ23][A-Z2-7]"


def printable(data: bytes) -> bool:
    """Say whether *data* is mostly printable UTF-8."""
    least = PRINTABLE_SHARE * len(data)
    if len(data.translate(None, _CONTROLS)) < least:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return len(data.decode("utf-8", "ignore").encode()) >= least
    return True


def _base64(token: bytes) -> bytes:
    token = token.translate(None, b"\r\n\t =")
    if b"-" in token or b"_" in token:
        token = token.replace(b"-", b"+").replace(b"_", b"/")
    token = token[: len(token) - (len(token) % 4 == 1)]
    return a2b_base64(token + b"=" * (-len(token) % 4))


class Tokens:
    """Runs of an alphabet that hold a *trace* of text, decoded as a whole where that gives text, else the trace alone."""

    def __init__(self, run: bytes, trace: bytes, decode: Callable[[bytes], bytes], anchors: tuple[bytes, ...], group: int) -> None:
        self.anchors = anchors
        self._run = re.compile(run)
        self._trace = re.compile(trace)
        self._decode = decode
        self._group = group

    def suspects(self, text: bytes) -> bool:
        return self._trace.search(text) is not None

    def decode(self, text: bytes) -> bytes | None:
        if not self.suspects(text):
            return None
        pieces = self.split(text)[1]
        return b"".join(pieces) if len(pieces) > 1 else None

    def split(self, text: bytes) -> tuple[list[bytes], list[bytes]]:
        plain: list[bytes] = []
        decoded: list[bytes] = []
        done = 0
        for run in self._run.finditer(text):
            for start, end, meaning in self._tokens(text, *run.span()):
                plain += text[done:start], text[start:end]
                # A word that the token is glued to is no part of what it says.
                before = b"\n" if start and text[start - 1 : start].isalnum() else b""
                decoded += text[done:start], before + meaning + (b"\n" if text[end : end + 1].isalnum() else b"")
                done = end
        rest = text[done:]
        return [*plain, rest], [*decoded, rest]

    def _tokens(self, text: bytes, start: int, end: int) -> Iterator[tuple[int, int, bytes]]:
        trace = self._trace.search(text, start, end)
        if trace is None:
            return
        at = trace.start()
        for begin in (start, at) if at != start and (at - start) % self._group == 0 else (at,):
            meaning = self._decode(text[begin:end])
            if printable(meaning):
                yield begin, end, utf8(meaning)
                return
        while trace is not None:
            meaning = self._decode(trace[0])
            yield *trace.span(), utf8(meaning)
            trace = self._trace.search(text, trace.end(), end)


def _base64_meaning(token: bytes) -> bytes:
    meaning = _base64(token)
    return meaning.decode("utf-16-le", "ignore").encode() if meaning[1::2].count(0) * 2 >= len(meaning) - 1 > 0 else meaning


# Long lines of base64 go on in the next line, however that is indented.
BASE64 = Tokens(
    rb"[%b]{12,}(?:(?<=[A-Za-z0-9+/]{60})\r?\n[ \t]{0,32}[A-Za-z0-9+/]+(?=[\r\n=\"']|\Z))*={0,2}" % _ANY,
    rb"(?<![A-Za-z0-9+])(?:%b){3,}|(?:%b){4,}|(?:%b){2,}" % (_GROUP, _GROUP, _GROUP_16),
    _base64_meaning,
    (rb"\b(?:%b){3}" % _GROUP, _NO_GROUP + rb"(?:%b){4}" % _GROUP, rb"\b(?:%b){2}" % _GROUP_16),
    4,
)


def _hex(token: bytes) -> bytes:
    digits = token.translate(None, b" :-")
    return unhexlify(digits[: len(digits) & ~1])


_PAIR = rb"(?:[2-7][0-9A-Fa-f]|0[9AaDd])"
_UTF8_PAIRS = (
    rb"(?:[CcDd][0-9A-Fa-f][89ABab][0-9A-Fa-f]|[Ee][0-9A-Fa-f](?:[89ABab][0-9A-Fa-f]){2}|[Ff][0-4](?:[89ABab][0-9A-Fa-f]){3})"
)

# A run of pairs, or a dump of pairs set apart by a colon, a hyphen or a space.
HEX = Substitution(
    (b"",),
    rb"((?:%b|%b){8,}|(?<![0-9A-Fa-f])(?:%b[ :-]){7,}%b(?![0-9A-Fa-f]))" % (_PAIR, _UTF8_PAIRS, _PAIR, _PAIR),
    lambda token: utf8(_hex(token)),
)

HEX.anchors = (
    rb"\b(?:%b){8}" % _PAIR,
    rb"(?s:[^2-7].|.[^0-9A-Fa-f])(?:[2-7][0-9A-Fa-f]){8}",
    rb"(?:[2-7][0-9A-Fa-f][ :-]){7}[2-7][0-9A-Fa-f]",
)


class ByteArrays:
    """Bytes listed as decimal numbers, as a Buffer, a `byte[]` or journald prints them; each number is a unit."""

    anchors = (rb"[\[,\s][0-9]{2},\s?[0-9]",)

    def __init__(self) -> None:
        self._array = re.compile(rb"(?<=[\[({])\s*-?[0-9]{1,3}(?:\s?,\s{0,8}-?[0-9]{1,3}){7,}(?=\s*[\])}])")
        self._number = re.compile(rb"-?[0-9]+")

    def suspects(self, text: bytes) -> bool:
        return len(text) > 16 and self._array.search(text) is not None

    def decode(self, text: bytes) -> bytes | None:
        if not self.suspects(text):
            return None
        pieces = self.split(text)[1]
        return b"".join(pieces) if len(pieces) > 1 else None

    def split(self, text: bytes) -> tuple[list[bytes], list[bytes]]:
        plain: list[bytes] = []
        decoded: list[bytes] = []
        done = 0
        for array in self._array.finditer(text):
            numbers = list(self._number.finditer(text, *array.span()))
            values = bytes(int(number[0]) & 255 for number in numbers)
            if not printable(values):
                continue
            for at, number in enumerate(numbers):
                if at:
                    plain += b"", text[done : number.start()]
                    decoded += b"", b""
                    done = number.start()
                plain += text[done : number.start()], number[0]
                decoded += text[done : number.start()], values[at : at + 1]
                done = number.end()
        rest = text[done:]
        return [*plain, rest], [*decoded, rest]


BYTES = ByteArrays()


def _base32(token: bytes) -> bytes:
    from base64 import b32decode  # noqa: PLC0415  # met in few logs

    token = token.rstrip(b"=")
    token = token[: len(token) - (0, 1, 0, 1, 0, 0, 1, 0)[len(token) % 8]]
    return b32decode(token + b"=" * (-len(token) % 8))


BASE32 = Tokens(
    rb"(?<![A-Za-z0-9])[A-Z2-7]{16,}={0,6}",
    rb"(?<![A-Za-z0-9])(?:%b){2,}" % _GROUP_32,
    _base32,
    (rb"\b(?:%b){2}" % _GROUP_32,),
    8,
)


def _encoded_word(unit: bytes) -> bytes:
    charset, _, rest = unit[2:].partition(b"?")
    if charset.lower() == b"base64":
        return utf8(_base64(rest.partition(b"?")[0]))
    encoding, _, rest = rest.partition(b"?")
    payload = rest.partition(b"?")[0]
    return utf8(_base64(payload) if encoding in b"bB" else a2b_qp(payload, header=True))


# RFC 2047, section 2 (white space between two encoded words is none, section 6.2), and `=?base64?...?=` of MCP's headers.
WORDS = Substitution(
    (b"=?",),
    rb"(=\?(?:[A-Za-z0-9_*-]{2,40}\?(?:[bB]\?[A-Za-z0-9+/_=-]*|[qQ]\?[!->@-~]*)|[bB][aA][sS][eE]64\?[A-Za-z0-9+/_=-]*)\?=(?:\s{1,8}(?==\?))?)",
    _encoded_word,
)
