"""PCKh, PCK, MPJPE, PA-MPJPE and OKS as metrics of torchmetrics: `update` with batches, `compute` over all ranks.

They are the functions of this package, to the last digit, of the people of all ranks one after the other; so each of
them must be on one rank. Imported by itself: the rest of the package needs no torch.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from checkpoints.errors import import_extra
from evaluation.metrics.conventions import MEASURES, PCKH, Convention, Measure
from evaluation.metrics.errors import check_poses, joint_errors, pa_joint_errors
from evaluation.metrics.ground_truth import GroundTruth, nan_mean
from evaluation.metrics.oks import oks_scores
from evaluation.metrics.pckh import PCKhMetric
from heads.skeleton import COCO17, MPII, Skeleton

Metric = import_extra("torchmetrics", "torchmetrics").Metric
SUMS = ("correct", "annotated", "people", "unsized")  # of `PCKhMetric`


class PCKh(Metric):
    """The Mean of PCKh in percent, NaN if nothing was counted: `pckh` of batches. Its states are whole numbers.

    Args:
        threshold: fraction of the head size; None: the measure's main one.
        convention, skeleton, measure: see `PCKhMetric`.
        kwargs: of torchmetrics' `Metric`.
    """

    higher_is_better, is_differentiable, full_state_update = True, False, False

    def __init__(
        self,
        threshold: float | None = None,
        convention: str | Convention = "official",
        skeleton: Skeleton = MPII,
        measure: Measure = PCKH,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        thresholds = [measure.main if threshold is None else threshold]
        self._start = partial(
            PCKhMetric, thresholds=thresholds, convention=convention, skeleton=skeleton, measure=measure
        )
        for name, zero in zip(SUMS, self._start().sums, strict=True):
            self.add_state(name, torch.as_tensor(zero), dist_reduce_fx="sum")

    def update(self, preds: torch.Tensor, target: torch.Tensor, size: torch.Tensor | None = None) -> None:
        """Count N people.

        Args:
            preds, target: predicted and true joints (N, K, 2), image pixels; NaN for a true one without a label.
            size: (N,) head sizes, image pixels; None: the distances of the torso's joints, where these measure.
        """
        batch, size = self._start(), None if size is None else to_numpy(size)
        gt = GroundTruth(to_numpy(target), skeleton=batch.skeleton, measure=batch.measure, size=size)
        batch.update(to_numpy(preds), gt)
        for name, each in zip(SUMS, batch.sums, strict=True):
            setattr(self, name, getattr(self, name) + torch.as_tensor(each, device=self.device))

    def compute(self) -> torch.Tensor:
        """The Mean, a float64 scalar."""
        total = self._start()
        total.sums = [getattr(self, name).cpu().numpy() for name in SUMS]
        (score,) = total.compute().thresholds.values()
        return to_tensor(score.overall.value)


class PCK(PCKh):
    """PCKh in torsos, or in longer sides of boxes, which `update` takes as `size`.

    Args:
        measure: 'torso' or 'box', which has a threshold of its own. The others: see `PCKh`.
    """

    def __init__(self, measure: str = "torso", **kwargs: Any) -> None:
        super().__init__(measure=MEASURES[measure], **kwargs)


class Rows(Metric):
    """A metric that keeps rows of float64 numbers: a rank that was given nobody has none.

    Args:
        shapes: name of a state -> shape of a row.
        kwargs: of torchmetrics' `Metric`.
    """

    is_differentiable, full_state_update = False, False

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._shapes = shapes
        for name in shapes:
            self.add_state(name, [], dist_reduce_fx="cat")
        self.reset()

    def reset(self) -> None:
        """Forget all rows."""
        super().reset()
        self._append(**{name: np.zeros((0, *shape)) for name, shape in self._shapes.items()})

    def _append(self, **rows: np.ndarray) -> None:
        for name, each in rows.items():
            getattr(self, name).append(torch.as_tensor(each, dtype=torch.float64, device=self.device))

    def _join(self, name: str) -> np.ndarray:
        rows = getattr(self, name)  # of all ranks, when they have been merged
        return (rows if isinstance(rows, torch.Tensor) else torch.cat(rows)).cpu().numpy()


class MPJPE(Rows):
    """Joint Error in the poses' unit: `mpjpe` of batches.

    Args:
        root: index of the joint to align; None compares the poses where they are.
    """

    higher_is_better = False

    def __init__(self, root: int | None = MPII.root, **kwargs: Any) -> None:
        super().__init__({"errors": ()}, **kwargs)
        self._measure = partial(joint_errors, root=root)

    def update(self, preds: torch.Tensor, target: torch.Tensor) -> None:
        """Predicted and true joints, (N, K, 3) each; NaN for a true one that does not count."""
        self._append(errors=self._measure(*check_poses(to_numpy(preds), to_numpy(target))).ravel())

    def compute(self) -> torch.Tensor:
        """The mean over all joints of all people, a float64 scalar; NaN if none counts."""
        return to_tensor(nan_mean(self._join("errors")).item())


class PAMPJPE(MPJPE):
    """PA Joint Error: `p_mpjpe` of batches. `scale`: whether the alignment may scale the pose."""

    def __init__(self, scale: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._measure = partial(pa_joint_errors, scale=scale)


class OKS(Rows):
    """COCO's ten figures of keypoints in percent: `oks_scores` of images.

    Args:
        skeleton: with sigmas.
        kwargs: of torchmetrics' `Metric`.
    """

    higher_is_better = True

    def __init__(self, skeleton: Skeleton = COCO17, **kwargs: Any) -> None:
        joints = 2 * len(skeleton)
        super().__init__({"images": (2,), "poses": (1 + joints,), "people": (6 + joints,)}, **kwargs)
        self._skeleton = skeleton

    def update(self, preds: Sequence[Mapping], target: Sequence[Mapping]) -> None:
        """Some images, each whole.

        Args:
            preds: of each 'keypoints' (P, K, 2), image pixels, and 'scores' (P,).
            target: of each 'keypoints' (N, K, 2), NaN if not labeled, 'area' (N,), and, for crowds and people without a
                joint, 'iscrowd' (N,) and 'boxes' (N, 4), x, y, width and height.
        """
        for found, true in zip(preds, target, strict=True):
            joints = to_numpy(found["keypoints"]).reshape(-1, self._shapes["poses"][0] - 1)
            known = to_numpy(true["keypoints"]).reshape(-1, joints.shape[1])
            crowd, boxes = (
                to_numpy(true[key]) if key in true else np.zeros(shape)
                for key, shape in (("iscrowd", len(known)), ("boxes", (len(known), 4)))
            )
            poses = np.column_stack([to_numpy(found["scores"]), joints])
            people = np.column_stack([to_numpy(true["area"]), crowd, boxes, known])
            self._append(images=np.array([[len(poses), len(people)]]), poses=poses, people=people)

    def compute(self) -> dict[str, torch.Tensor]:
        """AP, AP50, ... -> float64 scalar, NaN where no person is of that size."""
        counts, poses, people = self._join("images").astype(int), self._join("poses"), self._join("people")
        names = np.arange(len(counts)).astype(str)
        of_poses, of_people = (np.repeat(names, each) for each in counts.T)
        area, crowd, boxes, known = people[:, 0], people[:, 1] > 0, people[:, 2:6], people[:, 6:]
        joints = known.reshape(len(known), -1, 2)
        labeled = np.isfinite(joints).all(axis=-1)
        scored = labeled.any(axis=1) & ~crowd
        points = np.nan_to_num(np.dstack([joints, 2 * labeled])).reshape(len(joints), -1)
        exempt = [
            {"image": of_people[row], "iscrowd": int(crowd[row]), "bbox": boxes[row].tolist(), "area": area[row],
             "num_keypoints": int(labeled[row].sum()), "keypoints": points[row].tolist()}
            for row in np.flatnonzero(~scored)
        ]  # fmt: skip
        gt = GroundTruth(joints[scored], skeleton=self._skeleton, annotated=labeled[scored])
        found = poses[:, 1:].reshape(len(poses), -1, 2)
        rest = {"all_images": names.tolist(), "exempt": exempt}
        oks = oks_scores(found, gt, of_people[scored], area[scored], poses[:, 0], of_poses, **rest)
        return {name: to_tensor(value) for name, value in oks.values.items()}


def to_numpy(values: torch.Tensor | np.ndarray) -> np.ndarray:
    """float64, on the CPU."""
    return torch.as_tensor(values).detach().to("cpu", torch.float64).numpy()


def to_tensor(value: float | None) -> torch.Tensor:
    """A float64 scalar; NaN for None."""
    return torch.tensor(float("nan") if value is None else value, dtype=torch.float64)
