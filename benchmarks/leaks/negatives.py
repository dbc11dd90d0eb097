"""Families of what looks like a secret and is none: everything an audit needs to stay readable."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.leaks import shapes, templates
from benchmarks.leaks.filling import filled
from benchmarks.leaks.formats import Fresh
from benchmarks.leaks.model import Case, Family, case

NEGATIVES = templates.read("clean")
NEGATIVES["unicode"] += ("bad \udcff\udcfe bytes kept", "a\u200bb {word}", "e\u0301 decomposed {word}")
_SHAPES = [*shapes.JSON, *(shape for shape in shapes.TEXT if shape not in ("crlf", "ansi"))]


def harmless(fresh: Fresh, scale: int) -> Iterator[Case]:
    """Every template bare and in log shapes."""
    for family, lines in NEGATIVES.items():
        for template in lines:
            for number in range(4 * scale):
                text = filled(template, fresh)
                yield case(f"clean/{family}", shapes.wrapped(fresh.rnd.choice(_SHAPES), text, fresh) if number % 2 else text)


FAMILIES: dict[str, Family] = {"clean": harmless}
