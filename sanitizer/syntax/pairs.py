"""Keys and values that stand apart: an object that names a key in one field and holds its value in another, the parts of a form,
and the commands that set a variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from sanitizer import patterns
from sanitizer.syntax import values
from sanitizer.syntax.below import typed
from sanitizer.syntax.nested import Span
from sanitizer.syntax.sqlrows import Verdict

REACH = 512
"""Bytes on either side of a key's name in which its value may stand."""

_FIELD = rb"\\*[\x22'`]?[ \t]{0,4}(?:=>|[:=])"
VALUE_FIELD = patterns.lazy(
    rb"(?<![\w.\-])\\*[\x22'`]?(?:value|val|v|values|content|data|secret|text|default|string_?value|"
    rb"plaintext|answer|response|initial|(?:attempted|invalid|rejected|actual)_?value)" + _FIELD,
    re.I,
)
CHANGED_FIELD = patterns.lazy(
    rb"(?<![\w.\-])\\*[\x22'`]?"
    rb"(?:(?:old|new|before|after|previous|prior|current|original)(?:_?(?:value|string|val))?|(?:from|to)_?(?:string|value))"
    + _FIELD,
    re.I,
)
"""The fields of what was changed, from what and to what (an audit log, a ticket's history)."""

FIELD_ENDS = b" \t=>:"
QUOTES = frozenset(b"\"'`")
PATH_MARKS = frozenset(b"/.#\"'")
NAMING = patterns.lazy(rb"[\w\x22'`](?P<level>\\*)(?P<quote>[\x22'`])?[ \t]{0,4}(?:=>|[:=])[ \t]{0,4}[bu]?\\*[\x22'`]?$")
"""What stands before a key that is itself the value of a field."""

LOGGER = patterns.lazy(rb"\b(?:logger|level|module|caller)\\*[\x22'`]?[ \t]{0,4}[:=][ \t]{0,4}\\*[\x22'`]?\Z")
"""Before a name that says where a record comes from: a server's `notifications/message` has its `data` beside that."""

LOCATED = patterns.lazy(
    rb"(?P<quote>[\x22']|\b)(?:path|loc|instancePath|dataPath|instance_path|property_?path|field_?path|pointer)(?P=quote)\s{0,4}:\s{0,4}"
    rb"(?:[\[(][^\[\](){}]{0,160}[\x22']|[\x22'](?:[\w.~\-]{0,40}[/.#]){1,8})$",
    re.I,
)
"""What stands before a key that ends the path to a value: of a JSON Patch (RFC 6902), of an error of a validator."""

PATH_WORDS, PATH_REACH = (b"path", b"loc", b"pointer"), 200
"""What one of the names there holds, and the bytes before a key that are looked at."""

LOCATED_VALUE = patterns.lazy(
    rb"(?<![\w.\-])(?:\\*[\x22'](?:value|input|input_?value|received|actual|from|to|old_?value|new_?value|current|given|instance|data)\\*[\x22']"
    rb"[ \t]{0,4}[:=]|(?:value|received|data):[ ])",
    re.I,
)
"""The fields in which such objects hold the value."""

QUOTED_BRACE = patterns.lazy(rb"[\x22'`\w ]\{(?<![:=,] \{)")
"""An object within a text, which is no part of the one around it."""

LISTED_LAST = patterns.lazy(rb"\s{1,40}\]")
"""Behind the last of a list over lines, as a path to a value is printed."""

PHRASE = patterns.lazy(rb"(?<=[\x22'])(?:\w{1,20} ){1,3}$")
"""The words of a name before its last, in quotes: `"title": "Root Password"`."""

BESIDE = patterns.lazy(rb"\n[ \t]+[^\s{}\[\]][^\n{}\[\]]*$")
"""A line of an object that is printed over lines."""

OTHER_LINE = patterns.lazy(rb"\n(?![ \t}\]])")
"""The end of the last line of an object."""

NESTED = patterns.lazy(rb"\s{0,16}[\[{]")
ITEM_NAME = patterns.lazy(
    rb"[\n\x22'`](?P<indent>[ \t]*(?P<dash>(?:- +)+)?)[\x22']?(?:name|key|variable|header)[\x22']?:[ \t]+[\x22']?$", re.I
)
FIRST_ITEM = patterns.lazy(rb"[ ](?:- )?[\x22']?(?:name|key|variable|header)[\x22']?:[ \t]+[\x22']?$", re.I)
"""The same behind what a logger writes before the first line of a text."""

ITEM_VALUE = patterns.lazy(rb"\n(?P<indent>[ \t]*(?P<dash>(?:- +)+)?)[\x22']?(?:value|val|content|data|secret)[\x22']?:", re.I)
"""The fields of an item of YAML that has a line for each."""

VERB = patterns.lazy(
    rb"(?!(?i:refresh|reset|verify|check)[_\-.]?(?i:token)\b)(?:get|set|reset|change|update|create|list|delete|rotate|generate|validate|verify|check|send|forgot|revoke|refresh|show|"
    rb"require|add|remove|make|issue|request|fetch|read|write|find|search)(?:[_\-.]|[A-Z])"
)
"""The names of tools and functions: `reset_password` has no value beside it."""

OPENED = patterns.lazy(rb"[^\n]*\x22: ?\x22")
"""What stands before a text that is the value of a line of JSON, whose line ends are read as such."""

HEADERS = patterns.lazy(
    rb"(?:;[ ]?[\w*]{1,20}=[^;\r\n\\]{0,200}){0,3}(?:(?:\r?\n|\\+r\\+n|\\+n)[\w\-]{1,40}:[^\r\n\\]{0,200}){0,4}"
    rb"(?:\r?\n|\\+r\\+n|\\+n){2}"
)
PART = patterns.lazy(rb"(?:(?!--)[^\r\n\\]|\\+(?![rn\\]))[^\r\n\\]{0,4096}")
VARIABLE = patterns.lazy(rb"(?:--?[\w\-]{1,20}[ ]){0,2}[\x22']?(?P<key>[\w./:\-]{1,128})[\x22']?[ \t]{1,8}(?![=\s])")

RANDOM = patterns.lazy(rb"[A-Za-z0-9._~+/=\-]{16,512}(?<![.])")


def beside(buffer: bytes, at: int, key: bytes, key_at: int) -> list[Span] | None:
    """The value of a pair, if *key* before *at* is a value itself (`{"name": "password", "value": ""}`); else None."""
    if buffer[key_at - 1] == 0x20 and (phrase := PHRASE.search(buffer, max(0, key_at - 64), key_at)) is not None:
        key_at = phrase.start()
    named = NAMING.search(buffer, max(0, key_at - 16), key_at)
    located = path_to(buffer, key_at) if buffer[key_at - 1] in PATH_MARKS else None
    if named is None and located is None:
        return None
    if VERB.match(key) or LOGGER.search(buffer, max(0, key_at - 24), key_at):
        return []
    field_of_value = LOCATED_VALUE if located else VALUE_FIELD
    name_at = min(found.start() for found in (named, located) if found)  # a text that the name stands in is no value of it
    opened = max(buffer.rfind(sign, max(0, key_at - REACH), key_at) for sign in (b"{", b"}", b"\n", b"["))
    for _ in range(4 if opened > 0 and buffer[opened] == 0x0A and buffer[opened + 1] in b" \t" else 0):
        if (line := BESIDE.search(buffer, max(0, key_at - REACH), opened)) is None:
            break
        opened = line.start()
    closed = buffer.find(b"}", at - 1, at + REACH)
    while located and closed > 0 and buffer.count(b"{", at, closed) > buffer.count(b"}", at, closed):
        closed = buffer.find(b"}", closed + 1, at + REACH)
    if closed < 0 or (buffer[opened] == 0x0A and buffer[opened + 1] not in b" \t"):
        # Only an object that is printed over lines goes on in the next one: its lines are indented.
        closed = buffer.find(b"\n", at, at + REACH)
    elif closed >= 0 and (other := OTHER_LINE.search(buffer, at, closed)) is not None:
        closed = other.start()
    if (brace := QUOTED_BRACE.search(buffer, at, max(at, closed))) is not None:
        closed = brace.start() + 1
    sides = (
        field_of_value.search(buffer, at - 1, closed if closed > 0 else at),
        field_of_value.search(buffer, max(opened, key_at - REACH, 0), key_at),
    )
    for field in sides:
        bare = located is not None and not located["quote"]
        if field is not None and not bare and (located or (named and named["quote"])) and not quoted_alike(field[0], named):
            continue  # a word of some text: where names are quoted, that of the value is, and in the same way
        if field is not None and (field.start() <= at + 2 or NESTED.match(buffer, field.end()) is None):
            return [span for span in values.value(buffer, field.end()) if span[1] <= name_at or span[0] >= at]
    return changed(buffer, at - 1, closed, named) if named else []


def path_to(buffer: bytes, at: int) -> re.Match[bytes] | None:
    """What stands before a key *at* which ends the path to a value."""
    near = buffer[max(0, at - PATH_REACH) : at].lower()
    return LOCATED.search(buffer, max(0, at - PATH_REACH), at) if any(word in near for word in PATH_WORDS) else None


def changed(buffer: bytes, at: int, end: int, named: re.Match[bytes]) -> list[Span]:
    """What the fields from *at* to *end* say that the *named* was changed from and to."""
    changes = islice(CHANGED_FIELD.finditer(buffer, at, max(at, end)), 4)
    alike = [change.end() for change in changes if not named["quote"] or quoted_alike(change[0], named)]
    return [span for start in alike if not NESTED.match(buffer, start) for span in values.value(buffer, start)]


def quoted_alike(field: bytes, named: re.Match[bytes] | None) -> bool:
    """Whether the name of a *field* is in quotes, and with as many backslashes as the name before it, if that one is *named*."""
    bare = field.lstrip(b"\\")
    if bare[0] not in QUOTES or bare.rstrip(FIELD_ENDS)[-1] not in QUOTES:
        return False
    return named is None or not named["quote"] or len(field) - len(bare) == len(named["level"])


def below(buffer: bytes, at: int, before: bytes, key_at: int) -> list[Span]:
    """The value to a key whose line ends before *at*, perhaps in escapes: of an item of YAML, or of a part of a form."""
    if buffer[at - 1] in b"\r\n":
        if LISTED_LAST.match(buffer, at - 1) and (found := beside(buffer, at - 1, before[key_at:], key_at)):
            return found
        line = buffer.rfind(b"\n", 0, key_at) + 1
        opened = OPENED.match(buffer, line, key_at)
        line = opened.end() if opened else line
        found = item(buffer, at - 1, key_at) or typed(buffer, at - 1, line, key_at)
        if found:
            return found
    return part(buffer, at - 2, before)


def item(buffer: bytes, at: int, key_at: int) -> list[Span]:
    """The value of an item of YAML whose name, at *key_at*, ends its line *at*: on the line below, or on the one before."""
    line = buffer.rfind(b"\n", 0, key_at)
    named = ITEM_NAME.search(buffer, line, key_at) if line >= 0 else None  # a text may begin with it
    if named is None:
        is_first = FIRST_ITEM.search(buffer, line + 1, key_at) is not None
        after = ITEM_VALUE.match(buffer, at + buffer.startswith(b"\r\n", at)) if is_first else None
        return values.value(buffer, after.end()) if after and not after["dash"] else []
    column = len(named["indent"])
    if named["dash"] is None:
        under = ITEM_VALUE.match(buffer, at + buffer.startswith(b"\r\n", at))
        if under and under["indent"] == named["indent"]:
            return values.value(buffer, under.end())
        before = ITEM_VALUE.match(buffer, max(0, buffer.rfind(b"\n", 0, line)))
        return values.value(buffer, before.end()) if before and before["dash"] and len(before["indent"]) == column else []
    after = ITEM_VALUE.match(buffer, at + buffer.startswith(b"\r\n", at))
    return values.value(buffer, after.end()) if after and not after["dash"] and len(after["indent"]) == column else []


def part(buffer: bytes, at: int, before: bytes) -> list[Span]:
    """The body of a part of a form (RFC 7578) whose name's closing quote stands before *at*, and *before* its first letter."""
    named = before.rstrip(b"\\\"'")[-5:].lower() == b"name="
    head = HEADERS.match(buffer, at) if named else None
    body = PART.match(buffer, head.end()) if head else None
    return [body.span()] if body else []


def variable(buffer: bytes, at: int, verdict: Verdict) -> Iterator[tuple[int, int, int]]:
    """What a command that ends at *at* (`setenv`, `ENV`, `config set`) sets a variable to, if a rule claims its name."""
    named = VARIABLE.match(buffer, at)
    rule = verdict(named["key"]) if named else -1
    if named and rule >= 0:
        for start, end in values.value(buffer, named.end()):
            yield start, end, rule


def behind(buffer: bytes, at: int, name: bytes) -> list[Span]:
    """A random string at *at*, right behind a *name* that nothing marks as a key: `newsapi KEY b6907d28...`."""
    from sanitizer.validators.token_checks import after_name  # noqa: PLC0415 - loaded with the first such name

    span = RANDOM.match(buffer, at)
    return [span.span()] if span and after_name(span[0], name) else []
