"""Residual log-likelihood estimation (RLE) in place of L1 (Li et al., "Human Pose Regression with Residual
Log-likelihood Estimation", ICCV 2021), for relative positions of any number of dimensions.

Beside each relative position the network predicts sigma, the scale of its error. A term is then the sum of two negative
log-likelihoods of one error: under a Laplace distribution with that standard deviation, and under a distribution that
is learned with the network, a normalizing flow of error / sigma. L1 is the first of them with a constant sigma.
"""

import math

import torch
from torch import Tensor, nn

COUPLINGS, WIDTH = 6, 64
PLANE = 2  # coordinates of a 2D sample
MIN_SIGMA = 1e-3


class ResidualLikelihood(nn.Module):
    """-log p of errors under a Laplace distribution and a flow (Eq. 8 and 9 of Li et al.), shared by all pairs.

    Where D is above 2, errors of which only x and y are known (of 2D samples among 3D ones) have a flow of their own.

    Args:
        dimensions: D of the errors, 2 or more.
    """

    def __init__(self, dimensions: int = 2) -> None:
        super().__init__()
        self.flow = RealNVP(dimensions)
        self.plane = RealNVP(PLANE) if dimensions > PLANE else None

    def select_whole(self, supervised: Tensor) -> Tensor:
        """(B, D, P) bool of coordinates that both ends of a pair have: those of whole errors, or of a whole x, y."""
        whole = supervised.all(dim=1, keepdim=True).expand_as(supervised)
        if self.plane is None:
            return whole
        flat = supervised[:, :PLANE].all(dim=1, keepdim=True).expand_as(supervised[:, :PLANE])
        return torch.cat([flat, whole[:, PLANE:]], dim=1)

    def forward(self, error: Tensor, raw_sigma: Tensor, counted: Tensor | None = None) -> Tensor:
        """The terms of a loss.

        Args:
            error: (B, D, P) errors of P pairs in standard deviations of the training data.
            raw_sigma: (B, P, D) the network's output for sigma, before the sigmoid; sigma is in the unit of `error`.
            counted: (B, D, P) bool as `select_whole` gives it; None for whole errors.

        Returns:
            (B, D, P); a pair's log-likelihood under the flow is divided evenly among its coordinates.
        """
        sigma = torch.sigmoid(raw_sigma).transpose(1, 2).clamp(min=MIN_SIGMA)
        scaled = error / sigma
        laplace = math.sqrt(2) * scaled.abs() + torch.log(math.sqrt(2) * sigma)
        log_phi = self.flow.log_prob(scaled.transpose(1, 2)).unsqueeze(1) / error.shape[1]
        if self.plane is not None and counted is not None:
            flat = self.plane.log_prob(scaled[:, :PLANE].transpose(1, 2)).unsqueeze(1) / PLANE
            log_phi = torch.where(counted.all(dim=1, keepdim=True), log_phi, flat)
        return laplace + torch.log(sigma) - log_phi


class RealNVP(nn.Module):
    """A normalizing flow of affine couplings from errors to a standard normal prior (Dinh et al., 2017).

    Args:
        dimensions: D of the errors, 2 or more: a coupling transforms some coordinates given the others.
    """

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        self.couplings = nn.ModuleList(AffineCoupling(dimensions, number % 2) for number in range(COUPLINGS))

    def log_prob(self, x: Tensor) -> Tensor:
        """(..., D) errors / sigma -> (...) their log density."""
        log_det = torch.zeros_like(x[..., 0])
        for coupling in self.couplings:
            x, change = coupling(x)
            log_det = log_det + change
        prior = -0.5 * x.square().sum(dim=-1) - 0.5 * x.shape[-1] * math.log(2 * math.pi)
        return prior + log_det


class AffineCoupling(nn.Module):
    """One layer of a RealNVP: z = x where the mask is 1, (x - t) exp(-s) elsewhere, with s and t functions of mask * x.

    Args:
        parity: which coordinates the mask keeps, the even ones (0) or the odd ones (1).
    """

    def __init__(self, dimensions: int, parity: int) -> None:
        super().__init__()
        self.register_buffer("mask", (torch.arange(dimensions) % 2 == parity).float())
        self.s = nn.Sequential(_perceptron(dimensions), nn.Tanh())
        self.t = _perceptron(dimensions)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(..., D) -> z (..., D) and the log of the absolute determinant of dz/dx (...)."""
        mask = self.mask.to(x)
        kept = x * mask
        s, t = self.s(kept) * (1 - mask), self.t(kept) * (1 - mask)
        return kept + (1 - mask) * (x - t) * torch.exp(-s), -s.sum(dim=-1)


def _perceptron(dimensions: int) -> nn.Sequential:
    layers = [nn.Linear(dimensions, WIDTH), nn.LeakyReLU(), nn.Linear(WIDTH, WIDTH), nn.LeakyReLU()]
    last = nn.Linear(WIDTH, dimensions)
    nn.init.normal_(last.weight, std=1e-2)  # the flow starts as nearly the identity
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)
