"""Which files there are, and a hint when something changes. Hints come from inotify where that works; nothing relies on them."""

from __future__ import annotations

import asyncio
import glob
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path


def expand(patterns: Iterable[str], exclude: Sequence[str] = ()) -> list[Path]:
    """Paths of the files that match any of *patterns* (`**` crosses folders), or are called so, and none of *exclude*; in order,
    each once."""
    found: dict[str, None] = {}
    for pattern in patterns:
        for path in [pattern, *sorted(glob.glob(pattern, recursive=True, include_hidden=True))]:
            if not any(fnmatch(path, other) for other in exclude) and os.path.isfile(path):
                found[path] = None
    return [Path(path) for path in found]


def folders(patterns: Iterable[str], paths: Iterable[Path]) -> set[str]:
    """The folders to watch: those of the files found, through symbolic links too, and those where more may turn up."""
    found = {os.path.dirname(os.path.realpath(path)) for path in paths} | {str(path.parent) for path in paths}
    for pattern in patterns:
        parent = os.path.dirname(pattern) or "."
        found.update(glob.glob(parent, include_hidden=True) if glob.has_magic(parent) else [parent])
        while glob.has_magic(parent):
            parent = os.path.dirname(parent) or "."
        found.add(parent)
    return found


class Watch:
    """Collects the paths that inotify says have changed in some folders. Where it cannot, nothing is said and nothing breaks."""

    def __init__(self) -> None:
        self._hints: set[str] = set()
        self._changed = asyncio.Event()
        self._folders: frozenset[str] = frozenset()
        self._task: asyncio.Task[None] | None = None

    def follow(self, folders: Iterable[str]) -> None:
        """Watch these folders from now on, instead of the earlier ones."""
        wanted = frozenset(folder for folder in folders if os.path.isdir(folder))
        if wanted != self._folders:
            self._folders = wanted
            if self._task:
                self._task.cancel()
            self._task = asyncio.create_task(self._watch(wanted)) if wanted else None

    async def wait(self, timeout_secs: float) -> set[str]:
        """Return what has changed since the last call, at the latest after *timeout_secs*."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), timeout_secs)
        self._changed.clear()
        hints, self._hints = self._hints, set()
        return hints

    async def close(self) -> None:
        """Stop watching."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self, folders: frozenset[str]) -> None:
        from watchfiles import awatch  # noqa: PLC0415 - only who follows files pays for it

        with suppress(OSError, RuntimeError):  # no inotify here, or its limits are reached: polling has to do
            async for changes in awatch(*folders, watch_filter=None, debounce=50, step=5, recursive=False):
                self._hints.update(path for _, path in changes)
                self._changed.set()
