"""Two-stage pose regression: its public Python API, and the command line.

from ief import PosePredictor
"""

__all__ = ["PosePredictor", "Poses"]


def __getattr__(name: str) -> object:
    """The public names on first use: a command's `-h` must not wait for torch."""
    if name == "PosePredictor":
        from ief.inference.predictor import PosePredictor

        return PosePredictor
    if name == "Poses":
        from ief.inference.poses import Poses

        return Poses
    raise AttributeError(f"module 'ief' has no attribute '{name}'")
