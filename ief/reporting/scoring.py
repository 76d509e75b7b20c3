"""Scoring poses of people: arrays and files of predictions, a run's metrics.json, tables on the terminal.

A pose in 3D has x, y in pixels and z relative to the root. It is scored in 2D by its x and y, and in mm once it is
taken back to camera coordinates with the person's camera and the ground truth's root depth, of which the paper says
nothing (`mpii_tools.people.Depth.to_camera`). Scoring arrays needs no torch: `ief evaluate` does without.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from checkpoints import PoseError, log, write_text
from evaluation import MEASURES, PCKH, AngleLimits, Bootstrap, GroundTruth, Measure, OksScores, Scores, oks_scores
from evaluation.metrics import Json, correct_joints, difference_to_json, joint_errors, score_means, scores_to_json
from evaluation.metrics.evaluate import person_errors as measure_errors
from evaluation.metrics.ground_truth import has_size, nan_mean
from evaluation.metrics.oks import fill_areas
from evaluation.report.tables import format_scores
from mpii_tools.annotations.reading import Reading
from mpii_tools.people import People
from mpii_tools.prepared.read import PreparedSplit
from mpii_tools.results.matching import align, name_images
from mpii_tools.results.predictions import (
    Predictions,
    person_scores,
    predicted_joints,
    read_predictions,
    save_predictions,
    with_camera,
)

if TYPE_CHECKING:
    import torch

EASY = 60  # percent of a measure that tells little
KEY = "3d"  # of the scores in 3D in the trees of metrics.json
ScoresByDimension = dict[int, Scores]  # 2: in image pixels; 3: in mm, where that is known


def ground_truth(
    people: People, *poses: np.ndarray, metric: str | None = None, others: People | None = None, oks: bool = False
) -> GroundTruth:
    """What evaluation counts of annotated people in 2D: image pixels, without derived joints, in the people's skeleton.

    Args:
        poses: (N, K, D) to be scored; joints that one of them has for nobody do not count.
        metric: a name of `evaluation.metrics.conventions`; None takes that of `choose_measure`.
        others: further annotated people of the images.
        oks: whether kinds of error are by OKS, of people's areas, else of those by the box.
    """
    counted = people.annotated
    for pose in poses:
        counted = counted & predicted_joints(pose[..., :2])
    measure = MEASURES[metric] if metric else choose_measure(people)
    more = {"image": people.images, "visible": people.visible}
    more["others"] = ground_truth(others, *poses, metric=measure.key, oks=oks) if others else None
    more["area"] = fill_areas(people.area, people.scale) if oks else None
    return GroundTruth(people.joints, people.head_size, people.scale, counted, people.skeleton, measure, **more)


def choose_measure(people: People) -> Measure:
    """PCKh where somebody's head size is known (or nobody's anything), else PCK by torso, else by box."""
    sizes = {name: ground_truth(people, metric=name).size for name in MEASURES}
    return next((MEASURES[name] for name, size in sizes.items() if has_size(size).any()), PCKH)


def view_poses(
    people: People, dimensions: int, *poses: np.ndarray, limits: AngleLimits | None = None, **options: Any
) -> tuple[GroundTruth, list[np.ndarray]] | None:
    """Ground truth and poses as evaluation takes them: in image pixels; in 3D in mm, of people whose depth is known.

    Args:
        people: N people.
        poses: (N, K, D) each.
        limits: in 3D, of joint angles. options: in 2D, see `ground_truth`.

    Returns:
        In 3D None if a pose has no depth, or nobody a camera, a root's depth and a joint.
    """
    if dimensions == 2:
        return ground_truth(people, *poses, **options), [pose[..., :2] for pose in poses]
    if (depth := people.depth) is None or any(pose.shape[-1] != 3 for pose in poses):
        return None
    gt = people.camera_joints
    counted = people.annotated & np.isfinite(gt).all(axis=-1)
    for pose in poses:
        counted = counted & predicted_joints(pose)
    if not (rows := depth.placed & counted.any(axis=1)).any():
        return None
    if rows.all():
        rows = slice(None)  # no copies of half a million poses
    named = {name: getattr(depth, name)[rows] for name in ("subject", "action", "sequence")}
    options = {name: values for name, values in named.items() if (values != "").any()} | {
        "skeleton": people.skeleton,
        "angle_limits": limits,
        "protocol": depth.common_protocol(rows),
    }
    gt = GroundTruth(gt[rows], annotated=counted[rows], **options)
    return gt, [depth.to_camera(pose)[rows] for pose in poses]


def score_poses(
    joints: np.ndarray,
    people: People,
    convention: str = "official",
    intervals: bool = False,
    minus: np.ndarray | None = None,
    **options: Any,
) -> ScoresByDimension:
    """Every metric of poses (N, K, D), x and y in image pixels, z in mm; derived joints do not count.

    Args:
        minus: (N, K, D) other poses of the same people, whose scores are subtracted; the intervals are paired.
        options: see `view_poses`.
    """
    poses = [joints] if minus is None else [joints, minus]
    bootstrap = Bootstrap() if intervals or len(poses) > 1 else None

    def score(dimensions: int) -> Scores | None:  # one view at a time: half a million poses take half a gigabyte
        view = view_poses(people, dimensions, *poses, **options)
        if view is None:
            return None
        return score_means(view[0], view[1][:1], view[1][1:], convention=convention, bootstrap=bootstrap)

    return {dimensions: scores for dimensions in (2, 3) if (scores := score(dimensions)) is not None}


def score_oks(
    joints: np.ndarray, people: People, scores: np.ndarray | None, box_scores: np.ndarray | None,
    images: list[str] | None = None, **options: Any,
) -> OksScores:  # fmt: skip
    """COCO's AP of poses (P, K, D), ranked by the scores of joints (P, K) and boxes (P,) as `person_scores` does.

    Args:
        images: P names, of poses that are not one for each of the people in their order.
        options: further ones of `oks_scores`.
    """
    gt, ranks = ground_truth(people, joints), person_scores(scores, box_scores, len(joints))
    return oks_scores(joints[..., :2], gt, people.images.tolist(), people.area, ranks, images, **options)


def score_coco(read: Predictions, aligned: Predictions | None, reading: Reading, intervals: object) -> OksScores:
    """COCO's AP of a file's poses in all images, where these are known; else of `aligned`, one for each person.

    Args:
        aligned: None for a detector's poses, of any number.
        intervals: confidence intervals over images, unless it is empty.
    """
    people, ids = reading.people, reading.image_ids
    images = name_images(read, people, ids) if ids or aligned is None else None
    poses = aligned if images is None else read
    options = {"all_images": list(ids), "exempt": reading.exempt, "bootstrap": Bootstrap() if intervals else None}
    return score_oks(poses.joints, people, poses.scores, poses.box_scores, images, **options)


def to_tree(scores: ScoresByDimension, differences: bool = False) -> Json:
    """Scores as metrics.json has them: those in 2D, and under "3d" those in 3D."""
    to_json = difference_to_json if differences else scores_to_json
    return {**to_json(scores[2]), **({KEY: to_json(scores[3])} if 3 in scores else {})}


def person_errors(joints: np.ndarray, people: People, dimensions: int = 2) -> np.ndarray:
    """(N,) mean joint error of each person, NaN where it is not known: in head sizes (or `choose_measure`'s).

    Args:
        dimensions: 2, or 3 for Joint Error in mm.
    """
    if dimensions == 2:
        return measure_errors(joints[..., :2], ground_truth(people, joints))
    return nan_mean(root_errors(joints, people), axis=1)


def root_errors(joints: np.ndarray, people: People) -> np.ndarray:
    """(N, K) distances in mm once the roots coincide, of Joint Error; NaN where it is not known."""
    gt = np.where(people.annotated[..., None], people.camera_joints, np.nan)
    return joint_errors(people.depth.to_camera(joints), gt, people.skeleton.root)


def name_stages(poses: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """The poses of a cascade, (T + 1, N, K, D), as `mean_pose`, `stage0`, `stage1`, ..."""
    return {f"stage{index}" if index >= 0 else "mean_pose": pose for index, pose in enumerate(poses, start=-1)}


def score_run(run: Path, data: PreparedSplit, device: "torch.device") -> dict[str, ScoresByDimension]:
    """Predict a split with every stage of a run, write predictions and metrics.json, return the scores by stage.

    Writes to the run's folder `predictions-SPLIT.npz` (the last stage), `predictions-SPLIT-NAME.npz` for the previous
    ones, and where joints have scores, also what those mean (`ief.inference.score_map`).
    """
    from ief.inference.predictor import PosePredictor
    from ief.inference.score_map import ScoreMap
    from ief.model.run_folder import load_cascade

    poses, scores, _ = PosePredictor.of(load_cascade(run).to(device)).predict_split(data)
    save_poses(run, data, poses, scores)
    gt = ground_truth(data.people, poses[-1])
    if score_map := ScoreMap.fit(scores, correct_joints(poses[-1][..., :2], gt), gt.measure.title):
        score_map.save(run)
    results = {name: score_poses(pose, data.people, intervals=True) for name, pose in name_stages(poses).items()}
    write_text(run / "metrics.json", json.dumps({name: to_tree(scored) for name, scored in results.items()}, indent=1))
    return results


def save_poses(run: Path, data: PreparedSplit, poses: np.ndarray, scores: np.ndarray) -> Path:
    """Write (T + 1, N, K, D) poses, x and y in image pixels, one file per stage; returns the last stage's file.

    An exported model gives its last poses alone, of a stage whose number is not known (-1).

    Args:
        scores: (N, K) of the last stage's joints in 0..1; NaN where there is none.
    """
    people = data.people
    for stage, (name, pose) in enumerate(name_stages(poses).items(), start=-1):
        final = stage == len(poses) - 2
        path = run / f"predictions-{data.split}{'' if final else f'-{name}'}.npz"
        known = scores if final and np.isfinite(scores).any() else None
        predictions = Predictions(pose, people.person_ids, people.joint_names, stage, known, people.crop_center)
        save_predictions(path, with_camera(predictions, people))
    return path


def load_predictions(run: Path, people: People) -> dict[str, Predictions]:
    """Stage -> predictions of the people, in their order, from the run's predictions-valid*.npz.

    Raises:
        PoseError: a corrupt file, or predictions of other people.
    """
    by_stage = {}
    for path in run.glob("predictions-valid*.npz"):
        predictions = read_predictions(path)
        try:
            by_stage[predictions.stage] = align(predictions, people)
        except PoseError as error:
            raise PoseError(f"{path}: {error}") from error
    return {"mean_pose" if stage < 0 else f"stage{stage}": by_stage[stage] for stage in sorted(by_stage)}


def log_tables(results: Mapping[str, ScoresByDimension], signed: bool = False, whole: bool = True) -> None:
    """What `format_scores` makes of stages or of sets of predictions by name."""
    for dimensions in (2, 3):
        if shown := {name: scores[dimensions] for name, scores in results.items() if dimensions in scores}:
            log.info(format_scores(shown, signed, whole))
    base = results["mean_pose"][2].mean_pckh.value if "mean_pose" in results and not signed else None
    if base is not None and base > EASY:
        log.info(f"the mean pose alone gets {base:.0f} % of this measure: only what is above it was learned")
