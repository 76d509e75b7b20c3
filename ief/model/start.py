"""A new stage and what it starts from: a pretrained network, the previous stage, or a trained one (fine-tuning)."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from checkpoints import PoseError, checksum
from checkpoints.pretrained import PretrainedWeights, check_stride, load_pretrained_weights
from checkpoints.tensors import read_safetensors
from heads.pairs import METHODS
from ief.model.backbone import TIMM, load_timm_weights
from ief.model.cascade import Cascade
from ief.model.run_folder import differences, load_cascade, load_stage, stage_file
from ief.model.stage import Residuals, Stage, StageDesign

HEADS = ("head", "indexed", "indexed_head", "sigma_head", "likelihood")  # parts of a stage behind its network


@dataclass(frozen=True)
class PretrainedStage:
    """A trained stage to start from.

    Attributes:
        stage: its network, weights and statistics.
        mean_pose: (K, D) y_0 of its cascade, crop pixels.
        index: which stage of its cascade it is.
        file: where it came from, for messages.
        digest: the beginning of the file's SHA-256.
    """

    stage: Stage
    mean_pose: Tensor
    index: int
    file: str
    digest: str

    @property
    def stride(self) -> str:
        """`1x1` or `3x3`, the convolution of a bottleneck block that has its stride."""
        return self.stage.design.stride

    @property
    def source(self) -> str:
        """Where it came from, for the record: equal only for equal weights, in whatever folder they lie."""
        return f"{Path(self.file).name} {self.digest}"

    @property
    def trunk(self) -> PretrainedWeights:
        """Its network alone, without heads."""
        state = self.stage.backbone.state_dict()
        tensors = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
        return PretrainedWeights(tensors, self.stride, self.file, network=self.stage.design.backbone)

    def differences(self, design: StageDesign, dimensions: int, index: int) -> list[str]:
        """Why stage `index` of a cascade can take no more than the network; none when it can take all.

        Args:
            design: what the new stage is.
            dimensions: D of its poses.
        """
        mine = self.stage.design
        same = (mine.skeleton.names, mine.skeleton.parents) == (design.skeleton.names, design.skeleton.parents)
        there, wanted = (
            {
                "dimensions": number,
                "output": METHODS[one.method].representation,
                "pose in view": "a later stage's" if place else "the first stage's",
                "regresses": "poses" if one.absolute else "corrections",
                "features": "at the joints too" if one.pose_indexed else "pooled",
                "skeleton": skeleton,
            }
            for one, number, place, skeleton in (
                (mine, self.stage.head.shape[1], self.index, "the same" if same else "another"),
                (design, dimensions, index, "the same"),
            )
        )
        return differences(there, wanted)


def build_stage(
    design: StageDesign,
    residuals: Residuals,
    previous: Cascade,
    start: PretrainedWeights | PretrainedStage | None = None,
    *,
    continue_backbone: bool = False,
    seed: int = 0,
    autocast_dtype: torch.dtype | None = None,
) -> tuple[Stage, str]:
    """A stage at step 0, and a line that says what it took of `start`, empty if nothing.

    It starts from `start`; if it continues the backbone and `start` is no stage that fits whole, from the previous
    stage instead: from its ResNet, and from its heads if the new one is absolute. The heatmap half of that was learned
    on other poses, and starts at zero.

    Args:
        design: what the stage is; its stride becomes that of the weights.
        residuals: what the previous stages leave to correct.
        previous: the stages before it, whose number is its index.
        start: pretrained weights; None for random ones.
        seed: of the random weights; torch's global generator is left where drawing them ends.

    Raises:
        PoseError: when the pretrained weights are another network's.
    """
    index, dimensions = len(previous.stages), previous.mean_pose.shape[-1]
    whole = isinstance(start, PretrainedStage) and not start.differences(design, dimensions, index)
    continued = previous.stages[-1] if index and continue_backbone and not whole else None
    if continued or start:
        design = replace(design, stride=continued.design.stride if continued else start.stride)
    torch.manual_seed(seed)
    stage = Stage(design, residuals, autocast_dtype)
    if continued:
        stage.take(continued, ("backbone", *(HEADS if design.absolute else ())))
    return stage, start_from(stage, start, previous.mean_pose, index) if start and not continued else ""


def load_weights(
    path: str | os.PathLike, stride: str | None = None, backbone: str = ""
) -> tuple[PretrainedWeights | PretrainedStage, ...]:
    """What stages 0, 1, ... start from: the stages of a run folder, or the one in a file of whatever origin.

    Args:
        stride: `1x1` or `3x3`, needed only if the file does not tell.
        backbone: the network that they are for, by which a file of timm's is read.

    Raises:
        PoseError: when there is no stage, the file is corrupt, or it contradicts `stride`; as
            `load_pretrained_weights` for a file that is no stage of this project.
    """
    path = Path(path)
    if path.is_dir():
        if not stage_file(path, 0).exists():
            raise PoseError(f"{path}: a folder without {stage_file(Path(), 0)}; give a run that has one, or a file")
        cascade = load_cascade(path)
        parts = [
            (stage, cascade.mean_pose, index, stage_file(path, index)) for index, stage in enumerate(cascade.stages)
        ]
    elif path.suffix == ".safetensors" and '"design"' in read_safetensors(path)[1].get("description", ""):
        stage, mean_pose, description = load_stage(path)
        if not isinstance(description.get("stage"), int):
            raise PoseError(f"{path}: does not tell which stage it is; train it again")
        parts = [(stage, mean_pose, description["stage"], path)]
    else:
        is_timm = backbone.startswith(TIMM)
        return (load_timm_weights(backbone, path) if is_timm else load_pretrained_weights(path, stride),)
    for stage, _, _, file in parts:
        if "layer1.0.conv3.weight" in stage.backbone.state_dict():
            check_stride(file, stage.design.stride, stride)
    return tuple(PretrainedStage(*part, str(file), checksum(file)[:16]) for *part, file in parts)


def start_from(stage: Stage, weights: PretrainedWeights | PretrainedStage, mean_pose: Tensor, index: int) -> str:
    """Give a new stage what fits it: a ResNet, or of a trained stage the heatmap half and the heads, too.

    A head is converted to the new stage's statistics, so that it gives the same poses as before in crop pixels.

    Args:
        mean_pose: (K, D) y_0 of the new stage's cascade, crop pixels.
        index: which stage of its cascade the new one is.

    Returns:
        a line that says what was taken and what left out.

    Raises:
        PoseError: when the weights are another network's, or have their stride elsewhere.
    """
    if isinstance(weights, PretrainedWeights):
        load_backbone(stage, weights)
        return str(weights)
    trunk = weights.trunk
    load_backbone(stage, trunk)
    said = f"weights {trunk.file}: {len(trunk.tensors)} tensors of the trunk"
    if unlike := weights.differences(stage.design, stage.head.shape[1], index):
        return f"{said}; left out: heatmap half and head ({'; '.join(unlike)})"
    stage.take(weights.stage, ("pose_weight", "head", "indexed", "indexed_head"))
    convert_head(stage, weights, mean_pose.cpu() if index == 0 else None)
    said += ", the heatmap half and the head"
    if not weights.stage.design.likelihood:
        return f"{said}; nothing left out"
    if not stage.design.likelihood or stage.method.pairs != weights.stage.method.pairs:
        return f"{said}; left out: the head of sigma"
    stage.take(weights.stage, ("sigma_head", "likelihood"))
    return f"{said}, that of sigma too; nothing left out"


def load_backbone(stage: Stage, weights: PretrainedWeights) -> None:
    """Load a pretrained network into a stage's image half; the heatmap half stays zero, the heads near zero.

    Raises:
        PoseError: when the weights are another network's, or have their stride elsewhere.
    """
    here = stage.design.stride
    if weights.stride != here:
        raise PoseError(f"{weights.file}: stride in the {weights.stride} convolution, the stage's in {here}")
    weights.check_fits(stage.design.backbone, stage.backbone.state_dict())
    stage.backbone.load_state_dict(weights.tensors, strict=False)  # but for the counts of batches, all are there


@torch.no_grad()
def convert_head(stage: Stage, trained: PretrainedStage, mean_pose: Tensor | None) -> None:
    """Convert the head that `stage` took from `trained` to the statistics of `stage`: the same output in crop pixels.

    Of out * std + mean (Eq. 2) std and mean change, so out has to. Crops of another size scale x and y, not z in mm.

    Args:
        mean_pose: (K, D) crop pixels, of a first stage, whose output is added to it; None for a later stage.
    """
    old, ratio = trained.stage, torch.ones(stage.head.shape[1], dtype=torch.float64)
    ratio[:2] = stage.design.size / old.design.size
    std, mean = old.std * ratio, old.mean * ratio
    if mean_pose is not None:
        mean += stage.encode(trained.mean_pose * ratio - mean_pose)
    stage.head.weight *= (std / stage.std).view(-1, 1)
    stage.head.bias.copy_(((stage.head.bias.view_as(std) * std + mean - stage.mean) / stage.std).flatten())
    if stage.design.pose_indexed:  # what it adds has no mean
        stage.indexed_head.weight *= (std / stage.std).view(-1, 1)
        stage.indexed_head.bias *= (std / stage.std).flatten()
