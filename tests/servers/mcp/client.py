"""The official Python client, 1.x or 2.x: makes the calls of the first argument on the server that the others start.

Writes what came of them as JSON: the protocol's version, the tools, and for each call whether it failed and the length of its text.
"""

import asyncio
import json
import os
import sys

from mcp import StdioServerParameters

CALLS = json.loads(sys.argv[1])
PARAMETERS = StdioServerParameters(command=sys.argv[2], args=sys.argv[3:], env=dict(os.environ))


async def use(session):
    tools = await session.list_tools()
    results = []
    for name, arguments in CALLS:
        result = await session.call_tool(name, arguments)
        failed = getattr(result, "is_error", None) or getattr(result, "isError", None) or False
        results.append([failed, sum(len(getattr(part, "text", "")) for part in result.content)])
    return {"tools": sorted(tool.name for tool in tools.tools), "results": results}


async def main():
    try:
        from mcp import Client
    except ImportError:
        from mcp import ClientSession
        from mcp.client.stdio import stdio_client

        async with stdio_client(PARAMETERS) as (reader, writer), ClientSession(reader, writer) as session:
            began = await session.initialize()
            sys.stdout.write(json.dumps({"protocol": began.protocolVersion, **await use(session)}))
    else:
        async with Client(PARAMETERS) as client:
            sys.stdout.write(json.dumps({"protocol": client.protocol_version, **await use(client)}))


asyncio.run(main())
