"""y_t in training: the statistics of what it leaves to correct (Eq. 1), and the noise and errors it is shown with.

Statistics of gt - y_t are in the main memory, from which rank 0, which alone measures them, gives them to the others.

Noise and errors, of t > 0, are functions of seed and step, drawn for the global batch, so that every rank draws alike.
They move x and y, which heatmaps show, never z.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from checkpoints.progress import progress
from heads import METHODS, Skeleton, get_pairs, joints_to_bones
from heads.composition import relative_positions
from heads.normalization import expand_mask, masked_mean_std
from ief.model.cascade import Cascade
from ief.model.stage import Residuals
from ief.training.stage_config import StageConfig
from mpii_tools.prepared.batches import Batch, MixedBatches, TrainingBatches, generator

STATISTICS_SAMPLES = 4096  # samples that the residuals of a stage t > 0 are measured on
POSE_EPOCHS = 4  # augmented epochs of poses that y_0 and stage 0's residuals are measured on
POSE_SAMPLES = 200_000  # of them at most: each takes 12 KB in 3D, and more tell no more
STATISTICS_STEP = 10**9  # statistics are measured on draws that training does not reach
HEAD = 0.1  # a head's size / side of the crop, roughly, of a person who fills it
# Of good joints, jitter, inversions and misses, the share and how far off they are, in heads. A stage 0 of ResNet-50 at
# 64 px has these shares on LSP-extended's validation people (`ief evaluate`).
KINDS = ((0.22, 0.0, 0.5), (0.27, 0.5, 1.0), (0.03, 0.0, 0.5), (0.48, 1.0, 3.0))
INVERSION = 2


def measure_start(batches: TrainingBatches | MixedBatches, method: str) -> tuple[Tensor, Residuals]:
    """y_0, the mean (K, D) of the augmented training poses, crop pixels and mm; and statistics of gt - y_0.

    A joint nobody has is put at the crop's center, for the heatmaps; its depth is the root's. Predictions leave it out
    (`Cascade.hide_unlabeled`).
    """
    joints, mask = draw_poses(batches)
    mean, _ = masked_mean_std(joints, mask)
    mean[:, :2][~mask[..., :2].any(dim=0)] = (batches.data.size - 1) / 2
    mean = mean.float()
    return mean.cpu(), compute_residuals(joints, mean.expand_as(joints), mask, batches.skeleton, method)


def draw_poses(batches: TrainingBatches | MixedBatches) -> tuple[Tensor, Tensor]:
    """Joints and mask (N, K, D) of some augmented epochs, without their images."""
    steps = min(math.ceil(POSE_SAMPLES / batches.batch_size), batches.steps(POSE_EPOCHS))
    drawn = [batches(STATISTICS_STEP + step, images=False) for step in range(steps)]
    return torch.cat([batch.joints for batch in drawn]), torch.cat([batch.mask for batch in drawn])


def measure_residuals(
    batches: TrainingBatches | MixedBatches,
    method: str,
    pose_of: Callable[[Batch, int, slice], Tensor],
    show: bool = False,
) -> Residuals:
    """Statistics of gt - y_t for t > 0: from what the frozen cascade makes of images.

    Args:
        batches: the global ones.
        method: a name of Table 1.
        pose_of: batch, step and share -> y_t, (B, K, D) crop pixels.
        show: whether to show the progress.
    """
    measured = []
    steps = min(math.ceil(STATISTICS_SAMPLES / batches.batch_size), batches.steps(POSE_EPOCHS))
    for step in progress(range(steps), "measuring residuals", unit="batch", show=show):
        batch = batches(STATISTICS_STEP + step)
        pose = pose_of(batch, STATISTICS_STEP + step, slice(None))
        measured.append((batch.joints, pose, batch.mask))  # the images go: thousands would fill the memory
    joints, current, mask = (torch.cat(column) for column in zip(*measured, strict=True))
    return compute_residuals(joints, current, mask, batches.skeleton, method)


def keep_statistics(previous: Cascade) -> Residuals:
    """What the last stage's output is normalized by, of the pose itself: a stage that keeps its head keeps them."""
    stage = previous.stages[-1]
    start = 0 if stage.design.absolute else stage.encode(previous.mean_pose)  # what stage 0 adds its output to
    return Residuals(stage.mean + start, stage.std, stage.pair_std)


def compute_residuals(joints: Tensor, current: Tensor, mask: Tensor, skeleton: Skeleton, method: str) -> Residuals:
    """Mean and std of gt - y_t in the method's representation, and std of its pairs.

    Args:
        joints, current: (N, K, D) gt and y_t in crop pixels and mm; gt may be NaN where the mask is False.
        mask: (N, K) or (N, K, D) bool.
    """
    residual = torch.where(expand_mask(mask, joints), joints - current, torch.nan)
    regressed = joints_to_bones(residual, skeleton) if METHODS[method].representation == "bones" else residual
    mean, std = masked_mean_std(regressed, torch.isfinite(regressed))
    apart = relative_positions(residual, get_pairs(METHODS[method].pairs, skeleton))
    _, pair_std = masked_mean_std(apart, torch.isfinite(apart))
    return Residuals(*(values.float().cpu() for values in (mean, std, pair_std)))


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
