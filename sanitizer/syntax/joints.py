"""What joins a key and its value, but for a colon and an equals sign: commas, arrows, brackets, cells of a table, spaces.

Given is a buffer, the place after the joining *mark*, the *window* before that place, and where in it the key starts; the answer is
the spans of the value.
"""

from __future__ import annotations

from sanitizer import patterns
from sanitizer.disguises.bytelists import material
from sanitizer.syntax import arrays, below, blanks, columns, markup, pairs, values

CELL = patterns.lazy(rb"[ \t]*((?:[^|\r\n\xe2]|\xe2(?!\x94[\x82\x83\x86]))*?)[ \t]*(?=\||\xe2\x94|\r|\n|$)")
PROCESS = patterns.lazy(rb"(?:^|\n)\d{1,4}\|\Z")
"""Before the name of a process, as pm2 puts both before each of its lines: `0|crm-api  | started`."""

BAR = patterns.lazy(rb"[ \t]*(?:\||\xe2\x94[\x82\x83\x86])")
ROW = patterns.lazy(rb"[ ]*(?=[^\s]*[0-9!@#$%^&*~+?])([^\s|=:]\S*)[ ]*(?=\r?\n)")
"""A word that is all of its line, but for the name before it and spaces that align it."""

LEADER = patterns.lazy(rb"\.*[ ]+(?=[^\s]*[0-9!@#$%^&*~+?])([^\s.]\S{3,512})(?=[ \t]*\r?\n)")
"""The value at the end of a line of dots."""

DOTTED = patterns.lazy(rb"\.{0,128}[ ]{0,4}[:=](?![:=])")
"""Dots that lead to a colon."""

REGISTRY = patterns.lazy(rb"[ \t]*REG_(?:SZ|EXPAND_SZ|MULTI_SZ)[ \t]+([^\r\n]+)")
"""The type of a value in what `reg query` prints, and the value."""

ATTRIBUTE = patterns.lazy(
    rb"(?:(?!value\b|content\b)[\w:.\-]{1,40}=([\x22'])[^\x22'<>\n]{0,80}\1[ ]){0,6}"
    rb"(?:(?:value|content|a\d{1,3})[ ]?=|with (?:value )?(?=[\x22']))"
)
"""What may stand between the name in one attribute and its value in another; the words of a sentence."""

SETTING = patterns.lazy(rb"(?:[\w:.\-]{1,40}=[\x22'][^\x22'<>\n]{0,80}[\x22'][ ]?){1,4}>\s{0,40}<value>([^<>\r\n]+)</value>")
"""A setting of .NET, whose value is an element of its own."""

BLOCK_DEFAULT = patterns.lazy(
    rb"\{(?:(?:\r?\n[ \t]+(?!default\b|value\b)\w{1,20}[ \t]*=[^\n]{0,200}){0,4}\r?\n)?[ \t]+(?:default|value)[ \t]*="
)
"""The block of a variable or an output of HCL, to its value."""

ATOM_NEXT = patterns.lazy(rb"[ \t]*[Vv]alue:[ ]?(?=[bu]?[\x22'`]|(?-i:[^\s,]{0,64}[0-9!@#$%^&*~+?]))")
PAIRED = patterns.lazy(
    rb"((?=[^\s,()\[\]]*[0-9])(?=[^\s,()\[\]]*[A-Za-z])"
    rb"(?=[^\s,()\[\]]{0,64}[!@#$%^&*~+?-]|[A-Za-z0-9_/+=]{20})[^\s,()\[\]\x22'`<>]{6,512})[)\]]"
)
"""The second of a pair in brackets, as .NET and Kotlin print the entry of a map."""

FURTHER = patterns.lazy(rb"N?([\x22'])[^\x22'\n]{1,128}\1, ?N?[\x22']")
"""A first argument, and another one."""

GETTER = patterns.lazy(rb"(?i:get|fetch|read)_?(?i:password|passphrase|secret|credential|api_?key)s?\(\Z")
"""What gives a secret, and takes the name of one."""

NOTED = patterns.lazy(
    rb"(?!str|bytes|int|bool|float|opt|req|any|def|obj|dict|list)[A-Za-z][\w ./\-]{0,24}\)(?:\\*[\x22'`])?[ \t]*"
    rb"(?:=(?![=>])|:(?=[ ]?[\x22'`]?[^\s\x22'`]{0,64}[0-9!@#$%^&*~+?]|[ ]?\r?\n))"
)
"""A note on a key: `db_password (prod)=`."""

ARGUMENT = patterns.lazy(
    rb"(?![A-Z]{2,10}-\d{1,6}\))((?=[^\s()]*[0-9])(?=[^\s()]*[A-Za-z])(?=[^\s()]{0,64}[!@#$%^&*~+?-])(?![^\s()]*(?:=[^=)]|[,:.\[{]))[^\s()\x22'`<>]{8,64})\)(?=[\s.,;\x22'\\]|$)"
)
"""A value in parentheses that has letters, digits and signs, and is no ticket: `(SEP-2350)`."""

BRACED = patterns.lazy(
    rb"((?=[^\s{}]*[0-9])(?=[^\s{}]*[A-Za-z])(?=[^\s{}]{0,64}[!@#$%^&*~+?-]|[A-Za-z0-9]{16,}\})(?![^\s{}]*[=,:.\[{])[^\s{}\x22'`<>]{8,128})\}"
    rb"(?=[\s.,;\x22'\\]|$)"
)
"""A value in braces that has them, or is long."""

VARIANT = patterns.lazy(rb"[ ]?QVariant\(\w{1,20},[ ]?(?=\x22)")
"""What Qt prints around a value."""
COMMA_CELL = patterns.lazy(rb"(?!\s)(?:[^,()\r\n\\]|\\(?![nr]))+")
OPTION = patterns.lazy(rb" ((?!-)[^\s,\[\]]{1,512}(?:'[^\s,\[\]]{1,256})?)(?=[,\]])")
"""The argument behind an option, in a list as Java prints it."""

STREAMED = patterns.lazy(rb" ?(?P<quote>[\x22'])(?=[^\x22'\n]{0,64}[0-9!@#$%^&*~+?])(?P<text>[^\x22'\n]{4,4096})(?P=quote)\]")
"""The value behind the path to it, as jq streams both: `[["password"],"hunter2!"]`."""

TAB_CELL = patterns.lazy(rb"[^\t\r\n]+")
LINE_ENDS = patterns.lazy(rb"[ \t]*\r?\n")
QUOTE_NEXT = patterns.lazy(rb"[ \t]*(?:<<)?[bBuUrRNn]?\\*[\x22'`\[]")
KEY_FOLLOWS = patterns.lazy(rb"\\*[\x22'`]?[ \t]*(?::|=>?)")
JOINED = patterns.lazy(rb"[ \t]{0,16}(?:=>|:=|[:=](?![:=]))")
_WORD = rb"(?:[^\s\x22'`]|(?<=\w)'(?=\w))*"
TELLING = patterns.lazy(rb"[ \t]{0,9}[\x22'`]?" + _WORD + rb"[0-9!@#$%^&*~+?_-]" + _WORD)
BINARY = patterns.lazy(rb">[ \t]*(?:=>|,)[ \t]*(?=<<)")
"""Between a key and a value that are binaries of Erlang."""

OUTER_ENDS = patterns.lazy(rb"\\*\x22\s*[,:}\]]")
ROW_ENDS = patterns.lazy(OUTER_ENDS.pattern + rb"|\s*\\+[nr]")
VISIBILITY = patterns.lazy(rb"(?:\\*\x22?[\w\\]{1,80}\\*\x22?:)?(?:protected|private)\] ?=>")
"""What PHP prints between the name of a property that is not public and its value."""

BECOMES = patterns.lazy(rb"(?: (?:was|is|has been))? (?:set|changed|updated|rotated|reset) to [\x22'`]?\Z")
"""What a sentence says of a value that takes the place of another: `password was changed to `."""

DASHES = (b" \xe2\x80\x93 ", b" \xe2\x80\x94 ", b" \xe2\x80\xa2 ")
DASHED = patterns.lazy(rb"[\x22'`]?(?=[^\s\x22'`]*[0-9!@#$%^&*])[^\s\x22'`]{5}")
"""Signs of prose between a name and its value, and what tells that it is one."""

LETTERS = patterns.lazy(rb"[ \t]{0,9}([A-Za-z]{16,256})(?![\w.(:=])")

PROPERTY = patterns.lazy(rb"[ \t]*get;[^{}\n]{0,40}\}[ \t]*=")
"""Between a property of C# and its value."""


def behind(  # noqa: PLR0912 - one branch for each mark
    buffer: bytes, at: int, mark: int, window: bytes, start: int
) -> list[values.Span]:
    """The spans of the value behind any *mark*."""
    if mark == 0x2C:
        return after_comma(buffer, at, window, start)
    if (mark == 0x3E and window[-2:-1] in b"-=~") or mark in b"\x86\x87":
        at += mark != 0x3E
        is_told = bool(QUOTE_NEXT.match(buffer, at) or TELLING.match(buffer, at) or LINE_ENDS.match(buffer, at))
        is_told = is_told or is_jumble(buffer, at)
        return values.value(buffer, at) if is_told else []
    if mark == 0x3E and (binary := BINARY.match(buffer, at)):
        return values.value(buffer, binary.end())
    if mark == 0x7B:
        property_ = PROPERTY.match(buffer, at) or BLOCK_DEFAULT.match(buffer, at - 1)
        if property_ is not None:
            return values.value(buffer, property_.end())
        braced = BRACED.match(buffer, at)
        return [braced.span(1)] if braced else material(buffer, at - 1)
    if mark == 0x3C and buffer.startswith(b"-", at):
        return values.value(buffer, at + 1)
    if mark in b"<>":
        return markup.text(buffer, at, mark, window, start)
    if mark == 0x28:
        name_at = max(start, window.rfind(b".", start) + 1)
        if GETTER.match(window, name_at) or (FURTHER.match(buffer, at) and pairs.VERB.match(window, name_at)):
            return []  # whose it is: `get_password('crm', 'bob')`, `set_password('bob', 'x')`
        atom = ATOM_NEXT.match(buffer, at)
        if (noted := NOTED.match(buffer, at) or ARGUMENT.match(buffer, at)) is not None:
            return [noted.span(1)] if noted.lastindex else values.value(buffer, noted.end())
        return values.value(buffer, atom.end() if atom else at) if atom or QUOTE_NEXT.match(buffer, at) else []
    if mark == 0x3B:
        serialized = values.SERIALIZED.match(buffer, at)
        return values.value(buffer, serialized.end()) if serialized else pairs.part(buffer, at - 1, window[:start])
    if mark == 0x7C:
        return values.value(buffer, at + 1) if buffer[at] == 0x3D else bar(buffer, at, window[:start])
    if mark == 0x2E:
        if (colon := DOTTED.match(buffer, at)) is not None:
            return values.value(buffer, colon.end())
        led = LEADER.match(buffer, at)
        return [led.span(1)] if led else []
    if mark == 0x94:
        barred = BAR.match(buffer, at - 2)
        return bar(buffer, barred.end(), window[:start]) if barred else []
    if mark == 0x7D:
        return pairs.beside(buffer, at, window[start:], at - len(window) + start) or []
    if mark in b"\r\n" and window[-2:-1] in b"\x22'" and (listed := arrays.cells(buffer, at - len(window) + start, at)):
        return listed
    if mark in b" \t\0":
        return after_space(buffer, at, mark, window, start)
    if mark in b"\x22'":
        before = window[start - 1 : start]
        if blanks.is_named(buffer, at, window, start):
            return []
        told = TELLING.match(buffer, at - 1)
        dotted = window.endswith(b' . "')
        return values.value(buffer, at - 1) if before == b":" or dotted or (told and before in b" \t\n(/") else []
    return pairs.below(buffer, at, window[:start], at - len(window) + start) if mark in b"\r\nrn" else []


def bar(buffer: bytes, at: int, before: bytes) -> list[values.Span]:
    """The cell behind a bar that ends *at*, if *before* the key there is one, too, or if the cell tells; and no next command."""
    cell = CELL.match(buffer, at)
    if cell is None or cell[1][:1] in (b"", b"\\") or columns.COMMAND.match(cell[1]):
        return []
    if buffer[at - 2] == 0x20 and PROCESS.search(before):
        return []
    ended = ROW_ENDS.search(buffer, cell.start(1), cell.end(1)) if b'"' in before else None
    span = columns.trimmed(buffer, cell.start(1), ended.start() if ended else cell.end(1))  # a table may stand in a string
    is_row = before.rstrip(b" \t\x22'").endswith((b"|", b"\xe2\x94\x82", b"\xe2\x94\x83"))
    return [span] if span[0] < span[1] and (is_row or TELLING.fullmatch(buffer, *span)) else []


def attribute(buffer: bytes, at: int) -> list[values.Span]:
    """The value behind a name in quotes that a space and what is *at* follow."""
    if buffer[at] in b"\x22'":
        return values.value(buffer, at) if TELLING.match(buffer, at) else []
    if (found := ATTRIBUTE.match(buffer, at)) is not None:
        return values.value(buffer, found.end())
    setting = SETTING.match(buffer, at)
    return [setting.span(1)] if setting else []


def after_space(buffer: bytes, at: int, mark: int, window: bytes, start: int) -> list[values.Span]:
    if window.endswith(b"; "):
        return pairs.part(buffer, at - 2, window[:start])
    if pairs.LISTED_LAST.match(buffer, at - 1):
        return pairs.beside(buffer, at, window[start:], at - len(window) + start) or []
    if mark == 0x20 and window[start] != 0x2D and window[-2:-1] not in b" \t":
        return []  # a word and a space: only behind the sign of an option that means something
    joined = JOINED.match(buffer, at)
    if joined:
        return values.value(buffer, joined.end())
    if (barred := BAR.match(buffer, at)) is not None:
        return bar(buffer, barred.end(), window[:start])
    if buffer.find(b"REG_", at, at + 24) >= 0 and (kept := REGISTRY.match(buffer, at)) is not None:
        return [kept.span(1)]
    if window[start] == 0x2D and window[max(0, start - 1) : start] in b" \t\n\0\"'-,[:" and buffer[at : at + 1] not in b"-":
        return [] if blanks.is_helped(buffer, at, window, start) else values.value(buffer, at)
    if window[max(0, start - 1) : start] == b"\n" and (row := ROW.match(buffer, at)) is not None:
        return [row.span(1)]
    if mark == 0x09 and window[max(0, start - 1) : start] in (b"\n", b"\t") and (cell := TAB_CELL.match(buffer, at)):
        return [cell.span()] if TELLING.match(cell[0]) else []
    return []


def is_jumble(buffer: bytes, at: int) -> bool:
    """Whether letters alone stand there that no name has."""
    from sanitizer.text.words import jumbled  # noqa: PLC0415 - loaded with the first value that may be one

    letters = LETTERS.match(buffer, at)
    return letters is not None and jumbled(letters[1])


def after_comma(buffer: bytes, at: int, window: bytes, start: int) -> list[values.Span]:
    if buffer[at] in b"\r\n " and window[-2:-1] in b"\"'":
        beneath = below.argument(buffer, at, window[start:])
        if beneath:
            return beneath
    if (atom := ATOM_NEXT.match(buffer, at)) is not None:
        return values.value(buffer, atom.end())
    key_at = at - len(window) + start
    paired = pairs.beside(buffer, at, window[start:], key_at)
    if paired is not None:
        return paired
    if window[start - 1 : start] in (b'"', b"'", b" ") and (listed_below := arrays.cells(buffer, key_at, at)):
        return listed_below
    if (variant := VARIANT.match(buffer, at)) is not None:
        return values.value(buffer, variant.end())
    if window.endswith((b'"],', b"'],")) and (streamed := STREAMED.match(buffer, at)) is not None:
        return [streamed.span("text")]
    quoted = window[-2:-1] in b"\"'`" or window.rstrip(b" ,")[-1:] in b"\"'`"
    opened = window[max(0, start - 1) : start]
    if (quoted or opened in b"{(" or window.endswith(b"[:", 0, start)) and QUOTE_NEXT.match(buffer, at):
        found = values.value(buffer, at)
        last = found[-1][1] if found else at
        listed = window[max(0, start - 2) : start] in (b'["', b"['")
        if KEY_FOLLOWS.match(buffer, last) or (listed and found and columns.TELLING.match(buffer, found[0][0], last) is None):
            return []
        return found
    if opened in b" [" and window.startswith(b"--", start) and (option := OPTION.match(buffer, at)) is not None:
        return [option.span(1)]
    if not quoted and opened in b"([" and window[max(0, start - 2) : start - 1] in (b"", b" ", b"(", b"[", b"{", b"\n", b","):
        pair = PAIRED.match(buffer, at + (buffer[at] == 0x20))
        return [pair.span(1)] if pair else []
    cell = COMMA_CELL.match(buffer, at)
    if not quoted and cell and opened in (b",", b"\t", b";") and TELLING.match(cell[0]):
        ended = OUTER_ENDS.search(buffer, at, cell.end())
        return [(at, ended.start() if ended else cell.end())]
    return []
