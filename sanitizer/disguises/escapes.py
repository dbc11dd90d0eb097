"""Escapes that stand for a character or two: backslashes, `%40`, `&#64;`, and colour codes, which stand for none."""

from __future__ import annotations

from binascii import unhexlify

from sanitizer import patterns
from sanitizer.disguises.decoding import Span, Substitution, character, utf8
from sanitizer.text.masks import WALL

HEX_DIGIT = rb"[0-9A-Fa-f]"

# One backslash escape. High bytes are taken as a run, since only together are they UTF-8.
_ESCAPE = rb"""(\\(?:["\\/nrt]
    |u[dD][89abAB]H{2}\\u[dD][c-fC-F]H{2} | uH{4} | u\{H{1,6}\} | UH{8}
    |x[0-7]H | x[89a-fA-F]H(?:\\x[89a-fA-F]H)*
    |[01][0-7]{2} | [23][0-7]{2}(?:\\[23][0-7]{2})* | 0(?![0-9])
    |[bfe\x20!\#$%&'()*+,\-.:;<=>?@\[\]^_`{|}~]))""".replace(b"H", HEX_DIGIT)

_CONTROLS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"e": b"\x1b", b"0": b"\0"}


def _unescaped(unit: bytes) -> bytes:
    letter = unit[1:2]
    if len(unit) == 2:
        return _CONTROLS.get(letter, letter)
    if letter == b"x":
        return utf8(unhexlify(unit.replace(b"\\x", b"")))
    if letter in b"uU":
        codes = [int(code.strip(b"{}"), 16) for code in unit[2:].split(b"\\u")]
        if len(codes) == 2:
            return character(0x10000 + ((codes[0] - 0xD800) << 10) + (codes[1] - 0xDC00))
        return character(codes[0])
    return utf8(bytes(int(code, 8) for code in unit[1:].split(b"\\")))


class Escapes(Substitution):
    """Backslash escapes of JSON, Python, JavaScript, C and shells, and a backslash before punctuation; each once, left to right."""

    def __init__(self) -> None:
        super().__init__((b"\\",), rb"(?x)" + _ESCAPE, _unescaped)

    def _decoded(self, text: bytes) -> bytes:
        # Most lines hold nothing but these few, and a chain of replacements is five times as fast as a pattern. Pairs of
        # backslashes step aside for a byte that UTF-8 has not, so that what they stood for is not read twice.
        pairs = b"\\\\" in text
        decoded = text
        if pairs:
            if b"\xff" in text:
                return super()._decoded(text)
            decoded = text.replace(b"\\\\", b"\xff")
        decoded = decoded.replace(b'\\"', b'"').replace(b"\\n", b"\n")
        if b"\\" in decoded:
            decoded = super()._decoded(decoded)
        return decoded.replace(b"\xff", b"\\") if pairs else decoded


AGAIN = b"%25"
"""A sign of percent that is encoded itself."""


class Percent(Substitution):
    """Percent-encoding (RFC 3986, section 2.1) and the `%uXXXX` of old JavaScript."""

    def __init__(self) -> None:
        super().__init__(
            (b"%",),
            rb"((?!%[A-Z]{2,20}(?:_[A-Z]{2,20}){1,4}%)%(?:[0-7]H|[89A-Fa-f]H(?:%[89A-Fa-f]H)*|uH{4}))".replace(b"H", HEX_DIGIT),
            _percent_decoded,  # ... but for a variable of Windows: %DB_USER%
            gate=rb"%(?:[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})",
        )
        self._run = patterns.lazy(rb"(%H{2}(?:%H{2})+)".replace(b"H", HEX_DIGIT))
        self._whole = patterns.lazy(
            rb"(%(?:[0-7]H|[CDcd]HT|[Ee]HTT|[Ff]HTTT|uH{4}))".replace(b"T", rb"%[89ABab]H").replace(b"H", HEX_DIGIT)
        )
        """Whole characters: where signs of percent are encoded, too, the rest of one may be, and shows in the next view."""

    def split(self, text: bytes) -> tuple[list[bytes], list[bytes]]:
        if AGAIN not in text:
            return super().split(text)
        plain: list[bytes] = [b""]
        for number, line in enumerate(text.split(b"\n")):
            pieces = (self._whole if AGAIN in line else self._pattern).split(line)
            plain[-1] += b"\n" * (number > 0) + pieces[0]
            plain += pieces[1:]
        decoded = plain.copy()
        decoded[1::2] = map(self._units.__getitem__, plain[1::2])
        return plain, decoded

    def _decoded(self, text: bytes) -> bytes:
        if AGAIN in text:
            return b"".join(self.split(text)[1])
        # A line of nothing else is decoded a run at a time.
        pieces = self._run.split(text)
        if len(pieces) > 1:
            pieces[::2] = map(super()._decoded, pieces[::2])
            pieces[1::2] = map(self._run_decoded, pieces[1::2])
            return b"".join(pieces)
        return super()._decoded(text)

    @staticmethod
    def _run_decoded(run: bytes) -> bytes:
        return utf8(unhexlify(run.replace(b"%", b"")))


def _percent_decoded(unit: bytes) -> bytes:
    return character(int(unit[2:], 16)) if unit[1:2] == b"u" else utf8(unhexlify(unit.replace(b"%", b"")))


class Form(Substitution):
    """Percent-encoding where `+` is a space: the values of a query or a form."""

    def __init__(self) -> None:
        super().__init__(
            (b"+",),
            rb"(%(?:[0-7]H|[89A-Fa-f]H(?:%[89A-Fa-f]H)*|uH{4})|\+)".replace(b"H", HEX_DIGIT),
            lambda unit: b" " if unit == b"+" else _percent_decoded(unit),
            gate=rb"=[^\s?&=\"'<>+]*+\+",
        )

    def suspects(self, text: bytes) -> bool:
        return any(sign in text for sign in IN_FORMS) and super().suspects(text)

    def lines(self, text: bytes) -> list[Span]:
        return super().lines(text) if any(sign in text for sign in IN_FORMS) else []


IN_FORMS = (b"&", b"?", b"%22")
"""One of these is in a query or a form of more than one word: what is between its fields, before it, a quote of JSON in it."""


_CONTROL_ENTITY = patterns.lazy(rb"&#(?:0*27|[xX]0*1[bB]);?")


def _entity(unit: bytes) -> bytes:
    from html import unescape  # noqa: PLC0415  # the table of names is needed by few lines

    if _CONTROL_ENTITY.fullmatch(unit):
        return b"\x1b"  # that library leaves it out
    return unescape(unit.decode() if unit.endswith(b";") else unit.decode() + ";").encode("utf-8", "replace")


def _nothing(unit: bytes) -> bytes:
    del unit
    return b""


ESCAPES = Escapes()
PERCENT = Percent()
FORM = Form()

# Numbers with or without the semicolon, names with it: `?a=1&copy=2` is no entity.
ENTITIES = Substitution(
    (b"&",),
    rb"(&(?:#[0-9]{1,8};?|#[xX]H{1,7};?|[A-Za-z][A-Za-z0-9]{1,30};))".replace(b"H", HEX_DIGIT),
    _entity,
    gate=rb"&(?:#[0-9xX]|[A-Za-z][A-Za-z0-9]{1,30};)",
)

# A quote within the quotes of a shell: POSIX, XCU 2.2.2 has no escape there, so the string is left for it, in either way.
SHELL_QUOTES = Substitution((b"'",), rb"('(?:\\{1,32}'|\"'\")')", lambda _unit: b"'", gate=rb"'(?:\\{1,32}'|\"'\")'")

# A quote twice within a string is one: of SQL (ISO 9075-2, 5.3) and in cells of CSV (RFC 4180, section 2).
_BEFORE, _BEHIND = rb"[=:>(,{\[ ]", rb"[0-9A-Za-z_+/.$~!-]"
SQL_QUOTES = Substitution(
    (b"''",),
    b"('')",
    lambda _unit: b"'",
    gate=rb"%b''(?:%b|(?:'')?\\)" % (_BEFORE, _BEHIND),
    anchors=(_BEFORE + b"''" + _BEHIND, _BEFORE + rb"''\\", _BEFORE + rb"''''\\"),
)
CSV_QUOTES = Substitution(
    (b'""',), b'("")', lambda _unit: b'"', gate=_BEFORE + b'""' + _BEHIND, anchors=(_BEFORE + b'""' + _BEHIND,)
)

# A character that a backspace takes back: noise, or what is struck twice to look bold.
OVERSTRUCK = Substitution((b"\b",), rb"((?:[^\n\x08\x80-\xff]|[\xc2-\xf4][\x80-\xbf]{1,3})\x08)", _nothing)

# ECMA-48 control sequences and strings, other controls; and in the same line, sequences whose escape byte was dropped or spelled,
# but for `[m` before a word, which may be a bracket and the first letter in it. One that another interrupts is whole in the next
# view. No wall ends one. A NUL before another variable of an environment stays.
CONTROLS = Substitution(
    (b"\x1b", b"\0", b"\b", b"^[[", b"#033["),
    rb"((?:(?:\x1b\[?){3,64}(?=\x1b)"
    rb"|\x1b(?!\[?[0-9;:]{0,24}\x1b)(?:\[[0-?]{0,64}[!-/]{0,8}(?!WALL)[@-\[\]-~]|\][^\x07\x1b\n]{0,2048}(?:\x07|\x1b\\)|[!-/]{0,8}(?!WALL)[0-~]|)"
    rb"|\0(?![A-Za-z_]\w{1,64}=)|[\x01-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]|(?:\xc2\x9b|\^\[\[|\#033\[)[0-9;:]{0,24}m"
    rb"|\[(?:[0-9;:]{1,24}m|m(?![\w&%=\\]))){1,64})"
    .replace(b"WALL", WALL.pattern),
    _nothing,
)
