"""Size and time of two stages of a network, untrained, as `ief export` writes them: in fp32 and in int8.

`OMP_NUM_THREADS=1 python tests/benchmarks/sizes.py SIZE NETWORK ...`: of one person at SIZE px, the processor's time on
one core, median and range of 40 calls; the models alternate.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from ief.benchmarks.stages import Workload
from ief.inference.onnx import OnnxNetwork
from ief.inference.onnx_export import CropsToPose, export_onnx, quantize

ROUNDS = 40

if __name__ == "__main__":
    torch.set_num_threads(1)
    size, models, times = int(sys.argv[1]), {}, {}
    crops = np.random.default_rng(0).integers(0, 255, (16, size, size, 3), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[2:]:
            cascade, whole = Workload(torch.device("cpu"), name, size).cascade(), Path(folder) / "fp32.onnx"
            export_onnx(CropsToPose(cascade), whole)
            for path in (whole, quantize(whole, Path(folder) / "int8.onnx", crops)):
                key = f"{name}, {path.stem}, {path.stat().st_size / 1e6:.1f} MB"
                models[key], times[key] = OnnxNetwork(path), []
    for _ in range(ROUNDS):
        for key, model in models.items():
            start = time.process_time()
            model(crops[:1])
            times[key].append(1e3 * (time.process_time() - start))
    for key, taken in times.items():
        print(f"{key}: {statistics.median(taken):.1f} [{min(taken):.1f}, {max(taken):.1f}] ms")
