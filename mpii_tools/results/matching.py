"""Whose prediction is whose: by person_ids, by place in the image, by order in the image, or by row."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.formats.coco_images import image_key
from mpii_tools.images.index import ImageIndex, number_images
from mpii_tools.people import People, group_rows
from mpii_tools.results.predictions import ROWS, Predictions

ORDER = "by order in the image"
# The share of poses that are nearer to their row's person than the pose of another row is: 99 % or more in published
# predictions, 97 % for one mean pose; 51 % in a random order, 58 % if every row is the next one's.
IN_ORDER, ENOUGH_ROWS = 0.75, 20
SAME_PLACE = 0.02  # of the crop's side, at least 2 px: how far apart the centers of one person's crops may be


def match(predictions: Predictions, people: People, needed: np.ndarray | None = None) -> tuple[np.ndarray, str]:
    """The prediction of each of `people`: the first way that finds all who need one and leaves no prediction over.

    1. By person_ids, unless the places of both sides contradict.
    2. By the place of the crop in the image, where both sides have it.
    3. By order in the image, if each image has as many predictions as people, or people who are scored or annotated:
       some formats count an image's people (HRNet's JSON, gt_valid.mat) and others its rects, so that ids of the same
       people differ.
    4. By row, if predictions have no ids or the people no image names (`row1`, ...) and the counts are the same.

    If each way leaves predictions over, the first that finds everybody counts; if none does, the one that finds the
    most, images with another number of predictions than people left out.

    Args:
        predictions: P poses.
        people: N people.
        needed: (N,) bool, who must have one; None: those with an annotated joint.

    Returns:
        (N,) the row of each person's prediction, -1 for none; and by what they were matched, in words.

    Raises:
        PoseError: counts that tell nothing where rows alone can.
    """
    labeled, anonymous = people.annotated.any(axis=1), predictions.person_ids is None
    needed = labeled if needed is None else needed
    parts = [np.ones(len(people), bool), people.scored, labeled, needed]
    nameless = people.images.tolist() == [f"row{row + 1}" for row in range(len(people))]
    images = None if nameless else name_images(predictions, people)
    if images is None:
        return _by_row(len(predictions), parts), "row by row"
    center = np.full((len(predictions), 2), np.nan) if predictions.crop_center is None else predictions.crop_center
    rows = _by_ids(predictions, people, center)
    if (rows[needed] >= 0).all() and (rows >= 0).sum() == len(predictions):
        return rows, "by person_ids"
    matches = [
        (rows, "by person_ids"),
        (_by_place(images, center, people), "by place"),
        *((_by_order(images, people, part, partial), ORDER) for partial in (False, anonymous) for part in parts),
    ]
    counts = [((rows >= 0).sum() - len(predictions), (rows[needed] >= 0).sum()) for rows, _ in matches]
    # The most of those who need one; among ways that find all of them, one that leaves no prediction over.
    best = max(counts, key=lambda count: (count[1], count[1] == needed.sum() and count[0] == 0))
    return matches[counts.index(best)]


def align(predictions: Predictions, people: People) -> Predictions:
    """The predictions of `people`, in their order, found by `match`; those of further people are ignored.

    Raises:
        PoseError: a person without prediction, another count, other joints, or rows in another order than the people.
    """
    return align_annotated(predictions, people, np.ones(len(people), bool))[0]


def align_annotated(
    predictions: Predictions, people: People, needed: np.ndarray | None = None
) -> tuple[Predictions, People]:
    """The predictions of those people who have one, in their order, and these people.

    Args:
        predictions: matched by `match`; those of further people are ignored.
        people: of the same joints.
        needed: (N,) bool, who must have one; None: those with an annotated joint.

    Raises:
        PoseError: one who must have a prediction and has none, another count, other joints, or rows in another order
            than the people.
    """
    if predictions.joint_names != people.joint_names:
        theirs, ours = (", ".join(one.joint_names[:3]) for one in (predictions, people))
        raise PoseError(f"joints {theirs}, ... are not {ours}, ...; predict the annotated joints, in their order")
    needed = people.annotated.any(axis=1) if needed is None else needed
    rows, way = match(predictions, people, needed)
    if missing := people.person_ids[needed & (rows < 0)].tolist():
        first, image = name_of(predictions, 0) if len(predictions) else "nobody", people.images[needed & (rows < 0)][0]
        there, count = (name_images(predictions, people) or []).count(image), int((people.images == image).sum())
        lack, cure = "no prediction", "predict the people of these annotations, or give those of who is predicted"
        if there > count:
            lack, cure = "more than one prediction to choose from", "keep one for each person"
        raise PoseError(
            f"{len(missing):,} of {int(needed.sum()):,} annotated people have {lack}, first {missing[0]} (its "
            f"image has {there:,} predictions and {count:,} people; the first prediction is for "
            f"{first}{_ambiguity(predictions, people)}); {cure}"
        )
    people, rows = people.select(rows >= 0), rows[rows >= 0]
    columns = {name: column[rows] for name in ("joints", *ROWS) if (column := getattr(predictions, name)) is not None}
    aligned = replace(predictions, **{**columns, "person_ids": people.person_ids})
    if way != "by person_ids":
        _check_order(aligned, people, way)
    return aligned, people


def name_of(predictions: Predictions, row: int) -> str:
    """The person or image of a prediction, for a message."""
    names = predictions.person_ids if predictions.person_ids is not None else predictions.images
    return f"row {row}" if names is None else str(names[row])


def name_images(
    predictions: Predictions, people: People, image_ids: Mapping[str, int | str] | None = None
) -> list[str] | None:
    """Image of each prediction in the people's words, None if nothing tells.

    Args:
        image_ids: of all images by name, those without people too, as `Reading` has them.
    """
    if predictions.person_ids is not None:
        return [person.rpartition("#")[0] for person in predictions.person_ids.tolist()]
    if predictions.images is None:
        return None
    index = ImageIndex(tuple(dict.fromkeys([*(image_ids or ()), *people.images.tolist()])))
    ids, names = people.image_ids, people.images.tolist()
    ids = number_images(index.paths).items() if ids is None else [*zip(names, ids.tolist(), strict=True)]
    ids = [*(image_ids or {}).items(), *ids]
    pairs = {(image_key(image_id), name) for name, image_id in ids}
    times = Counter(key for key, _ in pairs)  # images of joined files may share an id
    words = {key: name for key, name in pairs if times[key] == 1}
    others = {name: index.candidates(name) for name in set(predictions.images.tolist()) - words.keys()}
    words |= {
        name: images[0] if len(images) == 1 else words.get(image_key(name), name) for name, images in others.items()
    }
    return [words[name] for name in predictions.images.tolist()]


def _ambiguity(predictions: Predictions, people: People) -> str:
    """For a message: the first name of an image that several of the people's images can have; '' without any."""
    index = ImageIndex(tuple(dict.fromkeys(people.images.tolist())))
    names = () if predictions.images is None else dict.fromkeys(predictions.images.tolist())
    several = ((name, index.candidates(name)) for name in names)
    return next((f"; '{name}' can be {' or '.join(images[:2])}" for name, images in several if len(images) > 1), "")


def _by_ids(predictions: Predictions, people: People, center: np.ndarray) -> np.ndarray:
    """Nobody, if ids are no names (missing, or twice among the people) or people are elsewhere than predictions."""
    nobody = np.full(len(people), -1)
    if predictions.person_ids is None or len(set(people.person_ids.tolist())) < len(people):
        return nobody
    row_of = {person: row for row, person in enumerate(predictions.person_ids.tolist())}
    rows = np.array([row_of.get(person, -1) for person in people.person_ids.tolist()], dtype=int)
    has = rows >= 0
    apart = np.linalg.norm(center[rows[has]] - people.crop_center[has], axis=1)
    return nobody if (apart > _same_place(people)[has]).any() else rows


def _by_place(images: list[str], center: np.ndarray, people: People) -> np.ndarray:
    """To each person the nearest prediction at its place that nobody has yet."""
    rows, here = np.full(len(people), -1), group_rows(np.array(images))
    places = zip(people.images.tolist(), people.crop_center, _same_place(people), strict=True)
    for person, (image, place, near) in enumerate(places):
        free = here.get(image, [])
        apart = np.nan_to_num(np.linalg.norm(center[free] - place, axis=1), nan=np.inf)
        if len(free) and apart.min() <= near:
            rows[person] = free.pop(int(apart.argmin()))
    return rows


def _same_place(people: People) -> np.ndarray:
    """(N,) pixels that the centers of one person's crops may be apart."""
    return np.maximum(SAME_PLACE * people.crop_side, 2.0)


def _by_order(images: list[str], people: People, part: np.ndarray, partial: bool) -> np.ndarray:
    """To the people of `part` the predictions of their image in order; if one has more or fewer, none of anybody.

    Args:
        partial: none of that image alone.
    """
    rows, here = np.full(len(people), -1), group_rows(np.array(images))
    members, wanted = np.flatnonzero(part), group_rows(people.images[part])
    whole = [image for image, who in wanted.items() if len(here.get(image, [])) == len(who)]
    for image in whole if partial or len(whole) == len(wanted) else []:
        rows[members[wanted[image]]] = here[image]
    return rows


def _by_row(predictions: int, parts: list[np.ndarray]) -> np.ndarray:
    """To the people of the first part with as many people as there are predictions, one after the other."""
    part_of = {int(part.sum()): part for part in reversed(parts)}
    if predictions not in part_of:
        counts = " or ".join(f"{count:,}" for count in sorted(part_of))
        raise PoseError(
            f"{predictions:,} predictions for {len(parts[0]):,} annotated people, and no person_ids on one side; give "
            f"one for each, in the annotations' order: for everybody, or for those who are scored or labeled, {counts}"
        )
    return np.where(part_of[predictions], np.cumsum(part_of[predictions]) - 1, -1)


def _check_order(predictions: Predictions, people: People, way: str) -> None:
    """Raises PoseError if predictions matched without ids cannot be those of the people.

    A pose of the right person is nearer to the ground truth than that of a person half the file away.
    """

    def apart(joints: np.ndarray) -> np.ndarray:
        distance = np.linalg.norm(joints[..., :2] - people.joints, axis=-1)
        return np.where(people.annotated, np.nan_to_num(distance), 0).sum(axis=1)

    counted = people.annotated.any(axis=1)
    nearer = apart(predictions.joints) <= apart(np.roll(predictions.joints, len(people) // 2, axis=0))
    if counted.sum() >= ENOUGH_ROWS and nearer[counted].mean() < IN_ORDER:
        raise PoseError(
            f"matched {way}, only {nearer[counted].mean():.0%} of the predictions are nearer to the person of their "
            "row than those of another row are; put them in the annotations' order, or give person_ids in an .npz"
        )
