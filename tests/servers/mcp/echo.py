"""A server on the official Python SDK, 1.x or 2.x: it echoes, fails, and tells its log what it should not."""

import logging
import sys

try:
    from mcp.server import MCPServer
except ImportError:
    from mcp.server.fastmcp import FastMCP as MCPServer

server = MCPServer("echo")


@server.tool()
def echo(message: str) -> str:
    """Say it again."""
    sys.stderr.write(f"asked by jane.doe@example.com for {len(message)}\n")
    return message


@server.tool()
def fail() -> str:
    """Never works."""
    raise ValueError("no mail to jane.doe@example.com")


logging.basicConfig(level=logging.INFO, stream=sys.stderr)
server.run()
