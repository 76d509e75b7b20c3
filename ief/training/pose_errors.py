"""y_t as a stage t > 0 is shown it in training: with noise, or with the errors that other people's poses have.

Both are functions of seed and step, drawn for the global batch, so that every rank draws alike. They move x and y,
which heatmaps show, never z.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ief.training.stage_config import StageConfig
from mpii_tools.prepared.batches import Batch, generator

HEAD = 0.1  # a head's size / side of the crop, roughly, of a person who fills it
# Of good joints, jitter, inversions and misses, the share and how far off they are, in heads. A stage 0 of ResNet-50 at
# 64 px has these shares on LSP-extended's validation people (`ief evaluate`).
KINDS = ((0.22, 0.0, 0.5), (0.27, 0.5, 1.0), (0.03, 0.0, 0.5), (0.48, 1.0, 3.0))
INVERSION = 2


def perturb(pose: Tensor, config: StageConfig, step: int, share: slice) -> Tensor:
    """y_t with the noise of a step, as a stage errs less on its training images than on others.

    Args:
        pose: (B, K, D) or (1, K, D) crop pixels.
        share: which samples of the global batch these are.
    """
    rng, options = generator(config.seed, "perturb", step), config.options
    noise = torch.randn(options.batch_size, pose.shape[1], 2, generator=rng)[share]
    return pose + F.pad(noise, (0, pose.shape[2] - 2)).to(pose) * (options.perturb * options.size)


def synthesize_errors(pose: Tensor, batch: Batch, config: StageConfig, step: int, share: slice) -> Tensor:
    """y_t of which some samples are the ground truth with errors instead (as PoseFix, Moon et al., CVPR 2019).

    Each joint errs on its own, by `KINDS`: near where it is, near where its mirror joint is, or beside both. A joint
    without ground truth stays where the stages before place it.

    Args:
        pose: (B, K, D) crop pixels.
        batch: of which it is.
        share: which samples of the global batch these are.
    """
    rng, options = generator(config.seed, "errors", step), config.options
    shape = options.batch_size, pose.shape[1]
    shares, near, far = torch.tensor(KINDS).T
    kind = torch.multinomial(shares, math.prod(shape), replacement=True, generator=rng).view(shape)
    radius = near[kind] + (far - near)[kind] * torch.rand(shape, generator=rng)
    angle = 2 * math.pi * torch.rand(shape, generator=rng)
    chosen = torch.rand(shape[0], 1, 1, generator=rng) < options.start_errors
    move = HEAD * options.size * radius.unsqueeze(-1) * torch.stack([angle.cos(), angle.sin()], dim=-1)
    move, kind, chosen = (values[share].to(pose.device) for values in (move, kind, chosen))
    truth = torch.where(batch.mask, batch.joints, pose)[..., :2]
    mirrored = truth[:, list(config.data.skeleton.flip_permutation)]
    wrong = torch.where((kind == INVERSION).unsqueeze(-1), mirrored, truth) + move.to(pose)
    return torch.cat([torch.where(chosen, wrong, pose[..., :2]), pose[..., 2:]], dim=-1)
