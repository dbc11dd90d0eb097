"""Encodings that swallow a text whole and leave no mark: base64, base32, hex, UTF-16 within base64, and lists of byte values.

Text leaves a trace all the same. The bytes of ASCII text are 96 of 256, so the letters that can stand at each place of an
encoded group are few: a third of base64's at the first two places, half at the third. A token is looked for where several
such groups follow each other, whatever it is glued to; identifiers, paths, digests and random keys hardly ever look so.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, unhexlify
from collections.abc import Callable, Iterator, Sequence

from sanitizer.escapes import utf8

PRINTABLE_SHARE = 0.85
"""How much of a decoded token must be printable UTF-8 to be taken for a text as a whole."""

TEXT = b"\t\n\r" + bytes(range(32, 127))
ZERO = b"\0"

_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r")) + b"\x7f"
_BLOCK = 1 << 16
_ONES = int.from_bytes(b"\1" * (_BLOCK + 256), "little")
_REACH = 4096


def printable(data: bytes) -> bool:
    """Say whether *data* is mostly printable UTF-8."""
    least = PRINTABLE_SHARE * len(data)
    return len(data.translate(None, _CONTROLS)) >= least and len(data.decode("utf-8", "ignore").encode()) >= least


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


def _one_of(letters: bytes) -> bytes:
    return b"[" + re.escape(letters) + b"]"


class Tokens:
    """Tokens of one encoding: decoded as a whole where that gives text, else the part that does.

    *places* are the letters of an encoded group of text (see `group`), *least* how many groups make a trace, *run* a pattern for
    the rest of a token from any place in it, *alphabet* what a token consists of.
    """

    def __init__(self, places: Sequence[bytes], least: int, alphabet: bytes, run: bytes, decode: Callable[[bytes], bytes]) -> None:
        pattern = b"".join(map(_one_of, places))
        before = b"|".join(
            b"(?s:.){%d}[^%b](?s:.){%d}" % (at, re.escape(letters), len(places) - at - 1) for at, letters in enumerate(places)
        )
        self.anchors = (rb"\b(?:%b){%d}" % (pattern, least), rb"(?:%b)(?:%b){%d}" % (before, pattern, least + 1))
        self._least = least
        self._width = len(places)
        self._places = bytes(sum(1 << at for at, letters in enumerate(places) if byte in letters) for byte in range(256))
        self._part = re.compile(rb"(?:%b){%d,}" % (pattern, least + 2))
        self._alphabet = alphabet
        self._run = re.compile(run)
        self._decode = decode

    def suspects(self, text: bytes) -> bool:
        return any(self._traces(text[at : at + _BLOCK + 255]) for at in range(0, len(text), _BLOCK))

    def decode(self, text: bytes) -> bytes | None:
        pieces = self.split(text)[1]
        return b"".join(pieces) if len(pieces) > 1 else None

    def split(self, text: bytes) -> tuple[list[bytes], list[bytes]]:
        plain: list[bytes] = []
        decoded: list[bytes] = []
        done = 0
        for start, end, meaning in self._tokens(text):
            # A word that the token is glued to is no part of what it says.
            before = b"\n" if start and text[start - 1 : start].isalnum() else b""
            after = b"\n" if text[end : end + 1].isalnum() else b""
            plain += text[done:start], text[start:end]
            decoded += text[done:start], before + meaning + after
            done = end
        rest = text[done:]
        return [*plain, rest], [*decoded, rest]

    def _traces(self, block: bytes) -> int:
        """Return a number whose byte i is 1 where `least` groups start at *block*[i].

        All places are compared at once, as bits of one long number: a pattern that is tried place by place takes twenty times as long.
        """
        letters = int.from_bytes(block.translate(self._places), "little")
        groups = letters
        for place in range(1, self._width):
            groups &= letters >> 9 * place
        traces = groups
        for more in range(1, self._least):
            traces &= groups >> 8 * self._width * more
        return traces & _ONES

    def _tokens(self, text: bytes) -> Iterator[tuple[int, int, bytes]]:
        done = 0
        for base in range(0, len(text), _BLOCK):
            traces = self._traces(text[base : base + _BLOCK + 255])
            if not traces:
                continue
            places = traces.to_bytes((traces.bit_length() + 7) // 8, "little")
            at = places.find(1, max(done - base, 0))
            while 0 <= at < _BLOCK:
                for token in self._read(text, base + at, done):
                    yield token
                done = max(done, self._end)
                at = places.find(1, max(done - base, 0))
