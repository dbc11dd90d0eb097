"""What takes a finding's place. Detection and action are orthogonal: any rule may have any action.

A replacement holds no quote, backslash, control character or line end, so it can stand inside any string of any syntax; and it is
recognised (`sanitizer.text.masks`) and left alone when sanitized output is sanitized again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from sanitizer.hashing import Keyring
from sanitizer.rulesets.ruleset import Rule

Replace = Callable[[bytes], bytes]

HEX = b"0123456789abcdefABCDEF"
BASE64 = HEX + b"ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ+/_=- \t\n\r\f\v"
NOT_HEX = bytes(c for c in range(256) if c not in HEX)


def replacements(rules: Sequence[Rule], keyring: Keyring) -> list[Replace]:
    """For each rule, the function from found text to its replacement."""
    return [replacement(rule, keyring) for rule in rules]


def replacement(rule: Rule, keyring: Keyring) -> Replace:
    kind = rule.label.encode()
    mask = mask_of(rule)
    if rule.action == "remove":
        return lambda _text: b""
    if rule.action == "keep":
        return lambda text: text
    if rule.action == "hash":
        return lambda text: b"[%b:%b]" % (kind, keyring.pseudonym(kind, same(kind, text)))
    if rule.action == "blob":
        return lambda text: b"[blob:%b:%dB:%b]" % (form(text), len(text), keyring.pseudonym(b"blob", text))
    if rule.action == "partial":
        return lambda text: partial(kind, text, mask)
    return lambda _text: mask


def mask_of(rule: Rule) -> bytes:
    """`[REDACTED:kind]`: what says that something was there, and nothing of it."""
    return b"[REDACTED:%b]" % rule.label.encode()


def same(kind: bytes, text: bytes) -> bytes:
    """One spelling for what is one value: a UUID's hex digits in lower case, an email in lower case."""
    if kind == b"uuid":
        return text.translate(None, NOT_HEX).lower()[-32:]
    return text.strip().lower() if kind == b"email" else text


def partial(kind: bytes, text: bytes, mask: bytes) -> bytes:
    """The last four digits of a number, the domain of an email; of anything else nothing."""
    if b"@" in text:
        domain = text.rpartition(b"@")[2]
        return b"[%b:@%b]" % (kind, domain) if re.fullmatch(rb"[A-Za-z0-9.\-\x80-\xff]+", domain) else mask
    digits = re.sub(rb"\D", b"", text)
    return b"[%b:*%b]" % (kind, digits[-4:]) if len(digits) >= 12 and digits.isdigit() else mask


def form(text: bytes) -> bytes:
    if text.translate(None, BASE64):
        return b"binary"
    return b"base64" if len(text) % 2 or text.translate(None, HEX) else b"hex"
