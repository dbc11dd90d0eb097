"""What of a header's value is secret: the parameters of credentials, the values of cookies."""

from __future__ import annotations

import re

from sanitizer import patterns

PARAMETERS = patterns.lazy(rb"\w{1,32}=(?:\\*\x22[^\x22]{0,300}\x22|[^\s,\x22]{0,300}),[ ]*\w{1,32}=")
PARAMETER = patterns.lazy(
    rb"\b(?:signature|response|mac|hash|oauth_(?:signature|token)|token|password|sig|proof|secret)=\\*\x22?([^\s\x22,\\]{4,})", re.I
)
"""The parameters of an Authorization header (RFC 9110, section 11.4) that are secret."""

COOKIE = patterns.lazy(rb"(?<![^;,:=(\[\s\x22'])([^=;,(\[\s\x22']{1,128}+)=([^;=<&(){}\[\]\\\s\x22'][^;\s\x22']*)")
ATTRIBUTES = frozenset((b"path", b"domain", b"expires", b"max-age", b"samesite", b"priority", b"version"))
PART = patterns.lazy(rb"[^;\s][^;]*")
FLAG = patterns.lazy(rb"(?:httponly|secure|partitioned|(?:path|domain|expires|max-age|samesite|priority)=[^;]*)\s*", re.I)
"""A part of a header that is an attribute of the cookie before it."""
PREFERENCES = frozenset(b"theme lang language locale timezone tz color-scheme color_scheme color_mode".split())
PREFERENCE = patterns.lazy(rb"[A-Za-z]{1,12}(?:[\-_/][A-Za-z]{1,12}){0,2}")
"""Cookies that say how a page is shown, where their value is a word."""

LEAST = 3
"""Bytes of a cookie's value: what has fewer may be base64 with its padding."""

EXPIRED = patterns.lazy(rb"([^=;,\s\x22']{1,128})=(?:\x22\x22)?(?:;|$)")
"""A cookie without a value, as a server sets it that has it deleted."""

SETTING = patterns.lazy(
    rb"(?:enabled|disabled|accepted|rejected|required|secure|on|off|true|false|none), ?"
    rb"(?:samesite|secure|httponly|path|max-age)\b",
    re.I,
)
"""What is told of cookies, and not one: `cookies: enabled, SameSite=Lax`."""

Span = tuple[int, int]


def cookies(buffer: bytes, start: int, end: int) -> list[Span]:
    """The values of the cookies in a header (RFC 6265, section 4), or all of what does not look like cookies, but for attributes.

    A plain preference stays.
    """
    given = [one for one in COOKIE.finditer(buffer, start, end) if one[1].lower() not in ATTRIBUTES]
    if given and not (len(given[0][2]) < LEAST and is_random(given[0][1])):
        return [one.span(2) for one in given if one[1].lower() not in PREFERENCES or PREFERENCE.fullmatch(one[2]) is None]
    expired = EXPIRED.match(buffer, start, end)
    is_none = expired is not None and not is_random(expired[1])
    if is_none or SETTING.match(buffer, start, end):
        return []
    return [one.span() for one in PART.finditer(buffer, start, end) if FLAG.fullmatch(one[0]) is None]


def is_random(name: bytes) -> bool:
    """Whether *name* is none, but base64 before its padding."""
    from sanitizer.text.words import random  # noqa: PLC0415 - loaded with the first header whose cookies are in doubt

    return random(name)
