"""Inference through both stages, and from files of images, against the network alone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from ief.benchmarks.timing import Function
from ief.benchmarks.workload import Workload, draw_image
from ief.inference.inputs import find_images, whole_images
from ief.inference.predictor import PosePredictor

IMAGES, FILES_BATCH = 64, 32  # one batch of files would not fill the pipeline


def network(workload: Workload) -> Iterator[dict]:
    """Two-stage inference against the bare network twice; files to poses against preprocessed crops."""
    batch_size = workload.batch_size or (256 if workload.on_gpu else 8)
    name = f"two stages, {workload.backbone}, {workload.size} px, batch {batch_size}"
    for dtype in (None, torch.bfloat16) if workload.on_gpu else (None,):
        ours = workload.forward(workload.cascade(2, dtype).folded(), batch_size)
        bare = twice(workload.forward(workload.bare(), batch_size, dtype))
        target = 0.95 if workload.on_gpu else 0.9
        yield workload.compare(f"{name}, {'bf16' if dtype else 'fp32'} / two bare forwards", ours, bare, target)
    with tempfile.TemporaryDirectory() as folder:
        yield files(workload, Path(folder))


def twice(function: Function) -> Function:
    """Two calls of `function`."""
    return lambda: (function(), function())


def files(workload: Workload, folder: Path) -> dict:
    """Images on disk to poses in their pixels, against the network on preprocessed crops of as many people."""
    if workload.images is None:
        drawn = [draw_image(1280, 720, seed) for seed in range(10)]
        for number in range(IMAGES):
            (folder / f"{number:03}.jpg").write_bytes(drawn[number % len(drawn)])
    images = whole_images(find_images([workload.images or folder]))
    predictor = PosePredictor.of(workload.cascade(), batch_size=FILES_BATCH)
    crops = np.random.default_rng(0).integers(0, 255, (FILES_BATCH, workload.size, workload.size, 3), dtype=np.uint8)

    def alone() -> None:
        for start in range(0, len(images), FILES_BATCH):
            predictor.network(crops[: len(images) - start])

    name = f"file to pose, {len(images)} images of {workload.images or '1280x720'} / the network alone"
    return workload.compare(name, lambda: list(predictor.stream(images)), alone, 0.85)
