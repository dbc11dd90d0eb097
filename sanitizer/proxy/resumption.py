"""Where text may be read again after a part of it was lost: not in the rest of a line, nor in what continues a lost one."""

from __future__ import annotations

from sanitizer import patterns

_CONTINUES = patterns.lazy(rb"\s|-----END|[\x21-\x7e]{16,}\s*\Z")
"""Indented lines, and lines without a blank: the body of a key block, a wrapped token."""


class Resumption:
    """Withholds bytes, cut anywhere, up to the first line that stands for itself; with *is_text* false, up to the next line end."""

    def __init__(self, *, is_text: bool) -> None:
        self._is_text = is_text
        self._held = b""
        self._begun = False
        self.done = False
        """Whether everything after what was returned may be read."""

    def feed(self, data: bytes) -> bytes:
        """The part of *data* that may be read."""
        data = self._held + data
        while not self.done and (end := data.find(b"\n")) >= 0:
            if self._begun and not (self._is_text and _CONTINUES.match(data[:end])):
                self.done = True
            elif not self._begun and not self._is_text:
                self._begun = self.done = True
                data = data[end + 1 :]
            else:
                self._begun = True
                data = data[end + 1 :]
        if self.done:
            self._held = b""
            return data
        self._held = data if self._begun else b""
        return b""
