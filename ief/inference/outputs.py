"""What is predicted in a folder: poses as .npz, COCO results and CSV, an overlay each, and a journal until then."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import numpy as np

from checkpoints import PoseError, log, remove_leftovers, write_bytes
from checkpoints.progress import progress
from checkpoints.threads import map_ahead
from evaluation.report.skeletons import to_jpeg
from heads.skeleton import Skeleton
from ief.inference.poses import ImageCamera, Poses, join_poses
from ief.inference.predictor import PosePredictor
from ief.inference.stream import FindPeople, ImagePeople, Outcome
from mpii_tools.results.coco import write_coco, write_csv
from mpii_tools.results.predictions import person_scores, save_predictions

NAME = "predictions-images"
JOURNAL = f".{NAME}.journal"
THREADS, AHEAD = 2, 16  # that draw overlays; overlays that wait for one


class Journal:
    """The outcomes so far of one prediction, by image or frame: a stopped one continues from it.

    A JSON object per line, appended as the outcomes come. Lines of another prediction, and one that a kill cut off,
    count for nothing.

    Args:
        path: the file.
        asked: what the outcomes depend on beside the image and its boxes: weights, flip, detector. JSON values.
        predictor: makes the poses.
    """

    def __init__(self, path: Path, asked: object, predictor: PosePredictor) -> None:
        self.path, self.asked, self.predictor, self.known = path, asked, predictor, {}
        joints = len(predictor.skeleton)
        self.shapes = {
            "joints": (-1, joints, predictor.dimensions), "boxes": (-1, 4), "scores": (-1, joints), "box_scores": -1,
            "rows": -1, "sigma": (-1, joints, 2),
        }  # fmt: skip
        if resumes := path.is_file():
            remove_leftovers(path.parent)  # a kill may have come while a picture was written
        for line in path.read_bytes().splitlines() if resumes else ():
            with suppress(ValueError, TypeError, KeyError, RecursionError):
                entry = json.loads(line)
                self.known[entry["key"]] = entry

    def key(self, people: ImagePeople) -> str:
        """What tells an image and the boxes asked for from another, or from the same file changed."""
        file = [os.path.abspath(people.image)]
        if os.path.exists(people.image):
            status = os.stat(people.image)
            file += [status.st_size, status.st_mtime_ns]
        boxes = None if people.boxes is None else np.asarray(people.boxes).tolist()
        return sha256(json.dumps([self.asked, file, people.name, boxes]).encode()).hexdigest()

    def find(self, people: ImagePeople) -> Outcome | None:
        """The outcome of an image that was predicted before, None for another."""
        with suppress(KeyError, TypeError, ValueError):
            line = self.known[self.key(people)]
            columns = {name: np.reshape(line[name], shape) for name, shape in self.shapes.items()}
            columns["rows"] = columns["rows"].astype(int)  # of nobody, too
            least = self.predictor.min_joint_score
            poses = Poses(skeleton=self.predictor.skeleton, image=people.name, min_score=least, **columns)
            return Outcome(poses, [*line["left_out"]], [*line.get("doubts", [])])
        return None

    def add(self, people: ImagePeople, outcome: Outcome) -> None:
        """Keep the outcome of an image. Raises PoseError when the disk refuses."""
        values = {name: getattr(outcome.poses, name).tolist() for name in self.shapes}
        values |= {"left_out": outcome.left_out, "doubts": outcome.doubts}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:  # a line that a kill cut off ends where the next begins
                file.write("\n" + json.dumps({"key": self.key(people), **values}))
        except OSError as error:
            raise PoseError(f"{self.path}: cannot be written ({error.strerror}); make room, or choose --out") from error


def predict_images(
    predictor: PosePredictor,
    images: Sequence[ImagePeople],
    folder: Path,
    journal: Journal,
    find_people: FindPeople | None = None,
    draw: int | None = None,
    camera: ImageCamera | None = None,
    ellipses: bool = False,
    refine: bool = False,
    times: int = 1,
) -> tuple[list[Poses], list[str]]:
    """The poses of images under different names; each one's overlay, `NAME.pose.jpg`, goes to `folder` on the way.

    One line on stderr says how many boxes may have another form than the file's.

    Args:
        journal: keeps what is predicted: when the work is stopped, by a kill too, the same call predicts what is
            missing. To be removed once the results are written.
        find_people: finds the people of images without boxes.
        draw: how many images to draw, the first ones; None for all.
        camera: of the images, for their overlays, where it is known.
        ellipses: of joints, in the overlays (`Poses.draw`).
        refine: predict once more, in the box of each pose.
        times: how often the last stage corrects the poses that people start from.

    Returns:
        the poses image by image, and a line for each image, person or picture that was left out.
    """
    outcomes = {image.name: outcome for image in images if (outcome := journal.find(image))}
    new = [image for image in images if image.name not in outcomes]
    predicted, scale = predictor.stream(new, find_people, refine, times), camera and camera.scale

    def predict() -> Iterator[tuple[ImagePeople, Poses, Path]]:
        with progress(desc="predicting", total=len(images), unit="image", initial=len(outcomes)) as counter:
            for place, image in enumerate(images):
                path, is_new = folder / f"{image.name}.pose.jpg", image.name not in outcomes
                if is_new:
                    outcomes[image.name] = next(predicted)
                    journal.add(image, outcomes[image.name])
                    counter.update()
                poses = outcomes[image.name].poses
                if (draw is None or place < draw) and len(poses) and (is_new or not path.exists()):
                    yield image, poses, path

    undrawn = [*map_ahead(lambda overlay: draw_overlay(*overlay, scale, ellipses), predict(), THREADS, AHEAD)]
    left_out = [line for image in images for line in outcomes[image.name].left_out] + [*filter(None, undrawn)]
    if doubts := [line for image in images for line in outcomes[image.name].doubts]:
        log.warning(f"{len(doubts):,} boxes may not be x y width height, first {doubts[0]}")
    return [outcomes[image.name].poses for image in images], left_out


def draw_overlay(people: ImagePeople, poses: Poses, path: Path, scale: float | None, ellipses: bool) -> str | None:
    """Write an image with everybody's skeleton on it as a JPEG; what is wrong if it cannot be drawn.

    Args:
        scale: of poses in 3D, image pixels per mm at the root; None estimates it.
    """
    try:
        write_bytes(path, to_jpeg(poses.draw(people.load(), scale, ellipses)), durable=False)
    except PoseError as error:
        return f"picture of {people.name}: {error}"
    return None


def write_results(
    folder: Path, poses: Sequence[Poses], skeleton: Skeleton, stage: int, camera: ImageCamera | None = None,
    images: Sequence[ImagePeople] = (),
) -> list[Path]:  # fmt: skip
    """Write the people of all images to `predictions-images`.npz, .json (COCO results) and .csv in `folder`.

    A line on stderr says of how many people the score in the .json is not known.

    Args:
        poses: image by image, under different names.
        stage: the last stage's number, -1 if unknown.
        camera: of poses in 3D, for their camera coordinates in mm; None if it is not known.
        images: of the poses, whose ids the .json takes if all are known.

    Returns:
        The three paths.

    Raises:
        PoseError: when the disk refuses.
    """
    people = join_poses(poses, skeleton, stage, camera)
    table, coco, text = (folder / f"{NAME}.{ending}" for ending in ("npz", "json", "csv"))
    save_predictions(table, people)
    ids = {image.name: image.image_id for image in images if image.image_id is not None}
    known = bool(ids) and ids.keys() >= set(people.images.tolist())
    write_coco(coco, people, **({"image_ids": ids, "category_id": images[0].category_id} if known else {}))
    if unknown := int(np.isnan(person_scores(people.scores, people.box_scores, len(people))).sum()):
        log.warning(f"{coco}: nobody gives {unknown:,} of {len(people):,} people a score; theirs is written as 1")
    write_csv(text, people)
    return [table, coco, text]
