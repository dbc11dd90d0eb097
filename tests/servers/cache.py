"""Where the servers that the tests start are kept: built once a machine, outside the checkout."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path


def folder() -> Path:
    """The folder of built servers: `SANITIZER_TEST_CACHE`, or one in the user's cache."""
    return Path(os.environ.get("SANITIZER_TEST_CACHE") or "~/.cache/mcp-log-sanitizer-tests").expanduser().resolve()


def build_once(name: str, build: Callable[[Path], None]) -> Path:
    """Return `folder()/name`, made by *build* in a scratch folder and moved into place whole. Processes wait for one another."""
    root = folder()
    root.mkdir(parents=True, exist_ok=True)
    made = root / name
    with open(root / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.is_dir():
            scratch = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=root))
            try:
                build(scratch)
                scratch.rename(made)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    return made
