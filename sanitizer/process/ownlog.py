"""Our own messages go to standard error, and nobody else's: a library may put into a message what it was given."""

from __future__ import annotations

import logging
import os
import select
import sys
import time
from collections.abc import Callable
from contextlib import suppress

_log = logging.getLogger(__name__)

_REPEAT_SECS = 60.0


_clean: list[Callable[[str], str]] = []


def clean_names(clean: Callable[[str], str]) -> None:
    """From here on, let messages show a `Named` as *clean* leaves it."""
    _clean[:] = [clean]


class Named:
    """In a message of ours, a name that others gave. It may hold what a record may: before there are rules it is not shown."""

    def __init__(self, name: object) -> None:
        self._name = str(name)

    def __str__(self) -> str:
        return _clean[0](self._name) if _clean else "(a name)"


def log_to_stderr() -> None:
    """Let our own messages be seen, and nobody else's: a library may put into a message what it was given."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("sanitizer: %(levelname)s: %(message)s"))
    for name in ("sanitizer", "sinks"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
    logging.getLogger().addHandler(logging.NullHandler())


class Brief(logging.Handler):
    """Says each kind of message on standard error at most once a minute, and never waits for it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._told: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, or nothing."""
        kind, now = str(record.msg), time.monotonic()
        if now - self._told.get(kind, -_REPEAT_SECS) < _REPEAT_SECS:
            return
        self._told[kind] = now
        with suppress(OSError, ValueError):
            if select.select([], [2], [], 0)[1]:
                os.write(2, f"sanitizer: {record.getMessage()}\n".encode())


def log_briefly() -> None:
    """Let our own messages be seen, and nobody else's."""
    for name in ("sanitizer", "sinks"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [Brief()], False
    logging.getLogger().addHandler(logging.NullHandler())


def tell_trouble(trouble: OSError) -> None:
    """Say that the audit file cannot be written."""
    _log.error("the audit file cannot be written (%s); events are kept in memory until it can", trouble.strerror)
