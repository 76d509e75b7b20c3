"""What the commands do, as functions with plain arguments."""
