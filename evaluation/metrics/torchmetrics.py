"""PCKh, PCK, MPJPE, PA-MPJPE and OKS as metrics of torchmetrics: `update` with batches, `compute` over all ranks.

They are the functions of this package, to the last digit, of the people of all ranks one after the other; so each of
them must be on one rank. Imported by itself: the rest of the package needs no torch.
"""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
import torch

from checkpoints.errors import import_extra
from evaluation.metrics.conventions import MEASURES, PCKH, Convention, Measure, get_convention
from evaluation.metrics.errors import check_poses, joint_errors, pa_joint_errors
from evaluation.metrics.ground_truth import GroundTruth, nan_mean
from evaluation.metrics.oks import NAMES, score_entries
from evaluation.metrics.pckh import check_thresholds, measure_distances, score_distances
from heads.skeleton import COCO17, MPII, Skeleton

Metric = import_extra("torchmetrics", "torchmetrics").Metric


class Joined(Metric):
    """A metric that keeps numbers, those of all ranks one after the other; a rank that was given nobody has none."""

    is_differentiable, full_state_update = False, False
    kind = torch.float64

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("kept", [], dist_reduce_fx="cat")
        self.reset()

    def reset(self) -> None:
        """Forget all people."""
        super().reset()
        self._keep(np.zeros(0))

    def _keep(self, numbers: np.ndarray) -> None:
        self.kept.append(torch.as_tensor(numbers, dtype=self.kind, device=self.device))

    def _join(self) -> np.ndarray:
        kept = self.kept if isinstance(self.kept, torch.Tensor) else torch.cat(self.kept)  # merged, or this rank's
        return kept.cpu().numpy()


class PCKh(Joined):
    """The Mean of PCKh in percent, NaN if nothing was counted: `pckh` of batches.

    Args:
        threshold: fraction of the head size; None: the measure's main one.
        convention, skeleton, measure: see `pckh` and `GroundTruth`.
        kwargs: of torchmetrics' `Metric`.
    """

    higher_is_better = True

    def __init__(
        self,
        threshold: float | None = None,
        convention: str | Convention = "official",
        skeleton: Skeleton = MPII,
        measure: Measure = PCKH,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        thresholds = check_thresholds([measure.main if threshold is None else threshold])
        self._rules = thresholds, get_convention(convention), skeleton, measure

    def update(self, preds: torch.Tensor, target: torch.Tensor, size: torch.Tensor | None = None) -> None:
        """Count N people.

        Args:
            preds, target: predicted and true joints (N, K, 2), image pixels; NaN for a true one without a label.
            size: (N,) head sizes, image pixels; None: the distances of the torso's joints, where these measure.
        """
        *_, skeleton, measure = self._rules
        gt = GroundTruth(to_numpy(target), skeleton=skeleton, measure=measure, size=to_numpy(size))
        self._keep(measure_distances(to_numpy(preds), gt).ravel())

    def compute(self) -> torch.Tensor:
        """The Mean, a float64 scalar."""
        distances = self._join().reshape(-1, len(self._rules[2]))
        return to_tensor(next(iter(score_distances(distances, *self._rules).values())).overall.value)


class PCK(PCKh):
    """PCKh in torsos, or in longer sides of boxes, which `update` takes as `size`.

    Args:
        measure: 'torso' or 'box', which has a threshold of its own. The others: see `PCKh`.
    """

    def __init__(self, measure: str = "torso", **kwargs: Any) -> None:
        super().__init__(measure=MEASURES[measure], **kwargs)


class MPJPE(Joined):
    """Joint Error in the poses' unit: `mpjpe` of batches.

    Args:
        root: index of the joint to align; None compares the poses where they are.
    """

    higher_is_better = False

    def __init__(self, root: int | None = MPII.root, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._measure = partial(joint_errors, root=root)

    def update(self, preds: torch.Tensor, target: torch.Tensor) -> None:
        """Predicted and true joints, (N, K, 3) each; NaN for a true one that does not count."""
        self._keep(self._measure(*check_poses(to_numpy(preds), to_numpy(target))).ravel())

    def compute(self) -> torch.Tensor:
        """The mean over all joints of all people, a float64 scalar; NaN if none counts."""
        return to_tensor(nan_mean(self._join()).item())


class PAMPJPE(MPJPE):
    """PA Joint Error: `p_mpjpe` of batches. `scale`: whether the alignment may scale the pose."""

    def __init__(self, scale: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._measure = partial(pa_joint_errors, scale=scale)


class OKS(Joined):
    """COCO's ten figures of keypoints in percent, crowds and people without a joint as there: `oks_scores` of images.

    Args:
        skeleton: with sigmas.
        kwargs: of torchmetrics' `Metric`.
    """

    higher_is_better, kind = True, torch.uint8

    def __init__(self, skeleton: Skeleton = COCO17, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._skeleton = skeleton

    def update(self, preds: Sequence[Mapping], target: Sequence[Mapping], images: Sequence[int]) -> None:
        """Some images, each whole.

        Args:
            preds: COCO's results: image_id, score and keypoints, lists or tensors.
            target: COCO's annotations of the same images.
            images: all ids, those of images without people too.
        """
        line = json.dumps([[*images], [*target], [*preds]], default=lambda value: value.tolist())
        self._keep(np.frombuffer(f"{line}\n".encode(), np.uint8).copy())

    def compute(self) -> dict[str, torch.Tensor]:
        """AP, AP50, ... -> float64 scalar, NaN where no person is of that size."""
        lines = [json.loads(line) for line in self._join().tobytes().splitlines()]
        images, people, poses = (list(chain.from_iterable(parts)) for parts in zip(*lines, strict=True))
        return dict(zip(NAMES, map(to_tensor, score_entries(images, people, poses, self._skeleton)[0]), strict=True))


def to_numpy(values: torch.Tensor | np.ndarray | None) -> np.ndarray | None:
    """float64, on the CPU; None for None."""
    return None if values is None else torch.as_tensor(values).detach().to("cpu", torch.float64).numpy()


def to_tensor(value: float | None) -> torch.Tensor:
    """A float64 scalar; NaN for None."""
    return torch.tensor(float("nan") if value is None else value, dtype=torch.float64)
