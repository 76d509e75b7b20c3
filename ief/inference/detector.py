"""Finding the people of an image: by torchvision's SSDLite320 with a MobileNetV3, or by RF-DETR, trained on COCO."""

import threading
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torchvision.models.detection import SSDLite320_MobileNet_V3_Large_Weights, ssdlite320_mobilenet_v3_large

from checkpoints import PoseError, import_extra
from checkpoints.pretrained import load_torchvision_weights
from checkpoints.tensors import load_plain_data
from ief.inference.stream import FindPeople
from ief.model.device import choose_device
from mpii_tools.formats.coco_images import PERSON


class PersonDetector:
    """Called with an image, gives its people's boxes.

    Args:
        weights: a file of torchvision's weights of this detector; None takes those of torchvision's cache, or its
            download.
        min_score: boxes with a lower score are passed over.
        device: where to run it.

    Raises:
        PoseError: when the weights cannot be had, or are another network's.
    """

    def __init__(self, weights: Path | None = None, min_score: float = 0.5, device: torch.device | str = "cpu") -> None:
        self.min_score, self.device, self.lock = min_score, torch.device(device), threading.Lock()
        network = ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None)
        try:
            released = SSDLite320_MobileNet_V3_Large_Weights.COCO_V1
            network.load_state_dict(load_plain_data(weights) if weights else load_torchvision_weights(released))
        except (OSError, RuntimeError, TypeError, AttributeError) as error:
            fault = f"no weights of torchvision's ssdlite320_mobilenet_v3_large ({' '.join(str(error).split())[:120]})"
            raise PoseError(f"{weights or 'download'}: {fault}; give its --detector-weights, or --boxes") from error
        self.network = network.eval().to(self.device)

    @torch.inference_mode()
    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(H, W, 3) uint8 RGB -> boxes (P, 4) x1 y1 x2 y2 in image pixels and scores (P,), the best first."""
        pixels = torch.from_numpy(image).to(self.device).permute(2, 0, 1).float() / 255
        with self.lock:  # images are read in several threads; its own threads are enough for the cores
            (objects,) = self.network([pixels])
        people = (objects["labels"] == PERSON) & (objects["scores"] >= self.min_score)
        return tuple(objects[name][people].double().cpu().numpy() for name in ("boxes", "scores"))


class RfDetr:
    """RF-DETR Nano of the package rfdetr, called as `PersonDetector` is.

    Raises:
        PoseError: when the package is not installed, or has no weights and cannot download them.
    """

    def __init__(self, min_score: float = 0.5, device: torch.device | str = "cpu") -> None:
        self.min_score, self.lock = min_score, threading.Lock()
        rfdetr = import_extra("rfdetr", "rfdetr")
        try:
            self.network = rfdetr.RFDETRNano(device=str(device))
        except (OSError, RuntimeError, ValueError) as error:
            fault = f"rfdetr: no weights of its own ({' '.join(str(error).split())[:120]})"
            raise PoseError(f"{fault}; download them once, or give an .onnx, or --boxes") from error

    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(H, W, 3) uint8 RGB -> boxes (P, 4) x1 y1 x2 y2 in image pixels and scores (P,), the best first."""
        with self.lock:
            objects = self.network.predict(image, threshold=self.min_score)
        people = objects.class_id == PERSON  # COCO's ids, which begin at 1
        return objects.xyxy[people].astype(float), objects.confidence[people].astype(float)


@lru_cache(maxsize=4)
def load_detector(weights: Path | None = None, min_score: float = 0.5, device: str | None = None) -> FindPeople:
    """A detector of people, by the kind of its file; one that was loaded before is taken again.

    Args:
        weights: an .onnx of a usual detector (`onnx_detector`), "rfdetr" for that package's, or a file of
            torchvision's; None for torchvision's cache, or its download.
        min_score: boxes with a lower score are passed over.
        device: where torch's run; None for a GPU if there is one.

    Raises:
        PoseError: it cannot be had.
    """
    if weights and weights.suffix.lower() == ".onnx":
        from ief.inference.onnx_detector import OnnxDetector

        return OnnxDetector(weights, min_score)
    if weights == Path("rfdetr"):
        return RfDetr(min_score, choose_device(device))
    return PersonDetector(weights, min_score, choose_device(device))
