"""Which sequence Figure 2 shows."""

from dataclasses import replace

import numpy as np

from ief.reporting.pictures import choose_sequence
from mpii_tools.people import Depth


def test_of_several_cameras_the_one_with_most_frames_is_taken(deep):
    people, depth, poses = deep.people, deep.people.depth, deep.poses
    camera = depth.camera.copy()
    camera[::2, 0] = 600.0
    frame = depth.frame - depth.frame % 128  # two people a frame, one of each camera
    frame = np.where(depth.action == "WalkingDog", frame + 1024, frame)
    frame[[1, 17]] = -1
    sequence = np.where(depth.sequence == "", "", np.char.add(depth.subject, " all"))  # two of eight are one of sixteen
    names = {"subject": depth.subject, "sequence": sequence}
    double = Depth(depth.z, camera=camera, root_depth=depth.root_depth, frame=frame, **names)
    found = choose_sequence(replace(people, depth=double), {"all": poses["mixed/all"]["stage0"]})
    assert found.frames.tolist() == [0, 128, 256, 384, 1024, 1152, 1280, 1408]
    rows = [row for row in range(32) if sequence[row] == found.title and camera[row, 0] == 600.0]
    assert len(rows) == 8
    np.testing.assert_array_equal(found.gt, replace(people, depth=double).camera_joints[rows])
    np.testing.assert_array_equal(found.poses["all"], double.to_camera(poses["mixed/all"]["stage0"])[rows])
    assert choose_sequence(replace(people, depth=Depth(depth.z)), {}) is None
