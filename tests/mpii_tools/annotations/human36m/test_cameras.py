"""Cameras of both files against each other and Human3.6M's own metadata.xml."""

from pathlib import Path

import numpy as np
import pytest
from human36m_forms import make_cameras, metadata_xml, write_json
from video_lengths import count_frames, read_video_lengths

from checkpoints.errors import PoseError
from mpii_tools.annotations.human36m.protocols import ACTIONS, PROTOCOLS, Frame
from mpii_tools.annotations.human36m.recording import find_cameras, fit_lenses, load_cameras, tabulate_frames

PAGE = Path(__file__).resolve().parents[4] / "mpii_tools" / "annotations" / "human36m" / "README.md"
REFUSED = {
    "cameras.json": {"[]": "no cameras of Human3.6M", '{"S1": {"1": {"R": [[1]]}}}': "no cameras of Human3.6M",
                     "{": "not a whole"},
    "metadata.xml": {"<a>": "not a whole XML", "": "not a whole XML", "<a/>": "no cameras in it",
                     "<a><w0>[1 2]</w0><dbcameras><index2id><item>1</item></index2id></dbcameras></a>": "no cameras"},
}  # fmt: skip


def assert_same(one, other, names, tolerance):
    for name in names:
        for field in ("rotation", "position", "intrinsics", "distortion"):
            np.testing.assert_allclose(getattr(one[name], field), getattr(other[name], field), atol=tolerance)


def test_metadata_and_json_hold_the_same_cameras(tmp_path):
    held = make_cameras()
    for subject in held:  # metadata.xml has one lens per camera, whoever it saw
        for name, camera in held[subject].items():
            camera.update({key: held["S1"][name][key] for key in "fckp"})
    (tmp_path / "metadata.xml").write_text(metadata_xml(held))
    own, ours = load_cameras(tmp_path / "metadata.xml"), load_cameras(write_json(tmp_path / "cameras.json", held))
    assert len(ours) == 12
    assert_same(own, ours, ours, 1e-9)
    np.testing.assert_allclose(ours["S9", "60457274"].rotation, held["S9"]["60457274"]["R"])


def test_human36ms_own_files_hold_the_same_cameras(shared):
    folder = shared / "threed" / "h36m"
    own, made = load_cameras(folder / "metadata.xml"), load_cameras(folder / "cameras.json")
    assert len(own) == len(made) == 28 and set(own) == set(made)
    assert_same(own, made, made, 1e-9)


def test_cameras_are_found_beside_and_above(tmp_path):
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    assert not find_cameras(deep)
    write_json(tmp_path / "cameras.json", make_cameras(0))
    assert find_cameras(deep)["S1", "54138969"].position.tolist() == make_cameras(0)["S1"]["54138969"]["T_mm"]
    write_json(deep / "cameras.json", make_cameras(1))
    assert find_cameras(deep)["S1", "54138969"].position.tolist() == make_cameras(1)["S1"]["54138969"]["T_mm"]


def test_an_unknown_camera_has_no_lens(tmp_path):
    write_json(tmp_path / "cameras.json", make_cameras())
    frames = [Frame(subject, "Eating", 1, "54138969", 3) for subject in ("S1", "S5")]
    table = tabulate_frames(tmp_path / "h36m.npz", frames)
    for name in ("camera", "distortion"):
        assert np.isfinite(table[name]).all(axis=1).tolist() == [True, False]
    assert table["sequence"] == ["S1 Eating 1", "S5 Eating 1"] and table["frame"] == [3, 3]


def test_a_lens_is_not_fitted_to_few_joints():
    poses = np.random.default_rng(0).normal((0, 0, 4), 0.3, (1, 17, 3))
    labels = 1000 * poses[..., :2] / poses[..., 2:] + 500
    np.testing.assert_allclose(fit_lenses(poses, labels, ["a"]), [[1000, 1000, 500, 500]])
    labels[0, 3:] = np.nan
    assert np.isnan(fit_lenses(poses, labels, ["a"])).all()


@pytest.mark.parametrize(("name", "text"), [(name, text) for name in REFUSED for text in REFUSED[name]])
def test_files_without_cameras_are_refused(name, text, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(PoseError, match=REFUSED[name][text]):
        load_cameras(tmp_path / name)


def test_a_camera_without_rotation_is_refused(tmp_path):
    held = make_cameras()
    held["S9"]["54138969"]["R"][0][0] += 0.1
    with pytest.raises(PoseError, match="camera 54138969 of S9 is none"):
        load_cameras(write_json(tmp_path / "cameras.json", held))


def test_human36ms_own_lengths_are_those_of_the_page(shared):
    """Every 64th frame within each video: the counts of the page beside the code."""
    lengths = read_video_lengths(shared / "threed" / "h36m" / "metadata.xml")
    counts = [count_frames(lengths, PROTOCOLS[protocol]["valid"], 64) for protocol in (1, 2)]
    assert all(count.keys() == set(ACTIONS) for count in counts)
    assert [sum(count.values()) for count in counts] == [3716, 9118]
    assert all(total in PAGE.read_text(encoding="utf-8") for total in ("3,716", "9,118"))
    assert lengths["S11", "Directions", 1, "54138969"] == 1553
