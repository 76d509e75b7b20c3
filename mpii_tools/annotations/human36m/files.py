"""Human3.6M in the files in which people have it.

mmpose's .npz: `imgname`, `part` in pixels and `S` in meters, a flag behind each; MPI-INF-3DHP too. JSON of PoseNet and
Integral: `Human36M_subject1_data.json`, `_camera.json` and `_joint_3d.json`; of RLE: one file with `keypoints_world`,
`bbox` and `cam_param` of each person. Human3.6M's own `S1/.../D3_Positions_mono/Directions 1.54138969.cdf`, and what
h36m-fetch makes of them, `S1/Directions-1/annot.h5`: both hold the subject's own skeleton of 32 joints.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.annotations.human36m.cameras import fit_lenses, tabulate_frames, to_camera
from mpii_tools.annotations.human36m.protocols import HUMAN36M, parse_numbers, parse_video
from mpii_tools.annotations.human36m.recording import NAMES, OF_32, make_reading
from mpii_tools.annotations.labels import read_entries
from mpii_tools.annotations.reading import Reading
from mpii_tools.formats.arrays import listed, load_arrays, numeric
from mpii_tools.formats.content import load_json

KEYS = {"imgname": "U", "part": "f", "S": "f"}
HUMAN36M_IMAGE = re.compile(r"(S\d+)_(.+)\.(\d+)_(\d+)\.\w+")  # S1_Directions_1.54138969_000001.jpg
MPI_INF_IMAGE = re.compile(r"(S\d+|TS\d+)(_Seq\d+)?(_Cam\d+)?_(\d+)\.\w+")  # S4_Seq2_Cam0_001033.jpg, TS1_002001.jpg
# MPI-INF-3DHP's 17 joints in mmpose's order, put where Human3.6M has the like: its neck, head and head top come last.
OF_MPI_INF = [14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4]
DIGITS = 9  # of a frame's number that count: longer ones would not fit in int64
METERS = (0.3, 100.0)  # how far from a camera a person may stand

ENDING = "_data.json"
OF_IMAGE = ("subject", "action_idx", "subaction_idx", "cam_idx", "frame_idx")
RLE_IMAGE = re.compile(r"s_(\d{1,3})_act_(\d{1,3})_subact_(\d{1,3})_ca_(\d{1,3})_(\d{1,9})\.\w+$")

FOLDER = "D3_Positions_mono"  # camera coordinates of the subject's own skeleton
NAME = re.compile(r"(.+)\.(\d+)\.cdf", re.IGNORECASE)
WIDTH = 96  # 32 joints

GROUPS = ("pose", "intrinsics")
NUMBERS = ("subject", "action", "subaction", "camera", "frame")
FOLDERS = {"Photo": "TakingPhoto", "WalkDog": "WalkingDog"}  # what h36m-fetch calls its folders of these actions


def read_mmpose(path: Path) -> Reading:
    """The people of Human3.6M, or of MPI-INF-3DHP if the first image is one of its.

    Human3.6M's cameras come from metadata.xml or cameras.json beside the file or above it: mmpose's own cameras.pkl is
    a pickle, and never read. MPI-INF-3DHP's are fitted to the labels, video by video (`fit_lenses`); its training
    subjects are S1 to S8, and TS1 to TS6 of the test validate.

    Raises:
        PoseError: another file, other names than mmpose's, or poses that are not in meters.
    """
    images, poses, labels = _load(path)
    names = [image.replace("\\", "/").rpartition("/")[2] for image in images.tolist()]
    if not MPI_INF_IMAGE.fullmatch(names[0]):
        frames = []
        for name, match in zip(images.tolist(), map(HUMAN36M_IMAGE.fullmatch, names), strict=True):
            try:
                frames.append(parse_video(match[1], match[2], match[3], int(match[4][-DIGITS:]) - 1))
            except (TypeError, ValueError) as error:  # no match, or no video of a subject
                raise PoseError(
                    f"{path}: {name[:80]!r} is no image of Human3.6M as mmpose calls them, "
                    "S1/S1_Directions_1.54138969/S1_Directions_1.54138969_000001.jpg; keep its names"
                ) from error
        table = tabulate_frames(path, frames)
        return make_reading(f"{HUMAN36M} as mmpose has it (.npz)", images, poses, labels=labels, **table)
    if None in (matches := [MPI_INF_IMAGE.fullmatch(name) for name in names]):
        raise PoseError(
            f"{path}: {str(images[matches.index(None)])[:80]!r} is no image of MPI-INF-3DHP as mmpose calls them, "
            "S4_Seq2_Cam0_001033.jpg or TS1_002001.jpg; keep its names"
        )
    sequences = [f"{match[1]} {(match[2] or '').strip('_')}".strip() for match in matches]
    videos = [f"{sequence}{match[3] or ''}" for sequence, match in zip(sequences, matches, strict=True)]
    poses, labels = poses[:, OF_MPI_INF], labels[:, OF_MPI_INF]
    return make_reading(
        "MPI-INF-3DHP as mmpose has it (.npz)", images, poses, fit_lenses(poses, labels, videos), labels=labels,
        split=np.array(["valid" if match[1].startswith("T") else "train" for match in matches]), fitted=True,
        subject=[match[1] for match in matches], sequence=sequences,
        frame=[int(match[4][-DIGITS:]) for match in matches],
    )  # fmt: skip


def _load(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images (N,), poses (N, 17, 3) in mm and labels (N, 17, 2) in pixels; NaN where a flag is 0."""
    stored = load_arrays(path, KEYS, "mmpose's annotations")
    images = stored["imgname"]
    if images.ndim != 1 or not len(images):
        raise PoseError(f"{path}: 'imgname' has shape {images.shape}; expected one name per person")
    points, parts = (numeric(path, stored, name, (len(images), 17, width)) for name, width in (("S", 4), ("part", 3)))
    away = np.nanmedian(np.where(points[..., 3] != 0, points[..., 2], np.nan)) if (points[..., 3] != 0).any() else 1.0
    if not METERS[0] < away < METERS[1]:
        raise PoseError(f"{path}: 'S' puts people {away:g} from the camera, mmpose's are in meters; divide mm by 1000")
    poses, labels = (np.where(array[..., -1:] != 0, array[..., :-1], np.nan) for array in (points, parts))
    with np.errstate(over="ignore"):
        return images, 1000 * poses, labels


def read_posenet(path: Path, stored: Any) -> Reading:
    """The people of one subject's `_data.json`, with the cameras and world poses beside it.

    Whether R and t mean R X + t or R (X - t) is found by the boxes (`to_camera`). These cameras have no lens
    distortion; it comes from metadata.xml or cameras.json if there is one.

    Raises:
        PoseError: a file that is missing, nobody who is as PoseNet has people, or cameras that fit no box.
    """
    if not path.name.endswith(ENDING):
        raise PoseError(f"{path}: Human3.6M of PoseNet is called Human36M_subject1{ENDING}; keep its name")
    base = path.name.removesuffix(ENDING)
    cameras, joints = (load_json(path.with_name(f"{base}_{kind}.json")) for kind in ("camera", "joint_3d"))

    def read(image: Mapping, annotation: Mapping) -> tuple:
        numbers = [int(image[name]) for name in OF_IMAGE]
        _, action, subaction, camera, frame = map(str, numbers)
        world = joints[action][subaction][frame]
        return _make_entry(image["file_name"], numbers, world, cameras[camera], annotation["bbox"])

    return _read_entries(path, stored, read, "PoseNet")


def read_rle(path: Path, stored: Any) -> Reading:
    """The people of `Sample_64_test_Human36M_protocol_2.json` and its like.

    Subject, action, camera and frame are those in the image's name. RLE's own code takes X_camera = R (X - t); here the
    boxes decide (`to_camera`). Lens distortion comes from metadata.xml or cameras.json if there is one.

    Raises:
        PoseError: nobody who is as RLE has people, or cameras that fit no box.
    """

    def read(image: Mapping, annotation: Mapping) -> tuple:
        fields = {**image, **annotation}
        if not (match := RLE_IMAGE.search(str(fields["file_name"]))):
            raise ValueError("its file_name is not like s_01_act_02_subact_01_ca_01_000001.jpg")
        *numbers, frame = map(int, match.groups())
        world, camera = fields["keypoints_world"], fields["cam_param"]
        return _make_entry(fields["file_name"], [*numbers, frame - 1], world, camera, fields["bbox"])

    return _read_entries(path, stored, read, "RLE")


def _make_entry(image: Any, numbers: Sequence[int], world: Any, camera: Mapping[str, Any], box: Any) -> tuple:
    """Image, frame, (17, 3) mm, R, t, fx fy cx cy and box of a JSON file's values, as far as they are whole.

    Args:
        numbers: for `parse_numbers`.
        camera: R, t, f, c.

    Raises:
        ValueError, TypeError, KeyError, OverflowError: values that are of another form.
    """
    shapes = ((world, (len(NAMES), 3)), (camera["R"], (3, 3)), (camera["t"], 3), (camera["f"], 2), (camera["c"], 2))
    held = [np.array(value, dtype=np.float64).reshape(shape) for value, shape in (*shapes, (box, 4))]
    if not all(np.isfinite(values).all() for values in held):
        raise ValueError("a number that is not finite")
    points, rotation, translation, focal, center, corners = held
    if not np.abs(rotation @ rotation.T - np.eye(3)).max() < 1e-3 or not (focal > 0).all():
        raise ValueError("its camera's R is no rotation, or its f not above 0")
    return str(image), parse_numbers(*numbers), points, rotation, translation, np.concatenate([focal, center]), corners


def _read_entries(path: Path, stored: Any, read: Callable[[Mapping, Mapping], tuple], form: str) -> Reading:
    """The people of a file's `images` and `annotations`; entries that are not as the format has them are left out.

    Args:
        read: `_make_entry` of an image and an annotation.
        form: the format's name in messages.

    Raises:
        PoseError: no such lists, nobody in it, or cameras that fit no box.
    """
    try:
        images, annotations = {image["id"]: image for image in stored["images"]}, list(stored["annotations"])
    except (KeyError, TypeError) as error:
        raise PoseError(f"{path}: no images and annotations as {form} has them; give its own file") from error
    columns, left_out = read_entries(
        path, annotations, lambda entry: read(images[entry["image_id"]], entry), form, "its own file"
    )
    names, frames, *arrays = columns
    world, rotation, translation, camera, boxes = map(np.array, arrays)
    table = {**tabulate_frames(path, frames), "camera": camera, "left_out": left_out}
    poses = to_camera(path, world, rotation, translation, camera, boxes)
    return make_reading(f"{HUMAN36M} as {form} has it (JSON)", names, poses, **table)


def read_cdf(path: Path) -> Reading:
    """The people of one video.

    The subject is the folder above called S1, S5, ...; the cameras come from metadata.xml or cameras.json. The dataset
    has videos, no images: their frames are to be called as mmpose's tool calls them,
    S1/S1_Directions_1.54138969/S1_Directions_1.54138969_000001.jpg, counted from 1.

    Raises:
        PoseError: no cdflib, another file, or a path that does not tell subject, action and camera.
    """
    subject = next((part for part in reversed(path.absolute().parts[:-1]) if re.fullmatch(r"S\d+", part)), "")
    match = NAME.fullmatch(path.name)
    video, camera = match.groups() if match else ("", "")
    try:
        first = parse_video(subject, video, camera, 0)
    except ValueError as error:
        raise PoseError(f"{path}: {error}; keep the name S1/.../{FOLDER}/Directions 1.54138969.cdf") from error
    try:
        import cdflib
    except ImportError as error:
        raise PoseError(f"{path}: needs `pip install cdflib`; or give mmpose's .npz or PoseNet's JSON") from error
    try:
        stored = np.asarray(cdflib.CDF(str(path)).varget("Pose"), dtype=np.float64)
    except Exception as error:  # cdflib reports damage through any of them
        reason = str(error).splitlines()[0][:80] if str(error) else type(error).__name__
        raise PoseError(f"{path}: no whole .cdf file with 'Pose' ({reason!r}); copy it again") from error
    if stored.size == 0 or stored.size % WIDTH or stored.shape[-1] != WIDTH:
        raise PoseError(f"{path}: 'Pose' has shape {stored.shape}; expected (1, frames, {WIDTH}), of {FOLDER}")
    poses = stored.reshape(-1, 32, 3)[:, OF_32]
    name = f"{subject}_{video.replace(' ', '_')}.{camera}"
    images = [f"{subject}/{name}/{name}_{number:06d}.jpg" for number in range(1, len(poses) + 1)]
    frames = [first._replace(number=number) for number in range(len(poses))]
    return make_reading(f"{HUMAN36M}'s own .cdf", images, poses, **tabulate_frames(path, frames))


def read_fetch(path: Path) -> Reading:
    """The people of one annot.h5 of h36m-fetch.

    `pose/3d` is taken, the subject's own skeleton in camera coordinates; `pose/3d-univ` is nobody's. The cameras come
    from metadata.xml or cameras.json, else `intrinsics` has them as fx, cx, fy, cy without lens distortion. Frames are
    counted from 1 there. Images are named from the folder of the subjects: S1/Directions-1/imageSequence/CAMERA/...

    Raises:
        PoseError: another file, or numbers of no subject, action or camera.
    """
    from mpii_tools.formats.hdf5 import load_hdf5  # here, as it takes 0.1 s to import

    if "pose/3d" not in (stored := load_hdf5(path, GROUPS)):
        raise PoseError(f"{path}: no 'pose/3d', only {listed(stored)}; write it with today's h36m-fetch")
    if not len(points := numeric(path, stored, "pose/3d", (None, 32, 3))[:, OF_32]):
        raise PoseError(f"{path}: nobody in it; give annotations with people")
    labels = numeric(path, stored, "pose/2d", (len(points), 32, 2))[:, OF_32]
    table = np.column_stack([numeric(path, stored, name, (len(points),)) for name in NUMBERS])
    try:
        if not (np.abs(table) < 1e9).all() or (table != np.round(table)).any():
            raise ValueError(f"one of {', '.join(NUMBERS)} is no whole number")
        frames = [parse_numbers(*row) for row in table.astype(int).tolist()]
    except ValueError as error:
        raise PoseError(f"{path}: {error}; give h36m-fetch's file of Human3.6M") from error
    table = tabulate_frames(path, [frame._replace(number=frame.number - 1) for frame in frames])
    held = {name: numeric(path, stored, f"intrinsics/{name}", (4,))[[0, 2, 1, 3]]
            for name in {frame.camera for frame in frames} if f"intrinsics/{name}" in stored}  # fmt: skip
    lenses = np.reshape([held.get(frame.camera, [np.nan] * 4) for frame in frames], (-1, 4))
    bare = np.isnan(table["camera"]) & (lenses[:, :2] > 0).all(axis=1, keepdims=True)
    table["camera"] = np.where(bare, lenses, table["camera"])
    images = [
        f"{frame.subject}/{FOLDERS.get(frame.action, frame.action)}-{frame.subaction}/imageSequence/{frame.camera}/"
        f"img_{frame.number:06d}.jpg"
        for frame in frames
    ]
    return make_reading(f"{HUMAN36M} as h36m-fetch has it (.h5)", images, points, labels=labels, **table)
