"""Residual log-likelihood in place of L1 (Li et al., "Human Pose Regression with Residual Log-likelihood
Estimation", ICCV 2021), for relative positions of any number of dimensions.

The network says beside each relative position how far off it may be, its spread. A term is then the sum of two negative
log-likelihoods of one error: under a Laplace distribution of that spread, and under a distribution that is learnt with
the network, a normalizing flow of the error in units of the spread. L1 is the first of them with a constant spread.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

COUPLINGS, WIDTH = 6, 64
SMALLEST_SPREAD = 1e-3


class ResidualLikelihood(nn.Module):
    """-log p of errors under a Laplace distribution and a learnt one (Eq. 8 and 9 of Li et al.), shared by all pairs.

    Args:
        dimensions: D of the errors, 2 or more: a coupling moves some coordinates by what the others are.
    """

    def __init__(self, dimensions: int = 2) -> None:
        super().__init__()
        self.couplings = nn.ModuleList(Coupling(dimensions, number % 2) for number in range(COUPLINGS))

    def forward(self, error: Tensor, raw_spread: Tensor) -> Tensor:
        """The terms of a loss.

        Args:
            error: (B, D, P) errors of P pairs in standard deviations of the training data.
            raw_spread: (B, P, D) what the network says of them; its sigmoid is the spread, in the same unit.

        Returns:
            (B, D, P); a pair's learnt log-likelihood is divided evenly among its coordinates.
        """
        spread = torch.sigmoid(raw_spread).transpose(1, 2).clamp(min=SMALLEST_SPREAD)
        scaled = error / spread
        laplace = math.sqrt(2) * scaled.abs() + torch.log(math.sqrt(2) * spread)
        learnt = self.log_density(scaled.transpose(1, 2)).unsqueeze(1) / error.shape[1]
        return laplace + torch.log(spread) - learnt

    def log_density(self, errors: Tensor) -> Tensor:
        """(..., D) errors in units of their spread -> (...) their log density under the learnt distribution."""
        log_volume = torch.zeros_like(errors[..., 0])
        for coupling in self.couplings:
            errors, change = coupling(errors)
            log_volume = log_volume + change
        normal = -0.5 * errors.square().sum(dim=-1) - 0.5 * errors.shape[-1] * math.log(2 * math.pi)
        return normal + log_volume


class Coupling(nn.Module):
    """One affine coupling of a RealNVP (Dinh et al., 2017), from errors towards a normal distribution.

    Args:
        parity: which coordinates stay, the even ones (0) or the odd ones (1); the others are scaled and moved.
    """

    def __init__(self, dimensions: int, parity: int) -> None:
        super().__init__()
        self.register_buffer("stays", (torch.arange(dimensions) % 2 == parity).float())
        self.scale = nn.Sequential(_perceptron(dimensions), nn.Tanh())
        self.shift = _perceptron(dimensions)

    def forward(self, errors: Tensor) -> tuple[Tensor, Tensor]:
        """(..., D) -> the moved errors (..., D) and the log of the change of volume (...)."""
        stays, moves = self.stays.to(errors), 1 - self.stays.to(errors)
        kept = errors * stays
        scale, shift = self.scale(kept) * moves, self.shift(kept) * moves
        return kept + moves * (errors - shift) * torch.exp(-scale), -scale.sum(dim=-1)


def _perceptron(dimensions: int) -> nn.Sequential:
    layers = [nn.Linear(dimensions, WIDTH), nn.LeakyReLU(), nn.Linear(WIDTH, WIDTH), nn.LeakyReLU()]
    last = nn.Linear(WIDTH, dimensions)
    nn.init.normal_(last.weight, std=1e-2)  # the flow starts as nearly the identity
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)
