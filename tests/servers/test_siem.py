"""The sinks for SIEMs against a real store that speaks their protocols: what arrives is asked of the store."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import until

from sanitizer.model import Clean, CleanBatch, Receipt
from servers.victoria_logs import VictoriaLogs
from sinks import ElasticsearchConfig, LokiConfig, SinkConfig, SplunkHecConfig, SyslogConfig
from sinks.options import Secret, Tls

FIELDS = {"VL-Msg-Field": Secret("message"), "VL-Time-Field": Secret("@timestamp")}
SINKS: dict[str, Callable[[VictoriaLogs, Path], SinkConfig]] = {
    "syslog": lambda server, _: SyslogConfig(host="127.0.0.1", port=server.syslog_port),
    "syslog in lines": lambda server, _: SyslogConfig(host="127.0.0.1", port=server.syslog_port, framing="newline"),
    "syslog over TLS": lambda server, folder: SyslogConfig(
        host="localhost", port=server.syslog_tls_port, tls=Tls(ca_file=str(folder / "ca.pem"))
    ),
    "splunk_hec": lambda server, _: SplunkHecConfig(url=server.url, token=Secret("t"), source="crm"),
    "elasticsearch": lambda server, _: ElasticsearchConfig(url=f"{server.url}/insert/elasticsearch", headers=FIELDS),
    "loki": lambda server, _: LokiConfig(url=f"{server.url}/insert"),
}


async def arrived(server: VictoriaLogs, word: str, count: int) -> list[dict[str, str]]:
    """The records that hold *word*, once there are *count*."""
    found: list[dict[str, str]] = []

    def all_there() -> bool:
        found[:] = server.found(f'"{word}" or message:"{word}"')
        return len(found) >= count

    await until(all_there, 20)
    return found


@pytest.mark.parametrize("name", SINKS)
async def test_every_record_arrives_with_its_own_time(victoria_logs: VictoriaLogs, certificates: Path, name: str) -> None:
    word = f"run{uuid.uuid4().hex}"
    records = [
        Clean(b'{"@timestamp":"2026-01-02T03:04:%02d.006Z","level":"error","message":"caf\xc3\xa9 %b"}' % (n, word.encode()))
        for n in range(30)
    ]
    async with SINKS[name](victoria_logs, certificates).open() as sink:
        assert await sink.send(CleanBatch("lane", records, list(range(30)), 30)) == Receipt()
    found = await arrived(victoria_logs, word, 30)

    assert sorted(each["_time"] for each in found) == [f"2026-01-02T03:04:{n:02}.006Z" for n in range(30)]
    assert all("café" in " ".join(each.values()) for each in found)
