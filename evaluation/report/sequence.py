"""How a method follows a movement: Figure 2 of the paper, errors along a sequence and poses at some of its frames."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from evaluation.metrics.errors import bone_errors, bone_names, joint_errors
from evaluation.metrics.ground_truth import nan_mean
from evaluation.metrics.json_format import to_json
from evaluation.report import plots
from evaluation.report.page import Section
from heads.skeleton import MPII, Skeleton

KIND, TRUE_POSE = "wrist", "#c4c4c4"
FRAMES = 4  # poses side by side: what a phone's width can show
TURN = np.pi / 4  # about the vertical: depth shows, and right and left stay apart
DENSE = 40  # frames, above which a line has no markers


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
        errors = {}
        for name, pose in self.poses.items():
            both = joint_errors(pose, self.gt, self.skeleton.root)[:, joints], bone_errors(pose, self.gt, self.skeleton)
            errors[name] = np.stack([nan_mean(both[0], axis=1), nan_mean(both[1][:, bones], axis=1)])
        return errors


def make_section(sequence: Sequence | None) -> Section:
    """Figure 2; a sentence if there is no sequence to draw."""
    heading = "Figure 2: wrists along a sequence"
    if sequence is None:
        nothing = "No sequence with numbered frames, known depths and cameras was given."
        return Section(heading, (nothing,), facts={"3d": {"figure2": {}}})
    text = (
        f"{sequence.title}: of the sequences, the one whose wrists move most. Above, the error of the wrists and of "
        "the bones from them to the elbows; below, the poses at the marked frames, seen from 45 degrees to the side.",
    )
    caption = "Errors of both wrists, averaged, roots together; in the legend their means over the sequence."
    wrist = {
        name: dict(zip(("joint_mm", "bone_mm"), to_json(both), strict=True)) for name, both in sequence.errors().items()
    }
    facts = {"figure2": {"sequence": sequence.title, "frames": sequence.frames.tolist(), KIND: wrist}}
    return Section(heading, text, figures={"figure2": (caption, sequence_figure(sequence))}, facts={"3d": facts})


def sequence_figure(sequence: Sequence) -> Figure:
    """Joint and bone error of the wrists along a sequence, and below each method's pose at some frames.

    The frames are spread evenly. The poses are turned by 45 degrees about the vertical, roots together, with the ground
    truth in gray beneath them.

    Args:
        sequence: at least one frame and method.
    """
    shown = np.unique(np.linspace(0, len(sequence.frames) - 1, FRAMES).round().astype(int))
    methods = len(sequence.poses)
    figure = Figure(figsize=(plots.WIDTH, 5.0 + 1.6 * methods), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(4.4, 0.3 + 1.6 * methods))
    errors = sequence.errors()
    for column, (axes, what) in enumerate(zip(above.subplots(2, 1, sharex=True), ("joint", "bone"), strict=True)):
        for index, (name, lines) in enumerate(errors.items()):
            marker = plots.MARKERS[index % len(plots.MARKERS)] if len(sequence.frames) < DENSE else ""
            look = {**plots.style(index), "marker": marker, "markersize": 4}
            label = f"{plots.label_line(name)} (mean {nan_mean(lines[column]):.1f})"
            axes.plot(sequence.frames, lines[column], label=label, **look)
        for frame in sequence.frames[shown]:
            axes.axvline(frame, color="#999999", linewidth=0.8, zorder=0)
        axes.set_title(f"{KIND.capitalize()}: {what} error (mm)", fontsize="medium", loc="left")
        plots.prepare_axes(axes)
        columns = methods if sum(map(len, errors)) < 24 else 1  # beside each other if the names are short
        room = 1.1 + 0.2 * methods / columns
        axes.set_ylim(0, room * np.nanmax([lines[column] for lines in errors.values()], initial=1.0))
        axes.legend(fontsize="small", loc="upper left", ncols=columns, framealpha=0.8)
    axes.set_xlabel("frame")
    _draw_poses(below, sequence, shown)
    return figure


def _draw_poses(figure: Figure, sequence: Sequence, shown: np.ndarray) -> None:
    """A row of poses per method, a column per frame, all to one scale."""
    turned = {name: _turn(pose[shown], sequence.skeleton) for name, pose in sequence.poses.items()}
    gt = _turn(sequence.gt[shown], sequence.skeleton)
    places = np.concatenate([gt, *turned.values()]).reshape(-1, 2)
    reach = 1.1 * np.nanmax(np.abs(places[:, 0]), initial=1.0)
    top, bottom = np.nanmin(places[:, 1], initial=-1.0) - 50, np.nanmax(places[:, 1], initial=1.0) + 50
    panels, skeleton = figure.subplots(len(turned), len(shown), squeeze=False), sequence.skeleton
    limbs = [(joint, parent) for joint, parent in enumerate(skeleton.parents) if parent != -1]
    colors = [plots.SIDES[skeleton.sides[joint]] for joint, _ in limbs]
    for row, (name, poses) in enumerate(turned.items()):
        for axes, frame, pose, true in zip(panels[row], sequence.frames[shown], poses, gt, strict=True):
            for joints, color, width in ((true, TRUE_POSE, 4), (pose, colors, 1.4)):
                axes.add_collection(LineCollection(joints[limbs], colors=color, linewidths=width, capstyle="round"))
            axes.set(xlim=(-reach, reach), ylim=(bottom, top), aspect="equal", xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            if row == 0:
                axes.set_title(f"frame {frame}", fontsize="small")
        panels[row, 0].set_ylabel(name, fontsize="small")
    handles = [Line2D([], [], color=color, label=side) for side, color in plots.SIDES.items()]
    handles.append(Line2D([], [], color=TRUE_POSE, linewidth=4, label="ground truth"))
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, fontsize="small")


def _turn(poses: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """(F, K, 2) poses (F, K, 3) relative to their roots, turned about the vertical and seen from ahead."""
    poses = poses - poses[:, [skeleton.root]]
    return np.stack([np.cos(TURN) * poses[..., 0] + np.sin(TURN) * poses[..., 2], poses[..., 1]], axis=-1)
