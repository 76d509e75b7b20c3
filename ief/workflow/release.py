"""A run -> weights for everybody, in a quarter of their room, with a model card that says what they are good for."""

import json
import textwrap
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from checkpoints import PoseError, require_file, write_text
from checkpoints.weights import read_header
from evaluation import Bootstrap
from evaluation.metrics import Json, Scores, calibration
from evaluation.report.tables import cell, groups_table, readable, summary_table
from heads.skeleton import MPII
from ief.inference.predictor import PosePredictor
from ief.inference.score_map import ScoreMap, share_right
from ief.model.device import choose_device
from ief.model.run_folder import load_cascade, open_release, release_stages
from ief.reporting.evaluate import list_oks
from ief.reporting.scoring import ground_truth, name_stages, score_oks, score_poses, to_tree
from mpii_tools.prepared.read import PreparedSplit, load_prepared

WIDTH = 100  # columns of the card
LEAST = 55.0  # PCKh@0.5 in % below which it warns


def release(
    run: Path,
    out: Path,
    data: Sequence[Path],
    license: str,
    *,
    name: str | None = None,
    trained_on: str | None = None,
    storage: str = "int8",
    notes: Path | None = None,
    device: str | None = None,
) -> list[Path]:
    """Write a run's stages rounded, score what is loaded from them, calibrate its scores, and write the card.

    Args:
        run: with finished stages.
        out: folder to write, without a release.
        data: prepared datasets, whose validation people score the weights; the scores of joints are calibrated on the
            first one's.
        license: of the training data, for the card.
        name: of the weights; None for the run's folder.
        trained_on: the training data in words; None for the prepared data's name.
        storage: one of `checkpoints.tensors.STORAGES`.
        notes: a file of Markdown for the end of the card.
        device: to predict on; None for a GPU if there is one.

    Returns:
        the files.

    Raises:
        PoseError: a run of other joints than MPII's, data that cannot be read or do not fit, and as `release_stages`
            does.
    """
    more = require_file(notes).read_text(encoding="utf-8") if notes else ""
    splits = [load_prepared(folder, "valid") for folder in data]
    before = PosePredictor.of(load_cascade(run).to(choose_device(device)))
    if before.skeleton.names != MPII.names:
        names = ", ".join(before.skeleton.names[:3])
        raise PoseError(f"{run}: places joints {names}, ...; a release places MPII's, so choose another run")
    about = {"name": name or run.resolve().name, **({"trained_on": trained_on} if trained_on else {})}
    scored: list[dict[str, Any]] = []
    score_map = None
    with open_release(out) as part:
        files = release_stages(run, part, storage, about)
        after = PosePredictor.of(load_cascade(part).to(choose_device(device)))
        for split in splits:
            people, score_map = score_people(split, before, after, score_map)
            scored.append(people)
        if score_map:
            files.append(score_map.save(part))
        metrics = {stage: to_tree({2: scores}) for stage, scores in scored[0]["stages"].items()}
        files.append(write_text(part / "metrics.json", json.dumps(metrics, indent=1)))
        headers = [read_header(file) for file in files if file.suffix == ".safetensors"]
        size = sum(file.stat().st_size for file in files)
        files.append(write_text(part / "README.md", model_card(headers, license, size, scored, score_map) + more))
    return [out / file.relative_to(part) for file in files]


def score_people(
    split: PreparedSplit, before: PosePredictor, after: PosePredictor, score_map: ScoreMap | None
) -> tuple[dict[str, Any], ScoreMap | None]:
    """What the card says of a dataset's validation people, and the map of the scores of their joints.

    Args:
        before, after: of the weights before and after rounding.
        score_map: None fits one to these people, if the joints have scores.

    Returns:
        The map, and of the dataset "name"; "stages", scores by stage, and the "last" ones; "change", scores of the last
        stage minus those before rounding, paired; "moved", how far rounding moved each annotated joint in image pixels;
        "oks", COCO's figures, if the people have areas of their own; "calibration" of the calibrated scores, if joints
        have scores; those "scores" and which joints are "correct", (N, K), NaN where one does not count; "coverage",
        the share of the joints in their ellipses of each of `calibration.LEVELS`.
    """
    people, (exact, *_), (poses, raw, sigma) = split.people, before.predict_split(split), after.predict_split(split)
    gt = ground_truth(people, poses[-1])
    correct = calibration.correct_joints(poses[-1], gt)
    squared = calibration.squared_distances(poses[-1], gt.known, sigma)
    calibrated, oks = None, None
    if score_map:
        calibrated, squared = score_map(raw), squared / score_map.spread**2
    elif score_map := ScoreMap.fit(raw, correct, gt.measure.title, calibration.fit_spread(squared)):
        calibrated = calibration.cross_fit(raw, correct)  # nobody's own joints are in the map that his are judged by
        squared = calibration.cross_spread(squared)
    stages = {name: score_poses(pose, people, intervals=True)[2] for name, pose in name_stages(poses).items()}
    change = score_poses(poses[-1], people, minus=exact[-1])[2]
    moved = np.linalg.norm(poses[-1] - exact[-1], axis=-1)[people.annotated]
    if people.skeleton.sigmas and np.isfinite(people.area).all():  # as COCO's annotations have them
        oks = score_oks(poses[-1], people, calibrated, None, bootstrap=Bootstrap())
    judged = None if calibrated is None else calibration.calibrate(calibrated, correct)
    return {
        "name": split.name, "stages": stages, "last": list(stages.values())[-1], "change": change, "moved": moved,
        "oks": oks, "calibration": judged, "scores": calibrated, "correct": correct,
        "coverage": calibration.coverage(squared),
    }, score_map  # fmt: skip


def model_card(
    headers: Sequence[Json], license: str, size: int, scored: Sequence[dict[str, Any]], score_map: ScoreMap | None
) -> str:
    """The page, in Markdown, with the front matter that hubs read (a JSON text is a YAML scalar): `model_card.md.j2`.

    Args:
        headers: of the stages' files.
        license: of the training data, in words.
        size: bytes of all files.
        scored: whom the weights were scored on, as `score_people` tells; `score_map` was fitted on the first.
    """
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined,
                              trim_blocks=True, keep_trailing_newline=True)  # fmt: skip
    environment.filters |= {"yaml": partial(json.dumps, ensure_ascii=False), "cell": cell, "quantile": np.nanquantile}
    environment.filters |= {"tables": format_stages, "oks": lambda oks: "  ".join(list_oks(oks))}
    last, main = headers[-1], scored[0]["last"]
    metrics = dict.fromkeys(people["last"].measure.title for people in scored)
    page = environment.get_template("model_card.md.j2").render(
        headers=headers, last=last, license=license, size=size, scored=scored, map=score_map, levels=calibration.LEVELS,
        trained_on=last.get("trained_on") or last["training"]["data"], least=LEAST,
        metrics=[*metrics, *["OKS AP"][: any(people["oks"] for people in scored)]],
        weak=main.measure.block == "pckh" and (main.mean_pckh.value or 0.0) < LEAST,
        hidden=[tell_hidden(people, score_map.min_score) for people in scored] if score_map else (),
        options=list_options([{**each["training"], **each["training"]["preset"], **each["design"]} for each in headers])
    )  # fmt: skip
    return "\n".join(map(wrap_line, page.split("\n")))


def list_options(options: Sequence[Json]) -> dict[str, list[str]]:
    """Of each option, its value as JSON in every stage; those that are tables themselves are left out."""
    named = {name: [each.get(name) for each in options] for name in options[0]}
    plain = {name: values for name, values in named.items() if not isinstance(values[0], dict)}
    return {name: [json.dumps(value, separators=(",", ":")) for value in values] for name, values in plain.items()}


def format_stages(stages: dict[str, Scores]) -> str:
    """The tables of one dataset's validation people: of all stages, and by joints of the last one."""
    named = {readable(name): scores for name, scores in stages.items()}
    last = dict([[*named.items()][-1]])
    return f"{summary_table(named).markdown()}\n\n{groups_table(last).markdown()}"


def tell_hidden(people: dict[str, Any], least: float) -> str:
    """What share of the joints has a score below the least one, and how many of them are wrong."""
    below = people["scores"] < least
    share = 100 * below[np.isfinite(people["correct"])].mean()
    wrong, others = (100 * (1 - share_right(which, people["correct"])) for which in (below, ~below))
    return (
        f"on `{people['name']}` {share:.0f} % of the joints, of which {wrong:.0f} % are wrong (of the others "
        f"{others:.0f} %)"
    )


def wrap_line(line: str) -> str:
    """A line of Markdown, prose wrapped at WIDTH columns; tables, code, lists and front matter stay."""
    if line.startswith(("|", "    ", "!", "#", "-", "license")):
        return line
    return textwrap.fill(line, WIDTH, break_long_words=False, break_on_hyphens=False)
