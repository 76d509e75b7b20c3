"""Poses as labels of YOLO-pose, which `annotations.yolo` and Ultralytics read."""

import json
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import write_text
from heads.skeleton import BOX_PER_SCALE
from mpii_tools.annotations.yolo import SPLITS, locate_labels
from mpii_tools.images.index import split_name
from mpii_tools.people import People, group_rows


def write_yolo(folder: Path, people: People, joints: np.ndarray, flags: np.ndarray | float = 2) -> dict[str, int]:
    """Write `data.yaml`, a list of images for each split, and the labels of N people to a folder.

    An image `a/b.jpg` is to be put to `images/a/b.jpg` in that folder, its labels are in `labels/a/b.txt`. The box is
    the square that the person's scale gives, as far as it is in the image. A joint that nobody labeled because it is
    derived is left out; 0 0 0 is written for one that is missing or outside the image.

    Args:
        joints: (N, K, 2) image pixels, NaN if missing.
        flags: (N, K) COCO's: 0 missing, 1 hidden, 2 visible.

    Returns:
        the numbers of `people`, and of joints `outside` their image.

    Raises:
        PoseError: an image whose size the annotations do not say, or a file that cannot be written.
    """
    size, skeleton = people.image_size[:, None], people.skeleton
    if (bare := ~np.isfinite(people.image_size).all(axis=1) | ~(people.crop_side > 0)).any():
        raise PoseError(
            f"{folder}: nothing says the size of image '{people.images[bare][0]}' or of its person; give COCO's"
        )
    made = [name for name, _ in skeleton.derived if not people.annotated[:, skeleton.index(name)].any()]
    kept = [joint for joint, name in enumerate(skeleton.names) if name not in made or not people.annotated.any()]
    shares = joints[:, kept, :2] / size
    placed = np.isfinite(shares).all(axis=-1)
    inside = ((shares >= 0) & (shares <= 1)).all(axis=-1)
    marked = np.dstack([shares, np.broadcast_to(flags, joints.shape[:2])[:, kept]])
    marked = np.where((inside & (marked[..., 2] > 0))[..., None], marked, 0)
    half = BOX_PER_SCALE * people.scale[:, None, None] / 2 * [[-1], [1]]
    low, high = np.clip((people.crop_center[:, None] + 0.5 + half) / size, 0, 1).swapaxes(0, 1)
    rows = np.hstack([(low + high) / 2, high - low, marked.reshape(len(people), -1)]).tolist()
    lists: dict[str, list[str]] = {}
    for image, of in group_rows(people.images).items():
        place = Path("images", *split_name(image.removeprefix("images/")))
        lists.setdefault(people.split[of[0]].item(), []).append(f"./{place.as_posix()}\n")
        text = "".join(f"0 {' '.join(f'{value:.10g}' for value in rows[row])}\n" for row in of)
        write_text(folder / locate_labels(Path("/") / place).relative_to("/"), text)
    described: dict[str, object] = {}
    for key, split in SPLITS.items():
        if listed := lists.get(split, []) + lists.get("", []) * (key == "val"):
            described[key] = write_text(folder / f"{key}.txt", "".join(listed)).name
    number = {joint: place for place, joint in enumerate(kept)}
    flip = [number[skeleton.flip_permutation[joint]] for joint in kept]
    described |= {"kpt_shape": [len(kept), 3], "kpt_names": [[skeleton.names[joint] for joint in kept]]}
    described |= {"flip_idx": flip} if skeleton.can_mirror else {}
    described |= {"kpt_oks_sigmas": [skeleton.sigmas[joint] for joint in kept]} if skeleton.sigmas else {}
    described |= {"names": ["person"]}
    write_text(folder / "data.yaml", "".join(f"{key}: {json.dumps(value)}\n" for key, value in described.items()))
    return {"people": len(people), "outside": int((placed & ~inside).sum())}
