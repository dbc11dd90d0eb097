"""The leaves of lists and objects under the name of a secret, where one may lie within another."""

from __future__ import annotations

import re
from bisect import bisect_right

from sanitizer import patterns
from sanitizer.syntax.nested import Span

COSTS_ONE = 128
"""Bytes of a list or object that cost as much as one hit."""


DESCRIBED = patterns.lazy(
    rb"[{,\s](?:\\*[\x22'])?(?:(?P<reference>secret_?name|secret_?key_?ref|secret_?ref|[a-z]{0,12}_?password_?key)|(?:user_?)?name|user|login|namespace|type|kind|provider|backend|engine|status|state)"
    rb"(?:\\*[\x22'])?[ ]{0,2}[:=][ ]{0,2}(?:\\*[\x22'])?$",
    re.I,
)
"""The name of a field that says which secret it is, or of what kind."""

WORDS = patterns.lazy(rb"[A-Za-z]+(?:[\-_./][a-z]+)+")


def described(buffer: bytes, span: Span) -> bool:
    """Whether the leaf at *span* names or describes what is secret: words under such a name."""
    field = DESCRIBED.search(buffer[max(0, span[0] - 32) : span[0]])
    if field is None:
        return False
    from sanitizer.text.words import random, wordlike  # noqa: PLC0415 - loaded with the first secret that is described

    text = buffer[span[0] : span[1]]
    return not random(text) and (field["reference"] is not None or wordlike(text) or WORDS.fullmatch(text) is not None)


class Leaves:
    """By rule, the leaves of its last list or object: one nested in it under the same name holds no others.

    `cost` is what looking at them, or at what else is far from a key, has cost since it was set to nothing, in hits.
    """

    def __init__(self) -> None:
        self.cost = 0
        self._last: dict[int, tuple[bytes, list[Span], set[Span]]] = {}

    def end(self, buffer: bytes, at: int, rule: int) -> int:
        """Where the leaf ends in which the list or object at *at* lies, if it lies within the last one of *rule*; 0 if it does not.

        -1 if it lies between the leaves: they are its own.
        """
        last, leaves, _ = self._last.get(rule, (b"", [], set()))
        if last is not buffer or at >= leaves[-1][1]:
            return 0
        number = bisect_right(leaves, (at, len(buffer))) - 1
        return leaves[number][1] if number >= 0 and at < leaves[number][1] else -1

    def take(self, buffer: bytes, at: int, rule: int, spans: list[Span], *, is_root: bool, named: bool) -> list[Span]:
        """Those of the leaves at *spans*, of what begins *at*, that were not taken before; *is_root* if it lies in no other.

        What only names or describes the secret is left out, where it may be *named*.
        """
        last, _, taken = self._last.get(rule, (b"", [], set()))
        if last is not buffer:
            taken = set()
        if is_root:
            self._last[rule] = buffer, spans, taken
        cost = (spans[-1][1] - at) // COSTS_ONE
        fresh = [span for span in spans if span not in taken and not (named and described(buffer, span))]
        self.cost += cost + len(fresh) // 2
        taken.update(fresh)
        return fresh
