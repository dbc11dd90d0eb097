"""Levels in whatever form a logger spells them, as OpenTelemetry severities (logs data model, appendix B)."""

from __future__ import annotations

SEVERITIES: dict[str, tuple[int, str]] = {
    **dict.fromkeys(("trace", "trc", "silly", "finest", "notset"), (1, "TRACE")),
    **dict.fromkeys(("finer",), (2, "TRACE2")),
    **dict.fromkeys(("debug", "dbg", "dbug", "verbose", "fine", "d"), (5, "DEBUG")),
    **dict.fromkeys(("config", "http"), (6, "DEBUG2")),
    **dict.fromkeys(("info", "information", "informational", "inf", "log", "i"), (9, "INFO")),
    **dict.fromkeys(("notice", "success"), (10, "INFO2")),
    **dict.fromkeys(("warn", "warning", "wrn", "w"), (13, "WARN")),
    **dict.fromkeys(("error", "err", "severe", "failure", "e"), (17, "ERROR")),
    **dict.fromkeys(("critical", "crit", "exception", "dpanic"), (18, "ERROR2")),
    **dict.fromkeys(("alert",), (19, "ERROR3")),
    **dict.fromkeys(("fatal", "emergency", "emerg", "panic", "f"), (21, "FATAL")),
}
OTEL_NAMES = [f"{name}{n or ''}" for name in ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL") for n in (0, 2, 3, 4)]
SYSLOG = ((21, "FATAL"), (19, "ERROR3"), (18, "ERROR2"), (17, "ERROR"), (13, "WARN"), (10, "INFO2"), (9, "INFO"), (5, "DEBUG"))
PRIORITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
PINO = {10: (1, "TRACE"), 20: (5, "DEBUG"), 30: (9, "INFO"), 40: (13, "WARN"), 50: (17, "ERROR"), 60: (21, "FATAL")}


def severity(value: object) -> tuple[int, str]:
    """OpenTelemetry severity number and short name of a level, `(0, "")` if it is none.

    Numbers: 10, 20 ... 60 are pino's and bunyan's, 0 to 7 syslog's, others up to 24 OpenTelemetry's own.
    """
    if isinstance(value, bool):
        return 0, ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int):
        return _numbered(value)
    if not isinstance(value, str) or len(value) > 24:
        return 0, ""
    found = SEVERITIES.get(value.strip(" []<>()|:").lower())
    if found:
        return found
    upper = value.strip().upper().removeprefix("SEVERITY_NUMBER_")
    if upper in OTEL_NAMES:
        return OTEL_NAMES.index(upper) + 1, upper
    return _numbered(int(value)) if value.isdecimal() and value.isascii() else (0, "")


def _numbered(value: int) -> tuple[int, str]:
    if value in PINO:
        return PINO[value]
    if 0 <= value <= 7:
        return SYSLOG[value]
    if 8 <= value <= 24:
        return value, OTEL_NAMES[value - 1]
    return 0, ""


def level_of_priority(value: object) -> str | None:
    """The syslog keyword of a journald or syslog priority, 0 to 7, or None."""
    text = str(value)
    return PRIORITIES[int(text)] if len(text) == 1 and text in "01234567" else None
