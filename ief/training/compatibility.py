"""Is this the same training? What is found in a run folder against what was asked for; nothing is ever mixed."""

from __future__ import annotations

from pathlib import Path

import torch

from checkpoints.errors import PoseError
from checkpoints.files import checksum
from heads.skeleton import MPII
from ief.model.cascade import Cascade
from ief.model.run_folder import METRICS, check_follows, load_cascade, load_stage, stage_file
from ief.training.config import StageConfig
from ief.training.presets import OF_PREPARE

# Options that older records lack, as they were then.
YOUNGER = {"preset.keep": "last", "preset.origin_share": 0.0, "dimensions": 2, "also": None, "also_people": 0}
OF_DATA = {f"preset.{name}" for name in OF_PREPARE}  # older records have the preset's; `size` is compared
CHECKPOINT = {"training", "follows", "mean_pose", "step", "curve", "stage", "optimizer", "ema"}


def record(config: StageConfig) -> dict:
    """What a training is, as JSON values: equal records give equal weights on one machine."""
    joints = {} if config.skeleton.names == MPII.names else {"joints": list(config.skeleton.names)}
    return {
        "stage": config.index,
        "method": config.method,
        "seed": config.seed,
        "pretrained": config.start.source if config.start else None,
        "data": config.data.name,
        "people": len(config.data),
        "also": config.also.name if config.also else None,
        "also_people": len(config.also) if config.also else 0,
        "dimensions": config.dimensions,
        "size": config.data.size,
        "deterministic": config.deterministic,
        **joints,
        "preset": {**config.options, "milestones": list(config.preset.milestones)},
        **({"validate_every": config.validate_every} if config.preset.keep == "best" else {}),
    }


def previous_checksum(config: StageConfig) -> str | None:
    """Identity of the stage that this one follows, None for stage 0."""
    return checksum(stage_file(config.run, config.index - 1)) if config.index else None


def check_finished(config: StageConfig) -> None:
    """Raises PoseError when the run's finished stage is another training's, or follows another previous stage."""
    description = load_stage(config.file)[2]
    _check_record(config.file, description.get("training", {}), record(config))
    check_follows(config.file, description.get("follows"), config.run, config.index)


def check_checkpoint(path: Path, checkpoint: object, config: StageConfig) -> None:
    """Raises PoseError when a checkpoint lacks a part, is another training's, or follows another previous stage."""
    missing = CHECKPOINT - checkpoint.keys() if isinstance(checkpoint, dict) else CHECKPOINT
    if missing:
        raise PoseError(f"{path}: holds no '{min(missing)}', so it is not a checkpoint of a training; remove it")
    _check_record(path, checkpoint["training"], record(config))
    check_follows(path, checkpoint["follows"], config.run, config.index)


def describe(config: StageConfig, follows: str | None, best: dict | None) -> dict:
    """What a finished stage's file says of its training, as JSON values.

    Args:
        follows: checksum of the previous stage's file.
        best: the best validation, as `Validator` remembers it, if its weights are kept.
    """
    kept = {"weights": config.preset.keep, "epoch": config.epoch(best["step"] if best else config.steps)}
    names = ("pckh", "joint_error_mm") if config.dimensions == 3 else ("pckh",)
    validated = dict(zip(METRICS, best["metrics"], strict=False)) if best else {}
    return {
        "stage": config.index,
        "follows": follows,
        "training": record(config),
        "kept": {**kept, **{name: validated[name] for name in names if name in validated}},
        "torch": str(torch.__version__),
    }


def load_previous(config: StageConfig) -> Cascade:
    """The trained stages that this one follows. Raises PoseError when they are missing or `check_previous` does."""
    previous = load_cascade(config.run, stages=config.index)
    check_previous(previous, config)
    return previous


def check_previous(previous: Cascade, config: StageConfig) -> None:
    """Raises PoseError when the trained stages are of another method, input, skeleton, or network to continue."""
    design, preset, rle = previous.stages[-1].design, config.preset, config.preset.loss == "rle"
    if preset.continue_head and len(previous.stages) > 1 and not design.absolute:
        raise PoseError(f"{config.run}: its last stage corrects poses, its head cannot be kept; choose another --run")
    for name, found, wanted in (
        ("method", design.method, config.method),
        ("input size", design.size, config.data.size),
        ("joints", design.skeleton.names, config.skeleton.names),
        ("dimensions", previous.mean_pose.shape[-1], config.dimensions),
        ("backbone", design.backbone, preset.backbone if preset.continue_backbone else design.backbone),
        ("likelihood", design.likelihood, rle if preset.continue_head else design.likelihood),
    ):
        if found != wanted:
            raise PoseError(
                f"{config.run}: its trained stage has {name} {found}, this training {wanted}; choose another --run"
            )


def _check_record(path: Path, found: dict, wanted: dict) -> None:
    there = {**YOUNGER, **dict(_flatten(found))}
    compared = [(key, value) for key, value in _flatten(wanted) if key not in OF_DATA]
    differing = [f"{key} {there.get(key)}, now {value}" for key, value in compared if there.get(key) != value]
    if differing:
        raise PoseError(f"{path}: belongs to another training ({'; '.join(differing[:3])}); choose another --run")


def _flatten(fields: dict, prefix: str = "") -> list[tuple[str, object]]:
    """Nested fields as (dotted name, value) pairs."""
    pairs = []
    for key, value in fields.items():
        pairs += _flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, value)]
    return pairs
