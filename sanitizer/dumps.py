"""What the system would write of our memory when we crash: nothing, since keys and raw records are in it."""

from __future__ import annotations

from contextlib import suppress


def forbid_core_dumps() -> None:
    """Have the system write no core file of this process; those that it starts would inherit this."""
    import resource  # noqa: PLC0415 - not on every system

    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
