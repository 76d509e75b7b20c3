"""One module a command: `configure` declares its arguments, `run` does it."""
