"""Inference through both stages: as torch and ONNX Runtime run it, in int8, and from files of images."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ief.benchmarks.timing import Bench, one_thread
from ief.benchmarks.workload import Workload
from ief.inference.images import find_images, predict_boxes
from ief.inference.predictor import CascadeNetwork

IMAGES = 64  # what is drawn where no images are given: one batch of files would not fill the pipeline


def benches(workload: Workload) -> Iterator[Bench]:
    """Two-stage inference against the bare network twice; files to poses against preprocessed crops."""
    on_gpu = workload.device.type == "cuda"
    batch = workload.batch or (256 if on_gpu else 8)
    what = f"{workload.backbone}, {workload.size} px, batch {batch}"
    for half in (False, True) if on_gpu else (False,):
        ours, floor = two_stages(workload, batch, half), bare_twice(workload, batch, half)
        precision = "bf16" if half else "fp32"
        yield Bench(f"two stages, {what}, {precision} / two bare forwards", ours, floor, 0.95 if on_gpu else 0.9)
        del ours, floor
    with tempfile.TemporaryDirectory() as folder:
        yield from_files(workload, 32, Path(folder))
        if not on_gpu and find_spec("onnxruntime") and find_spec("onnxscript"):
            yield from exported(workload, batch, what, Path(folder))


def two_stages(workload: Workload, batch: int, half: bool) -> Callable[[], object]:
    """Image to pose."""
    cascade, images = workload.cascade().folded(), workload.inputs(batch)
    for stage in cascade.stages:
        stage.half = half
    cascade = workload.as_run(cascade)
    return torch.inference_mode()(lambda: cascade(images))


def bare_twice(workload: Workload, batch: int, half: bool) -> Callable[[], object]:
    """The bare network two times, in the same layout and precision."""
    bare, images = workload.as_run(workload.bare().eval()), workload.inputs(batch)

    @torch.inference_mode()
    def twice() -> tuple[Tensor, Tensor]:
        with torch.autocast(workload.device.type, torch.bfloat16, enabled=half):
            return bare(images), bare(images)

    return twice


def from_files(workload: Workload, batch: int, folder: Path) -> Bench:
    """Images on disk to poses in their pixels, against the network on preprocessed crops of as many people."""
    if workload.images is None:
        draw_images(folder)
    boxes = find_images([workload.images or folder])
    network = CascadeNetwork(workload.cascade())
    crops = np.random.default_rng(0).integers(0, 255, (batch, workload.size, workload.size, 3), dtype=np.uint8)

    def files() -> object:
        return predict_boxes(network, boxes, workload.size, batch)

    def alone() -> None:
        for start in range(0, len(boxes), batch):
            network(crops[: len(boxes) - start])

    kind = f"images of {workload.images}" if workload.images else "images of 1280x720"
    return Bench(f"file to pose, {len(boxes)} {kind} / the network alone", files, alone, 0.85)


def draw_images(folder: Path) -> None:
    """IMAGES JPEG files of 1280 x 720."""
    from ief.benchmarks.crops import draw_images as drawn  # it needs OpenCV, which the rest does without

    ten = drawn(1280, 720)
    for number in range(IMAGES):
        (folder / f"{number:03}.jpg").write_bytes(ten[number % len(ten)])


def exported(workload: Workload, batch: int, what: str, folder: Path) -> Iterator[Bench]:
    """ONNX Runtime: fp32 against the bare network twice, int8 against fp32."""
    from ief.inference.onnx_export import CropsToPose, export_onnx, write_onnx
    from ief.inference.onnx_int8 import quantize
    from ief.inference.onnx_runtime import OnnxNetwork, open_session

    crops = np.random.default_rng(0).integers(0, 255, (batch, workload.size, workload.size, 3), dtype=np.uint8)
    path = export_onnx(CropsToPose(workload.cascade()), folder / "pose.onnx")
    free = ({0: torch.export.Dim("batch")},)
    floor = write_onnx(workload.bare(), (workload.inputs(2),), ("images",), free, "scores", {}, folder / "bare.onnx")
    bare = open_session(floor)
    whole, small = OnnxNetwork(path), OnnxNetwork(quantize(path, folder / "int8.onnx", crops))
    images = workload.inputs(batch).contiguous().numpy()
    with one_thread():
        alone = {name: OnnxNetwork(folder / f"{name}.onnx") for name in ("pose", "int8")}

    def bare_twice() -> list:
        return [bare.run(None, {"images": images}) for _ in range(2)]

    yield Bench(f"two stages, {what}, ONNX Runtime / two bare forwards", lambda: whole(crops), bare_twice, 0.9)
    yield Bench(f"two stages, {what}, int8 / fp32, ONNX Runtime", lambda: small(crops), lambda: whole(crops), 3)
    yield Bench("the same on one thread", lambda: alone["int8"](crops), lambda: alone["pose"](crops), 3)
