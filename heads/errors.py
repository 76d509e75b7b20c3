"""The one error that bad input raises."""


class BadInput(ValueError):
    """The input is at fault, not the program: one line naming the file or person, the fault and the mend.

    The command line prints it without a traceback and exits with status 2.
    """
