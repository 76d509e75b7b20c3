"""Every reader of the project with a small valid file to damage."""

import contextlib
import io
import json
import struct as struct_format
import tarfile
import tempfile
import xml.etree.ElementTree as ElementTree
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import cv2
import h5py
import human36m_forms as forms
import numpy as np
import scipy.io
import torch
import yaml
from coco_files import coco_tree, hrnet_json
from coco_files import write_tree as savejson
from label_tools import label_studio_tasks, labelme_trees
from pictures import encode_picture
from safetensors.torch import save_file

from checkpoints.errors import PoseError
from checkpoints.pretrained import load_pretrained_weights
from checkpoints.tensors import load_plain_data, load_tensors, save_tensors
from heads.skeleton import MPII
from ief.inference.box_files import read_boxes
from ief.inference.stream import cut_image
from ief.model.run_folder import load_stage
from ief.model.stage import StageDesign
from ief.reporting.scoring import score_poses
from mpii_tools.annotations.human36m.protocols import choose_people, place_crops
from mpii_tools.annotations.mpii_arrays import NAMES
from mpii_tools.annotations.mpii_mat import write_mpii_mat
from mpii_tools.annotations.people_file import STORED
from mpii_tools.annotations.placement import place_people
from mpii_tools.annotations.read import read_annotations
from mpii_tools.annotations.splits import assign_splits, find_shared
from mpii_tools.images.decode import decode_image
from mpii_tools.images.sources import open_images
from mpii_tools.people import COLUMNS, DEPTH_COLUMNS, Depth, People
from mpii_tools.prepared.read import load_prepared
from mpii_tools.prepared.write import drop_unusable
from mpii_tools.results.coco import to_coco
from mpii_tools.results.matching import align
from mpii_tools.results.predictions import Predictions, read_predictions
from mpii_tools.results.submission import read_submission
from mpii_tools.skeletons import SKELETONS, get_skeleton, skeleton_to_json

PEOPLE = 5


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes:
        file: name of the file that is damaged.
        fields: the contents of the valid file, nested dicts, lists and arrays; None where only bytes are damaged.
        write: writes fields to a path.
        read: reads the path (or what it belongs to), and uses what it read as the commands do.
        beside: other files that the reader needs, by name.
    """

    file: str
    fields: Callable[[], object] | None
    write: Callable[[Path, object], None]
    read: Callable[[Path], object]
    beside: Callable[[], dict[str, bytes]] = dict


def people():
    """A few people with joints, center, scale and head size."""
    rng = np.random.default_rng(0)
    return People(
        [f"{row // 2}.jpg" for row in range(PEOPLE)], rng.uniform(0, 200, (PEOPLE, 16, 2)), split="valid",
        center=np.full((PEOPLE, 2), 100.0), scale=np.full(PEOPLE, 0.8), head_size=np.full(PEOPLE, 20.0),
    )  # fmt: skip


def use_annotations(path: Path) -> None:
    """Read, choose splits and crops, find faults, score a pose for everybody."""
    found = place_people(assign_splits(path, read_annotations(path)).people)[0]
    drop_unusable(found.select(~find_shared(found)))
    if len(found):
        score_poses(np.nan_to_num(found.joints), found)


def use_predictions(path: Path) -> None:
    """Read, match to the people, score."""
    score_poses(align(read_predictions(path), people()).joints, people())


@cache
def release() -> dict:
    """MPII's struct of the people."""
    with tempfile.TemporaryDirectory() as folder:
        write_mpii_mat(Path(folder) / "a.mat", people())
        return {"RELEASE": scipy.io.loadmat(Path(folder) / "a.mat")["RELEASE"]}


def annolist() -> np.ndarray:
    return release()["RELEASE"][0, 0]["annolist"]


def gt_valid() -> dict:
    return {
        "pos_gt_src": np.arange(16.0 * 2 * PEOPLE).reshape(16, 2, PEOPLE), "jnt_missing": np.zeros((16, PEOPLE)),
        "headboxes_src": np.ones((2, 2, PEOPLE)) * np.array([1, 9])[:, None, None],
        "dataset_joints": np.array(NAMES, dtype=object),
    }  # fmt: skip


def hrnet_list() -> list:
    """The people, one with a box in place of center and scale."""
    first, *others = hrnet_json(people())
    boxed = {"image": "b.jpg", "bbox": [5, 5, 40, 30], "joints": first["joints"]}
    return [first, *others[:1], boxed]


@cache
def labeled_people() -> People:
    """Two people of COCO's joints as `label_tools` exports them."""
    joints = np.random.default_rng(2).uniform(5, 90, (2, 17, 2))
    return People(
        ["train/a.jpg", "train/b.jpg"], joints, split="train", visible=np.ones((2, 17)), center=np.full((2, 2), 50.0),
        scale=np.full(2, 0.4), image_size=np.array([[100.0, 200.0]] * 2), skeleton=SKELETONS["coco17"],
    )  # fmt: skip


def pytorch_pose_json() -> list:
    joints = [[10.0 + k, 20.0, 1.0] for k in range(16)]
    person = {"img_paths": "a.jpg", "objpos": [30, 20], "scale_provided": 2.0, "joint_self": joints,
              "isValidation": 1.0, "people_index": 1.0}  # fmt: skip
    return [person | {"people_index": float(row)} for row in range(1, 4)]


def newell() -> dict:
    return {
        "part": np.arange(PEOPLE * 32, dtype=float).reshape(PEOPLE, 16, 2), "center": np.ones((PEOPLE, 2)),
        "scale": np.ones(PEOPLE), "normalize": np.full(PEOPLE, 20.0), "visible": np.ones((PEOPLE, 16)),
        "person": np.zeros(PEOPLE), "imgname": np.array([b"a.jpg", b"b.jpg", b"c.jpg", b"d.jpg", b"e.jpg"]),
    }  # fmt: skip


def people_columns() -> dict:
    stored = {STORED.get(name, name): getattr(people(), name) for name in COLUMNS}
    skeleton = json.dumps(skeleton_to_json(MPII))
    return {**stored, "joint_names": np.array(MPII.names), "skeleton": np.array(skeleton)}


def prediction_columns() -> dict:
    ids, names = people().person_ids, np.array(MPII.names)
    return {"joints": people().joints, "person_ids": ids, "joint_names": names, "stage": np.array(1)}


def coco_results() -> list:
    boxes = np.tile([1.0, 2.0, 91.0, 82.0], (PEOPLE, 1))
    return to_coco(Predictions(people().joints, people().person_ids, images=people().images, boxes=boxes))


def prepared_json() -> dict:
    return {"format": 1, "name": "x", "input": 8, "border": 2, "splits": {"valid": PEOPLE},
            "joint_names": list(MPII.names), "left_out": {}}  # fmt: skip


@cache
def prepared_folder() -> dict[str, bytes]:
    return {
        "prepared.json": json.dumps(prepared_json()).encode(),
        "valid.npz": saved(lambda file: np.savez(file, **people_columns())),
        "valid-crops.npy": saved(lambda file: np.save(file, np.zeros((PEOPLE, 12, 12, 3), np.uint8))),
    }


def saved(write: Callable[[io.BytesIO], object]) -> bytes:
    """What `write` writes."""
    file = io.BytesIO()
    write(file)
    return file.getvalue()


PIXELS = np.random.default_rng(1).integers(0, 255, (24, 20, 3), dtype=np.uint8)


def image(suffix: str, *parameters: int) -> bytes:
    return cv2.imencode(suffix, cv2.GaussianBlur(PIXELS, (5, 5), 2), parameters)[1].tobytes()


def write_tar(path: Path, fields: object) -> None:
    with tarfile.open(path, "w") as tar:
        for name, data in fields.items():
            member = tarfile.TarInfo(str(name))
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def read_tar(path: Path) -> None:
    images = open_images(path.parent)
    for name in images.places:
        decode_image(images(name), name)


def stage_fields() -> dict:
    tensors = {"mean": np.zeros((16, 2), np.float32), "std": np.ones((16, 2), np.float32),
               "pair_std": np.ones((136, 2), np.float32), "mean_pose": np.zeros((16, 2), np.float32)}  # fmt: skip
    design = json.loads(json.dumps(StageDesign(backbone="resnet18", size=64).to_json()))
    return {"tensors": tensors, "description": {"stage": 0, "follows": None, "training": {}, "design": design}}


def write_stage(path: Path, fields: object) -> None:
    tensors = {str(name): torch.from_numpy(np.array(value)) for name, value in fields["tensors"].items()}
    save_tensors(path, tensors, fields["description"])


def read_stage(path: Path) -> None:
    """Its ResNet is missing: 45 MB of weights would make every input slow."""
    with contextlib.suppress(PoseError):
        load_stage(path)
    load_tensors(path)


def state_fields() -> dict:
    return {
        "training": {"stage": 0, "preset": {"size": 64}}, "mean_pose": np.zeros((16, 2)), "step": 3,
        "log": [[1, 2.0, 3e-4]], "optimizer": {"state": {0: {"exp_avg": np.ones(4)}}, "groups": [{"lr": 0.1}]},
    }  # fmt: skip


def as_tensors(node: object) -> object:
    """Arrays of a nest as tensors."""
    if isinstance(node, np.ndarray):
        return torch.from_numpy(node.copy()) if node.dtype.kind in "iufbc" else node.tolist()
    if isinstance(node, dict):
        return {key: as_tensors(value) for key, value in node.items()}
    return [as_tensors(value) for value in node] if isinstance(node, list) else node


def resnet_fields() -> dict:
    return dict.fromkeys(("conv1.weight", "layer1.0.conv1.weight", "fc.weight"), np.ones((2, 2), np.float32))


def savemat(path: Path, fields: object) -> None:
    scipy.io.savemat(path, fields, do_compression=bool(len(str(fields)) % 2))


def saveh5(path: Path, fields: object) -> None:
    with h5py.File(path, "w") as file:
        file.update(fields)


def save73(path: Path, fields: object) -> None:
    """With MATLAB's header; arrays without its classes stand in its order of axes."""
    with h5py.File(path, "w", userblock_size=512) as file:
        file.update({name: np.asarray(value).T for name, value in fields.items() if name != "imgname"})
    data = path.read_bytes()
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(512) + data[512:])


def savenpz(path: Path, fields: object) -> None:
    np.savez(path, **fields)


def savenpy(path: Path, fields: object) -> None:
    np.save(path, fields["joints"])


def yolo_yaml() -> dict:
    return {"path": ".", "train": ".", "val": ["list.txt"], "kpt_shape": [3, 3], "flip_idx": [1, 0, 2],
            "names": {0: "person", 1: "dog"}, "kpt_names": {0: ["a", "b", "c"], 1: ["a", "b", "c"]},
            "kpt_oks_sigmas": [0.1, 0.1, 0.2], "skeleton": [[1, 2], [2, 3]]}  # fmt: skip


YOLO_ROWS = b"0 0.5 0.5 0.6 0.6 0.3 0.3 2 0.5 0.6 1 0.6 0.4 2\n1 0.5 0.5 0.6 0.7 0.3 0.3 2 0.5 0.6 1 0 0 0\n"


def yolo_beside() -> dict[str, bytes]:
    """The rest of a folder of YOLO-pose, flat: labels lie beside images that are in no folder `images`."""
    return {"a.png": image(".png"), "a.txt": YOLO_ROWS, "b.png": image(".png"), "b.txt": YOLO_ROWS[:50] + b"\n",
            "list.txt": b"./b.png\n"}  # fmt: skip


def saveyaml(path: Path, fields: object) -> None:
    path.write_text(yaml.safe_dump(fields))


def savebytes(path: Path, fields: object) -> None:
    path.write_bytes(fields["data"])


def one_based(name: str) -> dict:
    return {name: people().joints + 1}


def save_initial(path: Path, fields: object) -> None:
    save_file({str(name): torch.from_numpy(np.array(value)) for name, value in fields.items()}, path)


def members() -> dict:
    """The .npy files inside an .npz, whose checksums would give away damage to the bytes of the whole."""
    with zipfile.ZipFile(io.BytesIO(saved(lambda file: np.savez(file, **prediction_columns())))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def save_members(path: Path, fields: object) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in fields.items():
            archive.writestr(name, data)


def chunks() -> list:
    """The chunks of a PNG, [kind, data]; the pixels inflated."""
    data, place, found = image(".png"), 8, []
    while place < len(data):
        length, kind = struct_format.unpack_from(">I4s", data, place)
        body = data[place + 8 : place + 8 + length]
        found.append([kind, zlib.decompress(body) if kind == b"IDAT" else body])
        place += 12 + length
    return found


def save_chunks(path: Path, fields: object) -> None:
    data = b"\x89PNG\r\n\x1a\n"
    for kind, body in fields:
        body = zlib.compress(body) if kind == b"IDAT" else body
        data += struct_format.pack(">I", len(body)) + kind + body + struct_format.pack(">I", zlib.crc32(kind + body))
    path.write_bytes(data)


def decode(path: Path) -> None:
    decode_image(path.read_bytes(), path.name)


def boxes_json() -> list:
    """COCO results with boxes."""
    return [{"image_id": f"{row}.jpg", "category_id": 1, "bbox": [1.0, 2, 9, 8], "score": 0.9} for row in range(3)]


def use_boxes(path: Path) -> None:
    """Read, and cut the crops that the boxes ask for out of a blank image."""
    blank, network = np.zeros((24, 20, 3), np.uint8), SimpleNamespace(size=16, skeleton=MPII, dimensions=2)
    for image in read_boxes(path, ())[0]:
        cut_image(replace(image, image=blank), network)


VALID_LIST = '\ufeffimage,split\n"a.jpg",val\nimages\\b.jpg c.jpg\n'.encode()
LSP_IMAGE = {"im00001.jpg": b"image"}
TARGETS = {
    "MPII .mat": Target("a.mat", release, savemat, use_annotations),
    "annolist .mat": Target("a.mat", lambda: {"annolist": annolist()}, savemat, use_annotations),
    "gt_valid.mat": Target("a.mat", gt_valid, savemat, use_annotations),
    "LSP .mat": Target("joints.mat", lambda: {"joints": np.ones((14, 3, 4))}, savemat,
                       lambda path: use_annotations(path.parent), lambda: LSP_IMAGE),
    "HRNet .json": Target("a.json", hrnet_list, savejson, use_annotations),
    "valid_images.txt": Target("valid_images.txt", lambda: {"data": VALID_LIST}, savebytes,
                               lambda path: use_annotations(path.with_name("a.json")),
                               lambda: {"a.json": json.dumps(hrnet_list()).encode()}),
    "COCO .json": Target("a.json", lambda: coco_tree(people()), savejson, use_annotations),
    "labelme's .json": Target("a.json", lambda: labelme_trees(labeled_people())[0], savejson, use_annotations),
    "Label Studio's .json": Target("a.json", lambda: label_studio_tasks(labeled_people()), savejson, use_annotations),
    "YOLO-pose's data.yaml": Target("data.yaml", yolo_yaml, saveyaml, use_annotations, yolo_beside),
    "YOLO-pose's labels": Target("a.txt", lambda: {"data": YOLO_ROWS}, savebytes,
                                 lambda path: use_annotations(path.parent),
                                 lambda: {"a.png": image(".png"),
                                          "data.yaml": yaml.safe_dump(yolo_yaml() | {"val": None}).encode()}),
    "pytorch-pose's .json": Target("a.json", pytorch_pose_json, savejson, use_annotations),
    "skeleton .json": Target("s.json", partial(skeleton_to_json, SKELETONS["coco17"]), savejson, get_skeleton),
    "Newell's .h5": Target("a.h5", newell, saveh5, use_annotations),
    "people .npz": Target("a.npz", people_columns, savenpz, use_annotations),
    "predictions .npz": Target("p.npz", prediction_columns, savenpz, use_predictions),
    "arrays in an .npz": Target("p.npz", members, save_members, use_predictions),
    "predictions .npy": Target("p.npy", lambda: one_based("joints"), savenpy, use_predictions),
    "predictions .mat": Target("p.mat", lambda: one_based("preds"), savemat, use_predictions),
    "predictions .h5": Target("p.h5", lambda: one_based("preds"), saveh5, use_predictions),
    "COCO results": Target("p.json", coco_results, savejson, use_predictions),
    "predictions of other names .npz": Target("p.npz", lambda: {"poses": people().joints}, savenpz, use_predictions),
    "MATLAB 7.3 .mat": Target("a.mat", newell, save73, use_annotations),
    "submission .mat": Target("s.mat", lambda: {"pred": annolist()}, savemat, read_submission),
    "prepared.json": Target("prepared.json", prepared_json, savejson,
                            lambda path: load_prepared(path.parent, "valid"), prepared_folder),
    "prepared crops": Target("valid-crops.npy", lambda: {"joints": np.zeros((PEOPLE, 12, 12, 3), np.uint8)}, savenpy,
                             lambda path: load_prepared(path.parent, "valid"), prepared_folder),
    "stage": Target("stage.safetensors", stage_fields, write_stage, read_stage),
    "training state": Target("training.pt", state_fields, lambda path, fields: torch.save(as_tensors(fields), path),
                             load_plain_data),
    "initial .pth": Target("w.pth", resnet_fields, lambda path, fields: torch.save(as_tensors(fields), path),
                           lambda path: load_pretrained_weights(path, "3x3")),
    "initial .safetensors": Target("w.safetensors", resnet_fields, save_initial,
                                   lambda path: load_pretrained_weights(path, "3x3")),
    "JPEG": Target("a.jpg", lambda: {"data": image(".jpg")}, savebytes, decode),
    "progressive JPEG": Target("a.jpg", lambda: {"data": image(".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)}, savebytes,
                               decode),
    "PNG": Target("a.png", lambda: {"data": image(".png")}, savebytes, decode),
    "chunks of a PNG": Target("a.png", chunks, save_chunks, decode),
    **{kind: Target(f"a.{kind.lower()}", lambda kind=kind: {"data": encode_picture(PIXELS, kind)}, savebytes, decode)
       for kind in ("WEBP", "BMP", "TIFF")},
    "boxes .json": Target("boxes.json", boxes_json, savejson, use_boxes),
    "boxes .txt": Target("boxes.txt", lambda: {"data": b"a.jpg 1 2 9 8\nb.jpg, 3, 4, 0.2\nc.jpg\t1\t2\t3\t4\t0.5\n"},
                         savebytes, use_boxes),
    "tar of images": Target("a.tar", lambda: {"1.jpg": image(".jpg"), "2.png": image(".png")}, write_tar, read_tar),
}  # fmt: skip


def use_human36m(path: Path) -> None:
    """Read, choose frames, crop, score the ground truth's own poses."""
    found = choose_people(read_annotations(path), 2, [1])
    people = found.people
    depth = people.depth
    if depth.placed.all() and np.isfinite(people.joints[:, people.skeleton.root]).all():
        people = place_crops(found, "pelvis").people
    people = place_people(assign_splits(path, replace(found, people=people)).people)[0]
    drop_unusable(people)
    score_poses(people.coordinates, people)


@cache
def human36m() -> tuple:
    """Two frames each of two subjects of Human3.6M, and cameras."""
    people = [person for person in forms.make_people() if (person.subject, person.action) != ("S1", "Photo")]
    return people, forms.make_cameras()


def cameras_json() -> dict[str, bytes]:
    return {"cameras.json": json.dumps(human36m()[1]).encode()}


def posenet_beside() -> dict[str, bytes]:
    """PoseNet's three files of S9."""
    trees = forms.posenet_trees(*human36m(), "S9")
    return {f"Human36M_subject9_{ending}.json": json.dumps(tree).encode() for ending, tree in trees.items()}


def posenet(ending: str) -> Target:
    """One of the three, damaged; the people are read through the first."""
    return Target(f"Human36M_subject9_{ending}.json", lambda: forms.posenet_trees(*human36m(), "S9")[ending], savejson,
                  lambda path: use_human36m(path.with_name("Human36M_subject9_data.json")), posenet_beside)  # fmt: skip


def save_metadata(path: Path, fields: object) -> None:
    """An XML file of nested tags."""

    def tag(name: str, value: object) -> str:
        inside = "".join(tag(*item) for item in value.items()) if isinstance(value, dict) else str(value)
        return f"<{name}>{inside}</{name}>"

    path.write_text(tag("a", fields))


def metadata() -> dict:
    tree = ElementTree.fromstring(forms.metadata_xml(human36m()[1]))
    ids = "</item><item>".join(item.text for item in tree.find("dbcameras").find("index2id"))
    return {"w0": tree.find("w0").text, "dbcameras": {"index2id": f"<item>{ids}</item>"}}


def mmpose_beside() -> dict[str, bytes]:
    return {"h36m.npz": saved(lambda file: np.savez(file, **forms.mmpose_arrays(*human36m())))}


def fetch() -> dict:
    people, lenses = human36m()
    return forms.fetch_arrays([person for person in people if person.subject == "S9"], lenses)


def depth_columns() -> dict:
    """What `a-depth.npz` holds of the people of `a.npz`."""
    ids = people().person_ids.tolist()
    depth = Depth(np.zeros((len(ids), 16)), camera=np.array([1000.0, 1000, 500, 500]),
                  root_depth=np.full(len(ids), 4000.0), subject="S9", action="Eating", sequence="1")  # fmt: skip
    return {"person_ids": np.array(ids), **{name: getattr(depth, name) for name in DEPTH_COLUMNS}}


def use_depth(path: Path) -> None:
    """Read the people beside, score the ground truth's own poses."""
    people = read_annotations(path.with_name("a.npz")).people
    score_poses(people.coordinates, people)


TARGETS |= {
    "depth .npz": Target("a-depth.npz", depth_columns, savenpz, use_depth,
                         lambda: {"a.npz": saved(lambda file: np.savez(file, **people_columns()))}),
    "mmpose's Human3.6M .npz": Target("h36m.npz", lambda: forms.mmpose_arrays(*human36m()), savenpz, use_human36m,
                                      cameras_json),
    "mmpose's MPI-INF-3DHP .npz": Target("3dhp.npz", forms.mpi_inf_arrays, savenpz, use_human36m),
    **{f"PoseNet's _{ending}.json": posenet(ending) for ending in ("data", "camera", "joint_3d")},
    "RLE's .json": Target("a.json", lambda: forms.rle_tree(*human36m()), savejson, use_human36m, cameras_json),
    "h36m-fetch's .h5": Target("annot.h5", fetch, saveh5, use_human36m),
    "cameras.json": Target("cameras.json", lambda: human36m()[1], savejson,
                           lambda path: use_human36m(path.with_name("h36m.npz")), mmpose_beside),
    "metadata.xml": Target("metadata.xml", metadata, save_metadata,
                           lambda path: use_human36m(path.with_name("h36m.npz")), mmpose_beside),
}  # fmt: skip
if find_spec("cdflib"):
    TARGETS["Human3.6M's .cdf"] = Target(
        "S1/D3_Positions_mono/Directions 1.54138969.cdf",
        lambda: {"Pose": np.ones((1, 3, 96))},
        lambda path, fields: forms.write_cdf(path, fields["Pose"]),
        use_human36m,
    )
