"""What a training is: its settings apart from the preset, and the record by which it is known again."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch

from checkpoints.errors import PoseError
from checkpoints.imagenet import PretrainedWeights
from heads.skeleton import Skeleton
from ief.training.distributed import Processes
from ief.training.presets import Preset
from ief.training.stopping import Stopping
from mpii_tools.prepared.read import PreparedSplit


@dataclass(frozen=True)
class Job:
    """What to train, apart from the preset.

    Attributes:
        data: the prepared training split.
        skeleton: the tree.
        method: a name of Table 1.
        run: the run folder.
        seed: of the initial weights, the order and the augmentation.
        initial: ImageNet weights, or None for random ones.
        device: where to train.
        processes: this process among its peers.
        checkpoint_seconds: time between two saved states; what a kill can cost.
        deterministic: whether `ief.training.determinism` is in force, for the record.
        stopping: says when to save and stop.
    """

    data: PreparedSplit
    skeleton: Skeleton
    method: str
    run: Path
    seed: int
    initial: PretrainedWeights | None
    device: torch.device
    processes: Processes = field(default_factory=Processes)
    checkpoint_seconds: float = 60.0
    deterministic: bool = False
    stopping: Stopping = field(default_factory=Stopping)


def describe(index: int, job: Job, preset: Preset) -> dict:
    """What a training is: two trainings with equal descriptions give equal weights on one machine."""
    return {
        "stage": index,
        "method": job.method,
        "seed": job.seed,
        "initial": job.initial.source if job.initial else None,
        "data": job.data.name,
        "persons": len(job.data),
        "size": job.data.size,
        "deterministic": job.deterministic,
        "preset": preset.to_json(),
    }


def check_same_training(path: Path, found: dict, wanted: dict) -> None:
    """Raises PoseError where `path` belongs to a training other than the one that was asked for."""
    before = dict(flatten(found))
    differing = [f"{key} {before.get(key)}, now {value}" for key, value in flatten(wanted) if before.get(key) != value]
    if differing:
        raise PoseError(f"{path}: belongs to another training ({'; '.join(differing[:3])}); choose another --run")


def flatten(fields: dict, prefix: str = "") -> list[tuple[str, object]]:
    """Nested fields as (dotted name, value) pairs."""
    pairs = []
    for key, value in fields.items():
        pairs += flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, value)]
    return pairs
