"""The report of runs and files of predictions: read what they hold, ask the questions that apply, write the page."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from checkpoints import PoseError, write_bytes
from evaluation import AngleLimits
from evaluation.metrics import CROP, Json
from evaluation.report import calibration, curves, errors, human36m, methods, movement, representation, suspects
from evaluation.report.material import Section, list_entries
from evaluation.report.page import render_report
from evaluation.report.published import TABLE_8
from ief.reporting import sequence
from ief.reporting.evaluate import select_others
from ief.reporting.people import make_lookup, make_people_section
from ief.reporting.runs import load_file, load_run, name_inputs
from ief.reporting.scoring import view_poses
from mpii_tools.annotations.read import read_annotations
from mpii_tools.crops import apply_affine, crop_matrices
from mpii_tools.images.decode import LoadImage, image_loader
from mpii_tools.images.sources import open_images
from mpii_tools.people import People
from mpii_tools.prepared.read import read_description

THUMBNAILS = 100  # of people in the page, 5 KB each


def read_people(path: Path | None, data: Path | None, split: str) -> People | None:
    """The people of an annotation file, else of a split of prepared data; None for neither.

    Raises:
        PoseError: a file of no known format, or prepared data without that split.
    """
    if path is None and data is None:
        return None
    if path is None and split not in (splits := read_description(data)["splits"]):
        raise PoseError(f"{data}: has no split '{split}'; it has {', '.join(splits) or 'none'}")
    return read_annotations(path or data / f"{split}.npz").people


def open_loader(images: Path, data: Path | None) -> LoadImage:
    """Reads an image of a folder by name, turned as its Exif says if the prepared data were."""
    return image_loader(open_images(images), bool(data and read_description(data).get("apply_exif")))


def write_report(
    inputs: Sequence[str | Path],
    out: Path,
    title: str,
    lead: str = "",
    *,
    people: People | None = None,
    training: People | None = None,
    load_image: LoadImage | None = None,
    published: Mapping[str, Json] = TABLE_8,
    left_out: list[str] | None = None,
    angle_limits: AngleLimits | None = None,
    first_pixel: int | None = None,
    thumbnails: int = THUMBNAILS,
    images: Path | None = None,
) -> Path:
    """Write `out`/index.html, results.json, tables/ and figures/ for finished runs and files of predictions.

    Args:
        inputs: run folders, files of predictions, or both, each a path or "NAME=PATH"; the last one's poses are drawn.
        out: folder to write.
        title, lead: of the page.
        people: the validation people of the runs' predictions. Without them, differences and breakdowns are left out;
            in 3D without their depth.
        training: the training people, for Figure 1, and for swaps with those in an image of `people`; None takes
            `people`, and knows of no others.
        load_image: an image by name; None draws nobody on an image.
        published: rows to print below Table 8.
        first_pixel: what other programs' files call it, 0 or 1; None for the format's own.
        thumbnails: most people whose image is in the page, for its script to show.
        images: the folder of images that it may link for others; None links none.
        left_out: gets a line for each image that could not be drawn on; the report does without.
        angle_limits: for Illegal Angle; None leaves it out.

    Returns:
        The page's path.

    Raises:
        PoseError: a run that is not finished, predictions of other people.
    """
    named = name_inputs(inputs)
    others = select_others(training, people) if training and people else None
    options = {"limits": angle_limits, "others": others}
    files = [load_file(path, name, people, first_pixel, **options) for name, path in named.items() if path.is_file()]
    if files:  # a file may lack those of whom nothing is annotated
        people = people.select(people.annotated.any(axis=1))
    known = {run.name: run for run in files}
    loaded = [known.get(name) or load_run(path, name, people, **options) for name, path in named.items()]
    if other := next((run for run in loaded if run.skeleton.names != loaded[-1].skeleton.names), None):
        mine, theirs = (", ".join(run.skeleton.names[:3]) for run in (loaded[-1], other))
        raise PoseError(f"{other.name} places {theirs}, ..., {loaded[-1].name} {mine}, ...; report on each by itself")
    view = partial(view_poses, people, **options)
    shown, measure = loaded[-1], loaded[-1].stages[loaded[-1].last][2].measure
    stages, trainings = methods.compare_stages(loaded, view), human36m.compare_trainings(loaded, view)
    entries, gains, pairs = trainings or ((), (), {})
    parts: list[Section | None] = [methods.make_verdict(loaded, view, (*stages, *entries))]
    if pairs:
        truth, trained = root_joints(people), root_joints(training)
        poses = {one.name: one.poses for one in pairs[min(pairs)] if one.poses is not None}
        parts += [
            human36m.make_metrics_section(entries, gains, loaded, truth is not None),
            human36m.make_joints_section(pairs),
            human36m.make_actions_section(pairs),
            representation.make_section(
                truth if trained is None else trained, shown.skeleton, trained is not None, dimensions=3
            ),
            sequence.make_section(sequence.choose_sequence(people, poses) if truth is not None and poses else None),
        ]
    parts += [
        *methods.make_sections(loaded, stages, people is not None, published),
        errors.make_joints_section({entry.name: entry.scores for entry in list_entries(loaded, 2)}),
        errors.make_kinds_section(stages),
    ]
    if people is not None:
        parts += [
            errors.make_parts_section(loaded, view, bool(np.isfinite(people.scale).any())),
            movement.make_section(loaded, view),
            suspects.make_section(loaded, view, people.person_ids.tolist(), people.images.tolist()),
            calibration.make_section(calibration.measure(loaded, view), measure),
        ]
    link = f"{Path(os.path.relpath(images, out)).as_posix()}/" if images else ""
    lookup = make_lookup(loaded, people, load_image, thumbnails, link, others)
    parts.append(replace(make_people_section(shown, people, load_image, left_out), people=lookup))
    if trained := [run for run in loaded if not run.is_file]:
        joints_2d = crop_joints(people if training is None else training)
        parts += [
            representation.make_section(joints_2d, shown.skeleton, training is not None),
            curves.make_section(trained, measure),
            curves.make_runs_section(trained),
        ]
    for name, content in render_report(title, lead, [part for part in parts if part]).items():
        write_bytes(out / name, content)
    return out / "index.html"


def crop_joints(people: People | None) -> np.ndarray | None:
    """(N, K, 2) annotated joints in pixels of the 224 crop, NaN for others; None without people."""
    if people is None:
        return None
    joints = apply_affine(crop_matrices(people.crop_center, people.crop_side, CROP), people.joints)
    return np.where(people.annotated[..., None], joints, np.nan)


def root_joints(people: People | None) -> np.ndarray | None:
    """(N, K, 3) annotated joints in camera axes relative to the root, mm, NaN for others; None without known depth."""
    if people is None or people.depth is None or not people.depth.placed.any():
        return None
    joints = np.where(people.annotated[..., None], people.camera_joints, np.nan)
    return joints - joints[:, [people.skeleton.root]]
