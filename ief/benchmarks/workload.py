"""What the benches run: networks with random weights and random inputs of one size, on one device."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models import get_model

from heads.pairs import all_pairs
from heads.skeleton import MPII
from ief.benchmarks.timing import Function, measure, summarize
from ief.model.cascade import Cascade
from ief.model.stage import Residuals, Stage, StageDesign

JOINTS = len(MPII)
RESIDUALS = Residuals(torch.zeros(JOINTS, 2), torch.ones(JOINTS, 2), torch.ones(len(all_pairs(MPII)), 2))


@dataclass(frozen=True)
class Workload:
    """Sizes and device of a run of `ief bench`.

    Attributes:
        device: where networks and maps are computed.
        backbone: of the stages.
        size: side of the input in pixels.
        batch_size: samples per call of the networks; None for each bench's own.
        images: a folder of images for the benches that start from files; None draws some.
        rounds: timed rounds of each bench.
        compile: whether networks are compiled, ours and the baselines.
    """

    device: torch.device
    backbone: str = "resnet50"
    size: int = 224
    batch_size: int | None = None
    images: Path | None = None
    rounds: int = 9
    compile: bool = False

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a GPU."""
        return self.device.type == "cuda"

    def compare(self, name: str, ours: Function, baseline: Function, target: float | None = None) -> dict:
        """Measure two functions without arguments that do the same amount of work. Returns what `summarize` does."""
        return summarize(name, measure((ours, baseline), self.rounds, self.device), target)

    def cascade(self, stages: int = 2, autocast_dtype: torch.dtype | None = None) -> Cascade:
        """Untrained stages after a pose inside the crop, in evaluation mode; the heatmap half is not zero."""
        design = StageDesign(self.backbone, size=self.size, sigma=self.size / 32)
        untrained = [Stage(design, RESIDUALS, autocast_dtype) for _ in range(stages)]
        for stage in untrained:
            nn.init.normal_(stage.pose_weight, std=0.01)
        cascade = Cascade(torch.rand(JOINTS, 2) * self.size, untrained)
        return cascade.to(self.device, memory_format=torch.channels_last).eval()

    def bare(self) -> nn.Module:
        """The bare torchvision network of the stages, in the same memory layout."""
        return get_model(self.backbone, weights=None).to(self.device, memory_format=torch.channels_last)

    def forward(self, network: nn.Module, batch_size: int, dtype: torch.dtype | None = None) -> Function:
        """A forward of `network` in evaluation mode, compiled if that was asked for, on one random batch."""
        images, called = self.inputs(batch_size), torch.compile(network.eval()) if self.compile else network.eval()

        @torch.inference_mode()
        def forward() -> object:
            with torch.autocast(self.device.type, dtype, enabled=dtype is not None):
                return called(images)

        return forward

    def inputs(self, batch_size: int) -> Tensor:
        """(batch_size, 3, size, size) random normalized input, channels last."""
        images = torch.randn(batch_size, 3, self.size, self.size, device=self.device)
        return images.contiguous(memory_format=torch.channels_last)


def draw_image(width: int, height: int, seed: int) -> bytes:
    """A JPEG of quality 90: noise of all sizes, the finer the weaker, as in photographs."""
    rng, image, cell = np.random.default_rng(seed), np.full((height, width, 3), 118.0, np.float32), max(width, height)
    while cell >= 1:
        shape = (max(2, round(height / cell)), max(2, round(width / cell)))
        # Colors vary less than brightness.
        noise = 0.8 * rng.standard_normal((*shape, 1)) + 0.2 * rng.standard_normal((*shape, 3))
        layer = cv2.resize(noise.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
        image += 70 * layer * (cell / max(width, height)) ** 0.5
        cell /= 2
    return cv2.imencode(".jpg", image.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
