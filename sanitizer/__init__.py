"""A streaming sanitizer for the logs of MCP servers: nothing unredacted leaves, ever."""
