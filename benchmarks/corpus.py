"""Logs to measure speed on: `python -m benchmarks.corpus mixed --size 75 > mixed.log`.

`mixed` has about 250 bytes and 1.5 hits a line; a quarter are tool calls (JSON-RPC frames, bare and inside a log object), a sixth
carry stack traces (in a JSON string, and as text over many lines), the rest are JSON logs and text. `hits` has ten hits a line,
`clean` none, `line` is a single line. The same seed gives the same bytes.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterator

from benchmarks.leaks.formats import B64URL, DIGITS, HEX, LOWER, UPPER, Fresh

TOOLS = (
    "search_records",
    "get_customer",
    "create_note",
    "list_tasks",
    "update_deal",
    "discover-company-attributes",
    "run_query",
    "send_message",
)
TRACE = (
    "Traceback (most recent call last):",
    '  File "/app/crm/server.py", line {n}, in call_tool',
    "    result = await handler(arguments)",
    '  File "/app/crm/tools/{tool}.py", line {n}, in run',
    "    return await client.request(method, path, timeout=30)",
    "ConnectionError: upstream refused {hit} after {n} ms",
)


class Lines:
    """A source of log lines with so many hits each."""

    def __init__(self, seed: int, hits: Callable[[random.Random], int]) -> None:
        self.rnd = random.Random(seed)
        self.fresh = Fresh(self.rnd)
        self.hits = hits
        self.clock = 1_795_186_832_112
        self.values: tuple[Callable[[], str], ...] = (
            self.fresh.email,
            self.fresh.uuid,
            lambda: " ".join(self._grouped(self.fresh.card(length=16))),
            lambda: f"+1 415 555 {self.fresh.pick(DIGITS, 4)}",
            lambda: "sk-" + self.fresh.pick(UPPER + LOWER + DIGITS, 48),
            lambda: "ghp_" + self.fresh.pick(UPPER + LOWER + DIGITS, 36),
            lambda: "mpt_" + self.fresh.pick(UPPER + LOWER + DIGITS, 24),
            lambda: "AKIA" + self.fresh.pick(UPPER + "234567", 16),
            lambda: "Bearer " + self.fresh.pick(B64URL, 32),
            lambda: "password=" + self.fresh.pick(UPPER + LOWER + DIGITS, 12),
        )

    @staticmethod
    def _grouped(digits: str) -> Iterator[str]:
        return (digits[i : i + 4] for i in range(0, len(digits), 4))

    def text(self) -> str:
        """A sentence with this line's hits."""
        parts = [f"{self.fresh.word()} {self.rnd.choice(self.values)()}" for _ in range(self.hits(self.rnd))]
        parts += [self.fresh.word() for _ in range(self.rnd.randint(2, 7))]
        return f"{self.rnd.choice(TOOLS)} " + " ".join(parts)

    def stamp(self) -> str:
        self.clock += self.rnd.randint(1, 900)
        ms = self.clock % 1000
        minutes, seconds = divmod(self.clock // 1000 % 86_400, 60)
        return f"2026-11-20T{minutes // 60:02}:{minutes % 60:02}:{seconds:02}.{ms:03}Z"

    def frame(self) -> dict[str, object]:
        arguments = {"query": self.text(), "limit": self.rnd.randint(1, 100), "fields": ["name", "domain", "status"]}
        call = {"name": self.rnd.choice(TOOLS), "arguments": arguments}
        return {"jsonrpc": "2.0", "id": self.rnd.randint(0, 9999), "method": "tools/call", "params": call}

    def call(self) -> str:
        """A tool call, as it is on the wire or inside a log object."""
        stamp = self.stamp()
        form = self.rnd.randrange(4)
        if form < 2:
            return json.dumps(self.frame(), separators=(",", ":"))
        if form == 2:
            return json.dumps(
                {"level": 30, "time": self.clock, "pid": 7, "hostname": "web-2", "request": self.frame(), "msg": "tools/call"}
            )
        return f"{stamp} [crm] [info] Message from client: {json.dumps(self.frame(), separators=(',', ':'))}"

    def trace(self) -> str:
        """A stack trace in a JSON string, or as text of six lines."""
        fields = {"n": self.rnd.randint(10, 990), "tool": self.rnd.choice(TOOLS), "hit": self.text()}
        rows = [row.format(**fields) for row in TRACE]
        if self.rnd.random() < 0.8:
            rows = rows[:1] + rows[3:] if self.rnd.random() < 0.7 else rows
            return json.dumps({"level": "error", "event": "tool failed", "exception": "\n".join(rows), "timestamp": self.stamp()})
        return "\n".join(rows)

    def log(self) -> str:
        """A line of pino, winston, structlog, stdlib logging, CRI or plain text."""
        stamp, text = self.stamp(), self.text()
        context = {
            "request_id": self.fresh.pick(DIGITS, 7),
            "trace_id": self.fresh.pick(HEX, 32),
            "duration_ms": self.rnd.randint(1, 9000),
        }
        forms = (
            {"level": 30, "time": self.clock, "pid": 4711, "hostname": "web-2", "name": "crm", **context, "msg": text},
            {"level": 40, "time": self.clock, "pid": 4711, "hostname": "web-2", "name": "crm", **context, "msg": text},
            {"level": "info", "message": text, "service": "crm-server", **context, "status": "ok"},
            {"tool": self.rnd.choice(TOOLS), **context, "event": text, "level": "warning", "timestamp": stamp},
            {"asctime": stamp, "levelname": "INFO", "name": "mcp.server", "message": text, **context},
            f"{stamp} stderr F {json.dumps({'level': 'info', 'msg': text, **context})}",
            f"{stamp} INFO mcp.server.lowlevel request={context['request_id']} took {context['duration_ms']} ms: {text}",
            f"INFO:mcp.server.lowlevel.server:Processing request of type CallToolRequest {context['trace_id']} {text}",
        )
        form = self.rnd.choice(forms)
        return form if isinstance(form, str) else json.dumps(form)


def mixed(lines: Lines) -> Iterator[str]:
    while True:
        share = lines.rnd.random()
        yield lines.call() if share < 0.25 else lines.trace() if share < 0.25 + 1 / 6 else lines.log()


def _few(rnd: random.Random) -> int:
    return rnd.choice((0, 1, 1, 2, 2, 2, 2, 3))


CORPORA: dict[str, Callable[[random.Random], int]] = {"mixed": _few, "hits": lambda _: 10, "clean": lambda _: 0, "line": _few}


def generate(name: str, size: int, seed: int = 1) -> Iterator[bytes]:
    """About *size* bytes of the corpus *name*, in pieces of whole lines (of part of one, for `line`)."""
    lines = Lines(seed, CORPORA[name])
    source = mixed(lines) if name != "line" else iter(lines.text, None)
    end = " " if name == "line" else "\n"
    while size > 0:
        piece = "".join(next(source) + end for _ in range(1000)).encode()
        yield piece[:size] if name == "line" else piece
        size -= len(piece)
    if name == "line":
        yield b"\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corpus", description=__doc__)
    parser.add_argument("name", choices=CORPORA)
    parser.add_argument("--size", type=float, default=75, help="megabytes")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for piece in generate(options.name, int(options.size * 1e6), options.seed):
        sys.stdout.buffer.write(piece)


if __name__ == "__main__":
    main()
