"""Annotations and images -> a folder of preprocessed crops, and a table of everything that was left out."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from checkpoints import PoseError, write_bytes, write_text
from heads.skeleton import Skeleton
from mpii_tools.annotations.combine import COPIES, combine, find_copies, open_combined, read_source
from mpii_tools.annotations.human36m.protocols import HUMAN36M, choose_people, place_crops
from mpii_tools.annotations.joints import derive_joints, describe_joints, find_exchanged, unlabeled_joints
from mpii_tools.annotations.reading import NOT_AS, table
from mpii_tools.prepared.read import PreparedSplit, load_prepared
from mpii_tools.prepared.write import OF_IMAGES, CropSpec, prepare
from mpii_tools.skeletons import mirror_note, skeleton_to_json

COLORS = {"right": "#e66e00", "left": "#56b4e9", "center": "#f0e442"}  # the person's sides, as in every picture


def prepare_dataset(
    annotations: Sequence[str],
    out: Path,
    spec: CropSpec,
    images: Path | None = None,
    *,
    name: str | None = None,
    skeleton: Skeleton | None = None,
    category: str | None = None,
    derive: bool = True,
    valid_share: float | None = None,
    seed: int = 0,
    limit: int | None = None,
    strict: bool = False,
    protocol: int | None = None,
    every: Sequence[int] = (),
    leave_out_damaged: bool = False,
    crop: str | None = None,
) -> list[str]:
    """Read, check, print what was found, and write.

    Args:
        annotations: `SPLIT=PATH` or `PATH`, in any format.
        out: folder to write.
        spec: what a crop shows.
        images: their folder; None: beside each of the annotations.
        name: the dataset's; None: that of `out`.
        skeleton: the joints to keep; None: the annotations' own.
        category: whose people to take of several classes with keypoints, by name or id; None: all.
        derive: place joints without a label by the skeleton's rules, for training.
        valid_share, seed: of a random validation split (`combine`).
        limit: how many people of each split to take, the first ones; None: all.
        strict: write nothing if anything is wrong.
        protocol, every, leave_out_damaged: of Human3.6M (`human36m.protocols.choose_people`).
        crop: `box` or `pelvis`, what crops show of people with depth; None: box.

    Returns:
        a line for each person whose image or entry cannot be used.

    Raises:
        PoseError: nothing to read or to write, or, with `strict`, faults.
    """
    if limit is not None and limit < 1:
        raise PoseError(f"--limit {limit}: must be above 0; leave it out for everybody")
    sources = [read_source(argument, skeleton, category) for argument in annotations]
    sources = [choose_people(source, protocol, every, leave_out_damaged) for source in sources]
    of_human36m = any(source.format.startswith(HUMAN36M) for source in sources)
    if (protocol or every or leave_out_damaged) and not of_human36m:
        raise PoseError("--protocol, --every and --leave-out-damaged are for Human3.6M, of which nothing is given")
    sources = [place_crops(source, crop) for source in sources]
    for source in sources:
        print(f"{source.path}: {source.format}, {len(source.people):,} people")
    folders, name = [images or source.folder for source in sources], name or out.resolve().name
    reading = combine(sources, folders, valid_share, seed)
    read_image = open_combined(folders, reading.people.images.tolist())
    people, copies = reading.people, find_copies(reading.people, sources, read_image)
    notes = {**reading.notes, COPIES: people.person_ids[copies].tolist(), **find_exchanged(people)}
    people = derive_joints(people.select(~copies)) if derive else people.select(~copies)
    if derive and people.derived.any():
        print(f"{int(people.derived.any(axis=1).sum()):,} people got a joint by rule (training only)")
    if limit:
        first = [np.flatnonzero(people.split == split)[:limit] for split in np.unique(people.split)]
        people = people.select(np.sort(np.concatenate(first)))
    print(*describe_joints(people), sep="\n")
    done = prepare(people, read_image, out, name, spec, strict=strict, known=reading.faults, image_folders=folders)
    for heading, entries in (
        ("faults", done.faults),
        ("notes", {**notes, **unlabeled_joints(people), **done.notes}),
    ):
        print(table(heading, entries) or f"no {heading}")
    if note := mirror_note(people.skeleton):
        print(f"{out}: {note}")
    if not done.splits:
        reason, who = next(iter(done.faults.items()), ("no person in the annotations", []))
        reason = ": ".join([reason, *who[:1]])
        raise PoseError(f"{out}: no person of {name} could be prepared; first reason: {reason}")
    if not done.written:
        faults = f"{sum(map(len, done.faults.values())):,} faults of {len(done.faults)} kinds, listed above"
        raise PoseError(f"{sources[0].path}: {faults}; fix them, or leave out --strict. Nothing was written")
    write_text(out / "skeleton.json", json.dumps(skeleton_to_json(people.skeleton), indent=1))
    write_bytes(out / "skeleton.png", draw_skeleton(load_prepared(out, next(iter(done.splits)))))
    new, replaced, kept = (
        ", ".join(f"{count:,} {split}" for split, count in splits.items())
        for splits in (done.splits, done.replaced, done.kept)
    )
    print(f"{out}: {new} people at {spec.size} px" + (f", in place of {replaced} of before" if replaced else ""))
    if kept:
        print(f"{out}: {kept} people of before stay")
    if "train" in {**done.splits, **done.kept} and "valid" not in {**done.splits, **done.kept}:
        print(f"{out}: no validation split; add one with valid=PATH, or prepare again with --valid-share 0.1")
    lost = [what for what in done.faults if what in OF_IMAGES or what.startswith(NOT_AS)]
    return [f"{what}: {who}" for what in lost for who in done.faults[what]]


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
