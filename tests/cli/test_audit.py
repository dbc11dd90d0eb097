from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sanitizer.audit.chain import Chain, Signer
from sanitizer.audit.event import AuditEvent, timestamp
from sanitizer.audit.ledger import Ledger
from sanitizer.cli.audit import audit, hash_command
from sanitizer.hashing import ENVIRONMENT_NAME, Keyring
from sanitizer.protocol.params import Params

NOW = 1_795_186_552 * 10**9
KEYS = {ENVIRONMENT_NAME: "k:a key of enough length"}


def run(*arguments: object, **options: Any) -> Result:
    return CliRunner().invoke(audit, [str(argument) for argument in arguments], **options)


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    """A signed trail of ten calls, closed; its keys beside it."""
    assert run("keygen", tmp_path / "key").exit_code == 0
    path = tmp_path / "audit.ndjson"
    ledger = Ledger(path, max_bytes=2_500)
    chain = Chain(signer=Signer.load(tmp_path / "key"), every_events=4)
    for number in range(10):
        facts: dict[str, Any] = {
            "tool": f"t{number % 2}",
            "outcome": "ok" if number else "denied",
            "latency_ms": number,
            "method": "tools/call",
        }
        sealed = [chain.seal(AuditEvent(type="call", time=timestamp(NOW + number), server="crm", **facts))]
        if chain.is_due(NOW):
            sealed.append(chain.checkpoint(NOW))
        ledger.append(sealed, chain.head)
    ledger.append([chain.checkpoint(NOW, closing=True)], chain.head)
    ledger.close()
    return path


def test_keygen_keeps_the_key_to_its_owner_and_never_overwrites_one(tmp_path: Path) -> None:
    done = run("keygen", tmp_path / "key")
    assert done.exit_code == 0
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in done.output
    before = (tmp_path / "key").read_bytes()
    again = run("keygen", tmp_path / "key")
    assert again.exit_code == 2
    assert "never overwritten" in again.output
    assert (tmp_path / "key").read_bytes() == before
    assert run("keygen", tmp_path / "gone" / "key").exit_code == 2


def test_verify_says_intact_up_to_where_and_how_far_it_is_signed(trail: Path) -> None:
    done = run("verify", trail, "--public-key", trail.with_name("key.pub"))
    assert done.exit_code == 0, done.output
    assert "intact up to sequence 13 (13 events from 1)" in done.output
    assert "signed up to sequence 13" in done.output
    without = run("verify", trail)
    assert without.exit_code == 0
    assert "the chain only" in without.output


def test_verify_names_what_is_wrong_and_fails(trail: Path) -> None:
    text = trail.read_bytes().splitlines(keepends=True)
    trail.write_bytes(b"".join([*text[:-2], text[-1].replace(b'"closing":true', b'"closing":null')]))
    done = run("verify", trail, "--public-key", trail.with_name("key.pub"))
    assert done.exit_code == 1
    assert "NOT intact; nothing wrong up to sequence 11" in done.output
    assert "missing: 12" in done.output
    assert "altered: 13 (audit.ndjson:" in done.output
    as_json = json.loads(run("verify", trail, "--json").output)
    assert (as_json["intact"], as_json["intact_to"]) == (False, 11)
    assert {fault["kind"] for fault in as_json["faults"]} == {"missing", "altered"}


def test_verify_finds_the_end_cut_off_by_the_head_beside_the_file(trail: Path) -> None:
    lines = trail.read_bytes().splitlines(keepends=True)
    trail.write_bytes(b"".join(lines[:-1]))
    assert "cut off: 13" in run("verify", trail).output
    trail.with_name("audit.ndjson.head").unlink()
    assert run("verify", trail).exit_code == 1


def test_verify_takes_an_export_from_standard_input(trail: Path) -> None:
    events = [json.loads(line) for part in sorted(trail.parent.glob("audit.ndjson*")) if part.suffix not in (".head", ".lock")
              for line in part.read_bytes().splitlines()]  # fmt: skip
    export = json.dumps([{"_source": event} for event in reversed(events)], indent=2)
    assert run("verify", "-", input=export).exit_code == 0
    excerpt = "\n".join(json.dumps(event) for event in events if event["seq"] in (4, 5, 6))
    assert run("verify", "-", input=excerpt).exit_code == 1
    assert run("verify", "-", "--excerpt", input=excerpt).exit_code == 0


def test_what_cannot_be_read_is_named_and_exits_2(trail: Path, tmp_path: Path) -> None:
    for arguments in (
        ("verify", tmp_path / "gone"),
        ("verify", trail, "--public-key", trail),
        ("verify", trail, "--head", trail),
        ("query", tmp_path / "gone"),
        ("query", trail, "--since", "yesterday"),
    ):
        done = run(*arguments)
        assert done.exit_code == 2, arguments
        assert any(word in done.output for word in ("gone", "audit.ndjson", "yesterday"))


def test_query_filters_and_shows_views(trail: Path) -> None:
    assert len(run("query", trail, "--tool", "t1", "--json").output.splitlines()) == 5
    assert len(run("query", trail, "--outcome", "denied", "--json").output.splitlines()) == 1
    assert len(run("query", trail, "--type", "call", "--limit", 3, "--json").output.splitlines()) == 3
    table = run("query", trail, "--tool", "t0").output.splitlines()
    assert table[0].split() == ["time", "type", "server", "method", "target", "outcome", "latency_ms", "user"]
    assert table[1].split()[1:6] == ["call", "crm", "tools/call", "t0", "denied"]
    assert run("query", trail, "--view", "cef", "--limit", 1).output.startswith("CEF:0|")
    assert run("query", trail, "--since", "24h", "--json").exit_code == 0


def test_what_can_be_no_answer_is_refused_and_says_what_can(trail: Path) -> None:
    for command, option, word, known in (
        ("query", "--outcome", "toolerror", "tool_error"),
        ("query", "--type", "exposure", "credential_exposure"),
        ("stats", "--by", "tol", "tool"),
    ):
        done = run(command, trail, option, word)
        assert done.exit_code == 2
        assert word in done.output
        assert known in done.output


def test_a_leaked_credential_is_found_by_the_hash_of_it(tmp_path: Path) -> None:
    token = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
    seen = timestamp(NOW)
    facts: dict[str, Any] = {"type": "credential_exposure", "time": seen, "first_seen": seen, "last_seen": seen, "rule": "github-pat"}
    fingerprints = [Keyring.load(environment=KEYS).digest(text) for text in (token.encode(), b"another")]
    chain = Chain()
    events = [chain.seal(AuditEvent(**facts, fingerprint=each, count=3)) for each in fingerprints]
    (tmp_path / "audit.ndjson").write_bytes(b"\n".join(events))

    fingerprint = lookup("-", "--credential", text=f"{token}\n").output.strip()
    assert fingerprint == fingerprints[0] == lookup(token, "--credential").output.strip()
    (_, row) = run("query", tmp_path / "audit.ndjson", "--fingerprint", fingerprint).output.splitlines()
    assert row.split()[1:] == ["credential_exposure", "-", "-", "github-pat", "3x", fingerprint[:36], "-", "-"]
    (found,) = run("query", tmp_path / "audit.ndjson", "--fingerprint", fingerprint[:36], "--json").output.splitlines()
    assert json.loads(found)["fingerprint"] == fingerprint


def test_users_and_sessions_are_found_by_the_hash_of_them() -> None:
    keyring = Keyring.load(environment=KEYS)
    for fact in ("user", "session"):
        shown = f"[{fact}:{keyring.pseudonym(fact.encode(), b'usr_123').decode()}]"
        assert lookup("usr_123", "--fact", fact).output.strip() == shown
        assert lookup("-", "--fact", fact, text="usr_123\n").output.strip() == shown


def test_verify_names_the_key_that_is_asked_for(trail: Path) -> None:
    assert run("keygen", trail.with_name("other")).exit_code == 0
    named = run("verify", trail, "--json", "--public-key", trail.with_name("other.pub"))
    assert named.exit_code == 1
    signer = Signer.load(trail.with_name("key"))
    assert signer
    assert f"it names {signer.key_id}" in named.output


def test_verify_says_what_stands_out_of_order_and_that_nothing_is_wrong_with_it(trail: Path) -> None:
    lines = trail.read_bytes().splitlines(keepends=True)
    trail.write_bytes(b"".join([*lines[:-3], lines[-2], lines[-3], lines[-1]]))
    done = run("verify", trail)
    assert done.exit_code == 0
    assert "1 out of order" in done.output


def test_stats_count_outcomes_and_latencies_by_tool(trail: Path) -> None:
    told = json.loads(run("stats", trail, "--json").output)
    assert told["t1"]["outcomes"] == {"ok": 5}
    assert told["t0"]["latency_ms"]["max"] == 8.0
    table = run("stats", trail, "--by", "server").output.splitlines()
    assert table[1].split()[:2] == ["crm", "10"]


def lookup(*arguments: str, env: dict[str, str] | None = None, text: str | None = None) -> Result:
    return CliRunner(env={ENVIRONMENT_NAME: None}).invoke(hash_command, list(arguments), env=env or KEYS, input=text)


def test_hash_gives_the_hash_that_the_log_has() -> None:
    params = {"name": "charge", "arguments": {"n": 1.0, "card": "4111"}, "_meta": {"progressToken": 1}}
    keyring = Keyring.load(environment=KEYS)
    record = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    logged = json.loads(Params(keyring, lambda text: text).rewrite(record)[0])["params_hash"]
    assert lookup(json.dumps(params)).output.strip() == logged
    assert lookup('{"card":"4111","n":1}').output.strip() == logged
    assert lookup("-", text='{"card":"4111","n":1e0}').output.strip() == logged
    assert lookup('{"name":"x","arguments":{}}', "--tool").output.strip() == keyring.params_hash({"name": "x", "arguments": {}})
    assert lookup("{}", "--plain").output.strip() == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


def test_hash_looks_up_with_an_old_key(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("*new:another key of enough length\nk:a key of enough length\n")
    new = lookup("{}", "--key-file", str(tmp_path / "keys"))
    old = lookup("{}", "--key-file", str(tmp_path / "keys"), "--key-id", "k")
    assert new.output.startswith("hmac-sha256:new:")
    assert old.output == lookup("{}").output


@pytest.mark.parametrize(
    ("arguments", "env", "complaint"),
    [
        (("{",), None, "no JSON"),
        (("{}", "--key-id", "gone"), None, "no hash key has the id 'gone'"),
        (("{}",), {ENVIRONMENT_NAME: "short-secret"}, "needs at least 16"),
        (("{}", "--key-file", "gone.keys"), None, "gone.keys"),
    ],
)
def test_hash_says_what_is_missing_and_shows_no_key(arguments: tuple[str, ...], env: dict[str, str] | None, complaint: str) -> None:
    done = lookup(*arguments, env=env)
    assert done.exit_code == 2
    assert complaint in done.output
    assert "short-secret" not in done.output


def test_hash_without_any_key_is_of_no_use_and_says_so() -> None:
    done = CliRunner(env={ENVIRONMENT_NAME: None}).invoke(hash_command, ["{}"])
    assert done.exit_code == 2
    assert "no hash key to look a call up with" in done.output
