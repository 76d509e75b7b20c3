"""From a number to people: what the page's script, `people.js`, shows of those behind each joint's error."""

import base64
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import numpy as np

from checkpoints.errors import PoseError
from evaluation import KINDS, GroundTruth, classify_errors
from evaluation.metrics.conventions import SHORT, joint_groups
from evaluation.metrics.ground_truth import has_size, nan_mean
from evaluation.metrics.json_format import Json
from evaluation.report.errors import parts_by_size
from evaluation.report.skeletons import close_up, side_colors, to_jpeg

MOST = 3000  # people: of more, the worst
STEPS, NONE = 4096, -32768  # places are in so many parts of the person's box; what stands for a joint without one
MARGIN, THUMBNAIL = 0.2, 128  # of the box around the joints, of their extent; pixels on a side


def pack_people(
    gt: GroundTruth,
    poses: Mapping[str, np.ndarray],
    columns: Mapping[str, np.ndarray],
    millimeters: np.ndarray | None,
    load_image: Callable[[str], np.ndarray],
    thumbnails: int,
    images: str = "",
) -> Json:
    """What `people.js` reads: all who have an error, at most `MOST`.

    Args:
        gt: of N people. poses: method -> (N, K, 2).
        columns: `id` and `image`, (N,) each.
        millimeters: (M, N, K) errors in 3D by which people are ranked; None: those in the unit of the ground truth.
        load_image: an image by name, (H, W, 3) uint8 RGB; one that cannot be read, which is a PoseError, is left out.
        thumbnails: people to draw close-ups of, first of those who are among the worst of some joint.
        images: where others have their image, before its name; '' for nowhere.
    """
    size = np.where(has_size(gt.size), gt.size, np.nan)
    errors = np.stack([np.linalg.norm(pose - gt.known, axis=-1) for pose in poses.values()]) / size[:, None]
    errors = errors if millimeters is None else millimeters
    worst = nan_mean(errors, axis=2).max(axis=0)
    rows = np.sort(np.argsort(-worst)[: min(MOST, int(np.isfinite(worst).sum()))])
    low, high = np.nanmin(gt.known[rows], axis=1), np.nanmax(gt.known[rows], axis=1)
    side = np.maximum((high - low).max(axis=1), 8) * (1 + 2 * MARGIN)
    box = np.column_stack([(low + high) / 2 - side[:, None] / 2, side])
    drawn = {}
    for place in rank_people(errors[:, rows])[:thumbnails]:
        with suppress(PoseError):
            image = load_image(str(columns["image"][rows[place]]))
            crop, affine = close_up(image, gt.known[rows[place]], THUMBNAIL, MARGIN)
            drawn[place] = base64.b64encode(to_jpeg(crop, 75)).decode("ascii")
            box[place] = *-affine[:, 2] / affine[0, 0], THUMBNAIL / affine[0, 0]
    every = np.stack([gt.known, *poses.values()])[:, rows]
    steps = np.rint((every - box[:, None, :2]) / box[:, None, 2:] * STEPS)
    steps = np.where(np.isfinite(steps), np.clip(steps, NONE + 1, -NONE - 1), NONE)
    quarter, quarters = np.full(len(gt), -1), parts_by_size(gt)
    for place, inside in enumerate(quarters.values()):
        quarter[inside] = place
    table = {name: np.asarray(values)[rows].tolist() for name, values in {**columns, "quarter": quarter}.items()}
    table |= dict(zip(("x", "y", "side", "size"), np.column_stack([box, size[rows]]).round(3).T.tolist(), strict=True))
    people = [dict(zip(table, each, strict=True)) for each in zip(*table.values(), strict=True)]
    for place, thumbnail in drawn.items():
        people[place]["thumbnail"] = thumbnail
    kinds = np.stack([classify_errors(pose, gt)[rows] for pose in poses.values()])
    arrays = {"places": steps.astype("<i2"), "visible": gt.visible[rows], "kinds": kinds}
    arrays |= {} if millimeters is None else {"errors": errors[:, rows].astype("<f4")}
    return {
        "methods": list(poses),
        "joints": list(gt.skeleton.names),
        "aliases": {short: name for name, short in SHORT.items()},
        "groups": {name: np.flatnonzero(of).tolist() for name, of in joint_groups(gt.skeleton).items()},
        "parents": list(gt.skeleton.parents),
        "colors": ["rgb({}, {}, {})".format(*color) for color in side_colors(gt.skeleton)],
        "unit": gt.measure.unit if millimeters is None else "mm",
        "kind_names": [kind.capitalize() for kind in KINDS],
        "quarters": list(quarters),
        "images": images,
        "format": "image/jpeg",
        "people": people,
        **{name: base64.b64encode(array.tobytes()).decode("ascii") for name, array in arrays.items()},
    }


def rank_people(errors: np.ndarray) -> Sequence[int]:
    """The N of errors (M, N, K), first those who are among the worst of some joint, or of all, by some method."""
    every = np.concatenate([errors, nan_mean(errors, axis=2)[..., None]], axis=2)
    ranks = np.argsort(np.argsort(-np.nan_to_num(every, nan=-1), axis=1), axis=1)
    ranks[..., -1] //= 6  # all joints together are what the page shows at first
    return np.argsort(ranks.min(axis=(0, 2)), kind="stable").tolist()
