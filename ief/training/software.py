"""By what a run was trained: versions, and the commit of a checkout."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from ief import __version__

PACKAGES = ("torch", "torchvision", "numpy", "scipy")
ROOT = Path(__file__).resolve().parents[2]


def describe_software() -> dict[str, str | None]:
    """Versions by name; `commit` is the checkout's, `-dirty` behind it if files are changed, None without git."""
    packages = {name: version(name) for name in PACKAGES}
    return {"ief": __version__, "commit": find_commit(), "python": platform.python_version(), **packages}


def find_commit(root: Path = ROOT) -> str | None:
    """The commit of the git checkout at `root`; None if it is none: an installation's folder may lie in another one."""
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
