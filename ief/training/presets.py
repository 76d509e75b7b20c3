"""Presets: every choice of a training, as data. `paper` is the paper's; the others say what they change."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace

from checkpoints.errors import PoseError
from mpii_tools.prepared.augmentation import Augmentation


@dataclass(frozen=True)
class Preset:
    """How a stage is built and trained. The defaults are the paper's (Section 5, "Training").

    Attributes:
        backbone: name of a torchvision ResNet.
        size: side of the input in pixels, for `ief prepare`; training takes the prepared data's.
        margin: side of a prepared crop / side of the input.
        sigma: standard deviation of the heatmaps / side of the input (the paper gives none).
        passes: times each person is seen in a stage. The paper's 25 epochs of 20 passes.
        batch: samples a step, over all processes.
        optimizer: `sgd` (momentum 0.9) or `adamw`.
        learning_rate, weight_decay: of the optimizer.
        later_rate: learning rate of stages t > 0 / that of stage 0.
        new_rate: learning rate of what starts new in a stage (head, heatmap half) / that of the ResNet.
        schedule: `steps` (x 0.1 at each milestone) or `cosine` (to zero).
        milestones: fractions of the training, for `steps`.
        warmup: fraction of the training over which the learning rate rises from zero.
        averaging: time constant of the exponential moving average of the weights that is kept / length of the
            training, so that a short training is not averaged with its random start; 0 keeps the last weights.
        reduction: of the loss, `mean` or `sum` (`heads.losses`).
        penalty: of an error in the loss: `l1`, `soft_l1` (`heads.losses`) or `likelihood` (`heads.likelihood`).
        perturbation: standard deviation of the noise on y_t in training stage t > 0 / side of the input.
        continue_stage: whether stage t > 0 starts from the weights of the stage before, not the initial ones.
        continue_head: whether it then keeps the head of the stage before as well. It goes on regressing the pose
            itself, now with y_t in view, where it would otherwise begin to regress a correction of y_t.
        precision: `fp32`, or `bf16` where the device has it.
        compile: whether training runs through torch.compile: a minute at the start; see `ief bench --compile`.
        augmentation: ranges of the draws.
    """

    backbone: str = "resnet50"
    size: int = 224
    margin: float = 1.5
    sigma: float = 1 / 32
    passes: float = 500.0
    batch: int = 64
    optimizer: str = "sgd"
    learning_rate: float = 0.03
    weight_decay: float = 0.0002
    later_rate: float = 1.0
    new_rate: float = 1.0
    schedule: str = "steps"
    milestones: tuple[float, ...] = (10 / 25, 20 / 25)
    warmup: float = 0.0
    averaging: float = 0.0
    reduction: str = "mean"
    penalty: str = "l1"
    perturbation: float = 0.0
    continue_stage: bool = False
    continue_head: bool = False
    precision: str = "fp32"
    compile: bool = False
    augmentation: Augmentation = field(default_factory=Augmentation)

    def to_json(self) -> dict:
        """The fields as plain JSON values."""
        return {**asdict(self), "milestones": list(self.milestones)}


SWIFT = Preset(
    passes=40.0,
    optimizer="adamw",
    learning_rate=5e-4,
    weight_decay=0.05,
    later_rate=0.3,
    schedule="cosine",
    warmup=0.05,
    averaging=0.05,
    continue_stage=True,
    precision="bf16",
)
BEST = replace(SWIFT, sigma=0.08, later_rate=1.0, continue_head=True)
DEMO = replace(
    SWIFT,
    backbone="resnet18",
    size=64,
    sigma=0.08,
    passes=12.0,
    batch=32,
    learning_rate=1e-3,
    precision="fp32",
    augmentation=Augmentation(scale=0.15, rotation=15.0),
)
# What a training can have: the largest value of a field that is above 0, fields from 0 to 1, and names.
POSITIVE = {
    "passes": 100_000,
    "batch": 65_536,
    "learning_rate": 1e30,
    "later_rate": 100,
    "new_rate": 1000,
    "size": 2048,
    "sigma": 1,
}
FRACTIONS = ("weight_decay", "warmup", "averaging", "perturbation")
# Largest values of the augmentation's fields.
REACHES = {"translation": 1, "scale": 0.9, "rotation": 180, "flip": 1, "color": 1, "occlusion": 1}
CHOICES = {
    "optimizer": ("sgd", "adamw"),
    "schedule": ("steps", "cosine"),
    "reduction": ("mean", "sum"),
    "penalty": ("l1", "soft_l1", "likelihood"),
    "precision": ("fp32", "bf16"),
}
MAX_MARGIN = 4.0
PRESETS = {"paper": Preset(), "swift": SWIFT, "best": BEST, "demo": DEMO}


def preset_called(name: str, **changes: object) -> Preset:
    """The preset called `name`, with the fields of `changes` that are not None replaced, its augmentation's too.

    Raises:
        PoseError: for another name, or a value that no training can have.
    """
    if name not in PRESETS:
        raise PoseError(f"unknown preset '{name}'; choose one of {', '.join(PRESETS)}")
    changes = {key: value for key, value in changes.items() if value is not None}
    drawn = {key: changes.pop(key) for key in REACHES if key in changes}
    preset = replace(PRESETS[name], **changes)
    preset = replace(preset, augmentation=replace(preset.augmentation, **drawn))
    for key, most in POSITIVE.items():
        if not 0 < getattr(preset, key) <= most:
            raise PoseError(f"{option(key)} {getattr(preset, key)}: must be above 0 and at most {most:g}")
    for key in FRACTIONS:
        if not 0 <= getattr(preset, key) <= 1:
            raise PoseError(f"{option(key)} {getattr(preset, key)}: must lie between 0 and 1")
    for key, most in REACHES.items():
        if not 0 <= getattr(preset.augmentation, key) <= most:
            raise PoseError(f"{option(key)} {getattr(preset.augmentation, key)}: must lie between 0 and {most:g}")
    for key, choices in CHOICES.items():
        if getattr(preset, key) not in choices:
            raise PoseError(f"{option(key)} {getattr(preset, key)}: unknown; choose {' or '.join(choices)}")
    if preset.continue_head and not preset.continue_stage:
        raise PoseError("--continue-head: a head is of use on its own network alone; add --continue-stage")
    if not 1 <= preset.margin <= MAX_MARGIN:
        raise PoseError(f"--margin {preset.margin}: must lie between 1, the input alone, and {MAX_MARGIN}")
    return preset


def option(key: str) -> str:
    """The command line's option for a field: `--later-rate` for `later_rate`."""
    return f"--{key.replace('_', '-')}"
