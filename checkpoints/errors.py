"""The errors that a user can put right; the command line prints them without a traceback and exits with status 2."""


class BadInput(ValueError):
    """The input is at fault, not the program: one line naming the file or person, the fault and the mend."""


class BadCheckpoint(ValueError):
    """A file of weights or training state is unusable: one line naming the file, the fault and the mend."""
