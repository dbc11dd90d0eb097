"""What the audit trail costs: `python -m benchmarks.audit [throughput] [memory] [verify]`.

`throughput` runs `sanitizer run` over the mixed corpus with and without `--audit-file`, in turns, and compares CPU time. `memory`
feeds the frames of ten million calls to one trail that rotates and deletes its files, and looks at the resident memory at each
million. `verify` checks what is left of such a trail, and tells how much memory a million events take.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.corpus import generate
from benchmarks.speed import RUN, cost, verdict
from sanitizer.audit.chain import SIGNING_KEY_NAME, Signer, generate_key
from sanitizer.audit.ledger import Ledger
from sanitizer.audit.tap import Tap
from sanitizer.audit.trailfile import TrailFile
from sanitizer.hashing import Keyring
from sanitizer.model import CleanBatch
from sanitizer.protocol.mcp import Exposure
from sanitizer.protocol.params import Params

LEAST_THROUGHPUT = 0.75
MOST_GROWTH = 1.05
"""Resident memory at the end, against that after the first tenth."""
CALLS_A_PIECE = 200
FEED = [sys.executable, "-m", "benchmarks.audit", "feed"]
VERIFY = [sys.executable, "-m", "sanitizer", "audit", "verify"]


def throughput(megabytes: float, rounds: int) -> bool:
    """Print the CPU time with the audit trail and without; whether the promise is kept."""
    ours, bare = [], []
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "mixed.log")
        with log.open("wb") as file:
            file.writelines(generate("mixed", int(megabytes * 1e6)))
        size = log.stat().st_size / 1e6
        cost(RUN)
        for number in range(rounds):
            bare.append(cost(RUN, log).cpu)
            ours.append(cost([*RUN, "--audit-file", f"{folder}/{number}.ndjson"], log).cpu)
        events = Path(folder, "0.ndjson").read_bytes().count(b"\n")
    without, audited = statistics.median(bare), statistics.median(ours)
    share = without / audited
    print(
        f"throughput, mixed, {size:.0f} MB: {size / without:.1f} MB/s without, {size / audited:.1f} MB/s with the trail "
        f"({events} events, {(audited - without) / events * 1e6:.1f} us each): {share:.2f} of it, "
        f"promised {LEAST_THROUGHPUT}: {verdict(share >= LEAST_THROUGHPUT)}"
    )
    return share >= LEAST_THROUGHPUT


def traffic(calls: int, seed: int = 1) -> Iterator[tuple[bytes, bytes]]:
    """What client and server say in so many calls, a piece at a time: most are answered, some late, twice or never."""
    rnd = random.Random(seed)
    tools = [f"tool_{number}" for number in range(50)]
    late: list[dict[str, object]] = []
    for start in range(0, calls, CALLS_A_PIECE):
        asked: list[dict[str, object]] = []
        said: list[dict[str, object]] = late
        late = []
        if start % (CALLS_A_PIECE * 50) == 0:
            hello = {"clientInfo": {"name": f"client-{start}", "version": "1"}, "protocolVersion": "2025-11-25"}
            asked.append({"id": f"i{start}", "method": "initialize", "params": hello})
            said.append({"id": f"i{start}", "result": {"protocolVersion": "2025-11-25", "serverInfo": {"name": "crm"}}})
        for number in range(start, start + CALLS_A_PIECE):
            chance = rnd.random()
            tool = rnd.choice(tools) if chance < 0.999 else f"odd-{number}"
            params: dict[str, object] = {"name": tool, "arguments": {"query": f"q{number}", "limit": number % 50}}
            asked.append({"id": number, "method": "tools/call", "params": params})
            answer: dict[str, object] = {"id": number, "result": {"content": [], "isError": chance < 0.05}}
            if chance < 0.90:
                said.append(answer)
            elif chance < 0.95:
                late.append(answer)
            elif chance < 0.96:
                asked.append({"method": "notifications/cancelled", "params": {"requestId": number}})
            elif chance < 0.97:
                said.append({"id": number, "result": {"resultType": "input_required", "requestState": f"s{number}"}})
                if chance < 0.965:
                    retry = {**params, "inputResponses": {}, "requestState": f"s{number}"}
                    asked.append({"id": f"r{number}", "method": "tools/call", "params": retry})
                    late.append({**answer, "id": f"r{number}"})
            elif chance < 0.98:
                said += [answer, answer]
            elif chance < 0.99:
                said.append({"method": "notifications/progress", "params": {"progressToken": number, "progress": 1}})
        yield lines(asked), lines(said)


def lines(messages: list[dict[str, object]]) -> bytes:
    return b"".join(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n" for message in messages)


def feed(path: str, calls: int, keep_secs: float | None) -> None:
    """Feed the traffic of so many calls to the trail at *path*, and print the resident megabytes at each tenth."""
    keyring = Keyring({"k": b"a key of enough length"}, "k")
    params = Params(keyring, bytes)
    signer = Signer.load(environment={SIGNING_KEY_NAME: generate_key()[0].decode()})
    client, server = Tap(params, "c2s"), Tap(params, "s2c")
    trail = TrailFile(Ledger(path, max_bytes=32 << 20), signer, "crm", keep_secs=keep_secs)
    done = 0
    for asked, said in traffic(calls):
        exposures = [Exposure("github-pat", keyring.digest(b"%d" % number)) for number in range(done, done + 3)]
        trail(CleanBatch("stdio", (), (), 0, frames=[*client.feed(asked), *server.feed(said), *exposures]))
        trail.tick()
        done += CALLS_A_PIECE
        if done % (calls // 10) < CALLS_A_PIECE:
            print(resident_megabytes(), flush=True)
    trail.close()


def resident_megabytes() -> float:
    """What this process has in memory now; at most so far, where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def memory(calls: int) -> bool:
    """Print the resident memory at each tenth of *calls*; whether it stays flat."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        path = f"{folder}/audit.ndjson"
        megabytes = [float(line) for line in subprocess.check_output([*FEED, path, str(calls), "--keep", "5"], text=True).split()]
        secs = time.perf_counter() - begun
        check = subprocess.run([*VERIFY, path], capture_output=True, text=True, check=False)
    growth = megabytes[-1] / megabytes[0]
    kept = growth <= MOST_GROWTH and check.returncode == 0
    told = " ".join(f"{each:.1f}" for each in megabytes)
    print(
        f"memory, {calls:,} calls in {secs:.0f} s: {told} MB resident, the last {growth:.3f} times the first, "
        f"promised {MOST_GROWTH}: {verdict(kept)}\n  then: {check.stdout.strip()}"
    )
    return kept


def verifying(calls: int) -> None:
    """Print what verifying a trail of *calls* costs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "audit.ndjson")
        subprocess.run([*FEED, path, str(calls)], check=True, stdout=subprocess.DEVNULL)
        spent = cost([*VERIFY, str(path)])
    print(f"verify, {calls:,} calls: {spent.cpu:.1f} s, {spent.cpu / calls * 1e6:.1f} us a call, at most {spent.peak:.0f} MB")


def main() -> None:
    """Measure and tell; exit code 1 where a promise is not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", help="throughput, memory, verify; all of them without a word")
    parser.add_argument("--size", type=float, default=30, help="megabytes of the corpus")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--calls", type=int, default=10_000_000)
    parser.add_argument("--keep", type=float, help="with `feed PATH CALLS`, which the others call: delete parts after so long")
    options = parser.parse_args()
    what = options.what or ["throughput", "memory", "verify"]
    if what[0] == "feed":
        feed(what[1], int(what[2]), options.keep)
        return
    kept = True
    if "throughput" in what:
        kept = throughput(options.size, options.rounds)
    if "memory" in what:
        kept = memory(options.calls) and kept
    if "verify" in what:
        verifying(options.calls // 10)
    sys.exit(not kept)


if __name__ == "__main__":
    main()
