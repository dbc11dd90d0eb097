"""Tokens by provider, from the templates of `templates/vendors.txt`: `{alphabet:length}` stands for random characters."""

from __future__ import annotations

import random
import re
import string
from pathlib import Path

_LOWER, _UPPER, _DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
ALPHABETS = {
    "a": _LOWER, "U": _UPPER, "d": _DIGITS, "hex": _DIGITS + "abcdef", "HEX": _DIGITS + "ABCDEF",
    "an": _UPPER + _LOWER + _DIGITS, "ln": _LOWER + _DIGITS, "UN": _UPPER + _DIGITS, "B32": _UPPER + "234567",
    "u": _UPPER + _LOWER + _DIGITS + "-_", "b": _UPPER + _LOWER + _DIGITS + "+/", "Bech": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
}  # fmt: skip
_FIELD = re.compile(r"\{(\w+):(\d+)\}")


def _read() -> dict[str, str]:
    lines = Path(__file__).with_name("templates").joinpath("vendors.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))


TOKENS = _read()


def fill(template: str, rnd: random.Random) -> str:
    """A fresh token of *template*; it ends in a letter or digit where random, so that no punctuation follows from chance."""
    token = _FIELD.sub(lambda field: "".join(rnd.choices(ALPHABETS[field[1]], k=int(field[2]))), template)
    return token if token[-1].isalnum() or template[-1] != "}" else token[:-1] + rnd.choice(_LOWER)
