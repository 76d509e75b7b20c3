"""Runs of untrained stages that look at image and heatmaps: their poses differ from image to image."""

import tiny_resnet  # noqa: F401  (registers the network)
import torch

from checkpoints.files import checksum
from heads.pairs import get_pairs
from ief.model.cascade import Cascade
from ief.model.run_folder import save_stage, stage_file
from ief.model.stage import Residuals, Stage, StageDesign


def make_cascade(count=2, size=32, dimensions=2, head=0.3, **design):
    """A cascade of `count` stages for MPII's joints, the same on every call; z, in 3D, in hundreds of mm.

    Args:
        head: standard deviation of the heads' weights; the larger, the more a pose depends on its image.
    """
    units = torch.tensor([1.0, 1.0, 100.0])[:dimensions]
    torch.manual_seed(0)
    stages = []
    for _ in range(count):
        shape = StageDesign("tiny_resnet", size=size, sigma=2.0, **design)
        pairs = len(get_pairs("joint" if shape.method == "ief_star" else shape.method, shape.skeleton))
        residuals = Residuals(torch.zeros(16, dimensions), 3 * units.repeat(16, 1), units.repeat(pairs, 1))
        stage = Stage(shape, residuals)
        torch.nn.init.normal_(stage.pose_weight, std=0.05)
        torch.nn.init.normal_(stage.head.weight, std=head)
        stages.append(stage.eval())
    return Cascade(torch.rand(16, dimensions) * units * size, stages).eval()


def save_run(folder, count=2, **design):
    """A run folder of such a cascade."""
    cascade = make_cascade(count, **design)
    for index, stage in enumerate(cascade.stages):
        follows = checksum(stage_file(folder, index - 1)) if index else None
        save_stage(stage_file(folder, index), stage, cascade.mean_pose, {"stage": index, "follows": follows})
    return folder
