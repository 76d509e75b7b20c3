"""Two-stage pose regression: its public Python API, and the command line.

from ief import PosePredictor

Every public name of `heads`, `evaluation` and `ief.workflow` may be imported from here, too:
`from ief import GroundTruth, evaluate, train`.
"""

import importlib
import sys
from importlib.util import find_spec
from pathlib import Path

__version__ = "0.1.0"
_HOMES = {"PosePredictor": "ief.inference.predictor", "Poses": "ief.inference.poses"}
__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    """The public names on first use: a command's `-h` must not wait for torch."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    for package in map(importlib.import_module, ("heads", "evaluation", "ief.workflow")):
        if not name.startswith("_") and hasattr(package, name):
            return getattr(package, name)
    raise AttributeError(f"module 'ief' has no attribute '{name}'")


def _check_packages() -> None:
    """Import a package of ours of whose name Python finds a plain folder, as under an editable install.

    The names are common, and Python looks beside the script that it runs first.

    Raises:
        ImportError: it finds somebody else's module by the name of one of our packages.
    """
    here = Path(__file__).resolve().parents[1]
    for name in ("heads", "checkpoints", "mpii_tools", "evaluation"):
        spec = find_spec(name)
        if spec and spec.origin is None and name not in sys.modules:  # a folder, which is no module of anybody's
            sys.path.insert(0, str(here))
            importlib.import_module(name)
            sys.path.remove(str(here))
            spec = find_spec(name)
        if spec is None or spec.origin is None or Path(spec.origin).resolve().parent != here / name:
            place = spec and (spec.origin or next(iter(spec.submodule_search_locations)))
            raise ImportError(
                f"{place or 'nothing'} is what Python finds as '{name}', a package of ief's in {here}; rename it, or "
                "start Python elsewhere"
            )


_check_packages()
