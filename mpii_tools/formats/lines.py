"""Lines of text as other programs write them: fields between tabs, commas or spaces, quoted or not."""

import re

QUOTED = re.compile(r"""(?<![^\s,])("[^"]*"|'[^']*')(?![^\s,])""")
HIDE, SHOW = str.maketrans("\t, ", "\ue000\ue001\ue002"), str.maketrans("\ue000\ue001\ue002", "\t, ")


def split_line(line: str) -> list[str]:
    """The fields of a line, by tabs if it has one, else by commas, else by spaces; quotes protect all three and go."""
    hidden = QUOTED.sub(lambda quoted: quoted[0].translate(HIDE), line.strip())
    separator = next((mark for mark in "\t," if mark in hidden), None)
    return [field.strip().strip("\"'").translate(SHOW) for field in hidden.split(separator)]
