"""Pictures of predictions: the poses drawn on the images, for people to look at before they read numbers."""

from collections.abc import Mapping, Sequence

import numpy as np

from checkpoints.errors import PoseError
from evaluation.report import sequence
from evaluation.report.material import Run, Section
from evaluation.report.side_view import draw_front_and_side
from heads.skeleton import Skeleton
from ief.reporting.scoring import choose_measure, person_errors
from mpii_tools.images.decode import LoadImage
from mpii_tools.people import NO_FRAME, Depth, People

SHOWN = 12  # people in a section, or of each kind
NOBODY = ("No images were given, so nobody is drawn on one; --images DIR names them.",)
SHORTEST = 6  # frames worth a line


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


def choose_sequence(people: People, poses: Mapping[str, np.ndarray]) -> sequence.Sequence | None:
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
    return sequence.Sequence(
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
    wrists = [index for index, name in enumerate(skeleton.names) if name.endswith(sequence.KIND)]
    places = (gt - gt[:, [skeleton.root]])[:, wrists]
    places = places[np.isfinite(places).all(axis=(1, 2))]
    known = wrists and len(places) >= SHORTEST
    return float(np.sqrt(places.var(axis=0).sum(axis=-1)).mean()) if known else np.nan
