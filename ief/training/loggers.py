"""Where a training is watched beside its own files: TensorBoard and Weights & Biases, by one interface.

`add` takes numbers by name after `step` steps, `draw` a picture (H, W, 3) uint8 RGB, `close` writes what is waiting.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict
from importlib.util import find_spec

import numpy as np

from checkpoints.errors import PoseError
from ief.training.options import RunConfig
from ief.training.stage_config import StageConfig


class TensorBoardLogger:
    """RUN/stageK/tensorboard; what an interrupted training wrote after its `first` step is not shown."""

    def __init__(self, config: StageConfig, first: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.board = SummaryWriter(str(config.folder / "tensorboard"), purge_step=first + 1)

    def add(self, values: Mapping[str, float], step: int) -> None:
        """Numbers by name."""
        for name, value in values.items():
            self.board.add_scalar(name, value, step)
        self.board.flush()

    def draw(self, name: str, picture: np.ndarray, step: int) -> None:
        """A picture (H, W, 3) uint8 RGB."""
        self.board.add_image(name, picture, step, dataformats="HWC")

    def close(self) -> None:
        """Write what is waiting."""
        self.board.close()


class WandbLogger:
    """Weights & Biases, as its environment variables say (WANDB_MODE=offline); a resumed stage is the same run there.

    Its project is $WANDB_PROJECT, else `ief`; local files are in RUN/stageK/wandb.
    """

    def __init__(self, config: StageConfig, first: int) -> None:
        import wandb

        folder = config.folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        name, number = f"{folder.parent.name}-{folder.name}", hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        given = {"project": os.environ.get("WANDB_PROJECT", "ief"), "config": asdict(config.run), "dir": str(folder)}
        self.picture, self.run = wandb.Image, wandb.init(name=name, id=number, resume="allow", **given)

    def add(self, values: Mapping[str, float], step: int) -> None:
        """Numbers by name."""
        self.run.log(dict(values), step=step)

    def draw(self, name: str, picture: np.ndarray, step: int) -> None:
        """A picture (H, W, 3) uint8 RGB."""
        self.run.log({name: self.picture(picture)}, step=step)

    def close(self) -> None:
        """Write what is waiting."""
        self.run.finish()


LOGGERS = {"tensorboard": TensorBoardLogger, "wandb": WandbLogger}


def list_loggers(run: RunConfig) -> list[str]:
    """Names of those that are asked for. Raises PoseError when the package of one is missing."""
    names = sorted({*(["tensorboard"] if run.tensorboard else []), *filter(None, [run.log])})
    for name in names:
        if find_spec(name) is None:
            option = f"--log {name}" if name == run.log else f"--{name}"
            raise PoseError(f"{option}: not installed; pip install {name}, or leave the option out")
    return names


def open_loggers(config: StageConfig, first: int) -> list[TensorBoardLogger | WandbLogger]:
    """The loggers of a stage that continues after `first` steps."""
    return [LOGGERS[name](config, first) for name in list_loggers(config.run)]
