"""Small drawn datasets of other skeletons than MPII's: COCO's 17 joints and a hand of 21."""

from pathlib import Path

import cv2
import numpy as np

from heads.skeleton import MPII
from mpii_tools.people import CENTER_SHIFT, People
from mpii_tools.skeletons import SKELETONS
from mpii_tools.synthetic.pictures import draw_picture


def draw_coco(folder: Path, count: int, seed: int = 0) -> People:
    """The main person of `count` drawn pictures with COCO's joints: a face around the head, limbs where MPII's are."""
    rng, skeleton = np.random.default_rng(seed), SKELETONS["coco17"]
    names, joints, centers, scales = [], [], [], []
    for index in range(count):
        person = None
        while person is None or np.isnan(person["joints"]).any():  # wholly in the picture
            picture, (person, *_) = draw_picture(rng, upright=True)
        at = {name: person["joints"][MPII.index(name)] for name in MPII.names}
        up = at["head_top"] - at["upper_neck"]
        across = np.array([-up[1], up[0]])
        nose = at["upper_neck"] + 0.45 * up
        face = {"nose": nose, "left_eye": nose + 0.15 * up - 0.15 * across, "right_eye": nose + 0.15 * (up + across),
                "left_ear": nose - 0.3 * across, "right_ear": nose + 0.3 * across}  # fmt: skip
        limb = {name: at.get(f"{name[0]}_{name.partition('_')[2]}") for name in skeleton.names}
        joints.append([face[name] if name in face else limb[name] for name in skeleton.names])
        centers.append(person["center"])
        scales.append(person["scale"])
        names.append(f"{index:03}.png")
        cv2.imwrite(str(folder / names[-1]), picture)
    return People(names, np.array(joints), center=np.array(centers), scale=np.array(scales), skeleton=skeleton)


def draw_hands(folder: Path, count: int, seed: int = 0) -> People:
    """`count` hands of lines and dots: a wrist, and five fingers of four joints that spread from it."""
    rng, skeleton = np.random.default_rng(seed), SKELETONS["hand21"]
    names, joints = [], np.zeros((count, 21, 2))
    for row in range(count):
        wrist, turn, length = rng.uniform(70, 90, 2), rng.uniform(-np.pi, np.pi), rng.uniform(7, 11)
        angles = turn + np.linspace(-0.9, 0.9, 5) + rng.normal(0, 0.08, 5)
        toward = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
        reach = length * np.array([2.0, 3.3, 4.3, 5.0])
        joints[row, 0] = wrist
        joints[row, 1:] = (wrist + toward[:, None] * reach[:, None]).reshape(20, 2)
        picture = rng.integers(0, 60, (160, 160, 3), dtype=np.uint8)
        for joint, parent in enumerate(skeleton.parents):
            color = (60 + 10 * joint, 250 - 10 * joint, 255)
            if parent >= 0:
                ends = (joints[row, [joint, parent]] * 16).round().astype(int).tolist()
                cv2.line(picture, *ends, color, 2, cv2.LINE_AA, 4)
            cv2.circle(picture, (joints[row, joint] * 16).round().astype(int).tolist(), 40, color, -1, cv2.LINE_AA, 4)
        names.append(f"{row:03}.png")
        cv2.imwrite(str(folder / names[-1]), picture)
    low, high = joints.min(axis=1), joints.max(axis=1)
    scale = 1.2 * (high - low).max(axis=1) / 200
    center = (low + high) / 2 - np.stack([np.zeros(count), CENTER_SHIFT * scale], axis=1)
    return People(names, joints, center=center, scale=scale, skeleton=skeleton)
