"""What an attacker can still read in the output, and what a reader of the log has lost.

Written for the corpus alone and sharing nothing with the program that is judged: it decodes the output in every way it knows,
again and again, and looks for telling parts of each planted value.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import html
import json
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from benchmarks.leaks.model import Case, Secret

DEPTH = 5
MOST_VIEWS = 40
_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([nrtbf"\'\\/@.-])|u\{([0-9a-fA-F]{1,6})\}|([0-3][0-7]{2}))')
_PLAIN = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_QUOTED = re.compile(r"=([0-9A-Fa-f]{2})")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}")
_BASE32 = re.compile(r"[A-Z2-7]{16,}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){6,}")
_WRAPPER = re.compile(
    r"^(?:\S+ std(?:out|err) [PF] |(?:\[pod/\S+\] |\S+ +\| |[A-Z][a-z]{2} \d\d [\d:]{8} \S+ \S+\[\d+\]: |[\dT:-]{19}\.\d{9}Z )\s*)",
    re.MULTILINE,
)
"""What container runtimes and viewers of logs put before a line."""

_BETWEEN_DIGITS = re.compile(r"(?<=\d)(?:[^\w\n@]|_){1,3}(?=\d)")
_WORD = re.compile(r"\w{2,}")


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text

    def one(match: re.Match[str]) -> str:
        if match[5]:
            return chr(int(match[5], 8))
        code = match[1] or match[2] or match[4]
        return chr(int(code, 16)) if code else _PLAIN.get(match[3], match[3])

    return _ESCAPE.sub(one, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _folded(text: str) -> str:
    """Compatibility forms, digits of any script, hyphens and spaces made plain; colour and invisible characters gone."""
    if text.isascii() and "\x1b" not in text:
        return text
    kept = []
    for c in unicodedata.normalize("NFKC", _ANSI.sub("", text)):
        category = unicodedata.category(c)
        if category not in ("Cf", "Mn"):
            kept.append({"Nd": str(unicodedata.digit(c, 0)), "Pd": "-", "Zs": " "}.get(category, c) if not c.isascii() else c)
    return "".join(kept)


def _legible(raw: bytes) -> str:
    text = raw.decode("utf-8", "ignore")
    return (
        text
        if len(text) >= 6 and sum(c.isprintable() or c.isspace() for c in text) >= 0.8 * len(raw.decode("utf-8", "replace"))
        else ""
    )


def _inflated(raw: bytes) -> bytes:
    """What *raw* was before gzip or zlib compressed it, if one did."""
    try:
        return zlib.decompressobj(wbits=47).decompress(raw)
    except zlib.error:
        return raw


def _runs(text: str) -> str:
    """What base64 and hex runs say, at any offset of their alphabet."""
    found = []
    for run in _BASE64.findall(text):
        for offset in range(4 if len(run) < 4_000 else 1):
            piece = run[offset:].translate({45: 43, 95: 47})
            try:
                legible = _legible(
                    _inflated(
                        base64.b64decode(
                            piece[: len(piece) // 4 * 4 + (0 if len(piece) % 4 < 2 else len(piece) % 4)]
                            + "=" * (-len(piece) % 4 if len(piece) % 4 > 1 else 0)
                        )
                    )
                )
            except (binascii.Error, ValueError):
                continue
            if legible:
                found.append(legible)
                break
    found += [_legible(bytes.fromhex(run)) for run in _HEX.findall(text)]
    found += [_legible(base64.b32decode(run[: len(run) // 8 * 8])) for run in _BASE32.findall(text)]
    return "\n".join(filter(None, found))


_DECODERS: tuple[Callable[[str], str], ...] = (
    _unescaped,
    lambda text: unquote(text, errors="replace") if "%" in text else text,
    lambda text: html.unescape(text) if "&" in text else text,
    _folded,
    lambda text: _QUOTED.sub(lambda match: chr(int(match[1], 16)), text.replace("=\n", "")) if "=" in text else text,
    _runs,
)


def views(text: str) -> list[str]:
    """*text* and all that decoding gives of it, to a fixpoint of bounded depth."""
    seen, front = {text: 0}, [text]
    while front and len(seen) < MOST_VIEWS:
        view = front.pop(0)
        if seen[view] < DEPTH:
            for decode in _DECODERS:
                other = decode(view)
                if other and other not in seen:
                    seen[other] = seen[view] + 1
                    front.append(other)
    return list(seen)


def _windows(text: str, width: int) -> Iterator[str]:
    step = max(1, len(text) // 800)
    return (text[i : i + width] for i in range(0, max(1, len(text) - width + 1), step))


def _digits(view: str) -> str:
    return _BETWEEN_DIGITS.sub("", _BETWEEN_DIGITS.sub("", view))


def _readable(secret: Secret, seen: list[str]) -> bool:
    """A telling part: 11 digits of a card, a phone but for 3 digits, 20 of a UUID, an email's local part, half of a token."""
    value = secret.value
    if secret.kind in ("card", "phone", "ssn", "iban") and sum(c.isdigit() for c in value) >= len(value) * 0.6:
        digits = "".join(c for c in value if c.isdigit())
        width = min(len(digits), {"card": 11, "ssn": 9}.get(secret.kind, max(6, len(digits) - 3)))
        return any(part in view for view in map(_digits, seen) for part in _windows(digits, width))
    if secret.kind == "uuid":
        bare = value.replace("-", "").lower()
        return any(part in view for view in (re.sub("[-_: \u2212]", "", v.lower()) for v in seen) for part in _windows(bare, 20))
    if secret.kind == "email":
        local = value.rsplit("@", 1)[0].casefold()
        return any(local in view.casefold() for view in seen)
    if secret.kind in ("private-key", "blob"):
        return any(
            part in view.replace("\n", "") for view in seen for part in _windows(value, 40 if len(value) >= 40 else len(value))
        )
    width = len(value) if len(value) < 16 else min(max(8, -(-len(value) // 2)), 20)
    return any(part in view for view in seen for part in _windows(value, width))


def joined(lines: list[str]) -> list[str]:
    """The lines, and what they are together behind what was put before them."""
    texts = ["\n".join(lines)]
    if len(lines) > 1:
        texts += ["".join(lines), "".join(_WRAPPER.sub("", line) for line in lines)]
        with contextlib.suppress(ValueError, TypeError, KeyError):
            texts.append("".join(json.loads(line)["log"] for line in lines))
    return texts


@dataclass(slots=True)
class Verdict:
    """What became of one case."""

    leaked: list[Secret]
    words: int
    lost: list[str]
    broken: bool
    changed: bool


def judge(case: Case, output: list[str]) -> Verdict:
    """Look at the output lines of *case*, one for each of its lines."""
    seen = [view for text in joined(output) for view in views(text)]
    leaked = [secret for secret in case.secrets if _readable(secret, seen)]
    text, source = "\n".join(output), "\n".join(case.lines)
    for secret in case.secrets:
        source = source.replace(secret.carrier, " ") if secret.carrier else source
    words = _WORD.findall(source) if all(secret.carrier for secret in case.secrets) else []
    lost = [word for word in words if word not in text] + [word for word in case.keep if word not in text]
    return Verdict(
        leaked, sum(map(len, words)), lost, _broken(case.lines, output), not case.secrets and not same(list(case.lines), output)
    )


def _parsed(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _broken(lines: tuple[str, ...], output: list[str]) -> bool:
    return any(
        line[:1] in "{[" and _parsed(line) is not None and _parsed(after) is None
        for line, after in zip(lines, output, strict=False)
    )


def same(before: list[str], after: list[str]) -> bool:
    """Equal line by line, but for a trailing CR and the spelling of equal JSON."""
    return len(before) == len(after) and all(
        a.rstrip("\r") == b.rstrip("\r") or (a[:1] in ("{", "[") and _parsed(a) is not None and _parsed(a) == _parsed(b))
        for a, b in zip(before, after, strict=True)
    )
