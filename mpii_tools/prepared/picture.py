"""What joints are called and what they hang on, drawn on a person of a prepared split."""

import io

import numpy as np
from matplotlib.figure import Figure

from mpii_tools.prepared.read import PreparedSplit

COLORS = {"right": "#e66e00", "left": "#56b4e9", "center": "#f0e442"}  # the person's sides, as in every picture


def draw_skeleton(data: PreparedSplit) -> bytes:
    """A PNG of the crop of the person with the most joints: each with its name, and a line to its parent."""
    people, skeleton = data.people, data.people.skeleton
    row = int(people.supervised.sum(axis=1).argmax())
    joints = data.joints[row, :, :2] + data.border
    figure = Figure(figsize=(8, 8), layout="constrained")
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.imshow(data.crops[row])
    for joint in np.flatnonzero(people.supervised[row]).tolist():
        color, limb = COLORS[skeleton.sides[joint]], [joint, max(skeleton.parents[joint], 0)]
        if skeleton.parents[joint] >= 0:
            axes.plot(*joints[limb].T, "-", color=color, linewidth=2)
        axes.plot(*joints[joint], "s" if joint == skeleton.root else "o", color=color, markeredgecolor="black")
        ground = {"facecolor": "black", "alpha": 0.6, "edgecolor": "none", "pad": 1}
        shift = {"xytext": (4, 4), "textcoords": "offset points", "bbox": ground, "parse_math": False}
        axes.annotate(skeleton.names[joint], joints[joint], color=color, fontsize="small", **shift)
    figure.savefig(data := io.BytesIO(), format="png")
    return data.getvalue()
