"""Label faults planted into MPII's validation people, found again: `python tests/benchmarks/suspects.py`.

They are left and right exchanged, the labels of two people of an image exchanged, or all joints moved by half a head
size to two. The people are those of ../shared/mpii/valid_annolist.mat, the networks the three published files there.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from evaluation import GroundTruth
from evaluation.report.suspects import rank_suspects
from ief.reporting.scoring import ground_truth
from mpii_tools.annotations.read import read_annotations
from mpii_tools.people import group_rows
from mpii_tools.results.matching import align
from mpii_tools.results.predictions import read_predictions

MPII = Path(__file__).resolve().parents[3] / "shared/mpii"
NETWORKS = ("newell", "tompson", "valid-ours")
PLANTED, PAIRS, FEWEST = 50, 8, 8  # faults, of them pairs of neighbors, and the joints that a faulty label has


def read_mpii(names: tuple[str, ...] = NETWORKS) -> tuple[list[np.ndarray], GroundTruth, np.ndarray]:
    """Predictions (2958, 16, 2) of each network, the ground truth, and the images."""
    people = read_annotations(MPII / "valid_annolist.mat").people
    return (
        [align(read_predictions(MPII / f"{name}.h5"), people).joints for name in names],
        ground_truth(people),
        people.images,
    )


def plant_faults(gt: GroundTruth, images: np.ndarray, seed: int) -> tuple[GroundTruth, dict[int, str]]:
    """The ground truth with 50 faults, and which person has which."""
    rng, joints, annotated, faults = np.random.default_rng(seed), gt.joints.copy(), gt.annotated.copy(), {}
    usable = gt.annotated.sum(axis=1) >= FEWEST
    shared = [rows[:2] for rows in group_rows(images).values() if len(rows) > 1 and usable[rows[:2]].all()]
    for pair in rng.permutation(shared)[:PAIRS]:
        joints[pair], annotated[pair] = joints[pair[::-1]], annotated[pair[::-1]]
        faults |= dict.fromkeys(pair.tolist(), "neighbor")
    for row in rng.permutation(np.flatnonzero(usable)).tolist():
        if row in faults or len(faults) == PLANTED:
            continue
        if len(faults) % 2:
            flip = list(gt.skeleton.flip_permutation)
            joints[row], annotated[row], faults[row] = joints[row, flip], annotated[row, flip], "mirrored"
        else:
            angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 2) * gt.size[row]
            joints[row] += far * np.array([np.cos(angle), np.sin(angle)])
            faults[row] = "displaced"
    return replace(gt, joints=joints, annotated=annotated), faults


def rate_ranking(seed: int, names: tuple[str, ...] = NETWORKS) -> tuple[int, int, float]:
    """Faults among the first 50 and the first 100 people ranked, and the share of the latter of the right kind."""
    poses, gt, images = read_mpii(names)
    faulty, faults = plant_faults(gt, images, seed)
    suspects = rank_suspects(poses, faulty, images.tolist())
    ranked = [row for row in suspects.order[:100].tolist() if row in faults]
    first = sum(row in faults for row in suspects.order[:50].tolist())
    return first, len(ranked), float(np.mean([suspects.kinds[row] == faults[row] for row in ranked]))


if __name__ == "__main__":
    print("networks                      planted  in the first 50  first 100  precision  recall  right kind")
    for names in (NETWORKS, NETWORKS[::2]):
        first, ranked, right = np.mean([rate_ranking(seed, names) for seed in range(5)], axis=0)
        shares = f"{ranked / 100:10.0%}  {ranked / PLANTED:6.0%}  {right:10.0%}"
        print(f"{' '.join(names):<28}  {PLANTED:7}  {first:15.1f}  {ranked:9.1f} {shares}")
