"""Physical lines into records: unwrapped, joined, and read for their time, level and message."""
