"""The one way from pixels to joints: arrays, files of images or preprocessed crops in, poses in image pixels out."""

import os
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from io import IOBase
from itertools import chain
from numbers import Real
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING

import numpy as np

from checkpoints import PoseError
from checkpoints.progress import progress
from checkpoints.threads import map_ahead
from checkpoints.weights import describe_run, find_run
from ief.inference.boxes import check_poses, pose_boxes
from ief.inference.poses import Poses
from ief.inference.score_map import ScoreMap
from ief.inference.stream import NOBODY, FindPeople, ImagePeople, Network, Outcome, cut_image, map_back
from mpii_tools.crops import apply_affine
from mpii_tools.prepared.read import PreparedSplit

if TYPE_CHECKING:
    from ief.model.cascade import Cascade

LIMIT = 1 / 64  # of what refines a given pose, / side of the crop
THREADS = 16  # at most, to decode and crop in; OpenCV lets the others run meanwhile
SINGLE = (str, bytes, bytearray, memoryview, IOBase)  # sequences that are no list of images


class PosePredictor:
    """Trained stages, ready to predict.

        predictor = PosePredictor.load("runs/all")
        poses = predictor(image, boxes)
        poses.joints  # (P, K, D) image pixels, and z in mm relative to the root if the network was trained on depth

    Args:
        network: turns crops into poses.
        batch_size: crops per call of it.
        about: what is known of its training, in a line.
        device: of detectors; None for a GPU if there is one.

    Attributes:
        size: side of the network's input in pixels.
        skeleton: the tree of the K joints.
        dimensions: D of the poses: 2, or 3 if the network was trained on people in depth.
        min_joint_score: joints with a score below are marked as not shown, and not drawn.
    """

    def __init__(self, network: Network, batch_size: int = 32, about: str = "", device: str | None = None) -> None:
        if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            raise PoseError(f"batch size {batch_size!r}: must be a whole number of 1 or more")
        self.network, self.batch_size, self.about, self.device = network, batch_size, about, device
        self.size, self.skeleton, self.dimensions = network.size, network.skeleton, network.dimensions
        self.min_joint_score = network.score_map.min_score if network.score_map else 0.0

    def __repr__(self) -> str:
        form = f"{self.network.name} at {self.size} px, {len(self.skeleton)} joints in {self.dimensions}D"
        return f"PosePredictor: {form}; {self.about or 'of an unknown training'}"

    @classmethod
    def load(
        cls,
        path: str | os.PathLike | None = None,
        device: str | None = None,
        flip: bool = False,
        batch_size: int = 32,
        limit: float | None = None,
    ) -> "PosePredictor":
        """A predictor from a run folder with trained stages, or from an .onnx file that `ief export` wrote.

        Args:
            path: the run folder, the file of a stage in it for the stages up to this one, or the .onnx; None takes the
                released weights, `checkpoints/released`.
            device: `cpu`, `cuda`, `cuda:1`, ...; None takes a GPU if there is one. An .onnx runs on the CPU.
            flip: average each stage over the crop and its mirror image, if it is known what a mirrored image shows
                (`Skeleton.can_mirror`); not for an .onnx.
            batch_size: crops per call of the network.
            limit: of `refine`, how far a joint is moved at most / side of the crop. None for 1/64, by which good poses
                stay good; math.inf is no limit, for poses that are mostly wrong.

        Raises:
            PoseError: when the path holds neither, a file is corrupt, or the device cannot be used; without a path,
                when no weights are released.
        """
        if limit is not None and not (isinstance(limit, Real) and limit > 0):
            raise PoseError(f"limit {limit}: must be a number above 0, a part of the crop's side")
        if not isinstance(path, (str, os.PathLike, NoneType)) or path == "":
            raise PoseError(f"{path!r}: a {type(path).__name__} is no path of a run's folder or an .onnx; give text")
        path = find_run(path)
        if path.suffix.lower() == ".onnx":
            from ief.inference.onnx import OnnxNetwork

            if flip:
                raise PoseError(f"{path}: an exported model sees each crop once; flip needs the run's folder")
            return cls(OnnxNetwork(path), batch_size, describe_run(path), device)
        from ief.inference.cascade_network import CascadeNetwork  # torch, which an .onnx does without
        from ief.model.device import choose_device
        from ief.model.run_folder import load_cascade

        stage = re.fullmatch(r"stage(\d+)", path.parent.name) if path.is_file() else None
        run, count = (path.parents[1], int(stage[1]) + 1) if stage else (path, None)
        cascade = load_cascade(run, count).to(choose_device(device))
        network = CascadeNetwork(cascade, flip, ScoreMap.load(run), LIMIT if limit is None else limit)
        return cls(network, batch_size, describe_run(run), device)

    @classmethod
    def of(cls, cascade: "Cascade", flip: bool = False, batch_size: int = 32) -> "PosePredictor":
        """A predictor from a cascade in evaluation mode, on the device that it is on; its scores are uncalibrated."""
        from ief.inference.cascade_network import CascadeNetwork

        return cls(CascadeNetwork(cascade, flip), batch_size)

    def __call__(
        self, images: object, boxes: object = None, *, detect: bool | str | os.PathLike = False, refine: bool = False
    ) -> Poses | list[Poses]:
        """The poses of the people of one image, or of a list of images; all their crops share batches.

        Args:
            images: what `ief.inference.pixels.read_image` takes (a path, a PIL image, an array, a tensor), or a list of
                such.
            boxes: (P, 4) x1 y1 x2 y2 in the image's pixels, where its people are; None for one person who fills it.
                For a list of images, a list with one entry per image.
            detect: True finds the people by torchvision's detector, "rfdetr" by that package's, the file of one in ONNX
                by that one; an image without anybody has no poses.
            refine: predict once more, in the box of each pose: for people who are small in their boxes.

        Returns:
            a `Poses`, or a list of them.

        Raises:
            PoseError: an image that cannot be read or is none, a box that is empty, not finite, or off the image, boxes
                beside `detect`, or a detector that cannot be had.
        """
        if not isinstance(images, (Sequence, Iterator)) or isinstance(images, SINGLE):
            return self([images], [boxes], detect=detect, refine=refine)[0]
        images = list(images)
        boxes = [None] * len(images) if boxes is None else list(boxes) if isinstance(boxes, Iterable) else [boxes]
        if len(boxes) != len(images):
            raise PoseError(f"{len(images)} images and {len(boxes)} lists of boxes; give one per image")
        people = [
            ImagePeople(*pair, name=Path(pair[0]).name if isinstance(pair[0], (str, os.PathLike)) else f"image {row}")
            for row, pair in enumerate(zip(images, boxes, strict=True))
        ]
        find_people = None
        if detect:
            if any(each is not None for each in boxes):
                raise PoseError("detect finds the people of images; leave out their boxes")
            from ief.inference.detector import load_detector

            find_people = load_detector(None if detect is True else Path(detect), device=self.device)
        outcomes = list(self.stream(people, find_people, refine))
        faults = chain.from_iterable(outcome.left_out for outcome in outcomes)
        if fault := next((line for line in faults if not line.endswith(NOBODY)), None):
            raise PoseError(fault)
        return [replace(one.poses, source=image) for one, image in zip(outcomes, images, strict=True)]

    def check_refines(self) -> None:
        """Raises PoseError for a network that has no stage to correct poses."""
        if self.network.stage < 1 or self.network.rooted:
            raise PoseError(f"{self.network.name}: corrects no given pose; give the run folder of two stages")

    def refine(self, image: object, poses: object, boxes: object = None, times: int = 1) -> Poses:
        """Anybody's poses of one image, corrected by the last stage.

            better = predictor.refine("photo.jpg", yolo_joints)  # (P, K, 2)

        It does what the stage was trained for: one that keeps its head (`--continue-head`, as the released one) hardly
        looks at the pose, one of `ief train --start-errors` corrects it.

        Args:
            image: what `ief.inference.pixels.read_image` takes.
            poses: (P, K, 2 or D) in image pixels, joints as in `skeleton`, or a `Poses`; NaN where there is none.
            boxes: (P, 4) x1 y1 x2 y2 around the people; None for those around the joints.
            times: how often the stage is applied.

        Raises:
            PoseError: as when called, and poses that are no such array, or a person without a joint.
        """
        self.check_refines()
        name = Path(image).name if isinstance(image, (str, os.PathLike)) else "image"
        start = check_poses(poses, (len(self.skeleton), self.dimensions), name)
        boxes = pose_boxes(start) if boxes is None else boxes
        (outcome,) = self.stream([ImagePeople(image, boxes, name=name, start=start)], times=times)
        if outcome.left_out:
            raise PoseError(outcome.left_out[0])
        return replace(outcome.poses, source=image)

    def stream(
        self, images: Iterable[ImagePeople], find_people: FindPeople | None = None, refine: bool = False, times: int = 1
    ) -> Iterator[Outcome]:
        """The poses of any number of images, in order; what cannot be read is told in its outcome and ends nothing.

        Args:
            images: what to predict. Of a list the next ones are read meanwhile, and people of several share a batch; of
                whatever else, as of a camera, each image by itself, before the next is asked for.
            find_people: finds the people of images without boxes, such as `ief.inference.detector.PersonDetector`.
            refine: predict once more, in the box of each pose; of a list.
            times: how often the last stage corrects the poses that people start from (`ImagePeople.start`).
        """
        if refine:
            yield from map(self._look_closer, images, self.stream(images, find_people, times=times))
            return
        batch_size, ahead = (self.batch_size, 2 * self.batch_size) if isinstance(images, Sequence) else (1, 0)
        threads = min(THREADS, os.cpu_count() or 1)
        cuts = map_ahead(lambda people: cut_image(people, self.network, find_people), images, threads, ahead)
        waiting: deque[Outcome] = deque()  # whose people are predicted, or being so
        crops: list[np.ndarray] = []
        starts: list[np.ndarray] = []  # of those who are predicted next, NaN where they have none
        done: list[tuple[np.ndarray, ...]] = []  # pose, scores and sigma of each of the crops before
        for blocks, outcome in chain(cuts, [([()], None)]):  # None: no more come
            waiting.extend([outcome] if outcome else [])
            starts.extend(outcome.poses.joints if outcome else [])
            for cut in blocks:
                crops.extend(cut)
                while len(crops) >= (batch_size if outcome else 1):
                    start = np.stack(starts[: len(crops[:batch_size])])
                    given = () if np.isnan(start).all() else (start, times)
                    stages, *beside = self.network(np.stack(crops[:batch_size]), *given)
                    done.extend(zip(stages[-1], *beside, strict=True))
                    del crops[:batch_size], starts[:batch_size]
            while waiting and (count := len(waiting[0].poses)) <= len(done):
                yield map_back(waiting.popleft(), done[:count], self.size, self.min_joint_score)
                del done[:count]

    def _look_closer(self, people: ImagePeople, outcome: Outcome) -> Outcome:
        """The outcome of an image with everybody's pose predicted once more, in the box of the pose.

        Who has a pose whose box cannot be used, as one off the image, keeps it.
        """
        poses = outcome.poses
        if not len(poses):
            return outcome
        (again,) = self.stream([replace(people, boxes=pose_boxes(poses.joints), box_scores=None, sized=False)])
        columns = {name: getattr(poses, name).copy() for name in ("joints", "boxes", "scores", "sigma")}
        for name, column in columns.items():
            column[again.poses.rows] = getattr(again.poses, name)
        return replace(outcome, poses=replace(poses, **columns))

    def predict_split(
        self, data: PreparedSplit, start: np.ndarray | None = None, times: int = 1
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The poses of a prepared split, and how sure the last stage is of them.

        A network whose J_0 is the root joint (`StageDesign.rooted`) takes it of the ground truth, as the paper does,
        and where that has none stays at the center of the crop.

        Args:
            start: (N, K, D) image pixels, poses that the last stage corrects instead of its own, NaN where there is
                none; `times`: how often.

        Returns:
            (T, N, K, D) float64 as in `Poses`, y_0 first and then each stage's pose (an exported model gives its last
            alone), and scores (N, K) and sigma (N, K, 2) as in `Poses`.

        Raises:
            PoseError: when the split is prepared at another size than the network's, or with other joints.
        """
        if data.size != self.size:
            raise PoseError(
                f"{data.name}: prepared at {data.size} px; run `ief prepare --size {self.size}`, the network's"
            )
        if data.people.joint_names != self.skeleton.names:
            here, there = (", ".join(names[:3]) for names in (data.people.joint_names, self.skeleton.names))
            reason = f"prepared with joints {here}, ..., but the network places {there}, ..."
            raise PoseError(f"{data.name}: {reason}; run `ief prepare --skeleton` with the network's")
        inner, batches = slice(data.border, data.border + data.size), []
        if start is not None:
            self.check_refines()
            start = apply_affine(data.to_crop, start)
        with progress(desc="predicting", total=len(data), unit="person") as counter:
            for first in range(0, len(data), self.batch_size):
                rows = slice(first, first + self.batch_size)
                given = () if start is None else (start[rows], times)
                batches.append(self.network(data.crops[rows, inner, inner], *given))
                counter.update(batches[-1][0].shape[1])
        poses, scores, sigma = zip(*batches, strict=True)
        poses, step = np.concatenate(poses, axis=1), data.people.crop_side[:, None, None] / data.size
        if self.network.rooted:
            root = [self.skeleton.root]
            poses[..., :2] += np.nan_to_num(data.joints[:, root, :2] - poses[:, :, root, :2])
        return np.stack([data.to_image(pose) for pose in poses]), np.concatenate(scores), np.concatenate(sigma) * step
