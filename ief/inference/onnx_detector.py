"""Finding the people of an image by a detector in an ONNX file, of the forms in which detectors are passed on.

What a file is, is told by its outputs:

    dets (1, N, 5), labels (1, N)       boxes and scores after NMS: RTMDet and YOLOX as MMDeploy exports them
    dets (1, N, 4), labels (1, N, C)    centers and sizes in 0..1, logits of classes: RF-DETR
    (1, N, 6)                           x1 y1 x2 y2, score, class, after NMS: YOLOv10 and YOLO26
    (1, 4 + C, N)                       cx cy w h, scores of classes: YOLOv8, YOLO11
    (1, N, 5 + C)                       cx cy w h, that of an object, those of classes: YOLOv5, and YOLOX, whose
                                        numbers are relative to its cells
    (1, 5 + C, H, W)                    a map of cells: FastestDet
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from scipy.special import expit

from checkpoints import PoseError
from ief.inference.boxes import drop_overlapping, to_corners
from ief.inference.onnx import open_session

PERSON, DETR_PERSON = 0, 1  # COCO's people among 80 classes, and among DETR's, where 0 is none
OVERLAP = 0.45  # intersection over union above which the lower score is the same person
STRIDES = (8, 16, 32)  # of YOLOX's cells
KNOWN = "RTMDet, YOLOX, YOLOv5 to YOLO26, RF-DETR, FastestDet"
GRAY = 114  # what YOLO's input is filled up with
IMAGENET = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])  # RGB, 0..255
CELLS = 20  # a width of an undecoded box is a logarithm, below this; of a decoded one, pixels


@dataclass(frozen=True)
class Form:
    """How a kind of detector sees an image.

    Attributes:
        mean, std: (3,) or numbers of its channels, as they come. bgr: whether blue comes first.
        letterbox: whether the image keeps its shape, filled up with gray; else it is stretched.
        centered: whether the image then lies in the middle, else at the upper left.
    """

    mean: np.ndarray | float = 0.0
    std: np.ndarray | float = 255.0
    bgr: bool = False
    letterbox: bool = True
    centered: bool = False


FORMS = {
    "rtmdet": Form(IMAGENET[0][::-1], IMAGENET[1][::-1], bgr=True),
    "rfdetr": Form(*IMAGENET, letterbox=False),
    "end": Form(centered=True),
    "yolov8": Form(centered=True),
    "yolov5": Form(centered=True),
    "yolox": Form(std=1.0, bgr=True),
    "fastestdet": Form(bgr=True, letterbox=False),
}


class OnnxDetector:
    """Called with an image, gives its people's boxes.

    Args:
        path: the file.
        min_score: boxes with a lower score are passed over.

    Raises:
        PoseError: no ONNX Runtime, no model that it can load, or another one than those above.
    """

    def __init__(self, path: Path, min_score: float = 0.5) -> None:
        self.path, self.min_score, self.session = path, min_score, open_session(path)
        (entry, *others) = self.session.get_inputs()
        if others or len(entry.shape) != 4 or entry.type not in ("tensor(float)", "tensor(float16)"):
            raise PoseError(f"{path}: no detector: expected one input (1, 3, H, W) of floats, it has {entry.shape}")
        self.input = entry.name
        self.dtype = np.float16 if "16" in entry.type else np.float32
        self.size = tuple(side if isinstance(side, int) else 640 for side in entry.shape[2:])  # height, width
        self.outputs = [output.name for output in self.session.get_outputs()]
        self.form = self._recognize()

    def _recognize(self) -> str:
        """The kind of detector, by its outputs for a gray image."""
        values = self._run(np.full((*self.size, 3), GRAY, np.uint8), FORMS["yolov8"])[0]
        shapes = {name: value.shape for name, value in values.items()}
        if {"dets", "labels"} <= shapes.keys():
            mmdeploy = "yolox" if "yolox" in self.path.name.lower() else "rtmdet"  # its two look alike
            return "rfdetr" if shapes["dets"][-1] == 4 else mmdeploy
        first, *others = values.values()
        if first.ndim == 4 and first.shape[1] > 5 and not others:
            return "fastestdet"
        if first.ndim != 3 or (min(first.shape[1:]) <= 5 and first.shape[2] != 6) or others:
            outputs = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
            raise PoseError(f"{self.path}: its outputs {outputs} are none of a known detector ({KNOWN})")
        if first.shape[2] == 6 or first.shape[1] < first.shape[2]:
            return "end" if first.shape[2] == 6 else "yolov8"
        cells = sum((self.size[0] // stride) * (self.size[1] // stride) for stride in STRIDES)
        return "yolox" if first.shape[1] == cells and np.abs(first[0, :, 2:4]).max() < CELLS else "yolov5"

    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(H, W, 3) uint8 RGB -> boxes (P, 4) x1 y1 x2 y2 in image pixels and scores (P,), the best first."""
        values, scale, offset = self._run(image, FORMS[self.form])
        output = values.get("dets", next(iter(values.values())))[0]
        boxes, scores = read_people(output, values["labels"][0] if "dets" in values else None, self.form, self.size)
        boxes = (boxes.astype(np.float64) - np.tile(offset, 2)) / np.tile(scale, 2)
        boxes = np.clip(boxes, 0, np.tile(image.shape[1::-1], 2))
        chosen = scores >= self.min_score
        boxes, scores = boxes[chosen], scores[chosen].astype(np.float64)
        kept = drop_overlapping(boxes, scores, OVERLAP)
        return boxes[kept], scores[kept]

    def _run(self, image: np.ndarray, form: Form) -> tuple[Mapping[str, np.ndarray], np.ndarray, np.ndarray]:
        """The outputs for an image, and scale and offset (2,) from its pixels to the input's, x first."""
        (height, width), (rows, columns) = image.shape[:2], self.size
        scale = np.array([columns / width, rows / height])
        scale = np.full(2, scale.min()) if form.letterbox else scale
        inner = np.maximum(1, np.rint(scale * [width, height])).astype(int)
        left, top = (np.array([columns, rows]) - inner) // 2 if form.centered else (0, 0)
        canvas = np.full((rows, columns, 3), GRAY, np.uint8)
        canvas[top : top + inner[1], left : left + inner[0]] = cv2.resize(image, tuple(inner.tolist()))
        pixels = (canvas[..., ::-1] if form.bgr else canvas).astype(np.float32)
        pixels = ((pixels - form.mean) / form.std).transpose(2, 0, 1)[None].astype(self.dtype)
        values = self.session.run(self.outputs, {self.input: np.ascontiguousarray(pixels)})
        return dict(zip(self.outputs, values, strict=True)), scale, np.array([left, top], dtype=np.float64)


def read_people(
    output: np.ndarray, labels: np.ndarray | None, form: str, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (N, 4) in input pixels and scores (N,) of people, from a detector's output and, if it has some, labels."""
    if form == "rfdetr":
        return to_corners(output * np.tile(size[::-1], 2)), expit(labels[:, DETR_PERSON])
    if labels is not None or form == "end":
        people = output[(output[:, 5] if labels is None else labels) == PERSON]
        return people[:, :4], people[:, 4]
    if form == "yolov8":
        return to_corners(output[:4].T), output[4 + PERSON]
    if form == "fastestdet":
        flat, shape = output.reshape(len(output), -1).T, output.shape[1:]
        centers = (np.tanh(flat[:, 1:3]) + list_cells(*shape)) / shape[::-1]
        boxes = np.concatenate([centers, expit(flat[:, 3:5])], axis=1) * np.tile(size[::-1], 2)
        return to_corners(boxes), flat[:, 0] ** 0.6 * flat[:, 5 + PERSON] ** 0.4  # FastestDet's own weights
    boxes = output[:, :4]
    if form == "yolox":
        grids = [list_cells(size[0] // step, size[1] // step) for step in STRIDES]
        steps = np.repeat(STRIDES, [len(grid) for grid in grids])[:, None]
        boxes = np.concatenate([boxes[:, :2] + np.concatenate(grids), np.exp(boxes[:, 2:])], axis=1) * steps
    return to_corners(boxes), output[:, 4] * output[:, 5 + PERSON]


def list_cells(rows: int, columns: int) -> np.ndarray:
    """(rows x columns, 2) x and y of each cell of a map, row by row."""
    return np.argwhere(np.ones((rows, columns)))[:, ::-1]
