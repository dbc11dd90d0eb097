"""What the documents and the deployment files hand to people is valid, and as safe as it says."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sanitizer.service import config
from sanitizer.service.telemetry import Metrics

ROOT = Path(__file__).parents[1]
MINIMAL = "[[sources]]\ntype = 'stdin'\n[[sinks]]\ntype = 'stdout'\n"
MANIFESTS = sorted(ROOT.glob("deploy/kubernetes/*.yaml"))


def _documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def _pod(document: dict[str, Any]) -> dict[str, Any] | None:
    spec = document.get("spec", {})
    return spec.get("template", {}).get("spec") if document["kind"] == "DaemonSet" else spec if document["kind"] == "Pod" else None


def _configurations() -> Iterator[tuple[str, str]]:
    for path in MANIFESTS:
        for document in _documents(path):
            yield from ((path.name, text) for name, text in document.get("data", {}).items() if name.endswith(".toml"))
    compose = yaml.safe_load((ROOT / "deploy/compose/compose.yaml").read_text(encoding="utf-8"))
    yield "compose.yaml", compose["configs"]["sanitizer"]["content"]
    for page in (ROOT / "README.md", *ROOT.glob("docs/*.md")):
        blocks = re.findall(r"^```toml\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        yield from ((page.name, block) for block in blocks if "[[sources]]" in block and "[[sinks]]" in block)


@pytest.mark.parametrize(("name", "text"), [pytest.param(*pair, id=f"{pair[0]}-{n}") for n, pair in enumerate(_configurations())])
def test_a_configuration_that_people_copy_is_valid(name: str, text: str) -> None:
    assert config.parse(text, f"{name}.toml", {}).sinks


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_pods_of_ours_run_without_privileges(path: Path) -> None:
    (pod,) = filter(None, map(_pod, _documents(path)))
    (container,) = [each for each in pod["containers"] + pod.get("initContainers", []) if each["name"] == "sanitizer"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert (
        pod["terminationGracePeriodSeconds"]
        > config.Config.__struct_defaults__[config.Config.__struct_fields__.index("drain_secs") - 2]
    )
    assert {mount["name"] for mount in container["volumeMounts"]} <= {volume["name"] for volume in pod["volumes"]}


def test_the_image_runs_as_nobody_in_particular() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")

    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", text, re.MULTILINE)
    assert re.findall(r"^ENTRYPOINT (.*)$", text, re.MULTILINE) == ['["sanitizer"]']
    copied = [line.split()[1:-1] for line in text.splitlines() if line.startswith("COPY") and "--from" not in line]
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert [name for names in copied for name in names if not (ROOT / name).exists() or f"!{name}" not in kept] == []


def test_the_image_is_built_from_everything_that_the_wheel_holds() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {"pyproject.toml", project["project"]["readme"], *wheel["packages"], *wheel["force-include"]}
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = {name for line in re.findall(r"^COPY (?!--)(.+) \S+$", dockerfile, re.MULTILINE) for name in line.split()}
    let_in = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"}

    assert needed <= copied <= let_in


def test_alerts_ask_for_metrics_that_there_are() -> None:
    (group,) = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yaml").read_text(encoding="utf-8"))["groups"]
    shown = set(re.findall(r"^# TYPE (\S+) (?:counter|gauge)$", Metrics().text(), re.MULTILINE))
    shown |= {"sanitizer_batch_latency_seconds_bucket", "sanitizer_spool_bytes"}  # a gauge once there is a spool
    asked = {rule["alert"]: set(re.findall(r"\bsanitizer_\w+", rule["expr"])) for rule in group["rules"]}

    assert all(asked.values())
    assert {alert: names - shown for alert, names in asked.items() if names - shown} == {}
    assert all(rule["annotations"].keys() == {"summary", "description"} for rule in group["rules"])
