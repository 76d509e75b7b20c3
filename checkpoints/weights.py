"""Which weights are taken where none are named, and what a run says of itself. No network is loaded here."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType

from safetensors import SafetensorError, safe_open

from checkpoints import PoseError, import_extra, name_corrupt, read_text

RELEASED = Path(__file__).parent / "released"  # installed with the package, where there is any
MAX_SIZE = 4096  # pixels of a network's input
HUB = "hf:"  # before OWNER/NAME: a model on a hub of Hugging Face's kind


def find_run(run: str | Path | None = None) -> Path:
    """The folder of a run, or the .onnx file, that a user means: a path, `hf:owner/name`, or None for the released one.

    Raises:
        PoseError: none is released with this installation, the path is none, or the hub cannot be reached.
    """
    if run is None and not (RELEASED / "stage0").exists():
        raise PoseError(
            f"{RELEASED}: no weights are released with this version; train a run and give it (--run DIR, or "
            "PosePredictor.load(DIR)), or an exported model (--onnx FILE, or PosePredictor.load(FILE))"
        )
    if str(run).startswith(HUB):
        return fetch_run(str(run).removeprefix(HUB))
    path = RELEASED if run is None else Path(run).expanduser()
    if not path.exists():
        raise PoseError(f"{path}: no such file or folder; check the path")
    return path


def fetch_run(name: str) -> Path:
    """The folder of a model on the hub, from its cache or by a download. Raises PoseError if neither works."""
    with open_hub(name, "fetched", "check name and network") as hub:
        return Path(hub.snapshot_download(name, allow_patterns=["stage*/stage.safetensors", "*.json", "README.md"]))


def push_run(folder: Path, name: str) -> str:
    """Upload a release to `owner/name` on the hub, and return its address. Raises PoseError if that fails."""
    with open_hub(name, "written", "log in to the hub") as hub:
        hub.HfApi().create_repo(name, exist_ok=True)
        return str(hub.HfApi().upload_folder(repo_id=name, folder_path=folder))


@contextmanager
def open_hub(name: str, done: str, advice: str) -> Iterator[ModuleType]:
    """The module `huggingface_hub`. Raises PoseError where it is not installed, or when what is done with it fails."""
    package = import_extra("huggingface_hub", "hub")
    try:
        yield package
    except (OSError, ValueError) as error:  # what the hub raises is one or the other
        raise PoseError(f"{HUB}{name}: cannot be {done} ({str(error).splitlines()[0]}); {advice}") from error


def read_header(file: Path) -> dict:
    """The description in the header of a stage's file; the weights are not looked at.

    Raises:
        PoseError: no stage of this project, or corrupt.
    """
    with name_corrupt(file, "copy or train it again", SafetensorError), safe_open(file, framework="np") as stage:
        return json.loads((stage.metadata() or {})["description"])


def describe_run(run: Path) -> str:
    """A line: the run's name, what it was trained on, its input's size, and its score where metrics.json has one."""
    files = sorted(run.glob("stage*/stage.safetensors"))
    if not files or "people" not in (header := read_header(files[-1])).get("training", {}):
        return f"{run}: {'stages of an unknown training' if files else 'an exported model'}"
    training = header["training"]
    trained_on = header.get("trained_on") or f"`{training['data']}`"
    parts = [f"{training['people']:,} people of {trained_on}", f"{header['design']['size']} px"]
    with suppress(OSError, ValueError, KeyError, IndexError, TypeError):  # a run that was not scored
        scores = list(json.loads(read_text(run / "metrics.json")).values())[-1]
        name = "pckh" if "pckh" in scores else "pck"
        threshold, values = next(iter(scores[name].items()))
        score = f"{name.replace('pck', 'PCK')}@{threshold} {values['groups']['Mean']:.1f}"
        parts.append(f"{score} of {scores['persons']:,} validation people")
    return f"{header.get('name') or run}: {', '.join(parts)}"
