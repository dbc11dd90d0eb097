"""Compressing a body, each call a stream of its own, so that what is written one after another can be read as one."""

from __future__ import annotations

import asyncio

from sinks.options import Compression


def compress(body: bytes, how: Compression) -> bytes:
    """*body* as a gzip member (RFC 1952) or zstd frame (RFC 8878), fast rather than small."""
    if how == "gzip":
        import gzip  # noqa: PLC0415 - only who compresses pays for it

        return gzip.compress(body, compresslevel=1, mtime=0)
    if how == "zstd":
        import zstandard  # noqa: PLC0415

        return zstandard.ZstdCompressor(level=1).compress(body)
    return body


async def compressed(body: bytes, how: Compression) -> bytes:
    """The same beside the loop: compressing leaves the interpreter to others."""
    return body if how == "none" else await asyncio.to_thread(compress, body, how)


def content_encoding(how: Compression) -> dict[str, str]:
    """The header that says *how* a body is compressed (RFC 9110, 8.4)."""
    return {} if how == "none" else {"Content-Encoding": how}
