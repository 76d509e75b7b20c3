"""A ResNet-10 an eighth as wide, called `tiny_resnet`: trainings of it take seconds and their files a megabyte.

Run as a script it is `ief` with that network, for processes of their own.
"""

import sys

from torch import nn
from torchvision.models import list_models
from torchvision.models._api import register_model
from torchvision.models.resnet import BasicBlock, ResNet


class TinyResNet(ResNet):
    """ResNet with blocks of 8, 16, 32 and 64 channels."""

    def __init__(self):
        super().__init__(BasicBlock, [1, 1, 1, 1])
        self.fc = nn.Linear(64, 1000)

    def _make_layer(self, block, planes, blocks, stride=1, dilate=False):
        return super()._make_layer(block, planes // 8, blocks, stride, dilate)


class ShallowResNet(ResNet):
    """Some of a ResNet's four layers, with one basic block each: an export takes longer the more there are."""

    def __init__(self, layers):
        super().__init__(BasicBlock, [1] * layers + [0] * (4 - layers))
        self.fc = nn.Linear(32 * 2**layers, 10)

    def _make_layer(self, block, planes, blocks, stride=1, dilate=False):
        return super()._make_layer(block, planes, blocks, stride, dilate) if blocks else nn.Identity()


if "tiny_resnet" not in list_models():

    @register_model()
    def tiny_resnet(*, weights=None, progress=True):
        """What `get_model("tiny_resnet")` builds."""
        return TinyResNet()


if __name__ == "__main__":
    from ief.cli import main

    sys.exit(main())
