"""Whatever fails, and wherever: its text, which may hold what was read, is printed nowhere."""

from __future__ import annotations

import subprocess
import sys

import pytest

SECRET = "Xk9pLanTedSecret77"
_BEGIN = """
import logging, sys, threading, warnings
from sanitizer.process.failures import withhold_texts
withhold_texts()
secret = sys.stdin.read()
class Odd:
    def __del__(self): raise KeyError(secret)
"""


@pytest.mark.parametrize(
    ("fails", "told"),
    [
        ("raise KeyError(secret)", "KeyError"),
        ("raise ValueError('outer ' + secret) from KeyError(secret)", "ValueError"),
        ("def fail(): raise KeyError(secret)\nt = threading.Thread(target=fail, name=secret); t.start(); t.join()", "KeyError"),
        ("Odd()", "KeyError"),
        ("warnings.warn(secret)", ""),
        ("logging.basicConfig(); logging.error('%d', secret)", ""),
    ],
)
def test_no_text_of_a_failure_is_printed(fails: str, told: str) -> None:
    done = subprocess.run([sys.executable, "-c", _BEGIN + fails], input=SECRET, capture_output=True, text=True, check=False)
    assert SECRET not in done.stderr + done.stdout
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_that_fails_says_the_kind_and_the_place_alone() -> None:
    program = """
from sanitizer.redaction.lanes import Lanes
def fail(self, batch): raise KeyError(bytes(batch.data))
Lanes.feed = fail
from sanitizer.cli.main import main
main(["run"])
"""
    done = subprocess.run([sys.executable, "-c", program], input=f"{SECRET}\n", capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert SECRET not in done.stderr + done.stdout
    assert "stopped by KeyError at " in done.stderr
