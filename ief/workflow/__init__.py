"""What the commands do, as functions with plain arguments: train, compare_runs, and `ief.workflow.demo.demo`.

from ief.workflow import train
train("runs/all", data="data/mpii", preset="best", epochs=20.0)
"""

from __future__ import annotations

from ief.workflow.train import train

__all__ = ["compare_runs", "train"]


def __getattr__(name: str) -> object:
    """`compare_runs` on first use: its report imports what a training does without."""
    if name == "compare_runs":
        from ief.workflow.compare import compare_runs

        return compare_runs
    raise AttributeError(f"module 'ief.workflow' has no attribute '{name}'")
