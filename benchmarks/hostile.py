"""Measure hostile lines: `python -m benchmarks.hostile --write` writes the table into `docs/scaling.md`.

A line that makes a backtracking or re-scanning sanitizer slow must cost time in proportion to its length: 1 MB within 0.2 s, and
twice the length at most 2.2 times the time. Time is CPU time of assembly and scrubbing, without start-up. All lines take five
minutes; `--only keys,escapes` takes those whose name holds one of these words. A line that looks slow is measured again, since
another process may have been in the way.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from itertools import count
from pathlib import Path

from sanitizer.hashing import Keyring
from sanitizer.records.assemble import Assembler
from sanitizer.redaction.scrub import Format, Options, Scrubber
from sanitizer.rulesets.cache import compiled

PAGE = Path(__file__).parent.parent / "docs" / "scaling.md"
BEGIN, END = "<!-- written by benchmarks.hostile -->", "<!-- end of hostile lines -->"

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


def mixture(size: int, seed: int) -> bytes:
    """Forty kinds of beginnings in any order, about *size* bytes."""
    rnd = random.Random(seed)
    units = [UNITS[name].encode() for name in rnd.sample(sorted(UNITS), 40)]
    made: list[bytes] = []
    left = size
    while left > 0:
        made.append(rnd.choice(units))
        left -= len(made[-1])
    return b"".join(made) + b"\n"


def page(size: int) -> bytes:
    """A page of HTML in a tool's result, in which entities, percent signs, escapes and odd characters are mixed."""
    rnd = random.Random(1)
    rows = (
        '<p class="x{n}">Tom &amp; Jerry&nbsp;caf\u00e9 &#8220;quoted&#8221; number {n} of the page</p>\n',
        '<a href="https://example.com/search?q=caf%C3%A9+au+lait&amp;id={n}&amp;next=%2Fhome%3Fa%3D{n}">more \u200b results</a>\n',
        '<script>var a{n} = "x\\u0041\\n y", b = [{n},{n}];</script>\n',
        '<div style="a:b">Gr\u00f6\u00dfe =3D {n} =20 e\u0301t\u0435 \u2014 ok</div>\n',
        "<li>plain text without anything that is odd in it, {n} times</li>\n",
    )
    made: list[str] = []
    left = size
    while left > 0:
        made.append(rnd.choice(rows).replace("{n}", str(rnd.randrange(10**6))))
        left -= len(made[-1])
    content = [{"type": "text", "text": "".join(made)}]
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"content": content}}).encode() + b"\n"


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
        self.withheld = 0

    def seconds(self, data: bytes) -> float:
        """CPU seconds for *data*, which comes in pieces as a pipe gives it."""
        start = time.process_time()
        assembler = Assembler(told=self.told)
        self.withheld = 0
        for at in range(0, len(data), 1 << 18):
            self.withheld += sum(self.scrubber.scrub(assembler.feed(data[at : at + (1 << 18)]), "lane").withheld.values())
        self.withheld += sum(self.scrubber.scrub(assembler.flush(), "lane").withheld.values())
        return max(time.process_time() - start, 1e-4)


def measured(lane: Lane, short: bytes, long: bytes, size: int) -> tuple[float, float]:
    """CPU seconds for a line and for one twice as long, measured again where they look slow."""
    lane.seconds(short[:2000] + b"\n")  # what is loaded at first sight is no cost of the line
    took, took_long = lane.seconds(short), lane.seconds(long)
    for _ in range(2):
        if is_slow(took, took_long, size):
            took, took_long = min(took, lane.seconds(short)), min(took_long, lane.seconds(long))
    return took, took_long


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description=__doc__)
    parser.add_argument("--size", type=int, default=500_000, help="bytes of the shorter line; the longer one has twice as many")
    parser.add_argument("--format", default="raw", choices=["raw", "ndjson"])
    parser.add_argument("--only", default="", help="only lines whose name contains one of these, with commas between")
    parser.add_argument("--write", action="store_true", help="write the table into docs/scaling.md")
    options = parser.parse_args()
    lane = Lane(options.format)
    lane.seconds(result(10_000))
    size = options.size
    made = {name: (line(unit, size), line(unit, 2 * size)) for name, unit in UNITS.items()}
    made |= {f"mixture {seed} of forty": (mixture(size, seed), mixture(2 * size, seed)) for seed in range(1, 6)}
    made["a page in five disguises"] = page(size), page(2 * size)
    made["rows of a result"] = result(size), result(2 * size)
    rows = [f"| line of | {size / 1e6:g} MB | {size / 5e5:g} MB | a MB | doubling | |\n|---|---:|---:|---:|---:|---|"]
    print(rows[0])
    bad = 0
    for name, (short, long) in made.items():
        if not any(part in name for part in options.only.split(",")):
            continue
        took, took_long = measured(lane, short, long, size)
        slow = is_slow(took, took_long, size)
        bad += slow
        told = ", ".join(word for word, holds in (("slow", slow), ("withheld", lane.withheld)) if holds)
        each = took_long / (len(long) / 1e6)
        rows.append(f"| {name} | {took:.2f} s | {took_long:.2f} s | {each:.2f} s | {took_long / took:.1f} times | {told} |")
        print(rows[-1], flush=True)
    if options.write:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(before + BEGIN + "\n\n" + "\n".join(rows) + "\n\n" + END + rest.partition(END)[2], encoding="utf-8")
    sys.exit(1 if bad else 0)


def is_slow(short: float, long: float, size: int) -> bool:
    return long > 0.2 * 2 * size / 1e6 or (long > 2.2 * short and long > 0.05)


if __name__ == "__main__":
    main()
