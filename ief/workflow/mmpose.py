"""mmpose's regression networks as stage 0 of a run: DeepPose (Toshev and Szegedy) and RLE (Li et al.).

Each is a ResNet whose pooled features go through one linear layer, `head.fc` (`keypoint_head.fc` of mmpose 0), to x, y
of every joint, and in RLE to the raw sigmas of x and y too, as fractions of the input's sides: a stage without
heatmaps, in other units.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from checkpoints import PoseError, checksum, escape_name
from checkpoints.pretrained import load_pretrained_weights, name_network, read_tensors, trunk_shapes
from heads.skeleton import COCO17, MPII
from ief.model.run_folder import open_release, save_stage, stage_file
from ief.model.stage import Residuals, Stage, StageDesign
from ief.model.start import load_backbone
from ief.training.residuals import compute_residuals
from mpii_tools.people import CENTER_SHIFT, CROP_SIDE
from mpii_tools.synthetic.pose_prior import sample_poses

SIZE = 256  # side of the input of mmpose's networks for MPII
JOINTS = len(MPII)
POSES = 10_000  # drawn, for y_0 and the statistics


def import_mmpose(file: Path, out: Path, method: str = "all") -> Path:
    """Write `OUT/stage0/stage.safetensors`, which gives the joints and scores that mmpose's network gives of a crop.

    What a checkpoint lacks, y_0 and the statistics of the poses, is that of drawn people; the joints do not depend on
    it. Behind RLE, errors of a pair are in units of the input's side, as there.

    Args:
        file: of mmpose, for MPII at 256 x 256; nothing in it is run.
        out: folder without a run.
        method: a name of Table 1, whose representation the stage gets. Scores need pairs with the origin.

    Raises:
        PoseError: another network, a corrupt file, or an `out` that holds a run.
    """
    weight, bias = read_head(file)
    pretrained = load_pretrained_weights(file, "3x3")  # mmpose's `pytorch` style, of all its regression networks
    network = name_network(trunk_shapes(pretrained.tensors))
    if not network:
        raise PoseError(f"{file}: its ResNet is none of torchvision's; give one of ResNet-50 to 152")
    design = StageDesign(network, method=method, size=SIZE, sigma=SIZE / 32, likelihood=weight.shape[1] == 4)
    mean_pose, residuals = draw_statistics(method)
    if design.likelihood:
        residuals = residuals._replace(pair_std=torch.full_like(residuals.pair_std, SIZE))
    stage = Stage(design, residuals)
    if weight.shape[-1] != stage.backbone.width:
        raise PoseError(f"{file}: head.fc takes {weight.shape[-1]} features, a {network} has {stage.backbone.width}")
    load_backbone(stage, pretrained)
    set_head(stage, weight, bias, mean_pose)
    origin = {"imported_from": file.name, "sha256": checksum(file)}
    with open_release(out) as part:
        save_stage(stage_file(part, 0), stage, mean_pose, {"stage": 0, "follows": None, **origin})
    return stage_file(out, 0)


def read_head(file: Path) -> tuple[Tensor, Tensor]:
    """Weight (K, 2 or 4, C) and bias (K, 2 or 4) of a regression head for MPII's joints, float64.

    Raises:
        PoseError: another head, of which a line says what it is.
    """
    state = read_tensors(file)
    names = [name for name in state if isinstance(name, str) and name.startswith(("head.", "keypoint_head."))]
    linear = next((name for name in names if name.endswith("head.fc.weight")), None)
    if linear is None:
        if heatmaps := next((name for name in names if "final_layer" in name or "deconv" in name), None):
            raise PoseError(
                f"{file}: a network of heatmaps ({heatmaps}), whose joints are their maxima; give one that regresses "
                "them, of mmpose's DeepPose or RLE"
            )
        found = f"its head has {escape_name(names[0])}" if names else "it has no head of mmpose"
        raise PoseError(f"{file}: no head.fc, {found}; give a checkpoint of mmpose's DeepPose or RLE")
    weight, bias = state[linear], state.get(linear.replace("weight", "bias"))
    for tensor in (weight, bias):
        if not isinstance(tensor, Tensor) or not tensor.is_floating_point() or not tensor.isfinite().all():
            raise PoseError(f"{file}: head.fc is not of finite floats; get the file again")
    if len(weight) in (2 * len(COCO17), 4 * len(COCO17)):
        raise PoseError(
            f"{file}: has COCO's 17 joints, of crops of 256 x 192; a stage's are square: give one of MPII's"
        )
    if weight.ndim != 2 or len(weight) not in (2 * JOINTS, 4 * JOINTS) or bias.shape != weight.shape[:1]:
        raise PoseError(f"{file}: head.fc is {tuple(weight.shape)}, expected 32 or 64 rows; give one of MPII's")
    return weight.double().unflatten(0, (JOINTS, -1)), bias.double().view(JOINTS, -1)


def draw_statistics(method: str) -> tuple[Tensor, Residuals]:
    """y_0 (K, 2), and what it leaves to correct of drawn poses, in crop pixels."""
    poses = sample_poses(np.random.default_rng(0), POSES) - [0, CENTER_SHIFT]
    joints = torch.from_numpy(poses * (SIZE / CROP_SIDE) + (SIZE - 1) / 2).float()
    mean = joints.mean(dim=0)
    return mean, compute_residuals(joints, mean.expand_as(joints), joints.isfinite(), MPII, method)


@torch.no_grad()
def set_head(stage: Stage, weight: Tensor, bias: Tensor, mean_pose: Tensor) -> None:
    """Give a stage the head of `read_head`, converted to its bones or joints, and to its normalization."""
    std = stage.std.double()
    regressed = stage.encode(weight[:, :2].permute(2, 0, 1) * SIZE) / std  # (C, K, 2)
    offset = stage.encode(bias[:, :2] * SIZE) - stage.encode(mean_pose.double()) - stage.mean
    stage.head.weight.copy_(regressed.flatten(1).T)
    stage.head.bias.copy_((offset / std).flatten())
    if stage.design.likelihood:
        known, head = stage.origin_pair >= 0, stage.sigma_head
        torch.nn.init.zeros_(head.weight)
        head.weight.unflatten(0, head.shape)[stage.origin_pair[known]] = weight[known, 2:].float()
        head.bias.view(head.shape)[stage.origin_pair[known]] = bias[known, 2:].float()
