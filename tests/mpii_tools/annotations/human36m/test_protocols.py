"""Which people a protocol trains and tests on, and how much of the image a crop shows."""

import dataclasses
import xml.etree.ElementTree as ElementTree

import cv2
import human36m_forms as forms
import numpy as np
import pytest
from human36m_forms import Person, make_cameras, write_json
from hypothesis import given, settings
from hypothesis import strategies as st

from checkpoints.errors import PoseError
from heads.skeleton import MPII
from mpii_tools.annotations.human36m import protocols
from mpii_tools.annotations.read import read_annotations
from mpii_tools.annotations.reading import Reading

LENSES = make_cameras()


def make_reading(folder, videos):
    """Human3.6M in mmpose's form: videos (subject, action, subaction, name, camera, frames)."""
    rng = np.random.default_rng(0)
    people = [Person(*names, frame, np.array([0, 0, 5000]) + rng.normal(0, 250, (32, 3)))
              for *names, frames in videos for frame in frames]  # fmt: skip
    lenses = {subject: LENSES["S1"] for subject in protocols.SUBJECTS}
    write_json(folder / "cameras.json", lenses)
    np.savez(folder / "h36m.npz", **forms.mmpose_arrays(people, lenses))
    return read_annotations(folder / "h36m.npz")


def frames_of(reading):
    return list(zip(reading.people.depth.sequence.tolist(), reading.people.depth.frame.tolist(), strict=True))


def test_who_trains_and_who_tests():
    for options, train, valid in (((1,), 6, 1), ((2,), 5, 2), ((), 5, 2)):
        splits = protocols.assign_splits((*protocols.SUBJECTS, "S2"), *options)
        assert splits.tolist() == ["train"] * train + ["valid"] * valid + [""]


def test_every_video_has_the_subaction_of_metadata(shared):
    rows = [[cell.text or "" for cell in row] for row in
            ElementTree.parse(shared / "threed" / "h36m" / "metadata.xml").getroot().find("mapping")]  # fmt: skip
    checked = 0
    for number, subaction, *names in rows[1:]:
        for subject, name in zip(rows[0][2:], names, strict=True):
            if number.isdigit() and int(number) > 1 and subject in protocols.SUBJECTS:
                expected = protocols.Frame(subject, protocols.ACTIONS[int(number) - 2], int(subaction), "55011271", 7)
                assert protocols.parse_video(subject, name, "55011271", 7) == expected
                assert protocols.parse_video(subject, name.replace(" ", "_"), "55011271", 7) == expected
                assert protocols.parse_numbers(int(subject[1:]), int(number), int(subaction), 2, 7) == expected
                checked += 1
    assert checked == 7 * 30


@pytest.mark.parametrize("video", ["Directions 1.54138969", "_ALL 1", "Dancing", "", "Directions-1", "Walking 1234"])
def test_what_is_no_video_is_refused(video):
    with pytest.raises(ValueError, match="no subject and video"):
        protocols.parse_video("S1", video, "54138969", 0)


def test_numbers_of_actions_and_cameras():
    frames = [protocols.parse_numbers(1, action, 1, camera, 0) for action, camera in ((2, 2), (12, 55011271), (16, 4))]
    assert [frame.action for frame in frames] == ["Directions", "Photo", "WalkTogether"]
    assert [frame.camera for frame in frames] == ["55011271", "55011271", "60457274"]
    for wrong in ((2, 2, 1, 1, 0), (1, 1, 1, 1, 0), (1, 17, 1, 1, 0), (1, 2, 1, 0, 0), (1, 2, 1, 5, 0)):
        with pytest.raises(ValueError, match="is none of"):
            protocols.parse_numbers(*wrong)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(0, 3))
def test_frames_of_whole_videos_are_slices(seed, every, first):
    rng = np.random.default_rng(seed)
    rows = [(f"v{video}/a_{frame:04}.jpg", frame) for video in range(3)
            for frame in range(first, first + rng.integers(1, 40))]  # fmt: skip
    expected = {image for video in range(3) for image, _ in [r for r in rows if r[0].startswith(f"v{video}")][::every]}
    rng.shuffle(rows)
    images, frames = np.array([image for image, _ in rows]), np.array([int(frame) for _, frame in rows])
    chosen = protocols.select_frames(images, frames, np.full(len(rows), every))
    assert set(images[chosen]) == expected and chosen.sum() == len(expected)


def test_frames_of_a_sampled_video_are_the_next_there():
    frames = np.arange(0, 400, 5)
    chosen = protocols.select_frames(np.array([f"v/{frame}.jpg" for frame in frames]), frames, np.full(80, 64))
    assert frames[chosen].tolist() == [0, 65, 130, 195, 260, 320, 385]


def test_frames_are_chosen_by_split_of_the_protocol(tmp_path):
    frames = range(130)
    reading = make_reading(tmp_path, [("S1", "Walking", 1, "Walking 1", 1, frames),
                                      ("S9", "Walking", 1, "Walking 1", 1, frames),
                                      ("S11", "Walking", 1, "Walking 1", 2, frames)])  # fmt: skip
    assert protocols.EVERY == {"train": 5, "valid": 64}
    for protocol, nine in ((2, range(0, 130, 64)), (None, range(0, 130, 64)), (1, range(0, 130, 5))):
        found = protocols.choose_people(reading, protocol)
        expected = [("S1 Walking 1", frame) for frame in range(0, 130, 5)] + [("S9 Walking 1", frame) for frame in nine]
        assert frames_of(found) == expected + [("S11 Walking 1", frame) for frame in (0, 64, 128)]
        assert (found.people.split[found.people.depth.subject == "S9"] == ("train" if protocol == 1 else "valid")).all()
        frame_of = dict(zip(reading.people.person_ids.tolist(), frames_of(reading), strict=True))
        assert [frame_of[person] for person in found.people.person_ids.tolist()] == frames_of(found)
    assert [len(protocols.choose_people(reading, 2, every).people) for every in ([50], [50, 100])] == [9, 3 + 2 + 2]


def test_damaged_sequences_are_kept_or_left_out_and_counted(tmp_path):
    reading = make_reading(tmp_path, [
        ("S9", "Greeting", 2, "Greeting", 1, (0, 64)), ("S9", "Greeting", 1, "Greeting 1", 1, (0,)),
        ("S9", "SittingDown", 2, "SittingDown 1", 1, (0,)), ("S9", "SittingDown", 1, "SittingDown", 1, (0,)),
        ("S9", "Waiting", 1, "Waiting 1", 4, (0,)), ("S11", "Directions", 2, "Directions", 1, (0,)),
        ("S11", "Directions", 2, "Directions", 2, (0,)), ("S1", "Greeting", 2, "Greeting", 1, (0,)),
    ])  # fmt: skip
    kept, fewer = protocols.choose_people(reading, 2), protocols.choose_people(reading, 2, leave_out_damaged=True)
    assert len(kept.people) == 9 and len(fewer.people) == 4
    left = {"S9 Greeting 1", "S9 SittingDown 1", "S11 Directions 2", "S1 Greeting 2"}
    assert set(fewer.people.depth.sequence.tolist()) == left
    for found, word in ((kept, "kept"), (fewer, "left out")):
        (who,) = [who for what, who in found.notes.items() if "damaged" in what and what.endswith(word)]
        assert len(who) == 5
    names = np.array(["s_11_act_02_subact_02_ca_01/a.jpg", "s_11_act_02_subact_02_ca_02/a.jpg"])
    assert protocols.find_damaged(np.array(["S11 Directions 2"] * 2), names).tolist() == [True, False]


def test_a_choice_of_nobody_is_refused(tmp_path):
    reading = make_reading(tmp_path, [("S9", "Greeting", 2, "Greeting", 1, (0,))])
    with pytest.raises(PoseError, match="of S9: nobody is left"):
        protocols.choose_people(reading, 2, leave_out_damaged=True)


def test_other_datasets_stay_as_they_are(tmp_path):
    np.savez(tmp_path / "3dhp.npz", **forms.mpi_inf_arrays())
    reading = read_annotations(tmp_path / "3dhp.npz")
    assert protocols.choose_people(reading, 1, [7], True) is reading


def test_the_pelvis_crop_shows_two_meters_at_the_pelvis_depth(tmp_path):
    reading = make_reading(tmp_path, [("S1", "Walking", 1, "Walking 1", 1, range(0, 20, 5))])
    people, depth = protocols.place_crops(reading, "pelvis").people, reading.people.depth
    for row in range(len(people)):
        np.testing.assert_allclose(people.crop_center[row], people.joints[row, MPII.root])
        # A square of 2000 mm around a point on the axis, at the pelvis' depth, by a camera that distorts nothing.
        (fx, fy, *_), z = depth.camera[row], depth.root_depth[row]
        corners = np.array([[-1000.0, -1000, z], [1000, 1000, z]])
        matrix = np.array([[fx, 0, 0], [0, fy, 0], [0, 0, 1]])
        low, high = cv2.projectPoints(corners, np.zeros(3), np.zeros(3), matrix, np.zeros(5))[0][:, 0]
        assert people.crop_side[row] == pytest.approx((high - low).mean())


def test_crops_are_said_and_need_a_camera(tmp_path):
    reading = make_reading(tmp_path, [("S1", "Walking", 1, "Walking 1", 1, (0,))])
    assert protocols.place_crops(reading) is reading
    for crop, says in (("box", "1.2 x 1.25"), ("pelvis", "2000 x 2000 mm")):
        assert any(says in what for what in protocols.place_crops(reading, crop).notes)
    depth = dataclasses.replace(reading.people.depth, camera=np.nan)
    bare = dataclasses.replace(reading, people=dataclasses.replace(reading.people, depth=depth))
    with pytest.raises(PoseError, match=r"--crop pelvis: 1 people, first S1/.*have no camera"):
        protocols.place_crops(bare, "pelvis")
    with pytest.raises(PoseError, match="has no depth"):
        protocols.place_crops(Reading(dataclasses.replace(reading.people, depth=None), "flat"), "pelvis")
