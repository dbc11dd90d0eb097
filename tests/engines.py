"""What the tests of the engine share: small rule sets, a scrubber over the shipped rules, and lines through both formats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from sanitizer.detection.exemptions import Exemptions
from sanitizer.detection.scan import Scanner
from sanitizer.hashing import Keyring
from sanitizer.model import Batch, Raw
from sanitizer.redaction.actions import replacements
from sanitizer.redaction.lanes import Lanes
from sanitizer.redaction.redact import Redactor
from sanitizer.redaction.scrub import Format, Options, Scrubber
from sanitizer.rulesets.cache import compiled
from sanitizer.rulesets.database import Compiled, compile_rules
from sanitizer.rulesets.ruleset import Allow, Rule, Rules, Selection

KEYS = Keyring({"k": b"0" * 32}, "k")
FORMATS: tuple[Format, ...] = ("ndjson", "raw")


@cache
def shipped(profile: str = "default") -> Compiled:
    """The shipped rules."""
    return compiled(Selection(profile=profile))  # type: ignore[arg-type] # "strict" is the other one


def rule(name: str, pattern: str | None = None, **more: object) -> Rule:
    """A rule for a test, with a simple pattern."""
    return Rule(id=name, pattern=pattern, **more)  # type: ignore[arg-type] # the fields of a rule


def redactor(*rules: Rule, allow: Sequence[Allow] = (), keyring: Keyring = KEYS) -> Redactor:
    """A redactor with these *rules* alone."""
    made = compile_rules(Rules(rules, tuple(allow), "test"))
    return Redactor(Scanner(made), replacements(made.rules, keyring), Exemptions(allow, made.rules) if allow else None)


def scrubber(form: Format = "ndjson", **options: object) -> Scrubber:
    """A scrubber over the shipped rules."""
    return Scrubber(shipped(), KEYS, Options(format=form, **options))  # type: ignore[arg-type] # options by name


async def sanitize(made: Scrubber, pieces: Iterable[bytes], **lanes: object) -> list[bytes]:
    """The records that *made* gives for a stream that is cut into *pieces*."""
    house = Lanes(made, **lanes)  # type: ignore[arg-type] # its bounds
    records: list[bytes] = []
    at = 0
    for piece in pieces:
        batch = Batch("-", Raw(piece), at, at + len(piece))
        at += len(piece)
        records += [record for clean in await house.feed(batch) for record in clean.records]
    return records + [record for clean in await house.flush("-", end=True) for record in clean.records]
