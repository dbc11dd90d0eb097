"""Around a server: its streams pass untouched, and a process beside it looks at copies."""
