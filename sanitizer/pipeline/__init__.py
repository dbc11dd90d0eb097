"""The one loop between sources and sinks: order, retry, spool, dead letters, commits."""
