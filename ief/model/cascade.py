"""The cascade: y_0 is the mean training pose, and each stage corrects the previous pose."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ief.model.stage import Stage


class Cascade(nn.Module):
    """Stages in order (Section 5.3 of the paper), from a constant first pose.

    Args:
        mean_pose: (K, D), y_0 in crop pixels.
        stages: any number of trained stages; none leaves the mean pose.

    Attributes:
        unlabeled: joints that no training person had (`StageDesign`). Poses place them all the same, as the next stage
            needs them; `hide_unlabeled` does not.
    """

    def __init__(self, mean_pose: Tensor, stages: Sequence[Stage] = ()) -> None:
        super().__init__()
        self.register_buffer("mean_pose", mean_pose.float())
        self.stages = nn.ModuleList(stages)
        self.unlabeled = list(stages[0].design.unlabeled) if stages else []

    def forward(self, images: Tensor, flip: bool = False) -> list[Tensor]:
        """The poses y_0, y_1, ... of a batch.

        Args:
            images: (B, 3, n, n) RGB, normalized by ImageNet's mean and std.
            flip: average each stage's pose over the image and its mirror.

        Returns:
            one more pose than there are stages; y_0 is (1, K, D), the others (B, K, D), crop pixels.
        """
        return self.predict(images, flip)[0]

    def predict(self, images: Tensor, flip: bool = False) -> tuple[list[Tensor], Tensor]:
        """The poses as `forward` gives them, and the last one's sigma (B, K, 2) as `Stage.predict` gives it."""
        poses = [self.mean_pose.unsqueeze(0)]
        sigma = poses[0].new_full((images.shape[0], poses[0].shape[1], 2), torch.nan)
        for stage in self.stages:
            pose, sigma = apply_stage(stage, images, poses[-1], flip)
            poses.append(pose)
        return poses, sigma

    def refine(
        self, images: Tensor, start: Tensor, times: int = 1, flip: bool = False, limit: float = math.inf
    ) -> tuple[list[Tensor], Tensor]:
        """As `predict`, of anybody's pose: the last stage corrects it, and then its own pose, `times` in all.

        Args:
            start: (B, K, D) crop pixels; what is NaN is taken from the stages before.
            limit: how far from where it was given a joint is moved at most / side of the crop.
        """
        poses, sigma = Cascade(self.mean_pose, self.stages[:-1]).predict(images, flip)
        poses[-1] = torch.where(start.isfinite(), start, poses[-1])
        for _ in range(times):
            pose, sigma = apply_stage(self.stages[-1], images, poses[-1], flip)
            moved = pose - start  # NaN of a joint that was not given, which moves freely
            far = moved[..., :2].norm(dim=-1, keepdim=True) / (limit * self.stages[-1].design.size)
            poses.append(torch.where(far > 1, start + moved / far, pose))
        return poses, sigma

    def hide_unlabeled(self, pose: Tensor) -> Tensor:
        """A pose (..., K, D) for those who ask for it: NaN for joints that no training person had."""
        nothing = pose.new_zeros(pose.shape[-2], 1)
        nothing[self.unlabeled] = torch.nan
        return pose + nothing if self.unlabeled else pose

    def folded(self) -> "Cascade":
        """A copy for inference, its batch normalizations folded (`Stage.folded`), channels last in memory."""
        return Cascade(self.mean_pose, [stage.folded() for stage in self.stages]).to(self.mean_pose.device).eval()


def apply_stage(stage: Stage, images: Tensor, joints: Tensor, flip: bool) -> tuple[Tensor, Tensor]:
    """What `Stage.predict` gives; with `flip` averaged over the crops and their mirror images."""
    pose, sigma = stage.predict(images, joints)
    if flip:
        mirrored, again = stage.predict(images.flip(-1), mirror(joints, stage))
        pose = (pose + mirror(mirrored, stage)) / 2
        sigma = (sigma + again[:, list(stage.design.skeleton.flip_permutation)]) / 2
    return pose, sigma


def mirror(joints: Tensor, stage: Stage) -> Tensor:
    """The pose (..., K, D) as seen in the mirrored crop: x -> n - 1 - x, left and right joints swapped."""
    swapped = joints[..., list(stage.design.skeleton.flip_permutation), :]
    return torch.cat([stage.design.size - 1 - swapped[..., :1], swapped[..., 1:]], dim=-1)
