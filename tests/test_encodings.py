"""Text is UTF-8 in every file, whatever the system's own encoding is."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = [path for package in ("checkpoints", "heads", "mpii_tools", "evaluation", "ief")
         for path in sorted((ROOT / package).rglob("*.py"))]  # fmt: skip
OPENING = {"open", "fdopen", "read_text", "write_text", "TextIOWrapper", "NamedTemporaryFile"}


def is_mode(node):
    """Whether an argument is a mode of `open`, such as "rb"."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and set(node.value) <= set("rwxabt+")


def text_without_encoding(source):
    """Lines of calls that read or write text and leave its encoding to the system."""
    tree = ast.parse(source)
    imported = {alias.asname or alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
                for alias in node.names}  # fmt: skip
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or any(word.arg == "encoding" for word in node.keywords):
            continue
        method = isinstance(node.func, ast.Attribute)
        name = node.func.attr if method else getattr(node.func, "id", "")
        if name not in OPENING or (not method and name in imported):  # checkpoints.files.write_text is always UTF-8
            continue
        arguments = [*node.args, *(word.value for word in node.keywords if word.arg == "mode")]
        modes = [argument.value for argument in arguments if is_mode(argument)]
        others = {"Image", "tarfile", "zipfile", "archive", "os"}  # whose `open` knows no text
        foreign = method and name == "open" and getattr(node.func.value, "id", "") in others
        if not foreign and not any("b" in mode for mode in modes):
            yield node.lineno


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_is_read_or_written_in_the_systems_encoding(path):
    assert not list(text_without_encoding(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("open(path)", True),
        ("open(path, 'w')", True),
        ("path.open()", True),
        ("path.read_text()", True),
        ("path.write_text(text)", True),
        ("open(path, encoding='utf-8')", False),
        ("open(path, 'rb')", False),
        ("path.open(mode='wb')", False),
        ("tarfile.open(path, 'r:')", False),
        ("from checkpoints.files import write_text\nwrite_text(path, text)", False),
    ],
)
def test_the_search_finds_what_it_looks_for(source, found):
    assert bool(list(text_without_encoding(source))) == found
