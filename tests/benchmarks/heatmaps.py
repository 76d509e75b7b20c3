"""The convolution over a pose's heatmaps against rendering them: `python tests/benchmarks/heatmaps.py [cpu|cuda]`."""

import sys

import torch
import torch.nn.functional as F

from heads.skeleton import MPII
from ief.benchmarks.timing import line
from ief.benchmarks.workload import Workload
from ief.model.heatmaps import convolve_heatmaps, gaussian_factors

BATCH = 64


def heatmaps(workload):
    """The convolution from the maps' 1-D factors, against rendering the maps and a conv2d."""
    size, sigma, device = workload.size, workload.size / 32, workload.device
    joints = torch.rand(BATCH, len(MPII), 2, device=device) * size
    weight = torch.randn(64, len(MPII), 7, 7, device=device)

    def rendered():
        columns, rows = gaussian_factors(joints, size, sigma).unbind(dim=-2)
        return F.conv2d(rows.unsqueeze(-1) * columns.unsqueeze(-2), weight, None, 2, 3)

    name = f"heatmaps {len(MPII)}x{size}x{size}, convolved, batch {BATCH} / rendered + conv2d"
    return workload.compare(name, lambda: convolve_heatmaps(joints, size, sigma, weight, 2, 3), rendered, 2)


if __name__ == "__main__":
    print(line(heatmaps(Workload(torch.device(sys.argv[1] if len(sys.argv) > 1 else "cpu")))))
