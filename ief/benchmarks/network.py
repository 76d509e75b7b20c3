"""Inference through both stages: as torch and ONNX Runtime run it, in int8, and from files of images."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
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
        if not workload.on_gpu and find_spec("onnxruntime") and find_spec("onnxscript"):
            yield from exported(workload, batch_size, f"{name}, ONNX Runtime", Path(folder))


def twice(function: Function) -> Function:
    """Two calls of `function`."""
    return lambda: (function(), function())


def random_crops(batch_size: int, size: int) -> np.ndarray:
    """(batch_size, size, size, 3) uint8."""
    return np.random.default_rng(0).integers(0, 255, (batch_size, size, size, 3), dtype=np.uint8)


def files(workload: Workload, folder: Path) -> dict:
    """Images on disk to poses in their pixels, against the network on preprocessed crops of as many people."""
    if workload.images is None:
        drawn = [draw_image(1280, 720, seed) for seed in range(10)]
        for number in range(IMAGES):
            (folder / f"{number:03}.jpg").write_bytes(drawn[number % len(drawn)])
    images = whole_images(find_images([workload.images or folder]))
    predictor = PosePredictor.of(workload.cascade(), batch_size=FILES_BATCH)
    crops = random_crops(FILES_BATCH, workload.size)

    def alone() -> None:
        for start in range(0, len(images), FILES_BATCH):
            predictor.network(crops[: len(images) - start])

    name = f"file to pose, {len(images)} images of {workload.images or '1280x720'} / the network alone"
    return workload.compare(name, lambda: list(predictor.stream(images)), alone, 0.85)


def exported(workload: Workload, batch_size: int, name: str, folder: Path) -> Iterator[dict]:
    """ONNX Runtime: fp32 against the bare network twice, int8 against fp32."""
    from ief.inference.onnx import CropsToPose, OnnxNetwork, export_onnx, open_session, quantize, write_onnx

    crops, images = random_crops(batch_size, workload.size), workload.inputs(batch_size).contiguous()
    fp32 = export_onnx(CropsToPose(workload.cascade()), folder / "fp32.onnx")
    int8 = quantize(fp32, folder / "int8.onnx", crops)
    bare = open_session(write_onnx(workload.bare(), (images,), ["images"], ({},), ["scores"], {}, folder / "bare.onnx"))

    def poses(path: Path) -> Function:
        return partial(OnnxNetwork(path), crops)

    two_bare = twice(lambda: bare.run(None, {"images": images.numpy()}))
    yield workload.compare(f"{name} / two bare forwards", poses(fp32), two_bare, 0.9)
    yield workload.compare(f"{name}, int8 / fp32", poses(int8), poses(fp32), 3)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a session has as many threads as torch when it is opened
    yield workload.compare("the same on one thread", poses(int8), poses(fp32), 3)
    torch.set_num_threads(threads)
