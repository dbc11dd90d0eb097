"""Look for what nobody thought of: `python -m benchmarks.fuzz --minutes 60`.

Random values in random chains of disguises, in random log shapes, wrapped, damaged and cut at random, through the program in both
formats. What must hold for anything is checked: nothing raises and nothing is withheld, raw output has the lines of the input, what
was JSON is JSON, no planted value can be read, sanitizing again changes nothing, and where the input was cut does not matter.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from urllib.parse import quote

from benchmarks.leaks import disguises, shapes
from benchmarks.leaks.connections import FORMS, URLS
from benchmarks.leaks.filling import filled
from benchmarks.leaks.formats import KINDS, Fresh, split_at
from benchmarks.leaks.judge import judge, same
from benchmarks.leaks.lines import STACKS as STACK_FORMS
from benchmarks.leaks.lines import rich
from benchmarks.leaks.model import Case, Secret
from benchmarks.leaks.negatives import NEGATIVES
from benchmarks.leaks.positions import positions
from sanitizer.hashing import Keyring
from sanitizer.records.assemble import Assembler
from sanitizer.redaction.scrub import Format, Options, Scrubber
from sanitizer.rulesets.cache import compiled

BATCH = 60
MOST_DISGUISES = 4
"""In one another; what has more readings than are followed is withheld."""
DEEP = ("nested_json_3", "nested_json_4")
"""Count twice: the backslashes of each of their levels are a reading more."""

MARK = "case {:06} follows"
MARKED = re.compile(r"case (\d{6}) follows")
ONCE = frozenset(("base64", "base64_twice", "base64url_bare", "hex", "hex_upper", "mime_base64", "rfc2047"))
"""Spellings after which no other can be told from the rest of a random string."""

PARTLY = ("html", "backslash", "quoted_printable")
"""Spellings of single characters of ASCII: one that spells a part of another's mark has no meaning."""

DAMAGE = ("\x00", "\\", '"', "\u202e", "\ufeff", "\udcff", "}", "{", "\t", "=", "%", "&#", "\x1b[31m")

STACKS = sorted(STACK_FORMS.values())

SPOILED = re.compile(r"\\[bfnrtxu0123]|%[0-9A-Fa-f]{2}|=[0-9A-F]{2}|&#[0-9xX]")
"""What damage makes another character of, so that the value is another..."""
SPOILS = {"%": "percent", "=": "quoted", "&#": "html"}
"""... unless it is read as it stands: these do so where other characters of it are spelled in the same way."""


def spelled(value: str, fresh: Fresh) -> tuple[str, str]:
    """*value* in up to three disguises, and their names."""
    told: list[str] = []
    for name in fresh.rnd.sample(sorted(disguises.VALUE), fresh.rnd.choice((0, 1, 1, 2, 3))):
        if (
            name.startswith(PARTLY)
            and told
            and (not value.isascii() or any(before.startswith((*PARTLY, "ansi")) for before in told))
        ):
            continue
        value = disguises.VALUE[name](value, fresh)
        told.append(name)
        if name in ONCE:
            break
    return value, "+".join(told) or "none"


def partial(text: str, fresh: Fresh) -> str:
    """*text* as a container runtime writes what is too long for one of its lines."""
    pieces = split_at(text, sorted(fresh.number(1, max(1, len(text) - 1)) for _ in range(fresh.number(1, 3))))
    clock = fresh.clock()
    if fresh.rnd.random() < 0.5:
        flags = ["P"] * (len(pieces) - 1) + ["F"]
        return "\n".join(
            f"{clock}.{at}23456789Z stdout {flag} {piece}" for at, (flag, piece) in enumerate(zip(flags, pieces, strict=True))
        )
    pieces[-1] += "\n"
    return "\n".join(json.dumps({"log": piece, "stream": "stderr", "time": f"{clock}.1Z"}) for piece in pieces)


def stack(text: str, fresh: Fresh) -> str:
    """*text* as the message of an error, and where that came from."""
    return fresh.rnd.choice(STACKS).format(k="detail", v=text)


LINES: dict[str, Callable[[str, Fresh], str]] = {
    "rich": lambda t, f: rich(t, f.rnd.choice((80, 100, 120))),
    "partial": partial,
    "stack": stack,
    "pretty": lambda t, f: json.dumps(
        {"a": [1, 2], "data": {"text": t}, "z": None}, indent=f.rnd.choice((2, 4)), ensure_ascii=False
    ),
    "yaml": lambda t, f: f"spec:\n  - name: {f.word()}\n    value: {json.dumps(t)}\n  - name: other\n    value: 7",
    "two_lines": lambda t, f: f"{f.clock()}Z INFO {f.word()}\n{t}",
}
"""Shapes over several lines."""


def planted(fresh: Fresh) -> tuple[str, str, Secret]:
    """Text with one value in it, what it was made by, and the value."""
    if fresh.rnd.random() < 0.1:
        value = fresh.password()
        carrier = quote(value, safe="")
        return (
            fresh.rnd.choice(FORMS).format(u=fresh.rnd.choice(URLS).format(v=carrier)),
            "connection/none",
            Secret("password", value),
        )
    kind = fresh.rnd.choice(sorted(KINDS))
    form = KINDS[kind]
    value, key, template = form.make(fresh), fresh.rnd.choice(form.keys), fresh.rnd.choice(positions(form.bare))
    carrier, told = spelled(value, fresh) if form.bare else (value, "none")
    return template.format(k=key, v=carrier), f"{kind}/{told}", Secret(kind, value, carrier)


def made(fresh: Fresh) -> Case:
    """One record with one value in it, between lines that hold none."""
    text, told, secret = planted(fresh)
    room = MOST_DISGUISES - len(told.split("+"))
    for name in fresh.rnd.sample(sorted(disguises.FRAGMENT), min(room, fresh.rnd.choice((0, 0, 1, 1, 2, 3)))):
        room -= 1 + (name in DEEP)
        if room < 0:
            continue
        if name == "base32_body" and not (text.isascii() and text.isprintable()):
            continue  # what is not ASCII leaves no trace in base32 by which it is told from an identifier
        text, told = disguises.FRAGMENT[name](text, fresh), f"{told}/{name}"
    shape = fresh.rnd.choice([*shapes.TEXT, *shapes.JSON, *LINES])
    line = LINES[shape](text, fresh) if shape in LINES else shapes.wrapped(shape, text, fresh)
    if fresh.rnd.random() < 0.2 and shape in shapes.TEXT:
        place = fresh.rnd.choice((0, len(line)))
        damage = fresh.rnd.choice(DAMAGE)
        if SPOILS.get(damage, "") not in told or not SPOILED.match(damage + line[place:]):
            line, told = line[:place] + damage + line[place:], f"{told}/damaged"
    lines = [*neighbours(fresh), *line.split("\n"), *neighbours(fresh)]
    return Case(f"{told}/{shape}", tuple(lines), (secret,))


def neighbours(fresh: Fresh) -> list[str]:
    """Lines that hold nothing, mostly none."""
    templates = [fresh.rnd.choice(NEGATIVES[fresh.rnd.choice(sorted(NEGATIVES))]) for _ in range(fresh.rnd.choice((0, 0, 0, 1, 2)))]
    return [line for template in templates for line in filled(template, fresh).split("\n")]


def run(scrubber: Scrubber, data: bytes, cuts: Sequence[int] = ()) -> tuple[list[bytes], Counter[str]]:
    """What becomes of *data*, fed in the pieces between *cuts*, and what was withheld."""
    assembler = Assembler(told=not scrubber.raw)  # as the program has it
    out: list[bytes] = []
    withheld: Counter[str] = Counter()
    pieces = [data[start:end] for start, end in pairwise([0, *sorted(cuts), len(data)])]
    for assembled in [*map(assembler.feed, pieces), assembler.flush()]:
        batch = scrubber.scrub(assembled, "fuzz")
        out += batch.records
        withheld.update(batch.withheld)
    return out, withheld


def encoded(lines: Sequence[str]) -> bytes:
    return b"".join(line.encode("utf-8", "surrogatepass") + b"\n" for line in lines)


class Fuzz:
    """Runs batches, and tells what does not hold."""

    def __init__(self) -> None:
        rules, keyring = compiled(), Keyring.ephemeral()
        self.number = 0
        self.scrubbers: dict[Format, Scrubber] = {
            form: Scrubber(rules, keyring, Options(format=form)) for form in ("raw", "ndjson")
        }
        self.told: Counter[str] = Counter()

    def fault(self, what: str, case: Case | None, output: object) -> None:
        self.told[what] += 1
        told = f"{case.family}\n  in  {list(case.lines)!r:.700}\n" if case else "\n"
        print(f"batch {self.number}: {what}: {told}  out {output!r:.700}", flush=True)

    def batch(self, fresh: Fresh) -> None:
        cases = [made(fresh) for _ in range(BATCH)]
        lines = [line for number, case in enumerate(cases) for line in (MARK.format(number), *case.lines)]
        data = encoded(lines)
        for form, scrubber in self.scrubbers.items():
            out, withheld = run(scrubber, data)
            if withheld:
                self.fault(f"withheld in {form}", None, dict(withheld))
            cuts = [fresh.number(0, len(data)) for _ in range(fresh.number(1, 9))]
            if (other := run(scrubber, data, cuts)[0]) != out:
                self.fault(f"cuts matter in {form}", None, [(a, b) for a, b in zip(out, other, strict=False) if a != b][:2])
            texts = [record.decode("utf-8", "surrogateescape") for record in out]
            self.survivors(form, cases, texts)
            if form == "raw" and len(out) != len(lines):
                self.fault("lines lost in raw", None, (len(lines), len(out)))
            if form == "ndjson" and not all(isinstance(json.loads(record), dict) for record in out):
                self.fault("no object in ndjson", None, [record for record in out if record[:1] != b"{"][:2])
            again = [record.decode("utf-8", "surrogateescape") for record in run(scrubber, b"\n".join([*out, b""]))[0]]
            if len(again) != len(texts) or not same(texts, again):
                changed = [(a, b) for a, b in zip(texts, again, strict=False) if a != b]
                self.fault(f"a second pass changes {form}", None, changed[:2])

    def survivors(self, form: str, cases: Sequence[Case], texts: Sequence[str]) -> None:
        places: list[list[str]] = [[] for _ in cases]
        current = 0
        for text in texts:
            passed = [int(number) for number in MARKED.findall(text)]
            current = max(passed, default=current)
            for number in {current, *passed}:
                places[number].append(MARKED.sub("", text))
        for case, place in zip(cases, places, strict=True):
            output = place[1:] if form == "raw" else place
            verdict = judge(case, output)
            if verdict.leaked:
                self.fault(f"leaked in {form}", case, output)
            if form == "raw" and verdict.broken:
                self.fault("broken JSON in raw", case, output)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=0, help="only this batch, as a fault names it")
    options = parser.parse_args()
    fuzz, batches = Fuzz(), 0
    until = time.monotonic() + 60 * options.minutes
    while time.monotonic() < until and not (options.batch and batches):
        batches += 1
        fuzz.number = options.batch or batches
        fuzz.batch(Fresh(random.Random(f"fuzz/{options.seed}/{fuzz.number}")))
    print(f"{batches * BATCH} records in {options.minutes:g} minutes, seed {options.seed}: {dict(fuzz.told) or 'nothing found'}")
    sys.exit(1 if fuzz.told else 0)


if __name__ == "__main__":
    main()
