"""What is said of a failure that nobody caught: its kind and its place. Its text, and that of a warning, may hold what was read."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from contextlib import suppress
from pathlib import Path

_PLACES = 6


def describe(failure: BaseException) -> str:
    """The kind of *failure* and where it came from; never its text."""
    import traceback  # noqa: PLC0415 - seldom needed

    frames = traceback.extract_tb(failure.__traceback__)[-_PLACES:]
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    reason = f" ({failure.strerror})" if isinstance(failure, OSError) and failure.strerror else ""
    return f"{type(failure).__name__}{reason} at {places}"


def withhold_texts() -> None:
    """From here on Python prints no traceback, of the program or a thread; warnings of libraries are heard where asked for."""
    import logging  # noqa: PLC0415 - a message that cannot be put together is printed with what was to be in it

    logging.raiseExceptions = False
    sys.excepthook = lambda _kind, failure, _trace: _say(failure)
    threading.excepthook = lambda told: _say(told.exc_value)
    sys.unraisablehook = lambda told: _say(told.exc_value)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


def _say(failure: BaseException | None) -> None:
    if failure is not None:
        with suppress(Exception):  # where a hook fails, Python prints what it was called for
            os.write(2, f"sanitizer: stopped by {describe(failure)}\n".encode())
