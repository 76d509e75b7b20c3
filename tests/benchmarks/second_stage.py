"""Variants of stage 1 that are no option, from one stage 0: what is it that makes a correction learnable?

    python tests/benchmarks/second_stage.py VARIANT --run RUN [--halves RUN] [OPTIONS of ief train]

RUN holds a trained stage 0. VARIANT is one of

    halves    no stage 1, but two stages 0, each of every other person: RUN/0 and RUN/1
    unseen    y_1 of each person from the stage 0 of HALVES that has not seen him
    path      y_1 is a point of the straight way from stage 0's pose to the ground truth, in steps of 20 px of 224,
              and the target is the next point (Carreira et al., CVPR 2016)
    bounded   the target is at most 20 px of 224 from y_1
    poses     the loss is normalized by the statistics of poses, not of residuals

`tests/benchmarks/corrections.py RUN DATA` then scores the run.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ief.commands.options import declare, list_training, read_run
from ief.model.cascade import Cascade
from ief.model.run_folder import load_cascade
from ief.model.stage import Residuals
from ief.training.options import RUN_OPTIONS
from ief.training.residuals import keep_statistics
from ief.training.runtime import Runtime, open_runtime
from ief.training.stage_config import StageConfig, load_training_data
from ief.training.trainer import StageTrainer, train_stage
from mpii_tools.prepared.batches import Batch, generator

BOUND = 20 / 224  # of the crop's side, as the authors of IEF have it


class Variant(StageTrainer):
    """Stage 1's training with another y_1, another target or another loss."""

    def __init__(self, config: StageConfig, runtime: Runtime, variant: str, halves: list[Cascade]) -> None:
        super().__init__(config, runtime)
        self.variant, self.halves = variant, [half.folded() for half in halves]
        self.half_of = {person: row % 2 for row, person in enumerate(config.data.train.people.person_ids.tolist())}
        self.target = None  # what the loss compares with in the place of the ground truth

    def build(self, previous: Cascade, residuals: Residuals | None = None) -> None:
        """As without a variant, then the loss's statistics and target."""
        super().build(previous, residuals)
        if self.variant == "poses":
            self.loss.std.copy_(keep_statistics(previous).pair_std.T)
        if self.variant in ("path", "bounded"):
            loss = self.loss
            self.loss = lambda estimate, joints, mask, sigma: loss(estimate, self.target, mask, sigma)

    def current_pose(self, batch: Batch, step: int, share: slice) -> Tensor:
        """y_1 of a batch, (B, K, D) crop pixels."""
        side, rng = self.config.options.size, generator(self.config.seed, self.variant, step)
        if self.variant == "unseen":
            return self.predict_unseen(batch)
        pose = super().current_pose(batch, step, share)
        truth = torch.where(batch.mask, batch.joints, pose)
        if self.variant == "path":
            steps = torch.randint(0, 4, (len(truth), 1, 1), generator=rng)
            pose = pose + bound(truth - pose, steps * BOUND * side)
        self.target = pose + bound(truth - pose, BOUND * side)
        return pose

    @torch.no_grad()
    def predict_unseen(self, batch: Batch) -> Tensor:
        """(B, K, D) the pose of each person by the stage 0 that was trained on the others."""
        half = torch.tensor([self.half_of[person] for person in batch.person_ids.tolist()])
        pose = torch.empty_like(batch.joints)
        for number, cascade in enumerate(self.halves):
            if (rows := half != number).any():
                pose[rows] = cascade(batch.images[rows])[-1]
        return pose


def bound(move: Tensor, limit: Tensor | float) -> Tensor:
    """Moves (B, K, D) shortened to the length `limit`."""
    length = move.norm(dim=-1, keepdim=True)
    return move * (limit / length.clamp(min=1e-6)).clamp(max=1)


def main() -> None:
    """Parse, and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("variant", choices=("halves", "unseen", "path", "bounded", "poses"))
    parser.add_argument("--halves", type=Path)
    declare(parser, list_training(RUN_OPTIONS))
    args = parser.parse_args()
    config, _ = read_run(args)
    stage = StageConfig(config, load_training_data(config), args.run, 1)
    with open_runtime(None, None, 60.0, False, [args.run]) as runtime:
        if args.variant == "halves":
            for half in (0, 1):
                train_stage(select_half(stage, half), runtime)
            return
        halves = [load_cascade(args.halves / str(half), stages=1) for half in (0, 1)] if args.halves else []
        trainer = Variant(stage, runtime, args.variant, halves)
        trainer.setup()
        trainer.fit()
        trainer.finish()


def select_half(config: StageConfig, half: int) -> StageConfig:
    """Stage 0 of every other person."""
    data = config.data.train
    rows = np.arange(half, len(data), 2)
    people, name = data.people.select(rows), f"{data.fingerprint}-{half}"
    train = replace(data, people=people, crops=data.crops[rows], fingerprint=name)
    return replace(config, data=replace(config.data, train=train), run_folder=config.run_folder / str(half), index=0)


if __name__ == "__main__":
    main()
