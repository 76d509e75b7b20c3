"""Released weights: the stages of a run in a quarter or half of their room, in a folder that loads as a run does.

Convolutions and linear layers are rounded as `checkpoints.storage` has it; statistics, batch normalizations and the
mean pose stay as they are. Loading gives float32 (`ief.model.run_folder.load_stage`).
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from checkpoints.errors import PoseError
from checkpoints.files import checksum, flush
from checkpoints.locking import open_partial
from checkpoints.storage import pack
from checkpoints.tensors import save_tensors
from ief.model.run_folder import load_cascade, load_stage, stage_file, stage_folder


def release_stages(run: Path, out: Path, storage: str = "int8", about: Mapping[str, str] | None = None) -> list[Path]:
    """Write `OUT/stage0/stage.safetensors` and the following ones, rounded.

    Args:
        run: with finished stages, whose descriptions are kept; each gets the checksum of the stage that it was.
        out: a folder without stages.
        storage: one of `checkpoints.storage.STORAGES`.
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
