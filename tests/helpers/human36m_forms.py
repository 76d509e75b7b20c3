"""The same made-up people of Human3.6M in every form that people have it in, with cameras of its kind."""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import h5py
import numpy as np

from heads.skeleton import MPII

CAMERAS = ("54138969", "55011271", "58860488", "60457274")
ACTIONS = ("Directions", "Discussion", "Eating", "Greeting", "Phoning", "Posing", "Purchases", "Sitting", "SittingDown",
           "Smoking", "Photo", "Waiting", "Walking", "WalkDog", "WalkTogether")  # fmt: skip
# Subject, action, subaction, the video's name in metadata.xml, camera by its number, frames from 0.
VIDEOS = (
    ("S1", "Directions", 1, "Directions 1", 1, (0, 5)), ("S1", "Photo", 2, "TakingPhoto", 4, (64,)),
    ("S9", "SittingDown", 2, "SittingDown 1", 2, (0, 64, 128)), ("S11", "Greeting", 1, "Greeting 2", 3, (3,)),
)  # fmt: skip
MOVING = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)  # of the 32 joints
# MPII's joint -> the one of the 32 that it is, by Human3.6M's own names; the thorax is the middle of the shoulders.
MPII_OF_32 = {"r_ankle": 3, "r_knee": 2, "r_hip": 1, "l_hip": 6, "l_knee": 7, "l_ankle": 8, "pelvis": 0,
              "upper_neck": 13, "head_top": 15, "r_wrist": 27, "r_elbow": 26, "r_shoulder": 25, "l_shoulder": 17,
              "l_elbow": 18, "l_wrist": 19}  # fmt: skip


@dataclass(frozen=True)
class Person:
    """One frame of a video.

    Attributes:
        pose: (32, 3) camera coordinates, mm.
        frame: from 0.
    """

    subject: str
    action: str
    subaction: int
    video: str
    camera: int
    frame: int
    pose: np.ndarray

    @property
    def name(self) -> str:
        """mmpose's name of the image."""
        video = f"{self.subject}_{self.video.replace(' ', '_')}.{CAMERAS[self.camera - 1]}"
        return f"{self.subject}/{video}/{video}_{self.frame + 1:06d}.jpg"

    @property
    def integral_name(self) -> str:
        """PoseNet's."""
        numbers = (int(self.subject[1:]), ACTIONS.index(self.action) + 2, self.subaction, self.camera)
        video = "s_{:02d}_act_{:02d}_subact_{:02d}_ca_{:02d}".format(*numbers)
        return f"{video}/{video}_{self.frame + 1:06d}.jpg"


def make_cameras(seed: int = 0) -> dict:
    """Cameras of all subjects of VIDEOS, as cameras.json has them."""
    rng = np.random.default_rng(seed)

    def camera() -> dict:
        rotation = cv2.Rodrigues(rng.normal(0, 1, 3))[0]
        return {"R": rotation.tolist(), "T_mm": rng.normal(0, 3000, 3).tolist(),
                "f": rng.uniform(1143, 1150, 2).tolist(), "c": rng.uniform(500, 520, 2).tolist(),
                "k": rng.normal(0, (0.1, 0.1, 0.01)).tolist(), "p": rng.normal(0, 0.001, 2).tolist()}  # fmt: skip

    return {subject: {name: camera() for name in CAMERAS} for subject in ("S1", "S9", "S11")}


def make_people(seed: int = 0) -> list[Person]:
    """A person per frame of VIDEOS, joints about half a meter around a pelvis five meters away."""
    rng = np.random.default_rng(seed)
    people = []
    for *names, frames in VIDEOS:
        pelvis = np.array([0, 0, 5000]) + rng.normal(0, 300, 3)
        people += [Person(*names, frame, pelvis + rng.normal(0, 250, (32, 3))) for frame in frames]
    return people


def mpii_pose(person: Person) -> np.ndarray:
    """(16, 3) MPII's joints of a person in camera coordinates, joint by joint."""
    thorax = (person.pose[MPII_OF_32["l_shoulder"]] + person.pose[MPII_OF_32["r_shoulder"]]) / 2
    return np.array([thorax if name == "thorax" else person.pose[MPII_OF_32[name]] for name in MPII.names])


def see(points: np.ndarray, camera: dict, distorted: bool = True) -> np.ndarray:
    """Where points (K, 3) appear, by OpenCV."""
    (fx, fy), (cx, cy), (k1, k2, k3), (p1, p2) = (camera[name] for name in "fckp")
    lens = np.array([k1, k2, p1, p2, k3]) if distorted else np.zeros(5)
    matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    return cv2.projectPoints(points, np.zeros(3), np.zeros(3), matrix, lens)[0][:, 0]


def to_world(points: np.ndarray, camera: dict) -> np.ndarray:
    """World coordinates of points (K, 3) in the camera's."""
    return points @ np.array(camera["R"]) + camera["T_mm"]


def box_of(person: Person, camera: dict) -> list[float]:
    """x, y, width, height of 1.2 times the joints' box, as PoseNet has it: without the lens' distortion."""
    places = see(person.pose[list(MOVING)], camera, distorted=False)
    low, high = places.min(axis=0), places.max(axis=0)
    return [*((low + high) / 2 - 0.6 * (high - low)), *(1.2 * (high - low))]


def mmpose_arrays(people: list[Person], cameras: dict) -> dict[str, np.ndarray]:
    moving = np.array([person.pose[list(MOVING)] for person in people])
    labels = np.array([see(pose, camera_of(person, cameras)) for person, pose in zip(people, moving, strict=True)])
    flags = np.ones((len(people), 17, 1))
    low, high = labels.min(axis=1), labels.max(axis=1)
    return {
        "imgname": np.array([person.name for person in people]), "center": (low + high) / 2,
        "scale": 1.2 * (high - low).max(axis=1) / 200, "part": np.concatenate([labels, flags], axis=2),
        "S": np.concatenate([moving / 1000, flags], axis=2),
    }  # fmt: skip


def mpi_inf_arrays(seed: int = 0) -> dict[str, np.ndarray]:
    """Four people of MPI-INF-3DHP in mmpose's form, two of a video, seen without distortion."""
    rng = np.random.default_rng(seed)
    names = ["S4_Seq2_Cam0_000001.jpg", "S4_Seq2_Cam0_000033.jpg", "S8_Seq1_Cam8_002165.jpg", "TS2_001850.jpg"]
    poses = np.array([0.1, -0.2, 3.5]) + rng.normal(0, 0.3, (4, 17, 3))
    lenses = np.array([[1500, 1501, 1024, 1030]] * 2 + [[1490, 1492, 1020, 1040], [1683, 1680, 950, 540]])
    labels = poses[..., :2] / poses[..., 2:] * lenses[:, None, :2] + lenses[:, None, 2:]
    flags = np.ones((4, 17, 1))
    flags[3, 4] = 0
    return {
        "imgname": np.array(names), "center": labels.mean(axis=1), "scale": np.ones(4),
        "part": np.concatenate([labels, flags], axis=2), "S": np.concatenate([poses, flags], axis=2),
    }  # fmt: skip


def posenet_trees(people: list[Person], cameras: dict, subject: str, plus: bool = False) -> dict[str, object]:
    """The three JSON values of a subject by the ending of their files; `plus`: its t is meant for R X + t."""
    images, annotations, joints = [], [], {}
    for number, person in enumerate(person for person in people if person.subject == subject):
        camera, action = camera_of(person, cameras), ACTIONS.index(person.action) + 2
        images.append({
            "id": number, "file_name": person.integral_name, "width": 1000, "height": 1002,
            "subject": int(subject[1:]), "action_name": person.action, "action_idx": action,
            "subaction_idx": person.subaction, "cam_idx": person.camera, "frame_idx": person.frame,
        })  # fmt: skip
        annotations.append({"id": number, "image_id": number, "keypoints_vis": [True] * 17,
                            "bbox": box_of(person, camera)})  # fmt: skip
        frames = joints.setdefault(str(action), {}).setdefault(str(person.subaction), {})
        frames[str(person.frame)] = to_world(person.pose[list(MOVING)], camera).tolist()
    fields = {str(number): integral_camera(cameras[subject][name], plus) for number, name in enumerate(CAMERAS, 1)}
    return {"data": {"images": images, "annotations": annotations}, "camera": fields, "joint_3d": joints}


def integral_camera(camera: dict, plus: bool = False) -> dict:
    """R, t, f, c as PoseNet has them."""
    t = np.array(camera["T_mm"])
    t = -np.array(camera["R"]) @ t if plus else t
    return {"R": camera["R"], "t": t.tolist(), "f": camera["f"], "c": camera["c"]}


def rle_tree(people: list[Person], cameras: dict) -> dict:
    images, annotations = [], []
    for number, person in enumerate(people):
        camera = camera_of(person, cameras)
        images.append({"id": number, "file_name": person.integral_name, "width": 1000, "height": 1002})
        annotations.append({
            "image_id": number, "bbox": box_of(person, camera), "cam_param": integral_camera(camera),
            "keypoints_world": to_world(person.pose[list(MOVING)], camera).tolist(),
        })  # fmt: skip
    return {"images": images, "annotations": annotations}


def fetch_arrays(people: list[Person], cameras: dict) -> dict[str, np.ndarray]:
    """The datasets of the annot.h5 of one sequence."""
    seen = {f"intrinsics/{CAMERAS[person.camera - 1]}": camera_of(person, cameras) for person in people}
    return {
        "pose/2d": np.array([see(person.pose, camera_of(person, cameras)) for person in people]),
        "pose/3d": np.array([person.pose for person in people]),
        "pose/3d-univ": np.zeros((len(people), 32, 3)),
        **{name: np.ravel(np.column_stack([camera["f"], camera["c"]])) for name, camera in seen.items()},
        "frame": np.array([person.frame + 1 for person in people]),
        "camera": np.array([int(CAMERAS[person.camera - 1]) for person in people]),
        "subject": np.array([int(person.subject[1:]) for person in people]),
        "action": np.array([ACTIONS.index(person.action) + 2 for person in people]),
        "subaction": np.array([person.subaction for person in people]),
    }  # fmt: skip


def camera_of(person: Person, cameras: dict) -> dict:
    return cameras[person.subject][CAMERAS[person.camera - 1]]


def metadata_xml(cameras: dict) -> str:
    """metadata.xml with these cameras, and the lengths of VIDEOS' cameras: 1,000 frames and the camera's number."""
    places = np.zeros((len(CAMERAS), 11, 6))
    lens = np.array([np.concatenate([cameras["S1"][name][key] for key in "fckp"]) for name in CAMERAS])
    for subject, held in cameras.items():
        for index, name in enumerate(CAMERAS):
            r = np.array(held[name]["R"])
            angles = np.arctan2(-r[1, 2], r[2, 2]), np.arcsin(r[0, 2]), np.arctan2(-r[0, 1], r[0, 0])
            places[index, int(subject[1:]) - 1] = [*angles, *held[name]["T_mm"]]
    numbers = " ".join(map(repr, np.concatenate([places.ravel(), lens.ravel()]).tolist()))
    ids = "".join(f"<item>{name}</item>" for name in CAMERAS)
    subjects = [f"S{number}" for number in range(1, 12)]
    mapping = [["Action", "subaction", *subjects]]
    mapping += [[str(action), str(part), *["x"] * 11] for action in range(1, 17) for part in (1, 2)]
    frames = [["", *["[1001 1002 1003 1004 4010]"] * 32] for _ in subjects]
    rows = ["".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in table)
            for table in (mapping, frames)]  # fmt: skip
    tables = "<mapping>{}</mapping><frames>{}</frames>".format(*rows)
    return f"<a>{tables}<w0>[{numbers}]</w0><dbcameras><index2id>{ids}</index2id></dbcameras></a>"


def write_json(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def write_posenet(folder: Path, people: list[Person], cameras: dict, plus: bool = False) -> Path:
    for subject in sorted({person.subject for person in people}):
        for ending, tree in posenet_trees(people, cameras, subject, plus).items():
            write_json(folder / f"Human36M_subject{subject[1:]}_{ending}.json", tree)
    return folder


def write_fetch(folder: Path, people: list[Person], cameras: dict) -> Path:
    """A folder with an annot.h5 per sequence."""
    for subject, action, part in sorted({(person.subject, person.action, person.subaction) for person in people}):
        of = [one for one in people if (one.subject, one.action, one.subaction) == (subject, action, part)]
        path = folder / subject / f"{action}-{part}" / "annot.h5"
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(path, "w") as file:
            file.update(fetch_arrays(of, cameras))
    return folder


def write_cdf(path: Path, poses: np.ndarray) -> None:
    """Poses (frames, 32, 3), or (1, frames, 96) as the files hold them, by cdflib's own writer."""
    from cdflib.cdfwrite import CDF

    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    poses = np.asarray(poses, dtype=np.float32)
    poses = poses.reshape(1, len(poses), 96) if poses.shape[1:] == (32, 3) else poses
    spec = {"Variable": "Pose", "Data_Type": 44, "Num_Elements": 1, "Rec_Vary": True, "Dim_Sizes": poses.shape[1:]}
    file = CDF(path, cdf_spec={"Compressed": 6})
    file.write_var(spec, var_data=poses)
    file.close()
