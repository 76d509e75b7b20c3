"""Can a stage undo noise that it is shown? The smallest question about corrections.

`python tests/benchmarks/undo_noise.py [STEPS]`: each joint is a blob of its own color on a noisy image of 64 px, y_t is
the truth with noise of 0.08 of the side, and a stage (a ResNet-18 a quarter as wide, random weights) regresses the
correction. Printed are the mean errors on new images, in standard deviations of the noise: 0.80 answers nothing.
"""

import sys
from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.models import list_models
from torchvision.models._api import register_model
from torchvision.models.resnet import BasicBlock, ResNet

from heads.skeleton import Skeleton
from ief.model.stage import Residuals, Stage, StageDesign

SIZE, NOISE, BATCH, BLOB = 64, 0.08 * 64, 32, 2.5


class QuarterResNet(ResNet):
    """ResNet-18 with blocks of 16, 32, 64 and 128 channels."""

    def __init__(self):
        super().__init__(BasicBlock, [2, 2, 2, 2])
        self.fc = torch.nn.Linear(128, 1)

    def _make_layer(self, block, planes, blocks, stride=1, dilate=False):
        return super()._make_layer(block, planes // 4, blocks, stride, dilate)


if "quarter_resnet" not in list_models():

    @register_model()
    def quarter_resnet(*, weights=None, progress=True):
        """What `get_model("quarter_resnet")` builds."""
        return QuarterResNet()


@dataclass(frozen=True)
class Case:
    """A row: how many joints, and what of the stage or its training is another."""

    joints: int
    pose_indexed: bool = False
    sigma: float = 0.08
    lr_mult_new: float = 1.0
    absolute: bool = False  # the pose anew, as a stage that keeps its head


def draw(joints: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Images (B, 3, n, n) and the joints (B, K, 2) that their blobs are at."""
    truth = 8 + (SIZE - 16) * torch.rand(BATCH, joints, 2, generator=rng)
    colors = 2 * torch.randn(joints, 3, generator=torch.Generator().manual_seed(5))
    x, y = (torch.exp(-0.5 * ((torch.arange(SIZE) - truth[..., axis, None]) / BLOB) ** 2) for axis in (0, 1))
    images = torch.einsum("bky,bkx,kc->bcyx", y, x, colors)
    return images + 0.5 * torch.randn(images.shape, generator=rng), truth


def measure(case: Case, steps: int, seed: int = 0) -> tuple[float, float]:
    """Train a stage; its mean errors on new images, from noise and given the truth, in deviations of the noise."""
    torch.manual_seed(seed)
    rng = torch.Generator().manual_seed(seed)
    skeleton = Skeleton(tuple(f"joint{k}" for k in range(case.joints)), (-1, *[0] * (case.joints - 1)))
    std = torch.full((case.joints, 2), (SIZE - 16) / 12**0.5 if case.absolute else NOISE)
    mean = torch.full_like(std, SIZE / 2 if case.absolute else 0)
    design = StageDesign(
        "quarter_resnet",
        method="ief_star",
        size=SIZE,
        sigma=case.sigma * SIZE,
        skeleton=skeleton,
        absolute=case.absolute,
        pose_indexed=case.pose_indexed,
    )
    stage = Stage(design, Residuals(mean, std, std)).to(memory_format=torch.channels_last).train()
    fast = {id(value) for value in stage.new_parameters()}
    groups = [[value for value in stage.parameters() if (id(value) in fast) == new] for new in (False, True)]
    rates = [1e-3, 1e-3 * case.lr_mult_new]
    optimizer = torch.optim.AdamW([{"params": group, "lr": lr} for group, lr in zip(groups, rates, strict=True)])
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=steps, pct_start=0.05)

    def noisy(truth: Tensor) -> Tensor:
        return truth + NOISE * torch.randn(truth.shape, generator=rng)

    for _ in range(steps):
        images, truth = draw(case.joints, rng)
        loss = ((stage(images, noisy(truth)) - truth) / std).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    stage.eval()
    errors = []
    with torch.inference_mode():
        for _ in range(16):
            images, truth = draw(case.joints, rng)
            errors.append([(stage(images, pose) - truth).abs().mean() / NOISE for pose in (noisy(truth), truth)])
    return tuple(torch.tensor(errors).mean(dim=0).tolist())


CASES = (
    Case(1),
    Case(1, pose_indexed=True),
    Case(4),
    Case(4, pose_indexed=True),
    Case(16),
    Case(16, pose_indexed=True),
    Case(16, absolute=True),
    Case(16, absolute=True, pose_indexed=True),
    Case(16, lr_mult_new=10),
    Case(16, sigma=0.03),
)

if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1500
    for row in CASES:
        error, given = measure(row, count)
        print(f"{row}: error {error:.2f}, given the truth {given:.2f}", flush=True)
