"""What PCK is counted in, as data: head sizes (PCKh), LSP's torsos, or boxes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """A joint is correct within a fraction of a length of the person.

    Attributes:
        key: what `--metric` takes.
        name: of the metric.
        unit: of its thresholds, in words; one of them is `one`.
        one: the length.
        thresholds: the fractions that are reported; the first one is the metric's own.
    """

    key: str
    name: str
    unit: str
    one: str
    thresholds: tuple[float, ...]

    @property
    def main(self) -> float:
        """The threshold of the tables."""
        return self.thresholds[0]

    @property
    def title(self) -> str:
        """`PCKh@0.5`, `PCK@0.2`."""
        return f"{self.name}@{self.main:g}"

    @property
    def block(self) -> str:
        """The key in JSON: `pckh`, `pck`."""
        return self.name.lower()

    @property
    def size(self) -> str:
        """The length in JSON's words."""
        return "head_size" if self.key == "pckh" else self.key

    def name_at(self, threshold: float) -> str:
        """The name in `Scores` at a threshold: `pckh@0.5`."""
        return f"{self.block}@{threshold:g}"

    @property
    def note(self) -> str:
        """` of the torso`: what its name does not tell; empty for PCKh."""
        return "" if self.name == "PCKh" else f" of the {self.one}"


PCKH = Measure("pckh", "PCKh", "head sizes", "head size", (0.5, 0.1))  # Andriluka et al., CVPR 2014
TORSO = Measure("torso", "PCK", "torso lengths", "torso", (0.2, 0.1))  # LSP's: left shoulder to right hip
BOX = Measure("box", "PCK", "box sides", "longer side of the box", (0.2, 0.05))  # Yang and Ramanan, PAMI 2013
MEASURES = {measure.key: measure for measure in (PCKH, TORSO, BOX)}
