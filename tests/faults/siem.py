"""A receiver of webhooks that fails as it is told: refuses, resets, stalls, answers 429."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from servers.ports import free_ports

Mood = Callable[[random.Random], str]


class Siem:
    """Listens on a port of its own. `mood` is asked before each request: `ok`, `503`, `429`, `400`, `reset`, `late_reset`,
    `slow` (a tenth of a second), or `partial`: a collector that takes all but the first record, and does not say so by name."""

    def __init__(self, mood: Mood = lambda _: "ok", port: int = 0) -> None:
        self.records: list[bytes] = []
        self.mood = mood
        self.down = False
        self._rng = random.Random(7)
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with outer._lock:
                    mood = "reset" if outer.down else outer.mood(outer._rng)
                    if mood in {"ok", "late_reset", "slow", "partial"}:
                        outer.records.extend(_records(body)[1 if mood == "partial" else 0 :])
                if mood == "slow":
                    time.sleep(0.1)
                if mood in {"reset", "late_reset"}:
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                    self.connection.close()
                    self.close_connection = True
                    return
                answer = b'{"partialSuccess":{"rejectedLogRecords":"1"}}' if mood == "partial" else b""
                self.send_response(int(mood) if mood.isdigit() else 200)
                if mood == "429":
                    self.send_header("Retry-After", "0")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Siem:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _records(body: bytes) -> list[bytes]:
    """Lines, or the log records of an OTLP request in JSON."""
    if not body.startswith(b'{"resourceLogs"'):
        return body.splitlines()
    (resource,) = orjson.loads(body)["resourceLogs"]
    return [orjson.dumps(record) for record in resource["scopeLogs"][0]["logRecords"]]


def free_port() -> int:
    """A port that nobody listens on."""
    return free_ports(1)[0]
