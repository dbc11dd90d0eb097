"""Passing bytes on, untouched and at once: one thread for each direction, and nothing in it that could take time."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress

_CHUNK = 64 << 10
"""What a pipe holds; more than that costs new pages of memory for every read."""
_REST_SECS = 0.002
"""How long what nobody waits for may gather: each wake-up takes the interpreter from those who pass a frame on."""


class Pump(threading.Thread):
    """Reads *source* to its end and writes it to *sink* (None: nowhere), then closes both; so whoever is gone on one side is
    gone for the other. *copy* sees each piece before it is written and must return at once.

    Once *wake* has no writer any more, the pump takes what is there to be read, and ends.
    """

    def __init__(self, source: int, sink: int | None, wake: int, copy: Callable[[bytes], None] | None) -> None:
        super().__init__(daemon=True)
        self._source = source
        self._sink = sink
        self._wake = wake
        self._copy = copy

    def run(self) -> None:
        """Pass everything on."""
        with suppress(OSError):
            self._pass_on()
        for fd in (self._source, self._sink):
            if fd is not None:
                with suppress(OSError):
                    os.close(fd)

    def _pass_on(self) -> None:
        source, sink, copy = self._source, self._sink, self._copy
        poll = select.poll()
        poll.register(source, select.POLLIN)
        poll.register(self._wake, 0)
        if sink is not None:
            poll.register(sink, 0)
        wait, read, write = poll.poll, os.read, os.write
        while True:
            ready = wait()
            if len(ready) != 1 or ready[0][0] != source:
                ready_fds = dict(ready)
                if sink in ready_fds or source not in ready_fds:
                    return
            try:
                data = read(source, _CHUNK)
            except BlockingIOError:
                continue
            if not data:
                return
            if copy is not None:
                copy(data)
            if sink is None:
                if len(data) < _CHUNK:
                    time.sleep(_REST_SECS)
                continue
            try:
                written = write(sink, data)
            except BlockingIOError:
                written = 0
            if written < len(data):
                _write(sink, data[written:])


def _write(sink: int, data: bytes) -> None:
    """Write all of *data*, also where somebody else has made the descriptor non-blocking."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(sink, rest) :]
        except BlockingIOError:
            poll = select.poll()
            poll.register(sink, select.POLLOUT)
            poll.poll()
