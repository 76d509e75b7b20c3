"""A run folder: what lies where, and the two stages' files in and out.

RUN/stage0/stage.safetensors    weights, statistics, mean pose; in its header a description of all the rest
RUN/stage0/training.pt          the state of an unfinished training, gone when the stage is done
RUN/stage0/log.csv              step, loss, learning rate
RUN/predictions-SPLIT.npz       the last stage's poses
RUN/metrics.json                mean pose, stage 0 and stage 1 on the validation split
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from checkpoints.errors import BadCheckpoint
from checkpoints.files import checksum
from checkpoints.tensors import load_tensors, save_tensors
from heads.errors import BadInput
from ief.cascade import Cascade
from ief.stage import Residuals, Stage, StageDesign

STAGES = 2


def stage_folder(run: Path, index: int) -> Path:
    """`RUN/stage<index>`."""
    return run / f"stage{index}"


def stage_file(run: Path, index: int) -> Path:
    """The file of a finished stage."""
    return stage_folder(run, index) / "stage.safetensors"


def state_file(run: Path, index: int) -> Path:
    """The state of an unfinished training."""
    return stage_folder(run, index) / "training.pt"


def save_stage(path: Path, stage: Stage, mean_pose: Tensor, description: dict) -> Path:
    """Write a finished stage. `description` is the caller's record (preset, data, seed, ...), JSON values."""
    tensors = {**stage.state_dict(), "mean_pose": mean_pose}
    return save_tensors(path, tensors, {**description, "design": stage.design.to_json()})


def load_stage(path: Path) -> tuple[Stage, Tensor, dict]:
    """A finished stage in evaluation mode, the mean pose (K, D) and the description saved with it.

    Raises:
        BadCheckpoint: when the file is missing, torn, or not a stage of this project.
    """
    tensors, description = load_tensors(path)
    try:
        mean_pose = tensors.pop("mean_pose")
        design = StageDesign.from_json(description["design"])
        stage = Stage(design, Residuals(tensors["mean"], tensors["std"], tensors["pair_std"]))
        stage.load_state_dict(tensors)
    except (KeyError, RuntimeError, BadInput) as error:
        reason = str(error).splitlines()[0]
        raise BadCheckpoint(f"{path}: its tensors are not those of the stage it describes ({reason})") from error
    return stage.eval(), mean_pose, description


def load_cascade(run: str | Path, stages: int = STAGES) -> Cascade:
    """The first `stages` stages of a run (fewer where fewer are trained), on the CPU, in evaluation mode.

    Raises:
        BadCheckpoint: where stage 0 is missing, or stage 1 was trained on another stage 0 than the one beside it.
    """
    run, loaded, mean_pose, before = Path(run), [], None, None
    for index in range(stages):
        path = stage_file(run, index)
        if index > 0 and not path.exists():
            break
        stage, mean_pose, description = load_stage(path)
        if description.get("stage") != index:
            raise BadCheckpoint(f"{path}: holds stage {description.get('stage')}, expected stage {index}")
        if description.get("follows") != before:
            raise BadCheckpoint(
                f"{path}: was trained on another stage {index - 1} than {stage_file(run, index - 1)}; train it again"
            )
        before = checksum(path)
        loaded.append(stage)
    return Cascade(mean_pose, loaded).eval()
