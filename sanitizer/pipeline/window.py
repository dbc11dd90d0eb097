"""A queue bounded by bytes and by items: what is full stops whoever fills it, and that is all the backpressure there is."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Window(Generic[Item]):
    """First in, first out, one reader. One item is always let in, however large; `close` lets the reader run empty and end."""

    def __init__(self, max_bytes: int, max_items: int) -> None:
        self._max_bytes = max_bytes
        self._max_items = max_items
        self._items: deque[tuple[Item, int]] = deque()
        self._bytes = 0
        self.closed = False
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    async def room(self) -> None:
        """Wait until another item may be put."""
        await self._room.wait()

    def put(self, item: Item, size: int) -> None:
        """Put *item*, which weighs *size* bytes, at the end. Never waits: who may wait awaits `room` before."""
        self._items.append((item, size))
        self._bytes += size
        self._filled.set()
        if self._bytes >= self._max_bytes or len(self._items) >= self._max_items:
            self._room.clear()

    def close(self) -> None:
        """Say that nothing more will be put."""
        self.closed = True
        self._filled.set()

    async def get(self) -> Item | None:
        """Take the first item; None once the window is closed and empty."""
        while not self._items:
            if self.closed:
                return None
            self._filled.clear()
            await self._filled.wait()
        return self._take()

    def get_nowait(self) -> Item | None:
        """Take the first item if there is one."""
        return self._take() if self._items else None

    def _take(self) -> Item:
        item, size = self._items.popleft()
        self._bytes -= size
        if self._bytes < self._max_bytes and len(self._items) < self._max_items:
            self._room.set()
        return item
