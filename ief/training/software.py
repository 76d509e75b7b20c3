"""By what a run was trained: versions, and the commit of a checkout."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from shutil import which

from ief import __version__

PACKAGES = ("torch", "torchvision", "numpy", "scipy")
ROOT = Path(__file__).resolve().parents[2]


def describe_software() -> dict[str, str | None]:
    """Versions by name; `commit` is the checkout's, `-dirty` behind it if files are changed, None without git."""
    ours = {"ief": __version__, "commit": find_commit(), "python": platform.python_version()}
    return ours | {name: version(name) for name in PACKAGES}


def find_commit(root: Path = ROOT) -> str | None:
    """The commit of the git checkout at `root`; None if it is none: an installation's folder may lie in another one."""
    if not (root / ".git").exists() or not which("git"):
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip() or None
