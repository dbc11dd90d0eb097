"""Decoded views of a text, and the way back: what a secret looks like once its disguise is taken off.

A *view* is the text with one encoding decoded, in place, so that a key still stands before its value. A decoded unit (`%40`,
`\\u0040`, `&#64;`, one base64 token) is atomic: a finding that touches any of it takes the whole unit in the source.
Encodings within encodings are views of views.

Making a view costs a few C-level passes; the mapping back is built only when something was found in it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate

from sanitizer.disguises.bytelists import BYTE_LISTS
from sanitizer.disguises.decoding import Decoder, Marked
from sanitizer.disguises.encodings import BASE32, BASE64, BASE64_UTF16, HEX, HEX_DUMP, WORDS
from sanitizer.disguises.escapes import (
    CONTROLS,
    CSV_QUOTES,
    ENTITIES,
    ESCAPES,
    FORM,
    OVERSTRUCK,
    PERCENT,
    SHELL_QUOTES,
    SQL_QUOTES,
)
from sanitizer.disguises.quotedprintable import QUOTED, QUOTED_VALUES
from sanitizer.disguises.unicode import FOLD, SKELETON

DECODERS: tuple[Marked, ...] = (
    ESCAPES, PERCENT, ENTITIES, FOLD, CONTROLS, WORDS, SKELETON, FORM, QUOTED, BYTE_LISTS, SHELL_QUOTES, QUOTED_VALUES,
    SQL_QUOTES, CSV_QUOTES, OVERSTRUCK,
)  # fmt: skip
"""Substitutions, likeliest first."""

AT_SIGHT, BY_SCAN = (tuple([decoder for decoder in DECODERS if bool(decoder.anchors) is scanned]) for scanned in (False, True))
"""Those that tell cheaply that a text has none of their units, and those that leave it to a scan for `MARKS`."""

TOKEN_DECODERS: tuple[Decoder, ...] = (BASE64, HEX, BASE32, BASE64_UTF16, HEX_DUMP)
"""Encodings without a mark of their own. Looking for them costs about 10 ns a byte, unless a scan for `ANCHORS` has said no."""

ANCHORS: tuple[bytes, ...] = tuple(anchor for decoder in TOKEN_DECODERS for anchor in decoder.anchors)
"""Fixed-width patterns for the multi-pattern scan: a text that none of them hits has no view by `TOKEN_DECODERS`.

They report about once a token, not once a byte.
"""

MARKS: tuple[bytes, ...] = tuple(anchor for decoder in BY_SCAN for anchor in decoder.anchors)
"""The same for the lines that `BY_SCAN` have views of."""

IN_RUNS: tuple[bytes, ...] = tuple(anchor for anchor in ANCHORS if not any(sign in anchor for sign in (b"[ :-]", b"[+-]", b"=")))
"""Those of tokens that stand in one run of letters and digits (`sanitizer.detection.runs`)."""


class View:
    """One decoded form of *source*; `text` is UTF-8 wherever the source was."""

    __slots__ = ("_decoder", "_ends", "_source_ends", "source", "text")

    def __init__(self, source: bytes, text: bytes, decoder: Decoder) -> None:
        self.source = source
        self.text = text
        self._decoder = decoder
        self._ends: list[int] | None = None
        self._source_ends: list[int] = []

    @classmethod
    def split(cls, source: bytes, plain: Sequence[bytes], decoded: Sequence[bytes], decoder: Decoder) -> View:
        """The view of *source*, which *decoder* has split already."""
        view = cls(source, b"".join(decoded), decoder)
        view._map(plain, decoded)
        return view

    def ends(self) -> tuple[list[int], list[int]]:
        """Where each piece ends in the text, and where in the source."""
        if self._ends is None:
            self._map(*self._decoder.split(self.source))
        return self._ends or [], self._source_ends

    def _map(self, plain: Sequence[bytes], decoded: Sequence[bytes]) -> None:
        self._source_ends = list(accumulate(map(len, plain)))
        self._ends = list(accumulate(map(len, decoded)))


def carrier(start: int, end: int, ends: list[int], source_ends: list[int]) -> tuple[int, int]:
    """The span of a source that carries *start* to *end* of its view: *ends* of their pieces, of which the odd ones are units."""
    first = bisect_right(ends, start)
    last = bisect_left(ends, end, first)
    return (
        source_ends[first - 1] if first & 1 else source_ends[first] - (ends[first] - start),
        source_ends[last] - (0 if last & 1 else ends[last] - end),
    )
