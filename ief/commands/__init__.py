"""One module a command: `ARGUMENTS` is the table of what it takes, `run` does it."""
