"""From a number to people: what the page's script, `people.js`, shows of those behind each joint's error."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation import GroundTruth
from evaluation.metrics.conventions import SHORT, joint_groups
from evaluation.metrics.ground_truth import has_size, nan_mean
from evaluation.metrics.json_format import Json
from evaluation.report.errors import HEAD, parts_by_size
from evaluation.report.skeletons import side_colors

MOST = 3000  # people: of more, the worst
STEPS, NONE = 4096, -32768  # places are in so many parts of the person's box; what stands for a joint without one
MARGIN = 0.2  # of the box around the annotated joints, of their extent


@dataclass(frozen=True)
class Lookup:
    """People whose poses by some methods a page can show, N of those who have an annotated joint.

    Attributes:
        rows: (N,) which of the evaluated people they are.
        box: (N, 3) x, y of the corner and side of what is shown, image pixels.
        errors: (M, N, K) of M methods, in the unit of the ground truth; NaN where not counted.
    """

    rows: np.ndarray
    box: np.ndarray
    errors: np.ndarray


def choose_people(gt: GroundTruth, poses: Sequence[np.ndarray]) -> Lookup:
    """All who have an error, at most `MOST`. `poses`: (N, K, 2) of each method."""
    size = np.where(has_size(gt.size), gt.size, np.nan)[:, None]
    errors = np.stack([np.linalg.norm(pose - gt.known, axis=-1) / size for pose in poses])
    worst = nan_mean(errors, axis=2).max(axis=0)
    rows = np.sort(np.argsort(-worst)[: min(MOST, int(np.isfinite(worst).sum()))])
    known = gt.known[rows]
    low, high = np.nanmin(known, axis=1), np.nanmax(known, axis=1)
    side = np.maximum((high - low).max(axis=1), 8) * (1 + 2 * MARGIN)
    return Lookup(rows, np.column_stack([(low + high) / 2 - side[:, None] / 2, side]), errors[:, rows])


def rank_people(errors: np.ndarray) -> list[int]:
    """The N of errors (M, N, K), first those who are among the worst of some joint, or of all, by some method."""
    means = nan_mean(errors, axis=2)[..., None]
    ranks = np.argsort(np.argsort(-np.nan_to_num(np.concatenate([errors, means], axis=2), nan=-1), axis=1), axis=1)
    ranks[..., -1] //= 6  # all joints together are what the page shows at first
    return np.argsort(ranks.min(axis=(0, 2)), kind="stable").tolist()


def pack_people(
    found: Lookup,
    gt: GroundTruth,
    poses: Mapping[str, np.ndarray],
    names: Mapping[str, Sequence[str]],
    visible: np.ndarray,
    thumbnails: Mapping[int, str],
    images: str = "",
) -> Json:
    """What `people.js` reads.

    Args:
        found: whom to show. poses: method -> (N, K, 2) of all evaluated people, as `gt`.
        names: `id` and `image` of all of them. visible: (N, K) 1 for a visible joint, 0 for a hidden one.
        thumbnails: row of `found` -> JPEG as base64, of its box.
        images: where those without one have theirs, before the name; '' for nowhere.
    """
    rows, (x, y, side) = found.rows, found.box.T
    every = np.stack([gt.known, *poses.values()])[:, rows]
    steps = (every - found.box[:, None, :2]) / side[:, None, None] * STEPS
    steps = np.where(np.isfinite(steps), np.clip(np.rint(np.nan_to_num(steps)), NONE + 1, -NONE - 1), NONE)
    quarters = parts_by_size(gt)
    quarter = np.full(len(gt), -1)
    for place, (inside, _) in enumerate(quarters.values()):
        quarter[inside] = place
    groups = joint_groups(gt.skeleton, HEAD).items()
    sizes = np.where(has_size(gt.size[rows]), gt.size[rows], 0).round(3)
    columns = {"x": x.round(1), "y": y.round(1), "side": side.round(2), "size": sizes, "quarter": quarter[rows]}
    columns |= {key: np.asarray(values)[rows] for key, values in names.items()}
    each = zip(*(column.tolist() for column in columns.values()), strict=True)
    people = [dict(zip(columns, values, strict=True)) for values in each]
    for place, thumbnail in thumbnails.items():
        people[place]["thumbnail"] = thumbnail
    return {
        "methods": list(poses),
        "joints": list(gt.skeleton.names),
        "aliases": {short: name for name, short in SHORT.items()},
        "groups": {name: np.flatnonzero(joints).tolist() for name, joints in groups},
        "parents": list(gt.skeleton.parents),
        "colors": ["rgb({}, {}, {})".format(*color) for color in side_colors(gt.skeleton)],
        "unit": gt.measure.unit,
        "quarters": list(quarters),
        "images": images,
        "format": "image/jpeg",
        "people": people,
        "places": to_base64(steps.astype("<i2")),
        "visible": to_base64(visible[rows].astype(np.uint8)),
    }


def to_base64(values: np.ndarray) -> str:
    """The bytes of an array as text."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
