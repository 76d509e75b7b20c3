"""Detectors of the usual forms in ONNX: the same people come out of each, in the image's own pixels."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from checkpoints.errors import PoseError
from ief.inference import onnx_detector
from ief.inference.boxes import drop_overlapping
from ief.inference.onnx_detector import FORMS, OnnxDetector

SIZE = 128  # of the input
IMAGE = np.zeros((50, 100, 3), np.uint8)
PEOPLE = np.array([[10.0, 10.0, 40.0, 45.0], [60.0, 5.0, 90.0, 48.0]])  # image pixels
SCORES = np.array([0.9, 0.6])
CELLS = sum((SIZE // step) ** 2 for step in (8, 16, 32))


def to_input(boxes, centered=False, stretched=False):
    """Boxes in the input's pixels."""
    if stretched:
        return boxes * np.tile([SIZE / 100, SIZE / 50], 2)
    return boxes * 1.28 + np.tile([0, 32 if centered else 0], 2)


def sizes_of(boxes):
    """Centers and sizes of corners."""
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)


def logit(share):
    return np.log(share / (1 - share))


def mmdeploy():
    """A dog is the best of three."""
    dets = np.column_stack([to_input(PEOPLE), SCORES])
    return {"dets": [[*[[0, 0, 9, 9, 0.95]], *dets]], "labels": [[16, 0, 0]]}


def rfdetr():
    logits = np.full((3, 91), -9.0)
    logits[:2, 1], logits[2, 18] = logit(SCORES), 5
    boxes = sizes_of(to_input(PEOPLE, stretched=True)) / SIZE
    return {"dets": [[*boxes, [0.5, 0.5, 0.2, 0.2]]], "labels": [logits]}


def end_to_end():
    rows = np.column_stack([to_input(PEOPLE, centered=True), SCORES, [0, 0]])
    return {"output0": [[*rows, [1, 1, 9, 9, 0.99, 16]]]}


def yolov8():
    """A third row finds the first person again, a little worse."""
    boxes = sizes_of(to_input(PEOPLE[[0, 1, 0]], centered=True))
    table = np.zeros((84, 90))
    table[:4, :3], table[4, :3], table[20, 3] = boxes.T, [*SCORES, 0.7], 0.99
    return {"output0": [table]}


def yolov5():
    table = np.zeros((200, 85))
    table[:2, :4] = sizes_of(to_input(PEOPLE, centered=True))
    table[:2, 4], table[:2, 5] = 1.0, SCORES
    return {"output": [table]}


def yolox():
    table = np.zeros((CELLS, 85))
    table[:, 2:4] = -2.0
    for row, box in enumerate(sizes_of(to_input(PEOPLE))):
        place = 256 + row  # cells of 16 pixels, in the upper row
        table[place, :4] = [*(box[:2] / 16 - [row, 0]), *np.log(box[2:] / 16)]
        table[place, 4], table[place, 5] = 1.0, SCORES[row]
    return {"output": [table]}


def fastestdet():
    grid = np.zeros((85, 4, 4))
    for row, box in enumerate(sizes_of(to_input(PEOPLE, stretched=True)) / SIZE):
        column, line = (int(value) for value in box[:2] * 4)
        shift = np.arctanh(box[:2] * 4 - [column, line])
        grid[:6, line, column] = [SCORES[row], *shift, *logit(box[2:]), SCORES[row]]
    return {"output": [grid]}


MAKERS = {
    "rtmdet": mmdeploy, "rfdetr": rfdetr, "end": end_to_end, "yolov8": yolov8, "yolov5": yolov5, "yolox": yolox,
    "fastestdet": fastestdet,
}  # fmt: skip


def write_model(path, outputs, inputs=1):
    """A model that answers with `outputs` whatever it sees."""
    nodes, told = [], []
    for name, value in outputs.items():
        array = np.array(value, dtype=np.int64 if name == "labels" and np.ndim(value) == 2 else np.float32)
        nodes.append(helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array, f"{name}_value")))
        told.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape))
    entry = partial(helper.make_tensor_value_info, elem_type=TensorProto.FLOAT, shape=[1, 3, SIZE, SIZE])
    graph = helper.make_graph(nodes, "detector", [entry(f"in{number}") for number in range(inputs)], told)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


@pytest.mark.parametrize("form", FORMS)
def test_people_come_out_in_image_pixels(form, tmp_path):
    """Other classes and what overlaps a better box are left out."""
    detector = OnnxDetector(write_model(tmp_path / "model.onnx", MAKERS[form]()))
    assert detector.form == form
    boxes, scores = detector(IMAGE)
    np.testing.assert_allclose(boxes, PEOPLE, atol=0.01)
    np.testing.assert_allclose(scores, SCORES, atol=1e-4)
    detector.min_score = 0.7
    assert len(detector(IMAGE)[0]) == 1


@pytest.mark.parametrize(("form", "wanted"), [
    ("yolov8", [200 / 255, 100 / 255, 50 / 255]),
    ("yolox", [50, 100, 200]),
    ("rtmdet", [(50 - 103.53) / 57.375, (100 - 116.28) / 57.12, (200 - 123.675) / 58.395]),
    ("rfdetr", [(200 - 123.675) / 58.395, (100 - 116.28) / 57.12, (50 - 103.53) / 57.375]),
])  # fmt: skip
def test_colors_are_what_the_detector_was_trained_on(form, wanted, tmp_path):
    detector = OnnxDetector(write_model(tmp_path / "model.onnx", MAKERS[form]()))
    session, seen = detector.session, {}
    detector.session = SimpleNamespace(run=lambda outputs, feed: seen.update(feed) or session.run(outputs, feed))
    detector(np.full((50, 100, 3), (200, 100, 50), np.uint8))
    (pixels,) = seen.values()
    np.testing.assert_allclose(pixels[0, :, SIZE // 2 - 1, SIZE // 2], wanted, rtol=1e-5)


def test_one_of_mmdeploys_two_is_told_by_its_name(tmp_path):
    assert OnnxDetector(write_model(tmp_path / "YOLOX-tiny.onnx", mmdeploy())).form == "yolox"


@pytest.mark.parametrize(("outputs", "inputs", "says"), [
    ({"heatmaps": np.zeros((1, 3, 4))}, 1, r"heatmaps \(1, 3, 4\) are none of a known detector"),
    ({"a": np.zeros((1, 9, 6)), "b": np.zeros((1, 9, 6))}, 1, "none of a known detector"),
    (yolov8(), 2, "no detector: expected one input"),
])  # fmt: skip
def test_another_model_is_refused_by_what_it_has(outputs, inputs, says, tmp_path):
    with pytest.raises(PoseError, match=says):
        OnnxDetector(write_model(tmp_path / "model.onnx", outputs, inputs))


def test_boxes_that_overlap_are_one_person():
    rng, wanted = np.random.default_rng(0), []
    low = rng.uniform(0, 60, (80, 2))
    boxes, scores = np.concatenate([low, low + rng.uniform(10, 40, (80, 2))], axis=1), rng.uniform(size=80)

    def overlap(a, b):
        inside = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
        return inside / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - inside)

    for row in np.argsort(-scores):
        if all(overlap(boxes[row], boxes[other]) <= onnx_detector.OVERLAP for other in wanted):
            wanted.append(row)
    assert drop_overlapping(boxes, scores, onnx_detector.OVERLAP).tolist() == wanted
    assert len(drop_overlapping(boxes[:0], scores[:0], onnx_detector.OVERLAP)) == 0
