"""The compositional loss as a part of any program: `compositional` fits it, and the codec of a network's output."""

import torch
from torch import Tensor, nn

from heads.bones import joints_to_bones
from heads.composition import composition_matrix
from heads.likelihood import ResidualLikelihood
from heads.losses import CompositionalLoss
from heads.normalization import denormalize, mask_joints, masked_mean_std, normalize
from heads.pairs import joint_pairs
from heads.skeleton import Skeleton, get_skeleton


def compositional(
    skeleton: str | Skeleton,
    joints: Tensor,
    visible: Tensor | None = None,
    pairs: str = "all",
    *,
    representation: str = "bones",
    reduction: str = "mean",
    loss: str | ResidualLikelihood = "l1",
    origin_share: float | None = None,
) -> tuple[CompositionalLoss, "PoseCodec"]:
    """A loss of joints, and the codec of a network that regresses normalized bones or joints.

        loss, codec = compositional("coco17", joints, visible)
        value = loss(codec.decode(network(images)), batch_joints, batch_visible)

    Args:
        skeleton: `mpii`, `coco17` or any tree.
        joints: (N, K, D) ground truth of the training people, tensor or array, in the unit that poses shall have.
        visible: (N, K) or (N, K, D), what is annotated; None for what is neither NaN nor (0, 0).
        pairs: `joint`, `bone`, `both` or `all`.
        representation: what the network regresses, `bones` or `joints`.
        reduction, loss, origin_share: as for `CompositionalLoss.fit`.

    Raises:
        ValueError: joints that are not the skeleton's, or an unknown name.
    """
    return (
        CompositionalLoss.fit(
            skeleton, joints, visible, pairs, reduction=reduction, loss=loss, origin_share=origin_share
        ),
        PoseCodec.fit(skeleton, joints, visible, representation),
    )


class PoseCodec(nn.Module):
    """From joints to bones (Eq. 4), or the joints as they are, normalized (Eq. 1); and the inverse (Eq. 2).

    Its statistics move with it as any module's do.

    Args:
        mean, std: (K, D) of the bones or joints.
        representation: `bones` or `joints`.

    Raises:
        ValueError: for another representation.
    """

    def __init__(self, skeleton: Skeleton, mean: Tensor, std: Tensor, representation: str = "bones") -> None:
        super().__init__()
        eye = torch.eye(len(skeleton))
        self.register_buffer("from_joints", joints_to_bones(eye, skeleton) if representation == "bones" else eye)
        self.register_buffer("to_joints", -composition_matrix(skeleton, joint_pairs(skeleton), representation))
        self.register_buffer("mean", mean.float())
        self.register_buffer("std", std.float())

    @classmethod
    def fit(
        cls, skeleton: str | Skeleton, joints: Tensor, visible: Tensor | None = None, representation: str = "bones"
    ) -> "PoseCodec":
        """The codec of training people. Args and errors as for `compositional`."""
        skeleton = get_skeleton(skeleton)
        joints = mask_joints(joints, visible, len(skeleton))
        values = joints_to_bones(joints, skeleton) if representation == "bones" else joints
        return cls(skeleton, *masked_mean_std(values, values.isfinite()), representation)

    @property
    def shape(self) -> tuple[int, int]:
        """(K, D) of a network's output, K x D numbers for each person."""
        return tuple(self.mean.shape)

    def encode(self, joints: Tensor) -> Tensor:
        """Joints (..., K, D) -> the output (..., K, D) that a network should have, mean 0 and std 1."""
        return normalize(self.from_joints.to(joints) @ joints, self.mean.to(joints), self.std.to(joints))

    def decode(self, output: Tensor) -> Tensor:
        """The inverse of `encode`: a network's output (..., K, D), or (..., K * D), -> joints (..., K, D)."""
        if output.shape[-2:] != self.shape:
            output = output.unflatten(-1, self.shape)
        return self.to_joints.to(output) @ denormalize(output, self.mean.to(output), self.std.to(output))
