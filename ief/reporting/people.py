"""People in the report: pictures of some, and what the page's script, `people.js`, shows of those behind a number."""

import base64
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from checkpoints import PoseError
from evaluation import KINDS, GroundTruth, classify_errors
from evaluation.metrics import SHORT, Json, has_size, joint_groups, nan_mean
from evaluation.report.errors import parts_by_size
from evaluation.report.material import Run, Section, list_entries
from evaluation.report.side_view import draw_front_and_side
from evaluation.report.skeletons import close_up, side_colors, to_jpeg
from ief.reporting.scoring import choose_measure, ground_truth, person_errors, root_errors, view_poses
from mpii_tools.images.decode import LoadImage
from mpii_tools.people import People

SHOWN = 12  # people in a section, or of each kind
NOBODY = ("No images were given, so nobody is drawn on one; --images DIR names them.",)
MOST = 3000  # people that are looked up: of more, the worst
STEPS, NONE = 4096, -32768  # places are in so many parts of the person's box; what stands for a joint without one
MARGIN, THUMBNAIL = 0.2, 128  # of the box around the joints, of their extent; pixels on a side


def draw_people(
    people: People,
    poses: np.ndarray,
    load_image: LoadImage,
    rows: Sequence[int],
    *,
    side: int = 320,
    left_out: list[str] | None = None,
) -> list[tuple[int, np.ndarray]]:
    """Close-ups of some people with predicted (colored) and true (thin white) skeletons; in 3D a side view beside.

    A joint predicted beyond the image's edge is not drawn: nothing in the image tells whether it is right.

    Args:
        poses: (N, K, D) predictions of all of `people`, x and y in image pixels. In 3D the side view takes its scale
            from the person's camera where that is known, else from the pose.
        load_image: an image by name.
        rows: the people to draw.
        side: of each picture in pixels.
        left_out: gets a line, with its reason, for each image that is missing or corrupt.

    Returns:
        (row, (side, side, 3) uint8 RGB) of each person whose image could be read; (side, 2 side + 1, 3) of 3D poses.
    """
    pictures = []
    for row in rows:
        try:
            image = load_image(str(people.images[row]))
        except PoseError as error:
            if left_out is not None:
                left_out.append(f"picture of {people.person_ids[row]}: {error}")
            continue
        options = {"gt": people.joints[row], "side": side}
        if poses.shape[-1] == 3 and (depth := people.depth) is not None:
            options["gt"] = np.column_stack([people.joints[row], depth.z[row]])
            options["scale"] = float(depth.camera[row, 0] / depth.root_depth[row]) if depth.placed[row] else None
        pictures.append((row, draw_front_and_side(image, poses[row], people.skeleton, **options)))
    return pictures


def spread_rows(errors: np.ndarray, count: int) -> list[int]:
    """`count` rows spread evenly from the best to the worst of (N,) errors; NaN errors are passed over."""
    order = np.argsort(errors)[: np.isfinite(errors).sum()]
    return order[np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)].tolist()


def make_people_section(
    run: Run, people: People | None, load_image: LoadImage | None, left_out: list[str] | None
) -> Section:
    """Close-ups of people by a run's last stage, from the best to the worst, or a sentence if nobody can be drawn.

    In 3D it is Figure 3, in the image and from the side: first those whose depth is known, then others.
    """
    poses, captions = run.poses.get(run.last), {}
    deep = poses is not None and poses.shape[-1] == 3
    heading = "Figure 3: people in the image and from the side" if deep else "People"
    if people is None or load_image is None or poses is None:
        return Section(heading, text=NOBODY)
    known = np.zeros(len(people), bool)
    for dimensions, unit in ((3, "mm"), (2, choose_measure(people).unit))[not deep or people.depth is None :]:
        errors = np.where(known, np.nan, person_errors(poses, people, dimensions))
        known |= np.isfinite(errors)
        rows = spread_rows(errors, SHOWN)
        captions |= {row: f"{people.person_ids[row]}, {errors[row]:.2f} {unit}" for row in rows}
    drawn = draw_people(people, poses, load_image, list(captions), left_out=left_out)
    text = (
        f"{run.name}: people from the best to the worst by mean joint error. Orange: the person's right side; blue: "
        "left; yellow: center; thin: the ground truth, where it is known."
    )
    pictures = [(captions[row], picture) for row, picture in drawn]
    return Section(heading, text=(text,) if pictures else NOBODY, pictures=pictures, wide=deep)


def make_lookup(
    runs: Sequence[Run],
    people: People | None,
    load_image: LoadImage | None,
    thumbnails: int,
    images: str,
    others: People | None,
) -> Json:
    """What `people.js` reads of all who have an error, at most `MOST`: the poses of the runs' last stages.

    Of a single run it is every stage; errors are those of 3D where all poses and some people have depth, else in the
    unit of the ground truth.

    Args:
        people: None for nobody, of whom there is nothing: {}.
        load_image: an image by name; one that cannot be read is left out. None draws nobody.
        thumbnails: people to draw close-ups of at most, first of those who are among the worst of some joint.
        images: where others have their image, before its name; '' for nowhere.
        others: further annotated people of the images.
    """
    entries = [entry for entry in list_entries(runs, 2) if entry.stage != "mean_pose"]
    poses = {entry.name: entry.poses for entry in entries if entry.poses is not None}
    if people is None or not poses:
        return {}
    gt, deep = ground_truth(people, *poses.values(), others=others), view_poses(people, 3, *poses.values()) is not None
    flat = np.stack([pose[..., :2] for pose in poses.values()])
    size = np.where(has_size(gt.size), gt.size, np.nan)
    if deep:
        errors = np.stack([root_errors(pose, people) for pose in poses.values()])
    else:
        errors = np.linalg.norm(flat - gt.known, axis=-1) / size[:, None]
    worst = nan_mean(errors, axis=2).max(axis=0)
    rows = np.sort(np.argsort(-worst)[: min(MOST, int(np.isfinite(worst).sum()))])
    drawn = rank_people(errors[:, rows])[: max(0, thumbnails) if load_image else 0]
    facts, box = list_people(people, gt, rows, drawn, load_image)
    steps = np.rint((np.stack([gt.known, *flat])[:, rows] - box[:, None, :2]) / box[:, None, 2:] * STEPS)
    steps = np.where(np.isfinite(steps), np.clip(steps, NONE + 1, -NONE - 1), NONE)
    kinds = np.stack([classify_errors(pose, gt)[rows] for pose in flat])
    arrays = {"places": steps.astype("<i2"), "visible": gt.visible[rows], "kinds": kinds}
    arrays |= {"errors": errors[:, rows].astype("<f4")} if deep else {}
    return {
        "methods": list(poses),
        "joints": list(gt.skeleton.names),
        "aliases": {short: name for name, short in SHORT.items()},
        "groups": {name: np.flatnonzero(of).tolist() for name, of in joint_groups(gt.skeleton).items()},
        "parents": list(gt.skeleton.parents),
        "colors": ["rgb({}, {}, {})".format(*color) for color in side_colors(gt.skeleton)],
        "unit": "mm" if deep else gt.measure.unit,
        "kind_names": [kind.capitalize() for kind in KINDS],
        "quarters": list(parts_by_size(gt)),
        "images": images,
        "format": "image/jpeg",
        "people": facts,
        **{name: base64.b64encode(array.tobytes()).decode("ascii") for name, array in arrays.items()},
    }


def list_people(
    people: People, gt: GroundTruth, rows: np.ndarray, drawn: Sequence[int], load_image: LoadImage | None
) -> tuple[list[dict[str, Any]], np.ndarray]:
    """Id, image, quarter by size, box and size of each of some rows (R,), a thumbnail of those `drawn`; and the boxes.

    Returns:
        The second is (R, 3) x, y of the corner and side in image pixels.
    """
    low, high = np.nanmin(gt.known[rows], axis=1), np.nanmax(gt.known[rows], axis=1)
    side = np.maximum((high - low).max(axis=1), 8) * (1 + 2 * MARGIN)
    box = np.column_stack([(low + high) / 2 - side[:, None] / 2, side])
    thumbnails = {}
    for place in drawn:
        with suppress(PoseError):
            image = load_image(str(people.images[rows[place]]))
            crop, affine = close_up(image, gt.known[rows[place]], THUMBNAIL, MARGIN)
            thumbnails[place] = {"thumbnail": base64.b64encode(to_jpeg(crop, 75)).decode("ascii")}
            box[place] = *-affine[:, 2] / affine[0, 0], THUMBNAIL / affine[0, 0]
    quarter, size = np.full(len(gt), -1), np.where(has_size(gt.size), gt.size, np.nan)
    for place, inside in enumerate(parts_by_size(gt).values()):
        quarter[inside] = place
    columns = {"id": people.person_ids[rows], "image": people.images[rows], "quarter": quarter[rows]}
    columns |= dict(zip(("x", "y", "side", "size"), np.column_stack([box, size[rows]]).round(3).T, strict=True))
    table = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [dict(zip(columns, each, strict=True)) | thumbnails.get(place, {}) for place, each in enumerate(table)], box


def rank_people(errors: np.ndarray) -> Sequence[int]:
    """The N of errors (M, N, K), first those who are among the worst of some joint, or of all, by some method."""
    every = np.concatenate([errors, nan_mean(errors, axis=2)[..., None]], axis=2)
    ranks = np.argsort(np.argsort(-np.nan_to_num(every, nan=-1), axis=1), axis=1)
    ranks[..., -1] //= 6  # all joints together are what the page shows at first
    return np.argsort(ranks.min(axis=(0, 2)), kind="stable").tolist()
