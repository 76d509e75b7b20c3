"""The server's file: structure against the description, coordinates by a round trip through the raw structs."""

import numpy as np
import pytest
import scipy.io

from checkpoints.errors import PoseError
from mpii_tools.annotations.human36m.recording import to_mpii
from mpii_tools.annotations.mpii_mat import write_mpii_mat
from mpii_tools.annotations.read import read_annotations
from mpii_tools.formats.mat_file import EMPTY, make_cell, make_struct
from mpii_tools.people import Depth, People
from mpii_tools.results.predictions import Predictions
from mpii_tools.results.submission import from_mpii, read_submission, write_exchange, write_submission

# image -> (rect numbers that have scale and objpos, those of them that are scored). c.jpg is a training image.
RECTS = {"b.jpg": ([1, 3], [3]), "c.jpg": ([1], [1]), "a.jpg": ([2], []), "d.jpg": ([1, 2], [1, 2])}
TEST_IMAGES = ["b.jpg", "nobody.jpg", "a.jpg", "d.jpg"]  # annolist's order, an image without any rect among them


@pytest.fixture
def annotations(tmp_path):
    """A RELEASE: rects without objpos (b.jpg's second, a.jpg's first), and an image without rects."""
    ids = [f"{image}#{rect}" for image, (rects, _) in RECTS.items() for rect in rects]
    scored = [rect in single for rects, single in RECTS.values() for rect in rects]
    rng = np.random.default_rng(0)
    people = People(
        [person[:5] for person in ids], rng.uniform(0, 500, (len(ids), 16, 2)), ids, rng.uniform(0, 500, (len(ids), 2)),
        rng.uniform(1, 4, len(ids)), split=["train" if person[0] == "c" else "test" for person in ids], scored=scored,
    )  # fmt: skip
    path = tmp_path / "mpii.mat"
    write_mpii_mat(path, people)
    release = scipy.io.loadmat(path)["RELEASE"][0, 0]
    empty = make_struct([{"image": make_struct([{"name": "nobody.jpg"}], ["name"])}], release["annolist"].dtype.names)
    annolist = np.concatenate([release["annolist"][:, :1], empty, release["annolist"][:, 1:]], axis=1)
    single = np.concatenate([release["single_person"][:1], make_cell([EMPTY]), release["single_person"][1:]])
    train = np.insert(release["img_train"], 1, 0, axis=1)
    scipy.io.savemat(path, {"RELEASE": {"annolist": annolist, "img_train": train, "single_person": single}})
    return path


@pytest.fixture
def predictions(annotations):
    people = read_annotations(annotations).people
    ids = people.person_ids[people.split == "test"]
    return Predictions(np.random.default_rng(1).uniform(-50, 900, (len(ids), 16, 2)), ids)


def test_structure_is_the_servers(tmp_path, annotations, predictions):
    written = write_submission(annotations, predictions, tmp_path / "pred.mat")
    assert written == {"images": 4, "rects": 7, "predicted": 5, "scored": 3, "unplaced": 2}
    pred = scipy.io.loadmat(tmp_path / "pred.mat")["pred"]
    assert pred.shape == (1, 4)
    assert [entry["image"][0, 0]["name"].item() for entry in pred[0]] == TEST_IMAGES
    source = scipy.io.loadmat(annotations)["RELEASE"][0, 0]["annolist"][0]
    test = [entry for entry in source if entry["image"][0, 0]["name"].item() in TEST_IMAGES]
    pose_of = dict(zip(predictions.person_ids.tolist(), predictions.joints, strict=True))
    seen = []
    for entry, original in zip(pred[0], test, strict=True):
        assert entry["annorect"].shape == original["annorect"].shape
        for number in range(entry["annorect"].size):
            rect, before = entry["annorect"][0, number], original["annorect"][0, number]
            now, then = ([(p["x"].item(), p["y"].item()) for p in one["objpos"].ravel()] for one in (rect, before))
            assert now == then  # objpos stays, or stays absent
            person = f"{entry['image'][0, 0]['name'].item()}#{number + 1}"
            if person not in pose_of:
                assert rect["annopoints"].size == 0
                continue
            seen.append(person)
            point = rect["annopoints"][0, 0]["point"]
            assert point.shape == (1, 16) and [p["id"].item() for p in point[0]] == list(range(16))
            stored = np.array([[p["x"].item(), p["y"].item()] for p in point[0]])
            np.testing.assert_allclose(stored, pose_of[person] + 1, atol=1e-9)
    assert seen == predictions.person_ids.tolist()


def test_reading_back_gives_the_predictions(tmp_path, annotations, predictions):
    write_submission(annotations, predictions, tmp_path / "pred.mat")
    back = read_submission(tmp_path / "pred.mat")
    assert back.person_ids.tolist() == predictions.person_ids.tolist()
    np.testing.assert_allclose(back.joints, predictions.joints, atol=1e-9)
    scipy.io.savemat(tmp_path / "pred.mat", {"pred": np.ones((3, 16, 2))})
    with pytest.raises(PoseError, match="no struct array 'pred'"):
        read_submission(tmp_path / "pred.mat")


def test_scored_rects_alone_are_enough_and_order_is_free(tmp_path, annotations, predictions):
    scored = [row for row, person in enumerate(predictions.person_ids) if person in ("b.jpg#3", "d.jpg#1", "d.jpg#2")]
    few = Predictions(predictions.joints[scored[::-1]], predictions.person_ids[scored[::-1]])
    assert write_submission(annotations, few, tmp_path / "pred.mat")["predicted"] == 3
    assert read_submission(tmp_path / "pred.mat").person_ids.tolist() == ["b.jpg#3", "d.jpg#1", "d.jpg#2"]


def test_a_missing_scored_rect_is_bad_input(tmp_path, annotations, predictions):
    few = Predictions(predictions.joints[:1], predictions.person_ids[:1])
    with pytest.raises(PoseError, match=r"3 of 3 scored test rects have no prediction, first b\.jpg#3"):
        write_submission(annotations, few, tmp_path / "pred.mat")
    assert not (tmp_path / "pred.mat").exists()


def test_predictions_of_others_are_bad_input(tmp_path, annotations, predictions):
    strange = predictions.person_ids.astype("U20").copy()
    strange[0] = "c.jpg#1"
    with pytest.raises(PoseError, match=r"1 predictions, first c\.jpg#1, .*mpii\.mat"):
        write_submission(annotations, Predictions(predictions.joints, strange), tmp_path / "pred.mat")
    flat = Predictions(np.concatenate([predictions.joints, predictions.joints[..., :1]], axis=-1), strange)
    with pytest.raises(PoseError, match=r"16 joints in 2D"):
        write_submission(annotations, flat, tmp_path / "pred.mat")
    with pytest.raises(PoseError, match=r"4 predictions for 5 .* scored or labeled, 0 or 3 or 5"):
        write_submission(annotations, Predictions(predictions.joints[1:], None), tmp_path / "pred.mat")


@pytest.mark.parametrize("says", [
    r"1 rects have some but not all 16 points, first b\.jpg#1", r"annorect\(1\): .*'tall'; write the submission again",
])  # fmt: skip
def test_a_rect_that_is_not_whole_or_not_mpiis(tmp_path, annotations, predictions, says):
    write_submission(annotations, predictions, tmp_path / "pred.mat")
    pred = scipy.io.loadmat(tmp_path / "pred.mat")["pred"]
    rect = pred[0, 0]["annorect"][0, 0]
    if "tall" in says:
        rect["scale"] = "tall"
    else:
        rect["annopoints"][0, 0]["point"] = rect["annopoints"][0, 0]["point"][:, :15]
    scipy.io.savemat(tmp_path / "pred.mat", {"pred": pred})
    with pytest.raises(PoseError, match=says):
        read_submission(tmp_path / "pred.mat")


def test_17_joints_come_back_but_for_spine_and_nose():
    poses = np.random.default_rng(0).normal(0, 300, (6, 17, 3))
    back = from_mpii(to_mpii(poses))
    kept = [joint for joint in range(17) if joint not in (7, 9)]
    np.testing.assert_array_equal(back[:, kept], poses[:, kept])
    np.testing.assert_allclose(back[:, 7], (poses[:, 0] + poses[:, 8]) / 2)
    np.testing.assert_allclose(back[:, 9], (poses[:, 8] + poses[:, 10]) / 2)


@pytest.mark.parametrize(("name", "shape", "says"), [
    ("poses.csv", (2, 16, 3), "poses.csv: ends in .csv"), ("poses.npz", (2, 16, 2), "shape"),
    ("poses.json", (2, 16, 3), "2 people, first a, have no camera"),
])  # fmt: skip
def test_poses_that_cannot_be_exchanged_are_refused(name, shape, says, tmp_path):
    people = People(["1.jpg", "2.jpg"], np.zeros((2, 16, 2)), person_ids=["a", "b"], depth=Depth(np.zeros((2, 16))))
    with pytest.raises(PoseError, match=says):
        write_exchange(tmp_path / name, people, np.zeros(shape))
