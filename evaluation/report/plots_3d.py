"""Figure 2 of the paper: errors along a sequence, and poses in 3D at some of its frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from checkpoints.errors import PoseError
from evaluation.metrics.bone_lengths import bone_errors
from evaluation.metrics.distances import bone_names
from evaluation.metrics.inputs import ratio
from evaluation.metrics.mpjpe import joint_errors
from evaluation.report.plots import COLORS, LINES, MARKERS, SIDES, TRUE_POSE, WIDTH
from heads.skeleton import MPII, Skeleton

FRAMES = 4  # poses side by side: what a phone's width can show
TURN = np.pi / 4  # about the vertical: depth shows, and right and left stay apart
DENSE = 40  # frames, above which a line has no markers


@dataclass(frozen=True)
class Sequence3D:
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

    def errors(self, kind: str = "wrist") -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Method -> (F,) error of the joints and (F,) of their bones, mm; the mean of those called `kind`.

        Root-aligned, as Joint Error and Bone Error (Section 5.1 of the paper); NaN if none is known.
        """
        joints = [index for index, name in enumerate(self.skeleton.names) if name.endswith(kind)]
        bones = [bone_names(self.skeleton).index(self.skeleton.names[joint]) for joint in joints]
        return {
            name: (
                _row_means(joint_errors(pose, self.gt, self.skeleton.root)[:, joints]),
                _row_means(bone_errors(pose, self.gt, self.skeleton)[:, bones]),
            )
            for name, pose in self.poses.items()
        }


def sequence_figure(sequence: Sequence3D, kind: str = "wrist") -> Figure:
    """Joint and bone error of the wrists along a sequence, and below each method's pose at some frames.

    The frames are spread evenly. The poses are turned by 45 degrees about the vertical, roots together, with the ground
    truth in gray beneath them.

    Args:
        sequence: at least one frame and method.
        kind: of the joints.

    Raises:
        PoseError: no frame or method.
    """
    if not len(sequence.frames) or not sequence.poses:
        raise PoseError("plot of a sequence: nothing to draw; give at least one frame and one method")
    shown = np.unique(np.linspace(0, len(sequence.frames) - 1, FRAMES).round().astype(int))
    methods = len(sequence.poses)
    figure = Figure(figsize=(WIDTH, 5.0 + 1.6 * methods), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(4.4, 0.3 + 1.6 * methods))
    errors = sequence.errors(kind)
    for column, (axes, what) in enumerate(zip(above.subplots(2, 1, sharex=True), ("joint", "bone"), strict=True)):
        for index, (name, found) in enumerate(errors.items()):
            mean = _row_means(found[column][None])[0]
            axes.plot(sequence.frames, found[column], color=COLORS[index % len(COLORS)], linestyle=LINES[index % 4],
                      marker=MARKERS[index % len(MARKERS)] if len(sequence.frames) < DENSE else "", markersize=4,
                      label=f"{name} (mean {mean:.1f})")  # fmt: skip
        for frame in sequence.frames[shown]:
            axes.axvline(frame, color="#999999", linewidth=0.8, zorder=0)
        axes.set_title(f"{kind.capitalize()}: {what} error (mm)", fontsize="medium", loc="left")
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        columns = methods if sum(map(len, errors)) < 24 else 1  # beside each other if the names are short
        room = 1.1 + 0.2 * methods / columns
        axes.set_ylim(0, room * np.nanmax([found[column] for found in errors.values()], initial=1.0))
        axes.legend(fontsize="small", loc="upper left", ncols=columns, framealpha=0.8)
    axes.set_xlabel("frame")
    _draw_poses(below, sequence, shown)
    return figure


def _draw_poses(figure: Figure, sequence: Sequence3D, shown: np.ndarray) -> None:
    """A row of poses per method, a column per frame, all to one scale."""
    turned = {name: _turned(pose[shown], sequence.skeleton) for name, pose in sequence.poses.items()}
    gt = _turned(sequence.gt[shown], sequence.skeleton)
    places = np.concatenate([gt, *turned.values()]).reshape(-1, 2)
    reach = 1.1 * np.nanmax(np.abs(places[:, 0]), initial=1.0)
    top, bottom = np.nanmin(places[:, 1], initial=-1.0) - 50, np.nanmax(places[:, 1], initial=1.0) + 50
    panels = figure.subplots(len(turned), len(shown), squeeze=False)
    for row, (name, poses) in enumerate(turned.items()):
        for axes, frame, pose, true in zip(panels[row], sequence.frames[shown], poses, gt, strict=True):
            _draw_pose(axes, pose, true, sequence.skeleton)
            axes.set(xlim=(-reach, reach), ylim=(bottom, top), aspect="equal", xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            if row == 0:
                axes.set_title(f"frame {frame}", fontsize="small")
        panels[row, 0].set_ylabel(name, fontsize="small")
    handles = [Line2D([], [], color=TRUE_POSE, linewidth=4, label="ground truth")]
    handles += [Line2D([], [], color=color, label=side) for side, color in SIDES.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, fontsize="small")


def _draw_pose(axes: Axes, pose: np.ndarray, true: np.ndarray, skeleton: Skeleton) -> None:
    limbs = np.array([(joint, parent) for joint, parent in enumerate(skeleton.parents) if parent != -1])
    colors = [SIDES[skeleton.sides[joint]] for joint, _ in limbs]
    axes.add_collection(LineCollection(true[limbs], colors=TRUE_POSE, linewidths=4, capstyle="round"))
    axes.add_collection(LineCollection(pose[limbs], colors=colors, linewidths=1.4, capstyle="round"))


def _turned(poses: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """(F, K, 2) poses (F, K, 3) relative to their roots, turned about the vertical and seen from ahead."""
    poses = poses - poses[:, [skeleton.root]]
    return np.stack([np.cos(TURN) * poses[..., 0] + np.sin(TURN) * poses[..., 2], poses[..., 1]], axis=-1)


def _row_means(values: np.ndarray) -> np.ndarray:
    """The mean of each row's finite values; NaN, without a warning, if there is none."""
    return ratio(np.nansum(values, axis=1), np.isfinite(values).sum(axis=1))
