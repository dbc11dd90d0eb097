"""Texts made of the buffer that was read, and the way back: lines that were decoded, readings of broken lines, and these joined."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from operator import add as plus
from typing import Protocol

from sanitizer.disguises import views
from sanitizer.disguises.decoding import Span
from sanitizer.finding import BETWEEN_TEXTS, Finding
from sanitizer.record import Join

APART = BETWEEN_TEXTS + b"\n"
"""Between lines that are decoded together: they are no neighbours, also where an encoded text takes the first line end."""


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
        for begin, stop, rule in found:
            start = begin - base if begin > base else 0
            end = (stop if stop < size else size) - base
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
        self.upto: list[int] = []
        """For each piece, the number of the first that is of another text: what is found goes no further."""
        parts: list[bytes] = []
        for join in joins:
            self.upto += [len(self.pieces) + len(join.pieces)] * len(join.pieces)
            for (line, start, end), glue in zip(join.pieces, (*join.glue, BETWEEN_TEXTS), strict=True):
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
            upto = self.upto[number]
            while number < upto and offsets[number] < end - base:
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
        self.text = b"\n" + BETWEEN_TEXTS.join([layer.text for layer in layers]) + b"\n"
        self.offsets = list(accumulate([len(layer.text) + len(BETWEEN_TEXTS) for layer in layers], initial=1))

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

    def add(self, layer: Layer, spans: Sequence[Span]) -> list[Span]:
        """Those lines of *layer*, at *spans*, that were not met yet as what stands at their place of the root buffer."""
        text, met = layer.text, self.met
        fresh: list[Span] = []
        again: list[tuple[bytes, Span]] = []
        for span in spans:
            line = text[span[0] : span[1]]
            if line in met:
                again.append((line, span))
            else:  # as are most: to work out their places would cost more than all else
                met[line] = layer, span[0]
                fresh.append(span)
        if not again:
            return fresh
        self.settle({line for line, _ in again})
        for (line, span), at in zip(again, places(layer, [span[0] for _, span in again]), strict=True):
            known = met[line]
            if isinstance(known, set) and at not in known:
                known.add(at)
                fresh.append(span)
        return sorted(fresh)

    def settle(self, lines: Iterable[bytes]) -> None:
        """Work out the places of those of *lines* that were met once, all of one layer together."""
        first: dict[int, tuple[Layer, list[bytes], list[int]]] = {}
        for line in lines:
            known = self.met[line]
            if isinstance(known, tuple):
                _, once, begins = first.setdefault(id(known[0]), (known[0], [], []))
                once.append(line)
                begins.append(known[1])
        for layer, once, begins in first.values():
            self.met.update(zip(once, ({at} for at in places(layer, begins)), strict=True))


def places(layer: Layer, begins: Sequence[int]) -> list[int]:
    """The place of the root buffer that each of *begins* is of; -1 for none."""
    found = [-1] * len(begins)
    for start, _, number in layer.locate([(at, at + 1, number) for number, at in enumerate(begins)]):
        if found[number] < 0:
            found[number] = start
    return found
