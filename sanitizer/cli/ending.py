"""How a command ends when it cannot go on: one line on standard error, and never a traceback."""

from __future__ import annotations

import sys
from typing import NoReturn

import click


def fail(message: object, code: int = 2) -> NoReturn:
    """Say what is wrong and end. Nothing that was read is ever in *message*."""
    click.echo(f"sanitizer: {message}", err=True)
    sys.exit(code)
