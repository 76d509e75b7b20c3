"""The compositional loss (Eq. 8, masked: Eq. 9): for P_joint the joint loss (Eq. 3), for P_bone the bone loss (Eq. 5).

Every method of Table 1 is one formula: the L1 distance between predicted and true relative positions of a set of
joint pairs, each coordinate divided by its standard deviation. Both sides are normalized by the same mean and std
(Eq. 1), so the mean cancels and a term is |dJ - dJ_gt| / std(u, v). Beyond the paper, that quotient may go through
soft L1, or through residual log-likelihood estimation (`heads.likelihood`).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from heads.composition import composition_matrix, relative_positions
from heads.likelihood import ResidualLikelihood
from heads.normalization import find_annotated, mask_joints, masked_mean_std
from heads.pairs import Pair, get_pairs, pair_weights
from heads.skeleton import Skeleton, get_skeleton

REDUCTIONS = ("mean", "constant", "sum")
SOFT = 0.1  # standard deviations below which `soft_l1` turns from a line into a parabola


def soft_l1(error: Tensor) -> Tensor:
    """sqrt(e^2 + s^2) - s with s = SOFT: L1 far from zero, quadratic near it (pseudo-Huber).

    Args:
        error: (...) errors in standard deviations.

    Returns:
        (...), 0 at 0, below |e| by at most SOFT; the gradient is continuous and below 1.
    """
    return (error.square() + SOFT**2).sqrt() - SOFT


LOSSES = {"l1": Tensor.abs, "soft_l1": soft_l1}


class CompositionalLoss(nn.Module):
    """L(B) = sum over pairs of || N(dJ(u, v)) - N(dJ_gt(u, v)) ||_1 (Eq. 8), for any tree, pair set and D.

    Args:
        pairs: P pairs (u, v) of joint indices, -1 the origin.
        std: (P, D) standard deviations of the pairs' relative positions, in the unit of the poses.
        representation: what `estimate` holds in `forward`, `bones` or `joints`.
        reduction: `mean`: the mean over a sample's supervised terms, then over the batch, so that pair sets of
            different size share a learning rate; `constant`: Eq. 8's sum over all its P x D terms, supervised or not,
            so that a term weighs the same in every sample; `sum`: Eq. 8's sum, then the mean over the batch.
        loss: of a normalized error: `l1` as in the paper, `soft_l1`, or for RLE a `ResidualLikelihood`, with which a
            pair counts only if all its coordinates are annotated, or in 3D x and y alone.
        weights: P weights of the pairs, 1 on average (`heads.pairs.pair_weights`); None weighs all alike. The mean over
            a sample's supervised terms is then the weighted mean.

    Raises:
        ValueError: for an unknown representation, reduction or loss, or a std or weights of the wrong shape.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        pairs: Sequence[Pair],
        std: Tensor,
        representation: str = "bones",
        reduction: str = "mean",
        loss: str | ResidualLikelihood = "l1",
        weights: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        if reduction not in REDUCTIONS:
            raise ValueError(f"unknown reduction '{reduction}'; choose {', '.join(REDUCTIONS)}")
        if isinstance(loss, str) and loss not in LOSSES:
            raise ValueError(f"unknown loss '{loss}'; choose l1, soft_l1 or, for rle, a ResidualLikelihood")
        if std.dim() != 2 or len(std) != len(pairs):
            raise ValueError(f"std has shape {tuple(std.shape)}, expected ({len(pairs)}, D), one row per pair")
        weights = torch.ones(len(pairs)) if weights is None else torch.tensor(weights)
        if weights.shape != (len(pairs),) or not (weights > 0).all():
            raise ValueError(f"weights of shape {tuple(weights.shape)}, expected ({len(pairs)},), all above 0")
        self.reduction, self.loss = reduction, loss
        self.register_buffer("weights", weights.float())
        # Transposed, so that a batch is one matrix product: (B, D, K) @ (K, P).
        self.register_buffer("composition", composition_matrix(skeleton, pairs, representation).T.contiguous())
        self.register_buffer("difference", composition_matrix(skeleton, pairs, "joints").T.contiguous())
        self.register_buffer("ends", self.difference.abs())
        self.register_buffer("std", std.float().T.contiguous())

    @classmethod
    def fit(
        cls,
        skeleton: str | Skeleton,
        joints: Tensor,
        visible: Tensor | None = None,
        pairs: str = "all",
        representation: str = "joints",
        reduction: str = "mean",
        loss: str | ResidualLikelihood = "l1",
        origin_share: float | None = None,
    ) -> "CompositionalLoss":
        """The loss with the statistics of training people; by default of predicted joints, wherever they come from.

        Args:
            skeleton: `mpii`, `coco17` or any tree.
            joints: (N, K, D) ground truth, tensor or array, in the unit that poses shall have.
            visible: (N, K) or (N, K, D), what is annotated; None for what is neither NaN nor (0, ..., 0).
            pairs: a name of `heads.pairs.PAIR_SETS`.
            origin_share: of the weights, on the pairs with the origin (`heads.pairs.pair_weights`).

        Raises:
            ValueError: joints of another shape, or an unknown name.
        """
        skeleton = get_skeleton(skeleton)
        chosen = get_pairs(pairs, skeleton)
        apart = relative_positions(mask_joints(joints, visible, len(skeleton)), chosen)
        _, std = masked_mean_std(apart, apart.isfinite())
        return cls(skeleton, chosen, std, representation, reduction, loss, pair_weights(chosen, origin_share)).to(
            apart.device
        )

    def forward(
        self, estimate: Tensor, joints: Tensor, mask: Tensor | None = None, raw_sigma: Tensor | None = None
    ) -> Tensor:
        """The loss of a batch, a scalar.

        Args:
            estimate: (B, K, D) predicted bones or joints, in the unit of `std`.
            joints: (B, K, D) ground-truth joints in the same unit; what the mask leaves out may be NaN.
            mask: (B, K) or (B, K, D), annotated values; None for what is neither NaN nor (0, ..., 0). A pair's
                coordinate counts if both its ends have it; the bones between need not be annotated. A 2D sample among
                3D ones masks z (Eq. 9).
            raw_sigma: (B, P, D) the network's output for the scale of its errors, for a `ResidualLikelihood`.

        Returns:
            Scalar. A sample without any supervised term adds 0 and passes no gradient.
        """
        mask = find_annotated(joints, mask)
        gt = torch.where(mask, joints, 0).to(estimate).transpose(1, 2) @ self.difference.to(estimate)
        error = (estimate.transpose(1, 2) @ self.composition.to(estimate) - gt) / self.std.to(estimate)  # (B, D, P)
        # Both ends of a pair are annotated; the origin always is.
        supervised = mask.transpose(1, 2).to(self.ends) @ self.ends == self.ends.sum(dim=0)  # (B, D, P)
        if isinstance(self.loss, str):
            losses = LOSSES[self.loss](error)
        else:
            supervised = self.loss.select_whole(supervised)
            losses = self.loss(error, raw_sigma, supervised)
        shares = supervised.to(error) * self.weights.to(error)
        total = shares.sum(dim=(1, 2), keepdim=True)
        if self.reduction == "mean":
            terms = torch.where(total > 0, total, 1)
        else:
            terms = shares.shape[1] * self.weights.sum() if self.reduction == "constant" else 1
        return (losses * (shares / (terms * len(error)))).sum()
