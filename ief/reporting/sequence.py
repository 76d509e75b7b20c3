"""Which sequence Figure 2 shows, and the poses along it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from evaluation.report.sequence import KIND, Sequence
from heads.skeleton import Skeleton
from mpii_tools.people import NO_FRAME, Depth, People

SHORTEST = 6  # frames worth a line


def choose_sequence(people: People, poses: Mapping[str, np.ndarray]) -> Sequence | None:
    """The sequence whose wrists move most, relative to the root, in the ground truth: no prediction has a say.

    Of a sequence in which several cameras saw a frame, the camera with most frames is taken.

    Args:
        people: N people with depth.
        poses: method -> (N, K, 3) x, y in image pixels and z in mm.

    Returns:
        None without a sequence of at least `SHORTEST` frames with a camera, numbers and wrists.
    """
    skeleton, depth = people.skeleton, people.depth
    if not any(name.endswith(KIND) for name in skeleton.names):
        return None
    gt = np.where(people.annotated[..., None], people.camera_joints, np.nan)
    spread = {rows: _spread(gt[list(rows)], skeleton) for rows in map(tuple, _sequences(depth))}
    spread = {rows: value for rows, value in spread.items() if np.isfinite(value)}
    if not spread:
        return None
    rows = np.array(max(spread, key=spread.get))
    *whose, sequence = (str(getattr(depth, name)[rows[0]]) for name in ("subject", "action", "sequence"))
    whose = [name for name in whose if name and name not in sequence]
    return Sequence(
        title=", ".join([*whose, sequence]),
        frames=depth.frame[rows],
        gt=gt[rows],
        poses={name: depth.select(rows).to_camera(pose[rows]) for name, pose in poses.items()},
        skeleton=skeleton,
    )


def _sequences(depth: Depth) -> list[np.ndarray]:
    """Rows of each sequence in the order of their frames, one a frame; short ones and unnamed ones are left out."""
    named = np.flatnonzero(depth.placed & (depth.frame != NO_FRAME) & (depth.sequence != ""))
    labels = np.stack([depth.subject[named], depth.action[named], depth.sequence[named]], axis=-1)
    _, index = np.unique(labels, axis=0, return_inverse=True)
    sequences = []
    for number in range(index.max(initial=-1) + 1):
        rows = named[index.reshape(-1) == number]
        if len(np.unique(depth.frame[rows])) < len(rows):
            _, camera, count = np.unique(depth.camera[rows], axis=0, return_inverse=True, return_counts=True)
            rows = rows[camera.reshape(-1) == count.argmax()]
        rows = rows[np.unique(depth.frame[rows], return_index=True)[1]]
        if len(rows) >= SHORTEST:
            sequences.append(rows)
    return sequences


def _spread(gt: np.ndarray, skeleton: Skeleton) -> float:
    """Standard deviation in mm of the wrists (F, K, 3) about their mean place, relative to the root; NaN if unknown."""
    wrists = [index for index, name in enumerate(skeleton.names) if name.endswith(KIND)]
    places = (gt - gt[:, [skeleton.root]])[:, wrists]
    places = places[np.isfinite(places).all(axis=(1, 2))]
    return float(np.sqrt(places.var(axis=0).sum(axis=-1)).mean()) if len(places) >= SHORTEST else np.nan
