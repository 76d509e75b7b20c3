"""Training a run: stage after stage, then predictions and scores of the validation split."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from checkpoints import PoseError, log
from ief.reporting.scoring import log_tables, score_run
from ief.training.options import RunConfig, change_config
from ief.training.plan import announce
from ief.training.progress import save_pictures
from ief.training.runtime import Runtime, open_runtime
from ief.training.stage_config import StageConfig, TrainingData, load_training_data
from ief.training.trainer import train_stage
from mpii_tools.skeletons import mirror_note


def train(
    run: str | Path,
    config: RunConfig | None = None,
    *,
    only: Sequence[int] | None = None,
    device: str | None = None,
    stop_after: float | None = None,
    checkpoint_seconds: float = 60.0,
    dry_run: bool = False,
    **options: object,
) -> list[Path]:
    """Train the stages of a run that are not trained yet, then predict and score the validation split.

    What `ief train` does; the same call resumes an unfinished run. For example:

        train("runs/all", data="data/mpii", preset="best", epochs=20.0)
        train("runs/bone", read_config(Path("runs/all/config.json")), method="bone")

    Args:
        run: folder to write.
        config: its options; None for the defaults.
        only: numbers of the stages to train; None for all.
        device: where to train, such as `cuda:1`; None for a GPU if there is one.
        stop_after: minutes after which to save and raise Stopped; None for no limit.
        checkpoint_seconds: time between two checkpoints, which is what a kill can cost.
        dry_run: log what the training will cost (`ief.training.plan`), and train nothing.
        options: changes to the configuration, by the names that the command line has, such as `batch_size=8`.

    Returns:
        the files that were written.

    Raises:
        PoseError: for an option or data that no training can have, a folder that holds another training, a loss that
            is not finite, or a disk that refuses.
        Stopped: at a signal or the end of the time; a checkpoint is saved.
    """
    config = change_config(config or RunConfig(), **options)
    if wrong := [index for index in only or () if index < 0]:  # a later one than the run's last adds a stage to it
        raise PoseError(f"stage {wrong[0]}: stages are counted from 0")
    indices, writes = range(config.stages) if only is None else only, [] if dry_run else [Path(run)]
    with open_runtime(device, stop_after, checkpoint_seconds, config.deterministic, writes) as runtime:
        stage = StageConfig(config, load_training_data(config), Path(run))
        tell_about_data(config, stage.data, runtime)
        announce(stage, runtime, indices, asked=dry_run)
        if dry_run:
            return []
        files = [train_stage(replace(stage, index=index), runtime) for index in indices]
        if not runtime.is_main:
            return files
        if stage.data.valid is None:
            log.warning(f"{config.data}: has no validation split, so nothing was validated or scored")
            return files
        log_tables(score_run(stage.run_folder, stage.data.valid, runtime.device), whole=False)
        predictions = sorted(stage.run_folder.glob("predictions-valid*.npz"))
        pictures = save_pictures(stage.run_folder, stage.data.valid)
        return [*files, *predictions, *pictures, stage.run_folder / "metrics.json"]


def tell_about_data(config: RunConfig, data: TrainingData, runtime: Runtime) -> None:
    """Say on stderr, on one rank, what becomes of the mirrored images that a training asks for, mostly nothing, and
    which data cannot be told from others."""
    if not runtime.is_main:
        return
    if config.options.flip and (note := mirror_note(data.skeleton)):
        log.warning(f"{config.data}: {note}")
    for folder, split in zip((config.data, config.also), data.datasets, strict=False):
        if split.fingerprint is None:
            log.warning(f"{folder}: has no checksums, so it is known by name and count alone")
