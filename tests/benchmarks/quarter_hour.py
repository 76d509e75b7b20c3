"""Weights and a Table 7 from a quarter of an hour of a GPU, elsewhere than the data are.

Here, once, for each dataset, which `ief prepare` wrote:

    python tests/benchmarks/quarter_hour.py pack DATA PARTS         # JPEGs of its crops, files of at most 50 MiB

There, in one command or in several; each resumes what a shorter one began:

    python tests/benchmarks/quarter_hour.py weights PARTS OUT --start RUN --minutes 6
    python tests/benchmarks/quarter_hour.py table7 PARTS OUT --start RUN --minutes 5 --size 128

`weights` trains stage 0 by l1 and stage 1, which keeps the head, by rle, and leaves OUT/released with its card and
OUT/pieces, the released files in pieces of 15 MiB (`cat PIECES > FILE` joins them). `table7` trains the variants of
stage 1 from one stage 0, then the five methods; OUT/results.md and OUT/report. Both need torch, torchvision, Pillow
and what training needs, no OpenCV. A ResNet-50 does 2,200 images/s at 224 px on one H200 (ief/benchmarks/SPEED.md),
so that six minutes are about 30 epochs of 10,000 people at 192 px for each of two stages.
"""

import argparse
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from checkpoints.errors import PoseError
from checkpoints.files import write_text
from heads.pairs import METHODS
from ief.training.options import RunConfig, change_config
from ief.training.plan import epochs_for_budget
from ief.training.runtime import open_runtime
from ief.training.stage_config import StageConfig, load_training_data
from ief.workflow.release import release
from ief.workflow.training import train
from mpii_tools.annotations.people_file import DESCRIPTION, depth_path, read_description, split_files
from mpii_tools.prepared.read import load_prepared, sum_files, write_crops

PART, PIECE, QUALITY = 50 << 20, 15 << 20, 92  # bytes; JPEG's
TOGETHER = 5  # trainings at a time: one alone leaves the GPU waiting for Python
VARIANTS = {  # of stage 1, beside the paper's own
    "paper": ["--no-continue-head", "--no-continue-backbone"],
    "new": ["--no-continue-head"],
    "errors": ["--no-continue-head", "--pose-indexed", "--start-errors", "1"],
    "kept": [],
    "kept-rle": ["--loss", "rle"],
}


def pack(data: Path, parts: Path) -> list[Path]:
    """Write a prepared dataset as files `part-NNN.npz` of some MiB, with JPEGs for its crops; returns them."""
    parts.mkdir(parents=True, exist_ok=True)
    description, files, held = read_description(data), [], []
    for split in description["splits"]:
        people, depth, _ = split_files(data, split, split in description["second"])
        for file, name in ((people, f"{split}.npz"), (depth, depth_path(f"{split}.npz").name)):
            if file.is_file():
                shutil.copyfile(file, parts / name)
        for start, images in cut(encode(load_prepared(data, split).crops)):
            files.append(parts / f"part-{len(files):03}.npz")
            lengths = np.array([len(image) for image in images])
            pixels = np.frombuffer(b"".join(images), np.uint8)
            np.savez(files[-1], split=split, start=start, lengths=lengths, pixels=pixels)
            held.append([split, start, len(images)])
    described = {name: value for name, value in description.items() if name not in ("sums", "second")}
    write_text(parts / DESCRIPTION, json.dumps({**described, "parts": held}))
    return files


def encode(crops: np.ndarray) -> Iterator[bytes]:
    """Crops (N, S, S, 3) uint8 RGB as JPEGs."""

    def to_jpeg(crop: np.ndarray) -> bytes:
        Image.fromarray(crop).save(buffer := io.BytesIO(), "jpeg", quality=QUALITY)
        return buffer.getvalue()

    with ThreadPoolExecutor() as pool:
        yield from pool.map(to_jpeg, crops)


def cut(images: Iterator[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """Images in lists of at most PART bytes, with the number of each list's first."""
    start, held, size = 0, [], 0
    for image in images:
        if held and size + len(image) > PART:
            yield start, held
            start, held, size = start + len(held), [], 0
        held.append(image)
        size += len(image)
    if held:
        yield start, held


def unpack(parts: Path, data: Path, size: int | None) -> Path:
    """Write the prepared dataset again that `pack` packed, with crops of another size if one is given; returns it.

    Raises:
        PoseError: when a part is missing.
    """
    if (data / DESCRIPTION).exists():
        return data
    description = json.loads((parts / DESCRIPTION).read_text(encoding="utf-8"))
    if missing := [number for number in range(len(description["parts"])) if not part(parts, number).exists()]:
        raise PoseError(f"{parts}: part {missing[0]} of {len(description['parts'])} is missing; carry it here")
    ratio = (size or description["input"]) / description["input"]
    border, inner = round(description["border"] * ratio), round(description["input"] * ratio)
    data.mkdir(parents=True, exist_ok=True)
    sums = {}
    for split in description["splits"]:
        people, depth, crops = split_files(data, split)
        for file in (people, depth):
            if (parts / file.name).is_file():
                shutil.copyfile(parts / file.name, file)
        _, crc = write_crops(crops, inner + 2 * border, decode(parts, description["parts"], split, inner + 2 * border))
        sums[split] = sum_files(people, crc)
    description |= {"input": inner, "border": border, "sums": sums}
    write_text(data / DESCRIPTION, json.dumps(description))
    return data


def part(parts: Path, number: int) -> Path:
    """Where a part is."""
    return parts / f"part-{number:03}.npz"


def decode(parts: Path, held: list[list], split: str, side: int) -> Iterator[np.ndarray]:
    """A split's crops (side, side, 3) uint8, in order."""

    def from_jpeg(image: bytes) -> np.ndarray:
        crop = Image.open(io.BytesIO(image)).convert("RGB")
        return np.asarray(crop if crop.width == side else crop.resize((side, side), Image.Resampling.BOX))

    with ThreadPoolExecutor() as pool:
        for number, (owner, _, _) in enumerate(held):
            if owner == split:
                with np.load(part(parts, number), allow_pickle=False) as arrays:
                    ends, pixels = np.cumsum(arrays["lengths"]), arrays["pixels"].tobytes()
                starts = [0, *ends[:-1]]
                yield from pool.map(from_jpeg, (pixels[a:b] for a, b in zip(starts, ends, strict=True)))


def train_weights(data: Path, out: Path, config: RunConfig, minutes: float, stop_after: float | None) -> None:
    """Both stages in `minutes`, released as int8 and cut into pieces."""
    run = out / "run"
    with open_runtime() as runtime:
        measured = StageConfig(change_config(config, loss="rle"), load_training_data(config), run)
        epochs = epochs_for_budget(minutes, [measured], runtime, out / "budget.json")
    for stage, loss in enumerate(("l1", "rle")):
        train(run, config, only=[stage], stop_after=stop_after, epochs=epochs, loss=loss)
    if not (out / "released").exists():
        release(run, out / "released", [data], "of the training data; see the notes", name=f"{config.method} {data}")
    (out / "pieces").mkdir(exist_ok=True)
    for file in sorted((out / "released").rglob("*.safetensors")):
        content = file.read_bytes()
        for number, start in enumerate(range(0, len(content), PIECE)):
            name = f"{file.parent.name}-{file.stem}-{number}"
            (out / "pieces" / name).write_bytes(content[start : start + PIECE])


def train_table7(data: Path, out: Path, config: RunConfig, minutes: float, options: list[str]) -> None:
    """The variants of stage 1 from one stage 0, scored; then the five methods, for the rest of the minutes."""
    stages = 1 + len(VARIANTS) + 2 * 4  # of `all` stage 0 and `kept` are there
    with open_runtime() as runtime:
        measured = StageConfig(config, load_training_data(config), out / "all")
        epochs = epochs_for_budget(minutes * 2 / stages * TOGETHER / 2, [measured], runtime, out / "budget.json")
    common = ["--data", str(data), "--epochs", str(epochs), "--validate-every", "0", *options]
    launch([["train", "--run", str(out / "all"), "--stage", "0", *common]])
    variants = []
    for name, changes in VARIANTS.items():
        run = out / "variants" / name
        if not run.exists():
            shutil.copytree(out / "all" / "stage0", run / "stage0")
        variants.append(["train", "--run", str(run), "--stage", "1", *common, *changes])
    methods = [["train", "--run", str(out / name), *common, "--method", name] for name in METHODS]
    launch([*variants, *methods])
    lines = []
    for name in VARIANTS:
        command = [sys.executable, "tests/benchmarks/corrections.py", str(out / "variants" / name), str(data)]
        lines.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    write_text(out / "results.md", "".join(lines))
    launch([["report", *(str(out / name) for name in METHODS), "--data", str(data), "--out", str(out / "report")]])


def launch(commands: list[list[str]]) -> None:
    """Run `ief` with each of these arguments, TOGETHER at a time. Raises CalledProcessError for one that fails."""
    with ThreadPoolExecutor(TOGETHER) as pool:
        runs: list[Future] = [
            pool.submit(subprocess.run, [sys.executable, "-m", "ief", *arguments], check=True) for arguments in commands
        ]
        for run in runs:
            run.result()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("pack", "weights", "table7"))
    parser.add_argument("source", type=Path, help="a prepared folder for `pack`, its parts for the others")
    parser.add_argument("out", type=Path)
    parser.add_argument("--start", default="checkpoints/released", help="weights to start from, as `ief train` has it")
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--size", type=int, help="side of the input, if not that of the parts")
    parser.add_argument("--stop-after", type=float, help="minutes after which to save and stop")
    parser.add_argument("--backbone", default="resnet50")
    parser.add_argument("--batch-size", type=int)
    args = parser.parse_args()
    if args.what == "pack":
        print(*pack(args.source, args.out), sep="\n")
        sys.exit()
    args.out.mkdir(parents=True, exist_ok=True)
    data = unpack(args.source, args.out / "data", args.size)
    batch = args.batch_size or (256 if args.what == "weights" else 64)
    shared = {"preset": "best", "backbone": args.backbone, "batch_size": batch, "weights": args.start}
    config = change_config(RunConfig(), data=data, **shared, lr=5e-4 * (batch / 64) ** 0.5)
    if args.what == "weights":
        train_weights(data, args.out, config, args.minutes, args.stop_after)
    else:
        options = [word for name, value in shared.items() for word in (f"--{name.replace('_', '-')}", str(value))]
        train_table7(data, args.out, config, args.minutes, options)
