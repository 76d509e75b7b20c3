"""Finding images (D), and whose prediction is whose (F): inputs as people have them, and what comes out."""

import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import scipy.io
from coco_files import hrnet_json, write_images
from real_data import Case

from mpii_tools.annotations.mpii_mat import write_mpii_mat
from mpii_tools.people import People
from mpii_tools.prepared.read import load_prepared
from mpii_tools.results.coco import to_coco
from mpii_tools.results.predictions import Predictions, save_predictions
from mpii_tools.results.submission import read_submission


def found(title: str, names: list, files: list, images: str | None, *expected: int, says: tuple[str, ...] = ()) -> Case:
    """A row: people of images called `names`, in a folder with `files`; `expected` are the files they must get."""

    def build(folder: Path) -> list[str]:
        write_images(folder, *files, grays=tuple(30 + 40 * number % 200 for number in range(len(files))))
        joints = [[30.0 + k, 20.0 + k] for k in range(16)]
        people = [{"image": name, "center": [40, 30], "scale": 0.2, "joints": joints} for name in names]
        (folder / "train.json").write_text(json.dumps(people))
        options = ["--images", images] if images else []
        return ["prepare", "--annotations", "train.json", *options, "--out", "out", "--size", "32"]

    def check(folder: Path) -> None:
        if not expected:
            assert not (folder / "out").exists()
            return
        data = load_prepared(folder / "out", "train")
        colors = data.crops[:, 20, 20].astype(int)
        assert np.abs(colors - (30 + 40 * np.array(expected)[:, None])).max() <= 3
        assert set(data.people.images) <= set(names)

    status = 0 if len(expected) == len(names) else 3 if expected else 2
    return Case(title, build, status, says, check)


CAMERAS = ["i/cam1/0.jpg", "i/cam2/0.jpg"]
FINDING_IMAGES = [
    found("folders of cameras", ["cam1/0.jpg", "cam2/0.jpg"], CAMERAS, "i", 0, 1),
    found("folders of cameras, a level above", ["cam2/0.jpg"], CAMERAS, ".", 1),
    found("folders of cameras, a level below", ["cam2/0.jpg"], CAMERAS, "i/cam2", 1),
    found("beside the annotations", ["0.jpg", "1.jpg"], ["deep/er/1.jpg", "0.jpg"], None, 1, 0),
    found("a path of Windows, folders of cameras a level above", [r"C:\data\cam2\0.jpg"], CAMERAS, ".", 1),
    found("another case of the ending", ["0.JPG", "1.jpg"], ["i/0.jpg", "i/1.JPG"], "i", 0, 1),
    found("two of a name", ["0.jpg", "1.jpg"], ["i/a/0.jpg", "i/b/0.jpg", "i/1.jpg"], "i", 2,
          says=("'0.jpg' can be any of 2 images, 'a/0.jpg', 'b/0.jpg'",)),
    found("two cameras and the images of one", ["cam1/0.jpg", "cam2/0.jpg"], ["i/0.jpg"], "i",
          says=("both be the image '0.jpg'", "'cam1/0.jpg'")),
    found("nobody is found, and all is told", ["im001.jpg", "im002.jpg"], ["i/img001.jpg"], "i",
          says=("2  im001.jpg#1: ", "'im001.jpg' among the 1 there", "'img001.jpg'", "no person of out")),
]  # fmt: skip


# Rects with objpos and scale of a small RELEASE -> whether they are scored; rects 1 of b and 2 of c have neither.
TEST = {"a.jpg#1": True, "a.jpg#2": True, "b.jpg#2": False, "b.jpg#3": True, "b.jpg#4": True, "c.jpg#1": True}
VALID = [f"{row}.jpg#1" for row in range(30)]
EVERY = tuple(range(len(TEST)))
SCORED = [row for row, scored in enumerate(TEST.values()) if scored]


def everybody():
    """The people of `mpii.mat`: validation people, then test people, whose joints it hides."""
    rng, ids = np.random.default_rng(0), [*VALID, *TEST]
    center = rng.uniform(200, 900, (len(ids), 2)).round()
    return People(
        [person[:-2] for person in ids], center[:, None] + rng.uniform(-100, 100, (len(ids), 16, 2)), person_ids=ids,
        center=center, scale=rng.uniform(1, 3, len(ids)).round(6), head_size=np.full(len(ids), 40.0),
        split=np.array(["valid"] * len(VALID) + ["test"] * len(TEST)), scored=[True] * len(VALID) + list(TEST.values()),
    )  # fmt: skip


def own(people, joints, ids=None, **columns) -> str:
    save_predictions("p.npz", Predictions(joints, people.person_ids if ids is None else ids, **columns))
    return "p.npz"


def own_of_hrnet(people, joints) -> str:
    """What `ief predict` writes for HRNet's test.json."""
    return own(people, joints, People(people.images, joints).person_ids, crop_center=people.crop_center)


def own_of_hrnet_before(people, joints) -> str:
    """The same before predictions had places."""
    return own(people, joints, People(people.images, joints).person_ids)


def shuffled(people, joints) -> str:
    order = np.random.default_rng(3).permutation(len(people))
    return own_of_hrnet(people.select(order), joints[order])


def save(array) -> str:
    np.save("p.npy", array)
    return "p.npy"


def npy(people, joints) -> str:
    return save(joints + 1)


def heatmap_values(people, joints) -> str:
    return save(np.dstack([joints + 1, np.full(joints.shape[:2], 17.0)]))


def from_zero(people, joints) -> str:
    return save(joints)


def renamed(people, joints) -> str:
    return str(Path(npy(people, joints)).rename("predictions.dat"))


def other_npz(people, joints) -> str:
    np.savez("p.npz", predictions=joints, threshold=np.float64(0.3))
    return "p.npz"


def of_valid():
    return everybody().select(np.arange(len(VALID)))


def of_test(rows=EVERY):
    return everybody().select(len(VALID) + np.array(rows))


def poses(people) -> np.ndarray:
    """Predictions a few pixels off."""
    return people.joints + np.random.default_rng(len(people)).normal(0, 3, people.joints.shape)


def submitted(title, write, rows=EVERY, options=()) -> Case:
    """A row: predictions of some test people, as `write` writes them, become the submission of our own .npz."""

    def build(folder: Path) -> list[str]:
        write_mpii_mat("mpii.mat", everybody())
        name = write(of_test(rows), poses(of_test(rows)))
        return ["submit", "--annotations", "mpii.mat", "--predictions", name, "--out", "pred.mat", *options]

    def check(folder: Path) -> None:
        people, found = of_test(rows), read_submission("pred.mat")
        ids = people.person_ids.tolist()
        order = [ids.index(person) for person in found.person_ids.tolist()]
        assert sorted(order) == [*range(len(ids))]
        np.testing.assert_allclose(found.joints, poses(people)[order], atol=1e-6)

    return Case(title, build, 0, (), check)


def with_confidences(people, joints) -> str:
    with h5py.File("p.h5", "w") as file:
        file["preds"] = np.dstack([joints + 1, np.full(joints.shape[:2], 0.5)])
    return "p.h5"


def matlab_73(people, joints) -> str:
    with h5py.File("p.mat", "w", userblock_size=512) as file:
        file["preds"] = (joints + 1).T
        file["preds"].attrs["MATLAB_class"] = np.bytes_("double")
    data = Path("p.mat").read_bytes()
    Path("p.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(512) + data[512:])
    return "p.mat"


def npz_of_images(people, joints) -> str:
    order = np.argsort(people.images.astype(str), kind="stable")[::-1]
    order = order[np.argsort([-ord(image[0]) for image in people.images[order]], kind="stable")]
    keep = [row for image in dict.fromkeys(people.images[order]) for row in np.flatnonzero(people.images == image)]
    np.savez("p.npz", preds=joints[keep], images=people.images[keep])
    return "p.npz"


def boxes(people):
    half, middle = 100 * people.scale[:, None], people.crop_center + 0.5
    return np.hstack([middle - half, middle + half])


def write_results(entries) -> str:
    Path("p.json").write_text(json.dumps(entries))
    return "p.json"


def coco(people, joints) -> str:
    order = np.random.default_rng(4).permutation(len(people))
    columns = {"images": people.images[order], "boxes": boxes(people)[order], "scores": np.full(joints.shape[:2], 0.5)}
    entries = to_coco(Predictions(joints[order], None, **columns))
    for person, row in zip(entries, order, strict=True):  # to_coco rounds
        person["keypoints"] = np.hstack([joints[row], np.full((16, 1), 0.5)]).ravel().tolist()
    return write_results(entries)


def coco_of_names(people, joints) -> str:
    """As AlphaPose writes it: names as image_id, no place, people of an image in order."""
    keypoints = np.dstack([joints, np.ones(joints.shape[:2])]).reshape(len(joints), -1).tolist()
    rows = zip(people.images.tolist(), keypoints, strict=True)
    return write_results([{"image_id": image, "keypoints": points} for image, points in rows])


WRITERS = (
    own, own_of_hrnet, own_of_hrnet_before, shuffled, npy, with_confidences, heatmap_values, matlab_73, other_npz,
    npz_of_images, renamed, coco, coco_of_names,
)  # fmt: skip
SUBMISSIONS = [
    *(submitted(f"{write.__name__}, scored", write, tuple(SCORED)) for write in WRITERS),
    *(submitted(f"{write.__name__}, every rect", write) for write in WRITERS),
    submitted("pixels from 0", from_zero, options=("--first-pixel", "0")),
]


def evaluated(title, annotations, predictions, split=None, says=(), count=30) -> Case:
    """A row: predictions written by `predictions`, scored on what `annotations` writes."""

    def build(folder: Path) -> list[str]:
        options = ["--json", "e.json", *(["--split", split] if split else [])]
        return ["evaluate", "--annotations", annotations(), "--predictions", predictions(), *options]

    def check(folder: Path) -> None:
        scores = json.loads(Path("e.json").read_text())
        assert scores["persons"] == count and scores["joint_error"]["image_px"] < 5

    return Case(title, build, 2 if says else 0, says, None if says else check)


def release() -> str:
    write_mpii_mat("mpii.mat", everybody())
    return "mpii.mat"


def annot() -> str:
    Path("annot").mkdir()
    for split, part in {"train": of_valid(), "valid": of_valid(), "test": of_test()}.items():
        entries = hrnet_json(part)
        for entry in entries:
            entry["image"] = f"train{entry['image']}" if split == "train" else entry["image"]
        Path(f"annot/{split}.json").write_text(json.dumps(entries))
    return "annot"


def prepared() -> str:
    write_images(Path("images"), *of_valid().images.tolist())
    people = hrnet_json(of_valid())
    for person in people:
        joints = np.array(person["joints"]) * 0.05
        person["center"], person["scale"], person["joints"] = joints.mean(axis=0).tolist(), 0.1, joints.tolist()
    Path("valid.json").write_text(json.dumps(people))
    from ief.cli import main

    assert main(["prepare", "--annotations", "valid.json", "--images", "images", "--out", "data", "--size", "16"]) == 0
    return "data"


def truth_of_test() -> str:
    """A bare annolist of the test images with their joints."""
    write_mpii_mat("whole.mat", replace(of_test(), split="train"))
    release = scipy.io.loadmat("whole.mat")["RELEASE"][0, 0]
    scipy.io.savemat("truth.mat", {"annolist": release["annolist"]})
    return "truth.mat"


def predicted(write, people):
    """Writes predictions of some people, when a row is built."""
    return lambda: write(people, poses(people))


SCORED_PARTS = [
    evaluated("a split of RELEASE", release, predicted(own, of_valid()), "valid"),
    evaluated("RELEASE without its split", release, predicted(own, of_test()), says=("30 of 30",)),
    evaluated("a split that is not there", release, predicted(own, of_valid()), "train", ("it has test, valid",)),
    evaluated("rows of a split", release, predicted(npy, of_valid()), "valid"),
    evaluated("HRNet's folder", annot, predicted(npy, of_valid()), "valid"),
    evaluated("truth of test people", truth_of_test, predicted(own, of_test()), count=len(TEST)),
    evaluated("truth, and people of test.json", truth_of_test, predicted(shuffled, of_test(SCORED)),
              says=("first b.jpg#2",)),
    evaluated("a prepared folder", prepared, lambda: own(of_valid(), (of_valid().joints + 1) * 0.05 - 1), "valid"),
    evaluated("COCO results", release, predicted(coco, of_valid()), "valid"),
]  # fmt: skip
