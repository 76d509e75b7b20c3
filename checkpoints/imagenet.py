"""ImageNet pretrained weights of a torchvision ResNet, and which convolution has its stride.

Two networks are called ResNet-50. The original one (He et al., "v1", Caffe) has the stride of a downsampling block in
its first 1x1 convolution; torchvision's ("v1.5") has it in the 3x3. Their weights have the same names and shapes, so
a file of one loads into the other without an error and loses 9 points of ImageNet top-1. The question is therefore
settled by what the file is, and a file that does not tell is refused until the caller does.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import torch

from checkpoints.errors import PoseError
from checkpoints.tensors import load_plain_data, read_safetensors

STRIDES = ("1x1", "3x3")
# torchvision names its files by the first eight digits of their SHA-256; all of these have the stride in the 3x3.
TORCHVISION_FILE = re.compile(r"^(resnet\d+|resnext\w+|wide_resnet\w+)-[0-9a-f]{8}\.pth$")


@dataclass(frozen=True)
class PretrainedWeights:
    """A ResNet's weights without its classifier.

    Attributes:
        tensors: torchvision's names (`conv1.weight`, `layer1.0...`) -> fp32 tensors.
        stride: `1x1` or `3x3`, the convolution of a bottleneck block that has its stride.
        source: where they came from, for the record.
    """

    tensors: dict[str, torch.Tensor]
    stride: str
    source: str


def load_pretrained_weights(path: str | os.PathLike, stride: str | None = None) -> PretrainedWeights:
    """Pretrained weights from a .safetensors file or a torchvision state dict (.pth, read with `weights_only=True`).

    Args:
        stride: `1x1` or `3x3`, needed only if the file does not tell.

    Raises:
        PoseError: when the file is missing, corrupt, holds no ResNet, does not tell which convolution has its stride,
            or contradicts `stride`.
    """
    path = Path(path)
    if path.suffix == ".safetensors":
        tensors, metadata = read_safetensors(path)
    else:
        tensors, metadata = load_plain_data(path), {}
    if not isinstance(tensors, dict) or "conv1.weight" not in tensors or "layer1.0.conv1.weight" not in tensors:
        raise PoseError(f"{path}: holds no torchvision ResNet (no conv1.weight, layer1.0.conv1.weight)")
    tensors = {name: tensor for name, tensor in tensors.items() if _of_the_features(name)}
    for name, tensor in tensors.items():
        if not isinstance(tensor, torch.Tensor) or not tensor.is_floating_point() or not tensor.isfinite().all():
            raise PoseError(f"{path}: '{name}' is not a tensor of finite floats; get the file again")
    tensors = {name: tensor.float() for name, tensor in tensors.items()}
    return PretrainedWeights(tensors, _stride_of(path, tensors, metadata, stride), path.name)


def _of_the_features(name: object) -> bool:
    """Whether a tensor is used: neither the classifier's nor a count of batches."""
    return isinstance(name, str) and not name.startswith("fc.") and not name.endswith("num_batches_tracked")


def _stride_of(path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str], told: str | None) -> str:
    if told is not None and told not in STRIDES:
        raise PoseError(f"unknown stride '{told}'; choose 1x1 (Caffe, v1) or 3x3 (torchvision, v1.5)")
    if "layer1.0.conv3.weight" not in tensors:
        return "3x3"  # basic blocks (ResNet-18, -34) have one variant only
    style = metadata.get("style", "")
    if style.startswith("caffe") or metadata.get("stride") == "1x1":
        found = "1x1"
    elif metadata.get("stride") == "3x3" or TORCHVISION_FILE.match(path.name):
        found = "3x3"
    elif told is None:
        raise PoseError(
            f"{path}: does not tell whether its stride is in the 1x1 (Caffe, v1) or the 3x3 convolution "
            "(torchvision, v1.5); add --stride 1x1 or --stride 3x3"
        )
    else:
        found = told
    if told is not None and told != found:
        raise PoseError(f"{path}: its stride is in the {found} convolution, but --stride is {told}")
    return found


def download_pretrained_weights(backbone: str) -> PretrainedWeights:
    """torchvision's own ImageNet weights of a ResNet (V1), through torchvision's cache and download.

    Raises:
        PoseError: when torchvision has none by that name, or the download fails.
    """
    from torchvision.models import get_model_weights

    try:
        weights = get_model_weights(backbone).IMAGENET1K_V1
        tensors = weights.get_state_dict(progress=True, check_hash=True)
    except (ValueError, AttributeError, OSError, RuntimeError) as error:
        raise PoseError(
            f"torchvision's weights of {backbone} could not be downloaded ({error}); give a file with --weights FILE, "
            "or train from random weights with --weights none"
        ) from error
    tensors = {name: tensor for name, tensor in tensors.items() if _of_the_features(name)}
    return PretrainedWeights(tensors, "3x3", f"torchvision {backbone} IMAGENET1K_V1")
