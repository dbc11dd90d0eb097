"""What `sanitizer exec` adds to the time of a call, beside the bare server in the same run.

    python -m benchmarks.exec [--calls 1000] [--rounds 5] [--size 100 60000]

Both servers run at once and take turns, call by call, so that what else the machine does meets both alike. The median of several
rounds is told: a 99th percentile is whatever the machine did in the worst hundredth of one.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUDGET_MS = 1.0
"""What a frame may take longer, at the 99th percentile."""

SERVER = """
import json, sys
loud = sys.argv[1] == "loud"
for line in sys.stdin.buffer:
    if loud:
        sys.stderr.write("INFO called by jane.doe@example.com with ghp_" + "a1B2" * 9 + "\\n")
        sys.stderr.flush()
    message = json.loads(line)
    content = [{"type": "text", "text": message["params"]["arguments"]["x"]}]
    answer = {"jsonrpc": "2.0", "id": message["id"], "result": {"content": content}}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\\n")
    sys.stdout.buffer.flush()
"""


class Server:
    """A server that answers each call with its argument, bare or behind `exec`."""

    def __init__(self, *wrapper: str, loud: bool) -> None:
        self.process = subprocess.Popen(
            [*wrapper, sys.executable, "-c", SERVER, "loud" if loud else "quiet"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            bufsize=0,
        )
        assert self.process.stdin
        assert self.process.stdout
        self._into = self.process.stdin.fileno()
        self._out = self.process.stdout.fileno()

    def call(self, number: int, text: str) -> float:
        """Seconds between a request and its answer."""
        params = {"name": "echo", "arguments": {"x": text}}
        frame = json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}).encode() + b"\n"
        begun = time.perf_counter()
        rest = memoryview(frame)
        while rest:
            rest = rest[os.write(self._into, rest) :]
        while not os.read(self._out, 1 << 20).endswith(b"\n"):
            pass
        return time.perf_counter() - begun

    def close(self) -> None:
        """End it by ending its input."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(30)
        assert self.process.stdout
        self.process.stdout.close()


def measure(calls: int, size: int, *, loud: bool) -> tuple[list[float], list[float]]:
    """Milliseconds of each call, sorted: bare, and behind `exec` with an audit file."""
    text = "x" * size
    with tempfile.TemporaryDirectory() as folder:
        exec_command = [sys.executable, "-m", "sanitizer", "exec", "--audit-file", f"{folder}/audit.ndjson", "--"]
        bare, wrapped = Server(loud=loud), Server(*exec_command, loud=loud)
        try:
            for number in range(20):
                bare.call(number, text)
                wrapped.call(number, text)
            times: tuple[list[float], list[float]] = ([], [])
            for number in range(calls):
                for server, taken in zip((bare, wrapped), times, strict=True):
                    taken.append(server.call(number, text) * 1e3)
        finally:
            bare.close()
            wrapped.close()
    return sorted(times[0]), sorted(times[1])


def at(times: list[float], share: float) -> float:
    """The value below which *share* of the sorted *times* lie."""
    return times[min(len(times) - 1, int(len(times) * share))]


def main() -> None:
    """Measure and tell; exit code 1 where the budget is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1_000, help="a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, nargs="*", default=[100, 60_000], help="bytes of the argument")
    options = parser.parse_args()
    late = False
    for loud in (False, True):
        for size in options.size:
            rounds = [measure(options.calls, size, loud=loud) for _ in range(options.rounds)]
            told = {}
            for share in (0.5, 0.99):
                told[share] = [statistics.median(at(times[side], share) for times in rounds) for side in (0, 1)]
                told[share].append(statistics.median(at(wrapped, share) - at(bare, share) for bare, wrapped in rounds))
            frame_ms = told[0.99][2] / 2  # a call is two frames
            late = late or frame_ms > BUDGET_MS
            print(
                f"{size:>6} B, {'loud ' if loud else 'quiet'}: bare p50 {told[0.5][0]:.3f} p99 {told[0.99][0]:.3f} ms; "
                f"added to a call p50 {told[0.5][2]:.3f} p99 {told[0.99][2]:.3f} ms; to a frame p99 {frame_ms:.3f} ms"
            )
    sys.exit(int(late))


if __name__ == "__main__":
    main()
