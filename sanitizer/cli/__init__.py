"""The command line. `main` is the composition root; each command is imported when it runs."""
