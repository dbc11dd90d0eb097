"""Redacted rows as JSON documents: a JSON object keeps its shape, any other text becomes the message of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import orjson

from sanitizer import fields, terminal
from sanitizer.model import Clean
from sanitizer.redact import all_json, is_json
from sanitizer.rows import Entry, Rows


def documents(
    lines: Sequence[bytes], rows: Rows, notes: Mapping[int, Counter[str]], *, keep_blank: bool = False
) -> tuple[list[Clean], list[int]]:
    """One JSON object for each record, and its offset. Blank records say nothing and are left out, unless *keep_blank*.

    *notes* are findings by kind for the rows that had any; they become the record's `redactions`.
    """
    if not rows.entries:
        return plain(lines, rows.offsets, notes)
    plainly = Plainly(lines)
    records: list[Clean] = []
    offsets: list[int] = []
    for entry in rows.entries:
        first, height, offset, facts, _ = entry
        text = lines[first] if height == 1 else b"\n".join(lines[first : first + height])
        if notes:
            found = sum((notes[row] for row in range(first, first + height) if row in notes), Counter())
            if found:
                facts = {**facts, "redactions": dict(sorted(found.items()))}
        if height == 1 and plainly.sure and text[:1] == b"{":
            records.append(plainly.document(text, facts))
        elif text.strip() or keep_blank:
            records.append(Clean(document(text, facts, entry)))
        else:
            continue
        offsets.append(offset)
    return records, offsets


def plain(lines: Sequence[bytes], offsets: Sequence[int], notes: Mapping[int, Counter[str]]) -> tuple[list[Clean], list[int]]:
    """The fast way: every row is a record without facts."""
    plainly = Plainly(lines)
    records: list[Clean] = []
    kept: list[int] = []
    for number, line in enumerate(lines):
        if plainly.sure and line[:1] == b"{" and number not in notes:
            records.append(plainly.document(line))
        elif line.strip():
            facts: dict[str, object] = {"redactions": dict(sorted(notes[number].items()))} if number in notes else {}
            records.append(Clean(document(line, facts)))
        else:
            continue
        kept.append(offsets[number])
    return records, kept


class Plainly:
    """Lines that are JSON objects already, looked at all together: `sure` that each that begins like one is one."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        objects = [line for line in lines if line[:1] == b"{"]
        self.sure = not objects or (all_json(objects) and utf8(objects))
        joined = b"".join(objects) if self.sure else b""
        self.tame = joined.isascii() and b"\x7f" not in joined

    def document(self, line: bytes, facts: Mapping[str, object] | None = None) -> Clean:
        """The object that *line* is, with those *facts* that it does not state itself."""
        whole = line if line[-1:] == b"}" else line.rstrip()
        if facts:
            whole = with_facts(whole, facts)
        return Clean(whole if self.tame and not facts else terminal.spell_bidi(whole))


def document(text: bytes, facts: Mapping[str, object], entry: Entry | None = None) -> bytes:
    """One record as a JSON object: *text* with *facts*; what the text says of itself goes before what its wrapper says."""
    stripped = text.strip()
    if stripped[:1] == b"{" and b"\n" not in stripped:
        if not utf8([stripped]):
            stripped = stripped.decode("utf-8", "replace").encode()
        if is_json(stripped):
            return terminal.spell_bidi(with_facts(stripped, facts))
    if stripped[:1] == b"{" and entry is not None and entry.kind == "json":
        joined = b" ".join(stripped.split(b"\n"))
        if is_json(joined):
            return terminal.spell_bidi(with_facts(orjson.dumps(orjson.loads(joined)) if utf8([joined]) else joined, facts))
    parsed = fields.parse_text(terminal.uncoloured(text))
    parsed.pop("json", None)  # a place in the line, for whoever reads the line
    return terminal.spell_bidi(orjson.dumps({**facts, **parsed}))


def with_facts(document: bytes, facts: Mapping[str, object]) -> bytes:
    """*document* (a JSON object) with those *facts* added that it does not state itself."""
    more = {name: value for name, value in facts.items() if b'"%b"' % name.encode() not in document}
    if not more:
        return document
    added = orjson.dumps(more)[1:]
    body = document[:-1].rstrip()
    return body + (b"" if body.endswith(b"{") else b",") + added


def utf8(lines: Sequence[bytes]) -> bool:
    joined = b"\n".join(lines)
    if joined.isascii():
        return True
    try:
        joined.decode()
    except UnicodeDecodeError:
        return False
    return True
