"""Is this the same training? One fingerprint in every stage's file and checkpoint; nothing is ever mixed."""

import math
from dataclasses import asdict
from functools import cache
from pathlib import Path

import torch

from checkpoints import PoseError, checksum, is_main_rank, log
from heads.skeleton import MPII
from ief.model.cascade import Cascade
from ief.model.run_folder import METRICS, check_follows, check_same, stage_file
from ief.training.options import OF_PREPARE
from ief.training.stage_config import StageConfig

# Options that older fingerprints lack, as they were then.
YOUNGER = {
    "preset.keep": "last",
    "preset.origin_share": 0.0,
    "preset.pose_indexed": False,
    "preset.half_body": 0.0,
    "preset.origin": "corner",
    "preset.patience": 0,
    "preset.start_errors": 0.0,
    "dimensions": 2,
    "also": None,
    "also_people": 0,
}
FINGERPRINTS = ("data_fingerprint", "also_fingerprint")  # older data and fingerprints have none
OF_DATA = {f"preset.{name}" for name in OF_PREPARE}  # older fingerprints have the preset's; `size` is compared
CHECKPOINT = {"training", "follows", "mean_pose", "step", "curve", "stage", "optimizer", "ema"}


def fingerprint(config: StageConfig, validate_every: float) -> dict:
    """What a stage's training is, as JSON values: equal fingerprints give equal weights on one machine.

    Args:
        validate_every: epochs between two validations, which decide on the weights if the best are kept.
    """
    run, data, start = config.run, config.data, config.data.start(config.index)
    joints = {} if data.skeleton.names == MPII.names else {"joints": list(data.skeleton.names)}
    return {
        "stage": config.index,
        "method": run.method,
        "seed": run.seed,
        "pretrained": start.source if start else None,
        "data": data.train.name,
        "people": len(data.train),
        "data_fingerprint": data.train.fingerprint,
        "also": data.also.name if data.also else None,
        "also_fingerprint": data.also.fingerprint if data.also else None,
        "also_people": len(data.also) if data.also else 0,
        "dimensions": data.dimensions,
        "size": config.options.size,
        "deterministic": run.deterministic,
        **joints,
        "preset": {**asdict(config.options), "milestones": list(config.options.milestones)},
        **({"validate_every": validate_every} if config.options.keep == "best" or config.options.patience else {}),
    }


def check_same_training(path: Path, description: dict, config: StageConfig, validate_every: float) -> None:
    """Raises PoseError when a finished stage or a checkpoint is another training's, or follows another stage.

    Args:
        path: of the file. description: what it says of its training.
    """
    there = {**YOUNGER, **flatten(description.get("training", {}))}
    wanted = flatten(fingerprint(config, validate_every))
    wanted = {name: value for name, value in wanted.items() if name not in OF_DATA.union(FINGERPRINTS)}
    check_same(path, "belongs to another training", there, wanted, "choose another --run")
    check_same_data(path, description, config)
    check_follows(path, description.get("follows"), config.run_folder, config.index)


def find_restarts(path: Path, description: dict, config: StageConfig, validate_every: float) -> tuple[float, ...]:
    """The restarts of a finished stage that is to be trained longer: `StageConfig.restarts`; () if it is as long.

    Raises:
        PoseError: as `check_same_training`, but for the previous stage, which was lengthened before this one.
    """
    training = description.get("training", {})
    trained, wanted = training.get("preset", {}).get("epochs", math.inf), config.options.epochs
    if not trained < wanted:
        check_same_training(path, description, config, validate_every)
        return ()
    as_long = {**training, "preset": {**training["preset"], "epochs": wanted}, "validate_every": validate_every}
    follows = checksum(stage_file(config.run_folder, config.index - 1)) if config.index else None
    check_same_training(path, {"training": as_long, "follows": follows}, config, validate_every)
    return (*description.get("restarts", ()), description.get("stopped_after", trained))


def check_same_data(path: Path, description: dict, config: StageConfig) -> None:
    """Raises PoseError when a file's training was on other people or crops than this one; a line if it does not say."""
    there, ours = description.get("training", {}), fingerprint(config, 0)
    wanted = {name: ours[name] for name in FINGERPRINTS if ours[name] and there.get(name)}
    if len(wanted) < sum(bool(ours[name]) for name in FINGERPRINTS):
        tell_once(f"{path}: does not say on which data it was trained, but for their name and count")
    check_same(path, "was trained on other data", there, wanted, "prepare them as before, or choose another --run")


def check_previous_data(path: Path, description: dict, config: StageConfig) -> None:
    """`check_same_data` where the previous stage's were of the same name; a line where this stage goes on with others.

    Raises:
        PoseError: as `check_same_data`.
    """
    name = description.get("training", {}).get("data")
    if name in (None, config.data.train.name):
        check_same_data(path, description, config)
    else:
        tell_once(f"{path}: was trained on {name}, this stage is on {config.data.train.name}")


@cache
def tell_once(line: str) -> None:
    """Print a line on stderr, once, on the main rank."""
    if is_main_rank():
        log.warning(line)


def check_checkpoint(path: Path, checkpoint: object) -> None:
    """Raises PoseError when what a checkpoint's file holds lacks a part of one."""
    if missing := CHECKPOINT - checkpoint.keys() if isinstance(checkpoint, dict) else CHECKPOINT:
        raise PoseError(f"{path}: holds no '{min(missing)}', so it is not a checkpoint of a training; remove it")


def check_previous(previous: Cascade, config: StageConfig) -> None:
    """Raises PoseError when the trained stages are of another method, input, skeleton, or network to continue."""
    run, trained, options = config.run_folder, previous.stages[-1].design, config.options
    if options.continue_head and len(previous.stages) > 1 and not trained.absolute:
        raise PoseError(f"{run}: its last stage corrects poses, its head cannot be kept; choose another --run")
    names = ["method", "size", "joints", "dimensions"]
    # A stage without a likelihood may be followed by one with it, whose sigma then starts new.
    names += ["backbone"] * options.continue_backbone + ["likelihood"] * (options.continue_head and trained.likelihood)
    there, wanted = (
        {**vars(design), "joints": design.skeleton.names, "dimensions": dimensions}
        for design, dimensions in ((trained, previous.mean_pose.shape[-1]), (config.design, config.data.dimensions))
    )
    wanted = {name: wanted[name] for name in names}
    check_same(run, "its trained stage is another", there, wanted, "choose another --run")


def describe_stage(
    config: StageConfig, validate_every: float, follows: str | None, best: dict | None, step: int
) -> dict:
    """What a finished stage's file says of its training, as JSON values.

    `restarts` are the epochs after which it was lengthened, `stopped_after` those after which --patience ended it.

    Args:
        validate_every: see `fingerprint`.
        follows: checksum of the previous stage's file.
        best: the best validation, as `Validator` remembers it, if its weights are kept.
        step: the last one.
    """
    kept = {"weights": config.options.keep, "epoch": config.epoch(best["step"] if best else step)}
    names = ("pckh", "joint_error_mm") if config.data.dimensions == 3 else ("pckh",)
    validated = dict(zip(METRICS, best["metrics"], strict=False)) if best else {}
    return {
        "stage": config.index,
        "follows": follows,
        "training": fingerprint(config, validate_every),
        "kept": {**kept, **{name: validated[name] for name in names if name in validated}},
        "torch": str(torch.__version__),
        **({"restarts": list(config.restarts)} if config.restarts else {}),
        **({"stopped_after": config.epoch(step)} if step < config.steps else {}),
    }


def flatten(fields: dict, prefix: str = "") -> dict[str, object]:
    """Nested fields by dotted names."""
    flat = {}
    for name, value in fields.items():
        flat |= flatten(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat
