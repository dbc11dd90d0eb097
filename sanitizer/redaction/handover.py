"""What passes between this process and its workers: each batch as one buffer, written and read by C code; nothing is pickled
record by record but what MessagePack cannot say (an integer of more than 64 bits)."""

from __future__ import annotations

import pickle
from dataclasses import replace

import msgspec

from sanitizer.model import CleanBatch, Message
from sanitizer.record import Assembled


class Task(msgspec.Struct, frozen=True, array_like=True):
    """Records of *lane* to redact: assembled lines, or messages that their source framed, up to *upto*."""

    lane: str
    upto: int
    assembled: Assembled | None = None
    messages: tuple[Message, ...] = ()


class _Result(msgspec.Struct, frozen=True, array_like=True):
    batch: CleanBatch
    frames: bytes
    """Facts for the audit trail, pickled: there are few."""


_encode = msgspec.msgpack.Encoder().encode
_decode_task = msgspec.msgpack.Decoder(Task).decode
_decode_result = msgspec.msgpack.Decoder(_Result).decode
_PACKED, _PICKLED = b"m", b"p"


def pack(task: Task) -> bytes:
    """*task* for a worker."""
    try:
        return _PACKED + _encode(task)
    except (OverflowError, TypeError):
        return _PICKLED + pickle.dumps(task)


def unpack(body: bytes) -> Task:
    """The task that `pack` packed."""
    if body[:1] == _PICKLED:
        task: Task = pickle.loads(body[1:])  # noqa: S301 - our own parent wrote it
        return task
    return _decode_task(memoryview(body)[1:])


def pack_result(batch: CleanBatch) -> bytes:
    """*batch* for whoever asked for it."""
    frames = pickle.dumps(list(batch.frames)) if batch.frames else b""
    return _encode(_Result(replace(batch, offsets=list(batch.offsets), frames=()), frames))


def unpack_result(body: bytes) -> CleanBatch:
    """The batch that `pack_result` packed."""
    result = _decode_result(body)
    if result.frames:
        result.batch.frames = pickle.loads(result.frames)  # noqa: S301 - our own worker wrote it
    return result.batch
