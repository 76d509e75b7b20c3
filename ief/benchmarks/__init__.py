"""What `ief bench` measures: groups of benches, each bench against a named baseline."""
