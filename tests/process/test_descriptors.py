"""Where a standard descriptor is closed, no file of ours takes its place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DAEMON = "[[sources]]\ntype = 'stdin'\n[[sinks]]\ntype = 'stdout'\n"


def shell(arguments: str, given: bytes = b"mail anna@example.com\n") -> subprocess.CompletedProcess[bytes]:
    """What becomes of `sanitizer ARGUMENTS`, in a shell that may close descriptors for it."""
    command = f"exec {sys.executable} -m sanitizer {arguments}"
    return subprocess.run(["sh", "-c", command], cwd=ROOT, input=given, capture_output=True, check=False, env=dict(os.environ))


def test_a_closed_standard_input_is_an_empty_one() -> None:
    done = shell("run <&-")

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize("arguments", ["run", "run --format raw", "run --config {}"])
def test_a_closed_standard_output_is_one_that_nobody_reads(arguments: str, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(DAEMON)
    done = shell(f"{arguments.format(tmp_path / 'config.toml')} >&-")

    assert done.returncode == 141
    assert b"Traceback" not in done.stderr
    assert b"stopped" not in done.stderr


def test_a_closed_standard_error_keeps_no_record_back() -> None:
    done = shell("run --stats 2>&-")

    assert (done.returncode, done.stdout) == (0, b'{"message":"mail [REDACTED:email]"}\n')
