"""What a predictor offers beside arrays and boxes: detectors, a second look, threads, a line that says what it is."""

import dataclasses
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from commands import run_ief
from pictures import smooth_image
from untrained import make_cascade, save_run

import ief.inference.detector
from checkpoints.errors import PoseError
from ief import PosePredictor
from ief.inference.boxes import pose_boxes
from ief.inference.detector import load_detector
from ief.inference.onnx_detector import OnnxDetector
from ief.inference.stream import ImagePeople
from ief.workflow.predict import predict_inputs

IMAGE = np.ascontiguousarray(smooth_image(90, 70))
TWO = [[5.0, 5, 45, 65], [40, 5, 80, 60]]
ONE = np.array([[5.0, 5, 45, 65]]), np.array([0.9])


@pytest.fixture
def predictor():
    return PosePredictor.of(make_cascade(likelihood=True))


@pytest.fixture(autouse=True)
def no_detector_is_kept():
    load_detector.cache_clear()
    yield
    load_detector.cache_clear()


@pytest.mark.slow
def test_a_hundred_threads_give_what_one_gives(predictor):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (40, 30 + place, 3), dtype=np.uint8) for place in range(20)]
    serial = [predictor(image) for image in images]
    with ThreadPoolExecutor(100) as pool:
        results = list(pool.map(lambda place: predictor(images[place % 20]), range(1000)))
    for place, poses in enumerate(results):
        wanted = serial[place % 20]
        assert np.array_equal(poses.joints, wanted.joints) and np.array_equal(poses.scores, wanted.scores)


def test_a_predictor_says_what_it_is(tmp_path):
    line = repr(PosePredictor.load(save_run(tmp_path / "run"), "cpu"))
    assert "2 stages of tiny_resnet at 32 px, 16 joints in 2D" in line and str(tmp_path / "run") in line
    assert "1 stages" not in repr(PosePredictor.of(make_cascade(1)))


def test_people_are_found_where_asked_for(predictor, monkeypatch, tmp_path):
    """By a detector that finds nobody in dark images; a second call does not load it again."""
    loads = []

    def load(*given):
        loads.append(given)
        return lambda image: (np.array(TWO), np.array([0.9, 0.8])) if image.any() else (np.zeros((0, 4)), np.zeros(0))

    monkeypatch.setattr(ief.inference.detector, "PersonDetector", load)
    poses, nobody = predictor([IMAGE, np.zeros_like(IMAGE)], detect=True)
    assert poses.box_scores.tolist() == [0.9, 0.8] and len(nobody) == 0
    np.testing.assert_array_equal(poses.joints, predictor(IMAGE, poses.boxes).joints)
    predictor(IMAGE, detect=True)
    assert len(loads) == 1
    for image, boxes, detect, says in (
        (IMAGE, [[0, 0, 9, 9]], True, "leave out"),
        (IMAGE, None, tmp_path / "none.onnx", r"none\.onnx"),
        (str(tmp_path / "none.jpg"), None, True, r"none\.jpg"),
    ):
        with pytest.raises(PoseError, match=says):
            predictor(image, boxes, detect=detect)


def test_an_onnx_file_is_its_own_detector(predictor, monkeypatch, tmp_path):
    monkeypatch.setattr(OnnxDetector, "__init__", lambda self, path, least: setattr(self, "path", path))
    monkeypatch.setattr(OnnxDetector, "__call__", lambda self, image: ONE)
    assert predictor(IMAGE, detect=str(tmp_path / "d.onnx")).boxes.tolist() == ONE[0].tolist()
    assert isinstance(load_detector(tmp_path / "d.onnx", device="cpu"), OnnxDetector)


class FakeNano:
    """rfdetr's RFDETRNano: supervision's Detections, the best first, with COCO's ids, where 1 is people."""

    def __init__(self, device):
        assert device == "cpu"

    def predict(self, images, threshold):
        boxes = np.array([[1, 1, 9, 9], [5, 5, 45, 65], [40, 5, 80, 60], [0, 0, 3, 3]], np.float32)
        scores, ids = np.array([0.95, 0.9, 0.8, 0.4], np.float32), np.array([18, 1, 1, 1])
        kept = scores > threshold if images.any() else scores > 1
        return SimpleNamespace(xyxy=boxes[kept], confidence=scores[kept], class_id=ids[kept])


def test_rfdetr_finds_people_and_no_dogs(predictor, monkeypatch, tmp_path, capsys):
    """By Python and the command line; there, an INPUT may still follow --detect."""
    monkeypatch.setitem(sys.modules, "rfdetr", SimpleNamespace(RFDETRNano=FakeNano))
    predictor.device = "cpu"
    poses, nobody = predictor([IMAGE, np.zeros_like(IMAGE)], detect="rfdetr")
    assert poses.boxes.tolist() == TWO and len(nobody) == 0
    np.testing.assert_allclose(poses.box_scores, [0.9, 0.8])
    run, image, out = save_run(tmp_path / "run"), tmp_path / "a.png", tmp_path / "out"
    cv2.imwrite(str(image), IMAGE[..., ::-1])
    words = ["predict", "--run", run, "--device", "cpu", "--out", out]
    run_ief(*words, image, "--min-score", "0.3", "--detect", "rfdetr")
    assert len(np.load(out / "predictions-images.npz")["joints"]) == 3
    assert str(out / "NAME.pose.jpg") in capsys.readouterr().out.split() and (out / "a.png.pose.jpg").exists()
    monkeypatch.setattr(ief.inference.detector, "PersonDetector", lambda *given: lambda image: ONE)
    run_ief(*words, "--detect", image)
    assert len(np.load(out / "predictions-images.npz")["joints"]) == 1


@pytest.mark.parametrize(
    ("module", "says"),
    [(None, r"rfdetr is not installed: pip install '\.\[rfdetr\]'"), ("offline", r"rfdetr: no weights .*\(no host\)")],
)
def test_no_rfdetr_or_none_of_its_weights_is_a_line(predictor, monkeypatch, module, says):
    def refuse(device):
        raise ConnectionError("no\nhost")

    monkeypatch.setitem(sys.modules, "rfdetr", module and SimpleNamespace(RFDETRNano=refuse))
    with pytest.raises(PoseError, match=says):
        predictor(IMAGE, detect="rfdetr")


def test_a_second_look_is_around_the_pose(predictor):
    """As the pose's box by hand, of several people; whose box is off the image keeps the first pose."""
    first, again = predictor(IMAGE, TWO), predictor(IMAGE, TWO, refine=True)
    by_hand = predictor(IMAGE, pose_boxes(first.joints))
    for name in ("joints", "boxes", "scores", "sigma"):
        np.testing.assert_allclose(getattr(again, name), getattr(by_hand, name), atol=1e-3)
    assert np.abs(again.joints - first.joints).max() > 1
    network, calls = predictor.network, []

    def run_off(crops):
        stages, *beside = network(crops)
        calls.append(len(crops))
        return (stages - np.array([1000.0, 0]) if len(calls) == 1 else stages, *beside)

    for name in ("size", "skeleton", "dimensions", "stage", "score_map"):
        setattr(run_off, name, getattr(network, name))
    predictor.network = run_off
    kept = predictor(IMAGE, refine=True)
    assert calls == [1] and (kept.joints[..., 0] < 0).all() and kept.boxes.tolist() == [[0, 0, 90, 70]]


def test_a_second_look_at_files_keeps_rows_and_faults(predictor, tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), IMAGE[..., ::-1])
    boxes = np.array([[500.0, 5, 545, 65], TWO[1]])
    people = ImagePeople(tmp_path / "a.png", boxes, np.array([0.1, 0.2]), "a")
    (outcome,) = predictor.stream([people], refine=True)
    assert len(outcome.left_out) == 1 and outcome.poses.rows.tolist() == [1] and outcome.poses.box_scores == [0.2]
    np.testing.assert_allclose(outcome.poses.joints, predictor(IMAGE, TWO[1:], refine=True).joints)
    run, options = save_run(tmp_path / "run", likelihood=True), {"refine": True, "ellipses": True, "device": "cpu"}
    (table, *_), _ = predict_inputs([tmp_path / "a.png"], tmp_path / "out", run, **options)
    np.testing.assert_allclose(np.load(table)["joints"], PosePredictor.load(run, "cpu")(IMAGE, refine=True).joints)
    assert (tmp_path / "out" / "a.png.pose.jpg").exists()


def test_a_notebook_shows_the_picture(predictor):
    """Whatever asks Jupyter's way; of an image that is not kept, words alone."""
    formatters = pytest.importorskip("IPython.core.formatters", reason="install '.[test]'")
    poses = predictor(IMAGE)
    shown, _ = formatters.DisplayFormatter().format(poses)
    picture = cv2.imdecode(np.frombuffer(shown["image/png"], np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(picture[..., ::-1], poses.draw())
    shown, _ = formatters.DisplayFormatter().format(dataclasses.replace(poses, source=None))
    assert "image/png" not in shown and shown["text/plain"] == repr(poses)


def test_a_table_has_a_row_per_joint(predictor, tmp_path):
    """Read back from pandas' own CSV; the joints that are not shown are marked."""
    pandas = pytest.importorskip("pandas", reason="install '.[frame]'")
    poses = predictor(IMAGE, TWO)
    least = float(np.median(poses.scores))
    poses = dataclasses.replace(poses, rows=np.array([0, 3]), image="a.jpg", min_score=least)
    poses.to_frame().to_csv(tmp_path / "poses.csv", index=False)
    table = pandas.read_csv(tmp_path / "poses.csv")
    assert table.columns.tolist() == ["image", "person", "joint", "x", "y", "score", "shown"]
    assert table.person.tolist() == [0] * 16 + [3] * 16 and set(table.image) == {"a.jpg"}
    (wrist,) = table[(table.person == 3) & (table.joint == "r_wrist")].to_dict("records")
    assert [wrist["x"], wrist["y"]] == pytest.approx(poses[1]["r_wrist"].tolist())
    assert 0 < table.shown.sum() < 32 and (table.shown == (table.score >= least)).all()
    depth = PosePredictor.of(make_cascade(dimensions=3))(IMAGE).to_frame()
    assert "z" in depth.columns and depth.score.isna().all()
    assert len(predictor(IMAGE, []).to_frame()) == 0


def test_supervision_draws_what_is_shown(predictor):
    """Its own annotator colors the shown joints' pixels and no other's."""
    supervision = pytest.importorskip("supervision", reason="install '.[supervision]'")
    poses, joints = predictor(IMAGE), np.full((1, 16, 2), 20.0)
    joints[0, 6], joints[0, 9] = (60, 20), (60, 50)
    scores = np.where(np.arange(16) == 9, 0.1, 0.9)[None]
    points = dataclasses.replace(poses, joints=joints, scores=scores, min_score=0.5).to_supervision()
    assert len(points) == 1 and np.allclose(points.keypoint_confidence, scores)
    drawn = supervision.VertexAnnotator(color=supervision.Color(255, 0, 0), radius=2).annotate(IMAGE.copy(), points)
    changed = (drawn != IMAGE).any(axis=-1)
    assert changed[20, 60] and changed[20, 20] and not changed[50, 60]
    assert dataclasses.replace(poses, scores=np.full((1, 16), np.nan)).to_supervision().keypoint_confidence is None


@pytest.mark.parametrize(("name", "call"), [("pandas", "to_frame"), ("supervision", "to_supervision")])
def test_a_missing_package_is_one_line(predictor, monkeypatch, name, call):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(PoseError, match=rf"{name} is not installed: pip install '\.\["):
        getattr(predictor(IMAGE), call)()
