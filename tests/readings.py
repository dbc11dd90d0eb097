"""All that the decoders of `sanitizer.disguises.views` make of a text, one after another, each with the way back to the text."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from sanitizer.disguises.decoding import Decoder
from sanitizer.disguises.views import DECODERS, TOKEN_DECODERS, View, carrier

DEPTH = 5


class Reading(View):
    """A view of a text or of another reading."""

    parent: Reading | None = None

    def locate(self, start: int, end: int) -> list[tuple[int, int]]:
        """The span of the source that carries `text[start:end]`; none for an empty one."""
        start, end = max(start, 0), min(end, len(self.text))
        return [carrier(start, end, *self.ends())] if start < end else []

    def locate_root(self, start: int, end: int) -> list[tuple[int, int]]:
        """`locate` through all parents, down to the text that was read first."""
        spans = self.locate(start, end)
        return spans if self.parent is None else [span for piece in spans for span in self.parent.locate_root(*piece)]


def suspected(text: bytes) -> tuple[Decoder, ...]:
    """The decoders that may have something to say of *text*."""
    return tuple(decoder for decoder in DECODERS + TOKEN_DECODERS if decoder.suspects(text))


def readings(text: bytes, decoders: Sequence[Decoder] = DECODERS + TOKEN_DECODERS) -> Iterator[Reading]:
    """What is one decoding away from *text* and differs from it."""
    for decoder in decoders:
        decoded = decoder.decode(text)
        if decoded:
            yield Reading(text, decoded, decoder)


def all_readings(text: bytes) -> Iterator[Reading]:
    """What is up to `DEPTH` decodings away, each text once, nearest first; no more of it than 8 times the text and 64 KiB."""
    budget = 8 * len(text) + 65536
    seen = {text}
    queue: deque[tuple[bytes, Reading | None, int]] = deque([(text, None, 0)])
    while queue:
        source, parent, level = queue.popleft()
        for reading in readings(source):
            if reading.text in seen:
                continue
            budget -= len(reading.text)
            if budget < 0:
                return
            seen.add(reading.text)
            reading.parent = parent
            yield reading
            if level + 1 < DEPTH:
                queue.append((reading.text, reading, level + 1))
