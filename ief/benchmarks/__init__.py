"""What `ief bench` measures: one module a group of benches, each bench against a named floor."""
