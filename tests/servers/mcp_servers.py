"""Real MCP servers and clients: the SDKs on PyPI, 1.x and 2.x, each in a venv of its own, and the reference servers on npm.

python tests/servers/mcp_servers.py   # fetch them now
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from servers import cache

PROGRAMS = Path(__file__).parent / "mcp"
SDKS = {"py1": "mcp==1.30.0", "py2": "mcp==2.3.0"}
CACHE_NAME = (
    "mcp-"
    + hashlib.sha256((PROGRAMS / "package-lock.json").read_bytes() + repr((SDKS, sys.version_info[:2])).encode()).hexdigest()[:8]
)


class McpServers:
    """Commands that start servers, and clients to use them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def client(self, name: str) -> list[str]:
        """`py1`, `py2` or `node`."""
        return [self._node(), str(PROGRAMS / "client.mjs")] if name == "node" else [self._python(name), str(PROGRAMS / "client.py")]

    def echo(self, sdk: str) -> list[str]:
        """A server on the Python SDK `py1` or `py2`."""
        return [self._python(sdk), str(PROGRAMS / "echo.py")]

    def reference(self, name: str, *arguments: str) -> list[str]:
        """The reference server *name* on npm."""
        return [self._node(), str(self.folder / f"node_modules/@modelcontextprotocol/server-{name}/dist/index.js"), *arguments]

    def _python(self, sdk: str) -> str:
        return str(self.folder / sdk / "bin/python")

    def _node(self) -> str:
        return shutil.which("node") or "node"


def install() -> McpServers:
    """The servers, from the cache or fetched now."""
    return McpServers(cache.build_once(CACHE_NAME, _build))


def _build(folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PROGRAMS / name, folder)
    running = [subprocess.Popen(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder)]
    for name, requirement in SDKS.items():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / name], check=True)
        pip = [sys.executable, "-m", "pip", "--python", folder / name / "bin/python", "install", "-q", "--no-compile", requirement]
        running.append(subprocess.Popen([*pip, "--disable-pip-version-check"]))
    if failed := [process.args for process in running if process.wait()]:
        raise RuntimeError(f"cannot be installed: {failed}")


if __name__ == "__main__":
    install()
