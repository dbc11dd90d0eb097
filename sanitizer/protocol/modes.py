"""What happens to the params of which call."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Literal

Mode = Literal["hash", "sanitize", "shape", "remove"]
"""A hash in their place, kept for the redaction, types and keys of known names only, or nothing."""

_MAX_REMEMBERED = 4_096


class Modes:
    """*default*, but for the globs of *tools*, then those of *methods*: the first that matches decides."""

    __slots__ = ("_known", "_methods", "_tools", "default", "differ")

    def __init__(self, default: Mode, methods: Mapping[str, Mode] | None, tools: Mapping[str, Mode] | None) -> None:
        self.default: Mode = default
        self._methods = dict(methods or {})
        self._tools = dict(tools or {})
        self.differ = bool(self._tools or self._methods)
        self._known: dict[tuple[str, str], Mode] = {}

    def of(self, method: str, tool: str) -> Mode:
        """The mode for a call of *method*, or of *tool*; either may be empty."""
        if not self.differ:
            return self.default
        if (known := self._known.get((method, tool))) is not None:
            return known
        if len(self._known) >= _MAX_REMEMBERED:
            self._known.clear()
        mode = self._known[method, tool] = self._find(method, tool)
        return mode

    def _find(self, method: str, tool: str) -> Mode:
        for name, modes in ((tool, self._tools), (method, self._methods)):
            for glob, mode in modes.items():
                if name and fnmatchcase(name, glob):
                    return mode
        return self.default
