"""Names that others gave, such as a file's, as our own messages may show them."""

from __future__ import annotations

import threading

from sanitizer.detection.scan import BoundError, Scanner
from sanitizer.hashing import Keyring
from sanitizer.redaction.actions import replacements
from sanitizer.redaction.redact import Redactor
from sanitizer.rulesets.database import Compiled


class Names:
    """Redacts names. Messages are rare and come from any thread: it has a scanner of its own, made for the first of them."""

    def __init__(self, compiled: Compiled, keyring: Keyring) -> None:
        self._compiled = compiled
        self._keyring = keyring
        self._lock = threading.Lock()
        self._redactor: Redactor | None = None

    def clean(self, name: str) -> str:
        """*name*, redacted."""
        with self._lock:
            if self._redactor is None:
                self._redactor = Redactor(Scanner(self._compiled), replacements(self._compiled.rules, self._keyring))
            try:
                return self._redactor.text(name.encode("utf-8", "backslashreplace")).decode("utf-8", "replace")
            except BoundError:
                return "(a name that is withheld)"
