"""Patterns that are compiled when they are first used: a start needs few of the hundreds that there are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, AnyStr

METHODS = ("match", "fullmatch", "search", "finditer", "findall", "split", "sub", "subn")


class Lazy:
    """What stands for a compiled pattern, with its text and its methods."""

    def __init__(self, pattern: bytes | str, flags: int) -> None:
        self.pattern = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> object:
        """Asked for a method that is not there yet: all of them are, from now on."""
        if name not in METHODS:
            raise AttributeError(name)
        compiled = re.compile(self.pattern, self._flags)
        for each in METHODS:
            setattr(self, each, getattr(compiled, each))
        return getattr(compiled, name)


if TYPE_CHECKING:

    def lazy(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
        """As `re.compile`."""

else:

    def lazy(pattern, flags=0):
        return Lazy(pattern, flags)
