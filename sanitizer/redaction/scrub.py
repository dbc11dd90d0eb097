"""Assembled records in, a clean batch out. Pure, and the one place where `Clean` is made of input.

    records ─▶ params → hash ─▶ redact ─▶ JSON or text ─▶ Clean

Fail closed: if anything at all goes wrong with a batch, its records are tried one by one, and one that fails alone is withheld:
a marker with the reason, its size and its keyed digest takes its place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from sanitizer.detection.exemptions import Exemptions
from sanitizer.detection.scan import Scanner
from sanitizer.hashing import Keyring
from sanitizer.model import Clean, CleanBatch, Envelope, Message
from sanitizer.protocol.calls import candidates, spoken_of, tells_of_call
from sanitizer.protocol.mcp import Exposure, Frame
from sanitizer.protocol.params import Mode, Params
from sanitizer.protocol.surroundings import FactPaths
from sanitizer.record import Assembled
from sanitizer.redaction import document, envelopes, terminal
from sanitizer.redaction.actions import replacements
from sanitizer.redaction.facts import Facts
from sanitizer.redaction.overlong import shortened
from sanitizer.redaction.redact import Redacted, Redactor, rows_of
from sanitizer.redaction.rows import Rows, framed, independent, logical, physical, singles, spans
from sanitizer.redaction.sightings import Sighting, Witness
from sanitizer.rulesets.database import Compiled

Format = Literal["ndjson", "raw"]
Event = Frame | Exposure

PERSONAL = frozenset(
    ("pii.toml", "blobs.toml", "mcp.toml", "network.toml", "geo.toml", "papers.toml", "national-ids.toml", "crypto-addresses.toml")
)
"""Rule files whose findings are no credentials."""


BARE, TOMBSTONE = Envelope(), Envelope(tombstone=True)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How records are written, and whether an audit trail is to be told of calls, with which facts, and of exposed credentials.

    Params are hashed by default, but in raw output, where they stay and are redacted.
    """

    format: Format = "ndjson"
    annotate: bool = False
    audit: bool = False
    params: Mode | None = None
    params_by_method: dict[str, Mode] = {}
    params_by_tool: dict[str, Mode] = {}
    plain_hash: bool = False
    facts: FactPaths | None = None


class Scrubber:
    """Scrubs batches with one rule set, one keyring and one set of options. A worker process makes its own."""

    def __init__(self, compiled: Compiled, keyring: Keyring, options: Options = Options()) -> None:  # noqa: B008 - frozen
        self.compiled = compiled
        self.digest = compiled.digest
        self.keyring = keyring
        self.options = options
        self.raw = options.format == "raw"
        exemptions = Exemptions(compiled.allow, compiled.rules) if compiled.allow else None
        self.redactor = Redactor(Scanner(compiled), replacements(compiled.rules, keyring), exemptions)
        self.facts = Facts(self.redactor)
        mode = options.params or ("sanitize" if self.raw else "hash")
        by_method, by_tool = options.params_by_method, options.params_by_tool
        self.params = Params(
            keyring,
            self.redactor.text,
            mode,
            by_method,
            by_tool,
            plain=options.plain_hash,
            tell=options.audit,
            facts=options.facts,
        )
        self.rewrites = mode != "sanitize" or bool(by_method or by_tool)
        self.credentials = [rule.file not in PERSONAL for rule in compiled.rules]
        self.observe: Callable[[Rows, Redacted], None] | None = None
        self.ids = [rule.id for rule in compiled.rules]
        self.kinds = [rule.label for rule in compiled.rules]
        clean, server = self.redactor.text, self.params.surroundings.server
        self.witness = Witness(self.ids, self.kinds, self.credentials, keyring.digest, clean, server)

    def scrub(self, assembled: Assembled, lane: str) -> CleanBatch:
        """Redact whole records. Never raises: what fails is withheld."""
        try:
            rows = physical(assembled) if self.raw else logical(assembled)
        except Exception:  # records that cannot be put together leave as lines, which are redacted all the same
            rows = physical(assembled)
        return self.batch(rows, lane, assembled.upto)

    def scrub_messages(self, messages: Sequence[Message], lane: str, upto: int) -> CleanBatch:
        """Redact records that their source framed: one for each message, in order, with its key and its headers."""
        batch = self.batch(framed(messages), lane, upto, whole=True)
        withheld = Counter(batch.withheld)
        batch.envelopes = self.envelopes(messages, withheld)
        batch.withheld = withheld
        return batch

    def envelopes(self, messages: Sequence[Message], withheld: Counter[str]) -> list[Envelope]:
        """Keys and headers of all *messages* together; where that fails, of each by itself, and what fails so too is *withheld*."""
        dressed = [message for message in messages if message.key is not None or message.headers]
        try:
            clean = iter(list(envelopes.redacted(dressed, self.redactor.texts))) if dressed else iter(())
        except Exception as fault:  # what cannot be redacted does not leave
            if len(messages) > 1:
                return [self.envelopes([message], withheld)[0] for message in messages]
            withheld[reason := reason_of(fault)] += 1
            return [Envelope(self.marker(reason, messages[0].key or b""), tombstone=messages[0].value is None)]
        made = []
        for message in messages:
            if message.key is None and not message.headers:
                made.append(TOMBSTONE if message.value is None else BARE)
                continue
            key, headers = next(clean)
            pairs = [(name, Clean(value)) for name, value in headers]
            made.append(Envelope(None if key is None else Clean(key), pairs, message.value is None))
        return made

    def batch(self, rows: Rows, lane: str, upto: int, *, whole: bool = False) -> CleanBatch:
        withheld: Counter[str] = Counter()
        counts: Counter[int] = Counter()
        frames: list[Event] = []
        try:
            records, offsets = self.records(rows, counts, frames, whole=whole)
        except Exception as fault:  # whatever it is, nothing of this batch may pass as it stands
            counts.clear()
            frames.clear()
            records, offsets = self.one_by_one(rows, fault, counts, frames, withheld, whole=whole)
        return CleanBatch(
            lane=lane,
            records=records,
            offsets=offsets,
            upto=upto,
            rules=self.digest,
            read=len(rows.entries) or len(rows.rows),
            findings={self.ids[rule]: count for rule, count in counts.items()},
            withheld=withheld,
            frames=frames,
        )

    def records(
        self, rows: Rows, counts: Counter[int], frames: list[Event], *, whole: bool = False
    ) -> tuple[list[Clean], list[int]]:
        audited = self.options.audit
        seen: list[Sighting] = []
        rewritten = self.without_params(rows, seen) if self.rewrites or audited else rows
        tall = [(entry.first, entry.height) for entry in rewritten.entries if entry.height > 1]
        redacted = self.redactor.redact(rewritten.rows, rewritten.joins, tall)
        at = rows_of(redacted.found, rewritten.rows) if redacted.found and (audited or self.options.annotate) else []
        if self.observe:
            self.observe(rewritten, redacted)
        if audited:
            frames += self.witness.frames(seen, redacted.found, at)
            frames += self.witness.exposures(rewritten.rows, seen, redacted, at)
        counts.update(redacted.counts)
        lines = redacted.lines
        for number, cut in rows.cuts.items():
            lines[number] = shortened(lines[number], cut)
        if self.raw and not whole:
            return terminal.tame_all(lines), rewritten.offsets
        if rewritten.entries:
            rewritten = rewritten._replace(entries=self.facts.clean(rewritten.entries))
        notes: dict[int, Counter[str]] = {}
        if self.options.annotate:
            for row, (_, _, rule) in zip(at, redacted.found, strict=True):
                notes.setdefault(row, Counter())[self.kinds[rule]] += 1
        return document.documents(lines, rewritten, notes, keep_blank=whole)

    def without_params(self, rows: Rows, seen: list[Sighting]) -> Rows:
        """The rows with the params of every call in them rewritten; a record of several rows is looked at whole."""
        told = self.options.audit
        texts: list[bytes] | None = None
        scanner = self.redactor.scanner
        signs = scanner.signs_of_frames if told else scanner.signs_of_calls
        for first, count, offset in spans(rows, candidates(rows.rows, signs)):
            text = rows.rows[first] if count == 1 else b"\n".join(rows.rows[first : first + count])
            if text.find(b"{") < 0 and not spoken_of(text) and not (told and tells_of_call(text)):
                continue
            written, found = self.params.rewrite(text)
            if found:
                seen += [Sighting(frame, range(first, first + count), offset) for frame in found]
            if written is not text:
                texts = texts if texts is not None else list(rows.rows)
                parts = written.split(b"\n") if count > 1 else []
                if not 0 < len(parts) <= count:
                    parts = [written.replace(b"\n", b" ")]
                texts[first : first + count] = parts + [b""] * (count - len(parts))
        return rows if texts is None else rows._replace(rows=texts)

    def one_by_one(
        self, rows: Rows, fault: Exception, counts: Counter[int], frames: list[Event], withheld: Counter[str], *, whole: bool
    ) -> tuple[list[Clean], list[int]]:
        """Each record by itself, or with those it may share a secret with; the ones that fail even so are withheld.

        If there is no other, *fault* says already why it fails.
        """
        records: list[Clean] = []
        offsets: list[int] = []
        parts = list(independent(rows))
        for part in parts:
            try:
                if len(parts) == 1:
                    raise fault
                clean, at = self.records(part, counts, frames, whole=whole)
            except Exception as why:  # what cannot be redacted does not leave
                reason = reason_of(why)
                clean = [self.marker(reason, b"\n".join(single.rows)) for single in singles(part)]
                at = part.offsets
                withheld[reason] += len(clean)
            records += clean
            offsets += at
        return records, offsets

    def marker(self, reason: str, text: bytes) -> Clean:
        """What takes the place of a withheld record."""
        digest = self.keyring.digest(text)
        if self.raw:
            return Clean(b"[withheld:%b] %d bytes, %b" % (reason.encode(), len(text), digest.encode()))
        return Clean(msgspec.json.encode({"withheld": reason, "size": len(text), "digest": digest}))


def reason_of(fault: Exception) -> str:
    """The kind of *fault*, and nothing of what it says: that may hold what could not be redacted."""
    return "".join(filter(str.isalpha, type(fault).__name__.lower()))[:32]
