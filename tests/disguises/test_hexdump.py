"""A secret in a dump of bytes goes from both columns of as many rows as it takes; what stands beside it stays."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from engines import sanitize, scrubber

TEXT = b"user=svc-mcp port=8443 db_password=Quartz!vK3p~9041 mode=fast\r\nmail to olga.trent77@gmail.com, thanks\n"
SECRETS = (b"Quartz!vK3p~9041", b"olga.trent77")


def rows(data: bytes, width: int = 16) -> list[tuple[int, bytes]]:
    return [(at, data[at : at + width]) for at in range(0, len(data), width)]


def shown(data: bytes) -> str:
    return "".join(chr(c) if 0x20 <= c < 0x7F else "." for c in data)


def xxd(data: bytes) -> str:
    return "\n".join(f"{at:08x}: {row.hex(' ', -2):<39}  {shown(row)}" for at, row in rows(data))


def hexdump(data: bytes) -> str:
    return "\n".join(f"{at:08x}  {row[:8].hex(' ')}  {row[8:].hex(' '):<23}  |{shown(row)}|" for at, row in rows(data))


def od(data: bytes) -> str:
    return "\n".join(f"{at:07o} {row.hex(' '):<47}  >{shown(row)}<" for at, row in rows(data))


def curl(data: bytes) -> str:
    return "\n".join(f"{at:04x}: {row.hex(' '):<47} {shown(row)}" for at, row in rows(data))


def openssl(data: bytes) -> str:
    return "\n".join(f"{at:04x} - {row[:8].hex(' ')}-{row[8:].hex(' '):<23}   {shown(row)}" for at, row in rows(data))


def netty(data: bytes) -> str:
    return "\n".join(f"|{at:08x}| {row.hex(' '):<47} |{shown(row):<16}|" for at, row in rows(data))


def tcpdump(data: bytes) -> str:
    return "\n".join(f"\t0x{at:04x}:  {row.hex(' ', -2):<39}  {shown(row)}" for at, row in rows(data))


def spew(data: bytes) -> str:
    return "Raw: ([]uint8) {\n" + "\n".join(f" {line}" for line in hexdump(data).split("\n")) + "\n}"


def bare(data: bytes) -> str:
    return "\n".join(f"{at:08x}: {row.hex(' ')}" for at, row in rows(data))


def ascii_trace(data: bytes) -> str:
    return "\n".join(f"{at:04x}: {shown(row)}" for at, row in rows(data, 64))


FORMS = (xxd, hexdump, od, curl, openssl, netty, tcpdump, spew, bare, ascii_trace)


async def clean(text: str) -> str:
    return b"\n".join(await sanitize(scrubber("raw"), [text.encode()])).decode()


def left(secret: bytes, text: str) -> list[bytes]:
    """The pieces of *secret* that *text* still shows, as text or as digits."""
    digits = re.sub("[ -]", "", text)
    pieces = [secret[at : at + 4] for at in range(len(secret) - 3)]
    return [piece for piece in pieces if piece.decode() in text or piece.hex() in digits]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shift", [0, 5, 11])
async def test_what_goes_over_rows_goes_from_all_of_them(form: Callable[[bytes], str], shift: int) -> None:
    text = form(b"x" * shift + b" " + TEXT)
    redacted = await clean(text)

    assert len(redacted.split("\n")) == len(text.split("\n"))
    assert not any(left(secret, redacted) for secret in SECRETS), redacted
    assert left(b"svc-mcp", redacted)
    assert left(b"mode=fast", redacted)


@pytest.mark.parametrize("form", FORMS)
async def test_a_dump_without_a_secret_stays(form: Callable[[bytes], str]) -> None:
    text = form(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:5888\r\nUser-Agent: kestrel/2.31.7\r\nAccept: */*\r\n\r\n")

    assert await clean(text) == text


async def test_a_key_in_a_dump_goes() -> None:
    lines = ["MIIEpG" + "rxKcTLlFaJp8ba8CTHherRgL7FJu1LtYdP8ESPeJ8UxBi1BTrgIbY75Cv"[at:] for at in range(4)]
    key = "-----BEGIN RSA PRIVATE KEY-----\n" + "\n".join(lines) + "\n-----END RSA PRIVATE KEY-----\n"
    redacted = await clean(xxd(key.encode()))

    assert not any(left(line.encode(), redacted) for line in lines), redacted


async def test_rows_whose_offsets_do_not_follow_are_not_joined() -> None:
    text = "\n".join(
        ("00000000: 7061 7373 776f 7264 3d51 7561 7274 7a21  password=Quartz!", "00000040: 6f6b 206f 6b20 6f6b  ok ok ok")
    )

    assert (await clean(text)).endswith("00000040: 6f6b 206f 6b20 6f6b  ok ok ok")
