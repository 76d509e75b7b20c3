"""What `ief bench` runs: training steps of both stages as `ief train` takes them, and inference, against bare networks.

Networks have random weights and random inputs of one size, and are on one device.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import get_model

from heads.pairs import all_pairs
from heads.skeleton import MPII
from ief.benchmarks.timing import Function, measure, summarize
from ief.inference.inputs import find_inputs, whole_images
from ief.inference.predictor import PosePredictor
from ief.model.cascade import Cascade
from ief.model.stage import Residuals, Stage, StageDesign
from ief.training.options import PRESETS, Preset, RunConfig
from ief.training.runtime import Runtime, native_bf16
from ief.training.stage_config import StageConfig, TrainingData
from ief.training.trainer import StageTrainer
from mpii_tools.people import People
from mpii_tools.prepared.read import PreparedSplit

JOINTS = len(MPII)
RESIDUALS = Residuals(torch.zeros(JOINTS, 2), torch.ones(JOINTS, 2), torch.ones(len(all_pairs(MPII)), 2))
PEOPLE, IMAGES, FILES_BATCH = 512, 64, 32  # one batch of files would not fill the pipeline


@dataclass(frozen=True)
class Workload:
    """Sizes and device of a run of `ief bench`.

    Attributes:
        device: where networks and maps are computed.
        backbone: of the stages.
        size: side of the input in pixels.
        batch_size: samples per call of the networks; None for each bench's own.
        rounds: timed rounds of each bench.
    """

    device: torch.device
    backbone: str = "resnet50"
    size: int = 224
    batch_size: int | None = None
    rounds: int = 9

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
        """A forward of `network` in evaluation mode on one random batch."""
        images, network = self.inputs(batch_size), network.eval()

        @torch.inference_mode()
        def forward() -> object:
            with torch.autocast(self.device.type, dtype, enabled=dtype is not None):
                return network(images)

        return forward

    def inputs(self, batch_size: int) -> Tensor:
        """(batch_size, 3, size, size) random normalized input, channels last."""
        images = torch.randn(batch_size, 3, self.size, self.size, device=self.device)
        return images.contiguous(memory_format=torch.channels_last)


def training(workload: Workload) -> Iterator[dict]:
    """Both stages with the optimizer and precision of `swift`."""
    swift = replace(PRESETS["swift"], batch_size=workload.batch_size or (64 if workload.on_gpu else 8))
    step = training_step(workload, swift)
    dtype, batch_size = torch.bfloat16 if workload.on_gpu or native_bf16() else None, swift.batch_size
    bare, forward = bare_step(workload, batch_size, dtype), workload.forward(workload.bare(), batch_size, dtype)
    what = f"{workload.backbone}, {workload.size} px, batch {batch_size}"
    yield workload.compare(f"step of stage 0, {what} / bare training step", step, bare, 0.9)
    if dtype:
        fp32 = training_step(workload, replace(swift, precision="fp32"))
        yield workload.compare(f"step of stage 0, {what}, bf16 / fp32", step, fp32, 1)
    later = training_step(workload, swift, 1)
    name = f"step of stage 1, {what} / bare training step + bare forward"
    yield workload.compare(name, later, lambda: (bare(), forward()), 0.9)


def training_step(workload: Workload, preset: Preset, index: int = 0) -> Function:
    """The next step of a training of stage `index`, without EMA on random crops, each time it is called."""
    # The schedule does not end while it is measured.
    run = RunConfig(weights="none", options=replace(preset, backbone=workload.backbone, epochs=1e5, ema=0.0))
    config = StageConfig(run, TrainingData(random_split(workload.size)), Path("unused"), index)
    trainer, steps = StageTrainer(config, Runtime(workload.device)), count()
    trainer.build(workload.cascade(index), RESIDUALS)
    return lambda: trainer.step(next(steps))


def random_split(size: int) -> PreparedSplit:
    """Prepared noise: crops of 1.5 times the input, poses about their middle."""
    rng, side, center = np.random.default_rng(0), size + 2 * (size // 4), np.full((PEOPLE, 2), size / 2)
    joints = rng.normal(size / 2, size / 8, (PEOPLE, JOINTS, 2))
    people = People(["noise.jpg"] * PEOPLE, joints, center=center, scale=np.full(PEOPLE, size / 250))
    crops = rng.integers(0, 255, (PEOPLE, side, side, 3), dtype=np.uint8)
    return PreparedSplit(people, crops, size, size // 4, "noise", "train")


def bare_step(workload: Workload, batch_size: int, dtype: torch.dtype | None) -> Function:
    """A training step of the bare network on one random batch: same precision, layout and optimizer."""
    network, images = workload.bare().train(), workload.inputs(batch_size)
    labels = torch.randint(1000, (batch_size,), device=workload.device)
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast(workload.device.type, dtype, enabled=dtype is not None):
            loss = F.cross_entropy(network(images).float(), labels)
        loss.backward()
        optimizer.step()

    return step


def network(workload: Workload) -> Iterator[dict]:
    """Two-stage inference against the bare network twice; files to poses against preprocessed crops."""
    batch_size = workload.batch_size or (256 if workload.on_gpu else 8)
    name = f"two stages, {workload.backbone}, {workload.size} px, batch {batch_size}"
    for dtype in (None, torch.bfloat16) if workload.on_gpu else (None,):
        ours = workload.forward(workload.cascade(2, dtype).folded(), batch_size)
        bare = workload.forward(workload.bare(), batch_size, dtype)
        both = f"{name}, {'bf16' if dtype else 'fp32'} / two bare forwards"
        yield workload.compare(both, ours, lambda bare=bare: (bare(), bare()), 0.95 if workload.on_gpu else 0.9)
    with tempfile.TemporaryDirectory() as folder:
        yield files(workload, Path(folder))


def files(workload: Workload, folder: Path) -> dict:
    """Images on disk to poses in their pixels, against the network on preprocessed crops of as many people."""
    drawn = [draw_image(1280, 720, seed) for seed in range(10)]
    for number in range(IMAGES):
        (folder / f"{number:03}.jpg").write_bytes(drawn[number % len(drawn)])
    images, predictor = (
        whole_images(find_inputs([folder])[0]),
        PosePredictor.of(workload.cascade(), batch_size=FILES_BATCH),
    )
    crops = np.random.default_rng(0).integers(0, 255, (FILES_BATCH, workload.size, workload.size, 3), dtype=np.uint8)

    def alone() -> None:
        for start in range(0, len(images), FILES_BATCH):
            predictor.network(crops[: len(images) - start])

    name = f"file to pose, {len(images)} images of 1280x720 / the network alone"
    return workload.compare(name, lambda: list(predictor.stream(images)), alone, 0.85)


def draw_image(width: int, height: int, seed: int) -> bytes:
    """A JPEG of quality 90: noise of all sizes, the finer the weaker, as in photographs; colors vary less than gray."""
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)
    falling = np.hypot(rows, columns).clip(1 / max(width, height)) ** -1.6
    noise = np.fft.rfft2(np.random.default_rng(seed).standard_normal((4, height, width)))
    gray, *colors = np.fft.irfft2(noise * falling, (height, width))
    image = gray[..., None] + np.stack(colors, axis=-1) / 4
    pixels = (118 + 45 * image / image.std()).clip(0, 255).astype(np.uint8)
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
