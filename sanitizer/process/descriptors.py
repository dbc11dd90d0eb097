"""The standard descriptors, which whoever starts a program may have closed."""

from __future__ import annotations

import os


def hold_standard() -> None:
    """Put something in the place of those that are closed: the next file that is opened would be taken for them.

    Standard input is empty then, standard error is dropped, and standard output is a pipe that nobody reads: to write there fails.
    """
    closed = [descriptor for descriptor in range(3) if not is_open(descriptor)]
    for _ in closed:
        os.open(os.devnull, os.O_RDWR)  # takes the lowest that is free
    if 1 in closed:
        reader, writer = os.pipe()
        os.dup2(writer, 1)
        os.close(reader)
        os.close(writer)


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
