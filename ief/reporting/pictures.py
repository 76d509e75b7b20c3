"""Pictures of predictions: the poses drawn on the images, for people to look at before they read numbers."""

from collections.abc import Sequence

import numpy as np

from checkpoints import PoseError
from evaluation.report.material import Run, Section
from evaluation.report.side_view import draw_front_and_side
from ief.reporting.scoring import choose_measure, person_errors
from mpii_tools.images.decode import LoadImage
from mpii_tools.people import People

SHOWN = 12  # people in a section, or of each kind
NOBODY = ("No images were given, so nobody is drawn on one; --images DIR names them.",)


def draw_people(
    people: People,
    poses: np.ndarray,
    load_image: LoadImage,
    rows: Sequence[int],
    *,
    side: int = 320,
    left_out: list[str] | None = None,
) -> list[tuple[int, np.ndarray]]:
    """Close-ups of some people with predicted (colored) and true (thin white) skeletons; in 3D a side view beside.

    A joint predicted beyond the image's edge is not drawn: nothing in the image tells whether it is right.

    Args:
        poses: (N, K, D) predictions of all of `people`, x and y in image pixels. In 3D the side view takes its scale
            from the person's camera where that is known, else from the pose.
        load_image: an image by name.
        rows: the people to draw.
        side: of each picture in pixels.
        left_out: gets a line, with its reason, for each image that is missing or corrupt.

    Returns:
        (row, (side, side, 3) uint8 RGB) of each person whose image could be read; (side, 2 side + 1, 3) of 3D poses.
    """
    pictures = []
    for row in rows:
        try:
            image = load_image(str(people.images[row]))
        except PoseError as error:
            if left_out is not None:
                left_out.append(f"picture of {people.person_ids[row]}: {error}")
            continue
        options = {"gt": people.joints[row], "side": side}
        if poses.shape[-1] == 3 and (depth := people.depth) is not None:
            options["gt"] = np.column_stack([people.joints[row], depth.z[row]])
            options["scale"] = float(depth.camera[row, 0] / depth.root_depth[row]) if depth.placed[row] else None
        pictures.append((row, draw_front_and_side(image, poses[row], people.skeleton, **options)))
    return pictures


def spread_rows(errors: np.ndarray, count: int) -> list[int]:
    """`count` rows spread evenly from the best to the worst of (N,) errors; NaN errors are passed over."""
    order = np.argsort(errors)[: np.isfinite(errors).sum()]
    return order[np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)].tolist()


def make_people_section(
    run: Run, people: People | None, load_image: LoadImage | None, left_out: list[str] | None
) -> Section:
    """Close-ups of people by a run's last stage, from the best to the worst, or a sentence if nobody can be drawn.

    In 3D it is Figure 3, in the image and from the side: first those whose depth is known, then others.
    """
    poses, captions = run.poses.get(run.last), {}
    deep = poses is not None and poses.shape[-1] == 3
    heading = "Figure 3: people in the image and from the side" if deep else "People"
    if people is None or load_image is None or poses is None:
        return Section(heading, text=NOBODY)
    known = np.zeros(len(people), bool)
    for dimensions, unit in ((3, "mm"), (2, choose_measure(people).unit))[not deep or people.depth is None :]:
        errors = np.where(known, np.nan, person_errors(poses, people, dimensions))
        known |= np.isfinite(errors)
        rows = spread_rows(errors, SHOWN)
        captions |= {row: f"{people.person_ids[row]}, {errors[row]:.2f} {unit}" for row in rows}
    drawn = draw_people(people, poses, load_image, list(captions), left_out=left_out)
    text = (
        f"{run.name}: people from the best to the worst by mean joint error. Orange: the person's right side; blue: "
        "left; yellow: center; thin: the ground truth, where it is known."
    )
    pictures = [(captions[row], picture) for row, picture in drawn]
    return Section(heading, text=(text,) if pictures else NOBODY, pictures=pictures, wide=deep)
