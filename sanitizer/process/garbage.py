"""How often Python looks for cycles of objects that nothing refers to."""

from __future__ import annotations

import gc

NEW, YOUNG, OLD = 50_000, 20, 50
"""Objects made since the last look, and looks at the young before one at the older: a batch makes thousands of small tuples, which
live as long as it does and are in no cycle, and the rules, which each full look goes through, stay."""


def look_seldom() -> None:
    """Look for cycles about a hundredth as often as Python does: up to a tenth of all time went into it, and found nothing."""
    gc.set_threshold(NEW, YOUNG, OLD)
