"""The five methods of Table 1, as data."""

from __future__ import annotations

from dataclasses import dataclass

from checkpoints.errors import PoseError


@dataclass(frozen=True)
class Method:
    """What a stage regresses and which relative positions its loss compares.

    Attributes:
        representation: `joints` or `bones`, what the network's output means.
        pairs: name of the pair set in `heads.pairs.PAIR_SETS`.
        label: the name in the paper's tables.
    """

    representation: str
    pairs: str
    label: str

    @property
    def loss(self) -> str:
        """The loss function and its equation, as Table 1 has them."""
        return "L(J), Eq. 3" if self.representation == "joints" else f"L(B, P_{self.pairs}), Eq. 8"


METHODS = {
    "ief_star": Method("joints", "joint", "IEF*"),
    "joint": Method("bones", "joint", "Ours (joint)"),
    "bone": Method("bones", "bone", "Ours (bone)"),
    "both": Method("bones", "both", "Ours (both)"),
    "all": Method("bones", "all", "Ours (all)"),
}


def get_method(name: str) -> Method:
    """The method of Table 1 called `name`. Raises PoseError for another name."""
    if name not in METHODS:
        raise PoseError(f"unknown method '{name}'; choose one of {', '.join(METHODS)}")
    return METHODS[name]
