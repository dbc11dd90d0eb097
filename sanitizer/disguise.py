"""What hides under encodings, and what is broken over lines: found in decoded views, and redacted where it stands.

Only lines that show a disguise are decoded, all those of one encoding together, and all views of one depth are scanned as one
buffer. A finding goes the way back through its views to the buffer that was read.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Protocol

from sanitizer import views
from sanitizer.decoding import Decoder
from sanitizer.finding import Finding
from sanitizer.record import Join
from sanitizer.scan import Scanner
from sanitizer.seams import Seams

DEPTH = 5
"""Encodings within one another that are followed."""

MOST_DECODED = 8
"""Decoded bytes that are scanned for each byte read."""

SEPARATOR = b"\n\n\n"
"""Between views: nothing is found across it."""

APART = b"\n\n"
"""Between lines that are decoded together: an encoded text may go on after one line end, and these lines are no neighbours."""

Span = tuple[int, int]


class Layer(Protocol):
    """A text that is scanned, and the way back."""

    text: bytes

    def locate(self, start: int, end: int) -> list[Span]:
        """The spans of the root buffer that carry `text[start:end]`."""
        ...


class Root:
    """The buffer itself."""

    def __init__(self, buffer: bytes) -> None:
        self.text = buffer

    def locate(self, start: int, end: int) -> list[Span]:
        return [(start, end)]


class Decoded:
    """Lines of a parent layer, decoded together."""

    def __init__(self, parent: Layer, lines: Sequence[Span], view: views.View) -> None:
        self.text = view.text
        self.parent = parent
        self.view = view
        self.starts = [start for start, _ in lines]
        self.offsets = [0, *accumulate(end - start + len(APART) for start, end in lines)][:-1]

    def locate(self, start: int, end: int) -> list[Span]:
        return [span for a, b in self.view.locate(start, end) for piece in self.pieces(a, b) for span in self.parent.locate(*piece)]

    def pieces(self, start: int, end: int) -> list[Span]:
        """The span of the joined lines as spans of the parent, line by line."""
        found: list[Span] = []
        while start < end:
            number = bisect_right(self.offsets, start) - 1
            after = self.offsets[number + 1] - len(APART) if number + 1 < len(self.offsets) else end
            stop = min(end, after)
            shift = self.starts[number] - self.offsets[number]
            if start < stop:
                found.append((start + shift, stop + shift))
            start = after + len(APART) if stop == after else end
        return found


BEYOND = re.compile(rb"[\x80-\xff]")

class Broken:
    """A reading of a text that was broken over lines."""

    def __init__(self, join: Join, lines: Sequence[bytes], starts: Sequence[int]) -> None:
        self.join = join
        self.text = join.text(list(lines))
        self.starts = starts

    def locate(self, start: int, end: int) -> list[Span]:
        return [(self.starts[line] + a, self.starts[line] + b) for line, a, b in self.join.locate(start, end)]


class Disguises:
    """Finds what shows only in views."""

    def __init__(self, scanner: Scanner) -> None:
        self.scanner = scanner

    def find(
        self, buffer: bytes, lines: Sequence[bytes], joins: Sequence[Join], tokens: Sequence[int], found: Sequence[Finding]
    ) -> list[Finding]:
        """Findings of *buffer* (its *lines*, each between line feeds) that only its views show; they may overlap.

        *tokens* are the places in it that may be of an encoded token (`views.ANCHORS`), *found* is what it shows plainly.
        """
        seen: set[tuple[int, bytes]] = set()
        if tokens and found:
            begins = [start for start, _, _ in found]
            tokens = [at for at in tokens if not within(at, begins, found)]
        hidden = self.follow(self.decode(Root(buffer), tokens, seen), seen, len(buffer))
        if joins:
            starts = line_starts(lines)
            seams = Seams(buffer, [*found, *hidden], self.scanner.rules)
            sure = [Broken(join, lines, starts) for join in joins if not join.doubtful]
            hidden += self.follow(sure, seen, len(buffer))
            hidden += self.follow([Broken(join, lines, starts) for join in joins if join.doubtful], seen, len(buffer), seams)
        return hidden

    def follow(self, layers: Sequence[Layer], seen: set[tuple[int, bytes]], size: int, seams: Seams | None = None) -> list[Finding]:
        """What *layers* and the views of them show, as findings of the root buffer of *size* bytes."""
        budget = MOST_DECODED * size + (1 << 16)
        found: list[Finding] = []
        for depth in range(DEPTH):
            budget -= sum(len(layer.text) for layer in layers)
            if not layers or budget < 0:
                break
            joined = b"\n" + SEPARATOR.join([layer.text for layer in layers]) + b"\n"
            offsets = [1, *accumulate((len(layer.text) + len(SEPARATOR) for layer in layers), initial=1)][1:-1] or [1]
            for start, end, rule in self.scanner.find(joined):
                number = bisect_right(offsets, start) - 1
                base = offsets[number]
                spans = layers[number].locate(max(0, start - base), end - base)
                if seams is None or (len(spans) > 1 and seams.hold(spans, rule, depth)):
                    found += [(a, b, rule) for a, b in spans if a < b]
            if depth + 1 < DEPTH:
                hits = self.scanner.tokens
                deeper: list[Layer] = []
                for number, layer in enumerate(layers):
                    base = offsets[number]
                    here = [hit - base for hit in hits if 0 <= hit - base <= len(layer.text)] if hits else []
                    deeper += self.decode(layer, here, seen)
                layers = deeper
        return found

    def decode(self, layer: Layer, tokens: Sequence[int], seen: set[tuple[int, bytes]]) -> list[Layer]:
        """The views of the lines of *layer* that show a disguise; a line that says the same of the same place is decoded once."""
        text = layer.text
        wanted: dict[Span, list[Decoder]] = {}
        for decoder in views.DECODERS:
            # Of marks it is quickly told whether any stands for something; other signs are looked for line by line.
            if decoder.suspects(text) if decoder.marks else not text.isascii():
                for start, end in marked_lines(text, decoder.marks):
                    if decoder.suspects(text[start:end]):
                        wanted.setdefault((start, end), []).append(decoder)
        chosen: dict[Decoder, list[Span]] = {}
        for span in sorted(wanted):
            if fresh(layer, span, text[span[0] : span[1]], seen):
                for decoder in wanted[span]:
                    chosen.setdefault(decoder, []).append(span)
        out = [view for decoder, lines in chosen.items() for view in decoded(layer, lines, decoder)]
        if tokens:
            lines = sorted({line_around(text, max(0, token)) for token in tokens})
            for decoder in views.TOKEN_DECODERS:
                out += decoded(layer, lines, decoder)
        return out


def within(at: int, begins: Sequence[int], found: Sequence[Finding]) -> bool:
    """Whether *at* lies in something that is found already."""
    number = bisect_right(begins, at) - 1
    return number >= 0 and at < found[number][1]


def fresh(layer: Layer, span: Span, line: bytes, seen: set[tuple[int, bytes]]) -> bool:
    """Whether *line* was not met yet as what stands at its place of the root buffer; it is from now on."""
    where = layer.locate(span[0], span[0] + 1)
    key = (where[0][0] if where else -1, line)
    if key in seen:
        return False
    seen.add(key)
    return True


def decoded(layer: Layer, spans: Sequence[Span], decoder: Decoder) -> list[Layer]:
    """The lines at *spans*, decoded, if that changes anything."""
    if not spans:
        return []
    source = APART.join([layer.text[start:end] for start, end in spans])
    text = decoder.decode(source)
    return [] if text is None else [Decoded(layer, spans, views.View(source, text, decoder))]


def marked_lines(text: bytes, marks: Sequence[bytes]) -> list[Span]:
    """The lines of *text* that hold one of *marks*, in order; without marks, those that are not ASCII."""
    found: list[Span] = []
    if not marks:
        odd = BEYOND.search(text)
        while odd:
            found.append(line_around(text, odd.start()))
            odd = BEYOND.search(text, found[-1][1])
        return found
    for mark in marks:
        at = text.find(mark)
        while at >= 0:
            span = line_around(text, at)
            found.append(span)
            at = text.find(mark, span[1])
    return found if len(marks) == 1 else sorted(set(found))


def line_spans(text: bytes) -> list[Span]:
    spans, at = [], 0
    for line in text.split(b"\n"):
        spans.append((at, at + len(line)))
        at += len(line) + 1
    return spans


def line_around(text: bytes, at: int) -> Span:
    """The line of *text* in which the place *at* is."""
    end = text.find(b"\n", at)
    return text.rfind(b"\n", 0, at) + 1, end if end >= 0 else len(text)


def line_starts(lines: Sequence[bytes]) -> list[int]:
    """Where each line starts in `b"\\n" + b"\\n".join(lines)`."""
    return [1, *accumulate((len(line) + 1 for line in lines), initial=1)][1:-1] if lines else []
