"""A row of the table of small inputs: what it is, what is run on it, and what must come out."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ief.cli import main


@dataclass(frozen=True)
class Case:
    """One input.

    Attributes:
        name: of the row.
        build: makes the input in an empty folder, which is the current one, and returns the arguments of `ief`.
        status: that `ief` must return.
        says: what must be in its output, standard output and error together.
        check: looks at what it left in the folder.
    """

    name: str
    build: Callable[[Path], list[str]]
    status: int
    says: tuple[str, ...] = ()
    check: Callable[[Path], None] | None = None


def run_case(case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Build the input, run `ief` on it there, and compare."""
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        arguments = case.build(tmp_path)
        capsys.readouterr()
        status = main(arguments)
    finally:
        os.chdir(before)
    said = "".join(capsys.readouterr())
    assert status == case.status, said
    for words in case.says:
        assert words in said, f"'{words}' is not in: {said}"
    if case.check:
        case.check(tmp_path)
