"""Reading a configuration file, TOML or YAML, with its references to the environment and to files, and telling all its faults."""

from __future__ import annotations

import os
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from sanitizer import patterns
from sanitizer.hashing import HashKeyError, Keyring
from sanitizer.rulesets.ruleset import RuleError
from sanitizer.service import guarantee
from sanitizer.service.faults import Fault, convert, find_faults
from sanitizer.service.settings import Config, sink_names
from sinks import SinkConfig
from sinks.options import Secret

_REFERENCE = patterns.lazy(r"\$(?:(\$)|\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\{file:([^}]+)\})")


_SECTION = patterns.lazy(r"^\$\.([^.\[]+)")


class ConfigError(Exception):
    """Raised when a configuration cannot be used: exit code 2. Its text has a line for each fault; no value occurs in it."""

    def __init__(self, file: str, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(f"{file}: {fault}" for fault in faults))
        self.faults = faults


def load(
    path: str | os.PathLike[str], environment: Mapping[str, str] = os.environ, given: Mapping[str, object] | None = None
) -> Config:
    """The configuration in *path*, whose sections *given* are replaced. Raises `ConfigError` with every fault."""
    file = Path(path)
    try:
        text = file.read_text("utf-8")
    except OSError as trouble:
        raise ConfigError(str(file), [Fault("$", f"cannot be read: {trouble.strerror}", "name a file that can be")]) from None
    except UnicodeDecodeError:
        raise ConfigError(str(file), [Fault("$", "is no UTF-8 text", "save it as UTF-8")]) from None
    return parse(text, str(file), environment, given)


def parse(
    text: str, name: str, environment: Mapping[str, str] = os.environ, given: Mapping[str, object] | None = None
) -> Config:
    """The configuration that *text* is; *name* says whether it is YAML (`.yaml`, `.yml`, `.json`) or TOML. Raises `ConfigError`."""
    try:
        tree = _read_yaml(text) if name.endswith((".yaml", ".yml", ".json")) else tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError) as trouble:
        raise ConfigError(name, [Fault("$", f"cannot be parsed: {trouble}", "")]) from None
    if given and isinstance(tree, dict):
        tree = {**tree, **given}
    faults: list[Fault] = []
    resolved = _resolve(tree, "$", environment, faults)
    faults += [fault for fault in find_faults(resolved, Config) if fault.path not in {other.path for other in faults}]
    if faults:
        sound = _sound_part(resolved, faults)
        raise ConfigError(name, [*faults, *_contradictions(sound), *check(sound)])
    config: Config = convert(resolved, Config)
    if contradictions := list(_contradictions(config)):
        raise ConfigError(name, [*contradictions, *check(config)])
    return config


def check(config: Config) -> list[Fault]:
    """What is wrong beyond the file itself: rules that do not load, keys that cannot be read."""
    from sanitizer.audit.chain import Signer, SigningKeyError  # noqa: PLC0415 - signing is paid for by who asks for it
    from sanitizer.rulesets.cache import compiled  # noqa: PLC0415

    faults = []
    try:
        compiled(config.rules)
    except RuleError as trouble:
        faults.append(Fault("$.rules", str(trouble), ""))
    try:
        Keyring.load(config.hash_key_file)
    except HashKeyError as trouble:
        faults.append(Fault("$.hash_key_file", str(trouble), ""))
    if config.audit:
        try:
            Signer.load(config.audit.key_file)
        except SigningKeyError as trouble:
            faults.append(Fault("$.audit.key_file", str(trouble), ""))
    return faults


def schema() -> dict[str, Any]:
    """The JSON Schema of a configuration file, for editors."""

    def text(_: type) -> dict[str, Any]:
        return {"type": "string"}

    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mcp-log-sanitizer configuration",
        **msgspec.json.schema(Config, schema_hook=text),
    }


def state_folder(config: Config, path: str | os.PathLike[str]) -> Path:
    """Where the state of the configuration at *path* is kept: where it says, else in a folder of its own under the user's state."""
    if config.state_dir is not None:
        return Path(config.state_dir)
    given = os.environ.get("STATE_DIRECTORY")  # systemd
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(given.split(":")[0] if given else f"{home}/mcp-log-sanitizer") / Path(path).stem


def _sound_part(tree: object, faults: Sequence[Fault]) -> Config:
    """A configuration of those sections of *tree* that none of *faults* is in, so that what else is wrong with them is told too."""
    faulty = {part for fault in faults for part in _SECTION.findall(fault.path)}
    if not isinstance(tree, dict) or {"sources", "sinks"} - tree.keys():
        faulty |= {"sources", "sinks"}
    if faulty & {"sources", "sinks"}:
        faulty |= {"sources", "sinks", "delivery", "format"}  # what these contradict is not known
    known = [name for name in Config.__struct_fields__ if name not in faulty]  # a name that is none has its fault already
    sections = {name: tree[name] for name in known if name in tree} if isinstance(tree, dict) else {}
    sound: Config = convert({"sources": [{"type": "stdin"}], "sinks": [{"type": "stdout"}], **sections}, Config)
    return sound


def _contradictions(config: Config) -> Iterator[Fault]:
    """Keys that are right alone and wrong together."""
    for kind, named in (
        ("sinks", sink_names(config)),
        ("sources", [source.name or str(source.__struct_config__.tag) for source in config.sources]),
    ):
        for name, number in Counter(named).items():
            if number > 1:
                yield Fault(f"$.{kind}", f"{number} are called {name!r}", "give each a `name` of its own")
    for number, sink in enumerate(config.sinks):
        if config.format == "raw" and getattr(sink, "body", "") == "json_array":
            yield Fault(f"$.sinks[{number}].body", "raw text is no JSON", 'write body = "ndjson" or format = "ndjson"')
        yield from _view_faults(sink, f"$.sinks[{number}].audit_view")
    if config.delivery == "exactly_once":
        for reason in guarantee.faults(config.sources, config.sinks):
            yield Fault("$.delivery", reason, "")
        if config.audit and config.audit.file and any("audit" in sink.receives for sink in config.sinks):
            reason = "exactly_once keeps the trail in the transactions, and a file cannot be part of one"
            yield Fault("$.audit.file", reason, "leave it out, or let no sink receive the audit trail")


def _view_faults(sink: SinkConfig, path: str) -> Iterator[Fault]:
    if sink.audit_view == "native":
        return
    if "audit" not in sink.receives:
        yield Fault(path, "this sink receives no audit events", 'add receives = ["audit"]')
    if sink.__struct_config__.tag == "otlp":
        yield Fault(path, "OTLP has its own names for audit events", "leave it out")
    if sink.audit_view == "cef" and getattr(sink, "body", "") == "json_array":
        yield Fault(path, "CEF is no JSON", 'write body = "ndjson"')


def _resolve(value: Any, path: str, environment: Mapping[str, str], faults: list[Fault]) -> Any:
    if isinstance(value, dict):
        return {key: _resolve(item, f"{path}.{key}", environment, faults) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolve(item, f"{path}[{number}]", environment, faults) for number, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def refer(match: re.Match[str]) -> str:
        dollar, name, default, file = match.groups()
        if dollar:
            return "$"
        if file:
            return _read_secret(file, path, faults)
        if name in environment:
            return environment[name]
        if default is None:
            faults.append(Fault(path, f"the environment has no {name}", f"set {name}, or write ${{{name}:-default}}"))
        return default or ""

    if value.startswith("file:/"):
        return _read_secret(value.removeprefix("file:"), path, faults)
    return _REFERENCE.sub(refer, value) if "$" in value else value


def _read_secret(file: str, path: str, faults: list[Fault]) -> str:
    try:
        return Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as trouble:
        reason = getattr(trouble, "strerror", None) or "is no text"
        faults.append(Fault(path, f"{file} cannot be read: {reason}", "name a file that can be"))
        return ""


def _read_yaml(text: str) -> object:
    import yaml  # noqa: PLC0415 - only who writes YAML pays for it

    class Loader(yaml.SafeLoader):
        """Refuses what YAML would overlook: a key that is there twice."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            keys = [self.construct_object(key, deep=True) for key, _ in node.value]
            for key, number in Counter(map(str, keys)).items():
                if number > 1:
                    raise ValueError(f"the key {key} is there twice (line {node.start_mark.line + 1})")
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(text, Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as trouble:
        mark = getattr(trouble, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise ValueError(f"{getattr(trouble, 'problem', 'no YAML')}{where}") from None


__all__ = ["Config", "ConfigError", "Fault", "Secret", "check", "load", "parse", "schema", "state_folder"]
