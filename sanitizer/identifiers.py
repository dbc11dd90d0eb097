"""National identifiers with check digits."""

from __future__ import annotations

from collections.abc import Callable

CHECKS: dict[str, Callable[[bytes], bool]] = {}
