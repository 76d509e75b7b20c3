"""How a method follows a movement: Figure 2 of the paper, errors along a sequence and poses at some of its frames."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from evaluation.metrics import nan_mean, to_json
from evaluation.metrics.errors import bone_errors, bone_names, joint_errors
from evaluation.report.material import Section
from evaluation.report.plots import line_plot
from evaluation.report.side_view import GT
from evaluation.report.skeletons import draw_skeleton, side_colors
from heads.skeleton import MPII, Skeleton
from mpii_tools.people import NO_FRAME, Depth, People

KIND = "wrist"
SHORTEST = 6  # frames worth a line
FRAMES, SIDE = 4, 240  # poses of each method; pixels on a side of each
TURN = np.pi / 4  # about the vertical: depth shows, and right and left stay apart


@dataclass(frozen=True)
class Sequence:
    """People of one sequence and camera in the order of their frames, as several methods see them.

    Attributes:
        title: whose it is.
        frames: (F,) numbers, ascending.
        gt: (F, K, 3) mm, camera axes: x right, y down, z away; NaN if not known.
        poses: method -> (F, K, 3) likewise.
        skeleton: names and parents of the K joints.
    """

    title: str
    frames: np.ndarray
    gt: np.ndarray
    poses: Mapping[str, np.ndarray]
    skeleton: Skeleton = MPII

    def errors(self) -> dict[str, np.ndarray]:
        """Method -> (2, F) error of the wrists, and of their bones, mm; the mean of both.

        Root-aligned, as Joint Error and Bone Error (Section 5.1 of the paper); NaN if none is known.
        """
        joints = [index for index, name in enumerate(self.skeleton.names) if name.endswith(KIND)]
        bones = [bone_names(self.skeleton).index(self.skeleton.names[joint]) for joint in joints]
        return {
            name: np.stack([
                nan_mean(joint_errors(pose, self.gt, self.skeleton.root)[:, joints], axis=1),
                nan_mean(bone_errors(pose, self.gt, self.skeleton)[:, bones], axis=1),
            ])
            for name, pose in self.poses.items()
        }  # fmt: skip


def make_section(sequence: Sequence | None) -> Section:
    """Figure 2; a sentence if there is no sequence to draw."""
    heading, nothing = "Figure 2: wrists along a sequence", "No sequence with numbered frames, known depths and cameras"
    if sequence is None:
        return Section(heading, (f"{nothing} was given.",), facts={"3d": {"figure2": {}}})
    text = (
        f"{sequence.title}: of the sequences, the one whose wrists move most. The error of the wrists and of the bones "
        "from them to the elbows, and poses at some frames, turned by 45 degrees, the ground truth in gray.",
    )
    errors, figures = sequence.errors(), {}
    for place, what in enumerate(("joint", "bone")):
        lines = {
            f"{name} (mean {nan_mean(each[place]):.1f})": np.column_stack([sequence.frames, each[place]])
            for name, each in errors.items()
        }
        plot = line_plot(lines, f"{KIND.capitalize()}: {what} error (mm)", "frame", "mm")
        figures[f"figure2-{what}"] = f"The {what} error of both wrists, averaged, roots together.", plot
    wrist = {name: dict(zip(("joint_mm", "bone_mm"), to_json(both), strict=True)) for name, both in errors.items()}
    facts = {"figure2": {"sequence": sequence.title, "frames": sequence.frames.tolist(), KIND: wrist}}
    return Section(heading, text, figures=figures, pictures=draw_frames(sequence), facts={"3d": facts})


def draw_frames(sequence: Sequence) -> list[tuple[str, np.ndarray]]:
    """Captions, and each method's poses at frames that are spread evenly, turned by 45 degrees about the vertical.

    Their roots are together, in the middle, with the ground truth in gray beneath them, all to one scale.
    """
    shown, skeleton = np.unique(np.linspace(0, len(sequence.frames) - 1, FRAMES).round().astype(int)), sequence.skeleton
    poses = np.stack([sequence.gt, *sequence.poses.values()])[:, shown]
    poses = poses - poses[:, :, [skeleton.root]]
    turned = np.stack([np.cos(TURN) * poses[..., 0] + np.sin(TURN) * poses[..., 2], poses[..., 1]], axis=-1)
    gt, *placed = SIDE / 2 * (1 + turned / (1.1 * np.nanmax(np.abs(turned), initial=1.0)))
    pictures = []
    for (name, pose), place in product(zip(sequence.poses, placed, strict=True), range(len(shown))):
        picture = np.full((SIDE, SIDE, 3), 255, np.uint8)
        draw_skeleton(picture, gt[place], skeleton, [GT] * len(skeleton), 4.0)
        draw_skeleton(picture, pose[place], skeleton, side_colors(skeleton), 2.0)
        pictures.append((f"{name}, frame {sequence.frames[shown[place]]}", picture))
    return pictures


def choose_sequence(people: People, poses: Mapping[str, np.ndarray]) -> Sequence | None:
    """The sequence whose wrists move most, relative to the root, in the ground truth: no prediction has a say.

    Of a sequence in which several cameras saw a frame, the camera with most frames is taken.

    Args:
        people: N people with depth.
        poses: method -> (N, K, 3) x, y in image pixels and z in mm.

    Returns:
        None without a sequence of at least `SHORTEST` frames with a camera, numbers and wrists.
    """
    skeleton, depth = people.skeleton, people.depth
    gt, sequences = np.where(people.annotated[..., None], people.camera_joints, np.nan), _sequences(depth)
    spread = [_spread(gt[rows], skeleton) for rows in sequences]
    if not np.isfinite(spread).any():
        return None
    rows = sequences[np.nanargmax(spread)]
    *whose, number = (str(getattr(depth, name)[rows[0]]) for name in ("subject", "action", "sequence"))
    whose = [name for name in whose if name and name not in number]
    return Sequence(
        title=", ".join([*whose, number]),
        frames=depth.frame[rows],
        gt=gt[rows],
        poses={name: depth.select(rows).to_camera(pose[rows]) for name, pose in poses.items()},
        skeleton=skeleton,
    )


def _sequences(depth: Depth) -> list[np.ndarray]:
    """Rows of each sequence in the order of their frames, one a frame; short ones and unnamed ones are left out."""
    named = np.flatnonzero(depth.placed & (depth.frame != NO_FRAME) & (depth.sequence != ""))
    labels = np.stack([depth.subject[named], depth.action[named], depth.sequence[named]], axis=-1)
    _, index = np.unique(labels, axis=0, return_inverse=True)
    sequences = []
    for rows in (named[index.reshape(-1) == number] for number in range(index.max(initial=-1) + 1)):
        if len(np.unique(depth.frame[rows])) < len(rows):
            _, camera, count = np.unique(depth.camera[rows], axis=0, return_inverse=True, return_counts=True)
            rows = rows[camera.reshape(-1) == count.argmax()]
        rows = rows[np.unique(depth.frame[rows], return_index=True)[1]]
        if len(rows) >= SHORTEST:
            sequences.append(rows)
    return sequences


def _spread(gt: np.ndarray, skeleton: Skeleton) -> float:
    """Standard deviation in mm of the wrists (F, K, 3) about their mean place, relative to the root; NaN if unknown."""
    wrists = [index for index, name in enumerate(skeleton.names) if name.endswith(KIND)]
    places = (gt - gt[:, [skeleton.root]])[:, wrists]
    places = places[np.isfinite(places).all(axis=(1, 2))]
    known = wrists and len(places) >= SHORTEST
    return float(np.sqrt(places.var(axis=0).sum(axis=-1)).mean()) if known else np.nan
