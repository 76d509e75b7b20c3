"""What the commands do, as functions with plain arguments, one module each; `train` is here too.

from ief.workflow import train
train("runs/all", data="data/mpii", preset="best", epochs=20.0)
"""

import importlib

_HOMES = {"compare_runs": "compare", "train": "training"}  # imported on first use: predicting trains nothing
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'ief.workflow' has no attribute '{name}'")
    return getattr(importlib.import_module(f"ief.workflow.{_HOMES[name]}"), name)
