"""The audit trail: who called which tool, when, how it ended; paired, chained, signed, kept, and questioned."""
