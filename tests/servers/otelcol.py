"""A real OpenTelemetry Collector: built from its published Go modules, started on free local ports.

    python tests/servers/otelcol.py        # build it now: two cores take about ten minutes, once a machine

The build holds what the tests look at and no more: the OTLP receiver (HTTP and gRPC) and the file exporter.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
from servers import cache
from servers.ports import free_ports

VERSION = "0.145.0"  # the newest of which every module below was there to build
CONFMAP_VERSION = "1.51.0"

BUILD = f"""\
dist: {{name: otelcol, output_path: ./build, version: {VERSION}}}
receivers:
  - gomod: go.opentelemetry.io/collector/receiver/otlpreceiver v{VERSION}
exporters:
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/exporter/fileexporter v{VERSION}
providers:
  - gomod: go.opentelemetry.io/collector/confmap/provider/envprovider v{CONFMAP_VERSION}
  - gomod: go.opentelemetry.io/collector/confmap/provider/fileprovider v{CONFMAP_VERSION}
"""
CACHE_NAME = f"otelcol-{VERSION}-{zlib.crc32(BUILD.encode()):08x}"

CONFIG = """\
receivers:
  otlp:
    protocols:
      http: {{endpoint: "127.0.0.1:{http}"{tls}}}
      grpc: {{endpoint: "127.0.0.1:{grpc}"{tls}}}
exporters:
  file: {{path: "{out}", flush_interval: 50ms}}
service:
  telemetry: {{metrics: {{level: none}}, logs: {{level: warn}}}}
  pipelines:
    logs: {{receivers: [otlp], exporters: [file]}}
"""


def install() -> Path:
    """Return the collector's program, built if this machine does not have it yet."""
    return cache.build_once(CACHE_NAME, _build) / "otelcol"


def _build(scratch: Path) -> None:
    env = os.environ | {"GOFLAGS": "-p=2 -modcacherw", "CGO_ENABLED": "0", "GOBIN": str(scratch)}
    (scratch / "builder.yaml").write_text(BUILD)

    def run(*command: str, cwd: Path = scratch) -> None:
        subprocess.run(command, cwd=cwd, env=env, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)

    run("go", "install", f"go.opentelemetry.io/collector/cmd/builder@v{VERSION}")
    run("./builder", "--config", "builder.yaml", "--skip-compilation")
    run("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", str(scratch / "otelcol"), ".", cwd=scratch / "build")
    shutil.rmtree(scratch / "build")
    (scratch / "builder").unlink()


class Collector:
    """A running collector; `records()` is what has arrived at its file exporter."""

    def __init__(self, *, certificates: Path | None = None) -> None:
        """With *certificates* (see `certificates.py`), both ports speak TLS and ask for a client certificate."""
        self._folder = Path(tempfile.mkdtemp(prefix="otelcol-"))
        self._out = self._folder / "out.jsonl"
        self.http_port, self.grpc_port = free_ports(2)
        tls = ""
        if certificates:
            pem = {"cert_file": "server.pem", "key_file": "server.key", "client_ca_file": "ca.pem"}
            tls = ", tls: " + json.dumps({key: str(certificates / name) for key, name in pem.items()})
        config = self._folder / "config.yaml"
        config.write_text(CONFIG.format(http=self.http_port, grpc=self.grpc_port, tls=tls, out=self._out))
        with open(self._folder / "log", "wb") as log:
            self._process = subprocess.Popen(
                [str(install()), "--config", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._wait_ready()

    def _wait_ready(self) -> None:
        end = time.monotonic() + 60
        for port in (self.http_port, self.grpc_port):
            while True:
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                if self._process.poll() is not None or time.monotonic() > end:
                    log = (self._folder / "log").read_text()
                    self.stop()
                    raise RuntimeError(f"the collector did not start: {log[-3000:]}")
                time.sleep(0.02)

    def documents(self) -> Iterator[dict[str, Any]]:
        """Yield the OTLP/JSON documents exported so far, whole lines only."""
        if self._out.exists():
            for line in self._out.read_bytes().splitlines(keepends=True):
                if line.endswith(b"\n"):
                    yield json.loads(line)

    def records(self) -> list[dict[str, Any]]:
        """Every log record exported so far, each with its resource's attributes under `resource`."""
        return [
            record | {"resource": {each["key"]: each["value"] for each in resource["resource"].get("attributes", ())}}
            for document in self.documents()
            for resource in document["resourceLogs"]
            for scope in resource["scopeLogs"]
            for record in scope["logRecords"]
        ]

    def stop(self) -> None:
        """End the process and drop its folder."""
        self._process.kill()
        self._process.wait(30)
        shutil.rmtree(self._folder, ignore_errors=True)


if __name__ == "__main__":
    print(install())  # noqa: T201
