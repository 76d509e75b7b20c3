"""What an error of a relative position costs: the paper's L1, or one that is smooth about zero."""

from __future__ import annotations

from torch import Tensor

SOFT = 0.1  # standard deviations below which `soft_l1` turns from a line into a parabola


def soft_l1(error: Tensor) -> Tensor:
    """sqrt(e^2 + s^2) - s with s = SOFT: L1 far from zero, quadratic near it (pseudo-Huber).

    Args:
        error: (...) errors in standard deviations.

    Returns:
        (...), 0 at 0, below |e| by at most SOFT; the gradient is continuous and below 1.
    """
    return (error.square() + SOFT**2).sqrt() - SOFT


PENALTIES = {"l1": Tensor.abs, "soft_l1": soft_l1}
