"""What somebody who means harm puts into a file."""


class RunsCode:
    """What makes a file when it is loaded with pickle."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")
