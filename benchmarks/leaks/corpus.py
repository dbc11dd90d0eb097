"""The whole corpus: every family, seeded by its own name, so that adding one changes no other."""

from __future__ import annotations

import random
from fnmatch import fnmatch

from benchmarks.leaks import connections, crossings, lines, mailboxes, negatives, numbers, protocol, syntaxes, systems
from benchmarks.leaks.formats import Fresh
from benchmarks.leaks.model import Case, Family

FAMILIES: dict[str, Family] = {}
for module in (crossings, syntaxes, connections, protocol, lines, mailboxes, numbers, negatives, systems):
    FAMILIES |= module.FAMILIES


def corpus(seed: int = 1, scale: int = 1, only: str = "*", slice_: int = 1) -> list[Case]:
    """Cases whose family matches *only*, shuffled; of each family every *slice_*-th."""
    cases = []
    for name, family in FAMILIES.items():
        made = family(Fresh(random.Random(f"{seed}/{name}")), scale)
        by_family: dict[str, int] = {}
        for one in made:
            turn = by_family[one.family] = by_family.get(one.family, -1) + 1
            if turn % slice_ == 0 and fnmatch(one.family, only):
                cases.append(one)
    random.Random(seed).shuffle(cases)
    return cases
