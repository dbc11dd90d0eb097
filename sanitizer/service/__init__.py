"""A run, as a configuration or a command line asks for it: opened, joined, watched and stopped."""
