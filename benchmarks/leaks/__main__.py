"""Measure what leaks: `python -m benchmarks.leaks`.

Feeds the corpus to a line sanitizer (one line out for each line in), judges the output, and prints recall, precision and
over-redaction by kind and by disguise.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from benchmarks.leaks.corpus import corpus
from benchmarks.leaks.judge import Verdict, judge
from benchmarks.leaks.model import Case

COMMAND = f"{shlex.quote(sys.executable)} -m sanitizer run --format raw"
NDJSON = f"{shlex.quote(sys.executable)} -m sanitizer run"
MARK = "case {:06} follows"
_MARKED = re.compile(r"case (\d{6}) follows")


def _encoded(lines: list[str]) -> bytes:
    return b"".join(line.encode("utf-8", "surrogateescape") + b"\n" for line in lines)


def _output(command: str, lines: list[str]) -> list[str]:
    done = subprocess.run(shlex.split(command), input=_encoded(lines), stdout=subprocess.PIPE, check=True)
    return done.stdout.decode("utf-8", "surrogateescape").split("\n")[:-1]


def run_raw(command: str, cases: list[Case]) -> list[list[str]]:
    """The output lines of every case, by their number."""
    lines = [line for case in cases for line in case.lines]
    out = _output(command, lines)
    if len(out) != len(lines):
        raise SystemExit(f"{len(lines)} lines in, {len(out)} out: `raw` owes one line for each")
    at = iter(out)
    return [[next(at) for _ in case.lines] for case in cases]


def run_ndjson(command: str, cases: list[Case]) -> list[list[str]]:
    """The records of every case, told apart by marker lines, since records and lines need not agree."""
    lines = [line for number, case in enumerate(cases) for line in (MARK.format(number), *case.lines)]
    places: list[list[str]] = [[] for _ in cases]
    current = 0
    for record in _output(command, lines):
        passed = [int(number) for number in _MARKED.findall(record)]
        for number in {current, *passed}:
            places[number].append(_MARKED.sub("", record))
        current = max(passed, default=current)
    if current < len(cases) - 1:
        raise SystemExit(f"{len(cases)} cases in, {current + 1} out")
    return places


Row = list[int]


def tally(cases: list[Case], verdicts: list[Verdict]) -> tuple[dict[str, Row], dict[str, Row], dict[str, Row]]:
    """By kind and by family: secrets, leaked. By clean family: records, changed."""
    kinds: dict[str, Row] = defaultdict(lambda: [0, 0])
    families: dict[str, Row] = defaultdict(lambda: [0, 0])
    clean: dict[str, Row] = defaultdict(lambda: [0, 0])
    for case, verdict in zip(cases, verdicts, strict=True):
        for secret in case.secrets:
            for row in (kinds[secret.kind], families[case.family]):
                row[0] += 1
                row[1] += secret in verdict.leaked
        if not case.secrets:
            clean[case.family][0] += 1
            clean[case.family][1] += verdict.changed
    return dict(kinds), dict(families), dict(clean)


def _table(title: str, rows: dict[str, Row], kept: bool = False) -> list[str]:
    heads = ("records", "changed", "left alone") if kept else ("secrets", "leaked", "recall")
    head = [
        "",
        f"| {title} | {heads[0]} | {heads[1]} | {heads[2]} |",
        "|---|---:|---:|---:|",
    ]
    return head + [f"| {name} | {n} | {bad} | {100 * (1 - bad / n):.2f} % |" for name, (n, bad) in sorted(rows.items())]


def _groups(rows: dict[str, Row]) -> dict[str, Row]:
    groups: dict[str, Row] = defaultdict(lambda: [0, 0])
    for name, (n, bad) in rows.items():
        group = groups[name.split("/")[0]]
        group[0] += n
        group[1] += bad
    return dict(groups)


def report(cases: list[Case], verdicts: list[Verdict], *, detail: bool, rewritten: bool = False) -> list[str]:
    """Tables in Markdown; where the format rewrites every line, of the leaks alone."""
    kinds, families, clean = tally(cases, verdicts)
    (secrets, leaked), (records, changed) = (_sum(rows) for rows in (kinds, clean))
    dirty = [verdict for case, verdict in zip(cases, verdicts, strict=True) if case.secrets]
    words, lost = sum(verdict.words for verdict in dirty), sum(len(word) for verdict in dirty for word in verdict.lost)
    hit = secrets - leaked
    figures = {"recall": _share(hit, secrets)}
    if not rewritten:
        figures |= {
            "precision (secrets redacted, of these and clean records changed)": _share(hit, hit + changed),
            "clean records changed": _share(changed, records),
            "characters lost beside a secret": _share(lost, words),
            "JSON broken": str(sum(verdict.broken for verdict in verdicts)),
        }
    lines = [f"{len(cases)} records, {secrets} secrets, {records} clean records.", "", "| figure | |", "|---|---:|"]
    lines += [f"| {name} | {figure} |" for name, figure in figures.items()]
    lines += _table("kind", kinds) + _table("group", _groups(families))
    if not rewritten:
        lines += _table("clean records", clean if detail else _groups(clean), kept=True)
    spelled_out = {name: row for name, row in families.items() if not name.startswith("vendor/")}
    return lines + (_table("family", spelled_out) if detail else [])


def _sum(rows: dict[str, Row]) -> Row:
    return [sum(n for n, _ in rows.values()), sum(bad for _, bad in rows.values())]


def _share(part: int, whole: int) -> str:
    return f"{100 * part / max(1, whole):.2f} %"


def failures(cases: list[Case], outputs: list[list[str]], verdicts: list[Verdict]) -> Iterator[dict[str, object]]:
    """What went wrong, with what went in and came out."""
    for case, output, verdict in zip(cases, outputs, verdicts, strict=True):
        wrongs = {"leak": verdict.leaked, "broken": verdict.broken, "changed": verdict.changed, "lost": verdict.lost}
        if what := next((name for name, wrong in wrongs.items() if wrong), None):
            texts = {"in": "\n".join(case.lines)[:1500], "out": "\n".join(output)[:1500]}
            yield {
                "what": what,
                "family": case.family,
                **texts,
                "leaked": list(map(asdict, verdict.leaked)),
                "lost": verdict.lost[:8],
            }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.leaks", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="other seed, other values")
    parser.add_argument("--scale", type=int, default=1, help="so many times the cases")
    parser.add_argument("--slice", type=int, default=1, help="of each family every n-th case")
    parser.add_argument("--family", default="*", help="only families that match this glob, such as 'connection/*'")
    parser.add_argument("--command", help="another line sanitizer; default: this program's raw format")
    parser.add_argument("--ndjson", action="store_true", help="judge the NDJSON format (leaks only)")
    parser.add_argument("--failures", type=Path, help="write every failure here (JSONL)")
    parser.add_argument("--detail", action="store_true", help="a row for every family")
    parser.add_argument("--write", type=Path, help="put the tables between the markers of this Markdown file")
    parser.add_argument("--fail", action="store_true", help="exit 1 when anything leaks")
    options = parser.parse_args()
    cases = corpus(options.seed, options.scale, options.family, options.slice)
    command = options.command or (NDJSON if options.ndjson else COMMAND)
    start = time.perf_counter()
    outputs = (run_ndjson if options.ndjson else run_raw)(command, cases)
    took = time.perf_counter() - start
    verdicts = [judge(case, output) for case, output in zip(cases, outputs, strict=True)]
    lines = report(cases, verdicts, detail=options.detail, rewritten=options.ndjson)
    size = sum(len(line) for case in cases for line in case.lines)
    print("\n".join(lines), f"\n{took:.1f} s for {size / 1e6:.1f} MB")
    if options.failures:
        found = (json.dumps(failure) + "\n" for failure in failures(cases, outputs, verdicts))
        options.failures.write_text("".join(found), encoding="utf-8")
    if options.write:
        before, _, rest = options.write.read_text(encoding="utf-8").partition("<!-- leaks -->")
        table = "\n".join(report(cases, verdicts, detail=True))
        after = rest.partition("<!-- /leaks -->")[2]
        options.write.write_text(f"{before}<!-- leaks -->\n{table}\n<!-- /leaks -->{after}", encoding="utf-8")
    if options.fail and any(verdict.leaked for verdict in verdicts):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
