"""A configuration is read whole or refused whole, with every fault told and no value in any of them."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import jsonschema
import pytest
import yaml

from sanitizer.service import config
from sanitizer.service.config import Config, ConfigError
from sanitizer.service.settings import sink_names
from sinks import HttpConfig, KafkaSinkConfig, OtlpConfig, SinkConfig
from sinks.options import Secret

KAFKA = """
[[sources]]
type = "kafka"                                # stdin | file | kafka
bootstrap_servers = "127.0.0.1:9092"
topics = ["mcp-logs"]
group_id = "sanitizer"

[[sinks]]
type = "otlp"                                 # otlp | kafka | file | stdout | http
endpoint = "http://127.0.0.1:4318"

[[sinks]]
type = "kafka"
bootstrap_servers = "127.0.0.1:9092"
topic = "mcp-logs-clean"
"""

FOLLOWING = """
state_dir = "/var/lib/sanitizer"

[[sources]]
type = "file"
paths = ["/var/log/pods/*/mcp-*/*.log"]

[[sinks]]
type = "http"
url = "https://siem.example.com/ingest"
headers = { Authorization = "Bearer ${SIEM_TOKEN}" }
"""

LEAST = '[[sources]]\ntype = "stdin"\n[[sinks]]\ntype = "stdout"\n'


def parse(text: str, name: str = "c.toml", **environment: str) -> Config:
    return config.parse(text, name, environment)


def faults(text: str, name: str = "c.toml", **environment: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        parse(text, name, **environment)
    return str(raised.value).splitlines()


def test_the_short_kafka_configuration_is_a_whole_one() -> None:
    parsed = parse(KAFKA)
    assert [type(sink) for sink in parsed.sinks] == [OtlpConfig, KafkaSinkConfig]
    assert parsed.delivery == "at_least_once"


def test_the_page_of_sinks_shows_a_configuration() -> None:
    page = (Path(__file__).parents[2] / "docs/sinks.md").read_text(encoding="utf-8")
    shown = page.partition("```toml\n")[2].partition("```")[0]
    parsed = parse('[[sources]]\ntype = "stdin"\n' + shown, HEC_TOKEN="t", ELASTIC_KEY="k", DATABASE_URL="postgres://h/d")
    assert sink_names(parsed) == ["syslog", "splunk_hec", "elasticsearch", "loki", "postgres"]


def test_every_sink_is_on_the_page_of_sinks() -> None:
    page = (Path(__file__).parents[2] / "docs/sinks.md").read_text(encoding="utf-8")
    assert [kind for member in get_args(SinkConfig) if f"`{(kind := member.__struct_config__.tag)}`" not in page] == []


def test_the_short_following_configuration_is_a_whole_one() -> None:
    (sink,) = parse(FOLLOWING, SIEM_TOKEN="s3cret").sinks
    assert isinstance(sink, HttpConfig)
    assert sink.headers["Authorization"].reveal() == "Bearer s3cret"


def test_yaml_says_the_same_as_toml() -> None:
    import tomllib

    text = yaml.safe_dump(tomllib.loads(KAFKA))
    assert parse(text, "c.yaml") == parse(KAFKA)


def test_secrets_come_from_the_environment_and_from_files(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    text = LEAST.replace("stdin", "file", 1).replace('"file"', '"file"\npaths = ["${HOME:-/x}/*.log", "$$5"]')
    text += f'[[sinks]]\ntype = "http"\nurl = "http://h/${{PATH_PART:-in}}"\n[sinks.headers]\nA = "file:{tmp_path}/token"\n'
    text += f'B = "Bearer ${{file:{tmp_path}/token}}"\nC = "${{TOKEN}}"\n'
    parsed = parse(text, TOKEN="from-environment")
    http = parsed.sinks[1]
    assert isinstance(http, HttpConfig)
    assert http.headers == {"A": Secret("from-file"), "B": Secret("Bearer from-file"), "C": Secret("from-environment")}
    assert http.url == "http://h/in"
    assert parsed.sources[0].paths == ("/x/*.log", "$5")  # type: ignore[union-attr]


def test_numbers_may_come_from_the_environment() -> None:
    assert parse('drain_secs = "${DRAIN}"\n' + LEAST, DRAIN="7.5").drain_secs == 7.5


def test_secrets_are_not_shown() -> None:
    assert "s3cret" not in repr(parse(FOLLOWING, SIEM_TOKEN="s3cret"))


WRONG = """
statedir = "hunter2"
drain_secs = "hunter2"
workers = 0
format = "hunter2"
[[sources]]
type = "hunter2"
[[sources]]
type = "file"
[[sources]]
paths = 5
[[sources]]
type = "kafka"
bootstrap_servers = "h:1"
[[sinks]]
type = "http"
url = "${URL}"
compression = "hunter2"
headers = { A = 5 }
tls = "hunter2"
receives = ["hunter2", "logs"]
[[sinks]]
type = "otlp"
endpiont = "hunter2"
[[sinks]]
type = "file"
path = "file:/no/such/secret"
max_batch_bytes = 1.5
[rules]
profile = "hunter2"
[rules.actions]
x = "hunter2"
"""


def test_every_fault_is_told_at_once_with_its_path_and_mend() -> None:
    told = {line.split(": ")[1]: line for line in faults(WRONG)}
    assert set(told) == {
        "$.statedir",
        "$.drain_secs",
        "$.workers",
        "$.format",
        "$.sources[0].type",
        "$.sources[1]",
        "$.sources[2]",
        "$.sources[3]",
        "$.sinks[0].url",
        "$.sinks[0].compression",
        "$.sinks[0].headers.A",
        "$.sinks[0].tls",
        "$.sinks[0].receives[0]",
        "$.sinks[1].endpiont",
        "$.sinks[2].path",
        "$.sinks[2].max_batch_bytes",
        "$.rules.profile",
        "$.rules.actions.x",
    }
    assert "did you mean `state_dir`?" in told["$.statedir"]
    assert "did you mean `endpoint`?" in told["$.sinks[1].endpiont"]
    assert "write one of stdin, file, kafka" in told["$.sources[0].type"]
    assert "`paths` is missing" in told["$.sources[1]"]
    assert "add `type`" in told["$.sources[2]"]
    assert "set URL, or write ${URL:-default}" in told["$.sinks[0].url"]
    assert "got an integer" in told["$.sinks[0].headers.A"]
    assert "No such file" in told["$.sinks[2].path"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.toml", '"rules.x" = 1\n"a[0]" = 2\n"" = 3\n[rules]\ndisable = ["nope"]\n' + LEAST),
        ("c.yaml", "1: 2\nrules:\n  disable: [nope]\nsources:\n  - type: stdin\nsinks:\n  - type: stdout\n"),
        ("c.yaml", "- 1\n- 2\n"),
        ("c.yaml", "7"),
    ],
)
def test_whatever_a_key_is_called_there_is_a_fault_and_no_failure(name: str, text: str) -> None:
    assert faults(text, name)


def test_no_fault_shows_a_value() -> None:
    assert "hunter2" not in "\n".join(faults(WRONG))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('a = "hunter2', "c.toml"),
        ('a = "hunter2"\na = "hunter2"', "c.toml"),
        ("a: [hunter2", "c.yaml"),
        ("a: hunter2\na: hunter2", "c.yaml"),
        ("- hunter2", "c.yaml"),
        ("hunter2", "c.yaml"),
        ("", "c.yaml"),
        ("", "c.toml"),
        ("a: 2026-11-21\nsources: hunter2", "c.yml"),
        ("? {a: hunter2}\n: b", "c.yaml"),
        ("a: !!python/object:os.system hunter2", "c.yaml"),
    ],
)
def test_a_file_that_is_none_is_refused_without_its_text(text: str, name: str) -> None:
    told = faults(text, name)
    assert told
    assert "hunter2" not in "\n".join(told)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: \$: cannot be read: No such file or directory"):
        config.load(tmp_path / "none.toml")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is no UTF-8 text"):
        config.load(tmp_path / "c.toml")


def test_sinks_of_one_type_are_told_apart_and_names_are_unique() -> None:
    two = LEAST + '[[sinks]]\ntype = "stdout"\n'
    assert sink_names(parse(two)) == ["stdout", "stdout-2"]
    assert "are called 'a'" in faults(LEAST + 2 * '[[sinks]]\ntype = "stdout"\nname = "a"\n')[0]


def test_exactly_once_is_refused_with_the_reason_where_it_cannot_be() -> None:
    told = faults('delivery = "exactly_once"\n' + KAFKA)
    assert any("otlp sink" in line for line in told)
    assert all("$.delivery" in line for line in told)


def test_exactly_once_keeps_no_audit_file_beside_a_topic() -> None:
    text = """
    delivery = "exactly_once"
    [audit]
    file = "/var/lib/audit.ndjson"
    [[sources]]
    type = "kafka"
    bootstrap_servers = "h:9092"
    topics = ["in"]
    [[sinks]]
    type = "kafka"
    bootstrap_servers = "h:9092"
    topic = "out"
    """
    assert parse(text).audit is not None
    (told,) = faults(text + 'receives = ["logs", "audit"]\n')
    assert "$.audit.file" in told


def test_raw_text_is_no_json_array() -> None:
    text = 'format = "raw"\n' + LEAST + '[[sinks]]\ntype = "http"\nurl = "http://h/"\nbody = "json_array"\n'
    assert "$.sinks[1].body" in faults(text)[0]


def test_rules_and_keys_are_checked_with_the_file(tmp_path: Path) -> None:
    text = f'hash_key_file = "{tmp_path}/none"\n{LEAST}[rules]\ndisable = ["no-such-rule"]\n'
    told = {fault.path: fault.reason for fault in config.check(parse(text))}
    assert "no-such-rule" in told["$.rules"]
    assert "cannot be read" in told["$.hash_key_file"]


def test_the_schema_accepts_what_is_accepted_and_refuses_an_unknown_key() -> None:
    import tomllib

    schema = config.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for text in KAFKA, FOLLOWING, LEAST:
        jsonschema.validate(tomllib.loads(text), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads("unknown = 1\n" + KAFKA), schema)


def test_where_facts_are_found_is_configured_and_checked() -> None:
    facts = 'user = ["record.user.id", "meta.sub"]\nkept = ["project"]\n'
    audit = parse(f"{LEAST}[audit.facts]\n{facts}").audit
    assert audit
    assert audit.facts.user == ("record.user.id", "meta.sub")
    assert audit.facts.kept == ("project",)
    assert audit.facts.client_ip == ("record.client_ip", "record.remote_addr", "record.clientIp")
    with pytest.raises(ConfigError) as fault:
        parse(f'{LEAST}[audit.facts]\nuser = ["hunter2.id"]\nkept = ["hunter2"]\nuzer = []\n')
    told = str(fault.value)
    assert "$.audit.facts.user[0]" in told
    assert "(record|arguments|meta)" in told
    assert "$.audit.facts.kept[0]: a string that is not known here; write one of user, project" in told
    assert "$.audit.facts.uzer: there is no such key; did you mean `user`?" in told
    assert "hunter2" not in told


def test_a_view_of_the_audit_trail_is_for_sinks_that_have_it_and_can_write_it() -> None:
    sinks = """
[[sources]]
type = "stdin"
[[sinks]]
type = "file"
path = "a"
receives = ["audit"]
audit_view = "ocsf"
[[sinks]]
type = "file"
name = "logs"
path = "b"
audit_view = "ecs"
[[sinks]]
type = "otlp"
endpoint = "http://h"
receives = ["audit"]
audit_view = "ecs"
[[sinks]]
type = "http"
url = "http://h"
body = "json_array"
receives = ["audit"]
audit_view = "cef"
"""
    with pytest.raises(ConfigError) as fault:
        parse(sinks)
    assert [each.path for each in fault.value.faults] == [f"$.sinks[{number}].audit_view" for number in (1, 2, 3)]


@pytest.mark.parametrize(
    "url",
    ["https://a.example", "http://127.0.0.1:4318", "http://[::1]:8080/x?y=z", "https://user:p%40ss@a.example:8088", "http://svc_1/a@b"],
)
def test_an_address_is_taken(url: str) -> None:
    assert parse(LEAST + f'[[sinks]]\ntype = "http"\nurl = "{url}"\n').sinks[1].name == ""


@pytest.mark.parametrize("url", ["a.example", "http://", "http://[::1/", "http://a:port/", "http://a b/", "ftp://a", "http://:80"])
def test_what_is_no_address_is_told_in_words(url: str) -> None:
    told = "c.toml: $.sinks[1].url: expected an address such as https://siem.example.com:8088/path, got another string; write another one"
    assert faults(LEAST + f'[[sinks]]\ntype = "http"\nurl = "{url}"\n') == [told]


def test_the_names_in_a_table_are_judged_too() -> None:
    told = faults(LEAST + '[[sinks]]\ntype = "loki"\nurl = "http://a"\nlabels = { "a b" = "x", 7 = 3 }\n')
    assert told == [
        "c.toml: $.sinks[1].labels.a b: the name: expected letters, digits and _, got another string; write another one",
        "c.toml: $.sinks[1].labels.7: the name: expected letters, digits and _, got another string; write another one",
        "c.toml: $.sinks[1].labels.7: expected a string, got an integer; write a string",
    ]


def test_faults_of_values_of_rules_and_of_keys_are_told_at_once() -> None:
    wrong = 'workers = 0\nhash_key_file = "/nonexistent/k"\n[rules]\ndisable = ["nope"]\n'
    assert faults(wrong + LEAST + LEAST) == [
        "c.toml: $.workers: expected an integer >= 1; write another one",
        "c.toml: $.sources: 2 are called 'stdin'; give each a `name` of its own",
        "c.toml: $.rules: no rule is called 'nope'; `sanitizer rules list` shows the ids",
        "c.toml: $.hash_key_file: /nonexistent/k: the hash key file cannot be read: No such file or directory",
    ]


def test_what_a_faulty_section_would_contradict_is_not_told() -> None:
    assert faults('delivery = "exactly_once"\nsinks = 3\n[[sources]]\ntype = "kafka"\n')[-1].startswith("c.toml: $.sources[0]")
