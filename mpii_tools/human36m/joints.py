"""Human3.6M's 32 joints, the 17 of them that move, and MPII's 16 made of these."""

from __future__ import annotations

import numpy as np

OF_32 = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
# MPI-INF-3DHP's 17 joints in mmpose's order, put where Human3.6M has the like: its neck, head and head top come last.
OF_MPI_INF = [14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4]

PELVIS, SPINE, NECK, NOSE, HEAD, L_SHOULDER, R_SHOULDER = 0, 7, 8, 9, 10, 11, 14
THORAX = 17  # the middle of the shoulders, put behind the 17
MPII_OF = [3, 2, 1, 4, 5, 6, PELVIS, THORAX, NECK, HEAD, 16, 15, R_SHOULDER, L_SHOULDER, 12, 13]
NAMES = (
    "pelvis", "r_hip", "r_knee", "r_ankle", "l_hip", "l_knee", "l_ankle", "spine", "neck", "nose", "head", "l_shoulder",
    "l_elbow", "l_wrist", "r_shoulder", "r_elbow", "r_wrist",
)  # fmt: skip


def to_mpii(poses: np.ndarray) -> np.ndarray:
    """MPII's 16 joints (N, 16, D) of Human3.6M's 17 (N, 17, D), in any unit.

    The order is the one that the paper's first author published later; the thorax is the middle of the shoulders.
    """
    thorax = (poses[:, [L_SHOULDER]] + poses[:, [R_SHOULDER]]) / 2
    return np.concatenate([poses, thorax], axis=1)[:, MPII_OF]


def from_mpii(poses: np.ndarray) -> np.ndarray:
    """Human3.6M's 17 joints (N, 17, D) of MPII's 16 (N, 16, D).

    MPII has neither spine nor nose: the spine becomes the middle of pelvis and neck, the nose that of neck and head.
    """
    found = np.full((len(poses), len(NAMES), poses.shape[2]), np.nan)
    kept = [place for place, joint in enumerate(MPII_OF) if joint != THORAX]
    found[:, [MPII_OF[place] for place in kept]] = poses[:, kept]
    found[:, SPINE] = (found[:, PELVIS] + found[:, NECK]) / 2
    found[:, NOSE] = (found[:, NECK] + found[:, HEAD]) / 2
    return found
