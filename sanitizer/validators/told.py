"""Whether what stands behind the word password, in a sentence or a command, is one; and no word that goes on with it."""

from __future__ import annotations

import re

from sanitizer.text import words

_hash_name = re.compile(
    rb"(?i)(?:sha|md|aes|rsa|utf|ipv|oauth|base|v|http|bcrypt|argon|pbkdf|scrypt|rfc|ldap|mysql|win|php)\d{1,5}[a-z]{0,8}\d{0,4}"
    rb"(?:[_.\-][\w.\-]*)?"
).fullmatch


_signed = re.compile(rb"(?=.*[a-z])(?=.*[A-Z])\w+[!@#$%^&*~?+]\w.*").fullmatch


SIGNS = b"_-~^&*+@#$%!"
_humps = re.compile(rb"[A-Z]?[a-z]+|[A-Z]+(?![a-z])").findall
LETTERS_IN_WORD = 4
"""No more letters of either case in a row are no words that a name is made of: `StreamEndToken` has 4.7, `svSorzqMBckD` 2.4."""


def wordless(text: bytes) -> bool:
    """Letters, a few signs aside, that make no words: neither together nor parted where their case changes."""
    letters = text.translate(None, SIGNS)
    if len(letters) < 10 or not letters.isalpha() or len(letters) > LETTERS_IN_WORD * len(_humps(text)):
        return False
    return letters != letters.lower() and not words.wordlike(text)


def password(text: bytes) -> bool:
    """A word behind the word password in a sentence that can be no word of it: letters and digits, or signs, or in no order."""
    text = words.spelled(text.rstrip(b".!?"))
    letters = sum([65 <= c <= 90 or 97 <= c <= 122 or c > 127 for c in text])
    digits = sum([48 <= c <= 57 for c in text])
    if letters < 2 or len(text) < 6 or text[:1] == b"/" or not (digits or _signed(text) or wordless(text)):
        return False
    return _hash_name(text) is None and words.password(text)


def code(text: bytes) -> bool:
    """As `password`, where a mark stands before it; or digits alone."""
    return (text.isdigit() and 6 <= len(text) <= 20) or password(text)


def argument(text: bytes) -> bool:
    """A password as an argument of a command: no word that would go on a sentence."""
    return words.password(text) and not (words.wordlike(text) and text.isalpha())


def netrc(text: bytes) -> bool:
    """A password in netrc: no word that would go on a sentence."""
    return words.password(text) and text[:1] not in b"({" and text not in (b"for", b"is", b"and", b"or")
