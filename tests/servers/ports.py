"""Free ports on 127.0.0.1."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

LISTENING = range(15_000, 32_000)
"""Below the ports that systems give to connections (RFC 6335, section 6; Linux: from 32,768 on): while a server is down for a moment, a
client of its own may else be given its port, even by the attempt to reach it there."""


def free_ports(count: int) -> list[int]:
    """Return *count* different ports that nothing listens on now."""
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().choice(LISTENING)
        with suppress(OSError), socket.socket() as tried:
            tried.bind(("127.0.0.1", port))
            found += [port] if port not in found else []
    return found
