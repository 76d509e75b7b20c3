"""Scores as JSON has them, and back: the one place that knows the keys of `metrics.json` and `ief evaluate --json`.

With confidence intervals a block of values holds an "interval", which repeats its keys with [low, high] as values. A
value is null if nothing was counted.
"""

import math
from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np

from evaluation.metrics.bootstrap import LEVEL, Bootstrap, Estimate
from evaluation.metrics.conventions import MEASURES, PCKH
from evaluation.metrics.scores import METRICS, Metric, Score, Scores

Json = dict[str, Any]
GROUPS_3D = ("action_mean", "per_action", "per_subject", "per_kind")


def scores_to_json(scores: Scores) -> Json:
    """In 2D {"convention", "persons", "persons_without_head_size", "persons_without_scale",
    "pckh": {"0.5": {"per_joint": {joint: %}, "groups": {"Head": %, ..., "Mean": %}, "upper_body": %}, ...},
    "kinds": {"jitter": {"per_joint": {joint: %}, "groups": {"Mean": %, ...}, "parts": {"small": %, ...}}, ...},
    "pckh_auc": %, "pckh_curve": {"0.00": %, "0.01": %, ..., "0.50": %},
    "joint_error": {"image_px", "crop_px", "per_joint": {joint: {"image_px", "crop_px"}}},
    "bone_error": {"image_px", "crop_px", "per_bone": {child joint: {"image_px", "crop_px"}}},
    "counts": {"pckh": {"mean", "per_joint"}, "joint_error": {"joints", "per_joint"},
    "bone_error": {"bones", "per_bone"}}}.

    PCK in another measure has "metric", its key, "pck" for "pckh" everywhere, and "persons_without_torso" or
    "persons_without_box". Kinds of error by OKS have "kinds_by": "oks" beside them.

    In 3D {"persons", "sequences", "persons_without_root", "persons_unaligned", metric: S, ...,
    "protocol" if it is known, "counts": {metric: {"per_joint" or "per_bone": {name: people}}}}
    with S = {"mm", "per_joint": {joint: mm}, "action_mean", "per_action": {action: mm}, "per_subject": {subject: mm},
    "per_kind": {kind: mm}}. A bone has "per_bone", keyed by its child joint; Illegal Angle has "percent" for "mm", and
    is left out if it was not measured.

    With confidence intervals each threshold of "pckh", each metric and the whole hold an "interval"; the whole's has
    "level", "resamples" and "seed", in 3D "over" what is drawn.
    """
    flat, bootstrap, counts = scores.measure is not None, scores.bootstrap, {}
    drawn = {"level": LEVEL, **asdict(bootstrap), **({} if flat else {"over": "sequences"})} if bootstrap else {}
    tree: Json = {"convention": scores.convention} if flat else {}
    tree |= {"metric": scores.measure.key} if flat and scores.measure != PCKH else {}
    tree |= {"persons": scores.people} | ({} if flat else {"sequences": scores.sequences})
    tree |= {f"persons_{why}": people for why, people in scores.left_out.items()}
    if flat:
        block, curve = scores.measure.block, scores[f"{scores.measure.block}_curve"]
        shares = {
            name: to_block({"per_joint": score.per_part, **score.groups}, drawn)
            for name, score in scores.metrics.items()
            if "groups" in score.groups
        }
        tree[block] = {name.partition("@")[2]: share for name, share in shares.items() if "@" in name}
        score = next(iter(scores.thresholds.values()))
        means = {f"{threshold:.2f}": mean for threshold, mean in curve.groups["curve"].items()}
        whole = {f"{block}_auc": curve.overall, f"{block}_curve": means}
        tree |= to_block(whole, intervals=False)
        drawn |= _bounds(whole) if drawn else {}
        counts[block] = {"mean": score.count, "per_joint": score.counts}
        kinds = {name.removeprefix("kind_"): share for name, share in shares.items() if "@" not in name}
        tree |= {"kinds": kinds} if kinds else {}
        tree |= {"kinds_by": "oks"} if scores.by_oks else {}
    metrics = _metrics(scores.metrics, flat)
    for name in dict.fromkeys(metric.block for metric in metrics):
        units = [metric for metric in metrics if metric.block == name]
        first, key = scores[name], units[0].part_key
        overall = {metric.unit: scores[metric.name].overall for metric in units}
        each = {metric.unit: scores[metric.name].per_part for metric in units}
        parts = {part: {unit: each[unit][part] for unit in each} for part in first.per_part} if flat else first.per_part
        tree[name] = to_block({**overall, key: parts, **first.groups}, drawn)
        counts[name] = ({f"{key.removeprefix('per_')}s": first.count} if flat else {}) | {key: first.counts}
    tree |= {"interval": drawn} if drawn else {}
    tree |= {"protocol": scores.protocol} if scores.protocol else {}
    return {**tree, "counts": counts}


def difference_to_json(scores: Scores) -> Json:
    """What `compare` found, in the form of `scores_to_json`, without the counts and the protocol."""
    tree = scores_to_json(scores)
    return {key: tree[key] for key in tree if key not in ("counts", "protocol") and not key.startswith("persons_")}


def scores_from_json(tree: Json) -> Scores:
    """The scores that `scores_to_json` made a tree of.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: a tree that it did not make.
    """
    drawn, counts, flat = tree.get("interval"), tree["counts"], "convention" in tree
    metrics: dict[str, Score] = {}
    facts: Json = {}
    if flat:
        measure = MEASURES[tree.get("metric", PCKH.key)]
        block = measure.block
        blocks = {f"{block}@{threshold}": values for threshold, values in tree[block].items()}
        blocks |= {f"kind_{kind}": values for kind, values in tree.get("kinds", {}).items()}
        for name, values in blocks.items():
            groups = read_block(values)
            mean, parts = groups["groups"]["Mean"], groups.pop("per_joint")
            counted = counts[block]["per_joint"], int(counts[block]["mean"])
            metrics[name] = Score(mean, parts, *counted, groups)
        area, curve = (read_block(tree[name], drawn and drawn[name]) for name in (f"{block}_auc", f"{block}_curve"))
        curve = {float(threshold): mean for threshold, mean in curve.items()}
        metrics[f"{block}_curve"] = Score(area, {}, groups={"curve": curve})
        facts = {"convention": tree["convention"], "measure": measure, "by_oks": "kinds_by" in tree}
    for metric in _metrics(tree, flat):
        values = read_block(tree[metric.block])
        parts = {name: each[metric.unit] if flat else each for name, each in values[metric.part_key].items()}
        groups = {} if flat else {key: values.get(key, {}) for key in GROUPS_3D}
        counted = counts[metric.block][metric.part_key]
        metrics[metric.name] = Score(values[metric.unit], parts, counted, sum(counted.values()), groups)
    people = int(tree["persons"])
    return Scores(
        people=people,
        metrics=metrics,
        left_out={key.removeprefix("persons_"): int(tree[key]) for key in tree if key.startswith("persons_")},
        sequences=int(tree.get("sequences", people)),
        protocol=str(tree.get("protocol", "")),
        bootstrap=Bootstrap(drawn["resamples"], drawn["seed"]) if drawn else None,
        **facts,
    )


def _metrics(present: Json, flat: bool) -> list[Metric]:
    """Those whose block is among the keys; an error if a tree lacks one that is always there."""
    optional = ("illegal_angle", "gt_illegal_angle", "gt_bone_std")
    return [metric for metric in METRICS[2 if flat else 3] if metric.block in present or metric.block not in optional]


def to_json(node: Any) -> Any:
    """Dataclasses of estimates, numbers and words as dicts, each with the "interval" of its own estimates beside them.

    A number that is not finite is null.
    """
    if isinstance(node, Estimate):
        return node.value
    if isinstance(node, dict):
        return {key: to_json(child) for key, child in node.items()}
    if isinstance(node, (list, tuple, np.ndarray)):
        return [to_json(child) for child in (node.tolist() if isinstance(node, np.ndarray) else node)]
    if isinstance(node, float):
        return node if math.isfinite(node) else None
    if not is_dataclass(node):
        return node
    estimates = {key: child for key, child in vars(node).items() if isinstance(child, Estimate)}
    return {**to_json(vars(node)), **({"interval": _bounds(estimates)} if estimates else {})}


def to_block(estimates: object, intervals: object = True) -> Json:
    """A tree of estimates as their values, with an "interval" of the same keys unless `intervals` is false."""
    return to_json(estimates) | ({"interval": _bounds(estimates)} if intervals else {})


def _bounds(node: Any) -> Any:
    if isinstance(node, Estimate):
        return [node.low, node.high]
    return {key: _bounds(child) for key, child in node.items()}


def read_block(values: Any, bounds: Any = None) -> Any:
    """The inverse of `to_block`: values, with their "interval" if there is one, as the same tree of estimates."""
    if isinstance(values, dict):
        bounds = values.get("interval", bounds)
        return {key: read_block(values[key], bounds and bounds[key]) for key in values if key != "interval"}
    return Estimate(*(number if number is None else float(number) for number in (values, *(bounds or ()))))
