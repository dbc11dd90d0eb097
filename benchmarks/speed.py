"""Measure speed: `python -m benchmarks.speed`.

Runs the whole program (`sanitizer run`, NDJSON and raw, all default rules) over generated logs, in turns with the yardsticks of
`benchmarks.floor`, and prints ratios of CPU time, so that the machine cancels out; then peak memory and start-up time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.corpus import generate
from benchmarks.leaks.corpus import corpus

RUN = [sys.executable, "-m", "sanitizer", "run"]
IMPORTS = [sys.executable, "-c", "import click, orjson, asyncio"]
MORE_RULES = 1000
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""What is measured has its modules compiled, as an installed program has."""


@dataclass(frozen=True)
class Cost:
    """What one process took: CPU and wall seconds, peak megabytes."""

    cpu: float
    wall: float
    peak: float


def cost(command: list[str], source: Path | None = None) -> Cost:
    """Run *command* on *source* (or nothing), output thrown away."""
    with open(source or os.devnull, "rb") as stdin:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10))


@dataclass
class Row:
    """A line of the table: our run on a corpus against a yardstick (or another run of ours) on the same one."""

    name: str
    log: str
    options: tuple[str, ...]
    yardstick: str
    target: float
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    def ratio(self) -> float:
        return statistics.median(self.ours) / statistics.median(self.theirs)


def rows(more: str) -> list[Row]:
    """What is promised: at least *target* times the yardstick."""
    raw = ("--format", "raw")
    return [
        Row("mixed, NDJSON with params hashed", "mixed", (), "orjson", 0.3),
        Row("mixed, raw", "mixed", raw, "splice", 0.5),
        Row("mixed, raw", "mixed", raw, "re-all", 30),
        Row("ten hits a line, raw", "hits", raw, "splice", 0.5),
        Row("no hits, raw", "clean", raw, "orjson", 2.5),
        Row("no hits, NDJSON", "clean", (), "orjson", 0.8),
        Row("the leak corpus, raw", "leaks", raw, "splice", 0.4),
        Row(f"mixed, raw, {MORE_RULES} rules more", "mixed", (*raw, "--rules", more), "itself", 0.9),
    ]


def logs(folder: Path, size: float) -> dict[str, Path]:
    """The corpora as files."""
    paths = {name: folder / f"{name}.log" for name in ("mixed", "hits", "clean", "line", "leaks")}
    for name, megabytes in (("mixed", size), ("hits", size), ("clean", size), ("line", 100)):
        with paths[name].open("wb") as file:
            file.writelines(generate(name, int(megabytes * 1e6)))
    lines = [line for case in corpus(scale=2) for line in case.lines if len(line) < 20_000]
    block = "\n".join(lines).encode("utf-8", "surrogateescape") + b"\n"
    paths["leaks"].write_bytes(block * max(1, round(size * 1e6 / len(block))))
    return paths


def write_rules(folder: Path) -> None:
    """A directory of rules of one's own that find nothing here."""
    rules = "".join(f'[[rule]]\nid = "extra-{n}"\npattern = "\\\\bzq{n:04}_[A-Za-z0-9]{{16,}}"\n' for n in range(MORE_RULES))
    (folder / "extra.toml").write_text(rules, encoding="utf-8")


def measure(table: list[Row], paths: dict[str, Path], rounds: int) -> None:
    """Fill the table, all lines once a round, so that a slow minute of the machine hits all of them."""
    for _ in range(rounds):
        for row in table:
            path = paths[row.log]
            size = path.stat().st_size / 1e6
            row.ours.append(size / cost([*RUN, *row.options], path).cpu)
            if row.yardstick == "itself":
                row.theirs.append(size / cost([*RUN, *row.options[:2]], path).cpu)
            else:
                command = [sys.executable, "-m", "benchmarks.floor", str(path), row.yardstick]
                row.theirs.append(float(subprocess.check_output(command, text=True).split()[1]))


def verdict(good: bool) -> str:
    return "yes" if good else "NO"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--size", type=float, default=75, help="megabytes of each corpus")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="only rows whose name contains this")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "rules").mkdir()
        write_rules(place / "rules")
        paths = logs(place, options.size)
        table = [row for row in rows(str(place / "rules")) if options.only in row.name]
        cost([*RUN, "--rules", str(place / "rules")])
        starts = [(cost(RUN).wall, cost(IMPORTS).wall) for _ in range(7)]
        measure(table, paths, options.rounds)
        peaks = {name: cost(RUN, paths[name]).peak for name in ("mixed", "line")}
    print("| what | MB/s | yardstick | MB/s | ratio | promised | kept |\n|---|---:|---|---:|---:|---:|---|")
    for row in table:
        ours, theirs, ratio = statistics.median(row.ours), statistics.median(row.theirs), row.ratio()
        kept = verdict(ratio >= row.target)
        print(f"| {row.name} | {ours:.1f} | {row.yardstick} | {theirs:.1f} | {ratio:.2f} | {row.target:g} | {kept} |")
    print("\n| what | measured | promised | kept |\n|---|---:|---:|---|")
    start = min(ours for ours, _ in starts) / min(theirs for _, theirs in starts)
    print(f"| start, against importing click, orjson and asyncio | {start:.2f} times | 4 times | {verdict(start <= 4)} |")
    for name, most in (("mixed", 150), ("line", 250)):
        print(f"| peak memory, {name} | {peaks[name]:.0f} MB | {most} MB | {verdict(peaks[name] < most)} |")


if __name__ == "__main__":
    main()
