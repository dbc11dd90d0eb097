"""Yardsticks that our speed is stated in, since machines differ: `python -m benchmarks.floor some.log`.

`splice`: twelve rules, one Vectorscan pass over each 64 KiB chunk, and one replacement pass. No JSON, no views, no records: what is
left when everything a sanitizer owes but speed is left out. `orjson`: a bare loads/dumps loop over the lines. `re`: `re.sub` rule
by rule and line by line, as most scripts do it; `re-all` the same with the patterns of all default rules. Rates are of CPU time.
"""

from __future__ import annotations

import argparse
import functools
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import hyperscan
import orjson

from sanitizer.detection.extents import whole
from sanitizer.rulesets.ruleset import load

CHUNK = 1 << 16
RE_HEAD = 4_000_000
"""The `re` loop sees this much of a file only, `re-all` a twentieth of it: they are that slow."""
_LOCAL = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-"


@dataclass(frozen=True)
class Yardrule:
    """A fixed-width *anchor* for Vectorscan; the match's *extent* is read there, after going back over the bytes of *lead*."""

    anchor: bytes
    extent: bytes = b""
    lead: bytes = b""
    caseless: bool = False
    width: int = 0


RULES = {
    "email": Yardrule(rb"[A-Za-z0-9_%+\-]@[A-Za-z0-9]", rb"[\w.%+\-]+@[A-Za-z0-9\-]+\.[A-Za-z0-9.\-]*[A-Za-z]{2,}", _LOCAL),
    "uuid": Yardrule(rb"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", caseless=True, width=36),
    "card": Yardrule(rb"\b\d{4}[ \-]?\d{4}[ \-]?\d{4}[ \-]?\d", rb"(?:\d[ \-]?){12,18}\d\b"),
    "phone": Yardrule(
        rb"[ .\-]\d{3,4}[ .\-]\d{4}\b",
        rb"(?:\+\d{1,3}[ .\-]?)?(?:\(\d{2,4}\)|\d{2,4})[ .\-]\d{3,4}[ .\-]\d{4}\b",
        b"0123456789+ .-()",
    ),
    "sk": Yardrule(rb"\bsk-[A-Za-z0-9]{20}", rb"sk-[A-Za-z0-9]{20,}"),
    "ghp": Yardrule(rb"\bgh[pousr]_[A-Za-z0-9]{36}\b", width=40),
    "mpt": Yardrule(rb"\bmpt_[A-Za-z0-9]{16}", rb"mpt_[A-Za-z0-9]{16,}"),
    "akia": Yardrule(rb"\bAKIA[A-Z0-9]{16}\b", width=20),
    "xox": Yardrule(rb"\bxox[abprs]-[A-Za-z0-9\-]{10}", rb"xox[abprs]-[A-Za-z0-9\-]{10,}"),
    "bearer": Yardrule(rb"bearer\s[A-Za-z0-9._~+/\-]", rb"(?i)bearer\s+[A-Za-z0-9._~+/\-]+=*", caseless=True),
    "assigned": Yardrule(
        rb"(?:token|secret|password|api_?key)[\"']?\s?[:=]",
        rb"(?i)(?:token|secret|password|api_?key)[\"']?\s*[:=]\s*[\"']?[^\s\"',}]{6,}",
        caseless=True,
    ),
    "jwt": Yardrule(rb"\beyJ[A-Za-z0-9_\-]{8}", rb"eyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}"),
}
_ALL = list(RULES.values())
_MASKS = [f"[REDACTED:{name}]".encode() for name in RULES]
_EXTENTS = [re.compile(rule.extent) for rule in _ALL]
_CARD = list(RULES).index("card")


@functools.cache
def database() -> hyperscan.Database:
    """The twelve anchors, compiled; a match reports where it starts."""
    compiled = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    flags = [hyperscan.HS_FLAG_SOM_LEFTMOST | (hyperscan.HS_FLAG_CASELESS if rule.caseless else 0) for rule in _ALL]
    compiled.compile(expressions=[rule.anchor for rule in _ALL], ids=list(range(len(_ALL))), elements=len(_ALL), flags=flags)
    return compiled


def _luhn(number: bytes) -> bool:
    digits = [c - 48 for c in number if 48 <= c <= 57]
    return (sum(digits[-1::-2]) + sum(2 * d - 9 if d > 4 else 2 * d for d in digits[-2::-2])) % 10 == 0


def splice(chunk: bytes, compiled: hyperscan.Database) -> bytes:
    """*chunk* with the twelve kinds masked."""
    hits: list[tuple[int, int]] = []
    found = hits.append

    def on_match(rule: int, start: int, _end: int, _flags: int, _context: object) -> None:
        found((start, rule))

    compiled.scan(chunk, match_event_handler=on_match)
    hits.sort()
    out: list[bytes] = []
    done = 0
    for at, rule in hits:
        start = at
        if start < done:
            continue
        if width := _ALL[rule].width:
            end = start + width
        else:
            if lead := _ALL[rule].lead:
                before = chunk[max(done, start - 64) : start + 1]
                start += 1 - (len(before) - len(before.rstrip(lead)))
                match = _EXTENTS[rule].search(chunk, start, start + 400)
            else:
                match = _EXTENTS[rule].match(chunk, start)
            if match is None or (rule == _CARD and not _luhn(match[0])):
                continue
            start, end = match.span()
        out += chunk[done:start], _MASKS[rule]
        done = end
    out.append(chunk[done:])
    return b"".join(out)


def by_splice(data: bytes) -> None:
    compiled = database()
    at = 0
    while at < len(data):
        end = data.rfind(b"\n", at, at + CHUNK) + 1 or len(data)
        splice(data[at:end], compiled)
        at = end


def by_orjson(data: bytes) -> None:
    for line in data.splitlines():
        try:
            orjson.dumps(orjson.loads(line))
        except orjson.JSONDecodeError:
            orjson.dumps({"message": line.decode("utf-8", "replace")})


def by_re(data: bytes) -> None:
    _re_loop(data, [re.compile(rule.extent or rule.anchor, re.IGNORECASE * rule.caseless) for rule in _ALL])


def by_re_all(data: bytes) -> None:
    _re_loop(data, patterns())


def _re_loop(data: bytes, patterns: list[re.Pattern[bytes]]) -> None:
    for line in data.splitlines(keepends=True):
        clean = line
        for pattern in patterns:
            clean = pattern.sub(b"[REDACTED]", clean)


@functools.cache
def patterns() -> list[re.Pattern[bytes]]:
    """The patterns of the default rules, without what they check, or find by field name."""
    return [re.compile(whole(rule), re.DOTALL if rule.multiline else 0) for rule in load().rules if rule.pattern]


YARDSTICKS: dict[str, tuple[Callable[[bytes], None], int]] = {
    "splice": (by_splice, 1 << 62),
    "orjson": (by_orjson, 1 << 62),
    "re": (by_re, RE_HEAD),
    "re-all": (by_re_all, RE_HEAD // 20),
}


def rate(name: str, data: bytes) -> float:
    """Megabytes per second of CPU time of the yardstick *name* over *data*."""
    work, most = YARDSTICKS[name]
    head = data[:most]
    work(head[:1000])
    start = time.process_time()
    work(head)
    return len(head) / 1e6 / (time.process_time() - start)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.floor", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("names", nargs="*", default=list(YARDSTICKS), help=f"any of {', '.join(YARDSTICKS)}")
    options = parser.parse_args()
    data = options.file.read_bytes()
    for name in options.names:
        print(f"{name} {rate(name, data):.2f}")


if __name__ == "__main__":
    main()
