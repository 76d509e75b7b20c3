"""One stage of the cascade: image and current pose in, corrected pose out (Section 5.3 of the paper)."""

import copy
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from checkpoints import PoseError
from heads import METHODS, MPII, ResidualLikelihood, Skeleton, bones_to_joints, denormalize, get_pairs, joints_to_bones
from ief.model.backbone import build_backbone, fold_batch_norms, stem_padding
from ief.model.heatmaps import convolve_heatmaps
from mpii_tools.skeletons import skeleton_from_json, skeleton_to_json

INDEXED = 128  # numbers that are read of the features at and around a joint
WINDOW = [(x / 16, y / 16) for y in (-1, 0, 1) for x in (-1, 0, 1)]  # places around a joint / side of the crop


@dataclass(frozen=True)
class StageDesign:
    """What a stage is, apart from its weights; it travels with them in the stage's file.

    Attributes:
        backbone: name of a torchvision ResNet, or timm:NAME.
        stride: `1x1` or `3x3`, the convolution of a bottleneck block that carries its stride.
        method: a name of Table 1 (`heads.pairs`).
        size: side of the input in crop pixels.
        sigma: standard deviation of the heatmaps in crop pixels.
        skeleton: the tree whose joints are regressed.
        absolute: whether it regresses the pose anew with y_t in view, and not a correction of y_t.
        likelihood: whether it was trained by `heads.likelihood`, and so gives a sigma of each pair in training.
        pose_indexed: whether it also reads where the joints of y_t lie, and the network's features there.
        rooted: whether it places every root joint at the center of the crop, since J_0 is the root (`Preset.origin`).
        unlabeled: joints that no training person had: what it says of them means nothing, and predictions have NaN.
    """

    backbone: str = "resnet50"
    stride: str = "3x3"
    method: str = "all"
    size: int = 224
    sigma: float = 7.0
    skeleton: Skeleton = MPII
    absolute: bool = False
    likelihood: bool = False
    pose_indexed: bool = False
    rooted: bool = False
    unlabeled: tuple[int, ...] = ()

    def to_json(self) -> dict:
        """The fields as plain JSON values."""
        return {**asdict(self), "skeleton": skeleton_to_json(self.skeleton), "unlabeled": list(self.unlabeled)}

    @staticmethod
    def from_json(fields: dict) -> "StageDesign":
        """The inverse of `to_json`. Raises PoseError for missing or unknown fields."""
        try:
            skeleton = skeleton_from_json(fields["skeleton"])
            unlabeled = tuple(fields.get("unlabeled", ()))
            if not set(unlabeled) <= set(range(len(skeleton))):
                raise TypeError(f"unlabeled {unlabeled}")
            design = StageDesign(**{**fields, "skeleton": skeleton, "unlabeled": unlabeled})
        except (KeyError, TypeError) as error:
            raise PoseError(f"the description of a stage lacks or adds a field ({error})") from error
        if design.method not in METHODS:
            raise PoseError(f"unknown method '{design.method}'; choose one of {', '.join(METHODS)}")
        return design


class Residuals(NamedTuple):
    """Statistics of what is left to correct, gt - y_t, on the training set (Eq. 1), in crop pixels.

    Attributes:
        mean, std: (K, D) of the bones' or joints' residuals (of their own values, for an absolute stage), which the
            network's output is normalized by.
        pair_std: (P, D) of the relative positions' residuals, which the loss is normalized by.
    """

    mean: Tensor
    std: Tensor
    pair_std: Tensor

    @staticmethod
    def from_state(state: dict[str, Tensor]) -> "Residuals":
        """Those in a stage's state dict. Raises KeyError when one is missing."""
        return Residuals(state["mean"], state["std"], state["pair_std"])


class Stage(nn.Module):
    """A CNN on image and heatmaps whose linear layer regresses a normalized correction of every bone or joint.

    The widened first convolution (3 + K channels) is kept as its two halves, the image's and the heatmaps', whose
    outputs add up. The heatmaps' half is computed from the Gaussians' 1-D factors; when one pose is shared by the
    whole batch, as y_0 is, it is computed once and not per image.

    Args:
        design: what the stage is.
        residuals: statistics of gt - y_t on the training set, crop pixels.
        autocast_dtype: type that the network computes in, such as torch.bfloat16; poses stay float32. None: float32.

    Raises:
        PoseError: when there is no network called `design.backbone`.
    """

    def __init__(self, design: StageDesign, residuals: Residuals, autocast_dtype: torch.dtype | None = None) -> None:
        super().__init__()
        joints, dimensions = residuals.mean.shape
        self.design, self.autocast_dtype = design, autocast_dtype
        self.taught = {"backbone"}  # what is not new in this stage: the first parts of its parameters' names
        self.method = METHODS[design.method]
        self.backbone = build_backbone(design.backbone, design.stride)
        stem, features = self.backbone.stem, self.backbone.width
        self.pose_weight = nn.Parameter(torch.zeros(stem.out_channels, joints, *stem.kernel_size))
        self.head = RegressionHead(features, joints, dimensions)
        if design.likelihood:
            self.sigma_head = RegressionHead(features, len(residuals.pair_std), dimensions)
            self.likelihood = ResidualLikelihood(dimensions)
        if design.pose_indexed:
            self.indexed = nn.Linear(self.backbone.map_width * len(WINDOW), INDEXED)
            self.indexed_head = RegressionHead(joints * (INDEXED + 2), joints, dimensions)
        for name in ("mean", "std", "pair_std"):
            self.register_buffer(name, getattr(residuals, name).float())
        # Kept on the device: made anew at each call they would make the CPU wait for a GPU. Not in the stage's file.
        eye = torch.eye(len(design.skeleton))
        self.register_buffer("to_bones", joints_to_bones(eye, design.skeleton), persistent=False)
        self.register_buffer("to_joints", bones_to_joints(eye, design.skeleton), persistent=False)
        row_of = {pair: row for row, pair in enumerate(get_pairs(self.method.pairs, design.skeleton))}
        origin_pair = [row_of.get((joint, -1), -1) for joint in range(len(design.skeleton))]
        self.register_buffer("origin_pair", torch.tensor(origin_pair), persistent=False)

    def forward(self, images: Tensor, joints: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """The next pose in the method's representation: r(y_t) + N^-1(correction), or N^-1(pose) if it is absolute.

        Args:
            images: (B, 3, size, size) RGB, normalized by ImageNet's mean and std.
            joints: (B, K, D), or (1, K, D) for one pose shared by the batch: y_t in crop pixels. Heatmaps show x, y.

        Returns:
            (B, K, D) bones or joints in crop pixels, float32. In training with a likelihood also (B, P, D), the raw
            sigma of each pair that `heads.likelihood` takes.
        """
        estimate, raw_sigma = self._regress(images, joints, with_sigma=self.training)
        return estimate if raw_sigma is None else (estimate, raw_sigma)

    def predict(self, images: Tensor, joints: Tensor) -> tuple[Tensor, Tensor]:
        """The next pose and the scale of its errors, in inference.

        Args: as `forward`.

        Returns:
            (B, K, D) joints in crop pixels, and (B, K, 2) sigma of each joint's pair with the origin in x and y, crop
            pixels; NaN without a likelihood, and for a joint whose pair with the origin the method does not have.
        """
        estimate, raw_sigma = self._regress(images, joints, with_sigma=True)
        pose = self.decode(estimate)
        if raw_sigma is None:
            return pose, torch.full_like(pose[..., :2], torch.nan)
        sigma = (torch.sigmoid(raw_sigma) * self.pair_std)[:, self.origin_pair, :2]
        return pose, torch.where((self.origin_pair >= 0).unsqueeze(-1), sigma, torch.nan)

    def scores(self, sigma: Tensor) -> Tensor:
        """1 - sigma as Li et al. score a joint: the mean over x and y, as a part of the crop's side, as their targets.

        Args:
            sigma: (B, K, 2) crop pixels, as `predict` gives it.

        Returns:
            (B, K) in 0..1; NaN where sigma is.
        """
        return (1 - (sigma / self.design.size).mean(dim=-1)).clamp(min=0)

    def _regress(self, images: Tensor, joints: Tensor, with_sigma: bool) -> tuple[Tensor, Tensor | None]:
        with torch.autocast(images.device.type, self.autocast_dtype, enabled=self.autocast_dtype is not None):
            features, maps = self._features(images, joints)
            output = self.head(features)
            if self.design.pose_indexed:
                indexed = self.indexed(sample_features(maps, joints[..., :2], self.design.size)).relu()
                where = (joints[..., :2] / self.design.size - 0.5).expand(indexed.shape[0], -1, -1)
                output = output + self.indexed_head(torch.cat([indexed, where.to(indexed)], dim=-1).flatten(1))
            raw_sigma = self.sigma_head(features).float() if with_sigma and self.design.likelihood else None
        estimate = denormalize(output.float(), self.mean, self.std)
        if not self.design.absolute:
            estimate = self.encode(joints) + estimate
        return estimate, raw_sigma

    def _features(self, images: Tensor, joints: Tensor) -> tuple[Tensor, list[Tensor]]:
        stem, size = self.backbone.stem, self.design.size
        shape = (size, self.design.sigma, self.pose_weight, stem.stride[0], stem_padding(stem, size))
        if joints.shape[0] == 1:  # len() would fix the batch of an exported model
            features = stem(images).add_(convolve_heatmaps(joints[..., :2], *shape))
        else:
            features = convolve_heatmaps(joints[..., :2], *shape, onto=stem(images))
        return self.backbone(features)

    def encode(self, joints: Tensor) -> Tensor:
        """Joints (..., K, D) in this stage's representation, bones or joints."""
        return self.to_bones.to(joints) @ joints if self.method.representation == "bones" else joints

    def decode(self, estimate: Tensor) -> Tensor:
        """The inverse of `encode`: joints (..., K, D) from this stage's representation."""
        return self.to_joints.to(estimate) @ estimate if self.method.representation == "bones" else estimate

    def new_parameters(self) -> list[nn.Parameter]:
        """What no training has taught yet: the heatmap half and the heads, unless they come from a trained stage."""
        return [value for name, value in self.named_parameters() if name.split(".")[0] not in self.taught]

    def folded(self) -> "Stage":
        """A copy for inference: each batch normalization is folded into the convolution before it.

        It gives the same poses up to rounding; a pass over memory after each convolution is saved.
        """
        stage = copy.deepcopy(self).eval().requires_grad_(False)
        if norm := fold_batch_norms(stage.backbone):
            stage.pose_weight *= (norm.weight * (norm.running_var + norm.eps).rsqrt()).view(-1, 1, 1, 1)
        return stage.to(memory_format=torch.channels_last)

    def take(self, other: "Stage", parts: Sequence[str]) -> None:
        """Copy those modules and parameters that another stage has, such as `head`; they are new no longer."""
        state = {name: value for name, value in other.state_dict().items() if name.split(".")[0] in parts}
        self.load_state_dict(state, strict=False)
        self.taught.update(name.split(".")[0] for name in state)


def sample_features(maps: Sequence[Tensor], joints: Tensor, size: int) -> Tensor:
    """Features at and around joints (pose-indexed features: Dollar et al., Cascaded Pose Regression, CVPR 2010).

    Args:
        maps: (B, C, n, n) each, of a crop of side `size`.
        joints: (B, K, 2), or (1, K, 2) for all, x, y in crop pixels; beyond the crop its border is read.

    Returns:
        (B, K, 9 (C + C' + ...)), bilinear between cells: the places of `WINDOW` one after the other.
    """
    where = (((joints + 0.5) / size).unsqueeze(2) + torch.tensor(WINDOW, device=joints.device)) * 2 - 1
    where = where.expand(maps[0].shape[0], -1, -1, -1)
    sampled = [F.grid_sample(cells, where.to(cells), "bilinear", "border", align_corners=False) for cells in maps]
    return torch.cat(sampled, dim=1).permute(0, 2, 3, 1).flatten(2)


class RegressionHead(nn.Linear):
    """One linear layer from C pooled features to K * D numbers, the paper's only change to the ResNet's top.

    Its weights start near zero: an untrained stage then moves every pose by the mean residual, which is the best
    guess before the image has been looked at.
    """

    def __init__(self, features: int, joints: int, dimensions: int = 2) -> None:
        super().__init__(features, joints * dimensions)
        self.shape = (joints, dimensions)
        nn.init.normal_(self.weight, std=1e-3)
        nn.init.zeros_(self.bias)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C) features -> (B, K, D) corrections, normalized (mean 0, standard deviation 1 on training data)."""
        return super().forward(features).unflatten(-1, self.shape)
