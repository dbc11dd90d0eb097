"""Redacted rows as JSON documents: a JSON object keeps its shape, any other text becomes the message of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

import orjson

from sanitizer.model import Clean
from sanitizer.records.textlog import parse_text
from sanitizer.redaction import terminal
from sanitizer.redaction.redact import all_json, is_json
from sanitizer.redaction.rows import Entry, Rows


def documents(
    lines: Sequence[bytes], rows: Rows, notes: Mapping[int, Counter[str]], *, keep_blank: bool = False
) -> tuple[list[Clean], list[int]]:
    """One JSON object for each record, and its offset. Blank records say nothing and are left out, unless *keep_blank*.

    *notes* are findings by kind for the rows that had any; they become the record's `redactions`.
    """
    if not rows.entries:
        return plain(lines, rows.offsets, notes, keep_blank=keep_blank)
    plainly = Plainly(lines)
    as_they_are, sure = plainly.as_they_are, plainly.sure
    records: list[Clean] = []
    offsets: list[int] = []
    for entry in rows.entries:
        first, height, offset, facts, _ = entry
        text = lines[first] if height == 1 else b"\n".join(lines[first : first + height])
        if notes:
            found = sum((notes[row] for row in range(first, first + height) if row in notes), Counter())
            if found:
                facts = {**facts, "redactions": dict(sorted(found.items()))}
        if height == 1 and sure and text[:1] == b"{":
            records.append(Clean(text if as_they_are and not facts and text[-1:] == b"}" else plainly.document(text, facts)))
        elif keep_blank or (text and not text.isspace()):
            records.append(Clean(document(text, facts, entry)))
        else:
            continue
        offsets.append(offset)
    return records, offsets


def plain(
    lines: Sequence[bytes], offsets: Sequence[int], notes: Mapping[int, Counter[str]], *, keep_blank: bool = False
) -> tuple[list[Clean], list[int]]:
    """The fast way: every row is a record without facts."""
    plainly = Plainly(lines)
    if plainly.nothing_else and not notes:
        return list(map(Clean, lines)), list(offsets)
    as_they_are, sure = plainly.as_they_are, plainly.sure
    records: list[Clean] = []
    kept: list[int] = []
    for number, line in enumerate(lines):
        if sure and line[:1] == b"{" and number not in notes:
            records.append(Clean(line if as_they_are and line[-1:] == b"}" else plainly.document(line)))
        elif keep_blank or (line and not line.isspace()):
            facts: dict[str, object] = {"redactions": dict(sorted(notes[number].items()))} if number in notes else {}
            records.append(Clean(document(line, facts)))
        else:
            continue
        kept.append(offsets[number])
    return records, kept


class Plainly:
    """Lines that are JSON objects already, looked at all together: `sure` that each that begins like one is one.

    `as_they_are`: and nothing in them needs to be spelled otherwise. `nothing_else`: and that goes for every line, to its end.
    """

    def __init__(self, lines: Sequence[bytes]) -> None:
        objects = [line for line in lines if line[:1] == b"{"]
        joined = b"\n".join(objects)
        is_ascii = joined.isascii()
        self.sure = not objects or (all_json(objects) and (is_ascii or utf8([joined])))
        self.as_they_are = self.sure and is_ascii and joined.find(b"\x7f") < 0
        ends = joined.count(b"}\n") + joined.endswith(b"}")  # JSON that is one line has no line feed in it
        self.nothing_else = self.as_they_are and ends == len(objects) == len(lines)

    def document(self, line: bytes, facts: Mapping[str, object] | None = None) -> bytes:
        """The object that *line* is, with those *facts* that it does not state itself."""
        whole = line if line[-1:] == b"}" else line.rstrip()
        if facts:
            whole = with_facts(whole, facts)
        return whole if self.as_they_are and not facts else terminal.spell_bidi(whole)


def document(text: bytes, facts: Mapping[str, object], entry: Entry | None = None) -> bytes:
    """One record as a JSON object: *text* with *facts*; what the text says of itself goes before what its wrapper says."""
    stripped = text.strip()
    if stripped[:1] != b"{":
        return message(text, facts)
    if stripped.find(b"\n") < 0:
        if not stripped.isascii() and not utf8([stripped]):
            stripped = stripped.decode("utf-8", "replace").encode()
        if is_json(stripped):
            return terminal.spell_bidi(with_facts(stripped, facts) if facts else stripped)
    elif entry is not None and entry.kind == "json":
        joined = b" ".join(stripped.split(b"\n"))
        if is_json(joined):
            return terminal.spell_bidi(with_facts(orjson.dumps(orjson.loads(joined)) if utf8([joined]) else joined, facts))
    return message(text, facts)


def message(text: bytes, facts: Mapping[str, object]) -> bytes:
    """One record that is no JSON: what its head says, and the rest as its message."""
    parsed = parse_text(terminal.uncoloured(text))
    return terminal.spell_bidi(orjson.dumps({**beside(facts, "timestamp" in parsed), **parsed} if facts else parsed))


def with_facts(document: bytes, facts: Mapping[str, object]) -> bytes:
    """*document* (a JSON object) with those *facts* added that it does not state itself."""
    unsaid = {name: value for name, value in facts.items() if document.find(quoted(name)) < 0}
    more = beside(unsaid, "timestamp" not in unsaid)
    if not more:
        return document
    added = orjson.dumps(more)[1:]
    body = document[:-1].rstrip()
    return b"%b%b%b" % (body, b"" if body[-1:] == b"{" else b",", added)


def beside(facts: Mapping[str, object], is_timed: bool) -> Mapping[str, object]:
    """*facts* beside what states its own time, if it does: how another was written says nothing of that."""
    return {name: value for name, value in facts.items() if name != "timestamp_text"} if is_timed else facts


@lru_cache(256)
def quoted(name: str) -> bytes:
    return b'"%b"' % name.encode()


def utf8(lines: Sequence[bytes]) -> bool:
    joined = b"\n".join(lines)
    if joined.isascii():
        return True
    try:
        joined.decode()
    except UnicodeDecodeError:
        return False
    return True
