"""Pretrained weights of a torchvision ResNet, wherever in a file they are, and which convolution has its stride.

A file may hold a state dict or a whole training's checkpoint with one inside, with a prefix on every name (`module.`,
`backbone.`) and other tensors beside the ResNet's. Its trunk, all but the classifier, is found by two names that no
other network has side by side.

Two networks are called ResNet-50. The original one (He et al., "v1", Caffe) has the stride of a downsampling block in
its first 1x1 convolution; torchvision's ("v1.5") has it in the 3x3. Their weights have the same names and shapes, so
a file of one loads into the other without an error and loses 9 points of ImageNet top-1. The question is therefore
settled by what the file is, and a file that does not tell is refused until the caller does.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import chain
from pathlib import Path

import torch

from checkpoints import PoseError, checksum, escape_name
from checkpoints.tensors import load_plain_data, read_safetensors

STRIDES = ("1x1", "3x3")
# torchvision names its files by the first eight digits of their SHA-256; all of these have the stride in the 3x3.
TORCHVISION_FILE = re.compile(r"^(resnet\d+|resnext\w+|wide_resnet\w+)-[0-9a-f]{8}\.pth$")
FIRST, SECOND = "conv1.weight", "layer1.0.conv1.weight"  # side by side only in a torchvision ResNet
TRUNK = re.compile(r"(conv1|bn1|layer[1-4])\.")
CONTAINERS = ("state_dict", "model_state_dict", "model")  # keys of a checkpoint whose value is preferred to others'
DEEPEST = 3  # dicts inside dicts that are searched; a file may even hold one inside itself
SHOWN = 4  # names of what was left out


@dataclass(frozen=True)
class PretrainedWeights:
    """A ResNet's weights without its classifier.

    Attributes:
        tensors: torchvision's names (`conv1.weight`, `layer1.0...`) -> fp32 tensors.
        stride: `1x1` or `3x3`, the convolution of a bottleneck block that has its stride.
        file: where they came from, for messages.
        digest: the beginning of the file's SHA-256; empty if its name tells all.
        left_out: names of what the file holds beside them.
        network: torchvision's name of the network, if it is known.
    """

    tensors: dict[str, torch.Tensor]
    stride: str
    file: str
    digest: str = ""
    left_out: tuple[str, ...] = ()
    network: str | None = None

    @property
    def source(self) -> str:
        """Where they came from, for the record: equal only for equal weights, in whatever folder they lie."""
        return f"{Path(self.file).name} {self.digest}".strip()

    def __str__(self) -> str:
        names = ", ".join([*map(escape_name, self.left_out[:SHOWN]), *["..."] * (len(self.left_out) > SHOWN)])
        rest = f"left out: {len(self.left_out)} ({names})" if names else "nothing left out"
        return f"weights {self.file}: {len(self.tensors)} tensors of the trunk; {rest}"

    def check_fits(self, network: str, wanted: Mapping[str, torch.Tensor]) -> None:
        """Raises PoseError when these are not the weights of `network`, whose state dict is `wanted`."""
        needed, held = trunk_shapes(wanted), trunk_shapes(self.tensors)
        if held == needed:
            return
        mine = self.network or name_network(held)
        if mine and mine != network:
            raise PoseError(
                f"{self.file}: weights of a {mine}, the stage is a {network}; choose --backbone {mine} or another file"
            )
        name = min(name for name in held.keys() | needed.keys() if held.get(name) != needed.get(name))
        raise PoseError(
            f"{self.file}: not the weights of a {network}: '{escape_name(name)}' is {held.get(name, 'absent')}, "
            f"expected {needed.get(name, 'absent')}; choose another --backbone or another file"
        )


def load_pretrained_weights(path: str | os.PathLike, stride: str | None = None) -> PretrainedWeights:
    """The ResNet in a .safetensors file or in one that `torch.save` wrote (read with `weights_only=True`).

    Args:
        stride: `1x1` or `3x3`, needed only if the file does not tell.

    Raises:
        PoseError: when the file is missing, corrupt, holds no ResNet or several, does not tell which convolution has
            its stride, or contradicts `stride`.
    """
    path = Path(path)
    content, metadata = (
        read_safetensors(path) if path.suffix == ".safetensors" else (load_plain_data(path, ignore_objects=True), {})
    )
    tensors, left_out = find_trunk(path, content)
    for name, tensor in tensors.items():
        if not isinstance(tensor, torch.Tensor) or not tensor.is_floating_point() or not tensor.isfinite().all():
            raise PoseError(f"{path}: '{escape_name(name)}' is not a tensor of finite floats; get the file again")
    tensors = {name: tensor.float() for name, tensor in tensors.items()}
    stride = _choose_stride(path, tensors, metadata, stride)
    return PretrainedWeights(tensors, stride, str(path), checksum(path)[:16], left_out)


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The state dict in a file, also in a checkpoint's, with any names. Raises PoseError when it is corrupt."""
    content = read_safetensors(path)[0] if path.suffix == ".safetensors" else load_plain_data(path, ignore_objects=True)
    if not isinstance(content, dict):
        raise PoseError(f"{path}: holds no weights by name; give a state dict, or a checkpoint with one")
    return next((content[key] for key in CONTAINERS if isinstance(content.get(key), dict)), content)


def find_trunk(path: Path, content: object) -> tuple[dict[str, object], tuple[str, ...]]:
    """The trunk of the one ResNet in a file's content, by torchvision's names, and the names of all else.

    Counts of batches (`num_batches_tracked`), which are no weights, are in neither.

    Raises:
        PoseError: when there is no ResNet, or more than one.
    """
    if not (networks := find_networks(content)):
        raise PoseError(f"{path}: holds no torchvision ResNet (no {FIRST} beside {SECOND}); give a file that does")
    if len(networks) > 1:
        names = ", ".join(escape_name(".".join([*keys, prefix]).rstrip(".")) for keys, _, prefix in networks[:SHOWN])
        raise PoseError(f"{path}: holds {len(networks)} ResNets ({names}); give a file with one")
    keys, state, prefix = networks[0]
    names = [name for name in state if isinstance(name, str) and not name.endswith("num_batches_tracked")]
    trunk = {name: state[name] for name in names if name.startswith(prefix) and TRUNK.match(name, len(prefix))}
    beside = [str(key) for key, value in content.items() if keys and key != keys[0] and isinstance(value, dict)]
    left_out = (*(name for name in names if name not in trunk), *beside)
    return {name.removeprefix(prefix): value for name, value in trunk.items()}, left_out


def find_networks(content: object, keys: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], dict, str]]:
    """Every ResNet in the outermost dicts that hold any: the keys that lead to its dict, the dict, its names' prefix.

    What the keys of CONTAINERS lead to comes before what others do: an EMA beside `state_dict` is not a second one.
    """
    if not isinstance(content, dict) or len(keys) == DEEPEST:
        return []
    starts = [name.removesuffix(FIRST) for name in content if isinstance(name, str) and name.endswith(FIRST)]
    here = [(keys, content, start) for start in starts if start + SECOND in content and start[-1:] in ("", ".")]
    inner = {key: find_networks(value, (*keys, str(key))) for key, value in content.items()}
    return here or next(filter(None, map(inner.get, CONTAINERS)), None) or list(chain(*inner.values()))


def trunk_shapes(tensors: Mapping[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    """Name -> shape of a network's weights, but for a ResNet's classifier."""
    return {
        name: tuple(tensor.shape)
        for name, tensor in tensors.items()
        if not name.startswith("fc.") and not name.endswith("num_batches_tracked")
    }


def name_network(shapes: Mapping[str, tuple[int, ...]]) -> str | None:
    """torchvision's name of the ResNet whose trunk has these names and shapes; None if it has none."""
    from torchvision import models

    for name in models.list_models(module=models, include="*res*"):
        with torch.device("meta"):
            network = models.get_model(name, weights=None)
        if isinstance(network, models.ResNet) and trunk_shapes(network.state_dict()) == shapes:
            return name
    return None


def _choose_stride(path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str], told: str | None) -> str:
    if told not in (None, *STRIDES):
        raise PoseError(f"unknown stride '{told}'; choose 1x1 (Caffe, v1) or 3x3 (torchvision, v1.5)")
    if "layer1.0.conv3.weight" not in tensors:
        return "3x3"  # basic blocks (ResNet-18, -34) have one variant only
    style = "1x1" if metadata.get("style", "").startswith("caffe") else None
    named = "3x3" if TORCHVISION_FILE.match(path.name) else None
    known = [stride for stride in (style, metadata.get("stride"), named, told) if stride in STRIDES]
    if not known:
        raise PoseError(
            f"{path}: does not tell whether its stride is in the 1x1 (Caffe, v1) or the 3x3 convolution (torchvision, "
            "v1.5); add --stride 1x1 or --stride 3x3"
        )
    check_stride(path, known[0], told)
    return known[0]


def check_stride(path: str | os.PathLike, stride: str, told: str | None) -> None:
    """Raises PoseError when the stride of a file's ResNet is not where the caller says, if they say."""
    if told is not None and told != stride:
        raise PoseError(f"{path}: its stride is in the {stride} convolution, but --stride is {told}")


def download_pretrained_weights(backbone: str) -> PretrainedWeights:
    """torchvision's own ImageNet weights of a ResNet (V1), through torchvision's cache and download.

    Raises:
        PoseError: when torchvision has none by that name, or the download fails.
    """
    from torchvision.models import get_model_weights

    try:
        tensors = load_torchvision_weights(get_model_weights(backbone).IMAGENET1K_V1)
    except PoseError:
        raise
    except (ValueError, AttributeError, OSError, RuntimeError) as error:
        raise PoseError(no_download("torchvision", backbone, error)) from error
    name = f"torchvision {backbone} IMAGENET1K_V1"
    tensors, left_out = find_trunk(Path(name), tensors)
    return PretrainedWeights(tensors, "3x3", name, left_out=left_out, network=backbone)


def no_download(library: str, backbone: str, reason: object) -> str:
    """What to say where a library's weights of a network are not to be had."""
    return (
        f"{library}'s weights of {backbone} could not be downloaded ({reason}); give a file with --weights FILE, or "
        "train from random weights with --weights none"
    )


def load_torchvision_weights(weights: Enum) -> dict[str, torch.Tensor]:
    """The state dict of torchvision's weights, from its cache or its download. Nothing in the file can run code.

    Args:
        weights: a member of one of torchvision's `WeightsEnum`.

    Raises:
        PoseError: when the file in the cache has not the SHA-256 of its name, or holds more than plain data.
        OSError, RuntimeError: when there is none and the download fails.
    """
    cached = Path(torch.hub.get_dir(), "checkpoints", Path(weights.url).name)
    if not cached.is_file():
        return weights.get_state_dict(progress=True, check_hash=True, weights_only=True)
    if not checksum(cached).startswith(digits := cached.stem.rpartition("-")[2]):
        raise PoseError(f"{cached}: its bytes do not fit the checksum {digits} in its name; remove it")
    return load_plain_data(cached)
