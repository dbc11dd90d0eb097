"""Encodings that swallow a text whole and leave no mark: base64, base32, hex, and UTF-16 within base64.

Text leaves a trace all the same. The bytes of ASCII text are 96 of 256, so the letters that can stand at each place of an
encoded group are few: a third of base64's at the first two places, half at the third. A token is looked for where several
such groups follow each other, whatever it is glued to; identifiers, paths, digests and random keys hardly ever look so.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, a2b_qp, unhexlify
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from sanitizer import patterns
from sanitizer.disguises.decoding import Substitution, utf8
from sanitizer.disguises.foreign import CONTROLS, TEXT, foreign, is_telling

PRINTABLE_SHARE = 0.85
"""How much of a decoded token must be printable UTF-8 to be taken for a text as a whole."""

ZERO = b"\0"
_GLUE = frozenset(b"_-.+0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_BLOCK = 1 << 16
_ONES = int.from_bytes(b"\1" * _BLOCK, "little")
_OVERLAP = 32
_REACH = 4096
_SIGN = patterns.lazy(rb"[/_+-]")

MOST_BEGINS = 4
"""Signs before a trace at which a token is tried to begin."""


def printable(data: bytes) -> bool:
    """Say whether *data* is mostly printable UTF-8."""
    least = PRINTABLE_SHARE * len(data)
    return len(data.translate(None, CONTROLS)) >= least and len(data.decode("utf-8", "ignore").encode()) >= least


def group(alphabet: Sequence[bytes], bits: int, plain: Sequence[bytes]) -> list[bytes]:
    """Return, for each place of an encoded group, the letters that can stand there if byte i of the plain text is of `plain[i]`.

    *alphabet* has one entry for each value of so many *bits*: the letters that mean it.
    """
    places = []
    for first in range(0, 8 * len(plain), bits):
        index, offset = divmod(first, 8)
        here = min(bits, 8 - offset)
        rest = bits - here
        high = {byte >> (8 - offset - here) & ((1 << here) - 1) for byte in plain[index]}
        low = {byte >> (8 - rest) for byte in plain[index + 1]} if rest else {0}
        places.append(b"".join(sorted(alphabet[x << rest | y] for x in high for y in low)))
    return places


def _letters(places: Sequence[bytes]) -> bytes:
    return b"".join(b"[" + re.escape(letters) + b"]" for letters in places)


def _other(places: Sequence[bytes]) -> bytes:
    """Return a pattern for as many bytes as make a group, that make none: where text begins within a token."""
    return b"|".join(
        b"(?s:.)" * at + b"[^" + re.escape(letters) + b"]" + b"(?s:.)" * (len(places) - at - 1) for at, letters in enumerate(places)
    )


class Tokens:
    """Tokens of one encoding: decoded as a whole where that gives text, else the part that does.

    *places* are the letters of an encoded group of text (see `group`), *least* how many groups make a trace, *run* a pattern for
    the rest of a token from any place in it, *alphabet* what a token consists of. *glued* says whether a token may begin within
    a word of its alphabet, *foreign* the runs in which text that is not ASCII is looked for.
    """

    def __init__(
        self,
        places: Sequence[bytes],
        least: int,
        *,
        alphabet: bytes,
        run: bytes,
        decode: Callable[[bytes], bytes],
        anchors: tuple[bytes, ...],
        glued: bool = False,
        foreign: bytes = b"(?!)",
    ) -> None:
        self.anchors = anchors
        self._glued = glued
        self._foreign = patterns.lazy(foreign)
        self._least = least
        self._width = len(places)
        self._places = bytes(sum(1 << at for at, letters in enumerate(places) if byte in letters) for byte in range(256))
        self._part = patterns.lazy(rb"(?:%b){%d,}" % (_letters(places), least + 2))
        self._alphabet = alphabet
        self._run = patterns.lazy(run)
        self._decode = decode

    def suspects(self, text: bytes) -> bool:
        blocks = range(0, len(text), _BLOCK)
        return any(self._traces(text[at : at + _BLOCK + _OVERLAP]) for at in blocks) or bool(self._runs(text))

    def decode(self, text: bytes) -> bytes | None:
        pieces = self.split(text)[1]
        return b"".join(pieces) if len(pieces) > 1 else None

    def split(self, text: bytes) -> tuple[list[bytes], list[bytes]]:
        plain: list[bytes] = []
        decoded: list[bytes] = []
        done = 0
        for start, end, meaning in self._tokens(text):
            # A word that the token is glued to is no part of what it says.
            before = b"\n" if start and text[start - 1] in _GLUE else b""
            after = b"\n" if end < len(text) and text[end] in _GLUE else b""
            plain += text[done:start], text[start:end]
            decoded += text[done:start], before + utf8(meaning) + after
            done = end
        return [*plain, text[done:]], [*decoded, text[done:]]

    def _traces(self, block: bytes) -> int:
        """Return a number whose byte i is 1 where `least` groups start at block[i], else 0.

        All places are compared at once, as the bits of one long number: twenty times as fast as a pattern tried at each place.
        """
        letters = int.from_bytes(block.translate(self._places), "little")
        groups = letters
        for place in range(1, self._width):
            groups &= letters >> 9 * place
        traces = groups
        for more in range(1, self._least):
            traces &= groups >> 8 * self._width * more
        return traces & _ONES

    def _runs(self, text: bytes) -> list[int]:
        """Return where runs begin that say something in another script."""
        found: list[int] = []
        for run in self._foreign.finditer(text):
            start, end = run.span()
            if is_telling(text, start, end) and (at := foreign(text, start, end)) >= 0:
                found.append(at)
        return found

    def _tokens(self, text: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Yield start, end and meaning of each token, in order."""
        done = 0
        runs = self._runs(text)
        for base in range(0, len(text), _BLOCK):
            traces = self._traces(text[base : base + _BLOCK + _OVERLAP])
            for run in runs:
                traces |= 1 << 8 * (run - base) if 0 <= run - base < _BLOCK else 0
            marks = traces.to_bytes((traces.bit_length() + 7) // 8, "little")
            at = marks.find(1, max(done - base, 0))
            while at >= 0:
                start, end, meaning = self._whole(text, base + at, done)
                if meaning:
                    yield start, end, meaning
                elif self._glued:
                    for part in self._part.finditer(text, base + at, end):
                        yield *part.span(), self._decode(part[0])
                done = end
                at = marks.find(1, max(done - base, 0))

    def _whole(self, text: bytes, at: int, done: int) -> tuple[int, int, bytes]:
        """Return start, end and meaning of the token with a trace *at*, not before *done*; no meaning if it is no text."""
        run = self._run.match(text, at)
        end = run.end() if run else at + self._width * self._least
        lead = text[max(done, at - _REACH) : at]
        back = len(lead) - len(lead.rstrip(self._alphabet))
        starts = [at - back] if back % self._width == 0 else []
        if back and self._glued:
            # It may begin behind a path, whose signs are of its alphabet.
            begins = [begin.end() - back for begin in _SIGN.finditer(lead[-back:])]
            starts += [at + begin for begin in begins if begin % self._width == 0][:MOST_BEGINS]
            starts.append(at)
        for start in starts:
            stop, meaning = self._text(text, start, end)
            if printable(meaning):
                return start, stop, meaning
        return at, end, b""

    def _text(self, text: bytes, start: int, end: int) -> tuple[int, bytes]:
        """Return the end and the meaning of the token from *start*: short of a path or a suffix that is glued to it."""
        meaning = self._decode(text[start:end])
        try:
            meaning.decode()
        except UnicodeDecodeError as error:
            junk = min(start + error.start * (end - start) // len(meaning) + self._width, end)
            stop = max(text.rfind(border, start + self._width * self._least, junk) for border in (b"/", b"_", b"-"))
            shorter = self._decode(text[start:stop]) if stop > 0 else b"\xff"
            with suppress(UnicodeDecodeError):
                shorter.decode()
                return stop, shorter
        return end, meaning


def _base64(token: bytes) -> bytes:
    token = token.translate(_STANDARD, _NOT_64)
    token = token[: len(token) - (len(token) % 4 == 1)]
    return a2b_base64(token + b"=" * (-len(token) % 4))


def _base64_utf16(token: bytes) -> bytes:
    return _base64(token).decode("utf-16-le", "ignore").encode()


def _base32(token: bytes) -> bytes:
    from base64 import b32decode  # noqa: PLC0415  # met in few logs

    token = token.rstrip(b"=")
    token = token[: len(token) - (len(token) % 8 in (1, 3, 6))]
    return b32decode(token + b"=" * (-len(token) % 8))


def _hex(token: bytes) -> bytes:
    digits = token.translate(None, b" :-")
    return unhexlify(digits[: len(digits) & ~1])


_STANDARD = bytes.maketrans(b"-_", b"+/")
_DIGITS_64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_DIGITS_32 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_DIGITS_16 = b"0123456789abcdefABCDEF"
_NOT_64 = bytes(set(range(256)) - set(_DIGITS_64))
_VALUES_64 = [*(bytes([digit]) for digit in _DIGITS_64[:62]), b"+-", b"/_"]
_VALUES_32 = [bytes([digit]) for digit in _DIGITS_32]
_VALUES_16 = [*(bytes([digit]) for digit in b"0123456789"), b"aA", b"bB", b"cC", b"dD", b"eE", b"fF"]

# Long lines of base64 go on in the next line, however that is indented.
_RUN_64 = rb"[A-Za-z0-9+/_-]+(?:(?<=[A-Za-z0-9+/]{60})\r?\n[ \t]{0,32}[A-Za-z0-9+/]+(?=[\r\n=\"']|\Z))*={0,2}"

# A full-width character, where its groups hold a sign at the same place each time, so that no run of letters and digits is long.
_FULL_WIDTH = rb"[A-Za-z0-9+/_-]{2}[+-][89]"

_TEXT_64 = group(_VALUES_64, 6, [TEXT] * 3)
_UTF16_64 = group(_VALUES_64, 6, [TEXT, ZERO] * 3)
_TEXT_32 = group(_VALUES_32, 5, [TEXT] * 5)
_TEXT_16 = group(_VALUES_16, 4, [TEXT])
_PAIRS = rb"(?:[2-7][0-9A-Fa-f]|0[9ADad]){8}"

BASE64 = Tokens(
    _TEXT_64,
    3,
    alphabet=_DIGITS_64,
    run=_RUN_64,
    decode=_base64,
    anchors=(rb"\b(?:%b){3}" % _letters(_TEXT_64), rb"(?:%b)(?:%b){4}" % (_other(_TEXT_64), _letters(_TEXT_64)), _FULL_WIDTH * 3),
    glued=True,
    foreign=rb"(?<![A-Za-z0-9])[A-Za-z0-9]{14,}+|(?:%b){3,}" % _FULL_WIDTH,
)
BASE64_UTF16 = Tokens(
    _UTF16_64, 2, alphabet=_DIGITS_64, run=_RUN_64, decode=_base64_utf16, anchors=(rb"\b(?:%b){2}" % _letters(_UTF16_64),)
)
BASE32 = Tokens(
    _TEXT_32,
    2,
    alphabet=_DIGITS_32,
    run=rb"[A-Z2-7]+={0,6}",
    decode=_base32,
    anchors=(rb"[^A-Z2-7](?:%b){2}" % _letters(_TEXT_32),),
)
HEX = Tokens(
    _TEXT_16,
    8,
    alphabet=_DIGITS_16,
    run=rb"(?:[0-9A-Fa-f]{2})+",
    decode=_hex,
    # The title of a process in a log of auditd has a zero between its arguments.
    anchors=(rb"\b" + _PAIRS, rb"[G-Zg-z_]" + _PAIRS, rb"proctitle=(?:[2-7][0-9A-Fa-f]){2}"),
    foreign=rb"(?<![0-9A-Fa-f])[0-9A-Fa-f]{16,}+",
)
HEX_DUMP = Tokens(
    [*_TEXT_16, b" :-"],
    8,
    alphabet=_DIGITS_16,
    run=rb"[0-9A-Fa-f]{2}(?:[ :-][0-9A-Fa-f]{2})+",
    decode=_hex,
    anchors=(rb"\b(?:[2-7][0-9A-Fa-f][ :-]){8}",),
)


def _word(unit: bytes) -> bytes:
    parts = unit.rstrip()[2:-2].split(b"?")
    if len(parts) == 2 and parts[0].lower() == b"base64":
        return utf8(_base64(parts[1]))
    if len(parts) == 3:
        return utf8(_base64(parts[2]) if parts[1] in b"bB" else a2b_qp(parts[2], header=True))
    return unit


# RFC 2047, section 2 (between two encoded words, white space is none: section 6.2), and `=?base64?...?=` of MCP's headers.
WORDS = Substitution(
    (b"?",),
    rb"(=\?[A-Za-z0-9_*-]{2,40}\?(?:[bBqQ]\?)?[!->@-~]*\?=(?:[^\S\n]{0,8}\n?[^\S\n]{0,8}(?==\?))?)",
    _word,
    gate=rb"=\?[A-Za-z0-9_*-]{2,40}\?",
)
