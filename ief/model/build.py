"""A new stage behind the trained ones: its network, and the weights that it starts from."""

from __future__ import annotations

from dataclasses import replace

import torch

from checkpoints.pretrained import PretrainedWeights
from ief.model.cascade import Cascade
from ief.model.fine_tuning import PretrainedStage, start_from
from ief.model.stage import Residuals, Stage, StageDesign


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
    stage instead.

    Args:
        design: what the stage is; its stride becomes that of the weights.
        residuals: what the previous stages leave to correct.
        previous: the stages before it, whose number is its index.
        start: pretrained weights; None for random ones.
        seed: of the random weights; torch's global generator is left where drawing them ends.

    Raises:
        PoseError: when the pretrained weights are another network's, or have their stride elsewhere.
    """
    index, dimensions = len(previous.stages), previous.mean_pose.shape[-1]
    whole = isinstance(start, PretrainedStage) and not start.differences(design, dimensions, index)
    continued = previous.stages[-1] if index and continue_backbone and not whole else None
    if continued or start:
        design = replace(design, stride=continued.design.stride if continued else start.stride)
    torch.manual_seed(seed)
    stage = Stage(design, residuals, autocast_dtype)
    if continued:
        stage.continue_from(continued)
        return stage, ""
    return stage, start_from(stage, start, previous.mean_pose, index) if start else ""
