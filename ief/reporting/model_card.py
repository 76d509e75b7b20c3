"""The card of released weights: what they are, learned from and score, and what their scores of joints mean."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from evaluation.metrics.bootstrap import Estimate
from evaluation.metrics.calibration import LEVELS, Calibration
from evaluation.metrics.json_format import Json
from evaluation.metrics.oks import OksScores
from evaluation.metrics.scores import Scores
from evaluation.report.tables import Cell, Table, cell, groups_table, readable, summary_table
from ief.inference.score_map import ScoreMap, share_right
from ief.reporting.oks import list_oks

WIDTH = 100  # columns of the page
WHOLE_WORDS = {"break_long_words": False, "break_on_hyphens": False}
LEAST = 55.0  # PCKh@0.5 in % below which the card warns
WEAK = f"**These weights are weak**: {{}} below {LEAST:g} %. Look at poses before you use them."
to_yaml = partial(json.dumps, ensure_ascii=False)
USE = """\
    ief predict photo.jpg --out poses

    from ief import PosePredictor
    poses = PosePredictor.load()("photo.jpg")"""


@dataclass(frozen=True)
class ScoredPeople:
    """A dataset's validation people, predicted by the released weights.

    Attributes:
        name: of the dataset.
        stages: stage -> scores.
        change: scores of the last stage minus those before rounding, paired.
        moved: (J,) how far rounding moved each annotated joint, image pixels.
        oks: COCO's figures, if the people have areas of their own.
        calibration: of the calibrated scores, if joints have scores.
        scores, correct: (N, K) those scores, and which joints are right; NaN where one does not count.
        coverage: share of the joints in their ellipses of each of `calibration.LEVELS`.
    """

    name: str
    stages: dict[str, Scores]
    change: Scores
    moved: np.ndarray
    oks: OksScores | None
    calibration: Calibration | None
    scores: np.ndarray | None
    correct: np.ndarray
    coverage: list[Estimate]

    @property
    def last(self) -> Scores:
        """The last stage's scores."""
        return list(self.stages.values())[-1]


def model_card(
    headers: Sequence[Json], license: str, size: int, scored: Sequence[ScoredPeople], score_map: ScoreMap | None
) -> str:
    """The page, in Markdown, with the front matter that hubs read.

    Args:
        headers: of the stages' files.
        license: of the training data, in words.
        size: bytes of all files.
        scored: whom the weights were scored on; `score_map` was fitted on the first.
    """
    first, last = headers[0], headers[-1]
    trained_on = last.get("trained_on") or last["training"]["data"]
    main = scored[0].last
    value = main.mean_pckh.value or 0.0
    parts = [
        front_matter(license, trained_on, scored),
        f"# {last['name']}",
        f"{len(headers)} stages of {first['design']['backbone']} at {first['design']['size']} px, method "
        f"`{first['design']['method']}`, for MPII's 16 joints; {size / 1e6:.1f} MB.",
        USE,
        f"Trained on {last['training']['people']:,} people of {trained_on}, starting from "
        f"{first['training']['pretrained'] or 'random weights'}. License of the data: {license}",
        "## Scores",
        *([WEAK.format(main.measure.title)] if main.measure.block == "pckh" and value < LEAST else []),
        *(block for people in scored for block in describe_scores(people)),
        *(describe_joint_scores(scored, score_map) + describe_ellipses(scored, score_map) if score_map else []),
        "## Storage",
        f"Convolutions and linear layers are stored in {last['rounded_to']}; they are loaded as float32.",
        rounding_table(scored).markdown(),
        "## Every option in force",
        options_table(headers).markdown(),
    ]
    return "\n\n".join(map(wrap_block, parts)) + "\n"


def front_matter(license: str, trained_on: str, scored: Sequence[ScoredPeople]) -> str:
    """YAML as hubs read it; a JSON text is a YAML scalar."""
    metrics = dict.fromkeys(people.last.measure.title for people in scored)
    metrics |= {"OKS AP": None} if any(people.oks for people in scored) else {}
    facts = ("license", "other"), ("license_name", license.split(":")[0]), ("pipeline_tag", "keypoint-detection")
    lines = [f"{key}: {to_yaml(value)}" for key, value in (*facts, ("library_name", "compositional-pose"))]
    for key, values in (("datasets", trained_on.split(" + ")), ("metrics", metrics)):
        lines += [f"{key}:", *(f"- {to_yaml(value)}" for value in values)]
    return "\n".join(["---", *lines, "---"])


def describe_scores(people: ScoredPeople) -> list[str]:
    """The tables of one dataset's validation people."""
    stages = {readable(name): scores for name, scores in people.stages.items()}
    parts = [
        f"`{people.name}`: {people.last.people:,} validation people, {people.last.convention} convention, no flip.",
        summary_table(stages).markdown(),
        groups_table(stages).markdown(),
    ]
    if people.oks:
        parts.append(f"COCO's OKS in % on given boxes: {', '.join(list_oks(people.oks)).replace('  ', ', ')}.")
    return parts


def describe_joint_scores(scored: Sequence[ScoredPeople], score_map: ScoreMap) -> list[str]:
    """What scores of joints mean: the reliability table, and the joints below the threshold."""
    bins = [(people.name, each) for people in scored if people.calibration for each in people.calibration.bins]
    table = Table(
        "Scores of joints, by tenths, and the share of them that is right",
        ("", "Joints", "Mean score", "Share right"),
        tuple((name, str(one.joints), Cell(one.score, digits=2), cell(one.correct, digits=2)) for name, one in bins),
    )
    hidden = []
    for people in scored:
        below = people.scores < score_map.min_score
        share = 100 * below[np.isfinite(people.correct)].mean()
        wrong, others = (100 * (1 - share_right(which, people.correct)) for which in (below, ~below))
        hidden.append(
            f"on `{people.name}` {share:.0f} % of the joints, of which {wrong:.0f} % are wrong (of the others "
            f"{others:.0f} %)"
        )
    return [
        "## Scores of joints",
        f"A joint's score is the share of joints like it that are right ({score_map.measure}), fitted on the "
        f"{score_map.people:,} validation people of `{scored[0].name}`, whose own table is of two halves, each judged "
        f"by the other's map. Joints below {score_map.min_score:g} are not drawn: {'; '.join(hidden)}.",
        table.markdown(),
    ]


def describe_ellipses(scored: Sequence[ScoredPeople], score_map: ScoreMap) -> list[str]:
    """What ellipses of joints mean: the share of joints that lie in them."""
    rows = [(people.name, *(cell(share, digits=2) for share in people.coverage)) for people in scored]
    head = ("", *(f"{100 * level:g} %" for level in LEVELS))
    return [
        f"`poses.covariance` is that of the network's sigma times {score_map.spread:.2f}, by which nine of ten "
        f"joints of `{scored[0].name}` lie in their ellipses of 90 %, which `--ellipses` draws; its own row is of two "
        "halves, each by the other's number. Where a row is below its head, errors have heavier tails than normal "
        "ones, and such an ellipse holds less than it says.",
        Table("Share of the joints inside the ellipses that should hold", head, tuple(rows)).markdown(),
    ]


def rounding_table(scored: Sequence[ScoredPeople]) -> Table:
    """What rounding cost: how far joints moved, and the score's change."""
    rows = [
        (people.name, *(Cell(float(np.nanquantile(people.moved, share)), digits=2) for share in (0.5, 0.99)),
         cell(people.change.mean_pckh, digits=2, signed=True))
        for people in scored
    ]  # fmt: skip
    title = "How far rounding moved joints, in image pixels, and what it changed in points of the score"
    return Table(title, ("", "Median", "99 of 100", "Score"), tuple(rows))


def options_table(headers: Sequence[Json]) -> Table:
    """Every option of each stage's training."""
    options = [{**header["training"], **header["training"]["preset"], **header["design"]} for header in headers]
    names = [name for name, value in options[0].items() if not isinstance(value, (dict, list)) or name == "milestones"]
    rows = [(f"`{name}`", *(json.dumps(each.get(name)) for each in options)) for name in names]
    return Table("How the stages were trained", ("option", *(f"stage {i}" for i in range(len(headers)))), tuple(rows))


def wrap_block(text: str) -> str:
    """A block of Markdown, its prose wrapped at WIDTH columns; tables, code, lists and front matter stay."""
    if text.startswith("---"):
        return text
    lines = [
        line if line.startswith(("|", "    ", "!", "#", "-")) else textwrap.fill(line, WIDTH, **WHOLE_WORDS)
        for line in text.splitlines()
    ]
    return "\n".join(lines)
