"""3D scores as JSON has them, and back: the one place that knows their keys.

As in `json_format`, with confidence intervals a block of values holds an "interval" of the same keys with [low, high].
"""

from __future__ import annotations

from dataclasses import asdict

from evaluation.metrics.bootstrap import LEVEL, Bootstrap
from evaluation.metrics.evaluate_3d import Score3D, Scores3D
from evaluation.metrics.json_format import Json, from_block, to_block

# Metric -> the keys of its unit and of its parts.
KEYS = {
    "joint_error": ("mm", "per_joint"),
    "pa_joint_error": ("mm", "per_joint"),
    "pa_joint_error_scaled": ("mm", "per_joint"),
    "bone_error": ("mm", "per_bone"),
    "bone_std": ("mm", "per_bone"),
    "gt_bone_std": ("mm", "per_bone"),
    "illegal_angle": ("percent", "per_joint"),
    "gt_illegal_angle": ("percent", "per_joint"),
}
GROUPS = ("per_action", "per_subject", "per_kind")
PEOPLE = {"people": "persons", "sequences": "sequences", "without_root": "persons_without_root",
          "unaligned": "persons_unaligned"}  # fmt: skip


def scores_3d_to_json(scores: Scores3D) -> Json:
    """{"persons", "sequences", "persons_without_root", "persons_unaligned", "joint_error": S, "pa_joint_error": S,
    "pa_joint_error_scaled": S, "bone_error": S, "bone_std": S, "gt_bone_std": S, "illegal_angle": S,
    "gt_illegal_angle": S, "counts": {metric: {"per_joint" or "per_bone": {name: people}}}}

    with S = {"mm", "per_joint": {joint: mm}, "action_mean", "per_action": {action: mm}, "per_subject": {subject: mm},
    "per_kind": {kind: mm}}. A bone has "per_bone", keyed by its child joint; Illegal Angle has "percent" for "mm", and
    is left out if it was not measured. With confidence intervals the whole holds "interval": {"level", "resamples",
    "seed", "over"}. "protocol" is there if it is known.
    """
    found = {name: score for name in KEYS if (score := getattr(scores, name)) is not None}
    drawn = {"level": LEVEL, **asdict(scores.bootstrap), "over": "sequences"} if scores.bootstrap else None
    return {
        **{key: getattr(scores, name) for name, key in PEOPLE.items()},
        **{name: to_block(_tree(score, *KEYS[name]), drawn) for name, score in found.items()},
        **({"interval": drawn} if drawn else {}),
        **({"protocol": scores.protocol} if scores.protocol else {}),
        "counts": {name: {KEYS[name][1]: score.counts} for name, score in found.items()},
    }


def difference_3d_to_json(scores: Scores3D) -> Json:
    """What `compare_3d` found: as `scores_3d_to_json`, without the counts and the protocol."""
    left_out = ("persons_without_root", "persons_unaligned", "counts", "protocol")
    return {key: value for key, value in scores_3d_to_json(scores).items() if key not in left_out}


def scores_3d_from_json(tree: Json) -> Scores3D:
    """The scores that `scores_3d_to_json` made a tree of.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: a tree that it did not make.
    """
    drawn = tree.get("interval")
    return Scores3D(
        **{name: int(tree[key]) for name, key in PEOPLE.items()},
        **{name: _score(tree[name], tree["counts"][name], *keys) for name, keys in KEYS.items() if name in tree},
        bootstrap=Bootstrap(drawn["resamples"], drawn["seed"]) if drawn else None,
        protocol=str(tree.get("protocol", "")),
    )


def _tree(score: Score3D, unit: str, part: str) -> Json:
    names = ("action_mean", *GROUPS)
    return {unit: score.overall, part: score.per_part, **{name: getattr(score, name) for name in names}}


def _score(block: Json, counts: Json, unit: str, part: str) -> Score3D:
    found = from_block(block)
    groups = {name: found.get(name, {}) for name in GROUPS}  # older files lack the kinds
    return Score3D(found[unit], found[part], counts[part], found["action_mean"], **groups)
