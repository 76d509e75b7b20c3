"""`RUN/config.json`: every option of a run, which `ief train --config FILE` takes back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from checkpoints.errors import PoseError
from checkpoints.files import read_text, write_text
from heads.pairs import METHODS
from ief.training.presets import PRESETS, STAGES, Preset, check_options, option

NAME = "config.json"
DEVICE = "device"  # key of what the machine decided


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
    preset: str = option("paper", "values of the options below unless they are given", choices=tuple(PRESETS))
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
        fields_read = json.loads(read_text(path))
        fields_read.pop(DEVICE, None)
        options = {name: tuple(value) if isinstance(value, list) else value
                   for name, value in fields_read.pop("options").items()}  # fmt: skip
        return RunConfig(**fields_read, options=Preset(**options))
    except PoseError as error:
        raise PoseError(f"{path}: {error}") from error
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise PoseError(f"{path}: not a config.json that `ief train` wrote ({error}); give another, or none") from error


def write_config(run: Path, config: RunConfig, options: dict[str, object], device: dict[str, str]) -> Path:
    """Write `RUN/config.json`.

    Args:
        config: of the run.
        options: the values in force of `config.options`.
        device: what the machine decided, told and not taken back: another one decides for itself.

    Raises:
        PoseError: when the disk refuses.
    """
    return write_text(run / NAME, json.dumps({**asdict(config), "options": options, DEVICE: device}, indent=1) + "\n")


def changed(config: RunConfig, given: dict[str, object], options: dict[str, object]) -> RunConfig:
    """A configuration with what the command line gives: its own fields, and a preset's.

    A preset that is given replaces all of the configuration's options, before the single ones are applied.

    Raises:
        PoseError: for a value that no run can have.
    """
    base = PRESETS.get(given["preset"], config.options) if "preset" in given else config.options
    if given.get("preset") in STAGES:
        given = {"stages": STAGES[given["preset"]], **given}
    return replace(config, **given, options=replace(base, **options))
