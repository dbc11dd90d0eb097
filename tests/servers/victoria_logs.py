"""A real store of logs, VictoriaLogs, which takes syslog, Loki's, Splunk's and Elasticsearch's protocols: built from its Go modules.

    python tests/servers/victoria_logs.py        # build it now: two cores take about three minutes, once a machine
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
from servers import cache
from servers.ports import free_ports

# A commit, and the release of VictoriaMetrics that it was made with: the module proxy has no release of VictoriaLogs itself.
MODULES = """\
module victorialogs.local
go 1.26
require github.com/VictoriaMetrics/VictoriaLogs v1.51.1-0.20260624061259-dc94972a8708
require github.com/VictoriaMetrics/VictoriaMetrics v1.147.0
"""
CACHE_NAME = f"victoria-logs-{zlib.crc32(MODULES.encode()):08x}"


def install() -> Path:
    """Return the server's program, built if this machine does not have it yet."""
    return cache.build_once(CACHE_NAME, _build) / "victoria-logs"


def _build(scratch: Path) -> None:
    (scratch / "go.mod").write_text(MODULES)
    env = os.environ | {"GOFLAGS": "-p=2 -modcacherw -mod=mod"}
    program = "github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs"
    command = ["go", "build", "-trimpath", "-o", str(scratch / "victoria-logs"), program]
    subprocess.run(command, cwd=scratch, env=env, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)


class VictoriaLogs:
    """A running server: HTTP on `http_port`, syslog over TCP on `syslog_port`, over TLS on `syslog_tls_port`."""

    def __init__(self, certificates: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="victoria-logs-"))
        self.http_port, self.syslog_port, self.syslog_tls_port = free_ports(3)
        self.url = f"http://127.0.0.1:{self.http_port}"
        with open(self._folder / "log", "wb") as log:
            self._process = subprocess.Popen(
                [
                    str(install()),
                    f"-storageDataPath={self._folder / 'data'}",
                    f"-httpListenAddr=127.0.0.1:{self.http_port}",
                    f"-syslog.listenAddr.tcp=127.0.0.1:{self.syslog_port}",
                    f"-syslog.listenAddr.tcp=127.0.0.1:{self.syslog_tls_port}",
                    "-syslog.tls=false,true",
                    f"-syslog.tlsCertFile=,{certificates / 'server.pem'}",
                    f"-syslog.tlsKeyFile=,{certificates / 'server.key'}",
                    "-memory.allowedBytes=256MB",
                    "-retentionPeriod=100y",  # what is older than a week is else dropped, and the answer says nothing
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait_ready()

    def _wait_ready(self) -> None:
        end = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/health", timeout=2).close()
                return
            except (urllib.error.URLError, OSError):
                if self._process.poll() is not None or time.monotonic() > end:
                    log = (self._folder / "log").read_text()
                    self.stop()
                    raise RuntimeError(f"VictoriaLogs did not start: {log[-3000:]}") from None
                time.sleep(0.02)

    def found(self, query: str) -> list[dict[str, str]]:
        """What *query* (LogsQL) finds now, each record as its fields."""
        data = urllib.parse.urlencode({"query": query, "limit": 1000}).encode()
        with urllib.request.urlopen(f"{self.url}/select/logsql/query", data, timeout=10) as answer:
            return [json.loads(line) for line in answer.read().splitlines()]

    def stop(self) -> None:
        """End the process and drop its folder."""
        self._process.kill()
        self._process.wait(30)
        shutil.rmtree(self._folder, ignore_errors=True)


if __name__ == "__main__":
    print(install())  # noqa: T201
