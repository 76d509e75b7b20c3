"""The program as its users call it, within this process."""

import json
import re

from processes import IEF, finish_here

from ief.cli import main


def run_ief(*words, status=0):
    """Run a command whose words may be paths and numbers; it must end with that status."""
    assert main([str(word) for word in words]) == status


def evaluate(predictions, annotations, *options, out):
    """The scores that `ief evaluate` writes to `out`."""
    run_ief("evaluate", "--predictions", predictions, "--annotations", annotations, *options, "--json", out)
    return json.loads(out.read_text())


def read_report(out):
    """Everything that a report says, its pictures' titles and labels aside, which are outlines."""
    text = " ".join(path.read_text(encoding="utf-8") for path in (out / "index.html", *out.glob("tables/*.md")))
    return re.sub(r'src="data:[^"]*"', "", text)


def said_by(*words, status=2):
    """What a command says on stderr, which must end with that status."""
    return finish_here([*IEF, *map(str, words)], status)
