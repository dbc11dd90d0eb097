"""What MCP clients write about their servers: Claude Desktop, Claude Code, Cursor, VS Code, the MCP Inspector.

    2025-04-07T07:49:40.581Z [server] [info] Message from client: {json} { metadata: undefined }
    2025-04-07T07:49:40.581Z [server] [info] Message from client: method="tools/call" id=3 params
    2026-07-24 02:03:14.089 [debug] [editor -> server] {json}
    2025-02-25 01:21:18.277 [info] db10: Handling CallTool action for tool 'name'
"""

from __future__ import annotations

from sanitizer import patterns

MESSAGE = patterns.lazy(rb"(?:\[?(?P<side>[Mm]essage from (?:client|server)|Client Says|Server Says)\]?:? ?)")
BODYLESS = patterns.lazy(
    rb'(?:method="(?P<method>[^"]{1,128})")? ?(?:id=(?P<id>"[^"]{1,64}"|[\w.\-]{1,64}))? ?(?P<part>params|result|error)?(?: |\r?$)'
)
ARROW = patterns.lazy(rb"(?P<from>[\w ]{1,20}) (?:->|=>|\xe2\x86\x92) (?P<to>[\w ]{1,20})$")
TOOL = patterns.lazy(
    rb"(?:Calling (?:MCP )?tool:? |Handling CallTool action for tool |Successfully called tool |Error calling tool |"
    rb"Tool (?!(?:calls?|inputs?|uses?|arg\w*|param\w*|results?|output|name|execution|invocation|request|response)\b))"
    rb"(?P<q>['\"`]?)(?P<tool>[\w./:\-]{1,128})(?P=q)(?=$|[\s,:.!(])"
)
SERVER = patterns.lazy(
    rb'MCP server "(?P<server>[^"]{1,128})":? (?:Server stderr: )?'
    rb"|(?P<tag>[\w\-]{1,64}): "
    rb"(?=Handling |Calling tool |Successfully called |Error calling |Starting new |Creat|Client |Connect|Found \d|Server stderr)"
)
HINT = patterns.lazy(rb"\[?(?:[Mm]essage from |(?:Client|Server) Says)|MCP server \"")
CLIENT_SIDE = frozenset([b"client", b"editor", b"host", b"vscode"])


def direction(first: bytes) -> str:
    """Direction of what *first* sent: `client_to_server` or `server_to_client`."""
    return "client_to_server" if first.strip().lower() in CLIENT_SIDE else "server_to_client"


def arrow(text: bytes) -> str | None:
    """The direction that `editor -> server` names, or None."""
    found = ARROW.match(text)
    return direction(found["from"]) if found else None


def describe(line: bytes, start: int) -> dict[str, object]:
    """What a client says about MCP in the message of *line* that begins at *start*.

    Keys: direction, method, rpc_id, rpc_part (params, result or error), tool_name, server.
    """
    said: dict[str, object] = {}
    at = start
    speaks = line.find(b"{") >= 0 or (line.find(b"ool") >= 0 and (line.find(b"tool") >= 0 or line.find(b"Tool") >= 0))
    if not speaks and HINT.match(line, at) is None:
        return said
    if found := MESSAGE.match(line, at):
        side = found["side"].lower()
        said["direction"] = "client_to_server" if b"client" in side else "server_to_client"
        at = found.end()
        if line[at : at + 1] not in (b"{", b"[") and (bodyless := BODYLESS.match(line, at)) and bodyless.end() > at:
            for name, key in (("method", "method"), ("id", "rpc_id"), ("part", "rpc_part")):
                if value := bodyless[name]:
                    said[key] = value.strip(b'"').decode("utf-8", "replace")
            return said
    elif found := SERVER.match(line, at):
        said["server"] = (found["server"] or found["tag"]).decode("utf-8", "replace")
        at = found.end()
    if found := TOOL.match(line, at):
        said["tool_name"] = found["tool"].decode("utf-8", "replace")
    return said
