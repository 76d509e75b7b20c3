"""What the benches run: networks with random weights and random inputs of one size, on one device."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models import get_model

from heads.pairs import all_pairs
from heads.skeleton import MPII
from ief.model.cascade import Cascade
from ief.model.stage import Residuals, Stage, StageDesign

JOINTS = len(MPII)


@dataclass(frozen=True)
class Workload:
    """Sizes and device of a run of `ief bench`.

    Attributes:
        device: where networks and maps are computed.
        backbone: of the stages.
        size: side of the input in pixels.
        batch: samples a call of the networks; None leaves each bench its own.
        images: a folder of images for the benches that start from files; None draws some.
        compile: whether networks run compiled, ours and the floors alike.
    """

    device: torch.device
    backbone: str = "resnet50"
    size: int = 224
    batch: int | None = None
    images: Path | None = None
    compile: bool = False

    def stage(self) -> Stage:
        """An untrained stage whose heatmap half is not zero."""
        residuals = Residuals(torch.zeros(JOINTS, 2), torch.ones(JOINTS, 2), torch.ones(len(all_pairs(MPII)), 2))
        stage = Stage(StageDesign(self.backbone, size=self.size, sigma=self.size / 32), residuals)
        nn.init.normal_(stage.pose_weight, std=0.01)
        return stage.to(self.device, memory_format=torch.channels_last)

    def cascade(self) -> Cascade:
        """Two untrained stages after a pose inside the crop, in evaluation mode."""
        cascade = Cascade(torch.rand(JOINTS, 2) * self.size, [self.stage(), self.stage()])
        return cascade.to(self.device).eval()

    def bare(self) -> nn.Module:
        """The bare torchvision network of the stages, in the same memory layout."""
        return get_model(self.backbone, weights=None).to(self.device, memory_format=torch.channels_last)

    def as_run(self, network: nn.Module) -> nn.Module:
        """The network, compiled where that was asked for."""
        return torch.compile(network) if self.compile else network

    def inputs(self, batch: int) -> Tensor:
        """(batch, 3, size, size) random normalized input, channels last."""
        images = torch.randn(batch, 3, self.size, self.size, device=self.device)
        return images.contiguous(memory_format=torch.channels_last)

    def joints(self, batch: int) -> Tensor:
        """(batch, K, 2) random poses in crop pixels."""
        return torch.rand(batch, JOINTS, 2, device=self.device) * self.size
