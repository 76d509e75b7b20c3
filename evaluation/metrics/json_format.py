"""Scores as JSON has them, and back: the one place that knows the keys of `metrics.json` and `ief evaluate --json`.

With confidence intervals a block of values holds an "interval", which repeats its keys with [low, high] as values. A
value is null if nothing was counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any

from evaluation.metrics.bootstrap import LEVEL, Bootstrap, Estimate
from evaluation.metrics.breakdown import PartScores
from evaluation.metrics.calibration import Calibration
from evaluation.metrics.distances import MeanError, PixelError
from evaluation.metrics.evaluate import Scores
from evaluation.metrics.measures import MEASURES, PCKH, Measure
from evaluation.metrics.movement import JointMovement, Movement
from evaluation.metrics.pckh import PCKh

Json = dict[str, Any]


def scores_to_json(scores: Scores) -> Json:
    """{"convention", "persons", "persons_without_head_size", "persons_without_scale",
    "pckh": {"0.5": {"per_joint": {joint: %}, "groups": {"Head": %, ..., "Mean": %}, "upper_body": %}, ...},
    "pckh_auc": %, "pckh_curve": {"0.00": %, "0.01": %, ..., "0.50": %},
    "joint_error": {"image_px", "crop_px", "per_joint": {joint: {"image_px", "crop_px"}}},
    "bone_error": {"image_px", "crop_px", "per_bone": {child joint: {"image_px", "crop_px"}}},
    "counts": {"pckh": {"mean", "per_joint"}, "joint_error": {"joints", "per_joint"},
    "bone_error": {"bones", "per_bone"}}}.

    PCK in another measure has "metric", its key, "pck" for "pckh" everywhere, and "persons_without_torso" or
    "persons_without_box".

    With confidence intervals each threshold of "pckh", "joint_error", "bone_error" and the whole hold an "interval".
    """
    pckh, joints, bones = scores.pckh, scores.joint_error, scores.bone_error
    key, without = _keys(pckh.measure)
    curve = {f"{threshold:.2f}": mean for threshold, mean in pckh.curve.items()}
    whole = {f"{key}_auc": pckh.auc, f"{key}_curve": curve}
    drawn = {"level": LEVEL, **asdict(scores.bootstrap), **_bounds(whole)} if scores.bootstrap else None
    return {
        "convention": pckh.convention,
        **({} if pckh.measure == PCKH else {"metric": pckh.measure.key}),
        "persons": scores.people,
        without: pckh.unscored,
        "persons_without_scale": scores.without_scale,
        key: {
            f"{t:g}": to_block({name: getattr(pckh, name)[t] for name in ("per_joint", "groups", "upper_body")}, drawn)
            for t in pckh.groups
        },
        **_values(whole),
        "joint_error": to_block(_by_part(joints, "per_joint"), drawn),
        "bone_error": to_block(_by_part(bones, "per_bone"), drawn),
        **({"interval": drawn} if drawn else {}),
        "counts": {
            key: {"mean": pckh.in_mean, "per_joint": pckh.annotated},
            "joint_error": {"joints": joints.count, "per_joint": joints.counts},
            "bone_error": {"bones": bones.count, "per_bone": bones.counts},
        },
    }


def difference_to_json(scores: Scores) -> Json:
    """What `compare` found: as `scores_to_json`, without the counts."""
    counts = (_keys(scores.pckh.measure)[1], "persons_without_scale", "counts")
    return {key: value for key, value in scores_to_json(scores).items() if key not in counts}


def _keys(measure: Measure) -> tuple[str, str]:
    """The keys of PCK in a measure, and of the people without its unit."""
    return measure.name.lower(), f"persons_without_{'head_size' if measure == PCKH else measure.key}"


def parts_to_json(parts: dict[str, PartScores], measure: Measure = PCKH) -> Json:
    """label -> {"persons", "joints", "joint_error": {"image_px", "crop_px", "interval"},
    "pckh": {"0.5": {"groups": {"Mean"}, "interval"}}}.
    """
    return {
        label: {
            "persons": part.people,
            "joints": part.joints,
            "joint_error": to_block(part.joint_error),
            _keys(measure)[0]: {f"{measure.main:g}": to_block({"groups": {"Mean": part.mean_pckh}})},
        }
        for label, part in parts.items()
    }


def movement_to_json(movement: Movement) -> Json:
    """{"all": M, "per_joint": {joint: M}} with M = {"joints", "moved", "closer", "before", "after", "change",
    "interval"}.
    """

    def block(found: JointMovement) -> Json:
        return {"joints": found.joints, **to_block({f.name: getattr(found, f.name) for f in fields(found)[1:]})}

    return {
        "all": block(movement.all),
        "per_joint": {joint: block(found) for joint, found in movement.per_joint.items()},
    }


def calibration_to_json(found: Calibration) -> Json:
    """{"joints", "score", "correct", "correlation", "auc", "error", "interval",
    "bins": [{"joints", "score", "correct", "interval"}, ...]}.
    """
    values = {name: getattr(found, name) for name in ("score", "correct", "correlation", "auc", "error")}
    bins = [{"joints": one.joints, "score": one.score, **to_block({"correct": one.correct})} for one in found.bins]
    return {"joints": found.joints, **to_block(values), "bins": bins}


def scores_from_json(tree: Json) -> Scores:
    """The scores that `scores_to_json` made a tree of.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: a tree that it did not make.
    """
    drawn = tree.get("interval")
    measure = MEASURES[tree.get("metric", PCKH.key)]
    key, without = _keys(measure)
    auc, curve = (from_block(tree[name], drawn and drawn[name]) for name in (f"{key}_auc", f"{key}_curve"))
    pckh = {float(threshold): from_block(block) for threshold, block in tree[key].items()}
    people, unscored = int(tree["persons"]), int(tree[without])
    return Scores(
        people=people,
        without_scale=int(tree["persons_without_scale"]),
        pckh=PCKh(
            convention=tree["convention"],
            people=people - unscored,
            unscored=unscored,
            annotated=tree["counts"][key]["per_joint"],
            in_mean=int(tree["counts"][key]["mean"]),
            per_joint={threshold: block["per_joint"] for threshold, block in pckh.items()},
            groups={threshold: block["groups"] for threshold, block in pckh.items()},
            upper_body={threshold: block["upper_body"] for threshold, block in pckh.items()},
            curve={float(threshold): mean for threshold, mean in curve.items()},
            auc=auc,
            measure=measure,
        ),
        joint_error=_error(tree, "joint_error", "per_joint"),
        bone_error=_error(tree, "bone_error", "per_bone"),
        bootstrap=Bootstrap(drawn["resamples"], drawn["seed"]) if drawn else None,
    )


def _by_part(error: MeanError, key: str) -> Json:
    return {"image_px": error.image_px, "crop_px": error.crop_px, key: error.per_part}


def _error(tree: Json, key: str, part: str) -> MeanError:
    found = from_block(tree[key])
    each = {name: PixelError(**pair) for name, pair in found[part].items()}
    return MeanError(found["image_px"], found["crop_px"], each, tree["counts"][key][part])


def to_block(estimates: object, intervals: object = True) -> Json:
    """A tree of estimates as their values, with an "interval" of the same keys unless `intervals` is false."""
    return _values(estimates) | ({"interval": _bounds(estimates)} if intervals else {})


def _values(node: object) -> Any:
    return _tree(node, lambda estimate: estimate.value)


def _bounds(node: object) -> Any:
    return _tree(node, lambda estimate: [estimate.low, estimate.high])


def _tree(node: object, leaf: Callable[[Estimate], object]) -> Any:
    """Dicts, and pairs of errors, of estimates as dicts of what `leaf` makes of each."""
    if isinstance(node, Estimate):
        return leaf(node)
    items = {"image_px": node.image_px, "crop_px": node.crop_px} if isinstance(node, PixelError) else node
    return {key: _tree(child, leaf) for key, child in items.items()}


def from_block(values: Any, bounds: Any = None) -> Any:
    """The inverse of `to_block`: values, with their "interval" if there is one, as the same tree of estimates."""
    if isinstance(values, dict):
        bounds = values.get("interval", bounds)
        return {key: from_block(values[key], bounds and bounds[key]) for key in values if key != "interval"}
    return Estimate(*(number if number is None else float(number) for number in (values, *(bounds or ()))))
