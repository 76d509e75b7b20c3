"""`ief train`: prepared data -> trained stages, predictions of the validation split and their scores."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from checkpoints.errors import PoseError
from checkpoints.imagenet import STRIDES, PretrainedWeights, download_pretrained_weights, load_pretrained_weights
from heads.methods import METHODS
from heads.skeleton import MPII
from ief.model.run_folder import STAGES
from ief.reporting.scoring import print_summary, score_run
from ief.training.determinism import deterministic_algorithms
from ief.training.distributed import choose_device, joined_processes
from ief.training.job import Job
from ief.training.presets import PRESETS, REACHES, Preset, preset_called
from ief.training.stopping import TIME_UP, Stopping
from ief.training.training import train_stage
from mpii_tools.prepared.read import load_prepared, read_description

EXAMPLE = """ief train --data data/mpii --run runs/all --preset paper
several GPUs: torchrun --nproc-per-node 8 -- -m ief train --data data/mpii --run runs/all"""

# Options that replace a preset's field of the same name.
CHANGES = (
    "backbone",
    "passes",
    "batch",
    "optimizer",
    "learning_rate",
    "weight_decay",
    "schedule",
    "warmup",
    "averaging",
    "later_rate",
    "new_rate",
    "sigma",
    "perturbation",
    "continue_stage",
    "continue_head",
    "reduction",
    "penalty",
    "precision",
    "compile",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    configure_training(parser)
    parser.add_argument(
        "--stage",
        default="both",
        metavar="K|both",
        help="train stage K alone: 0, 1, ... (default: all --stages)",
    )
    parser.add_argument("--method", default="all", choices=METHODS, help="a row of Table 1 (default: all)")


def configure_training(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments that every training has."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="what `ief prepare` wrote")
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="run folder; an unfinished one goes on")
    parser.add_argument("--stages", type=int, default=STAGES, metavar="N", help=f"of the cascade (default: {STAGES})")
    parser.add_argument("--preset", default="paper", choices=PRESETS, help="see ief/README.md (default: paper)")
    parser.add_argument(
        "--weights",
        default="imagenet",
        metavar="FILE|imagenet|none",
        help="pretrained weights: a .safetensors or .pth file of a torchvision ResNet, torchvision's download, "
        "or random (default: imagenet)",
    )
    parser.add_argument(
        "--stride", choices=STRIDES, help="where the stride of --weights sits, if the file does not say"
    )
    parser.add_argument("--seed", type=int, default=0, help="of order, augmentation and random weights (default: 0)")
    parser.add_argument(
        "--deterministic",
        action="store_true",
        help="the same weights bit for bit in every run and with any number of threads; slower: one CPU thread",
    )
    parser.add_argument("--device", help="cpu, cuda, cuda:1, ... (default: a GPU where there is one)")
    parser.add_argument(
        "--checkpoint-seconds", type=float, default=60.0, metavar="S", help="time between saved states (default: 60)"
    )
    parser.add_argument(
        "--stop-after",
        type=float,
        metavar="MINUTES",
        help=f"save and exit with status {TIME_UP} when the time is up; the same command goes on",
    )
    group = parser.add_argument_group("changes to the preset")
    kinds = {field.name: field.type for field in fields(Preset)}
    for name in CHANGES:
        option, kind = f"--{name.replace('_', '-')}", kinds[name]
        if kind == "bool":
            group.add_argument(option, action=argparse.BooleanOptionalAction)
        else:
            group.add_argument(option, type={"int": int, "float": float}.get(kind, str), metavar=kind.upper())
    for name in REACHES:
        group.add_argument(f"--{name}", type=float, metavar="FLOAT", help="of the augmentation")


def run(args: argparse.Namespace) -> None:
    """Train the stages that are not trained yet, then predict and score the validation split."""
    preset, stages = chosen_preset(args), chosen_stages(args.stage, args.stages)
    with training_job(args, preset, args.method) as job:
        for index in stages:
            train_stage(index, job, preset)
        if job.processes.first and "valid" in read_description(args.data)["splits"]:
            print_summary(score_run(args.run, load_prepared(args.data, "valid"), job.device))


def chosen_preset(args: argparse.Namespace) -> Preset:
    """The preset that the arguments name, with their changes."""
    return preset_called(args.preset, **{name: getattr(args, name) for name in (*CHANGES, *REACHES)})


def chosen_stages(stage: str, stages: int) -> list[int]:
    """The stages to train: all of them for `both`, else the one named. Raises PoseError for one that cannot be."""
    if stages < 1:
        raise PoseError(f"--stages {stages}: must be 1 or more")
    if stage == "both":
        return list(range(stages))
    if not stage.isdecimal():
        raise PoseError(f"--stage {stage}: must be a stage's number, 0, 1, ..., or both")
    return [int(stage)]


@contextmanager
def training_job(args: argparse.Namespace, preset: Preset, method: str) -> Iterator[Job]:
    """The job that the arguments describe: its processes joined, its signals heard, for the length of a `with`.

    Raises:
        PoseError: where the data are not prepared, or their joints are not MPII's.
    """
    device = choose_device(args.device)
    with (
        Stopping(args.stop_after).listening() as stopping,
        deterministic_algorithms(args.deterministic),
        joined_processes(device) as processes,
    ):
        data = load_prepared(args.data, "train")
        if data.people.joint_names != MPII.names:
            raise PoseError(f"{args.data}: its joints are not MPII's 16; `ief prepare` writes those")
        weights = pretrained_weights(args, preset)
        yield Job(
            data,
            MPII,
            method,
            args.run,
            args.seed,
            weights,
            device,
            processes,
            args.checkpoint_seconds,
            args.deterministic,
            stopping,
        )


def pretrained_weights(args: argparse.Namespace, preset: Preset) -> PretrainedWeights | None:
    """What `--weights` names."""
    if args.weights == "none":
        return None
    if args.weights == "imagenet":
        return download_pretrained_weights(preset.backbone)
    return load_pretrained_weights(args.weights, args.stride)
