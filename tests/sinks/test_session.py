"""Requests over HTTP: what is told where there is no answer."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from sanitizer.model import Retry
from sinks.options import Tls
from sinks.session import open_session


async def reason(url: str, tls: Tls | None = None, **headers: str) -> str:
    async with open_session(1, tls) as session:
        with pytest.raises(Retry) as trouble:
            await session.request(url, b"{}", headers)
    return str(trouble.value)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of `other.example`, with its key in it."""
    path, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=other.example"]
    command += ["-addext", "subjectAltName=DNS:other.example", "-keyout", str(key), "-out", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + key.read_bytes())
    return path


async def test_a_connection_that_is_refused_is_called_so() -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()

    assert "Connect call failed" in await reason(f"http://user:hidden@127.0.0.1:{port}/?key=hidden")


@pytest.mark.parametrize("url", ["http://user:hidden@127.0.0.1:99999999/", "http://[::1/hidden"])
async def test_an_address_that_is_none_is_told_without_it(url: str) -> None:
    assert "hidden" not in await reason(url)


async def test_credentials_given_twice_are_told_and_tried_again() -> None:
    assert "address" in await reason("http://user:hidden@127.0.0.1:9/", Authorization="Bearer hidden")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
async def test_a_certificate_for_another_name_is_told_by_what_is_wrong_with_it(certificate: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]

        told = await reason(f"https://localhost:{port}/", Tls(ca_file=str(certificate)))
        assert told == "Hostname mismatch, certificate is not valid for 'localhost'."
        assert "self-signed certificate" in await reason(f"https://localhost:{port}/")
