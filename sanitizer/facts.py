"""What wrappers say of records, redacted like everything else: a pod's name, Docker's attributes, a journal's fields."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import orjson

from sanitizer.redact import Redactor
from sanitizer.rows import Entry

HARMLESS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)\Z|stdout\Z|stderr\Z")
"""Values that differ from record to record, or stand in each, and hold nothing: times and streams."""

MOST_REMEMBERED = 4096


class Facts:
    """Redacts the facts of entries. The same facts come with every record of a lane, so what was seen is remembered."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self.known: dict[bytes, dict[str, object]] = {}

    def clean(self, entries: Sequence[Entry]) -> list[Entry]:
        """*entries* with clean facts."""
        told = [orjson.dumps(telling(entry.facts), default=str) if entry.facts else b"" for entry in entries]
        fresh = [text for text in dict.fromkeys(told) if text and text not in self.known]
        if fresh:
            if len(self.known) + len(fresh) > MOST_REMEMBERED:
                self.known.clear()
                fresh = [text for text in dict.fromkeys(told) if text]
            for text, redacted in zip(fresh, self.redactor.redact(fresh).lines, strict=True):
                self.known[text] = orjson.loads(redacted)
        return [
            entry._replace(facts={**harmless(entry.facts), **self.known[text]}) if text else entry
            for entry, text in zip(entries, told, strict=True)
        ]


def telling(facts: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in facts.items() if not (isinstance(value, str) and HARMLESS.match(value))}


def harmless(facts: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in facts.items() if isinstance(value, str) and HARMLESS.match(value)}
