"""Decoded views of a text, and the way back: what a secret looks like once its disguise is taken off.

A *view* is the text with one encoding decoded, in place, so that a key still stands before its value. A decoded unit (`%40`,
`\\u0040`, `&#64;`, one base64 token) is atomic: a finding that touches any of it takes the whole unit in the source.
Encodings within encodings are views of views.

Making a view costs a few C-level passes; the mapping back is built only when something was found in it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import accumulate

from sanitizer.bytelists import BYTE_LISTS
from sanitizer.decoding import Decoder, Marked
from sanitizer.encodings import BASE32, BASE64, BASE64_UTF16, HEX, HEX_DUMP, WORDS
from sanitizer.escapes import (
    CONTROLS,
    CSV_QUOTES,
    ENTITIES,
    ESCAPES,
    FORM,
    OVERSTRUCK,
    PERCENT,
    QUOTED,
    QUOTED_DASHES,
    QUOTED_NUMBERS,
    SHELL_QUOTES,
    SQL_QUOTES,
)
from sanitizer.unicode import FOLD, SKELETON

MAX_DEPTH = 5
MAX_VIEWS = 64

DECODERS: tuple[Marked, ...] = (
    ESCAPES, PERCENT, ENTITIES, FOLD, CONTROLS, WORDS, SKELETON, FORM, QUOTED, BYTE_LISTS, SHELL_QUOTES, QUOTED_NUMBERS,
    QUOTED_DASHES, SQL_QUOTES, CSV_QUOTES, OVERSTRUCK,
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
"""Those of tokens that stand in one run of letters and digits (`sanitizer.runs`)."""


class View:
    """One decoded form of *source*; `text` is UTF-8 wherever the source was."""

    __slots__ = ("_decoder", "_ends", "_source_ends", "parent", "source", "text")

    def __init__(self, source: bytes, text: bytes, decoder: Decoder, parent: View | None = None) -> None:
        self.source = source
        self.text = text
        self.parent = parent
        self._decoder = decoder
        self._ends: list[int] | None = None
        self._source_ends: list[int] = []

    @classmethod
    def split(cls, source: bytes, plain: Sequence[bytes], decoded: Sequence[bytes], decoder: Decoder) -> View:
        """The view of *source*, which *decoder* has split already."""
        view = cls(source, b"".join(decoded), decoder)
        view._map(plain, decoded)
        return view

    def locate(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the spans of the source that carry `text[start:end]`, in order, adjacent ones merged; none for an empty span."""
        start, end = max(start, 0), min(end, len(self.text))
        return [carrier(start, end, *self.ends())] if start < end else []

    def ends(self) -> tuple[list[int], list[int]]:
        """Where each piece ends in the text, and where in the source."""
        if self._ends is None:
            self._map(*self._decoder.split(self.source))
        return self._ends or [], self._source_ends

    def _map(self, plain: Sequence[bytes], decoded: Sequence[bytes]) -> None:
        self._source_ends = list(accumulate(map(len, plain)))
        self._ends = list(accumulate(map(len, decoded)))

    def locate_root(self, start: int, end: int) -> list[tuple[int, int]]:
        """`locate` through all parents, down to the text that the first view was made of."""
        spans = self.locate(start, end)
        view = self.parent
        while view is not None:
            spans = _merged([span for piece in spans for span in view.locate(*piece)])
            view = view.parent
        return spans


def carrier(start: int, end: int, ends: list[int], source_ends: list[int]) -> tuple[int, int]:
    """The span of a source that carries *start* to *end* of its view: *ends* of their pieces, of which the odd ones are units."""
    first = bisect_right(ends, start)
    last = bisect_left(ends, end, first)
    return (
        source_ends[first - 1] if first & 1 else source_ends[first] - (ends[first] - start),
        source_ends[last] - (0 if last & 1 else ends[last] - end),
    )


class Joined(View):
    """Pieces of a source, glued: what lies between them belongs to no span."""

    __slots__ = ("_glue", "_pieces")

    def __init__(self, pieces: Sequence[tuple[int, int]], source: bytes, glue: bytes) -> None:
        super().__init__(source, glue.join([source[start:end] for start, end in pieces]), ESCAPES)
        self._pieces = pieces
        self._glue = len(glue)
        self._ends = list(accumulate(end - start + len(glue) for start, end in pieces))

    def locate(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the spans of the source that carry `text[start:end]`; the glue between pieces is carried by none."""
        ends = self._ends or []
        spans = []
        for index in range(bisect_right(ends, max(start, 0)), len(self._pieces)):
            source_start, source_end = self._pieces[index]
            at = ends[index] - self._glue - (source_end - source_start)
            if at >= end:
                break
            spans.append((source_start + max(start - at, 0), min(source_end, source_start + end - at)))
        return _merged([span for span in spans if span[0] < span[1]])


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, with those that touch or overlap made one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def join(pieces: Sequence[tuple[int, int]], source: bytes, glue: bytes = b"") -> View:
    """Return the view of *source* that is its *pieces* (start, end), glued: a value that was broken over lines."""
    return Joined(pieces, source, glue)


def suspected(text: bytes, tokens: bool = True) -> tuple[Decoder, ...]:
    """Return the decoders that may have something to say of *text*, likeliest first: none for a plain text.

    *text* is one record, or many joined by line feeds: to ask once for a chunk is to ask cheaply. `tokens=False` leaves out
    `TOKEN_DECODERS`; right if a scan of *text* hit none of `ANCHORS`.
    """
    return tuple(decoder for decoder in (DECODERS + TOKEN_DECODERS if tokens else DECODERS) if decoder.suspects(text))


def disguised(text: bytes, tokens: bool = True) -> bool:
    """Say whether `views` may have anything to yield."""
    return any(decoder.suspects(text) for decoder in DECODERS) or (tokens and any(d.suspects(text) for d in TOKEN_DECODERS))


def views(text: bytes, decoders: Sequence[Decoder] = DECODERS + TOKEN_DECODERS) -> Iterator[View]:
    """Yield the views of *text* that are one decoding away and differ from it; none for a plain text.

    *text* is one record, or many joined by line feeds. *decoders* are what `suspected` said of it, or of what it is part of.
    """
    for decoder in decoders:
        decoded = decoder.decode(text)
        if decoded:
            yield View(text, decoded, decoder)


def all_views(text: bytes, depth: int = MAX_DEPTH, max_views: int = MAX_VIEWS, max_bytes: int = -1) -> Iterator[View]:
    """Yield the views of *text* and the views of those, up to *depth* decodings deep, each text once, nearest first.

    Their `locate_root` leads back to *text*. At most *max_views*, and *max_bytes* in all (default: 8 times the text and 64 KiB).
    """
    budget = max_bytes if max_bytes >= 0 else 8 * len(text) + 65536
    seen = {text}
    queue: deque[tuple[bytes, View | None, int]] = deque([(text, None, 0)])
    while queue:
        source, parent, level = queue.popleft()
        for view in views(source):
            if view.text in seen:
                continue
            budget -= len(view.text)
            if budget < 0 or len(seen) > max_views:
                return
            seen.add(view.text)
            view.parent = parent
            yield view
            if level + 1 < depth:
                queue.append((view.text, view, level + 1))
