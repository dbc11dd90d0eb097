"""Log lines of the systems we serve: each takes the text of a message and gives the physical lines of one record."""

from __future__ import annotations

import json
from collections.abc import Callable

from benchmarks.leaks.formats import Fresh

Shape = Callable[[str, Fresh], str]


def _json(**fields: object) -> str:
    return json.dumps(fields, ensure_ascii=False)


def _frame(text: str, fresh: Fresh) -> str:
    return json.dumps(
        {"jsonrpc": "2.0", "id": fresh.number(0, 99), "result": {"content": [{"type": "text", "text": text}], "isError": False}},
        ensure_ascii=False,
    )


def _rpc_error(text: str, fresh: Fresh) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": fresh.number(0, 99), "error": {"code": -32603, "message": text}}, ensure_ascii=False)


def _notification(text: str, _: Fresh) -> str:
    return json.dumps(
        {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "logger": "db", "data": text}},
        ensure_ascii=False,
    )


TEXT: dict[str, Shape] = {
    "bare": lambda t, _: t,
    "iso": lambda t, f: f"{f.clock()}.123Z INFO mcp.server {t}",
    "stdlib": lambda t, _: f"INFO:mcp.server.lowlevel.server:{t}",
    "asctime": lambda t, f: f"{f.clock().replace('T', ' ')},417 - tools.crm - WARNING - {t}",
    "log4j": lambda t, f: f"{f.clock().replace('T', ' ')},417 ERROR [pool-2-thread-7] c.a.s.Session - {t}",
    "syslog": lambda t, f: f"Mar {f.number(10, 28)} 04:12:{f.number(10, 59)} web-2 mcpd[{f.number(100, 9999)}]: {t}",
    "syslog5424": lambda t, f: f"<134>1 {f.clock()}Z web-2 mcpd {f.number(100, 9999)} ID47 - {t}",
    "klog": lambda t, f: f"I0314 04:12:{f.number(10, 59)}.589793    {f.number(100, 999)} server.go:218] {t}",
    "go": lambda t, f: f"{f.clock().replace('-', '/').replace('T', ' ')} {t}",
    "bracketed": lambda t, _: f"[attio-sync] {t}",
    "claude_desktop": lambda t, f: f"{f.clock()}.581Z [crm] [info] {t} {{ metadata: undefined }}",
    "vscode": lambda t, f: f"{f.clock().replace('T', ' ')}.089 [warning] [server stderr] {t}",
    "rust": lambda t, f: f"{f.clock()}.589793Z DEBUG mcp::transport: {t}",
    "cri": lambda t, f: f"{f.clock()}.589793123Z stderr F {t}",
    "ansi": lambda t, f: f"\x1b[2m{f.clock()}Z\x1b[0m \x1b[32m INFO\x1b[0m {t}",
    "crlf": lambda t, _: f"{t}\r",
    "indented": lambda t, _: f"    {t}",
}
JSON: dict[str, Shape] = {
    "pino": lambda t, f: _json(level=30, time=1_795_186_832_112 + f.number(0, 999), pid=7, hostname="web-2", msg=t),
    "structlog": lambda t, f: _json(tool="lookup", event=t, level="info", timestamp=f"{f.clock()}Z"),
    "winston": lambda t, _: _json(level="info", message=t, service="crm"),
    "zap": lambda t, _: _json(level="warn", ts=1_761_934_317.96, caller="server/tools.go:88", msg=t),
    "gelf": lambda t, _: _json(version="1.1", host="web-2", short_message=t, level=6),
    "docker": lambda t, f: _json(log=t + "\n", stream="stderr", time=f"{f.clock()}.589793123Z"),
    "journald": lambda t, _: _json(MESSAGE=t, PRIORITY="6", _PID="812", _SYSTEMD_UNIT="mcp.service"),
    "claude_code": lambda t, f: _json(debug=t, timestamp=f"{f.clock()}.000Z", sessionName="crm"),
    "nested_data": lambda t, _: _json(message="tool", metadata={"level": "DEBUG"}, data={"detail": [{"note": t}]}),
    "tool_result": _frame,
    "rpc_error": _rpc_error,
    "notification": _notification,
}


def wrapped(shape: str, text: str, fresh: Fresh) -> str:
    """*text* as a line of *shape*, of either group."""
    return (TEXT.get(shape) or JSON[shape])(text, fresh)
