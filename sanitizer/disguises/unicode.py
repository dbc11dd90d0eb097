"""Characters that look like, stand for, or hide between those of a plain text.

Two readings: `FOLD` takes every character for what it stands for (NFKC, digits of any script, dashes, spaces, quotes) and drops
what cannot be seen; `SKELETON` also drops combining marks and takes lookalikes of other scripts for the Latin letter, within
words that mix them. In the first, José keeps his accent and Иван his script, since addresses are written so.
"""

from __future__ import annotations

from unicodedata import category, digit, normalize

from sanitizer import patterns
from sanitizer.disguises.decoding import Span, Substitution, lines_with

# It begins with one set of bytes: a pattern that begins with a choice is tried in full at every byte.
_CHARACTER = rb"([\xc2-\xf4](?:(?<=[\xc2-\xdf])[\x80-\xbf]|(?<=[\xe0-\xef])[\x80-\xbf]{2}|(?<=[\xf0-\xf4])[\x80-\xbf]{3}))"
_ASCII = bytes(range(128))
_ASCII_IN_LINE = _ASCII.replace(b"\n", b"")
_BEYOND = b"\xff"
_BEYOND_ASCII = _ASCII + _BEYOND * 128


def _odd_lines(text: bytes) -> list[tuple[Span, str]]:
    """The lines of *text* that are not ASCII, each with its characters that are not."""
    if text.isascii():
        return []
    spans = lines_with(text.translate(_BEYOND_ASCII), (_BEYOND,))
    lines = b"\n".join([text[start:end] for start, end in spans])
    return list(zip(spans, lines.translate(None, _ASCII_IN_LINE).decode("utf-8", "ignore").split("\n"), strict=True))


# Format characters are Cf; these are seen no more than they are.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u2800\u3164\uffa0")
_STAND_FOR = {"\u2018": "'", "\u2019": "'", "\u201a": "'", "\u02bc": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"',
              "\u2212": "-", "\u00b7": ".", "\u3002": ".", "\u2026": "\u2026"}  # fmt: skip

_MARKS = ((0x300, 0x36F), (0x483, 0x489), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F))


def folded(character: str) -> str:
    """Return what *character* stands for: itself, for most; nothing, if it cannot be seen."""
    if character in _STAND_FOR:
        return _STAND_FOR[character]
    kind = category(character)
    if kind in ("Cf", "Me") or character in _BLANK or 0xFE00 <= ord(character) <= 0xFE0F or 0xE0100 <= ord(character) <= 0xE01EF:
        return ""
    if kind == "Nd":
        return str(digit(character))
    if kind == "Pd":
        return "-"
    if kind == "Zs":
        return " "
    plain = normalize("NFKC", character)
    # A composition that only says the same in other letters of its script is no disguise.
    return plain if plain[:1].isascii() and plain[:1] != " " else character


def _lookalikes() -> dict[str, str]:
    """Letters of other scripts, and odd ones of Latin, that are drawn like an ASCII one (of Unicode TR 39's confusables)."""
    table: dict[str, str] = {}
    for plain, alike in {
        "a": "аαɑᴀ", "b": "Ьʙᖯ", "c": "сϲᴄⅽ", "d": "ԁᴅ", "e": "еєᴇҽ", "f": "ꜰƒ", "g": "ɡցɢ", "h": "һհʜ", "i": "іιıɩɪ", "j": "јϳᴊ",
        "k": "кκᴋ", "l": "ӏⅼʟ", "m": "мᴍ", "n": "пոηɴ", "o": "оοσօᴏ", "p": "рρᴘ", "q": "ԛզ", "r": "гʀᴦ", "s": "ѕꜱ", "t": "тτᴛ",
        "u": "υսᴜ", "v": "ѵνᴠ", "w": "ԝѡωᴡ", "x": "хχ×", "y": "уγүʏ", "z": "ᴢʐ",
        "A": "АΑᎪ", "B": "ВΒᏴ", "C": "СϹᏟ", "D": "Ꭰ", "E": "ЕΕᎬ", "F": "Ϝ", "G": "ԌᏀ", "H": "НΗᎻ", "I": "ІΙӀ", "J": "ЈᎫ",
        "K": "КΚᏦ", "L": "Ꮮ", "M": "МΜᎷ", "N": "Ν", "O": "ОΟՕ", "P": "РΡᏢ", "S": "ЅՏᏚ", "T": "ТΤᎢ", "V": "Ѵ", "W": "ԜᎳ",
        "X": "ХΧ", "Y": "ҮΥᎩ", "Z": "ΖᏃ", "3": "ЗӠ", "-": "ー",
    }.items():  # fmt: skip
        table.update(dict.fromkeys(alike, plain))
    table.update({chr(0xE0000 + code): chr(code) for code in range(0x20, 0x7F)})  # tags: unseen, and read by machines
    for first in (0x1F150, 0x1F170, 0x1F1E6):  # negative circled and squared letters, regional indicators
        table.update({chr(first + index): chr(0x41 + index) for index in range(26)})
    return table


def _fold_unit(unit: bytes) -> bytes:
    try:
        return folded(unit.decode()).encode()
    except UnicodeDecodeError:
        return unit


class Fold(Substitution):
    """Every character is replaced by what it stands for."""

    def __init__(self) -> None:
        super().__init__((), _CHARACTER, _fold_unit)
        self._plain: set[str] = set()
        self._odd: set[str] = set()

    def lines(self, text: bytes) -> list[Span]:
        if not self.suspects(text):
            return []
        # Which of all its characters are odd is known now.
        return [span for span, beyond in _odd_lines(text) if not self._odd.isdisjoint(beyond)]

    def suspects(self, text: bytes) -> bool:
        # Of a text's few sorts of characters beyond ASCII, most have been seen before and stand for themselves.
        if text.isascii():
            return False
        characters = set(text.translate(None, _ASCII).decode("utf-8", "ignore")) - self._plain
        self._odd |= {character for character in characters - self._odd if folded(character) != character}
        self._plain |= characters - self._odd
        return not self._odd.isdisjoint(characters)


class Skeleton(Substitution):
    """Lookalikes are read as Latin and combining marks dropped, if a word mixes them with ASCII letters or digits."""

    def __init__(self) -> None:
        super().__init__((), _CHARACTER, self._unit)
        alike = _lookalikes()
        self._alike = {character: plain.encode() for character, plain in alike.items()}
        self._alike.update((chr(code), b"") for first, last in _MARKS for code in range(first, last + 1))
        beyond_bmp = "".join(
            character for character in alike if character > "\uffff" and not "\U0001f1e6" <= character <= "\U0001f1ff"
        )
        every, letters = "".join(self._alike), "".join(alike)
        self._mixed = patterns.lazy(
            rf"[{every}](?:(?<=[A-Za-z0-9].)|(?<=[{letters}])[A-Za-z0-9@]|(?<=[{beyond_bmp}])[{beyond_bmp}])",
        )

    def lines(self, text: bytes) -> list[Span]:
        told = [span for span, beyond in _odd_lines(text) if not self._alike.keys().isdisjoint(beyond)]
        return [(start, end) for start, end in told if self._mixed.search(text[start:end].decode("utf-8", "ignore"))]

    def suspects(self, text: bytes) -> bool:
        if text.isascii():
            return False
        beyond = text.translate(None, _ASCII).decode("utf-8", "ignore")
        return not self._alike.keys().isdisjoint(beyond) and self._mixed.search(text.decode("utf-8", "ignore")) is not None

    def _unit(self, unit: bytes) -> bytes:
        try:
            character = unit.decode()
        except UnicodeDecodeError:
            return unit
        alike = self._alike.get(character)
        return folded(character).encode() if alike is None else alike


FOLD = Fold()
SKELETON = Skeleton()
