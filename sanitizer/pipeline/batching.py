"""Joining, picking and splitting clean batches; nothing here looks into a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter

from sanitizer.model import Batch, Clean, CleanBatch, Envelope


def size(batch: CleanBatch) -> int:
    """Bytes of its records, each with a line end."""
    return sum(map(len, batch.records)) + len(batch.records)


def weight(batch: Batch) -> int:
    """Bytes that a source read."""
    return len(batch.data) or sum(map(len, filter(None, map(itemgetter(1), batch.messages))))


def join(batches: Sequence[CleanBatch]) -> CleanBatch:
    """One batch of consecutive batches of one lane."""
    if len(batches) == 1:
        return batches[0]
    records: list[Clean] = []
    offsets: list[int] = []
    envelopes: list[Envelope] = []
    findings: dict[str, int] = {}
    withheld: dict[str, int] = {}
    for batch in batches:
        records += batch.records
        offsets += batch.offsets
        envelopes += batch.envelopes
        for total, part in ((findings, batch.findings), (withheld, batch.withheld)):
            for name, number in part.items():
                total[name] = total.get(name, 0) + number
    return replace(
        batches[-1],
        records=records,
        offsets=offsets,
        envelopes=envelopes,
        read=sum(batch.read for batch in batches),
        findings=findings,
        withheld=withheld,
    )


def pick(batch: CleanBatch, indexes: Sequence[int]) -> CleanBatch:
    """The records of *batch* at *indexes*, in the order of the batch."""
    if len(indexes) == len(batch.records):
        return batch
    indexes = sorted(indexes)
    return replace(
        batch,
        records=[batch.records[i] for i in indexes],
        offsets=[batch.offsets[i] for i in indexes],
        envelopes=[batch.envelopes[i] for i in indexes] if batch.envelopes else (),
    )


def split(batch: CleanBatch, max_records: int) -> list[CleanBatch]:
    """*batch* in parts of at most *max_records*, in order."""
    if len(batch.records) <= max_records:
        return [batch]
    starts = range(0, len(batch.records), max_records)
    return [pick(batch, range(start, min(start + max_records, len(batch.records)))) for start in starts]
