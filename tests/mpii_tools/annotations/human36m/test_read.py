"""The same people of Human3.6M in each form: the same joints, depths, cameras and names come out."""

import json
import pickle
import sys
from dataclasses import replace

import h5py
import human36m_forms as forms
import numpy as np
import pytest
from human36m_forms import CAMERAS, camera_of, make_cameras, make_people, mpii_pose, see, write_json

from checkpoints.errors import PoseError
from heads.skeleton import MPII
from mpii_tools.annotations.read import read_annotations

PEOPLE, LENSES = make_people(), make_cameras()
KNOWN = np.array(MPII.names) != "thorax"  # the middle of the shoulders, which no form has


def write_mmpose(folder, arrays=None):
    np.savez(folder / "h36m_test.npz", **(arrays or forms.mmpose_arrays(PEOPLE, LENSES)))
    return folder / "h36m_test.npz"


def read_beside_cameras(folder, write, *arguments):
    """What `write` writes, read with cameras.json beside it."""
    write_json(folder / "cameras.json", LENSES)
    return read_annotations(write(folder, *arguments))


def write_rle(folder):
    return write_json(folder / "Sample_64_test_Human36M_protocol_2.json", forms.rle_tree(PEOPLE, LENSES))


def write_official(folder):
    """Whole videos from frame 0: the people and, between them, poses at the camera."""
    for video in {(person.subject, person.video, person.camera): person for person in PEOPLE}.values():
        of = [one for one in PEOPLE if (one.subject, one.video) == (video.subject, video.video)]
        poses = np.ones((of[-1].frame + 1, 32, 3))
        for person in of:
            poses[person.frame] = person.pose
        name = f"{video.video}.{CAMERAS[video.camera - 1]}.cdf"
        forms.write_cdf(folder / video.subject / "MyPoseFeatures" / "D3_Positions_mono" / name, poses)
    return folder


FORMS = {
    "mmpose": write_mmpose,
    "PoseNet": lambda folder: forms.write_posenet(folder, PEOPLE, LENSES),
    "Integral": lambda folder: forms.write_posenet(folder / "annotations", PEOPLE, LENSES, plus=True).parent,
    "RLE": write_rle,
    "h36m-fetch": lambda folder: forms.write_fetch(folder, PEOPLE, LENSES),
    "official": write_official,
}


@pytest.mark.parametrize("form", FORMS)
def test_the_same_people_come_out_of_every_form(form, tmp_path):
    if form == "official":
        pytest.importorskip("cdflib")
    reading = read_beside_cameras(tmp_path, FORMS[form])
    depth = reading.people.depth
    assert reading.format.startswith("Human3.6M") and not any(reading.faults.values()) | any(reading.notes.values())
    row_of = {(sequence, frame): row for row, (sequence, frame) in
              enumerate(zip(depth.sequence.tolist(), depth.frame.tolist(), strict=True))}  # fmt: skip
    assert form == "official" or len(row_of) == len(PEOPLE)
    precision = 1e-3 if form == "official" else 1e-6  # .cdf holds 32 bits
    for person in PEOPLE:
        row = row_of[f"{person.subject} {person.action} {person.subaction}", person.frame]
        pose, camera = mpii_pose(person), camera_of(person, LENSES)
        np.testing.assert_allclose(reading.people.joints[row], see(pose, camera), atol=precision)
        np.testing.assert_allclose(depth.z[row], pose[:, 2] - pose[MPII.root, 2], atol=precision)
        assert depth.root_depth[row] == pytest.approx(pose[MPII.root, 2], abs=precision)
        assert depth.camera[row].tolist() == pytest.approx(camera["f"] + camera["c"])
        assert depth.distortion[row].tolist() == pytest.approx(camera["k"] + camera["p"])
        assert (depth.subject[row], depth.action[row]) == (person.subject, person.action)
        assert reading.people.split[row] == ("train" if person.subject == "S1" else "valid")
        np.testing.assert_allclose(reading.people.camera_joints[row], pose, atol=0.01)


def test_images_are_called_as_the_forms_call_them(tmp_path):
    names = {form: read_annotations(FORMS[form](tmp_path / form)).people.images.tolist()
             for form in FORMS if form != "official" and (tmp_path / form).mkdir() is None}  # fmt: skip
    assert names["mmpose"] == [person.name for person in PEOPLE]
    assert set(names["PoseNet"]) == set(names["RLE"]) == {person.integral_name for person in PEOPLE}
    assert "S1/TakingPhoto" not in " ".join(names["RLE"])
    assert "S9/SittingDown-2/imageSequence/55011271/img_000065.jpg" in names["h36m-fetch"]
    assert "S1/TakingPhoto-2/imageSequence/60457274/img_000065.jpg" in names["h36m-fetch"]


def test_the_crop_is_mmposes(tmp_path):
    people, arrays = read_beside_cameras(tmp_path, write_mmpose).people, forms.mmpose_arrays(PEOPLE, LENSES)
    np.testing.assert_allclose(people.crop_center, arrays["center"], atol=1e-6)
    np.testing.assert_allclose(people.scale, arrays["scale"])


def test_mmpose_without_cameras_gives_no_millimeters(tmp_path):
    reading = read_annotations(write_mmpose(tmp_path))
    assert not reading.people.depth.placed.any()
    assert [len(who) for what, who in reading.notes.items() if "without a camera" in what] == [len(PEOPLE)]
    for joints, z, person in zip(reading.people.joints, reading.people.depth.z, PEOPLE, strict=True):
        seen = see(mpii_pose(person), camera_of(person, LENSES))
        np.testing.assert_allclose(joints[KNOWN], seen[KNOWN], atol=1e-9)
        np.testing.assert_allclose(z, mpii_pose(person)[:, 2] - person.pose[0, 2], atol=1e-9)


@pytest.mark.parametrize("form", ["PoseNet", "RLE"])
def test_a_camera_without_lens_is_a_noted_pinhole(form, tmp_path):
    reading = read_annotations(FORMS[form](tmp_path))
    assert (reading.people.depth.distortion == 0).all() and reading.people.depth.placed.all()
    assert [len(who) for what, who in reading.notes.items() if "distortion" in what and who] == [len(PEOPLE)]


def test_fetch_brings_its_own_pinhole(tmp_path):
    depth = read_annotations(FORMS["h36m-fetch"](tmp_path)).people.depth
    lens_of = {f"{p.subject} {p.action} {p.subaction}": camera_of(p, LENSES) for p in PEOPLE}
    expected = [lens_of[sequence]["f"] + lens_of[sequence]["c"] for sequence in depth.sequence.tolist()]
    np.testing.assert_allclose(depth.camera, expected)


def test_a_flag_of_0_is_a_missing_joint(tmp_path):
    arrays = forms.mmpose_arrays(PEOPLE, LENSES)
    arrays["S"][0, 3, 3] = arrays["part"][0, 3, 2] = 0  # right ankle
    reading = read_beside_cameras(tmp_path, write_mmpose, arrays)
    missing = np.isnan(reading.people.joints).any(axis=-1)
    assert missing.sum() == 1 and missing[0, MPII.index("r_ankle")] and np.isnan(reading.people.depth.z)[missing].all()


@pytest.mark.parametrize("value", [2e6, 1e300, -1e300])
def test_a_joint_that_can_be_nowhere_is_missing_and_a_fault(value, tmp_path):
    people = [replace(PEOPLE[0], pose=PEOPLE[0].pose.copy()), *PEOPLE[1:]]
    people[0].pose[3, 1] = value  # right ankle
    reading = read_beside_cameras(tmp_path, forms.write_fetch, people, LENSES)
    (who,) = [who for what, who in reading.faults.items() if "1 km" in what]
    missing = np.isnan(reading.people.joints).any(axis=-1)
    assert len(who) == 1 and missing.sum() == 1 and missing[0, MPII.index("r_ankle")]


def test_labels_far_from_the_projected_pose_are_a_fault(tmp_path):
    arrays = forms.mmpose_arrays(PEOPLE, LENSES)
    arrays["part"][2, 5, 0] += 11
    (who,) = filter(None, read_beside_cameras(tmp_path, write_mmpose, arrays).faults.values())
    assert who == [f"{PEOPLE[2].name}#1"]


@pytest.mark.parametrize("turn", ["R", "T_mm"])
def test_cameras_that_fit_no_box_are_refused(turn, tmp_path):
    others = {subject: {name: {**camera, turn: make_cameras(1)[subject][name][turn]} for name, camera in held.items()}
              for subject, held in LENSES.items()}  # fmt: skip
    trees = forms.posenet_trees(PEOPLE, LENSES, "S9")
    fields = {number: forms.integral_camera(others["S9"][name]) for number, name in enumerate(CAMERAS, 1)}
    for ending, tree in {**trees, "camera": fields}.items():
        write_json(tmp_path / f"Human36M_subject9_{ending}.json", tree)
    with pytest.raises(PoseError, match="cameras do not fit its boxes: 0 % by R"):
        read_annotations(tmp_path)


@pytest.mark.parametrize("form", ["PoseNet", "RLE"])
def test_malformed_people_are_left_out_and_counted(form, tmp_path):
    """A box of three numbers, an image that is not there; a file of nothing else is refused."""
    path = FORMS[form](tmp_path)
    file = path / "Human36M_subject9_data.json" if path.is_dir() else path
    stored = json.loads(file.read_text())
    stored["annotations"][0]["bbox"] = [1, 2, 3]
    stored["annotations"][1]["image_id"] = 99
    write_json(file, stored)
    reading = read_annotations(path)
    assert len(reading.people) == len(PEOPLE) - 2
    (who,) = [who for what, who in reading.faults.items() if "left out" in what]
    assert [line.partition(": ")[0].removeprefix("entry ") for line in who] == ["0", "1"]
    for annotation in stored["annotations"]:
        annotation["image_id"] = 99
    with pytest.raises(PoseError, match=r"not one of its .* entries .* first (entry )?0: no 99"):
        read_annotations(write_json(file, stored))


@pytest.mark.parametrize("ending", ["camera", "joint_3d"])
def test_a_missing_file_of_posenets_three_is_named(ending, tmp_path):
    path = FORMS["PoseNet"](tmp_path)
    (path / f"Human36M_subject11_{ending}.json").unlink()
    with pytest.raises(PoseError, match=f"Human36M_subject11_{ending}.json: no such file"):
        read_annotations(path)


def test_a_camera_that_is_no_rotation_is_refused(tmp_path):
    path = FORMS["PoseNet"](tmp_path) / "Human36M_subject9_camera.json"
    stored = json.loads(path.read_text())
    stored["2"]["R"] = (2 * np.array(stored["2"]["R"])).tolist()
    write_json(path, stored)
    with pytest.raises(PoseError, match=r"not one of its .* R is no rotation"):
        read_annotations(tmp_path)


def test_mpi_inf_gets_the_camera_that_its_labels_tell(tmp_path):
    arrays = forms.mpi_inf_arrays()
    np.savez(tmp_path / "test_3dhp.npz", **arrays)
    reading = read_annotations(tmp_path / "test_3dhp.npz")
    depth = reading.people.depth
    expected = [[1500, 1501, 1024, 1030]] * 2 + [[1490, 1492, 1020, 1040], [1683, 1680, 950, 540]]
    np.testing.assert_allclose(depth.camera, expected, rtol=1e-9)
    theirs = [10, 9, 8, 11, 12, 13, 14, 1, 0, 4, 3, 2, 5, 6, 7]
    known = arrays["S"][:, theirs, 3:] > 0
    for found, given in ((reading.people.joints, arrays["part"][..., :2]),
                         (reading.people.camera_joints, 1000 * arrays["S"][..., :3])):  # fmt: skip
        np.testing.assert_allclose(found[:, KNOWN], np.where(known, given[:, theirs], np.nan), atol=1e-6)
    rows = zip(reading.people.split, depth.subject, depth.sequence, depth.frame, strict=True)
    assert [*rows] == [("train", "S4", "S4 Seq2", 1), ("train", "S4", "S4 Seq2", 33),
                       ("train", "S8", "S8 Seq1", 2165), ("valid", "TS2", "TS2", 1850)]  # fmt: skip


def test_pickles_are_refused_and_safe_forms_named(tmp_path):
    np.savez(tmp_path / "data_3d_h36m.npz", positions_3d=np.array({"S1": {}}, dtype=object))
    (tmp_path / "cameras.pkl").write_bytes(pickle.dumps({"S1": LENSES["S1"]}))
    for name in ("data_3d_h36m.npz", "cameras.pkl"):
        with pytest.raises(PoseError, match=r"(?s)pickle.*mmpose's .npz") as caught:
            read_annotations(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_without_cdflib_a_line_says_so(tmp_path, monkeypatch):
    path = tmp_path / "S1" / "D3_Positions_mono" / "Directions 1.54138969.cdf"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xcd\xf3\x00\x01")
    monkeypatch.setitem(sys.modules, "cdflib", None)
    with pytest.raises(PoseError, match="cdflib"):
        read_annotations(tmp_path)


@pytest.mark.parametrize(("change", "says"), [
    ({"S": lambda array: 1000 * array}, "from the camera, mmpose's are in meters"),
    ({"imgname": lambda array: np.array(["a.jpg"] * len(array))}, "'a.jpg' is no image of Human3.6M as mmpose calls"),
    ({"imgname": lambda array: np.char.replace(array, "S9", "S2")}, "is no image of Human3.6M as mmpose calls"),
    ({"part": lambda array: array[:, :16]}, "'part' is float64"),
])  # fmt: skip
def test_what_is_not_mmposes_is_refused(change, says, tmp_path):
    arrays = forms.mmpose_arrays(PEOPLE, LENSES)
    arrays |= {name: make(arrays[name]) for name, make in change.items()}
    if "S" in change:
        arrays["S"][..., 3] = 1
    with pytest.raises(PoseError, match=says):
        read_annotations(write_mmpose(tmp_path, arrays))


def test_the_universal_skeleton_alone_is_refused(tmp_path):
    folder = forms.write_fetch(tmp_path, PEOPLE[:1], LENSES)
    with h5py.File(folder / "S1" / "Directions-1" / "annot.h5", "a") as file:
        del file["pose/3d"]
    with pytest.raises(PoseError, match="no 'pose/3d', only"):
        read_annotations(folder)


def test_real_images_reproject_and_lead_back(shared):
    """mmpose's four images of each dataset: within 0.2 px of Human3.6M's own labels, 2 px of MPI-INF-3DHP's."""
    folder = shared / "threed"
    for name, limit in (("h36m/test_h36m_body3d.npz", 0.2), ("mpi_inf_3dhp/test_3dhp_train.npz", 2.0),
                        ("mpi_inf_3dhp/test_3dhp_test.npz", 2.0)):  # fmt: skip
        reading, stored = read_annotations(folder / name), np.load(folder / name)
        theirs = 0 if name.startswith("h36m") else 14
        assert np.abs(reading.people.joints[:, MPII.root] - stored["part"][:, theirs, :2]).max() < limit
        back = reading.people.camera_joints[:, MPII.root]
        np.testing.assert_allclose(back, 1000 * stored["S"][:, theirs, :3], atol=1e-6)
        assert not any(reading.faults.values())
