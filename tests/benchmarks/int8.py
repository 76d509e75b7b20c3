"""The exported model in int8 against fp32, both under ONNX Runtime: `python tests/benchmarks/int8.py`."""

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import torch

from ief.benchmarks.timing import line
from ief.benchmarks.workload import Workload
from ief.inference.onnx import CropsToPose, OnnxNetwork, export_onnx, quantize


def int8(workload, folder):
    """On all threads and on one; a session has as many as torch when it is opened."""
    crops = np.random.default_rng(0).integers(0, 255, (8, workload.size, workload.size, 3), dtype=np.uint8)
    fp32 = export_onnx(CropsToPose(workload.cascade()), folder / "fp32.onnx")
    models = quantize(fp32, folder / "int8.onnx", crops), fp32
    for threads in sorted({torch.get_num_threads(), 1}, reverse=True):
        torch.set_num_threads(threads)
        yield workload.compare(
            f"two stages, int8 / fp32, {threads} threads", *(partial(OnnxNetwork(path), crops) for path in models), 3
        )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        for result in int8(Workload(torch.device("cpu")), Path(temporary)):
            print(line(result), flush=True)
