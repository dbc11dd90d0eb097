"""What hides under encodings, and what is broken over lines: found in decoded views, and redacted where it stands.

Only lines that show a disguise are decoded, all those of one encoding together, and all views of one depth are scanned as one
buffer. A finding goes the way back through its views to the buffer that was read.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from operator import add as plus
from typing import Protocol

from sanitizer import views
from sanitizer.decoding import Decoder, Span, line_around
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


class Layer(Protocol):
    """A text that is scanned, and the way back."""

    text: bytes

    def locate(self, found: Sequence[Finding], base: int = 0) -> list[Finding]:
        """What was found in the text, as it stands in the root buffer: one finding for each span that carries it.

        The places of *found* count from where the text is *base*.
        """
        ...


class Root:
    """The buffer itself."""

    def __init__(self, buffer: bytes) -> None:
        self.text = buffer

    def locate(self, found: Sequence[Finding], base: int = 0) -> list[Finding]:
        return [(start - base, end - base, rule) for start, end, rule in found] if base else list(found)


class Decoded:
    """Lines of a parent layer, decoded together."""

    def __init__(self, parent: Layer, lines: Sequence[Span], view: views.View) -> None:
        self.text = view.text
        self.parent = parent
        self.view = view
        self.offsets = list(accumulate([end - start + len(APART) for start, end in lines], initial=0))
        self.shifts = [start - offset for (start, _), offset in zip(lines, self.offsets, strict=False)]

    def locate(self, found: Sequence[Finding], base: int = 0) -> list[Finding]:
        ends, source_ends = self.view.ends()
        offsets, shifts, size = self.offsets, self.shifts, len(self.text) + base
        carried: list[Finding] = []
        for start, end, rule in found:
            start = start - base if start > base else 0
            end = (end if end < size else size) - base
            if start < end:
                first, last = views.carrier(start, end, ends, source_ends)
                number = bisect_right(offsets, first)
                if last <= offsets[number] - len(APART):
                    shift = shifts[number - 1]
                    carried.append((first + shift, last + shift, rule))
                else:
                    carried += [(*piece, rule) for piece in self.pieces(first, last)]
        return self.parent.locate(carried)

    def pieces(self, start: int, end: int) -> list[Span]:
        """The span of the joined lines as spans of the parent, line by line."""
        found: list[Span] = []
        number = bisect_right(self.offsets, start) - 1
        while start < end:
            after = self.offsets[number + 1]
            stop = min(end, after - len(APART))
            if start < stop:
                found.append((start + self.shifts[number], stop + self.shifts[number]))
            start = after
            number += 1
        return found


class Broken:
    """Readings of texts that were broken over lines; *starts* says where each of the *lines* stands in the root buffer."""

    def __init__(self, joins: Sequence[Join], lines: Sequence[bytes], starts: Sequence[int]) -> None:
        self.pieces: list[Span] = []
        parts: list[bytes] = []
        for join in joins:
            for (line, start, end), glue in zip(join.pieces, (*join.glue, SEPARATOR), strict=True):
                # Where the params of a call have given way to their hash, a line may be shorter than it was.
                piece, begin = lines[line][start:end], starts[line] + start
                self.pieces.append((begin, begin + len(piece)))
                parts += piece, glue
        sizes = list(map(len, parts))
        self.text = b"".join(parts[:-1])
        self.offsets = list(accumulate(map(plus, sizes[::2], sizes[1::2]), initial=0))

    def locate(self, found: Sequence[Finding], base: int = 0) -> list[Finding]:
        offsets, pieces = self.offsets, self.pieces
        carried: list[Finding] = []
        for start, end, rule in found:
            number = bisect_right(offsets, start - base) - 1 if start > base else 0
            while number < len(pieces) and offsets[number] < end - base:
                first, last = pieces[number]
                shift = first - offsets[number] - base
                low, high = start + shift, end + shift
                low, high = low if low > first else first, high if high < last else last
                if low < high:
                    carried.append((low, high, rule))
                number += 1
        return carried


class Level:
    """Layers that are scanned together."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = layers
        self.text = b"\n" + SEPARATOR.join([layer.text for layer in layers]) + b"\n"
        self.offsets = list(accumulate([len(layer.text) + len(SEPARATOR) for layer in layers], initial=1))

    def locate(self, found: Sequence[Finding], base: int = 0) -> list[Finding]:
        shared: list[list[Finding]] = [[] for _ in self.layers]
        begun = after = 0
        for finding in found:
            if not begun <= finding[0] - base < after:
                number = max(1, bisect_right(self.offsets, finding[0] - base)) - 1
                begun, after = self.offsets[number : number + 2]
                add = shared[number].append
            add(finding)
        own = zip(self.layers, shared, self.offsets, strict=False)
        return [carried for layer, here, begun in own if here for carried in layer.locate(here, base + begun)]


class Seen:
    """The lines that were decoded, and which place of the root buffer each is of."""

    def __init__(self) -> None:
        self.met: dict[bytes, tuple[Layer, int] | set[int]] = {}

    def add(self, layer: Layer, start: int, line: bytes) -> bool:
        """Whether *line*, at *start* of *layer*, was not met yet as what stands at its place of the root buffer."""
        known = self.met.get(line)
        if known is None:  # as are most: to work out their places would cost more than all else
            self.met[line] = layer, start
            return True
        if isinstance(known, tuple):
            known = self.met[line] = {place(*known)}
        size = len(known)
        known.add(place(layer, start))
        return len(known) > size


def place(layer: Layer, at: int) -> int:
    """The place of the root buffer that *at* is of."""
    where = layer.locate([(at, at + 1, 0)])
    return where[0][0] if where else -1


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
        seen = Seen()
        if tokens and found:
            begins = [start for start, _, _ in found]
            tokens = [at for at in tokens if not within(at, begins, found)]
        hidden = self.follow(self.decode(Root(buffer), tokens, seen), seen, len(buffer))
        if joins:
            starts = line_starts(lines)
            seams = Seams(buffer, [*found, *hidden], self.scanner.rules)
            sure, plain, deep = sorted_out(joins, starts, seams)
            hidden += self.follow([Broken(sure, lines, starts)] if sure else [], seen, len(buffer))
            hidden += self.follow([Broken(plain, lines, starts)] if plain else [], seen, len(buffer), seams, depths=1)
            hidden += self.follow([Broken(deep, lines, starts)] if deep else [], seen, len(buffer), seams)
        return hidden

    def follow(
        self, layers: Sequence[Layer], seen: Seen, size: int, seams: Seams | None = None, depths: int = DEPTH
    ) -> list[Finding]:
        """What *layers* and the views of them show, as findings of the root buffer of *size* bytes."""
        budget = MOST_DECODED * size + (1 << 16)
        found: list[Finding] = []
        for depth in range(depths):
            budget -= sum(len(layer.text) for layer in layers)
            if not layers or budget < 0:
                break
            level = Level(layers)
            here = self.scanner.find(level.text)
            found += level.locate(here) if seams is None else over_seams(here, level, seams, depth)
            layers = self.decode(level, self.scanner.tokens, seen) if depth + 1 < depths else []
        return found

    def decode(self, layer: Layer, tokens: Sequence[int], seen: Seen) -> list[Layer]:
        """The views of the lines of *layer* that show a disguise; a line that says the same of the same place is decoded once."""
        text = layer.text
        suspected = [(decoder, decoder.lines(text)) for decoder in views.DECODERS]
        spans = sorted({span for _, lines in suspected for span in lines})
        fresh = {span for span in spans if seen.add(layer, span[0], text[span[0] : span[1]])}
        if len(fresh) < len(spans):
            suspected = [(decoder, [span for span in lines if span in fresh]) for decoder, lines in suspected]
        out = [view for decoder, lines in suspected for view in decoded(layer, lines, decoder)]
        if tokens:
            lines = sorted({line_around(text, max(0, token)) for token in tokens})
            for decoder in views.TOKEN_DECODERS:
                out += tokens_decoded(layer, lines, decoder)
        return out


def sorted_out(joins: Sequence[Join], starts: Sequence[int], seams: Seams) -> tuple[list[Join], list[Join], list[Join]]:
    """The sure *joins*; the doubtful ones of which no view could tell more; and those of which it could."""
    sure: list[Join] = []
    plain: list[Join] = []
    deep: list[Join] = []
    for join in joins:
        if not join.doubtful:
            sure.append(join)
        elif seams.may_hold_decoded([(starts[line] + start, starts[line] + end) for line, start, end in join.pieces]):
            deep.append(join)
        else:
            plain.append(join)
    return sure, plain, deep


def over_seams(found: Sequence[Finding], layer: Layer, seams: Seams, depth: int) -> list[Finding]:
    """What of *found*, in *layer* at *depth*, goes over seams that hold, as findings of the root buffer."""
    carriers: dict[int, list[Span]] = {}
    for start, end, number in layer.locate([(start, end, number) for number, (start, end, _) in enumerate(found)]):
        carriers.setdefault(number, []).append((start, end))
    return [
        (start, end, found[number][2])
        for number, spans in carriers.items()
        if len(spans) > 1 and seams.hold(spans, found[number][2], depth)
        for start, end in spans
    ]


def within(at: int, begins: Sequence[int], found: Sequence[Finding]) -> bool:
    """Whether *at* lies in something that is found already."""
    number = bisect_right(begins, at) - 1
    return number >= 0 and at < found[number][1]


def decoded(layer: Layer, spans: Sequence[Span], decoder: Decoder) -> list[Layer]:
    """The lines at *spans*, decoded, if that changes anything."""
    if not spans:
        return []
    source = APART.join([layer.text[start:end] for start, end in spans])
    text = decoder.decode(source)
    return [] if text is None else [Decoded(layer, spans, views.View(source, text, decoder))]


def tokens_decoded(layer: Layer, spans: Sequence[Span], decoder: Decoder) -> list[Layer]:
    """Those of the lines at *spans* that hold a token, decoded."""
    source = APART.join([layer.text[start:end] for start, end in spans])
    plain, meant = decoder.split(source)
    if len(plain) == 1:
        return []
    # A line that stays as it is would be met again at every depth.
    offsets = [0, *accumulate(end - start + len(APART) for start, end in spans)][:-1]
    held = sorted({bisect_right(offsets, at) - 1 for at in list(accumulate(map(len, plain)))[:-1:2]})
    if len(held) < len(spans):
        return tokens_decoded(layer, [spans[number] for number in held], decoder)
    return [Decoded(layer, spans, views.View.split(source, plain, meant, decoder))]


def line_starts(lines: Sequence[bytes]) -> list[int]:
    """Where each line starts in `b"\\n" + b"\\n".join(lines)`."""
    return [1, *accumulate((len(line) + 1 for line in lines), initial=1)][1:-1] if lines else []
