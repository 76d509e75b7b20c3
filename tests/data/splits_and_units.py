"""Splits, validation images, units, and text from other programs: small inputs and what must come out of them."""

import codecs
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.io
from coco_files import write_images
from real_data import Case

from ief.cli import main
from mpii_tools.annotations.mpii_mat import write_mpii_mat
from mpii_tools.people import People
from mpii_tools.prepared.read import load_prepared, read_description
from mpii_tools.results.predictions import Predictions, save_predictions

WIDTH, HEIGHT = 80, 60
POSE = np.random.default_rng(0).uniform((20, 5), (60, 55), (16, 2))  # of one person, spanning half of the image
EXACT_SCALE = 0.3  # a crop of 75 px


def person(image="0.jpg", **changes):
    """An entry of HRNet's JSON; a change to None takes a field away."""
    row = int("".join(filter(str.isdigit, image)) or 0)
    entry = {"image": image, "center": [40, 30], "scale": EXACT_SCALE, "joints": (POSE + row / 10).tolist(),
             "joints_vis": [1] * 16} | changes  # fmt: skip
    return {key: value for key, value in entry.items() if value is not None}


@dataclass(frozen=True)
class Prepare:
    """Builds JSON files and their images in a folder, runs the commands before the last, returns the last's arguments.

    Attributes:
        files: name -> entries, text or bytes.
        arguments: one string per `ief prepare`; --images, --size and --out are added.
    """

    files: dict
    arguments: tuple[str, ...] | str
    encoding: str = "utf-8"
    images: tuple[str, ...] = ()

    def __call__(self, folder: Path) -> list[str]:
        names = set(self.images)
        for name, content in self.files.items():
            if isinstance(content, list):
                names |= {entry["image"] for entry in content}
                content = json.dumps(content)
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode(self.encoding))
        write_images(folder / "images", *names)
        *before, last = (self.arguments,) if isinstance(self.arguments, str) else self.arguments
        for arguments in before:
            assert main(self.command(arguments)) == 0
        return self.command(last)

    @staticmethod
    def command(arguments: str) -> list[str]:
        images = [] if "--images" in arguments else ["--images", "images"]
        size = [] if "--size" in arguments else ["--size", "32"]
        return ["prepare", "--annotations", *arguments.split(), *images, *size, "--out", "out"]


def train(*entries, options: str = "", **more) -> Prepare:
    """Prepares one file, train.json."""
    return Prepare({"train.json": [*entries]}, f"train.json {options}", **more)


def two(first, second, *commands: str) -> Prepare:
    """Prepares two files, a.json and b.json."""
    return Prepare({"a.json": first, "b.json": second}, commands)


@dataclass(frozen=True)
class Holds:
    """Checks the images of each split of the prepared folder `out`, in order; others must not be there."""

    splits: dict[str, list[str]]

    def __call__(self, folder: Path) -> None:
        described = read_description(folder / "out")["splits"]
        assert set(described) == set(self.splits)
        for split, images in self.splits.items():
            people = load_prepared(folder / "out", split).people
            assert people.images.tolist() == images and set(people.split) == {split}
            assert described[split] == len(images)


def nothing(folder: Path) -> None:
    assert not (folder / "out").exists()


def people_of(*images, **changes):
    return [person(image, **changes) for image in images]


def numbered(*rows):
    return [f"{row}.jpg" for row in rows]


A, B, C, D = numbered(0, 1, 2, 3)
TWENTY = numbered(*range(20))
NO_JOINTS = {"joints": None, "joints_vis": None}


def share(folder: Path) -> None:
    """Every image's people in one split, a tenth of the images for validation, the same ones each time."""
    splits = {split: load_prepared(folder / "out", split).people for split in ("train", "valid")}
    train, valid = (set(splits[split].images.tolist()) for split in ("train", "valid"))
    assert not train & valid and len(valid) == 2 and len(train) == 18
    assert len(splits["valid"]) == 4 and len(splits["train"]) == 36  # two in each image
    assert valid == set(np.random.default_rng(7).permutation(np.unique(TWENTY))[:2].tolist())


SPLITS = [
    Case("a word in the name", Prepare({"my_train_annotations.json": people_of(A, B)}, "my_train_annotations.json"), 0,
         ("no validation split",), Holds({"train": [A, B]})),
    Case("words in names, several values",
         Prepare({"mpii-val.json": people_of(A), "people_training2.json": people_of(B)},
                 "mpii-val.json people_training2.json"), 0, ("1 train, 1 valid people",),
         Holds({"train": [B], "valid": [A]})),
    Case("said before the path, the option given twice",
         Prepare({"a.json": people_of(A), "b.json": people_of(B), "c.json": people_of(C)},
                 "train=a.json --annotations Val=b.json DEV=c.json"), 0, (), Holds({"train": [A], "valid": [B, C]})),

    Case("no word", Prepare({"annotations.json": people_of(A)}, "annotations.json"), 2,
         ("annotations.json: neither", "--annotations train=annotations.json", "--valid-share 0.1"), nothing),
    Case("no such split", Prepare({"a.json": people_of(A)}, "trian=a.json"), 2,
         ("trian=a.json: 'trian' is no split",), nothing),
    Case("a list without joints is a test list", Prepare({"a.json": people_of(A, B, **NO_JOINTS)}, "a.json"), 0, (),
         Holds({"test": [A, B]})),
    Case("a share of the images",
         Prepare({"a.json": people_of(*TWENTY) + people_of(*TWENTY, scale=0.4)}, "a.json --valid-share 0.1 --seed 7"),
         0, (), share),
    Case("a share although there are validation people",
         Prepare({"a.json": people_of(A), "val.json": people_of(B)}, "a.json val.json --valid-share 0.5"), 2,
         ("--valid-share 0.5: 1 people",), nothing),
    Case("a share of one image", Prepare({"a.json": people_of(A, A)}, "a.json --valid-share 0.5"), 2,
         ("needs two images or more",), nothing),
    Case("a share of everything", Prepare({"a.json": people_of(A, B)}, "a.json --valid-share 1"), 2,
         ("--valid-share 1: must be above 0 and below 1",), nothing),
    Case("a second command adds its split", two(people_of(A, B), people_of(C), "train=a.json", "valid=b.json"), 0,
         ("2 train people of before stay",), Holds({"train": [A, B], "valid": [C]})),
    Case("a second command replaces its split", two(people_of(A, B), people_of(C), "train=a.json", "train=b.json"), 0,
         ("in place of 2 train of before",), Holds({"train": [C]})),
    Case("a second command with another size",
         two(people_of(A), people_of(C), "train=a.json", "valid=b.json --size 64"), 2,
         ("out: holds train", "input 32 there, 64 here"), Holds({"train": [A]})),
    Case("another size of everything",
         Prepare({"train.json": people_of(A)}, ("train.json", "train.json --size 64")), 0, (), Holds({"train": [A]})),
    Case("all is said by the folder's own list",
         Prepare({"a.json": people_of(A, B), "valid_images.txt": B}, "a.json"), 0,
         ("named in valid_images.txt",), Holds({"train": [A], "valid": [B]})),
]  # fmt: skip


def write_release(folder: Path) -> list[str]:
    """MPII's own struct with a second person beside a validation person."""
    images = np.array([A, A, B])
    joints = np.stack([POSE, POSE + 2, POSE + 4])
    center = np.array([[39.0, 29], [41, 31], [43, 33]])
    people = People(images, joints, center=center, scale=np.full(3, EXACT_SCALE), split="train")
    write_mpii_mat(folder / "mpii.mat", people)
    (folder / "valid_images.txt").unlink()
    write_images(folder / "images", A, B)
    return Prepare.command("mpii.mat")


BESIDE = "people left out of training: "
KNOWN = person(A)  # the test makes this center one of Tompson's
OTHER = person(A, center=[44, 33])
THREE = [KNOWN, OTHER, person(B)]
ONE_EACH = Holds({"train": [B], "valid": [A]})
TRAIN_A, VALID_B = "train=a.json", "valid=b.json"
VALIDATION = [
    Case("trainval.json of HRNet", Prepare({"trainval.json": THREE}, "trainval.json"), 0, (BESIDE, "0.jpg#2"),
         ONE_EACH),
    Case("MPII's .mat", write_release, 0, (BESIDE, "0.jpg#2"), ONE_EACH),
    Case("HRNet's folder", Prepare({"annot/trainval.json": THREE}, "annot"), 0, (BESIDE,), ONE_EACH),

    Case("trainval before the path", Prepare({"train.json": THREE}, "trainval=train.json"), 0, (BESIDE,), ONE_EACH),
    Case("two files", two(people_of(A, B), people_of(A), f"{TRAIN_A} {VALID_B}"), 0, (BESIDE, "0.jpg#1"), ONE_EACH),
    Case("two files that write the image's name in two ways",
         Prepare({"a.json": people_of("cam/0.jpg", B), "b.json": [person("cam\\0.jpg")]}, f"{TRAIN_A} {VALID_B}",
                 images=("cam/0.jpg",)), 0, (BESIDE,), Holds({"train": [B], "valid": ["cam\\0.jpg"]})),
    Case("train after valid", two(people_of(A, B), people_of(A), VALID_B, TRAIN_A), 0, (BESIDE,), ONE_EACH),
    Case("valid after train", two(people_of(A, B), people_of(A), TRAIN_A, VALID_B), 0,
         (BESIDE, "1 train people of before stay"), ONE_EACH),
    Case("nobody left to train after valid", two(people_of(A), people_of(A), TRAIN_A, VALID_B), 2,
         ("everybody in its train split",), Holds({"train": [A]})),
    Case("strict minds no person left out of training",
         two(people_of(A, B), people_of(A), f"{TRAIN_A} {VALID_B} --strict"), 0, (BESIDE,), ONE_EACH),
    Case("everybody validates", two(people_of(A), people_of(A), f"{TRAIN_A} {VALID_B}"), 0, (BESIDE,),
         Holds({"valid": [A]})),
]  # fmt: skip


def two_folders(folder: Path) -> list[str]:
    """Two folders, each with annotations and an image 0.jpg of its own."""
    for split, gray in (("train", 50), ("val", 200)):
        write_images(folder / split, A, grays=(gray,))
        (folder / split / "annotations.json").write_text(json.dumps(people_of(A)))
    arguments = ["train=train/annotations.json", "val=val/annotations.json"]
    return ["prepare", "--size", "32", "--out", "out", "--annotations", *arguments]


def two_commands(folder: Path) -> list[str]:
    *command, train, valid = two_folders(folder)
    assert main([*command, train]) == 0
    return [*command, valid]


def each_its_image(folder: Path) -> None:
    """The middle of either crop has its own image's gray."""
    for split, gray in (("train", 50), ("valid", 200)):
        crops = load_prepared(folder / "out", split).crops
        assert len(crops) == 1 and abs(int(crops[0, 24, 24, 0]) - gray) < 3


FOLDERS = [
    Case("two folders with images of one name", two_folders, 0, (), each_its_image),
    Case("two folders with images of one name, two commands", two_commands, 0, (), each_its_image),
]


def scaled(factor, *images):
    return people_of(*images, scale=EXACT_SCALE * factor)


def in_unit_square(image):
    return person(image, joints=(POSE / (WIDTH, HEIGHT)).tolist())


def evaluate_in_pixels(folder: Path) -> list[str]:
    """Predictions 103 px away, of people whose scale is in pixels: PCKh would be 100."""
    (folder / "valid.json").write_text(json.dumps(scaled(200, A, B)))
    ids = np.array(["0.jpg#1", "1.jpg#1"])
    save_predictions(folder / "p.npz", Predictions(np.stack([POSE, POSE]) + 103, ids))
    return ["evaluate", "--predictions", "p.npz", "--annotations", "valid.json"]


def around_the_joints(folder: Path) -> None:
    """The crop's middle is the middle of the joints, its side 1.3 of the longer side and at least 100."""
    people = load_prepared(folder / "out", "train").people
    low, high = POSE.min(axis=0) - 1, POSE.max(axis=0) - 1
    np.testing.assert_allclose(people.crop_center[0], (low + high) / 2)
    np.testing.assert_allclose(people.crop_side[0], max(1.3 * (high - low).max(), 100))
    np.testing.assert_allclose(people.head_size[0], 0.75 * np.linalg.norm(POSE[9] - POSE[8]))


def around_the_box(folder: Path) -> None:
    """The box 10 4 60 50 has its middle at (39.5, 28.5) in pixels whose centers are integers."""
    people = load_prepared(folder / "out", "train").people
    np.testing.assert_allclose(people.crop_center[0], [39.5, 28.5])
    np.testing.assert_allclose(people.crop_side[0], 1.25 * 60)


def write_gt_valid(folder: Path) -> list[str]:
    """HRNet's gt_valid.mat, which has neither center nor scale nor names."""
    names = ["rank", "rkne", "rhip", "lhip", "lkne", "lank", "pelv", "thor", "neck", "head", "rwri", "relb", "rsho",
             "lsho", "lelb", "lwri"]  # fmt: skip
    fields = {"pos_gt_src": POSE[..., None], "jnt_missing": np.zeros((16, 1)), "headboxes_src": np.ones((2, 2, 1)),
              "dataset_joints": np.array(names, dtype=object)}  # fmt: skip
    scipy.io.savemat(folder / "gt.mat", fields)
    (folder / "valid_images.txt").write_text(A)
    write_images(folder / "images", A)
    return Prepare.command("train=gt.mat")


PLACELESS = {"center": None, "scale": None}
FROM_JOINTS = ("center and scale were made from their joints",)
ALONE = Holds({"train": [A]})
UNITS = [
    Case("scale in pixels", train(*scaled(200, A, B)), 2,
         ("train.json: 2 of 2 people, first 0.jpg#1", "under 5 % of the crop", "height / 200?"), nothing),
    Case("scale in pixels of one in three", train(*scaled(200, A), *scaled(1, B, C)), 0,
         ("people left out: joints that span under 5 % of the crop", "0.jpg#1"), Holds({"train": [B, C]})),
    Case("joints in 0..1", train(in_unit_square(A), in_unit_square(B)), 2, ("0..1", "multiply x by"), nothing),
    Case("joints in 0..1 of one in three", train(in_unit_square(A), *people_of(B, C)), 0,
         ("people left out: joints within 0..1",), Holds({"train": [B, C]})),
    Case("joints in 0..1 and no center", train(in_unit_square(A) | {"center": [-1, -1]}), 2,
         ("joints within 0..1",), nothing),
    Case("center in 0..1", train(person(A, center=[0.4, 0.5], scale=0.1)), 2, ("every joint outside the crop",),
         nothing),
    Case("a twentieth of the crop is enough", train(*scaled(8, A)), 0, (), ALONE),
    Case("two joints tell nothing", train(person(A, joints_vis=[1, 1] + [0] * 14, scale=60)), 0, (), ALONE),
    Case("no center and no scale", train(person(A, **PLACELESS)), 0, FROM_JOINTS, around_the_joints),
    Case("center and scale of -1", train(person(A, center=[-1, -1], scale=-1)), 0, FROM_JOINTS, around_the_joints),
    Case("a box in their place", train(person(A, **PLACELESS, bbox=[10, 4, 60, 50])), 0,
         ("center and scale were made from their box",), around_the_box),
    Case("gt_valid.mat", write_gt_valid, 0, FROM_JOINTS, ALONE),
    Case("a scale of 0 is wrong, not missing", train(person(A, scale=0)), 2, ("no usable center and scale",), nothing),
    Case("scores of people with scale in pixels", evaluate_in_pixels, 2,
         ("valid.json: 2 of 2 people", "height / 200?")),
]  # fmt: skip


def listed(text, encoding="utf-8", images=(A, B, C)):
    """Three people, and a list of validation images as some program wrote it."""
    return Prepare({"a.json": people_of(*images), "valid_images.txt": text}, "a.json", encoding)


def marked_description(folder: Path) -> list[str]:
    """A prepared folder whose description an editor has saved with a byte order mark; a split is added to it."""
    arguments = Prepare({"train.json": people_of(A), "valid.json": people_of(B)}, ("train.json", "valid.json"))(folder)
    path = folder / "out" / "prepared.json"
    path.write_bytes(MARK + path.read_bytes())
    return arguments


MARK = codecs.BOM_UTF8
PEOPLE = json.dumps(people_of(A))
ALSO_C = Holds({"train": [C], "valid": [A, B]})


def text(content, encoding="utf-8"):
    """Prepares people whose JSON is encoded in some way."""
    return Prepare({"train.json": content}, "train.json", encoding, images=(A,))


TEXT = [
    Case("JSON with a byte order mark", text(MARK + PEOPLE.encode()), 0, (), ALONE),
    Case("JSON in UTF-16", text(PEOPLE, "utf-16"), 0, (), ALONE),
    Case("prepared.json with a byte order mark", marked_description, 0, ("1 train people of before stay",),
         Holds({"train": [A], "valid": [B]})),
    Case("a list with a byte order mark", listed("\ufeff" + f"{A}\r\n{B}\r\n"), 0, (), ALSO_C),
    Case("a list between commas", listed(f"{A}, {B}"), 0, (), ALSO_C),
    Case("a list between tabs, with other columns", listed(f"image\tsplit\n{A}\tval\n{B}\tval\n"), 0,
         ("names in valid_images.txt that no image has", "image"), ALSO_C),
    Case("a list between spaces, as Notepad's UTF-16", listed(f"{A} {B}", "utf-16"), 0, (), ALSO_C),
    Case("quoted names", listed(f"\"{A}\"\n'{B}'\n"), 0, (), ALSO_C),
    Case("names with spaces", listed('my 0.jpg\n"my 1.jpg" "my 2.jpg"', images=("my 0.jpg", "my 1.jpg", "my 2.jpg", D)),
         0, (), Holds({"train": [D], "valid": ["my 0.jpg", "my 1.jpg", "my 2.jpg"]})),
    Case("no name that meets anything", listed("x.jpg\ny.jpg\n"), 2, ("valid_images.txt", "no image here"), nothing),
    Case("no name that meets anything, split said",
         Prepare({"lists/train.json": people_of(A), "lists/valid_images.txt": "x.jpg"}, "lists/train.json"), 0, (),
         ALONE),
    Case("a list that is no text", listed(b"\xff\xfe\x00"), 2, ("valid_images.txt: not a text file",), nothing),
]  # fmt: skip
