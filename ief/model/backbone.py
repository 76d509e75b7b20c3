"""The network of a stage: a ResNet of torchvision by its name, or as `timm:NAME` any CNN of timm.

A stage applies the first convolution itself, since it adds the heatmaps' half to its output (`ief.model.stage`). Of a
backbone it takes that convolution, `stem`; what follows it, as a call, which gives pooled features and the maps that
pose-indexed features are read from; and how many channels these have, `width` and `map_width`.
"""

import logging
import os
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models import get_model
from torchvision.models.resnet import Bottleneck, ResNet

from checkpoints import PoseError, checksum, import_extra
from checkpoints.pretrained import PretrainedWeights, no_download, read_tensors

TIMM = "timm:"  # before the name of a network of timm
MAP_STRIDES = (4, 8, 16)  # input pixels per cell of the maps, as of a ResNet's layers 1 to 3
SAME = "Conv2dSame"  # timm's convolution that pads as TensorFlow does, of its networks that come from there
TRIAL_SIZE = 96  # side of the image that is tried on a network


class ResNetBackbone(nn.Module):
    """torchvision's ResNet without its classifier, its parts under torchvision's names.

    Args:
        stride: `1x1` or `3x3`, the convolution of a bottleneck block that carries its stride.
    """

    def __init__(self, network: ResNet, stride: str) -> None:
        super().__init__()
        self.width = network.fc.in_features
        self.map_width = self.width // 8 + self.width // 4 + self.width // 2
        del network.fc
        for name, part in network.named_children():
            self.add_module(name, part)
        if stride == "1x1":
            for layer in (self.layer2, self.layer3, self.layer4):
                if isinstance(layer[0], Bottleneck):
                    layer[0].conv1.stride, layer[0].conv2.stride = (2, 2), (1, 1)

    @property
    def stem(self) -> nn.Conv2d:
        """The first convolution."""
        return self.conv1

    def forward(self, features: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The stem's output -> features (B, width), and maps (B, C, n, n), ... with C + ... = map_width."""
        features = self.relu(self.maxpool(self.bn1(features)))  # the same either way; a quarter of the work this way
        low = self.layer1(features)
        middle = self.layer2(low)
        high = self.layer3(middle)
        return self.avgpool(self.layer4(high)).flatten(1), [low, middle, high]


class TimmBackbone(nn.Module):
    """A CNN of timm without its classifier: `stem`, and in `network` all the rest under timm's names.

    Raises:
        PoseError: for a network that no plain convolution begins, or that is made for one size of images.
    """

    def __init__(self, name: str, network: nn.Module) -> None:
        super().__init__()
        first, strides = network.pretrained_cfg.get("first_conv"), [one["reduction"] for one in network.feature_info]
        # Some begin with several convolutions, or with one of a kind of timm's own.
        self.stem, self.network = network.get_submodule(first) if isinstance(first, str) else None, network
        if type(self.stem).__name__ not in ("Conv2d", SAME) or not set(MAP_STRIDES) <= set(strides):
            raise PoseError(f"{name}: {NO_CNN}")
        network.set_submodule(first, nn.Identity())
        self.maps = [len(strides) - 1 - strides[::-1].index(stride) for stride in MAP_STRIDES]
        try:
            pooled, maps = try_network(self)
            self.width, self.map_width = pooled.shape[1], sum(cells.shape[1] for cells in maps)
        except Exception as error:  # whatever a network that is none of these raises
            raise PoseError(f"{name}: {NO_CNN} ({str(error).splitlines()[0]})") from error

    def forward(self, features: Tensor) -> tuple[Tensor, list[Tensor]]:
        """As `ResNetBackbone.forward`."""
        last, maps = self.network.forward_intermediates(features, indices=self.maps)
        return self.network.forward_head(last, pre_logits=True), maps


NO_CNN = "not a CNN that begins with one plain convolution; choose another, such as timm:convnext_tiny"


def build_backbone(name: str, stride: str = "3x3") -> ResNetBackbone | TimmBackbone:
    """The network called `name`, with random weights.

    Raises:
        PoseError: no such network, or not one that a stage can use; timm is missing.
    """
    if name.startswith(TIMM):
        return TimmBackbone(name, create_timm(name))
    try:
        network = get_model(name, weights=None)
    except ValueError:
        network = None
    if not isinstance(network, ResNet):
        raise PoseError(f"torchvision has no ResNet called '{name}'; choose resnet18, resnet50, ... or timm:NAME")
    return ResNetBackbone(network, stride)


def stem_padding(stem: nn.Conv2d, size: int) -> tuple[int, int]:
    """Zeros that a backbone's first convolution puts before and behind a row of `size` pixels."""
    same = max((size - 1) // stem.stride[0] * stem.stride[0] + stem.kernel_size[0] - size, 0)
    total = same if type(stem).__name__ == SAME else 2 * stem.padding[0]
    return total // 2, total - total // 2


def create_timm(name: str, pretrained: bool = False) -> nn.Module:
    """What timm calls NAME, of `timm:NAME`, without a classifier. Raises PoseError when there is none, or no timm."""
    timm, name = import_extra("timm", "timm"), name.removeprefix(TIMM)
    if not timm.is_model(name):  # what it would look up on the network, such as `hf-hub:owner/name`, is none
        raise PoseError(f"timm has no network called '{name}'; its list_models() names those that there are")
    return timm.create_model(name, pretrained=pretrained, num_classes=0)


def load_timm_weights(backbone: str, file: str | os.PathLike | None = None) -> PretrainedWeights:
    """Pretrained weights of a network of timm: its own, from its cache or by a download, or a file's with its names.

    Raises:
        PoseError: when there are none, the download fails, or the file is corrupt or another network's.
    """
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # a line for each of ten tries
    try:
        network = create_timm(backbone, pretrained=file is None)
        if file is not None:
            missing = network.load_state_dict(read_tensors(Path(file)), strict=False).missing_keys
            if absent := [name for name in missing if not name.endswith("num_batches_tracked")]:
                raise RuntimeError(f"'{absent[0]}' is absent")
    except PoseError:
        raise
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        if file is not None:
            raise PoseError(f"{file}: not the weights of a {backbone} ({reason}); choose another file") from error
        raise PoseError(no_download("timm", backbone, reason)) from error
    tensors = TimmBackbone(backbone, network).state_dict()
    tensors = {name: value for name, value in tensors.items() if not name.endswith("num_batches_tracked")}
    where, digest = (str(file), checksum(file)[:16]) if file else (f"{backbone}, timm's", "")
    return PretrainedWeights(tensors, "3x3", where, digest, network=backbone)


@torch.no_grad()
def try_network(backbone: nn.Module) -> tuple[Tensor, list[Tensor]]:
    """What a backbone gives for one gray image; its mode, running statistics and random numbers stay as they are."""
    training = backbone.training
    try:
        image = backbone.stem.weight.new_zeros(1, 3, TRIAL_SIZE, TRIAL_SIZE)
        return backbone.eval()(backbone.stem(image))
    finally:
        backbone.train(training)


def fold_batch_norms(backbone: nn.Module) -> nn.BatchNorm2d | None:
    """Fold each batch normalization into the convolution whose output it takes, in place; for evaluation.

    Returns:
        what normalized the output of the stem, if that did.
    """
    outputs: dict[int, tuple[nn.Module, Tensor]] = {}  # with the tensor itself, whose id would be another's later
    follows: dict[nn.Module, nn.Module] = {}

    def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(module, nn.Conv2d):
            outputs[id(output)] = (module, output)
        elif id(inputs[0]) in outputs:
            follows[outputs[id(inputs[0])][0]] = module

    kinds = (nn.Conv2d, nn.BatchNorm2d)
    hooks = [part.register_forward_hook(note) for part in backbone.modules() if isinstance(part, kinds)]
    try_network(backbone)
    for hook in hooks:
        hook.remove()
    names = {part: name for name, part in backbone.named_modules()}
    behind_stem = follows.get(backbone.stem)
    for convolution, norm in follows.items():
        backbone.set_submodule(names[convolution], fuse_conv_bn_eval(convolution, norm))
        backbone.set_submodule(names[norm], getattr(norm, "act", nn.Identity()))  # timm's may hold an activation
    return behind_stem
