"""Heatmaps convolved against rendered ones, and int8 against fp32: `python tests/benchmarks/parts.py [cpu|cuda]`."""

import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from ief.benchmarks.stages import JOINTS, Workload
from ief.benchmarks.timing import line
from ief.inference.onnx import OnnxNetwork
from ief.inference.onnx_export import CropsToPose, export_onnx, quantize
from ief.model.heatmaps import convolve_heatmaps, gaussian_factors

BATCH, INT8_BATCH = 64, 8


def heatmaps(workload):
    """The convolution from the maps' 1-D factors, against rendering the maps and a conv2d."""
    size, sigma, device = workload.size, workload.size / 32, workload.device
    joints = torch.rand(BATCH, JOINTS, 2, device=device) * size
    weight = torch.randn(64, JOINTS, 7, 7, device=device)

    def rendered():
        columns, rows = gaussian_factors(joints, size, sigma).unbind(dim=-2)
        return F.conv2d(rows.unsqueeze(-1) * columns.unsqueeze(-2), weight, None, 2, 3)

    name = f"heatmaps {JOINTS}x{size}x{size}, convolved, batch {BATCH} / rendered + conv2d"
    return workload.compare(name, lambda: convolve_heatmaps(joints, size, sigma, weight, 2, (3, 3)), rendered, 2)


def int8(workload, folder):
    """Two exported stages under ONNX Runtime on the CPU."""
    crops = np.random.default_rng(0).integers(0, 255, (INT8_BATCH, workload.size, workload.size, 3), dtype=np.uint8)
    fp32 = export_onnx(CropsToPose(workload.cascade()), folder / "fp32.onnx")
    ours, baseline = (partial(OnnxNetwork(path), crops) for path in (quantize(fp32, folder / "int8.onnx", crops), fp32))
    return workload.compare(f"two stages, batch {INT8_BATCH}, int8 / fp32", ours, baseline, 3)


if __name__ == "__main__":
    print(line(heatmaps(Workload(torch.device(sys.argv[1] if len(sys.argv) > 1 else "cpu")))))
    with tempfile.TemporaryDirectory() as temporary:
        print(line(int8(Workload(torch.device("cpu")), Path(temporary))))
