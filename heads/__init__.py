"""Skeleton, bones, pairs, normalization and losses: the paper's Section 3, in torch alone.

>>> from heads import MPII, METHODS, CompositionalLoss, get_pairs, joints_to_bones
"""

import importlib

# Name -> its module, which is imported when the name is asked for: a skeleton needs no torch.
_HOMES = {
    "COCO17": "skeleton",
    "MPII": "skeleton",
    "Skeleton": "skeleton",
    "METHODS": "pairs",
    "get_pairs": "pairs",
    "bones_to_joints": "bones",
    "joints_to_bones": "bones",
    "denormalize": "normalization",
    "masked_mean_std": "normalization",
    "normalize": "normalization",
    "PoseCodec": "codec",
    "compositional": "codec",
    "CompositionalLoss": "losses",
    "ResidualLikelihood": "likelihood",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'heads' has no attribute '{name}'; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(f"heads.{_HOMES[name]}"), name)
