"""A run folder: its files, and the stages in and out.

RUN/stage0/stage.safetensors    weights, statistics, mean pose; in its header a description of all the rest
RUN/config.json                 every option (see ief.training.options)
RUN/stage0/training-*.pt        the last two checkpoints of an unfinished training, gone when the stage is done
RUN/stage0/log.csv              step, loss, learning rate; METRICS where it was validated
RUN/predictions-SPLIT.npz       the last stage's poses
RUN/metrics.json                mean pose and every stage on the validation split

Released weights are such a folder, its stages in a quarter or half of their room: convolutions and linear layers are
rounded as `checkpoints.tensors` has it; statistics, batch normalizations and the mean pose stay as they are.
"""

import math
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from torch import Tensor

from checkpoints import PoseError, checksum
from checkpoints.files import flush
from checkpoints.locking import open_partial
from checkpoints.pretrained import STRIDES
from checkpoints.tensors import STORAGES, load_tensors, pack, save_tensors, unpack
from checkpoints.weights import MAX_SIZE
from ief.model.cascade import Cascade
from ief.model.stage import Residuals, Stage, StageDesign

# Columns of log.csv, mostly empty: percent, image pixels, and in 3D mm.
METRICS = ("pckh", "joint_error", "bone_error", "joint_error_mm")


def stage_folder(run: Path, index: int) -> Path:
    """`RUN/stage<index>`."""
    return run / f"stage{index}"


def stage_file(run: Path, index: int) -> Path:
    """The file of a finished stage."""
    return stage_folder(run, index) / "stage.safetensors"


def save_stage(path: Path, stage: Stage, mean_pose: Tensor, description: dict) -> Path:
    """Write a finished stage. `description` is the caller's record (preset, data, seed, ...), JSON values."""
    tensors = {**stage.state_dict(), "mean_pose": mean_pose}
    return save_tensors(path, tensors, {**description, "design": stage.design.to_json()})


def load_stage(path: Path) -> tuple[Stage, Tensor, dict]:
    """A finished stage in evaluation mode, in float32, the mean pose (K, D) and the description saved with it.

    Raises:
        PoseError: when the file is missing, corrupt, or not a stage of this project.
    """
    tensors, description = load_tensors(path)
    try:
        if description.get("rounded_to") in STORAGES:  # by `release_stages`; in no other stage
            tensors = unpack(tensors)
        design = StageDesign.from_json(description["design"])
        if not (0 < design.size <= MAX_SIZE and 0 < design.sigma < math.inf and design.stride in STRIDES):
            raise PoseError(f"size {design.size}, sigma {design.sigma}, stride {design.stride}")
        # In full: KeyError, a tensor is missing; PoseError, an unknown network, method or tree; the others, a field
        # of the wrong type.
        stage = Stage(design, Residuals.from_state(tensors))
    except (KeyError, PoseError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        reason = (str(error).split("\n")[0] or type(error).__name__).strip()
        raise PoseError(f"{path}: its tensors are not those of the stage it describes ({reason})") from error
    joints = len(design.skeleton.names)
    expected = {**stage.state_dict(), "std": stage.mean, "mean_pose": stage.mean}
    there, wanted = (
        {f"'{name}'": describe_tensor(group.get(name)) for name in sorted(tensors.keys() | expected.keys())}
        for group in (tensors, expected)
    )
    what = f"its tensors are not those of a {design.backbone} of {joints} joints"
    check_same(path, what, there, wanted, "copy or train it again")
    if len(stage.mean) != joints:
        raise PoseError(f"{path}: holds statistics of {len(stage.mean)} joints, its skeleton has {joints}")
    if endless := [name for name, tensor in tensors.items() if not tensor.isfinite().all()]:
        raise PoseError(f"{path}: '{endless[0]}' has numbers that are not finite; copy or train it again")
    mean_pose = tensors.pop("mean_pose")
    stage.load_state_dict(tensors)
    return stage.eval(), mean_pose, description


def describe_tensor(tensor: Tensor | None) -> str:
    """`float32 (64, 3, 7, 7)`, or `absent`."""
    return "absent" if tensor is None else f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"


def differences(there: Mapping[str, object], wanted: Mapping[str, object]) -> list[str]:
    """What differs, as `seed 5, not 0`: of the names in `wanted`; one that is not there is None."""
    return [f"{name} {there.get(name)}, not {value}" for name, value in wanted.items() if there.get(name) != value]


def check_same(path: Path, what: str, there: Mapping[str, object], wanted: Mapping[str, object], advice: str) -> None:
    """Raises PoseError when what is `there` is not `wanted`: the file, what that means, what differs, what to do."""
    if differing := differences(there, wanted):
        raise PoseError(f"{path}: {what} ({'; '.join(differing[:3])}); {advice}")


def check_follows(path: Path, follows: str | None, run: Path, index: int) -> None:
    """Raises PoseError when `path`, of stage `index`, was trained on another previous stage than the run's.

    Args:
        follows: the checksum of the stage it was trained on, None for stage 0.
    """
    before = stage_file(run, index - 1) if index else None
    what = f"was trained on another stage {index - 1} than {before}"
    wanted = {"checksum": checksum(before) if before else None}
    check_same(path, what, {"checksum": follows}, wanted, "train it again")


def load_cascade(run: str | Path, stages: int | None = None) -> Cascade:
    """The first `stages` stages of a run, by default all that are trained, on the CPU, in evaluation mode.

    Raises:
        PoseError: when one of them is missing, or was trained on another previous stage than this run's.
    """
    run, loaded, mean_pose = Path(run), [], None
    for index in count() if stages is None else range(stages):
        path = stage_file(run, index)
        if stages is None and index > 0 and not path.exists():
            break
        stage, mean_pose, description = load_stage(path)
        if description.get("stage") != index:
            raise PoseError(f"{path}: holds stage {description.get('stage')}, expected stage {index}")
        check_follows(path, description.get("follows"), run, index)
        loaded.append(stage)
    return Cascade(mean_pose, loaded).eval()


def release_stages(run: Path, out: Path, storage: str = "int8", about: Mapping[str, str] | None = None) -> list[Path]:
    """Write `OUT/stage0/stage.safetensors` and the following ones, rounded.

    Args:
        run: with finished stages, whose descriptions are kept; each gets the checksum of the stage that it was.
        out: a folder without stages.
        storage: one of `checkpoints.tensors.STORAGES`.
        about: what the descriptions say beside how the stages were trained: `name`, `trained_on`.

    Returns:
        the files.

    Raises:
        PoseError: when a stage is missing, corrupt or has a weight beyond the storage, `out` has stages, or the disk
            refuses.
    """
    files: list[Path] = []
    with open_release(out) as part:
        for index in range(len(load_cascade(run).stages)):
            source = stage_file(run, index)
            stage, mean_pose, description = load_stage(source)
            weights = {name: weight for name, weight in stage.named_parameters() if weight.ndim > 1}
            try:
                packed = pack(weights, storage)
            except PoseError as error:
                raise PoseError(f"{source}: {error}; release another run") from error
            kept = {name: tensor for name, tensor in stage.state_dict().items() if name not in weights}
            follows = checksum(files[-1]) if files else None
            origin = {"rounded_to": storage, "rounded_from": checksum(source), **(about or {})}
            tensors = {**kept, **packed, "mean_pose": mean_pose}
            files.append(save_tensors(stage_file(part, index), tensors, {**description, "follows": follows, **origin}))
    return [stage_file(out, index) for index in range(len(files))]


@contextmanager
def open_release(out: Path) -> Iterator[Path]:
    """A folder in `out` to write a release to, which comes to `out` when the `with` ends well.

    Stage 0 comes last, and without it nothing is a run: a kill at any moment leaves no release, or a whole one.

    Raises:
        PoseError: when `out` has a stage 0, another process writes to it, or the disk refuses.
    """
    with open_partial(out) as part:
        if stage_folder(out, 0).exists():
            raise PoseError(f"{out}: holds a release already; remove it, or choose another --out")
        yield part
        for path in sorted(part.iterdir(), key=lambda path: path.name == "stage0"):
            if (there := out / path.name).is_dir():  # of a release that a kill cut off
                shutil.rmtree(there)
            os.replace(path, there)
        flush(out)
