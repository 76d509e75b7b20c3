"""What `ief experiments` trains, as data: which runs, how, and which of them are compared.

Every number of epochs is a multiple of one that a budget in minutes gives (`cost`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from heads.pairs import METHODS

FORWARDS = 3  # that a training step costs, its backward being two; each frozen stage before it has one more
BF16 = {"precision": "bf16"}


@dataclass(frozen=True)
class Experiment:
    """One run.

    Attributes:
        name: its folder, GROUP/NAME; those of a group share a report.
        about: what it is there for, a line.
        preset, method, stages: as of `ief train`.
        epochs: of each of its stages, in those of the plan.
        options: what it changes in the preset.
        start: the run whose stages it begins with, all but the last of its own; '' for none.
    """

    name: str
    about: str
    preset: str = "best"
    method: str = "all"
    stages: int = 2
    epochs: float = 1.0
    options: Mapping[str, object] = field(default_factory=dict)
    start: str = ""

    @property
    def cost(self) -> float:
        """The time of its trainings / that of two stages at the plan's epochs, counted in forwards."""
        first = self.stages - 1 if self.start else 0
        forwards = sum(FORWARDS + index for index in range(first, self.stages))
        return self.epochs * forwards / (2 * FORWARDS + 1)


PLAN = (
    *(Experiment(f"best/{method}", "Table 7 by the preset `best`", method=method) for method in METHODS),
    Experiment(
        "others/deeppose",
        "joints by one stage, as DeepPose regresses them, in the time of two stages",
        method="ief_star",
        stages=1,
        epochs=(2 * FORWARDS + 1) / FORWARDS,
    ),
    Experiment("others/third", "a third stage after those of best/all", stages=3, start="best/all"),
    Experiment("others/rle", "residual log-likelihood instead of L1", options={"loss": "rle"}),
    *(
        Experiment(
            f"paper/{method}", "the paper's options over few epochs", "paper", method, options={"precision": "bf16"}
        )
        for method in METHODS
    ),
)
# What is shown as (a run, minus which one).
COMPARISONS = (
    *((f"best/{method}", "best/ief_star") for method in METHODS if method != "ief_star"),
    ("best/bone", "best/joint"),
    ("best/all", "others/deeppose"),
    ("others/rle", "best/all"),
    ("best/all", "paper/all"),
    *((f"paper/{method}", "paper/ief_star") for method in METHODS if method != "ief_star"),
)


def by_folder(plan: Sequence[Experiment]) -> dict[str, list[Experiment]]:
    """Group -> its runs, in order."""
    found: dict[str, list[Experiment]] = {}
    for experiment in plan:
        found.setdefault(experiment.name.split("/")[0], []).append(experiment)
    return found
