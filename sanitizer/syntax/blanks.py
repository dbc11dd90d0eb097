"""What stands in a value's place and is none: a constant, marks alone, a pattern, a template, a digest, the words of a help."""

from __future__ import annotations

import re

from sanitizer import patterns
from sanitizer.syntax import pairs, values
from sanitizer.text import masks

MARKS = b"\\\"'`{}[]()<>,;:=+"
"""What is made of them alone belongs to the text around it."""

OCTETS = patterns.lazy(rb"(?:[0-9A-Fa-f]{2}:){4}")
"""The beginning of a digest, as certificates print them: an octet of it may spell a name (`cc`)."""

FILE = b"/etc/passwd"
"""A file that is named after what has long been kept elsewhere."""

HELP = patterns.lazy(rb"[ ]+[a-z]+[ ](?=[a-z(])|[a-z]+[ ]{2,}(?=[A-Z])")
HELP_BEGINS = patterns.lazy(rb"(?:^|\n)[ ]{1,8}(?:-\w, )?$")
"""The words that tell of an option, and what stands before it: `  -W, --password    force a prompt`."""

RESOURCE = patterns.lazy(
    rb"[a-z]+(?:[\-.][a-z0-9]{1,12}){0,8}\\*[\x22'] (?:not found|is forbidden|already exists|does not exist|in namespace|of type|"
    rb"(?:created|deleted|configured|expired|revoked|rotated)\b)"
)
"""A secret of Kubernetes that a message names: `secret "db-tls" not found`."""

ASSERTED = (b"Assertion ", b"assertion ")
MASKED = (b"***'  ", b'***"  ')
"""The end of a value that is masked, and a gap before the next argument."""

OPTION_HELP = patterns.lazy(rb"[ ]{1,8}[A-Z][a-z]+,?[ ](?=[a-z(])")
"""What a list of options says of one of them: `--password: Use the environment`."""

PASSED = patterns.lazy(rb"--?[a-z]+(?:-[a-z]+)*[\x22'`]")
"""An option that is passed: `we pass "-subj" as an argument`."""

RESOURCES = frozenset((b"secret ", b"secrets", b"api key", b"key \x22"))
CLOSING = patterns.lazy(rb"[ ]\\*([\x22'])[ ]")

_MONOSPACE = (
    rb"\{\{(?=[^{}\s]{0,200}[0-9])"
    rb"(?:[^{}\s.|]{0,64}[!@#$%^&*~+?]|(?=[^{}\s]{0,200}[A-Z])(?=[^{}\s]{0,200}[a-z])[^{}\s._|]{16,512}\}\})"
)
"""A value as Jira sets it in monospace."""

TEMPLATE = patterns.lazy(rb"[ ]?[\x22']?(?!" + _MONOSPACE + rb")\{\{-? ?[$.\w][^{}\n\x22':]*\}\}")
"""What Helm and its kin put in the place of a value: `{{ .Values.apiKey | quote }}`."""

GENERIC = patterns.lazy(rb"[ ]?&?(?:\w{1,24}::){0,3}[A-Z][A-Za-z]{1,24}<[\w<>, :&'\[\]|]{1,80}>(?=[,;)}?]|[ ]?(?:\r?\n|$))")
"""A type with its parameters: `password: Option<String>,`."""

INSPECTED = patterns.lazy(
    rb"[ ]?\[(?:Circular(?: \*\d{1,4})?|(?:Async|Generator)?Function(?::[^\]\n]{0,120})?"
    rb"|(?:Getter|Setter)[^\]\n]{0,60}|class[^\]\n]{0,120})\]"
)
"""What Node prints for a value that is no data: `[Circular *1]`, `[Function: getKey]`."""

SIZE = patterns.lazy(rb"[ \t]*\d{1,7} (?:bytes|characters|chars|bits|B)(?![\w])")
"""How long a secret is, as `kubectl describe secret` tells it."""

TEST = patterns.lazy(
    rb"[ ](?:\S+(?=[ ]\(\d+\.\d+s\))|(?:Test|Benchmark|Example)[A-Z_][A-Za-z_]*(?:/\w+)?|test_[a-z_]+"
    rb"|[a-z][\w.\-]*(?:/[\w.\-]+)+\.[a-z]{1,4})"
    rb"(?=[ ,;\x22\\\r\n]|$)"
)
"""A test that has passed, as Go and Automake say it: its name, or its file."""

PROSE = patterns.lazy(
    rb"(?<![\x22'`])[A-Za-z_$][A-Za-z_.$]*(?:[ ](?=[A-Za-z(#{])|,(?=\r?\n))|(?:return|raise|yield|throw)[ ]"
    rb"|(?<=[\x22'])[a-z]{3,16}[\x22'][ ](?:is|was|has|must|should|does)[ ][a-z]"
)
"""A word that a sentence or a program goes on behind: `assertion: pipe it`, `SecretKey: envKey,`, `token: "response" is no`."""

AROUND = 256
"""Bytes before a name and behind its value in which other words may stand."""

LONGEST_NAME = 16
"""Letters of a name that stands in a list of names."""

VOCABULARY = patterns.lazy(rb"(?:(?P<quote>[\x22'])[A-Za-z_][\w\-]*(?P=quote),\s{0,40}){3,}(?P=quote)[A-Za-z_][\w\-]*(?P=quote)")
"""Words in quotes, one after the other."""
TOOLS = patterns.lazy(VOCABULARY.pattern.replace(b"{3,}", b"{2,}"))
WORDS = patterns.lazy(rb"[\w\-]+")

AUXILIARY = patterns.lazy(rb"(?:\b(?:not|to|will|would|can|could|should|must|may|did|does|we|you|they)|n't)[ ]\Z")
"""What a verb follows: `the change will pass ("be green")`."""

REQUIRED = patterns.lazy(
    rb"(?:[\x22']required|unrecognized_keys\\*[\x22'],\s{0,40}(?:\\n)?\s{0,40}\\*[\x22']keys)\\*[\x22']\s{0,4}:\s{0,4}\[[^\]]*\Z"
    rb"|(?:Unrecognized key(?:s|\(s\))(?: in object)?: |properties are not allowed \()"
    rb"(?:\\*[\x22'][\w.\-]{1,64}\\*[\x22'], ){0,16}\\*[\x22']\Z"
)
"""The names that a JSON Schema requires, as every tool's has; those that a validator of arguments does not know."""

ARN = patterns.lazy(rb"(?<![^\s\x22'=])arn:[\w:/.\-]*\Z")
"""The beginning of the name of a resource of AWS: `arn:aws:secretsmanager:eu-central-1:123456789012:secret:`."""

FRAME = patterns.lazy(rb"at [\w.$<>/\[\]]{1,300}[ ]?\(|from \S{1,300}:\d{1,7}:in ")
"""A frame of a stack."""

UNSEEN = patterns.lazy(rb"(?:\\+u(?:00ad|034f|180e|200[b-f]|202[a-e]|206[0-9a-f]|feff))+", re.I)
"""Escaped characters that format text, or join and part it."""


QUERY = patterns.lazy(rb"(?i:SELECT .{1,512} FROM|INSERT INTO [\w.]|DELETE FROM [\w.]|UPDATE [\w.\x22`]{1,64} SET) ?")
"""A statement of SQL, as a constant of a program has it; what is secret in it has a name there."""

METHOD = patterns.lazy(rb"\.[a-z_]{1,40}\(")
"""What a program calls of the string before it: `''.join(letters)`."""


def is_nothing(text: bytes) -> bool:
    """Whether *text* is a constant, marks or lines alone, unseen, a call, a frame of a stack, or a regular expression."""
    if text in values.CONSTANTS or not text.strip(MARKS) or (text[0] == 0x5C and UNSEEN.fullmatch(text)):
        return True
    if text.startswith((b"at ", b"from ")) and FRAME.match(text):
        return True
    if (text[0] == 0x2E and METHOD.match(text)) or (text[:1] in b"SIDU" and QUERY.match(text)):
        return True
    if text[0] == 0xE2 and masks.is_drawn(text, 0, len(text)):
        return True
    return (b"\\" in text or b"[" in text) and values.REGEX.search(text) is not None


def is_named(buffer: bytes, at: int, window: bytes, start: int) -> bool:
    """Whether what stands in quotes *at*, behind a name and a space, is what a sentence or a command goes on with."""
    if window.endswith((b" in ", b" key "), 0, start):
        return True  # the name of one: `set to the key 'password' in secret 'db-creds'`
    if window[start - 1 : start] == b"$" or window.startswith(ASSERTED, start):
        return True  # a variable, and another argument; what a program asserts
    if buffer[at] in b"/~" or (buffer[at] == 0x2D and PASSED.match(buffer, at)):
        return True  # a file, an option
    return RESOURCE.match(buffer, at) is not None and window[start : start + 7].lower() in RESOURCES


def is_helped(buffer: bytes, at: int, window: bytes, start: int) -> bool:
    """Whether what stands *at*, behind an option, tells what that is for, or is the next one behind a mask."""
    if window.endswith(MASKED):
        return True
    return bool(HELP.match(buffer, at - 1) or HELP.match(buffer, at)) and HELP_BEGINS.search(window, 0, start) is not None


def unanswered(buffer: bytes, at: int, window: bytes, start: int) -> bool:
    """Whether no value stands *at*, behind a colon: of a variable of a shell (`${KEY:?message}`), of a prompt in quotes,
    of a test that has passed, of a secret that is measured, of an option that is explained, of what is told by its type."""
    if buffer[at] == 0x3F:
        return window.endswith(b"${", 0, start)
    if window.startswith(b"PASS:", start):
        return TEST.match(buffer, at) is not None
    if (window.startswith(b"--", start) and OPTION_HELP.match(buffer, at)) or GENERIC.match(buffer, at):
        return True
    closing = CLOSING.match(buffer, at)
    return (closing is not None and window[start - 1 : start] == closing[1]) or SIZE.match(buffer, at) is not None


def is_listed(buffer: bytes, at: int, window: bytes, start: int) -> bool:
    """Whether what stands *at* is a template, no data, or of a package whose name the key is: `"node_modules/js-tokens": {`."""
    line = window.rfind(b"\n", 0, start) + 1
    return window.find(b"node_modules/", line, start) >= 0 or bool(TEMPLATE.match(buffer, at) or INSPECTED.match(buffer, at))


def is_verb(window: bytes, start: int) -> bool:
    """Whether the name that begins at *start* of *window* is what a sentence does."""
    return window[start : start + 5].lower() == b"pass " and AUXILIARY.search(window, 0, start) is not None


def is_vocabulary(buffer: bytes, key_at: int, span: values.Span) -> bool:
    """Whether the value at *span* is a word of a list of words in their order, or of tools, or a name that is required; the name at
    *key_at* is another."""
    if REQUIRED.search(buffer, max(0, key_at - AROUND), key_at):
        return True
    value = buffer[span[0] : span[1]]
    if not value.translate(None, b"_-").isalpha():
        return False
    if pairs.VERB.match(buffer, key_at) and (tools := _listed(TOOLS, buffer, key_at, span)):
        return sum(b"_" in tool or b"-" in tool for tool in tools) > 1
    names = _listed(VOCABULARY, buffer, key_at, span)
    return bool(names) and names == sorted(names)


def _listed(pattern: re.Pattern[bytes], buffer: bytes, key_at: int, span: values.Span) -> list[bytes]:
    """The words of the list of that *pattern* in which both the name at *key_at* and the value at *span* stand."""
    for listed in pattern.finditer(buffer, max(0, key_at - AROUND), span[1] + AROUND):
        if listed.start() < key_at and span[1] < listed.end():
            return WORDS.findall(listed[0].lower())
    return []


def is_word(text: bytes) -> bool:
    """Whether *text* is a short word in small letters, as names of columns and fields are that stand in a list."""
    return len(text) <= LONGEST_NAME and text.isalpha() and text.islower()
