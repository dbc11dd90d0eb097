"""Real Apache Kafka brokers (KRaft, broker and controller in one process) on 127.0.0.1, from the jars on Maven Central.

    python tests/servers/kafka_server.py   # fetch the jars now

    with KafkaServer(brokers=3) as kafka:
        kafka.bootstrap(); kafka.kill(1); kafka.restart(1)
"""

from __future__ import annotations

import atexit
import base64
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
from servers import cache
from servers.certificates import PASSWORD
from servers.ports import free_ports

VERSION = "4.1.2"
CACHE_NAME = f"kafka-{VERSION}"

PROJECT = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tests</groupId><artifactId>broker</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"""
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"

FORMAT, BROKER = "kafka.tools.StorageTool", "kafka.Kafka"
ARCHIVES = {FORMAT: "format.jsa", BROKER: "broker.jsa"}

PROTOCOLS = {"PLAIN": "PLAINTEXT", "SASL": "SASL_PLAINTEXT", "TLS": "SSL", "MTLS": "SSL", "SASLTLS": "SASL_SSL"}
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
LOGIN = "org.apache.kafka.common.security"


def install() -> Path:
    """Return the folder of the broker's jars, fetched if this machine does not have them yet."""
    jars = cache.build_once(CACHE_NAME, _fetch)
    if not (jars / ARCHIVES[BROKER]).exists():
        _archive_classes(jars)
    return jars


def _fetch(scratch: Path) -> None:
    (scratch / "pom.xml").write_text(PROJECT)
    command = ["mvn", "-q", "-B", COPY, "-DincludeScope=runtime", f"-DoutputDirectory={scratch}"]
    subprocess.run(command, cwd=scratch, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)


def _archive_classes(jars: Path) -> None:
    """Leave Java's class archives beside the jars, by one throwaway run: they halve what a broker's start costs."""
    server = KafkaServer(jars=jars, archive=True)
    server.start()
    server.kill(0, signal.SIGTERM)  # the archive is written at exit
    for name in ARCHIVES.values():
        (server.folder / name).rename(jars / name)
    server.stop()


class KafkaServer:
    """One or more brokers on random ports, with listeners PLAIN, and as asked SASL, TLS, MTLS (asks for a client
    certificate) and SASLTLS."""

    def __init__(
        self,
        *,
        brokers: int = 1,
        users: Mapping[str, str] | None = None,
        certificates: Path | None = None,
        settings: Mapping[str, str] | None = None,
        jars: Path | None = None,
        archive: bool = False,
    ) -> None:
        """*users* (name: password) opens the SASL listeners, *certificates* (see `certificates.py`) the TLS ones.

        The OAUTHBEARER mechanism takes any unsecured token (RFC 7519 section 6).
        """
        self.jars = jars or install()
        self.count = brokers
        self.users = users or {}
        self.certificates = certificates
        self.settings = settings or {}
        self.archive = archive
        self.folder = Path(tempfile.mkdtemp(prefix="kafka-"))
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        listeners = ["PLAIN"]
        if users:
            listeners.append("SASL")
        if certificates:
            listeners += ["TLS", "MTLS"]
        if users and certificates:
            listeners.append("SASLTLS")
        self._ports = {name: free_ports(brokers) for name in ("CONTROLLER", *listeners)}
        self.listeners = listeners

    def bootstrap(self, listener: str = "PLAIN") -> str:
        """Return the listener's `bootstrap_servers`."""
        return ",".join(f"127.0.0.1:{port}" for port in self._ports[listener])

    def start(self, timeout_secs: float = 90) -> None:
        """Format the storage and start every broker; return when each knows of all of them."""
        atexit.register(self.stop)
        cluster = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
        scram = [
            part
            for name, password in self.users.items()
            for size in ("256", "512")
            for part in ("--add-scram", f"SCRAM-SHA-{size}=[name={name},password={password}]")
        ]
        try:
            formats = []
            for broker in range(self.count):
                self._properties(broker).write_text("".join(f"{k}={v}\n" for k, v in self._broker_settings(broker).items()))
                formats.append(self._java(FORMAT, "format", "-t", cluster, "-c", str(self._properties(broker)), *scram))
            for each in formats:
                if each.wait(timeout_secs):
                    raise RuntimeError(f"formatting failed: {self.log()[-2000:]}")
            for broker in range(self.count):
                self._processes[broker] = self._java(BROKER, str(self._properties(broker)))
            self._wait_ready(timeout_secs)
        except BaseException:
            self.stop()
            raise

    def kill(self, broker: int, how: signal.Signals = signal.SIGKILL) -> None:
        """End one broker, by default without warning."""
        process = self._processes.pop(broker)
        process.send_signal(how)
        process.wait(60)

    def restart(self, broker: int, timeout_secs: float = 90) -> None:
        """Start a killed broker again, on its old ports and data."""
        self._processes[broker] = self._java(BROKER, str(self._properties(broker)))
        self._wait_ready(timeout_secs)

    def stop(self) -> None:
        """End all and drop the data: nothing of it is wanted, so nothing needs a clean shutdown."""
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait(30)
        self._processes.clear()
        atexit.unregister(self.stop)
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """Return what the brokers logged."""
        return (self.folder / "log").read_text(errors="replace")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _properties(self, broker: int) -> Path:
        return self.folder / f"broker{broker}.properties"

    def _broker_settings(self, broker: int) -> dict[str, object]:
        replicas = min(3, self.count)
        in_sync = max(1, replicas - 1)
        addresses = {name: f"{name}://127.0.0.1:{self._ports[name][broker]}" for name in self._ports}
        voters = ",".join(f"{i + 1}@127.0.0.1:{port}" for i, port in enumerate(self._ports["CONTROLLER"]))
        protocols = {"CONTROLLER": "PLAINTEXT"} | {name: PROTOCOLS[name] for name in self.listeners}
        settings: dict[str, object] = {
            "process.roles": "broker,controller",
            "node.id": broker + 1,
            "controller.quorum.voters": voters,
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAIN",
            "listeners": ",".join(addresses.values()),
            "advertised.listeners": ",".join(addresses[name] for name in self.listeners),
            "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
            "log.dirs": self.folder / f"data{broker}",
            "num.network.threads": 2,
            "num.io.threads": 4,
            "default.replication.factor": replicas,
            "min.insync.replicas": in_sync,
            "offsets.topic.replication.factor": replicas,
            "offsets.topic.num.partitions": 3,
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.num.partitions": 3,
            "transaction.state.log.min.isr": in_sync,
            "share.coordinator.state.topic.replication.factor": replicas,
            "share.coordinator.state.topic.min.isr": in_sync,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
            "controlled.shutdown.enable": str(self.count > 1).lower(),
            "broker.session.timeout.ms": 6000,
            "broker.heartbeat.interval.ms": 1000,
            "log.cleaner.dedupe.buffer.size": 8 << 20,
            "log.segment.bytes": 32 << 20,
        }
        if self.users:
            settings |= self._sasl_settings()
        if self.certificates:
            settings |= {
                "ssl.keystore.type": "PKCS12",
                "ssl.keystore.location": self.certificates / "server.p12",
                "ssl.keystore.password": PASSWORD,
                "ssl.truststore.type": "PEM",
                "ssl.truststore.location": self.certificates / "ca.pem",
                "listener.name.mtls.ssl.client.auth": "required",
            }
        return settings | self.settings

    def _sasl_settings(self) -> dict[str, object]:
        passwords = " ".join(f'user_{name}="{password}"' for name, password in self.users.items())
        logins = {
            "plain": f"{LOGIN}.plain.PlainLoginModule required {passwords};",
            "scram-sha-256": f"{LOGIN}.scram.ScramLoginModule required;",
            "scram-sha-512": f"{LOGIN}.scram.ScramLoginModule required;",
            "oauthbearer": f'{LOGIN}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";',
        }
        settings: dict[str, object] = {"sasl.enabled.mechanisms": ",".join(MECHANISMS)}
        for listener in ("sasl", "sasltls"):
            if listener.upper() in self.listeners:
                settings |= {f"listener.name.{listener}.{how}.sasl.jaas.config": login for how, login in logins.items()}
        return settings

    def _java(self, main: str, *arguments: str) -> subprocess.Popen[bytes]:
        if self.archive:
            sharing = [f"-XX:ArchiveClassesAtExit={self.folder / ARCHIVES[main]}"]
        else:
            sharing = [f"-XX:SharedArchiveFile={self.jars / ARCHIVES[main]}"]
        # util-linux ends the broker with the tests, however these end
        guard = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
        jars = ":".join(sorted(str(jar) for jar in self.jars.glob("*.jar")))
        small = ["-Xmx256m", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:ActiveProcessorCount=2"]
        quiet = ["-Xshare:auto", "-Xlog:cds=off", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        with open(self.folder / "log", "ab") as log:
            return subprocess.Popen(
                [*guard, "java", *sharing, *small, *quiet, "-cp", jars, main, *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )

    def _wait_ready(self, timeout_secs: float) -> None:
        end = time.monotonic() + timeout_secs
        for broker, process in self._processes.items():
            while _known_brokers(self._ports["PLAIN"][broker]) < len(self._processes):
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"broker {broker} did not start: {self.log()[-3000:]}")
                time.sleep(0.1)


def _known_brokers(port: int) -> int:
    """How many brokers the one on *port* names in its answer to a Metadata request, version 1 (Kafka protocol, key 3)."""
    request = struct.pack(">hhih5si", 3, 1, 1, 5, b"ready", 0)
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as connection:
            connection.settimeout(2)
            connection.sendall(len(request).to_bytes(4, "big") + request)
            answer = b""
            while len(answer) < 12:
                if not (received := connection.recv(4096)):
                    return 0
                answer += received
    except OSError:
        return 0
    return int.from_bytes(answer[8:12], "big")


if __name__ == "__main__":
    print(install())  # noqa: T201
