"""Every message that a bad file or option brings up: one line, which file or option, what is wrong, what to do.

A row of the table is a command, run as people run it, and what its line must hold, in that order.
"""

import json
import re
import shutil
import tarfile
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
import scipy.io
import torch
from torchvision.models import resnet34

from heads.skeleton import MPII
from ief.cli import main
from mpii_tools.annotations.mpii_arrays import NAMES
from mpii_tools.annotations.mpii_mat import write_mpii_mat
from mpii_tools.annotations.people_file import save_people
from mpii_tools.people import People
from mpii_tools.results.predictions import Predictions, save_predictions

ROOT = Path(__file__).resolve().parents[1]
PERSONS = 30


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder of good and bad files, none of which a row changes."""
    folder = tmp_path_factory.mktemp("world")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        good_files()
        bad_annotations()
        bad_people()
        bad_images()
        bad_predictions()
        bad_prepared()
        bad_weights()
    return folder


def everybody():
    draw = np.random.default_rng(0)
    center = draw.uniform(50, 900, (PERSONS, 2))
    return People(
        [f"{row}.jpg" for row in range(PERSONS)], center[:, None] + draw.normal(0, 20, (PERSONS, 16, 2)), split="valid",
        center=center, scale=np.full(PERSONS, 0.5), head_size=np.full(PERSONS, 12.0),
    )  # fmt: skip


def person(**changes):
    joints = [[10.0 + k, 20.0] for k in range(16)]
    return {"image": "0.jpg", "center": [40, 30], "scale": 0.3, "joints": joints, "joints_vis": [1] * 16} | changes


def good_files():
    Path("images").mkdir()
    for name in range(4):
        cv2.imwrite(f"images/{name}.jpg", np.full((60, 80, 3), 40 * name, np.uint8))
    Path("train.json").write_text(json.dumps([person(image=f"{name}.jpg") for name in range(4)]))
    people = everybody()
    save_people("people.npz", people)
    save_predictions("good.npz", Predictions(people.joints, people.person_ids))
    assert main(["prepare", "--annotations", "train.json", "--images", "images", "--out", "data", "--size", "32"]) == 0
    release = People(["a.jpg", "b.jpg"], np.ones((2, 16, 2)), center=np.ones((2, 2)), scale=np.ones(2), split="test")
    write_mpii_mat("release/mpii.mat", release)


def bad_annotations():
    for name, text in {"empty": "", "corrupt": "[1, 2", "coco": '{"images": []}', "numbers": "[3]"}.items():
        Path(f"{name}.json").write_text(text)
    Path("faulty.json").write_text(json.dumps([person(), person(), person(image="9.jpg"), {"image": "0.jpg"}]))
    Path("unusable.json").write_text(json.dumps([person(scale=0)]))
    release = scipy.io.loadmat("release/mpii.mat")["RELEASE"]
    parts = {name: release[name][0, 0] for name in release.dtype.names}
    rect = parts["annolist"][0, 0]["annorect"][0, 0]
    whole = Path("release/mpii.mat").read_bytes()
    Path("corrupt.mat").write_bytes(whole[: len(whole) // 2])
    Path("v73.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n")
    scipy.io.savemat("other.mat", {"x": 1})
    scipy.io.savemat("flags.mat", {"RELEASE": {name: value for name, value in parts.items() if name != "img_train"}})
    scipy.io.savemat("count.mat", {"RELEASE": {**parts, "img_train": np.ones((1, 9))}})
    scipy.io.savemat("text.mat", {"annolist": "text"})
    scipy.io.savemat("rects.mat", {"annolist": {"annorect": 3.0}})
    scipy.io.savemat("name.mat", {"annolist": {"image": {"name": 3.0}, "annorect": {"scale": 1.0}}})
    rect["scale"] = "tall"
    scipy.io.savemat("tall.mat", {"annolist": parts["annolist"][:, :1]})
    gt = {"pos_gt_src": np.ones((16, 2, 3)), "jnt_missing": np.zeros((16, 3)), "headboxes_src": np.ones((2, 2, 3))}
    scipy.io.savemat("joints.mat", {**gt, "dataset_joints": np.array(["nose"], dtype=object)})
    scipy.io.savemat("shape.mat", {**gt, "pos_gt_src": np.ones((14, 2, 3)), "dataset_joints": np.array(NAMES, object)})
    newell = {"part": np.ones((2, 16, 2)), "center": np.ones((2, 2)), "scale": np.ones(2)}
    h5 = {"part": {**newell, "part": np.ones((2, 14, 2))}, "scale": {"part": newell["part"]},
          "names": {**newell, "imgname": [b"a.jpg"]}, "codes": {**newell, "imgname": np.full((2, 3), 1e9)}}  # fmt: skip
    for name, arrays in h5.items():
        with h5py.File(f"{name}.h5", "w") as file:
            file.update(arrays)
    Path("corrupt.h5").write_bytes(Path("part.h5").read_bytes()[:500])
    for name, table in {"lsp": np.ones((14, 3, 2)), "flat": np.ones((14, 2))}.items():
        shutil.copytree("images", f"{name}/images")
        scipy.io.savemat(f"{name}/joints.mat", {"joints": table})
    shutil.copytree("release", "listed")
    Path("listed/valid_images.txt").write_bytes(b"\xff\xfe\xff")


def bad_people():
    columns = dict(np.load("people.npz"))
    changes = {
        "column": {"scale": None}, "kind": {"scale": np.array(["tall"] * PERSONS)}, "short": {"scale": np.ones(3)},
        "twice": {"person_ids": np.array(["0.jpg#1"] * PERSONS)}, "names": {"images": np.array(["\33[2J"] * PERSONS)},
    }  # fmt: skip
    for name, change in changes.items():
        np.savez(f"people-{name}.npz", **{key: value for key, value in (columns | change).items() if value is not None})
    Path("people-corrupt.npz").write_bytes(Path("people.npz").read_bytes()[:900])


def bad_images():
    for name in ("none", "corrupt-tar", "cut-tar"):
        Path(name).mkdir()
    Path("corrupt-tar/images.tar").write_bytes(b"corrupt" * 99)
    with tarfile.open("cut-tar/images.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
        tar.add("images/0.jpg")
        tar.add("images/1.jpg")
    whole = Path("cut-tar/images.tar").read_bytes()
    end = 512 + -(-Path("images/0.jpg").stat().st_size // 512) * 512
    Path("cut-tar/images.tar").write_bytes(whole[: end + 100])


def bad_predictions():
    people, draw = everybody(), np.random.default_rng(1)
    joints, ids = people.joints, people.person_ids
    good = {"joints": joints, "person_ids": ids, "joint_names": np.array(MPII.names), "stage": np.array(1)}
    lost = joints.copy()
    lost[7, 3] = np.nan
    changes = {
        "nan": {"joints": lost}, "twice": {"person_ids": ids[[0, *range(PERSONS - 1)]]}, "ids": {"person_ids": ids[:3]},
        "names": {"joint_names": np.array(MPII.names[:14])}, "foreign": {"person_ids": np.char.add("lsp/", ids)},
        "array": {"stage": None}, "kind": {"stage": np.array("one")}, 
        "space": {"joints": draw.normal(size=(PERSONS, 16, 3))},
        "other-joints": {"joint_names": np.array(MPII.names[::-1])}, "nameless": {"person_ids": np.array([], np.str_)},
    }  # fmt: skip
    for name, change in changes.items():
        np.savez(f"p-{name}.npz", **{key: value for key, value in (good | change).items() if value is not None})
    Path("p-corrupt.npz").write_bytes(Path("p-nan.npz").read_bytes()[:500])
    np.save("p-few.npy", joints[:9] + 1)
    np.save("p-order.npy", joints[::-1] + 1)
    np.save("p-14.npy", joints[:, :14])
    np.save("p-object.npy", np.array([{}], dtype=object))
    scipy.io.savemat("p-other.mat", {"x": 1})
    Path("p.txt").write_text("1 2 3")


def bad_prepared():
    for name in ("corrupt", "cut", "resized", "half"):
        shutil.copytree("data", f"data-{name}")
    Path("data-corrupt/prepared.json").write_text("{")
    crops = Path("data-cut/train-crops.npy")
    crops.write_bytes(crops.read_bytes()[:-9])
    np.save("data-resized/train-crops.npy", np.zeros((4, 9, 9, 3), np.uint8))
    description = json.loads(Path("data/prepared.json").read_text())
    Path("data-half/prepared.json").write_text(json.dumps(description | {"splits": {"valid": 4}}))


def bad_weights():
    torch.save({"layer.weight": torch.ones(3)}, "other.pth")
    torch.save(torch.nn.Linear(2, 2), "object.pth")
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in resnet34(weights=None).state_dict().items()}
    torch.save({name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}, "resnet34.pth")


PREPARE = "prepare --images images --out out --annotations"
IMAGES = "prepare --annotations train.json --out out --images"
SUBMIT = "submit --out o.mat --predictions"
EVALUATE = "evaluate --annotations people.npz --predictions"
DATA = "train --run run --weights none --data"
TRAIN = "train --data data --run run --device cpu --preset demo --weights"
TABLE7 = "table7 --data data --run run --weights none"
FORMS = "lists all formats"
TABLE = [
    # Annotations.
    (f"{PREPARE} absent.mat", "absent.mat: no such file", "check the path"),
    (f"{PREPARE} none", "none: a folder of", FORMS),
    (f"{PREPARE} images/0.jpg", r"0.jpg: a file that begins with b'\xff\xd8", FORMS),
    (f"{PREPARE} empty.json", "empty.json: an empty file", FORMS),
    (f"{PREPARE} corrupt.json", "corrupt.json: not a whole JSON", "copy it again"),
    (f"{PREPARE} coco.json", "coco.json: ", "found an object", "give HRNet's"),
    (f"{PREPARE} numbers.json", "numbers.json: ", "1 entries", "first entry 0", "give a file"),
    (f"{PREPARE} corrupt.mat", "corrupt.mat: not a whole MATLAB", "at byte 128", "copy it again"),
    (f"{PREPARE} v73.mat", "v73.mat: not a whole MATLAB 7.3", "copy it again"),
    (f"{PREPARE} other.mat", "other.mat: no variable 'RELEASE'", "only x", "give MPII's"),
    (f"{PREPARE} flags.mat", "flags.mat: ", "'img_train'", "expected annolist"),
    (f"{PREPARE} count.mat", "count.mat: ", "2 images in annolist, 9 in img_train", "get the file again"),
    (f"{PREPARE} text.mat", "text.mat: 'annolist' is text", "give MPII's"),
    (f"{PREPARE} rects.mat", "rects.mat: annolist(1).annorect: a number", "get the file again"),
    (f"{PREPARE} name.mat", "name.mat: ", "image.name is a number", "get the file again"),
    (f"{PREPARE} tall.mat", "tall.mat: ", "1 rects", "annolist(1).annorect(1)", "get it again"),
    (f"{PREPARE} joints.mat", "joints.mat: 'dataset_joints' names ['nose']", "expected ['rank'"),
    (f"{PREPARE} shape.mat", "shape.mat: 'pos_gt_src' is float64 (14, 2, 3)", "16 x 2 x N; save it so"),
    (f"{PREPARE} corrupt.h5", "corrupt.h5: not a whole HDF5", "copy it again"),
    (f"{PREPARE} part.h5", "part.h5: 'part' is float64 (2, 14, 2)", "N x 16 x 2"),
    (f"{PREPARE} scale.h5", "scale.h5: no 'center', only part", "give a file"),
    (f"{PREPARE} names.h5", "names.h5: 'imgname' has 1 names for 2 people", "expected one per person"),
    (f"{PREPARE} codes.h5", "codes.h5: 'imgname' holds no file names", "expected text"),
    (f"{PREPARE} flat", "joints.mat: 'joints' is float64 (14, 2)", "expected 14x3xN"),
    (f"{PREPARE} lsp", "lsp: none of its 4 images", "joints.mat's 2 (im00001.jpg", "add the dataset's own"),
    (f"{PREPARE} listed/mpii.mat", "valid_images.txt: not a text file", "write or"),
    (f"{PREPARE} people-corrupt.npz", "people-corrupt.npz: not a whole .npz", "make it again"),
    (f"{PREPARE} people-column.npz", "people-column.npz: ", "no array 'scale', only images", "give people"),
    (f"{PREPARE} people-kind.npz", "people-kind.npz: ", "'scale' holds <U4", "make it again"),
    (f"{PREPARE} people-short.npz", "people-short.npz: ", "'scale' has shape (3,), expected (30,)", "make it again"),
    (f"{PREPARE} people-twice.npz", "people-twice.npz: person '0.jpg#1'", "more than once", "keep one"),
    (f"{PREPARE} people-names.npz", "no image '%x1b[2J' among", "add it"),
    # Images, options and the disk.
    (f"{IMAGES} absent", "absent: no such folder", "check the path"),
    (f"{IMAGES} none", "none: no image (.jpg, ", "give the images' folder"),
    (f"{IMAGES} corrupt-tar", "images.tar: not a whole", "copy or unpack it again"),
    (f"{IMAGES} cut-tar", "images.tar: corrupt", "after its 1 members", "copy the file again"),
    (f"{PREPARE} train=unusable.json", "out: no person", "no usable center and scale"),
    (f"{PREPARE} train=faulty.json --strict", "faulty.json: 3 faults of 3 kinds", "fix them", "Nothing was written"),
    (f"{PREPARE} train.json --limit 0", "--limit 0: must be above 0", "leave it out"),
    (f"{PREPARE} train.json --size 0", "--size 0: must be above 0, at most 2048"),
    (f"{PREPARE} train.json --margin nan", "--margin nan: must be from 1 to 4"),
    (f"{PREPARE} train.json --protocol 3", "--protocol 3: must be 1 or 2"),
    (f"{PREPARE} train.json --every 0", "--every 0: must be one number or two"),
    (f"{PREPARE} train.json --every 1 2 3", "--every 1 2 3: must be one number or two"),
    (f"{PREPARE} train.json --crop round", "--crop round: must be box"),
    (f"{PREPARE} train.json --protocol 2", "are for Human3.6M"),
    ("prepare --annotations train.json --images images --out train.json", "train.json: cannot be written (", "choose"),
    # Predictions.
    (f"{EVALUATE} absent.npz", "absent.npz: no such file", "check the path"),
    (f"{EVALUATE} p.txt", "p.txt: a file that begins with b'1 2 3'", "write one of these"),
    (f"{EVALUATE} p-corrupt.npz", "p-corrupt.npz: not a whole .npz", "make it again"),
    (f"{EVALUATE} corrupt.mat", "corrupt.mat: not a whole MATLAB", "copy it again"),
    (f"{EVALUATE} corrupt.h5", "corrupt.h5: not a whole HDF5", "copy it again"),
    (f"{EVALUATE} p-array.npz", "p-array.npz: ", "no array 'stage', only joints", "give"),
    (f"{EVALUATE} p-kind.npz", "p-kind.npz: ", "'stage' holds <U3", "make it again"),
    (f"{EVALUATE} p-nan.npz", "p-nan.npz: ", "1 people have a joint that is not a finite number", "must"),
    (f"{EVALUATE} p-twice.npz", "p-twice.npz: ", "person '0.jpg#1'", "more than once", "keep one"),
    (f"{EVALUATE} p-ids.npz", "p-ids.npz: ", "30 poses, person_ids of shape (3,)", "expected (30,)"),
    (f"{EVALUATE} p-names.npz", "p-names.npz: ", "shape (30, 16, 2)", "expected (people, 14, 2)"),
    (f"{EVALUATE} p-object.npy", "p-object.npy: not a whole .npy", "make it again"),
    (f"{EVALUATE} p-14.npy", "p-14.npy: no array", "(people, 16, 2 or 3)", "one float64 (30, 14, 2)", "give"),
    (f"{EVALUATE} p-other.mat", "p-other.mat: no array", "(people, 16, 2 or 3)", "x int64", "give one"),
    (f"{EVALUATE} p-few.npy", "9 predictions for 30 annotated people", "give one for each"),
    (f"{EVALUATE} p-order.npy", "matched row by row, only ", "put them in the annotations' order"),
    (f"{EVALUATE} p-foreign.npz", "30 of 30 annotated people", "first 0.jpg#1", "lsp/0.jpg#1", "predict the people"),
    (f"{EVALUATE} p-other-joints.npz", "joints l_wrist, l_elbow", "predict the annotated joints"),
    (f"{EVALUATE} p-space.npz --angle-limits none", "none/jointAngleModel_v2.mat: no such file", "check the path"),
    (f"{SUBMIT} good.npz --annotations other.mat", "other.mat: no variable 'RELEASE'", "give MPII's full"),
    (f"{SUBMIT} p-nameless.npz --annotations release/mpii.mat", "30 predictions for 2 ", "give one for each"),
    (f"{SUBMIT} good.npz --annotations release/mpii.mat", "30 predictions", "release/mpii.mat", "its test split"),
    # Training, and what follows it.
    (f"{DATA} none", "none: holds no prepared.json", "run `ief prepare` first"),
    (f"{DATA} data-corrupt", "prepared.json: corrupt (", "run `ief prepare` again"),
    (f"{DATA} data-cut", "train-crops.npy: corrupt or missing (", "run `ief prepare` again"),
    (f"{DATA} data-resized", "train-crops.npy: holds uint8 (4, 9, 9, 3), expected uint8", "prepare again"),
    (f"{DATA} data-half", "data-half: has no split 'train'", "it has valid"),
    (f"{DATA} data --device abacus", "--device abacus: cannot be used (", "choose cpu"),
    ("train --run run --weights none", "give --data"),
    (f"{TRAIN} none --stage last", "--stage last: must be", "0, 1, ..., or both"),
    (f"{TRAIN} none --config people.npz", "people.npz: not a config.json", "give another"),
    (f"{TRAIN} none --keep best", "--keep best: data has no validation split", "--keep last"),
    (f"{TRAIN} none --validate-every -1", "--validate-every -1.0: must be from 0 to 100000"),
    (f"{TRAIN} none --stop-after 0", "--stop-after 0.0: must be above 0"),
    (f"{TRAIN} object.pth", "object.pth: corrupt", "what could run code"),
    (f"{TRAIN} other.pth", "other.pth: holds no torchvision ResNet", "give a file"),
    (f"{TRAIN} resnet34.pth", "resnet34.pth: ", "a resnet34, the stage is a resnet18", "choose --backbone resnet34"),
    (f"{TRAIN} images", "images: a folder without stage0/stage.safetensors", "give a run"),
    ("predict --run none images/0.jpg", "stage.safetensors: no such file"),
    ("predict --run none", "give either images", "--data"),
    ("predict --run none images --center 3 4", "--center and --scale", "use --boxes"),
    ("predict --run none --data here --scale 2", "--center and --scale", "use --boxes"),
    ("predict --run none images/0.jpg --scale 0", "--scale 0.0: must be above 0"),
    ("predict --onnx a.onnx --flip images/0.jpg", "a.onnx: no such file or folder", "check the path"),
    ("predict --run none images --detect --boxes a.txt", "--detect", "leave out --boxes"),
    ("predict --run none images --detector-weights a.pth", "--detector-weights goes with --detect"),
    ("predict --run none images --detect rfdetr --detector-weights a.pth", "--detector-weights", "without rfdetr"),
    ("predict --run none images --camera 9 9 4 4", "give --camera and --root-depth together", "--distortion"),
    ("predict --run none --data here --camera 9 9 4 4 --root-depth 8", "--camera is of images"),
    ("predict --run none images --root-depth 8", "give --camera and --root-depth together"),
    ("predict --run none images --distortion 0 0 0 0 0", "--distortion with them only"),
    ("predict --run none images --camera 9 0 4 4 --root-depth 8", "focal lengths and the root's depth", "above 0"),
    ("predict --run none images --camera 9 9 4 nan --root-depth 8", "camera: a number is not finite"),
    ("predict --run none images --draw -1", "--draw -1: must be 0 or above"),
    ("report none --out out", "none: has no metrics.json", "finish it with `ief train`"),
    ("demo --out out --images 3", "--images 3: ", "at least 30"),
    ("demo --out out --minutes 3 --epochs 2", "give either --minutes or --epochs"),
    ("demo --out out --minutes -1", "--minutes -1.0: must be above 0"),
    ("bench juggling", "unknown group 'juggling'", "choose from training"),
    (f"{TABLE7} --minutes 1 --epochs 1", "give either --minutes or --epochs"),
    (f"{TABLE7} --minutes 0", "--minutes 0.0: must be above 0"),
    (f"{TABLE7} --seed 1 --seeds 1 2", "give either --seed or --seeds"),
    (f"{TABLE7} --seeds 1 2 1", "--seeds 1 2 1: each once"),
    (f"{TABLE7} --seeds 1 -2", "--seed -2: must be from 0"),
    (f"{TABLE7} --draw 9 3", "give either --data or --draw"),
    ("release --run none --data none --out out --license none", "none: holds no prepared.json", "ief prepare"),
]


@pytest.mark.parametrize("row", TABLE, ids=[row[0] for row in TABLE])
def test_the_message_is_one_line_with_file_fault_and_cure(row, world, capsys, monkeypatch):
    monkeypatch.chdir(world)
    arguments, *says = row
    assert main(arguments.split()) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"ief {arguments.split()[0]}: ") and error.count("\n") == 1
    assert re.search(".*".join(map(re.escape, says)), error), error
    assert not (world / "out").exists() and not (world / "run").exists() and not (world / "o.mat").exists()
