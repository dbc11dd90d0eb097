"""What hides under encodings, and what is broken over lines: found in decoded views, and redacted where it stands.

Only lines that show a disguise are decoded, all those of one encoding together, and all views of one depth are scanned as one
buffer. A finding goes the way back through its views to the buffer that was read.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from sanitizer.detection.scan import MOST_VAIN, VAIN_WITHIN, BoundError, Scanner, Signs
from sanitizer.detection.seams import Seams
from sanitizer.disguises import views
from sanitizer.disguises.binary import without_binary
from sanitizer.disguises.decoding import Decoder, Span, lines_around
from sanitizer.disguises.escapes import CONTROLS
from sanitizer.disguises.hexdump import dumped
from sanitizer.disguises.layers import APART, Broken, Decoded, Layer, Level, Root, Seen
from sanitizer.finding import BETWEEN_TEXTS, Finding
from sanitizer.record import Join
from sanitizer.text import masks

DEPTH = 12
"""Encodings within one another that are followed, however long they are."""

DEEPEST = 64
"""Encodings within one another that are followed where no more than `ALLOWANCE` is read of the deeper ones."""

MOST_DECODED = 32
"""Decoded bytes that are scanned for each byte read: five disguises in one line have so many readings."""

ALLOWANCE = 1 << 19
"""Decoded bytes that are scanned however little was read: a few lines may each be disguised in several ways at once."""


VAIN_FOR_EACH, VAIN_IN_EACH = 2 * MOST_VAIN / VAIN_WITHIN, 0.02
"""Hits that may lead to nothing in all readings of one byte, and in one byte of a reading, whichever allows more."""


class NestingError(BoundError):
    """Raised where there are more readings than are followed: what they would show is not known."""


class Disguises:
    """Finds what shows only in views."""

    def __init__(self, scanner: Scanner) -> None:
        self.scanner = scanner
        self.binary = frozenset([number for number, _ in scanner.runs.binary])
        self.is_walled = False

    def find(
        self,
        buffer: bytes,
        lines: Sequence[bytes],
        joins: Sequence[Join],
        signs: Signs,
        found: Sequence[Finding],
        *,
        is_walled: bool = False,
    ) -> list[Finding]:
        """Findings of *buffer* (its *lines*, each between line feeds) that only its views show; they may overlap.

        *signs* are those that a scan of it saw, *found* is what it shows plainly. Where it *is_walled*, what is found together with
        a wall is judged as its view shows it: a line end or an encoding between the two parts what is carried back.
        """
        self.is_walled = is_walled
        seen = Seen()
        root = Root(without_binary(buffer, found, self.binary))
        hidden = self.follow(self.decode(root, outside(signs, found), seen), seen, len(buffer))
        if joins:
            starts = line_starts(lines)
            seams = Seams(buffer, [*found, *hidden], self.scanner.rules)
            sure, plain, deep = sorted_out(joins, lines, starts, seams)
            hidden += self.follow([Broken(sure, lines, starts)] if sure else [], seen, len(buffer))
            hidden += self.follow([Broken(plain, lines, starts)] if plain else [], seen, len(buffer), seams, depths=1)
            hidden += self.follow([Broken(deep, lines, starts)] if deep else [], seen, len(buffer), seams)
        return hidden

    def follow(
        self, layers: Sequence[Layer], seen: Seen, size: int, seams: Seams | None = None, depths: int = DEEPEST
    ) -> list[Finding]:
        """What *layers* and the views of them show, as findings of the root buffer of *size* bytes.

        Raises `NestingError` if they are too many or too deep to be followed to their end, `FloodError` if they are made of
        beginnings.
        """
        budget = MOST_DECODED * size + ALLOWANCE
        read = vain = 0
        found: list[Finding] = []
        for depth in range(depths):
            if depth == DEPTH:
                budget = min(budget, ALLOWANCE)
            budget -= sum(len(layer.text) for layer in layers)
            if not layers:
                break
            if budget < 0:
                raise NestingError
            level = Level(layers)
            read += len(level.text)
            allowed = MOST_VAIN + int(max(VAIN_FOR_EACH * size, VAIN_IN_EACH * read))
            here = self.scanner.find(level.text, BETWEEN_TEXTS, allowed - vain)
            vain += self.scanner.vain
            if self.is_walled and seams is None:  # over a seam nothing goes on behind a wall
                here = [(*part, rule) for start, end, rule in here for part in masks.beside(level.text, start, end, masks.WALL)]
            found += level.locate(here) if seams is None else over_seams(here, level, seams, depth)
            layers = self.decode(level, outside(self.scanner.signs, here), seen) if depths > 1 else []
        if layers and depths > 1:
            raise NestingError
        return found

    def decode(self, layer: Layer, signs: Signs, seen: Seen) -> list[Layer]:
        """The views of the lines of *layer* that show a disguise; a line that says the same of the same place is decoded once."""
        text = layer.text
        suspected = [(decoder, lines) for decoder in views.AT_SIGHT if (lines := decoder.lines(text))]
        if signs.marks:
            near = lines_around(text, signs.marks)
            marked = [(decoder, [span for span in near if decoder.suspects(text[slice(*span)])]) for decoder in views.BY_SCAN]
            suspected += [(decoder, lines) for decoder, lines in marked if lines]
        # Most texts show one disguise at most.
        spans = suspected[0][1] if len(suspected) == 1 else sorted({span for _, lines in suspected for span in lines})
        fresh = seen.add(layer, spans)
        if len(fresh) < len(spans):
            chosen = set(fresh)
            suspected = [(decoder, [span for span in lines if span in chosen]) for decoder, lines in suspected]
        dumps = dumped(layer, lines_around(text, signs.dumps)) if signs.dumps else []
        out = [*dumps, *[view for decoder, lines in suspected for view in decoded(layer, lines, decoder)]]
        if signs.tokens:
            lines = lines_around(text, signs.tokens)
            for encoding in views.TOKEN_DECODERS:
                out += tokens_decoded(layer, lines, encoding)
        return out


def sorted_out(
    joins: Sequence[Join], lines: Sequence[bytes], starts: Sequence[int], seams: Seams
) -> tuple[list[Join], list[Join], list[Join]]:
    """The sure *joins*; the doubtful ones that may hold as they stand; and those of which a view could tell more."""
    sure: list[Join] = []
    plain: list[Join] = []
    deep: list[Join] = []
    for join in joins:
        if not join.doubtful:
            sure.append(join)
            continue
        pieces = [(starts[line] + start, starts[line] + min(end, len(lines[line]))) for line, start, end in join.pieces]
        if seams.may_hold_decoded(pieces):
            deep.append(join)
        elif seams.may_hold(pieces):
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
        if len(spans) > 1
        for start, end in seams.hold(spans, found[number][2], depth)
    ]


def outside(signs: Signs, found: Sequence[Finding]) -> Signs:
    """*signs* without those of tokens that lie in what is *found* already."""
    if not (signs.tokens and found):
        return signs
    begins = [start for start, _, _ in found]
    tokens = [at for at in signs.tokens if (number := bisect_right(begins, at)) == 0 or at >= found[number - 1][1]]
    return signs._replace(tokens=tokens)


def decoded(layer: Layer, spans: Sequence[Span], decoder: Decoder) -> list[Layer]:
    """The lines at *spans*, decoded, if that changes anything."""
    if not spans:
        return []
    if decoder is CONTROLS:
        spans = neighbours(spans)
    source = APART.join([layer.text[start:end] for start, end in spans])
    text = decoder.decode(source)
    return [] if text is None else [Decoded(layer, spans, views.View(source, text, decoder))]


def neighbours(spans: Sequence[Span]) -> list[Span]:
    """The lines at *spans*, those that follow one another as one: their colours are no part of what stands over them."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and joined[-1][1] + 1 == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


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
