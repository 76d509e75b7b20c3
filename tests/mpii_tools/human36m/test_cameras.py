"""Cameras of both files, names of videos and their lengths: against each other and Human3.6M's own metadata.xml."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from human36m_forms import make_cameras, metadata_xml, write_json

from checkpoints.errors import PoseError
from mpii_tools.human36m.cameras import find_cameras, lenses, load_cameras
from mpii_tools.human36m.names import ACTIONS, ALIASES, SUBJECTS, action_of, camera_of, split_video
from mpii_tools.human36m.protocols import PROTOCOLS
from mpii_tools.human36m.video_lengths import count_frames, main, video_lengths


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


def test_cameras_are_found_beside_the_annotations_and_above(tmp_path):
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    assert not find_cameras(deep)
    write_json(tmp_path / "cameras.json", make_cameras(0))
    assert find_cameras(deep)["S1", "54138969"].position.tolist() == make_cameras(0)["S1"]["54138969"]["T_mm"]
    write_json(deep / "cameras.json", make_cameras(1))
    assert find_cameras(deep)["S1", "54138969"].position.tolist() == make_cameras(1)["S1"]["54138969"]["T_mm"]


def test_an_unknown_camera_has_no_lens(tmp_path):
    cameras = load_cameras(write_json(tmp_path / "cameras.json", make_cameras()))
    camera, distortion = lenses(cameras, ["S1", "S5"], ["54138969", "54138969"])
    assert np.isfinite(camera).all(axis=1).tolist() == np.isfinite(distortion).all(axis=1).tolist() == [True, False]


@pytest.mark.parametrize(("text", "says"), [
    ("[]", "no cameras of Human3.6M"), ('{"S1": {"1": {"R": [[1]]}}}', "no cameras of Human3.6M"), ("{", "not a whole"),
])  # fmt: skip
def test_other_json_is_refused(text, says, tmp_path):
    (tmp_path / "cameras.json").write_text(text)
    with pytest.raises(PoseError, match=says):
        load_cameras(tmp_path / "cameras.json")


@pytest.mark.parametrize(("text", "says"), [
    ("<a>", "not a whole XML file"), ("<a/>", "no cameras in it"), ("", "not a whole XML file"),
    ("<a><w0>[1 2]</w0><dbcameras><index2id><item>1</item></index2id></dbcameras></a>", "no cameras in it"),
])  # fmt: skip
def test_other_xml_is_refused(text, says, tmp_path):
    (tmp_path / "metadata.xml").write_text(text)
    with pytest.raises(PoseError, match=says):
        load_cameras(tmp_path / "metadata.xml")


def test_a_camera_without_rotation_is_refused(tmp_path):
    held = make_cameras()
    held["S9"]["54138969"]["R"][0][0] += 0.1
    with pytest.raises(PoseError, match="camera 54138969 of S9 is none"):
        load_cameras(write_json(tmp_path / "cameras.json", held))


def test_every_video_has_the_action_and_subaction_of_metadata(shared):
    rows = [[cell.text or "" for cell in row] for row in
            ElementTree.parse(shared / "threed" / "h36m" / "metadata.xml").getroot().find("mapping")]  # fmt: skip
    checked = 0
    for number, subaction, *names in rows[1:]:
        for subject, name in zip(rows[0][2:], names, strict=True):
            if number.isdigit() and int(number) > 1 and subject in SUBJECTS:
                assert split_video(subject, name) == (ACTIONS[int(number) - 2], int(subaction)), (subject, name)
                assert split_video(subject, name.replace(" ", "_")) == (action_of(int(number)), int(subaction))
                checked += 1
    assert checked == 7 * 30


@pytest.mark.parametrize("video", ["Directions 1.54138969", "_ALL 1", "Dancing", "", "Directions-1", "Walking 1234"])
def test_what_is_no_video_is_refused(video):
    with pytest.raises(ValueError, match="no subject and video"):
        split_video("S1", video)


def test_numbers_of_actions_and_cameras():
    assert [action_of(number) for number in (2, 12, 16)] == ["Directions", "Photo", "WalkTogether"]
    assert camera_of(2) == camera_of(55011271) == "55011271" and set(ALIASES.values()) < set(ACTIONS)
    for wrong in (lambda: action_of(1), lambda: action_of(17), lambda: camera_of(0), lambda: camera_of(5)):
        with pytest.raises(ValueError, match="is none of"):
            wrong()


def test_frames_are_counted_video_by_video(tmp_path, capsys):
    (tmp_path / "metadata.xml").write_text(metadata_xml(make_cameras()))
    lengths = video_lengths(tmp_path / "metadata.xml")
    assert len(lengths) == 7 * 30 * 4 and lengths["S9", "Photo", 2, "58860488"] == 1003
    counts = count_frames(lengths, PROTOCOLS[2]["valid"], 64)
    by_hand = sum(len(range(0, length, 64)) for length in (1001, 1002, 1003, 1004)) * 2 * 2
    assert counts == dict.fromkeys(ACTIONS, by_hand)
    main([str(tmp_path / "metadata.xml"), "--protocol", "1", "--every", "5"])
    assert f"{2 * 15 * 804:>19,}  every 5 of S11" in capsys.readouterr().out


def test_human36ms_own_lengths_are_those_of_the_page(shared):
    """Every 64th frame within each video: the counts of the page beside the code."""
    lengths = video_lengths(shared / "threed" / "h36m" / "metadata.xml")
    counts = [count_frames(lengths, PROTOCOLS[protocol]["valid"], 64) for protocol in (1, 2)]
    page = (Path(video_lengths.__code__.co_filename).parent / "README.md").read_text(encoding="utf-8")
    for action in ACTIONS:
        assert f"| {action} | {counts[0][action]:,} | {counts[1][action]:,} |" in page
    first, second = (sum(count.values()) for count in counts)
    assert f"| all | {first:,} | {second:,} |" in page and (first, second) == (3716, 9118)
    assert lengths["S11", "Directions", 1, "54138969"] == 1553
