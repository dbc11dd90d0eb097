"""A real PostgreSQL, of the system's package, started on a free local port."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from servers.ports import free_ports

NOBODY = 65534
"""PostgreSQL refuses to run as root."""
PASSWORD = "wonderland-7"
_names = (f"db{number}" for number in itertools.count())


def programs() -> Path | None:
    """The folder of `initdb` and `postgres`: Debian keeps it off the PATH."""
    found = [Path(path).parent for path in [shutil.which("initdb")] if path]
    found += [path.parent for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))]
    return found[-1] if found else None


class PostgresServer:
    """A running server; user admin, who may do everything."""

    def __init__(self) -> None:
        self._programs = programs() or Path()
        self._folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path is short
        (self.port,) = free_ports(1)
        (self._folder / "password").write_text(PASSWORD)
        for path in (self._folder, self._folder / "password"):
            if os.getuid() == 0:
                os.chown(path, NOBODY, NOBODY)
        options = ["--auth-local=trust", "--auth-host=scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "-N"]
        self._run("initdb", "-D", "data", "-U", "admin", f"--pwfile={self._folder / 'password'}", *options)
        settings = ["listen_addresses=127.0.0.1", "fsync=off", "shared_buffers=16MB"]
        with open(self._folder / "log", "wb") as log:
            self._process = subprocess.Popen(
                [
                    *(self._programs / "postgres", "-D", "data", "-k", self._folder, "-p", str(self.port)),
                    *(part for setting in settings for part in ("-c", setting)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **self._as_nobody(),  # type: ignore[call-overload]
            )
        self._wait_ready()

    def _as_nobody(self) -> dict[str, object]:
        return {"cwd": self._folder} | ({"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {})

    def _run(self, program: str, *arguments: str) -> str:
        command = [str(self._programs / program), *arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True, **self._as_nobody())  # type: ignore[call-overload]
        return str(done.stdout)

    def _wait_ready(self) -> None:
        end = time.monotonic() + 60
        while True:
            try:
                self.execute("select 1", "postgres")
                return
            except subprocess.CalledProcessError:
                if self._process.poll() is not None or time.monotonic() > end:
                    log = (self._folder / "log").read_text()
                    self.stop()
                    raise RuntimeError(f"PostgreSQL did not start: {log[-3000:]}") from None
                time.sleep(0.05)

    def execute(self, sql: str, database: str) -> list[str]:
        """Rows of what *sql* gives, their columns joined by `|`."""
        arguments = ["-h", str(self._folder), "-p", str(self.port), "-U", "admin", "-d", database, "-tA", "-c", sql]
        return self._run("psql", *arguments).splitlines()

    def database(self) -> str:
        """The address of a new, empty database."""
        name = next(_names)
        self.execute(f"create database {name}", "postgres")
        return self.dsn(name)

    def dsn(self, database: str, user: str = "admin") -> str:
        return f"postgresql://{user}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        """End the process and drop its folder."""
        self._process.kill()
        self._process.wait(30)
        shutil.rmtree(self._folder, ignore_errors=True)
