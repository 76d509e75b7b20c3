"""The card of released weights: what they are, learned from, score, and where they fail, on drawn people."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation import Scores
from evaluation.report.material import Run
from evaluation.report.skeletons import grid, to_jpeg
from evaluation.report.tables import cell, groups_table, readable, summary_table
from ief.reporting.pictures import draw_people, label_worst_and_median
from ief.reporting.scoring import person_errors
from mpii_tools.annotations.read import read_annotations
from mpii_tools.images.decode import LoadImage, image_loader
from mpii_tools.images.sources import open_images
from mpii_tools.people import People
from mpii_tools.prepared.read import PreparedSplit, load_prepared
from mpii_tools.prepared.write import CropSpec, prepare
from mpii_tools.synthetic.dataset import write_synthetic

WIDTH = 100  # columns of the page
WHOLE_WORDS = {"break_long_words": False, "break_on_hyphens": False}
PICTURE = "failures.jpg"
PICTURE_BYTES = 100_000
SEED = 2017  # of the drawn people: no demo's


@dataclass(frozen=True)
class Rounding:
    """What rounding the weights to float16 did.

    Attributes:
        sizes: bytes of each stage's file, before and after.
        moved: the largest distance of a joint from where float32 places it, pixels of the network's input.
        size: side of that input. people: how many people it was measured on.
    """

    sizes: tuple[tuple[int, int], ...]
    moved: float
    size: int
    people: int


def draw_test_people(folder: Path, count: int, size: int) -> tuple[PreparedSplit, LoadImage]:
    """People in any pose, drawn on `count` images and prepared for an input of `size` pixels; and their images.

    Raises:
        PoseError: when the disk refuses.
    """
    source = write_synthetic(folder / "data", 0, count, 0, SEED, workers=1)
    images = open_images(source.images)
    people = read_annotations(source.annotations).people
    prepare(people, images, folder / "prepared", "drawn", CropSpec(size, margin=1.0))
    return load_prepared(folder / "prepared", "valid"), image_loader(images)


def failures_picture(people: People, poses: np.ndarray, load_image: LoadImage, count: int = 6) -> bytes:
    """A JPEG of at most PICTURE_BYTES: the `count` people with the largest errors, the worst first.

    Args:
        poses: (N, K, D) predictions of all of `people`, x and y in image pixels.
    """
    rows = list(label_worst_and_median(person_errors(poses, people), count))[:count]
    sheet = grid([picture for _, picture in draw_people(people, poses, load_image, rows, side=240)], 3)
    pictures = (to_jpeg(sheet, quality) for quality in range(85, 0, -10))
    return next(picture for picture in pictures if len(picture) <= PICTURE_BYTES)


def model_card(run: Run, license: str, options: Mapping[str, str], drawn: Scores, rounding: Rounding) -> str:
    """The page, in Markdown.

    Args:
        run: with the scores and the record of its training.
        license: of the training data, in words.
        options: of the training, flag -> value: those that differ from the preset `paper`.
        drawn: the scores of drawn people, with confidence intervals.
        rounding: what the weights lost.
    """
    record, stages = run.record, {readable(name): scores for name, scores in run.scores_in(2).items()}
    measure = drawn.measure.title
    before, after = (sum(sizes) / 1e6 for sizes in zip(*rounding.sizes, strict=True))
    parts = [
        "# Released weights",
        f"{len(rounding.sizes)} stages of {record['preset']['backbone']} at {record['size']} px, method "
        f"`{record['method']}`, for MPII's 16 joints; {after:.1f} MB. They are what `ief predict` and "
        "`PosePredictor.load()` take unless another run is given.",
        "    ief predict image.jpg --out poses",
        "    from ief import PosePredictor\n\n    poses = PosePredictor.load()(image, boxes)",
        "## Data",
        f"Trained on {record['people']:,} people of `{record['data']}`"
        + (f" and {record['also_people']:,} of `{record['also']}`" if record.get("also") else "")
        + f", starting from {record['pretrained'] or 'random weights'}. License of the data: {license}",
        "## Scores",
        f"{run.stages[run.last][2].people:,} validation people, {run.convention} convention, without flip averaging.",
        summary_table(stages).markdown(),
        groups_table(stages).markdown(),
        "## How they were trained",
        f"Seed {record['seed']}; weights kept: {record['kept']}. Options that differ from the preset `paper`:",
        "\n".join(["| option | value |", "|---|---|", *(f"| `{name}` | {value} |" for name, value in options.items())]),
        "## Where they fail",
        f"![Drawn people with the largest errors, predicted and true skeletons]({PICTURE})",
        f"The worst of {rounding.people} drawn people in any pose: predictions in color, ground truth thin and white. "
        f"They are drawn because everybody may show them, and look like no training image: {measure} "
        f"{cell(drawn.mean_pckh)} on all of them.",
        "## Half precision",
        f"Convolutions and linear layers are stored in float16: {after:.1f} MB instead of {before:.1f}. They are "
        f"loaded as float32. No joint of the {rounding.people} drawn people moved by more than {rounding.moved:.3f} px "
        f"of the {rounding.size} px input against the weights before rounding. The scores above are of those.",
    ]
    return "\n\n".join(map(wrap_block, parts)) + "\n"


def wrap_block(text: str) -> str:
    """A block of Markdown, its prose wrap_block at WIDTH columns; tables, code and pictures stay."""
    lines = [
        line if line.startswith(("|", "    ", "!", "#")) else textwrap.fill(line, WIDTH, **WHOLE_WORDS)
        for line in text.splitlines()
    ]
    return "\n".join(lines)
