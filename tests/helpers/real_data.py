"""Small inputs as people really have them, each with what must come out of a command: a case is a row of a table."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from matplotlib import rc_context

from ief.cli import main


@dataclass(frozen=True)
class Case:
    """One input.

    Attributes:
        name: what is special about it.
        build: makes it in a folder, which is also the current one, and returns the arguments of `ief`.
        status: the command's exit status.
        says: what its output must hold.
        check: looks at what it wrote, and asserts.
    """

    name: str
    build: Callable[[Path], list[str]]
    status: int
    says: tuple[str, ...] = ()
    check: Callable[[Path], None] | None = None

    def __str__(self) -> str:
        return self.name


def run_case(case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Make the input in `tmp_path`, run the command there, compare."""
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        arguments = case.build(tmp_path)
        capsys.readouterr()
        with rc_context({"figure.dpi": 20}):  # the skeleton's picture is not looked at
            status = main(arguments)
        captured = capsys.readouterr()
        output = captured.out + captured.err
        assert status == case.status, output
        assert all(text in output for text in case.says), output
        if case.check:
            case.check(tmp_path)
    finally:
        os.chdir(before)
