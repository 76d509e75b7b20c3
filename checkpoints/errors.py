"""The one error of the whole project that a user can put right."""


class PoseError(ValueError):
    """One line: the file, the person or field, what was found, what to do.

    Bad input, a corrupt file, a full disk. The command line prints it without a traceback and exits with status 2.
    """
