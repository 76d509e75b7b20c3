"""The files of `ief submit`: MPII's .mat, 3D poses as people exchange them, and labels of YOLO-pose.

`pred_keypoints_mpii.mat`, which MPII's toolkit scores, is the test part of annolist, with a pose for every rect. 3D
poses are camera coordinates in mm, of MPII's 16 joints and Human3.6M's 17.
"""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from checkpoints import PoseError, write_text
from heads.skeleton import BOX_PER_SCALE, MPII
from mpii_tools.annotations.human36m.recording import HEAD, MPII_OF, NAMES, NECK, NOSE, PELVIS, SPINE, THORAX
from mpii_tools.annotations.mpii_mat import MALFORMED, image_names, points, read_rects, read_release
from mpii_tools.annotations.yolo import SPLITS, locate_labels
from mpii_tools.formats.arrays import save_arrays
from mpii_tools.formats.mat_file import EMPTY, load_mat, make_struct, number, records, save_mat
from mpii_tools.images.index import split_name
from mpii_tools.people import People, group_rows
from mpii_tools.results.matching import match, name_of
from mpii_tools.results.predictions import Predictions

ENDINGS = (".npz", ".json")
OF_PERSON = ("subject", "action", "sequence", "frame")


def write_submission(
    annotations: str | os.PathLike, predictions: Predictions, path: str | os.PathLike
) -> dict[str, int]:
    """Writes variable `pred`: one entry per test image, in annolist's order, for MPII's toolkit.

    An entry keeps its image name, and each of its rects keeps scale and objpos. A predicted rect has
    annopoints.point(1..16) with x, y in 1-based pixels and the 0-based id; the others have none.

    Args:
        annotations: MPII's .mat with `RELEASE`.
        predictions: (N, 16, 2) of test rects, matched as by `matching.match`; every scored rect must be among them.
        path: the .mat file to write.

    Returns:
        What it holds: `images`, all test images; `rects`, theirs; `predicted`, those with a pose; `scored`, those that
        MPII scores (single_person), all of which have one; `unplaced`, those without objpos or scale, which have none.

    Raises:
        PoseError: no RELEASE, predictions of other joints or with a NaN, a scored rect that is not predicted, or a
            prediction that belongs to no test rect.
    """
    if "RELEASE" not in (stored := load_mat(annotations := Path(annotations))):
        raise PoseError(f"{annotations}: no variable 'RELEASE'; give MPII's full mpii_human_pose_v1_u12_1.mat")
    release = read_release(annotations, stored)
    rects = release.rects
    test, placed = ~release.train[rects.entry], rects.placed
    scored = test & placed & rects.people.scored
    people = replace(rects.people, joints=np.full_like(rects.people.joints, np.nan), scored=scored)
    pose_of = _poses(predictions, people.select(test & placed), annotations)

    entries = [
        {"image": make_struct([{"name": image}], ["name"]), "annorect": _predicted_rects(annorect, image, pose_of)}
        for image, annorect, train in zip(release.images, release.annorects, release.train, strict=True)
        if not train
    ]
    save_mat(path, {"pred": make_struct(entries, ["image", "annorect"])})
    rects, left = int(test.sum()), int((test & ~placed).sum())
    return dict(images=len(entries), rects=rects, predicted=len(pose_of), scored=int(scored.sum()), unplaced=left)


def read_submission(path: str | os.PathLike) -> Predictions:
    """The predicted poses of a submission, in its order, with person_ids `image#rect` if it names its images.

    Without names the ids are `test1#1`, ... with the 1-based entry. Rects without annopoints are skipped.

    Raises:
        PoseError: no variable `pred` of MPII's nesting, or a predicted rect without all 16 points.
    """
    try:
        entries = records(load_mat(path := Path(path)).get("pred", EMPTY))
    except ValueError:
        entries = []
    if not entries:
        raise PoseError(f"{path}: no struct array 'pred'; give a submission to MPII, such as `ief submit` writes")
    if len(names := image_names(path, entries)) != len(entries):
        names = [f"test{index + 1}" for index in range(len(entries))]
    rects = read_rects(path, [entry.get("annorect", EMPTY) for entry in entries], names)
    if not rects.whole.all():
        raise PoseError(f"{path}: {rects.faults[MALFORMED][0]}; write the submission again")
    joints, ids, placed = rects.people.joints, rects.people.person_ids, rects.people.annotated
    predicted = placed.any(axis=1)
    if (partial := predicted & ~placed.all(axis=1)).any():
        first = f"{partial.sum():,} rects have some but not all 16 points, first {ids[partial][0]}"
        raise PoseError(f"{path}: {first}; a prediction must place every joint")
    return Predictions(joints[predicted], ids[predicted])


def _poses(predictions: Predictions, people: People, annotations: Path) -> dict[str, np.ndarray]:
    """person_id -> (16, 2) of the test people, checked to be of nobody else and of all who are scored."""
    if predictions.joint_names != MPII.names or predictions.joints.shape[2] != 2:
        raise PoseError("predictions for a submission need MPII's 16 joints in 2D; use those of `ief predict`")
    if not np.isfinite(predictions.joints).all():
        raise PoseError("a submission must place all 16 joints, one is NaN for everybody; train on people who have it")
    rows, _ = match(predictions, people, people.scored)
    has = rows >= 0
    if len(foreign := np.setdiff1d(np.arange(len(predictions)), rows[has])):
        count = f"{len(foreign):,} predictions, first {name_of(predictions, foreign[0])},"
        raise PoseError(f"{count} are not of {annotations}; predict its test split")
    if len(missing := people.person_ids[people.scored & ~has]):
        count = f"{len(missing):,} of {int(people.scored.sum()):,} scored test rects"
        raise PoseError(f"{count} have no prediction, first {missing[0]}; MPII scores them all, so predict all of them")
    return dict(zip(people.person_ids[has].tolist(), predictions.joints[rows[has]], strict=True))


def _predicted_rects(annorect: object, image: str, pose_of: dict[str, np.ndarray]) -> np.ndarray:
    """An image's rects with scale and objpos as they were, and the pose of those that have one."""
    rows = []
    for place, rect in enumerate(records(annorect), start=1):
        objpos = [{"x": number(center["x"]), "y": number(center["y"])} for center in records(rect.get("objpos", EMPTY))]
        rows.append({"scale": rect.get("scale", EMPTY), "objpos": make_struct(objpos, ["x", "y"]) if objpos else EMPTY})
        if (pose := pose_of.get(f"{image}#{place}")) is not None:
            rows[-1]["annopoints"] = make_struct([{"point": points(pose, np.arange(len(MPII)))}], ["point"])
    return make_struct(rows, ["annopoints", "scale", "objpos"]) if rows else EMPTY


def write_exchange(path: str | os.PathLike, people: People, joints: np.ndarray) -> Path:
    """Write the poses of N people to an .npz or a JSON file, as the ending says.

    The .npz holds `joints_16` and `joints_17` (N, K, 3), camera coordinates in mm, with `joint_names_16`,
    `joint_names_17`, `images`, `person_ids` and the columns `subject`, `action`, `sequence`, `frame`. The JSON is a
    list with an object per person as PoseNet and RLE write theirs: `image_id` (the image's name), `joint_cam`, the 17
    joints relative to the pelvis, and `root_cam`, the pelvis; and `joint_cam_16`. Spine and nose are made by rule
    (`from_mpii`).

    Args:
        people: N people with depth. The pelvis is put at the depth that it has there, the ground truth's.
        joints: (N, 16, 3) x, y in image pixels and z in mm relative to the pelvis, as predicted.

    Raises:
        PoseError: another ending, poses that are not (N, 16, 3), or somebody without a camera or the root's depth.
    """
    path, depth = Path(path), people.depth
    if path.suffix not in ENDINGS:
        raise PoseError(f"{path}: ends in {path.suffix or 'nothing'}; call it {' or '.join(ENDINGS)}")
    if joints.shape != (len(depth), len(MPII), 3):
        raise PoseError(f"{path}: poses of shape {joints.shape}, expected ({len(depth)}, {len(MPII)}, 3), with depth")
    if not depth.placed.all():
        bare = people.person_ids[~depth.placed]
        raise PoseError(f"{path}: {len(bare):,} people, first {bare[0]}, have no camera; give annotations with cameras")
    ours = depth.to_camera(joints)
    theirs = from_mpii(ours)
    of_person = {name: getattr(depth, name) for name in OF_PERSON}
    if path.suffix == ".npz":
        save_arrays(path, {
            "joints_16": ours, "joints_17": theirs, "joint_names_16": np.array(MPII.names),
            "joint_names_17": np.array(NAMES), "images": people.images, "person_ids": people.person_ids, **of_person,
        })  # fmt: skip
        return path
    root = theirs[:, [PELVIS]]
    columns = {"image_id": people.images, "person_id": people.person_ids, "joint_cam": theirs - root,
               "root_cam": root[:, 0], "joint_cam_16": ours - root, **of_person}  # fmt: skip
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return write_text(path, json.dumps([dict(zip(columns, row, strict=True)) for row in rows]))


def from_mpii(poses: np.ndarray) -> np.ndarray:
    """Human3.6M's 17 joints (N, 17, D) of MPII's 16 (N, 16, D).

    MPII has neither spine nor nose: the spine becomes the middle of pelvis and neck, the nose that of neck and head.
    """
    theirs = np.full((len(poses), THORAX + 1, poses.shape[2]), np.nan)  # with the thorax, which comes last
    theirs[:, MPII_OF] = poses
    theirs[:, SPINE] = (theirs[:, PELVIS] + theirs[:, NECK]) / 2
    theirs[:, NOSE] = (theirs[:, NECK] + theirs[:, HEAD]) / 2
    return theirs[:, :THORAX]


def write_yolo(folder: Path, people: People, joints: np.ndarray, flags: np.ndarray | float = 2) -> dict[str, int]:
    """Write `data.yaml`, a list of images for each split, and the labels of N people to a folder.

    An image `a/b.jpg` is to be put to `images/a/b.jpg` in that folder, its labels are in `labels/a/b.txt`. The box is
    the square that the person's scale gives, as far as it is in the image. A joint that nobody labeled because it is
    derived is left out; 0 0 0 is written for one that is missing or outside the image.

    Args:
        joints: (N, K, 2) image pixels, NaN if missing.
        flags: (N, K) COCO's: 0 missing, 1 hidden, 2 visible.

    Returns:
        the numbers of `people`, and of joints `outside` their image.

    Raises:
        PoseError: an image whose size the annotations do not say, or a file that cannot be written.
    """
    size, skeleton = people.image_size[:, None], people.skeleton
    if (bare := ~np.isfinite(people.image_size).all(axis=1) | ~(people.crop_side > 0)).any():
        raise PoseError(
            f"{folder}: nothing says the size of image '{people.images[bare][0]}' or of its person; give COCO's"
        )
    made = [name for name, _ in skeleton.derived if not people.annotated[:, skeleton.index(name)].any()]
    kept = [joint for joint, name in enumerate(skeleton.names) if name not in made or not people.annotated.any()]
    shares = joints[:, kept, :2] / size
    placed = np.isfinite(shares).all(axis=-1)
    inside = ((shares >= 0) & (shares <= 1)).all(axis=-1)
    marked = np.dstack([shares, np.broadcast_to(flags, joints.shape[:2])[:, kept]])
    marked = np.where((inside & (marked[..., 2] > 0))[..., None], marked, 0)
    half = BOX_PER_SCALE * people.scale[:, None, None] / 2 * [[-1], [1]]
    low, high = np.clip((people.crop_center[:, None] + 0.5 + half) / size, 0, 1).swapaxes(0, 1)
    rows = np.hstack([(low + high) / 2, high - low, marked.reshape(len(people), -1)]).tolist()
    lists: dict[str, list[str]] = {}
    for image, of in group_rows(people.images).items():
        place = Path("images", *split_name(image.removeprefix("images/")))
        lists.setdefault(people.split[of[0]].item(), []).append(f"./{place.as_posix()}\n")
        text = "".join(f"0 {' '.join(f'{value:.10g}' for value in rows[row])}\n" for row in of)
        write_text(folder / locate_labels(Path("/") / place).relative_to("/"), text)
    described: dict[str, object] = {}
    for key, split in SPLITS.items():
        if listed := lists.get(split, []) + lists.get("", []) * (key == "val"):
            described[key] = write_text(folder / f"{key}.txt", "".join(listed)).name
    number = {joint: place for place, joint in enumerate(kept)}
    flip = [number[skeleton.flip_permutation[joint]] for joint in kept]
    described |= {"kpt_shape": [len(kept), 3], "kpt_names": [[skeleton.names[joint] for joint in kept]]}
    described |= {"flip_idx": flip} if skeleton.can_mirror else {}
    described |= {"kpt_oks_sigmas": [skeleton.sigmas[joint] for joint in kept]} if skeleton.sigmas else {}
    described |= {"names": ["person"]}
    write_text(folder / "data.yaml", "".join(f"{key}: {json.dumps(value)}\n" for key, value in described.items()))
    return {"people": len(people), "outside": int((placed & ~inside).sum())}
