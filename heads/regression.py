"""The regression head: pooled features -> a normalized correction of every bone or joint."""

from __future__ import annotations

from torch import Tensor, nn


class RegressionHead(nn.Linear):
    """One linear layer from C pooled features to K * D numbers, the paper's only change to the ResNet's top.

    Its weights start near zero: an untrained stage then moves every pose by the mean residual, which is the best
    guess before the image has been looked at.
    """

    def __init__(self, features: int, joints: int, dimensions: int = 2) -> None:
        super().__init__(features, joints * dimensions)
        self.shape = (joints, dimensions)
        nn.init.normal_(self.weight, std=1e-3)
        nn.init.zeros_(self.bias)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C) features -> (B, K, D) corrections, normalized (mean 0, standard deviation 1 on training data)."""
        return super().forward(features).unflatten(-1, self.shape)
