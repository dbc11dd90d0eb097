"""Break members and brokers of a real Kafka cluster, and tell what came of it: `python -m benchmarks.kafka_faults`.

Runs `tests/faults/test_kafka.py` with as many rounds as asked for, and prints its figures as the table of `docs/reliability.md`. A
test that fails ends it: there are no figures of a promise that was not kept.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
COLUMNS = {
    "what": "what was broken",
    "rounds": "rounds",
    "kills": "kills",
    "stops": "SIGTERMs",
    "records": "records",
    "rejected": "of them rejected",
    "again": "twice",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12, help="how often each thing is broken (default 12)")
    parser.add_argument("--only", default="", help="run the tests whose name holds this")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures"
        figures.touch()
        environment = {"SANITIZER_FAULT_ROUNDS": str(arguments.rounds), "SANITIZER_FAULT_REPORT": str(figures), "CI": "true"}
        start = time.monotonic()
        command = [sys.executable, "-m", "pytest", "-x", "tests/faults/test_kafka.py", "-k", arguments.only]
        subprocess.run(command, cwd=ROOT, env=os.environ | environment, check=True, stdout=sys.stderr)
        rows = [json.loads(line) for line in figures.read_text().splitlines()]
    print(f"| {' | '.join(COLUMNS.values())} |\n|{'---|' * len(COLUMNS)}")
    for row in rows:
        print(f"| {' | '.join(str(row.get(column, 0)) for column in COLUMNS)} |")
    minutes = (time.monotonic() - start) / 60
    print(f"\n{sum(row['rounds'] for row in rows)} rounds in {minutes:.0f} minutes, {time.strftime('%Y-%m-%d')}.")


if __name__ == "__main__":
    main()
