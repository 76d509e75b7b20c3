"""Videos: the times of their frames, whose pose is whose, what a stop leaves, and cameras as streams."""

import csv
import json
import os
import signal
import time
from itertools import count

import cv2
import numpy as np
import pytest
from pictures import draw_clip, smooth_image
from processes import IEF, start
from untrained import save_run

import ief.inference.video as video
from checkpoints.stopping import Stopped
from ief import PosePredictor
from ief.inference.outputs import JOURNAL
from ief.inference.poses import Poses
from ief.inference.stream import ImagePeople, Outcome
from ief.workflow.predict import predict_inputs
from mpii_tools.results.predictions import read_predictions


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return save_run(tmp_path_factory.mktemp("run"))


@pytest.mark.parametrize(
    ("times", "says"),
    [
        ([0, 100, 200, 300], ""),
        ([0, 33, 67, 100], ""),  # rounded to milliseconds
        ([0, 40, 80, 4080], "40 to 4000 ms apart"),
        # Invented: a dropped frame, a phone in the dark, a first frame late.
        ([0, 33, 100, 133], "33 to 67 ms apart"),
        ([0, 33, 67, 117], "33 to 50 ms apart"),
        ([500, 600, 700, 800], ""),
    ],
)
def test_frames_keep_their_times_and_an_uneven_rate_is_said(run, tmp_path, monkeypatch, capsys, times, says):
    opened = cv2.VideoCapture

    class Timed:
        """OpenCV's reader of a clip whose frames have other times."""

        def __init__(self, path):
            self.capture, self.left = opened(path), iter(times)

        def get(self, what):
            return next(self.left) if what == cv2.CAP_PROP_POS_MSEC else self.capture.get(what)

        def __getattr__(self, name):
            return getattr(self.capture, name)

    draw_clip(tmp_path / "clip.avi", len(times))
    monkeypatch.setattr(cv2, "VideoCapture", Timed)
    predict_inputs([tmp_path / "clip.avi"], tmp_path / "out", run, device="cpu")
    error, seconds = capsys.readouterr().err, [time / 1000 for time in times]
    assert says in error if says else "ms apart" not in error
    results = tmp_path / "out" / "predictions-images.json"
    assert [entry["time_s"] for entry in json.loads(results.read_text())] == seconds
    with results.with_suffix(".csv").open(newline="") as file:
        assert [float(row["time_s"]) for row in csv.DictReader(file)] == seconds
    assert read_predictions(results.with_suffix(".npz")).time_s.tolist() == seconds


def test_images_have_no_times(run, tmp_path):
    cv2.imwrite(str(tmp_path / "a.jpg"), smooth_image(64, 48))
    predict_inputs([tmp_path / "a.jpg"], tmp_path / "out", run, device="cpu")
    header = (tmp_path / "out" / "predictions-images.csv").read_text().splitlines()[0]
    assert "time_s" not in header and "time_s" not in (tmp_path / "out" / "predictions-images.json").read_text()


class Copying(PosePredictor):
    """Gives everybody the pose that fills their box, so that a person stays where the detector saw them."""

    def stream(self, images, find_people=None):
        for people in images:
            corners = people.boxes.reshape(-1, 2, 2)
            room = np.ptp(corners, axis=1).max(axis=1, initial=0)[:, None, None] / 22  # what `pose_boxes` adds again
            joints = np.repeat(corners + room * [[[1.0], [-1.0]]] - 0.5, 8, axis=1)
            poses = Poses(joints, self.skeleton, people.boxes, joints[..., 0] * np.nan, corners[:, 0, 0] * np.nan,
                          np.arange(len(corners)), people.name)  # fmt: skip
            yield Outcome(people.name, poses, [])


SCENES = {  # frame -> who is there, by the left edge of their box; whoever is gone has no box that is followed
    "one leaves": ({0: [100, 300]}, {25: 300}, {0: {0, 1}, 24: {0, 1}, 29: {0}}),
    "the first leaves": ({0: [100, 300]}, {25: 100}, {0: {0, 1}, 29: {1}}),
    "somebody comes in": ({0: [100], 12: [100, 300]}, {}, {0: {0}, 11: {0}, 20: {0, 1}, 29: {0, 1}}),
    "the first leaves and another comes": (
        {0: [100, 300], 15: [300, 500]},
        {13: 100},
        {0: {0, 1}, 14: {1}, 29: {1, 2}},
    ),
    "somebody comes back": ({0: [100], 6: [], 20: [100]}, {5: 100}, {0: {0}, 9: set(), 29: {1}}),
    "nobody at first": ({0: [], 4: [200]}, {}, {0: set(), 5: {0}, 29: {0}}),
}


@pytest.mark.parametrize("scene", SCENES)
def test_a_number_is_born_once_and_kept(run, monkeypatch, scene):
    there, gone, expected = SCENES[scene]
    asked, follow, place = [], video.follow_people, count()

    def find_people(frame):
        number = len(seen)
        asked.append(number)
        lefts = there[max(start for start in there if start <= number)]
        return np.array([[left, 50, left + 80, 250] for left in lefts], float).reshape(-1, 4), np.ones(len(lefts))

    def lose(poses, first, width, height):
        left = gone.get(next(place))
        return {number: box for number, box in follow(poses, first, width, height).items()
                if left is None or abs(box[0] - left) > 40}  # fmt: skip

    monkeypatch.setattr(video, "follow_people", lose)
    predictor, seen = Copying.load(run, "cpu"), []
    frames = [np.zeros((300, 640, 3), np.uint8)] * 30
    for _, poses in video.predict_frames(predictor, frames, "clip", find_people=find_people):
        seen.append(set(poses.rows.tolist()))
    assert {number: seen[number] for number in expected} == expected
    assert len(asked) < 20 or scene in ("nobody at first", "somebody comes back")


def count_frames(monkeypatch, stop_at=None):
    """The names of what the network is given; a Ctrl-C comes instead of one."""
    names, stream = [], PosePredictor.stream

    def counting(self, images, *given):
        names.extend(image.name for image in images)
        if len(names) == stop_at:
            os.kill(os.getpid(), signal.SIGINT)
        return stream(self, images, *given)

    monkeypatch.setattr(PosePredictor, "stream", counting)
    return names


@pytest.mark.parametrize("places", [{}, {"center": (40, 30), "scale": 0.2}])
def test_a_stopped_video_resumes_at_its_frame(run, tmp_path, monkeypatch, places):
    draw_clip(tmp_path / "clip.avi", 12)
    arguments = ([tmp_path / "clip.avi"], tmp_path / "out", run)
    with monkeypatch.context() as patch:
        names = count_frames(patch, stop_at=8)
        with pytest.raises(Stopped):
            predict_inputs(*arguments, device="cpu", **places)
        assert names[-1] == "clip.avi/000007" and [path.name for path in (tmp_path / "out").iterdir()] == [JOURNAL]
    names = count_frames(monkeypatch)
    predict_inputs(*arguments, device="cpu", **places)
    assert names == [f"clip.avi/{number:06}" for number in range(7, 12)]
    found = read_predictions(tmp_path / "out" / "predictions-images.npz")
    predict_inputs(arguments[0], tmp_path / "whole", run, device="cpu", **places)
    whole = read_predictions(tmp_path / "whole" / "predictions-images.npz")
    np.testing.assert_allclose(found.joints, whole.joints, atol=1e-3)
    assert found.person_ids.tolist() == whole.person_ids.tolist() and np.array_equal(found.time_s, whole.time_s)
    clips = [cv2.VideoCapture(str(tmp_path / name / "clip.pose.avi")) for name in ("out", "whole")]
    assert [clip.get(cv2.CAP_PROP_FRAME_COUNT) for clip in clips] == [12, 12]


def test_sigterm_leaves_no_half_video_and_a_kills_is_removed(run, tmp_path):
    draw_clip(tmp_path / "long.avi", 3000)
    out, part = tmp_path / "out", tmp_path / "out" / ".long.pose.part99.avi"
    process = start(
        [*IEF, "predict", "--run", str(run), str(tmp_path / "long.avi"), "--out", str(out), "--device", "cpu"]
    )
    out.mkdir()
    part.write_bytes(b"of a process that was killed")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None and not (out / JOURNAL).exists():
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    error = process.communicate()[1]
    if process.returncode == 0:
        pytest.skip("the prediction ended before it could be stopped")
    assert process.returncode == 143 and "the same command resumes where it stopped" in error
    assert [path.name for path in out.iterdir()] == [JOURNAL]


def test_a_camera_gives_frames_at_once_a_list_full_batches(run):
    predictor, image, sent = PosePredictor.load(run, "cpu", batch_size=4), smooth_image(64, 48), []

    def camera():
        for number in count():
            sent.append(number)
            yield ImagePeople(image, np.array([[5.0, 5, 40, 44], [20, 5, 60, 44]]), name=f"f{number}")

    live = predictor.stream(camera())
    for number in range(3):
        assert next(live).name == f"f{number}" and len(sent) <= number + 2
    live.close()
    batches, network = [], predictor.network
    predictor.network = lambda crops: batches.append(len(crops)) or network(crops)
    vars(predictor.network).update(size=network.size, skeleton=network.skeleton, dimensions=network.dimensions)
    assert len(list(predictor.stream([ImagePeople(image, name=str(number)) for number in range(9)]))) == 9
    assert batches == [4, 4, 1]


@pytest.mark.parametrize("ending", [".mkv", ".m4v", ".webm", ".ts"])
def test_a_video_in_another_container_gets_an_annotated_mp4(run, tmp_path, ending):
    draw_clip(tmp_path / "clip.avi" if ending != ".m4v" else tmp_path / "clip.mp4", 3)
    source = next(tmp_path.glob("clip.*"))
    source.rename(tmp_path / f"clip{ending}")
    files, left_out = predict_inputs([tmp_path / f"clip{ending}"], tmp_path / "out", run, device="cpu")
    copy = tmp_path / "out" / f"clip.pose{'.m4v' if ending == '.m4v' else '.mp4'}"
    assert files[0] == copy and copy.is_file() and left_out == []
    assert cv2.VideoCapture(str(copy)).get(cv2.CAP_PROP_FRAME_COUNT) == 3
