"""Measure hostile lines: `python -m benchmarks.hostile`.

A line that makes a backtracking or re-scanning sanitizer slow must cost time in proportion to its length: 1 MB within 0.2 s, and
twice the length at most 2.2 times the time. Time is CPU time of assembly and scrubbing, without start-up. All lines take two
minutes; `--only keys,escapes` takes those whose name holds one of these words. A line that looks slow is measured again, since
another process may have been in the way.
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import count

from sanitizer.assemble import Assembler
from sanitizer.database import compiled
from sanitizer.hashing import Keyring
from sanitizer.scrub import Format, Options, Scrubber

UNITS = {
    "letters": "a", "local parts": "a.", "at signs": "@", "addresses cut": "a@", "domains": "a@b.", "domains glued": "a@b.co",
    "subdomains": "a.b.c.d.e.f.g@", "addresses in commas": "a@b.co,", "local part of 64": "x" * 64 + "@", "digits": "1",
    "digit groups": "4111 ", "dotted digits": "1.", "digits and dashes": "1-", "digits and slashes": "1/", "digits, colons": "1:",
    "cards": "4111-1111-1111-1111,", "cards cut": "4111-", "security numbers": "123-45-", "backslashes": "\\",
    "unicode escapes": "\\u0041", "double escapes": "\\\\u0041", "hex escapes": "\\x41", "octal escapes": "\\101",
    "line escapes": "\\n", "quote escapes": '\\"', "surrogate escapes": "\\ud83d\\ude00", "percent": "%41", "percent signs": "%",
    "double percent": "%2541", "old percent": "%u0041", "entities": "&#64;", "named entities": "&amp;", "entities cut": "&#",
    "ampersands": "&", "quotes": '"', "single quotes": "'", "backticks": "`", "shell quotes": "'\\''", "keys": '"password":"',
    "keys of numbers": '"password":1,', "keys of nothing": '"password":"",', "keys of keys": '"api_key":"api_key":"',
    "assignments": "password=", "assignments in quotes": 'password="', "escaped assignments": 'password=\\"',
    "yaml keys": "password: ", "short keys": "pwd: ", "names of two words": "client secret=", "authorizations": "authorization=",
    "cookies": "Cookie: a=b; ", "cookie keys": '"cookie":', "bare keys": "token ", "keys in brackets": '"password":[',
    "keys in braces": '"password":{', "keys of pairs": '{"name":"password","value":"', "arrows": "password => ",
    "sentences": "password is ", "columns": "insert into ", "variables": "setenv ", "parts": 'name="password"\\r\\n\\r\\n',
    "schemas": '"token":{"type":"string"},', "braces": "{", "closing braces": "}", "objects": '{"a":', "brackets": "[",
    "lists": "[1,", "parentheses": "(", "calls": '{"method":"tools/call","params":{', "python calls": "{'method': 'tools/call', ",
    "params": '"params":{', "base64": "QUJD", "base64 words": "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo= ", "jwt heads": "eyJ",
    "jwts": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.", "base32": "ONSWG4TFOQ",
    "pem pairs": "-----BEGIN A KEY-----M-----END A KEY-----",
    "pem heads": "-----BEGIN RSA PRIVATE KEY-----", "pem tails": "-----END RSA PRIVATE KEY-----", "pem dashes": "-",
    "schemes": "https://", "userinfo": "://a:", "users": "://u:p@", "queries": "&token=", "bearer": "Bearer ", "basic": "Basic ",
    "hex": "deadbeef", "hex of text": "70617373776f7264", "hex dumps": "70:61:73:", "uuids cut": "123e4567-e89b-", "equals": "=",
    "quoted printable": "=41", "soft breaks": "=\r", "encoded words": "=?utf-8?q?", "spaces": " ", "zero width": "\u200b",
    "zero width in words": "a\u200bb", "combining": "a\u0301", "bidi": "\u202e", "full width": "１", "full width words": "ｐａｓｓ",
    "accents": "é", "emoji": "😀", "colour": "\x1b[1m", "colour cut": "\x1b[", "titles": "\x1b]0;", "escape bytes": "\x1b",
    "backspaces": "\b", "carriage returns": "\r", "nuls": "\x00", "tabs": "\t", "commas": "1,", "phones": "+1 415 ",
    "phones in brackets": "(415) ", "prefixes": "sk-ghp_AKIA", "prefixes in one word": "_key_live-aQQkQQa7x7k7",
    "copies": "password=Zk3vQ9mXw7 Zk3vQ9mXw7 ", "names": "token Zk3vQ9mXw7LpRt2Y ", "elements": "<token>", "tags": "<a>",
    "masks": "[REDACTED:email] ", "masks cut": "[REDACTED:", "byte lists": "[112,97,115,115,119,111,114,100,58]", "dots": ".",
}  # fmt: skip
"""What the lines are made of, over and over."""


def line(unit: str, size: int) -> bytes:
    """*unit* over and over, about *size* bytes."""
    raw = unit.encode()
    return raw * (size // len(raw)) + b"\n"


def result(size: int) -> bytes:
    """A big result as tools give it, which must stay readable: rows of JSON with an address and keys without values each."""
    rows: list[str] = []
    left = size
    for number in count():
        told = f'"phone":null,"token":"","at":"2024-01-0{number % 9 + 1}T00:00:00Z"'
        rows.append(f'{{"id":{number},"email":"user{number}@example.com",{told}}}')
        left -= len(rows[-1]) + 1
        if left < 0:
            return f'{{"rows":[{",".join(rows)}]}}\n'.encode()
    raise AssertionError


class Lane:
    """Scrubs lines by themselves, in this process."""

    def __init__(self, written: Format) -> None:
        self.scrubber = Scrubber(compiled(), Keyring.ephemeral(), Options(format=written))
        self.told = written != "raw"

    def seconds(self, data: bytes) -> float:
        """CPU seconds for *data*, which comes in pieces as a pipe gives it."""
        start = time.process_time()
        assembler = Assembler(told=self.told)
        for at in range(0, len(data), 1 << 18):
            self.scrubber.scrub(assembler.feed(data[at : at + (1 << 18)]), "lane")
        self.scrubber.scrub(assembler.flush(), "lane")
        return max(time.process_time() - start, 1e-4)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description=__doc__)
    parser.add_argument("--size", type=int, default=500_000, help="bytes of the shorter line; the longer one has twice as many")
    parser.add_argument("--format", default="raw", choices=["raw", "ndjson"])
    parser.add_argument("--only", default="", help="only lines whose name contains one of these, with commas between")
    options = parser.parse_args()
    lane = Lane(options.format)
    lane.seconds(result(10_000))
    print(f"| line of | {options.size / 1e6:g} MB | {options.size / 5e5:g} MB | doubling |\n|---|---:|---:|---:|")
    made = {name: (line(unit, options.size), line(unit, 2 * options.size)) for name, unit in UNITS.items()}
    made["rows of a result"] = result(options.size), result(2 * options.size)
    bad = 0
    for name, (short, long) in made.items():
        if not any(part in name for part in options.only.split(",")):
            continue
        lane.seconds(short[:2000] + b"\n")  # what is loaded at first sight is no cost of the line
        took, took_long = lane.seconds(short), lane.seconds(long)
        if is_slow(took, took_long, options.size):
            took, took_long = min(took, lane.seconds(short)), min(took_long, lane.seconds(long))
        slow = is_slow(took, took_long, options.size)
        bad += slow
        told = f"{took_long / took:.1f} times{' (slow)' if slow else ''}"
        print(f"| {name} | {took:.3f} s | {took_long:.3f} s | {told} |", flush=True)
    sys.exit(1 if bad else 0)


def is_slow(short: float, long: float, size: int) -> bool:
    return long > 0.2 * 2 * size / 1e6 or (long > 2.2 * short and long > 0.05)


if __name__ == "__main__":
    main()
