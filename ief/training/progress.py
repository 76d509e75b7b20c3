"""What is seen of a training: the progress line, loggers (loss, lr, metrics, some people), pictures in its folder.

A logger's `add` takes numbers by name after `step` steps, its `draw` a picture (H, W, 3) uint8 RGB, and `close` writes
what is waiting.
"""

import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from checkpoints import PoseError, log, write_atomically, write_bytes
from checkpoints.progress import progress
from ief.reporting.scoring import choose_measure, load_predictions
from ief.training.options import RunConfig
from ief.training.stage_config import StageConfig
from ief.training.validation import Metrics, Validator
from mpii_tools.crops import apply_affine
from mpii_tools.prepared.read import PreparedSplit

PEOPLE, COLUMNS = 8, 4  # who are drawn, spread over the split
SIDE = 192  # pixels of each picture, at least


class StepProgress:
    """The steps of a stage from `first` on, shown as they are iterated over, and in the loggers that are asked for.

    Args:
        config: the stage's training.
        first: steps taken before.
        show: whether this rank shows them.
    """

    def __init__(self, config: StageConfig, first: int, show: bool) -> None:
        if first and show:
            log.warning(f"{config.folder}: resuming after step {first} of {config.steps}")
        title = f"stage {config.index} ({config.run.method})"
        self.config, self.first, self.started, self.scores = config, first, time.monotonic(), {}
        self.steps = progress(range(first, config.steps), title, config.steps, initial=first, show=show)
        self.loggers = [LOGGERS[name](config, first) for name in list_loggers(config.run)] if show else []

    def __enter__(self) -> "StepProgress":
        return self

    def __exit__(self, *error: object) -> None:
        for logger in self.loggers:
            logger.close()

    def __iter__(self) -> Iterator[int]:
        config = self.config
        for step in self.steps:
            yield step
            seen = (step + 1 - self.first) * config.options.batch_size
            epoch = f"{config.epoch(step + 1):.1f} of {config.options.epochs:g}"
            rate = f"{seen / max(time.monotonic() - self.started, 1e-9):.0f}"
            self.steps.set_postfix({"epoch": epoch, **self.scores, "images/s": rate}, refresh=False)

    def show(self, step: int, loss: float, lr: float, metrics: Metrics | None, validator: Validator | None) -> None:
        """A row of the log: after `step` steps, the mean loss since the previous row, lr, and metrics if validated."""
        named = validator.name_metrics(metrics) if metrics else {}
        self.scores |= {"loss": f"{loss:.4f}", **{name: f"{value:.1f}" for name, value in named.items()}}
        for logger in self.loggers:
            if metrics:
                logger.draw("people", draw_people(validator.data, validator.poses), step)
            logger.add({"loss": loss, "lr": lr, **named}, step)


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


def save_pictures(run: Path, data: PreparedSplit) -> list[Path]:
    """Write `people.png`, `curves-loss.png` and `curves-validation.png` of a scored run.

    None without matplotlib or OpenCV, and a line says so.

    Args:
        data: the validation split, which the run's predictions are of.
    """
    try:
        from evaluation.report.curves import thin
        from evaluation.report.plots import line_plot
        from evaluation.report.skeletons import to_png
        from evaluation.report.tables import readable
        from ief.reporting.runs import load_curves
    except ModuleNotFoundError as error:
        log.warning(f"{run}: no pictures of it, as {error.name} is not installed")
        return []
    losses, validations = ({readable(stage): rows for stage, rows in each.items()} for each in load_curves(run))
    figures = {"loss": line_plot({stage: thin(rows) for stage, rows in losses.items()}, "Training", "step", "loss")}
    scored = {stage: [(row[0], row[1]) for row in rows] for stage, rows in validations.items()}
    if scored and all(value is not None for rows in scored.values() for _, value in rows):
        title = f"mean {choose_measure(data.people).title} (%)"
        figures["validation"] = line_plot(scored, "Validation people", "step", title)
    files = [write_atomically(run / f"curves-{name}.png", figure.savefig) for name, figure in figures.items()]
    people = draw_people(data, [*load_predictions(run, data.people).values()][-1].joints)
    return [*files, write_bytes(run / "people.png", to_png(people))]


def draw_people(data: PreparedSplit, poses: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) of some people of a split with their predicted (colored) and true (white) poses.

    Args:
        poses: (N, K, D) image pixels, of all its people.
    """
    from evaluation.report.skeletons import draw_poses, grid

    rows = np.unique(np.linspace(0, len(data) - 1, PEOPLE).astype(int))
    inner, factor = slice(data.border, data.border + data.size), -(-SIDE // data.size)
    predicted, gt = (
        apply_affine(data.to_crop[rows], joints[rows, :, :2]) * factor + (factor - 1) / 2
        for joints in (poses, data.people.joints)
    )
    crops = data.crops[rows, inner, inner].repeat(factor, axis=1).repeat(factor, axis=2)
    people, skeleton = zip(crops, predicted, gt, strict=True), data.people.skeleton
    return grid([draw_poses(*person, skeleton=skeleton) for person in people], COLUMNS)
