"""Measure hostile lines: `python -m benchmarks.hostile`.

A line that makes a backtracking or re-scanning sanitizer slow must cost time in proportion to its length: 1 MB within 0.2 s, and
twice the length at most 2.2 times the time. Time is CPU time of the whole process less that of an empty run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.speed import RUN, cost

UNITS = {
    "letters": "a", "local parts": "a.", "at signs": "@", "addresses cut": "a@", "domains": "a@b.", "digits": "1",
    "digit groups": "4111 ", "dotted digits": "1.", "backslashes": "\\", "unicode escapes": "\\u0041",
    "double escapes": "\\\\u0041", "percent": "%41", "double percent": "%2541", "entities": "&#64;", "ampersands": "&",
    "quotes": '"', "keys": '"password":"', "assignments": "password=", "bare keys": "token ", "braces": "{",
    "objects": '{"a":', "brackets": "[", "base64": "QUJD", "jwt heads": "eyJ",
    "pem heads": "-----BEGIN RSA PRIVATE KEY-----", "pem dashes": "-", "schemes": "https://", "userinfo": "://a:",
    "bearer": "Bearer ", "hex": "deadbeef", "uuids cut": "123e4567-e89b-", "equals": "=", "quoted printable": "=41",
    "spaces": " ", "zero width": "\u200b", "full width": "１", "colour": "\x1b[1m", "nuls": "\x00", "tabs": "\t",
    "commas": "1,", "phones": "+1 415 ", "prefixes": "sk-ghp_AKIA",
    "copies": "password=Zk3vQ9mXw7 Zk3vQ9mXw7 ", "names": "token Zk3vQ9mXw7LpRt2Y ", "elements": "<token>",
}  # fmt: skip
"""What the lines are made of, over and over."""


def line(unit: str, size: int) -> bytes:
    """*unit* over and over, about *size* bytes."""
    raw = unit.encode()
    return raw * (size // len(raw)) + b"\n"


def seconds(options: list[str], data: bytes, idle: float) -> float:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return max(0.001, min(cost([*RUN, *options], Path(file.name)).cpu for _ in range(2)) - idle)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description=__doc__)
    parser.add_argument("--size", type=int, default=500_000, help="bytes of the shorter line; the longer one has twice as many")
    parser.add_argument("--format", default="raw", choices=["raw", "ndjson"])
    parser.add_argument("--only", default="", help="only units whose name contains this")
    options = parser.parse_args()
    arguments = ["--format", options.format]
    idle = min(cost([*RUN, *arguments]).cpu for _ in range(5))
    print(f"| line of | {options.size / 1e6:g} MB | {options.size / 5e5:g} MB | doubling |\n|---|---:|---:|---:|")
    bad = 0
    for name, unit in UNITS.items():
        if options.only not in name:
            continue
        short, long = (seconds(arguments, line(unit, size), idle) for size in (options.size, 2 * options.size))
        slow = long > 0.2 * 2 * options.size / 1e6 or (long > 2.2 * short and long > 0.05)
        bad += slow
        print(f"| {name} | {short:.3f} s | {long:.3f} s | {long / short:.1f} times{' (slow)' if slow else ''} |")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
