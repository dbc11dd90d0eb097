"""When exactly once can be kept, and what stands in its way otherwise."""

from __future__ import annotations

import pytest

from sanitizer.service.guarantee import faults
from sanitizer.sources import FileConfig, KafkaConfig, StdinConfig
from sinks import HttpConfig, KafkaSinkConfig

CLUSTER = "one:9092, two:9092"
SOURCE = KafkaConfig(bootstrap_servers=CLUSTER, topics=("in",))
LOGS = KafkaSinkConfig(bootstrap_servers=("two:9092", "one:9092"), topic="logs")
AUDIT = KafkaSinkConfig(bootstrap_servers=CLUSTER, topic="audit", receives=("audit",))


def test_kafka_to_kafka_on_one_cluster_can_keep_it() -> None:
    assert faults([SOURCE], [LOGS, AUDIT]) == []


@pytest.mark.parametrize(
    ("sources", "sinks", "reason"),
    [
        ([StdinConfig()], [LOGS], "one kafka source"),
        ([SOURCE, FileConfig(paths=("/x",))], [LOGS], "one kafka source"),
        ([SOURCE, SOURCE], [LOGS], "one kafka source"),
        ([SOURCE], [LOGS, HttpConfig(url="http://x")], "the http sink"),
        ([SOURCE], [KafkaSinkConfig(bootstrap_servers="other:9092", topic="logs")], "on the source's cluster"),
        ([SOURCE], [KafkaSinkConfig(bootstrap_servers=CLUSTER, topic="logs", when_down="spill")], 'when_down = "wait"'),
        ([SOURCE], [LOGS, KafkaSinkConfig(bootstrap_servers=CLUSTER, topic="x", compression="gzip")], "one compression"),
        (
            [KafkaConfig(bootstrap_servers=CLUSTER, topics=("in",), isolation="read_uncommitted")],
            [LOGS],
            'isolation = "read_committed"',
        ),
    ],
)
def test_what_cannot_keep_it_is_named(sources: list[object], sinks: list[object], reason: str) -> None:
    (found,) = faults(sources, sinks)
    assert reason in found
