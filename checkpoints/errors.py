"""The one error that a bad checkpoint or weights file raises."""


class BadCheckpoint(ValueError):
    """A file of weights or training state is unusable: one line naming the file, the fault and the mend."""
