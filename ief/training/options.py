"""Every option of a training, declared once, and the presets: `paper` is the paper's, the others give what they change.

The command line, the checks, the page's table (`python -m ief.training.options`) and the record in a run all come
from the fields of `RunConfig` (on what a run is trained, from what) and of its `Preset` (how a stage trains).
`RUN/config.json` holds them all. Nothing here imports torch.
"""

import dataclasses
import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from checkpoints import PoseError, read_text, write_text
from heads.pairs import METHODS
from ief.training.software import describe_software
from mpii_tools.prepared.ranges import Augmentation


def option(
    default: Any, help: str, *, above: float | None = None, low: float = 0, high: float = 1, choices=(),
    of: type | None = None,
) -> Any:  # fmt: skip
    """A dataclass field that is an option, with what a user must know of it.

    Args:
        default: the paper's value, whose type is the option's.
        help: one sentence, without its range and default.
        above: the bound that a number must exceed; None takes `low`, which it may equal.
        low, high: the smallest and largest value of a number.
        choices: the names that a text may be; none for any.
        of: the option's type if its default is None, and not a text's.
    """
    return dataclasses.field(default=default, metadata={"help": help, "above": above, "low": low, "high": high,
                                                        "choices": choices, "of": of})  # fmt: skip


TYPES = {str: "a name", int: "a whole number", float: "a number", bool: "true or false", tuple: "a list of numbers"}


def check_options(config: object, options: dict[str, dataclasses.Field]) -> None:
    """Check every option of a dataclass, given as name -> field.

    Raises:
        PoseError: naming the option whose value is of another type than its default, out of range or not a choice.
    """
    for name, entry in options.items():
        value, wanted = getattr(config, name), option_type(entry)
        if value is None and entry.default is None:
            continue
        numbers = value if type(value) is tuple else (value,)
        allowed = (int, float) if wanted in (float, tuple) else (wanted,)
        if (type(value) is tuple) != (wanted is tuple) or not all(type(number) in allowed for number in numbers):
            raise PoseError(f"{spell_flag(name)} {value}: must be {TYPES[wanted]}")
        above, low, high, choices = (entry.metadata[key] for key in ("above", "low", "high", "choices"))
        if int in allowed and not all(low <= x <= high and (above is None or x > above) for x in numbers):
            raise PoseError(f"{spell_flag(name)} {value}: must be {describe_range(entry)}")
        if choices and value not in choices:
            raise PoseError(f"{spell_flag(name)} {value}: unknown; choose {' or '.join(choices)}")


def option_type(field: dataclasses.Field) -> type:
    """The type of an option's values: its default's; if that is None the one it gives, or a name."""
    return (field.metadata["of"] or str) if field.default is None else type(field.default)


def describe_range(field: dataclasses.Field) -> str:
    """An option's range in words: `from 0 to 1`, `sgd or adamw`; empty for a name or a switch."""
    above, low, high, choices = (field.metadata[name] for name in ("above", "low", "high", "choices"))
    if option_type(field) in (str, bool):
        return " or ".join(choices)
    return f"from {low:g} to {high:g}" if above is None else f"above {above:g}, at most {high:g}"


def spell_flag(name: str) -> str:
    """The command line's spelling of a field: `--lr-mult-later` for `lr_mult_later`."""
    return f"--{name.replace('_', '-')}"


@dataclass(frozen=True)
class Preset:
    """How a stage is built and trained. The defaults are the paper's (Section 4, "Training" and "Data Processing").

    Raises:
        PoseError: for a value that no training can have; it names the option.
    """

    backbone: str = option("resnet50", "network of every stage: a torchvision ResNet, or a CNN of timm as timm:NAME")
    size: int = option(224, "side of the network's input in pixels", above=0, high=2048)
    margin: float = option(1.5, "side of a prepared crop / side of the input, the room to augment", low=1, high=4)
    sigma: float = option(0.1, "std of the heatmaps / side of the input (0.1 as in IEF, Carreira et al.)", above=0)
    epochs: float = option(500.0, "times a stage sees each person of --data; the paper's 25 epochs repeat each person "
                           "of MPII 20 times, of Human3.6M 4 times",
                           above=0, high=100_000)  # fmt: skip
    batch_size: int = option(64, "samples per step, over all processes", above=0, high=65_536)
    optimizer: str = option("sgd", "sgd (momentum 0.9) or adamw", choices=("sgd", "adamw"))
    lr: float = option(0.03, "learning rate of stage 0", above=0, high=1e30)
    lr_mult_later: float = option(1.0, "learning rate of stages t > 0 / that of stage 0", above=0, high=100)
    lr_mult_new: float = option(1.0, "learning rate of what starts new in a stage (head, heatmap half of the first "
                                "convolution) / that of the ResNet", above=0, high=1000)  # fmt: skip
    weight_decay: float = option(0.0002, "weight decay of the optimizer")
    schedule: str = option("steps", "steps (lr x 0.1 at each milestone) or cosine (to zero)",
                           choices=("steps", "cosine"))  # fmt: skip
    milestones: tuple[float, ...] = option((10 / 25, 20 / 25), "fractions of the training at which lr falls, for steps")
    warmup: float = option(0.0, "fraction of the training over which lr rises from zero")
    ema: float = option(0.0, "time constant of the moving average of the weights that is kept / length of the "
                        "training; 0 keeps the last weights")  # fmt: skip
    keep: str = option("last", "weights that a stage keeps: the last, or the best validated (PCKh@0.5), of their "
                       "moving average where there is one", choices=("last", "best"))  # fmt: skip
    patience: int = option(0, "validations in a row without a better score (PCKh@0.5; of 3D people the error in mm) "
                           "after which a stage ends early; 0 for never", high=100_000)  # fmt: skip
    reduction: str = option("constant", "a sample's loss: the sum over its annotated pairs over the constant number "
                            "of pairs (Eq. 8 with a scaled rate), their mean, or their sum (Eq. 8 as written)",
                            choices=("mean", "constant", "sum"))  # fmt: skip
    loss: str = option("l1", "what an error of a pair costs: l1, soft_l1 (smooth about zero) or rle (residual "
                       "log-likelihood)", choices=("l1", "soft_l1", "rle"))  # fmt: skip
    origin_share: float = option(0.0, "share of the loss in `all` on the pairs with the origin, which say where the "
                                 "body is; 0 weighs all pairs alike, which gives them 12 %", high=0.99)  # fmt: skip
    origin: str = option("corner", "J_0 of people in 3D: the corner of the crop, or the root joint, as in the paper, "
                         "where no --also asks for a place in the image", choices=("corner", "root"))  # fmt: skip
    perturb: float = option(0.0, "std of the noise on y_t while stage t > 0 trains / side of the input")
    start_errors: float = option(0.0, "share of the samples of which stage t > 0 is shown the ground truth with "
                                 "errors, to correct other programs' poses (`ief predict --start`)")  # fmt: skip
    continue_backbone: bool = option(False, "start stage t > 0 from the previous stage's ResNet, not from ImageNet's")
    continue_head: bool = option(False, "keep the previous stage's head too: stage t > 0 then regresses the pose with "
                                 "y_t in view, not a correction of y_t")  # fmt: skip
    pose_indexed: bool = option(False, "stage t > 0 also reads the features at and around the joints of y_t")
    precision: str = option("fp32", "fp32, or bf16 if the device multiplies it natively", choices=("fp32", "bf16"))
    compile: bool = option(False, "train through torch.compile: a minute at the start, faster steps on a GPU")
    translation: float = option(0.02, "augmentation: largest shift each way / side of the input")
    scale: float = option(0.25, "augmentation: the zoom is drawn from 1 +- this", high=0.9)
    rotation: float = option(30.0, "augmentation: largest rotation each way in degrees", high=180)
    flip: float = option(0.5, "augmentation: probability of a mirror image")
    color: float = option(0.0, "augmentation: largest change of contrast and brightness")
    occlusion: float = option(0.0, "augmentation: probability that a rectangle is hidden")
    half_body: float = option(0.0, "augmentation: probability that half of the body, upper or lower, fills the crop")

    def __post_init__(self) -> None:
        check_options(self, {field.name: field for field in fields(self)})
        if self.continue_head and not self.continue_backbone:
            raise PoseError("--continue-head: a head works on its own network only; add --continue-backbone")

    @property
    def augmentation(self) -> Augmentation:
        """The ranges of the augmentation's random draws."""
        return Augmentation(**{field.name: getattr(self, field.name) for field in fields(Augmentation)})


SWIFT = Preset(
    sigma=0.08,
    epochs=40.0,
    optimizer="adamw",
    lr=5e-4,
    weight_decay=0.05,
    lr_mult_later=0.3,
    schedule="cosine",
    warmup=0.05,
    ema=0.05,
    reduction="mean",
    origin_share=0.5,
    continue_backbone=True,
    precision="bf16",
)
BEST = replace(SWIFT, lr_mult_later=1.0, continue_head=True)
MPII_256 = replace(BEST, size=256, epochs=210.0, loss="rle")
DEMO = replace(
    BEST,
    backbone="resnet18",
    size=64,
    epochs=12.0,
    batch_size=32,
    lr=1e-3,
    precision="fp32",
    scale=0.15,
    rotation=15.0,
)
# Section 4, "Training" and "Data Processing": 25 epochs, of which each shows a person of Human3.6M 4 times.
PAPER_3D = Preset(epochs=100.0, origin="root")
PRESETS = {"paper": Preset(), "paper3d": PAPER_3D, "swift": SWIFT, "best": BEST, "mpii256": MPII_256, "demo": DEMO}
PURPOSES = """paper, the paper's schedule; paper3d, that of its 3D half; swift, for short budgets; best, what won at
    short budgets; mpii256, the one that MPII should get, on a GPU; demo, for drawn people in minutes"""
STAGES = {"paper3d": 1}  # the paper's 3D half has no cascade; 2 of the other presets
OF_PREPARE = ("size", "margin")  # options of `ief prepare`: a training takes the prepared data's
OPTIONS = {entry.name: entry for entry in fields(Preset)}
MADE_BY = ("device", "software")  # keys of config.json: what the machine decided, and by which versions


@dataclass(frozen=True)
class RunConfig:
    """What a run is trained on and from; `options` tells how.

    Raises:
        PoseError: for a value that no run can have; it names the option.
    """

    data: str = option("", "folder that `ief prepare` wrote")
    also: str | None = option(
        None,
        "another folder that `ief prepare` wrote: half of each batch comes from it; epochs "
        "count the people of --data; with depth in either the poses are 3D",
        of=str,
    )
    method: str = option("all", "row of Table 1: what is regressed and compared", choices=tuple(METHODS))
    stages: int = option(2, "number of stages in the cascade; 1 with the preset paper3d", low=1, high=100)
    weights: str = option("imagenet", "weights to start from: a run or its stage.safetensors (each stage from its own, "
                          "or the last; with the head where skeletons match), a ResNet in a .safetensors or .pth file, "
                          "imagenet (torchvision's download), or none (random weights)")  # fmt: skip
    stride: str | None = option(None, "convolution that has the stride in --weights, if the file does not tell",
                                choices=("1x1", "3x3"))  # fmt: skip
    seed: int = option(0, "seed of order, augmentation and random weights", high=2**31 - 1)
    deterministic: bool = option(False, "the same weights bit for bit in every run and with any number of threads; "
                                 "slower: one CPU thread")  # fmt: skip
    validate_every: float | None = option(None, "epochs between two validations, 0 for none (default: the fewest whole "
                                          "epochs at which all of them take at most 3 % of the time, by the numbers of "
                                          "people and stages, counting a backward as two forwards)", high=100_000,
                                          of=float)  # fmt: skip
    tensorboard: bool = option(False, "write loss, lr, metrics and some people to RUN/stageK/tensorboard")
    log: str | None = option(None, "also write them to this logger; wandb is pip install wandb",
                             choices=("tensorboard", "wandb"))  # fmt: skip
    preset: str = option("paper", f"values of the options below unless they are given: {PURPOSES}",
                         choices=tuple(PRESETS))  # fmt: skip
    options: Preset = field(default_factory=Preset)

    def __post_init__(self) -> None:
        check_options(self, RUN_OPTIONS)


RUN_OPTIONS = {entry.name: entry for entry in fields(RunConfig) if entry.metadata}


def read_config(path: Path | None) -> RunConfig:
    """The options in a config.json; the defaults if there is no path.

    Raises:
        PoseError: a file that is missing or corrupt, or an unknown or impossible option.
    """
    if path is None:
        return RunConfig()
    try:
        stored = {name: value for name, value in json.loads(read_text(path)).items() if name not in MADE_BY}
        options = {name: tuple(value) if isinstance(value, list) else value
                   for name, value in stored.pop("options").items()}  # fmt: skip
        return RunConfig(**stored, options=Preset(**options))
    except PoseError as error:
        raise PoseError(f"{path}: {error}") from error
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise PoseError(f"{path}: not a config.json that `ief train` wrote ({error}); give another, or none") from error


def write_config(folder: Path, config: RunConfig, device: dict[str, str]) -> Path:
    """Write a run's config.json: every option, and by which versions of which commit it is trained.

    Args:
        config: with the values in force.
        device: what the machine decided, told and not taken back: another one decides for itself.

    Raises:
        PoseError: when the disk refuses.
    """
    made_by = dict(zip(MADE_BY, (device, describe_software()), strict=True))
    return write_text(folder / "config.json", json.dumps({**asdict(config), **made_by}, indent=1) + "\n")


def change_config(config: RunConfig, /, **changes: object) -> RunConfig:
    """A configuration with other values of some options, a run's or a preset's: `change_config(config, epochs=3.0)`.

    Another preset replaces all of the configuration's options, before the single ones are applied.

    Raises:
        PoseError: for an unknown option, or a value that no run can have.
    """
    known = {**RUN_OPTIONS, **OPTIONS}
    if unknown := sorted(changes.keys() - known.keys()):
        raise PoseError(f"unknown option '{unknown[0]}'; a training has {', '.join(known)}")
    for name, value in changes.items():  # 3 epochs are 3.0, and JSON has lists for tuples
        if option_type(known[name]) is float and type(value) is int:
            changes[name] = float(value)
        elif isinstance(value, (list, Path)):
            changes[name] = tuple(value) if isinstance(value, list) else str(value)
    options = {name: changes.pop(name) for name in OPTIONS if name in changes}
    base, preset = config.options, changes.get("preset")
    if preset in PRESETS:
        base, changes = PRESETS[preset], {"stages": STAGES.get(preset, config.stages), **changes}
    return replace(config, **changes, options=replace(base, **options))


def format_value(value: object) -> str:
    """A value as the help and the table print it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " ".join(map(format_value, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def options_table() -> str:
    """Markdown: each option that a preset changes, and its values; an empty cell is the paper's."""
    lines = [f"| option | {' | '.join(f'`{name}`' for name in PRESETS)} |", f"|---|{'---|' * len(PRESETS)}"]
    for name in OPTIONS:
        first, *values = [format_value(getattr(preset, name)) for preset in PRESETS.values()]
        if {*values} != {first}:
            told = [first, *("" if value == first else value for value in values)]
            lines.append(f"| `{spell_flag(name)}` | {' | '.join(told)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(options_table())
