"""Break what can be broken, many times over: `python -m benchmarks.faults --rounds 60`.

Runs `tests/faults`, in which the program is killed, cut off, filled up and lied to, with so many rounds of what is random, and puts
what was done and what came of it into `docs/reliability.md`. It fails, and writes nothing, when a test does.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- written by benchmarks.faults -->\n", "<!-- end -->\n"
HEADS = ("kills", "rounds", "records", "lost", "again", "in_memory", "dropped", "rejected", "rotations", "damages")


def table(rows: list[dict[str, object]], secs: float, rounds: int) -> str:
    """The figures in Markdown."""
    heads = [head for head in HEADS if any(head in row for row in rows)]
    kills = sum(int(str(row.get("kills", 0))) for row in rows)
    lines = [
        f"Run on {datetime.now(UTC):%Y-%m-%d} with `--rounds {rounds}`: all passed, in {secs / 60:.0f} minutes, {kills} kills.",
        "",
        "| what was done | " + " | ".join(head.replace("_", " ") for head in heads) + " |",
        "|---" * (len(heads) + 1) + "|",
    ]
    rows = [{"lost": 0, **row} for row in rows]  # a test fails that loses what it does not tell of
    lines += [f"| {row['what']} | " + " | ".join(str(row.get(head, "")) for head in heads) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60, help="how often each random fault is tried (default 60)")
    parser.add_argument("--only", default="", help="run the tests whose name holds this; then nothing is written")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        report = Path(folder) / "report"
        environment = {**os.environ, "SANITIZER_FAULT_ROUNDS": str(arguments.rounds), "SANITIZER_FAULT_REPORT": str(report)}
        begun = time.monotonic()
        command = [sys.executable, "-m", "pytest", "-v", "-o", "timeout=7200", "tests/faults", "-k", arguments.only]
        command += [f"--basetemp={folder}/work", "--ignore=tests/faults/test_kafka.py"]  # `benchmarks.kafka_faults` runs that
        if code := subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
            raise SystemExit(code)
        rows = [json.loads(line) for line in report.read_bytes().splitlines()]
    text = table(rows, time.monotonic() - begun, arguments.rounds)
    print(text)
    if not arguments.only:
        page = PAGE.read_text(encoding="utf-8")
        before, _, rest = page.partition(BEGIN)
        PAGE.write_text(before + BEGIN + text + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
