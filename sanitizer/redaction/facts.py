"""What wrappers say of records, redacted like everything else: a pod's name, Docker's attributes, a journal's fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from sanitizer import patterns
from sanitizer.redaction.redact import Redactor
from sanitizer.redaction.rows import ENTRY, Entry

HARMLESS = patterns.lazy(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)\Z|stdout\Z|stderr\Z")
"""Values that differ from record to record, or stand in each, and hold nothing: times and streams."""

MOST_REMEMBERED = 4096


class Facts:
    """Redacts the facts of entries. The same facts come with every record of a lane, so what was seen is remembered."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self.known: dict[bytes, dict[str, object]] = {}

    def clean(self, entries: Sequence[Entry]) -> list[Entry]:
        """*entries* with clean facts."""
        stated = [number for number, entry in enumerate(entries) if entry[3]]
        parts = [apart(entries[number].facts) for number in stated]
        told = [orjson.dumps(telling, default=str) for _, telling in parts]
        fresh = [text for text in dict.fromkeys(told) if text not in self.known]
        if fresh:
            if len(self.known) + len(fresh) > MOST_REMEMBERED:
                self.known.clear()
                fresh = list(dict.fromkeys(told))
            for text, redacted in zip(fresh, self.redactor.redact(fresh).lines, strict=True):
                self.known[text] = orjson.loads(redacted)
        made = list(entries)
        for number, (harmless, _), text in zip(stated, parts, told, strict=True):
            first, height, offset, _facts, kind = entries[number]
            made[number] = ENTRY(Entry, (first, height, offset, {**harmless, **self.known[text]}, kind))
        return made


def apart(facts: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
    """The *facts* that hold nothing, and those that may."""
    harmless: dict[str, object] = {}
    telling: dict[str, object] = {}
    for name, value in facts.items():
        (harmless if isinstance(value, str) and HARMLESS.match(value) else telling)[name] = value
    return harmless, telling
