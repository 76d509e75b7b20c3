"""Small trainings as configurations, for tests that call the trainer itself."""

from dataclasses import replace
from pathlib import Path

import tiny_resnet  # noqa: F401  (registers the network)

from ief.model.start import build_stage
from ief.training.options import RunConfig, change_config
from ief.training.runtime import Runtime
from ief.training.stage_config import StageConfig, TrainingData, build_batches
from mpii_tools.prepared.read import load_prepared

RUN = change_config(RunConfig(weights="none"), preset="demo", backbone="tiny_resnet", batch_size=8)
RUNTIME = Runtime()


def small_config(data, folder=Path("unused"), index=0, *, also=None, validated=False, pretrained=(), **options):
    """Stage `index` of a run on a prepared folder, the demo's but for some options."""
    train, valid = load_prepared(data, "train"), load_prepared(data, "valid") if validated else None
    read = TrainingData(train, load_prepared(also, "train") if also else None, valid, pretrained)
    return StageConfig(change_config(RUN, **options), read, folder, index)


def with_options(config, **options):
    """The same with other options."""
    return replace(config, run=change_config(config.run, **options))


def batches_of(config, rank=0, world_size=1):
    """The batches of one of several ranks."""
    return build_batches(config, Runtime(rank=rank, world_size=world_size))


def stage_of(config, previous, residuals):
    """The stage at step 0, as the trainer builds it, and what is said of its start."""
    return build_stage(
        config.design, residuals, previous, config.data.start(config.index),
        continue_backbone=config.options.continue_backbone, seed=config.seed,
    )  # fmt: skip
