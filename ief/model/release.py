"""Released weights: the stages of a run in half precision, in a folder that loads as a run does.

Convolutions and linear layers are rounded to float16, which halves the files; statistics, batch normalizations and the
mean pose stay as they are. Loading gives float32 (`ief.model.run_folder.load_stage`).
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

import checkpoints
from checkpoints.errors import PoseError
from checkpoints.files import checksum
from checkpoints.tensors import save_tensors
from ief.model.run_folder import load_cascade, load_stage, stage_file
from ief.model.stage import Stage

RELEASED = Path(checkpoints.__file__).parent / "released"  # installed with the package, where there is any


def released_run() -> Path:
    """The folder of the weights that came with this installation.

    Raises:
        PoseError: when it came without.
    """
    if not stage_file(RELEASED, 0).exists():
        raise PoseError(
            f"{RELEASED}: no weights are released with this version; train a run and give it (--run DIR, or "
            "PosePredictor.load(DIR)), or an exported model (--onnx FILE, or PosePredictor.load(FILE))"
        )
    return RELEASED


def release_stages(run: Path, out: Path) -> list[Path]:
    """Write `OUT/stage0/stage.safetensors` and the following ones, rounded to float16.

    Args:
        run: with finished stages, whose descriptions are kept; each gets the checksum of the stage that it was.
        out: a folder without stages.

    Returns:
        the files.

    Raises:
        PoseError: when a stage is missing, corrupt or has a weight beyond float16, `out` has stages, or the disk
            refuses.
    """
    if any(out.glob("stage*")):
        raise PoseError(f"{out}: holds a release already; remove it, or choose another --out")
    files: list[Path] = []
    for index in range(len(load_cascade(run).stages)):
        source, path = stage_file(run, index), stage_file(out, index)
        stage, mean_pose, description = load_stage(source)
        tensors = {**stage.state_dict(), "mean_pose": mean_pose, **rounded(stage, source)}
        follows = checksum(files[-1]) if files else None
        origin = {"rounded_to": "float16", "rounded_from": checksum(source)}
        files.append(save_tensors(path, tensors, {**description, "follows": follows, **origin}))
    return files


def rounded(stage: Stage, source: Path) -> dict[str, Tensor]:
    """The weights of a stage's convolutions and linear layers in float16, by name.

    Raises:
        PoseError: naming `source` and the weight that float16 cannot hold.
    """
    halves = {name: weight.detach().half() for name, weight in stage.named_parameters() if weight.ndim > 1}
    for name, weight in halves.items():
        if not weight.isfinite().all():
            raise PoseError(f"{source}: '{name}' has a weight beyond float16, 65504; release another run")
    return halves
