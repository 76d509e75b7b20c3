"""The card of released weights: what they are, learned from and score, and what their scores of joints mean."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evaluation.metrics import Json, Scores
from evaluation.metrics.calibration import LEVELS
from evaluation.report.tables import cell, groups_table, readable, summary_table
from ief.inference.score_map import ScoreMap, share_right
from ief.reporting.evaluate import list_oks

WIDTH = 100  # columns of the page
LEAST = 55.0  # PCKh@0.5 in % below which the card warns


def model_card(
    headers: Sequence[Json], license: str, size: int, scored: Sequence[dict[str, Any]], score_map: ScoreMap | None
) -> str:
    """The page, in Markdown, with the front matter that hubs read (a JSON text is a YAML scalar): `model_card.md.j2`.

    Args:
        headers: of the stages' files.
        license: of the training data, in words.
        size: bytes of all files.
        scored: whom the weights were scored on, as `score_people` of `ief.workflow.release` tells; `score_map` was
            fitted on the first.
    """
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined,
                              trim_blocks=True, keep_trailing_newline=True)  # fmt: skip
    environment.filters |= {"yaml": partial(json.dumps, ensure_ascii=False), "cell": cell, "quantile": np.nanquantile}
    environment.filters |= {"tables": format_stages, "oks": lambda oks: "  ".join(list_oks(oks))}
    last, main = headers[-1], scored[0]["last"]
    metrics = dict.fromkeys(people["last"].measure.title for people in scored)
    page = environment.get_template("model_card.md.j2").render(
        headers=headers, last=last, license=license, size=size, scored=scored, map=score_map, levels=LEVELS,
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
