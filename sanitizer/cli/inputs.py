"""The files that the command line names: there, readable, not the ones that are written; and how far they have been read."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from typing import Any

import click

from sanitizer.cli.ending import fail


def inputs(files: tuple[str, ...]) -> tuple[str, ...]:
    """*files*, each of which is there to be read, or the end of the program; none means standard input, and so does `-`."""
    if files == ("-",):
        return ()
    for name in files:
        if name == "-":
            fail("-: standard input is read alone; leave out the other files")
        if not os.path.exists(name):
            fail(f"{name}: no such file")
        if os.path.isdir(name):
            fail(f"{name}: a folder; name the files in it, as in {os.path.join(name, '*.log')}")
        if not os.access(name, os.R_OK):
            fail(f"{name}: permission denied")
    return files


def keep_apart(written: str | int, files: tuple[str, ...]) -> None:
    """End the program if *written*, a path or a descriptor, is one of *files*: it would be emptied, or read for ever."""
    try:
        status = os.stat(written)
    except OSError:
        return  # it is not there yet
    if stat.S_ISREG(status.st_mode) and any(os.path.samestat(status, os.stat(each)) for each in files or (0,)):
        fail(f"{'standard output' if written == 1 else written}: is a file that is read; write to another one")


class progress:  # noqa: N801 - reads as what it does
    """A bar over *files* on standard error, where that is a terminal and the files are long."""

    LONG_BYTES = 32 << 20

    def __init__(self, files: Sequence[str], counts: Any) -> None:
        size = sum(os.path.getsize(name) for name in files if os.path.isfile(name))
        self.bar: Any = None
        if size >= self.LONG_BYTES and sys.stderr.isatty():
            self.bar = click.progressbar(length=size, label="sanitizing", file=sys.stderr)
            counts.progress = self.bar.update

    def __enter__(self) -> None:
        if self.bar:
            self.bar.__enter__()

    def __exit__(self, *failure: object) -> None:
        if self.bar:
            self.bar.__exit__(*failure)
