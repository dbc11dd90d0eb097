"""What the names in a template of harmless text are filled with."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable

from benchmarks.leaks.formats import B64, B64URL, HEX, LOWER, UPPER, Fresh

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_MASKS = (
    "[REDACTED]",
    "***",
    "[EMAIL_REDACTED]",
    "<EMAIL>",
    "[REDACTED:email]",
    "********",
    "[Filtered]",
    "<redacted>",
    "xxxx",
    "[uuid:6f1c9a42d0b3]",
)


def _b64(fresh: Fresh, raw: bytes | int) -> str:
    return base64.b64encode(raw if isinstance(raw, bytes) else fresh.rnd.randbytes(raw)).decode()


_FILL: dict[str, Callable[[Fresh], str]] = {
    "b64_16": lambda f: _b64(f, 16),
    "b64_32": lambda f: _b64(f, 32),
    "b64_64": lambda f: _b64(f, 64),
    "b43": lambda f: f.pick(B64, 43),
    "url12": lambda f: f.pick(B64URL, 12),
    "d": lambda f: str(f.number(0, 9)),
    "epoch": lambda f: str(f.number(1_600_000_000, 1_900_000_000)),
    "epoch_ms": lambda f: str(f.number(1_600_000_000_000, 1_900_000_000_000)),
    "epoch_us": lambda f: str(f.number(16 * 10**14, 19 * 10**14)),
    "epoch_ns": lambda f: str(f.number(16 * 10**17, 19 * 10**17)),
    "date": lambda f: f.clock()[:10],
    "time": lambda f: f.clock()[11:],
    "iso": Fresh.clock,
    "dd": lambda f: f"{f.number(1, 28):02}",
    "mm": lambda f: f"{f.number(1, 12):02}",
    "mon": lambda f: f.rnd.choice(_MONTHS),
    "yyyy": lambda f: str(f.number(2005, 2029)),
    "hh": lambda f: f"{f.number(0, 23):02}",
    "ms": lambda f: f"{f.number(0, 59):02}",
    "float": lambda f: str(f.rnd.random()),
    "float8": lambda f: f"{f.rnd.random():.8f}",
    "big": lambda f: str(f.rnd.random() * 10 ** f.number(1, 6)),
    "deg": lambda f: f"{f.rnd.uniform(-89, 89):.7f}",
    "ip": lambda f: ".".join(str(f.number(1, 254)) for _ in range(4)),
    "ip6": lambda f: ":".join(f.pick(HEX, 4) for _ in range(8)),
    "port": lambda f: str(f.number(1024, 65535)),
    "mac": lambda f: ":".join(f.pick(HEX, 2) for _ in range(6)),
    "v": lambda f: f"{f.number(0, 30)}.{f.number(0, 60)}.{f.number(0, 99)}",
    "word": Fresh.word,
    "word2": Fresh.word,
    "Word": lambda f: f.word().title(),
    "a3": lambda f: f.pick(LOWER, 3),
    "U3": lambda f: f.pick(UPPER, 3),
    "U4": lambda f: f.pick(UPPER, 4),
    "words64": lambda f: _b64(f, f"step {f.number(1, 999)} of {f.word()} is well".encode()),
    "cursor": lambda f: _b64(f, json.dumps({"offset": f.number(1, 9999), "sort": f.word()}).encode()),
    "mask": lambda f: f.rnd.choice(_MASKS),
}
_FIELD = re.compile(r"\{\{|\}\}|\{(hex|n)?(\w+)\}")


def filled(template: str, fresh: Fresh) -> str:
    """*template* with fresh values: `{hex12}` so many hex digits, `{n12}` so many of a number, else by name; `{{`, `}}`: braces."""

    def one(field: re.Match[str]) -> str:
        shape, size = field[1], field[2]
        if size is None:
            return field[0][0]
        if shape == "hex":
            return fresh.pick(HEX, int(size))
        return str(fresh.number(10 ** (int(size) - 1), 10 ** int(size) - 1)) if shape else _FILL[size](fresh)

    return _FIELD.sub(one, template)
