"""What the system would show of our memory and our environment, in a core file or to other processes: nothing, since keys and raw
records are in them."""

from __future__ import annotations

import sys
from contextlib import suppress

_PR_SET_DUMPABLE = 4


def forbid_core_dumps() -> None:
    """Have the system write no core file of this process, and hide it; those that it starts would have none either."""
    import resource  # noqa: PLC0415 - not on every system

    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    hide()


def hide() -> None:
    """On Linux, show memory and environment of this process (a core dump, a debugger, `ps e`) to nobody but root.

    It does not pass to a program that is started.
    """
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - of no use elsewhere

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
