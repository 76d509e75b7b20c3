"""Videos: the times of their frames, whose pose is whose, what a stop leaves, and cameras as streams."""

import csv
import json
import os
import signal
import struct
import sys
import time
from itertools import count
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from commands import run_ief
from pictures import draw_clip, smooth_image, write_picture
from processes import IEF, start
from walkers import Onlooker, count_exchanges, draw_crossing

import ief.inference.video as video
from checkpoints.stopping import Stopped
from ief import PosePredictor
from ief.cli import main
from ief.inference.outputs import JOURNAL
from ief.inference.smoothing import PoseSmoother
from ief.inference.stream import ImagePeople
from ief.workflow.predict import predict_inputs
from mpii_tools.results.predictions import read_predictions


@pytest.mark.parametrize(("times", "says"), [
    ([0, 100, 200, 300], ""),
    ([0, 33, 67, 100], ""),  # rounded to milliseconds
    ([0, 40, 80, 4080], "40 to 4000 ms apart"),
    ([0, 33, 67, 117], "33 to 50 ms apart"),  # a phone in the dark
    ([500, 600, 700, 800], ""),
])  # fmt: skip
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
    image = write_picture(tmp_path / "a.jpg")
    predict_inputs([image], tmp_path, run, device="cpu")
    for ending in ("csv", "json"):
        assert "time_s" not in (tmp_path / f"predictions-images.{ending}").read_text()


SCENES = {  # frame -> who is there from then on, by the left edge of their box; and who is there by number
    "one leaves": ({0: [100, 300], 25: [100]}, {0: {0, 1}, 24: {0, 1}, 25: {0}, 39: {0}}),
    "the first leaves": ({0: [100, 300], 25: [300]}, {0: {0, 1}, 25: {1}, 39: {1}}),
    "somebody comes in": ({0: [100], 12: [100, 300]}, {0: {0}, 11: {0}, 12: {0, 1}, 39: {0, 1}}),
    "one leaves and another comes": ({0: [100, 300], 13: [300], 15: [300, 500]}, {0: {0, 1}, 14: {1}, 39: {1, 2}}),
    "somebody comes back in a second": ({0: [100], 6: [], 20: [120]}, {0: {0}, 9: set(), 20: {0}, 39: {0}}),
    "somebody comes back elsewhere": ({0: [100], 6: [], 20: [400]}, {0: {0}, 9: set(), 20: {1}, 39: {1}}),
    "somebody comes back late": ({0: [100], 6: [], 33: [100]}, {0: {0}, 9: set(), 33: {1}, 39: {1}}),
    "nobody at first": ({0: [], 4: [200]}, {0: set(), 4: {0}, 39: {0}}),
}


def see(scene, place):
    """(P, 4) the boxes in a frame of a scene."""
    there = SCENES[scene][0]
    lefts = there[max(start for start in there if start <= place)]
    return np.array([[left, 50, left + 80, 250] for left in lefts], float).reshape(-1, 4)


def check_numbers(scene, numbers):
    """The numbers of each frame are those of the scene."""
    expected = SCENES[scene][1]
    assert {place: set(numbers[place].tolist()) for place in expected} == expected


@pytest.mark.parametrize("scene", SCENES)
def test_a_number_is_born_once_and_kept(run, scene):
    """From a person's first frame on."""
    places, frames = count(), [np.zeros((300, 640, 3), np.uint8)] * 40
    predictor, find_people = PosePredictor.load(run, "cpu"), lambda frame: (see(scene, next(places)), None)
    steps = video.predict_frames(predictor, frames, "clip", find_people=find_people)
    check_numbers(scene, [poses.rows for _, poses in steps])


@pytest.mark.parametrize("scene", SCENES.keys() - {"somebody comes back late"})
@pytest.mark.parametrize("step", [0, -1])
def test_nobody_is_lost_where_times_do_not_rise(scene, step):
    tracker = video.Tracker()
    check_numbers(scene, [tracker.number_people(see(scene, place), 9 + step * place) for place in range(40)])


def test_everybody_has_one_number_at_first_sight():
    """Of people at random who come, go, jump and lie on one another; and boxes keep the order that they came in."""
    rng = np.random.default_rng(0)
    for _ in range(6):
        tracker, shift = video.Tracker(), rng.choice([0.0, 2.0, 40.0])
        boxes = rng.uniform(0, 300, (12, 1, 2)) + np.array([[0, 0], [60, 120]])
        for place in range(20):
            boxes = boxes + rng.normal(0, shift, (12, 1, 2))
            seen = boxes[rng.random(12) < 0.7].reshape(-1, 4)
            numbers = tracker.number_people(seen, place / 25)
            assert len(set(numbers.tolist())) == len(seen) and (numbers >= 0).all()
            order = rng.permutation(len(seen))
            np.testing.assert_array_equal(tracker.number_people(seen[order], place / 25), numbers[order])


def test_a_video_with_a_detector_needs_the_trackers(run, tmp_path, monkeypatch):
    """Without them it is left out, and images beside it are predicted."""
    clip, image, out = tmp_path / "clip.avi", write_picture(tmp_path / "a.jpg"), tmp_path / "out"
    draw_clip(clip, 3)
    found = np.array([[5.0, 5, 40, 44]]), np.ones(1)
    monkeypatch.setattr("ief.inference.detector.load_detector", lambda *_: lambda image: found)
    monkeypatch.setitem(sys.modules, "trackers", None)
    _, left_out = predict_inputs([image, clip], out, run, detect=True, device="cpu")
    assert left_out == [f"{clip}: trackers is not installed: pip install '.[video]'"]
    assert len(read_predictions(out / "predictions-images.npz").joints) == 1
    assert len(predict_inputs([clip], tmp_path / "whole", run, device="cpu")[0]) == 4


def test_a_stopped_video_is_not_searched_again(run, tmp_path, monkeypatch):
    """What the detector found is in the journal, and the numbers are those of a video that was not stopped."""
    draw_clip(tmp_path / "clip.avi", 12)
    asked = []

    def find_people(image):
        asked.append(len(asked))
        return np.array([[5.0, 5, 40, 44], [50, 5, 90, 60]])[: 1 + (len(asked) > 3)], np.array([0.9, 0.8])

    monkeypatch.setattr("ief.inference.detector.load_detector", lambda *_: find_people)
    arguments = {"inputs": [tmp_path / "clip.avi"], "out": tmp_path / "out", "weights": run, "detect": True}
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        count_frames(patch, stop_at=8)
        predict_inputs(**arguments, device="cpu")
    predict_inputs(**arguments, device="cpu")
    people = read_predictions(tmp_path / "out" / "predictions-images.npz").person_ids.tolist()
    numbers = [(place, number) for place in range(12) for number in (1, 2)[: 1 + (place > 2)]]
    assert people == [f"clip.avi/{place:06}#{number}" for place, number in numbers] and len(asked) <= 13


@pytest.mark.parametrize("hidden", [2.0, 0.7])
def test_people_who_cross_keep_their_numbers(hidden):
    """In 20 clips at most one change of numbers."""
    clips = [draw_crossing(seed) for seed in range(20)]
    exchanged, renamed = count_exchanges(Onlooker(clip, hidden=hidden) for clip in clips)
    assert exchanged + renamed <= 1


def test_nobody_has_two_numbers_and_one_hidden_waits():
    clip = draw_crossing(0)
    looking = Onlooker(clip, hidden=0.5, missed=0.0)

    def find_people(frame):  # and a box of nothing, as a detector may give
        return np.vstack([looking.find_people(frame)[0], np.zeros(4)]), None

    track = list(video.predict_frames(looking, looking.frames(), "clip", find_people=find_people))
    counts = [len(poses) for _, poses in track]
    assert counts[0] == counts[-1] == 2 and min(counts) == 1
    assert all(len(set(poses.rows.tolist())) == len(poses) for _, poses in track)


def count_frames(monkeypatch, stop_at=None):
    """The names of what the network is given; a Ctrl-C comes instead of one."""
    names, stream = [], PosePredictor.stream

    def counting(self, images, *options):
        names.extend(image.name for image in images)
        if len(names) == stop_at:
            os.kill(os.getpid(), signal.SIGINT)
        return stream(self, images, *options)

    monkeypatch.setattr(PosePredictor, "stream", counting)
    return names


@pytest.mark.parametrize("places", [{}, {"center": (40, 30), "scale": 0.2}, {"smooth": True}])
def test_a_stopped_video_resumes_at_its_frame(run, tmp_path, monkeypatch, places):
    draw_clip(tmp_path / "clip.avi", 12)

    def predict(out):
        predict_inputs([tmp_path / "clip.avi"], tmp_path / out, run, device="cpu", **places)

    with monkeypatch.context() as patch:
        names = count_frames(patch, stop_at=8)
        with pytest.raises(Stopped):
            predict("out")
        assert names[-1] == "clip.avi/000007" and [path.name for path in (tmp_path / "out").iterdir()] == [JOURNAL]
    names = count_frames(monkeypatch)
    predict("out")
    assert names == [f"clip.avi/{number:06}" for number in range(7, 12)]
    predict("whole")
    found, whole = (read_predictions(tmp_path / name / "predictions-images.npz") for name in ("out", "whole"))
    np.testing.assert_allclose(found.joints, whole.joints, atol=1e-3)
    assert found.person_ids.tolist() == whole.person_ids.tolist() and np.array_equal(found.time_s, whole.time_s)
    for name in ("out", "whole"):
        assert cv2.VideoCapture(str(tmp_path / name / "clip.pose.avi")).get(cv2.CAP_PROP_FRAME_COUNT) == 12


def test_smoothed_poses_follow_the_raw_ones_of_the_journal(run, tmp_path, monkeypatch):
    """A journal of a prediction without --smooth serves one with it, and the boxes are the same."""
    draw_clip(tmp_path / "clip.avi", 12)
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.unlink", lambda *_, **__: None)  # the journal stays, as a kill leaves it
        predict_inputs([tmp_path / "clip.avi"], tmp_path / "out", run, device="cpu")
    raw = read_predictions(tmp_path / "out" / "predictions-images.npz")
    names = count_frames(monkeypatch)
    predict_inputs([tmp_path / "clip.avi"], tmp_path / "out", run, device="cpu", smooth=True)
    steady, smooth = read_predictions(tmp_path / "out" / "predictions-images.npz"), PoseSmoother()
    expected = [smooth(pose[None], [0], time)[0] for pose, time in zip(raw.joints, raw.time_s, strict=True)]
    assert names == [] and not np.allclose(steady.joints, raw.joints)
    np.testing.assert_allclose(steady.joints, expected, atol=1e-3)
    np.testing.assert_allclose(steady.crop_center, raw.crop_center)


class Camera:
    """A camera that takes ten frames a second by a clock of its own; a Ctrl-C comes after some."""

    def __init__(self, address, frames, interrupt, clock):
        self.address, self.left, self.interrupt, self.clock = address, frames, interrupt, clock

    def isOpened(self):
        return self.address in (0, "rtsp://me:secret@host:554/door?key=secret")

    def set(self, what, value):
        return True

    def get(self, what):
        return {cv2.CAP_PROP_FPS: 30.0, cv2.CAP_PROP_FRAME_WIDTH: 96, cv2.CAP_PROP_FRAME_HEIGHT: 64}.get(what, 0.0)

    def read(self):
        self.left, self.interrupt, self.clock[0] = self.left - 1, self.interrupt - 1, self.clock[0] + 0.1
        if self.interrupt == 0:
            os.kill(os.getpid(), signal.SIGINT)
        return self.left >= 0, smooth_image(96, 64, seed=abs(self.left))

    def release(self):
        self.left = 0


@pytest.mark.parametrize("address", ["camera:0", "rtsp://me:secret@host:554/door?key=secret"])
@pytest.mark.parametrize(("frames", "interrupt", "rows"), [(5, 0, 5), (10**9, 4, 4)])
def test_a_stream_is_written_as_it_comes(run, tmp_path, monkeypatch, capsys, address, frames, interrupt, rows):
    clock, grown, opened = [0.0], [], cv2.VideoCapture
    camera = {source: Camera(source, frames, interrupt, clock) for source in (0, address)}  # not what is read back
    monkeypatch.setattr(video, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(cv2, "VideoCapture", lambda source: camera.get(source) or opened(source))
    name, predict = "camera-0" if address == "camera:0" else "host-554-door", PosePredictor.stream
    table = tmp_path / "out" / f"{name}.csv"

    def growing(self, images, find_people=None):
        grown.append(len(table.read_text().splitlines()))
        return predict(self, images, find_people)

    monkeypatch.setattr(PosePredictor, "stream", growing)
    assert main(["predict", "--run", str(run), address, "--out", str(tmp_path / "out"), "--device", "cpu"]) == 0
    output = capsys.readouterr()
    assert "secret" not in output.out + output.err
    assert grown == [0, *range(2, rows + 1)]  # the header came with the first row
    lines = list(csv.DictReader(table.read_text().splitlines()))
    assert [line["person_id"] for line in lines] == [f"{name}/{number:06}#1" for number in range(rows)]
    np.testing.assert_allclose([float(line["time_s"]) for line in lines], 0.1 * np.arange(1, rows + 1))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {f"{name}.csv", f"{name}.pose.mp4"}
    monkeypatch.undo()
    copy = cv2.VideoCapture(str(tmp_path / "out" / f"{name}.pose.mp4"))
    length = copy.get(cv2.CAP_PROP_FRAME_COUNT) / copy.get(cv2.CAP_PROP_FPS)
    assert length == pytest.approx(0.1 * (rows - 1), abs=0.05)  # the stream's: ten frames a second, said to be 30


@pytest.mark.parametrize("given", ["camera:7", "camera:x", "camera:0 a.jpg", "camera:0 --center 1 1"])
def test_no_such_stream_or_one_with_more_is_refused(run, tmp_path, monkeypatch, capsys, given):
    monkeypatch.setattr(cv2, "VideoCapture", lambda source: Camera(source, 3, 0, [0.0]))
    run_ief("predict", "--run", run, *given.split(), "--out", tmp_path / "out", "--device", "cpu", status=2)
    assert "stream" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_phones_video_is_turned_upright(run, tmp_path):
    clip = tmp_path / "clip.mp4"
    draw_clip(clip, 3)
    data = bytearray(clip.read_bytes())
    matrix = data.index(b"tkhd") + 44  # of ISO 14496-12: after version, times, track, duration, layer and volume
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 64 << 16, 0, 1 << 30)
    clip.write_bytes(data)
    predict_inputs([clip], tmp_path / "out", run, device="cpu")
    people = json.loads((tmp_path / "out" / "predictions-images.json").read_text())
    assert people[0]["bbox"] == [0, 0, 64, 96] and video.VideoFrames(clip).size == (64, 96)
    raw = cv2.VideoCapture(str(clip))
    raw.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
    lying = cv2.cvtColor(raw.read()[1], cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(next(iter(video.VideoFrames(clip))), np.rot90(lying, -1))
    copy = video.VideoFrames(tmp_path / "out" / "clip.pose.mp4")
    assert copy.size == (64, 96) and copy.capture.get(cv2.CAP_PROP_ORIENTATION_META) == 0


def test_sigterm_leaves_no_half_video_and_a_kills_is_removed(run, tmp_path):
    clip, out = tmp_path / "long.avi", tmp_path / "out"
    draw_clip(clip, 3000)
    process = start([*IEF, "predict", "--run", str(run), str(clip), "--out", str(out), "--device", "cpu"])
    out.mkdir()
    (out / ".long.pose.part99.avi").write_bytes(b"of a process that was killed")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None and not (out / JOURNAL).exists():
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    error = process.communicate()[1]
    if process.returncode == 0:
        pytest.skip("the prediction ended before it could be killed")
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


@pytest.mark.parametrize(
    ("ending", "copied"),
    [(".avi", ".avi"), (".mp4", ".mp4"), (".m4v", ".m4v"), (".mkv", ".mp4"), (".webm", ".mp4"), (".ts", ".mp4")],
)
def test_a_pose_per_frame_and_an_annotated_video(run, tmp_path, ending, copied):
    draw_clip(tmp_path / f"drawn{copied if ending == copied else '.avi'}", 3)
    clip = next(tmp_path.glob("drawn.*")).rename(tmp_path / f"clip{ending}")
    files, left_out = predict_inputs([clip], tmp_path / "out", run, device="cpu")
    copy = tmp_path / "out" / f"clip.pose{copied}"
    assert files[0] == copy and video.VideoFrames(copy).size == (96, 64) and left_out == []
    assert cv2.VideoCapture(str(copy)).get(cv2.CAP_PROP_FRAME_COUNT) == 3
    ids = read_predictions(files[-1].with_suffix(".npz")).person_ids.tolist()
    assert ids == [f"clip{ending}/{number:06}#1" for number in range(3)]
