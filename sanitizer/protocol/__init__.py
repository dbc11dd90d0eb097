"""MCP as logs show it: frames and calls as facts, and the params that give way to their hash."""
