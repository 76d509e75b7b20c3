"""Table 7 by one seed or the means of several, with intervals over people and over seeds: tables and a plot."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain, pairwise, product
from pathlib import Path
from textwrap import fill

import numpy as np
from matplotlib.figure import Figure

from checkpoints import log, write_atomically, write_text
from evaluation import Estimate, GroundTruth, Scores
from evaluation.metrics import Json, find_beyond_chance, placement, relative_errors, score_means
from evaluation.metrics.bootstrap import average_seeds
from evaluation.report import plots
from evaluation.report.material import BASE, Entry
from evaluation.report.methods import describe_difference, table_7
from evaluation.report.tables import Row, Table, cell, metric_cells, metric_heads, readable
from ief.reporting.scoring import ground_truth, load_predictions
from mpii_tools.people import People

# What the rows of differences subtract, and from which: `joint` has the others' output, so its loss alone differs.
BASES = {BASE: ("joint", "bone", "both", "all"), "joint": ("bone", "both", "all"), "both": ("all",)}
COLUMNS = 100  # of what is logged
Poses = Sequence[np.ndarray]  # of one seed each, (N, K, 2)
Rows = dict[str, tuple[Poses, Poses]]  # a row's name -> poses, and those whose values are subtracted, possibly none
Difference = tuple[Scores, list[Scores]]  # the mean of all seeds, with intervals over people; each seed's, without


def write_seeds(folder: Path, runs: Mapping[str, Sequence[Path]], people: People) -> list[Path]:
    """Compare runs of one or several seeds, log the paper's Table 7 and who wins, write all of it.

    Args:
        folder: to write to.
        runs: method -> its run of each seed, two methods or more with as many seeds and stages each, scored on
            `people`. Of poses in 3D x and y count.
        people: the validation people.

    Returns:
        Both files, which hold everything, and `differences.png`, if `ief_star` is among the methods.

    Raises:
        PoseError: predictions that are missing, corrupt or of other people.
    """
    loaded = {method: [load_predictions(run, people) for run in each] for method, each in runs.items()}
    poses = {
        (stage, method): [by_stage[stage].joints[..., :2] for by_stage in each]
        for stage in next(iter(loaded.values()))[0]
        for method, each in loaded.items()
    }
    gt = ground_truth(people, *(pose for each in poses.values() for pose in each))
    alone, pairs, gains = list_rows(poses)
    count = len(next(iter(runs.values())))
    means = f", means of {count} seeds" if count > 1 else ""
    labels = {"visible joints": people.visible == 1, "hidden joints": people.visible == 0}
    parts = {name: replace(gt, annotated=gt.annotated & mask) for name, mask in labels.items()}
    parts = parts if all(part.annotated.any() for part in parts.values()) else {}
    compared = {
        name: {
            row: (
                score_means(part, *both),
                [score_means(part, [one], [other], bootstrap=None) for one, other in zip(*both, strict=True)],
            )
            for row, both in (pairs | gains).items()
        }
        for name, part in {"all joints": gt, **parts}.items()
    }
    entries = []
    for (stage, method), each in poses.items():
        mean, _ = compared["all joints"].get(f"{readable(stage)}, {method} - {BASE}", (None, []))
        scores = score_means(gt, each)
        entries.append(Entry(method, method, stage, scores, reference=BASE if mean else "", difference=mean))
    placements = {name: placement(gt, *both) for name, both in (alone | pairs).items()}
    relative = {name: tuple(relative_errors(gt, *both).values()) for name, both in (alone | pairs).items()}
    split = f"Joint error in image pixels{means}: where the body is (offset), and the error without that shift (shape)"
    apart = f"Error of the relative position of two joints in image pixels{means}, by the number of bones between them"
    note = "One bone apart it is the bone error. Differences are paired."
    tables = {
        "table 7": table_7(entries),
        "offset and shape": make_table(split, "Differences are paired.", placements, ("", "Offset px", "Shape px")),
        "relative positions": make_table(apart, note, relative, ("bones between",)),
        **{name: differences_table(rows, name, means) for name, rows in compared.items()},
    }
    page = [f"# Table 7{means}: {len(people):,} validation people"]
    page += [f"## {name.capitalize()}\n\n{table.markdown()}" for name, table in tables.items()]
    tree = {"seeds": count, "people": len(people), **{name: table.to_json() for name, table in tables.items()}}
    log.info(paper_table(entries, means).text())
    for text in summarize(entries, gt, poses):
        log.info(fill(text, COLUMNS))
    files = [
        write_text(folder / "results.md", "\n\n".join(page) + "\n"),
        write_text(folder / "results.json", json.dumps(tree, indent=1, allow_nan=False)),
    ]
    if BASE in runs:
        figure = plot_differences({means.removeprefix(", "): tree["all joints"]})
        files.append(write_atomically(folder / "differences.png", figure.savefig))
    return files


def paper_table(entries: Sequence[Entry], means: str) -> Table:
    """Table 7 in the paper's form, a method in a column, with the difference to the baseline beside each value.

    Args:
        entries: every stage of every method. means: of how many seeds, in words; empty for one.
    """
    heads = {name: head for name, head in metric_heads(entries[0].scores).items() if not name.endswith("_crop")}
    changes = {
        (entry.stage, entry.method, name): entry.difference[name].overall
        for entry in entries if entry.difference for name in heads
    }  # fmt: skip
    beyond = dict(zip(changes, find_beyond_chance(list(changes.values())), strict=True))

    def show(entry: Entry, name: str) -> str:
        value = str(cell(Estimate(entry.scores[name].overall.value)))
        if not (change := changes.get(place := (entry.stage, entry.method, name))):
            return value
        return f"{value} ({cell(Estimate(change.value), signed=True)}{'*' * beyond[place]})"

    rows: list[tuple[str, ...]] = []
    for stage in dict.fromkeys(entry.stage for entry in entries):
        shown = [entry for entry in entries if entry.stage == stage]
        rows.append((readable(stage).capitalize(),))
        rows += [(head, *(show(entry, name) for entry in shown)) for name, head in heads.items()]
    methods = dict.fromkeys(entry.method for entry in entries)
    title = f"Table 7{means}: {entries[0].scores.people:,} validation people"
    note = f"In parentheses minus {BASE}; *: beyond chance, by Holm's correction. More: results.md"
    return Table(title, ("", *methods), tuple(rows), note if changes else "More: results.md")


def plot_differences(tables: Mapping[str, Json]) -> Figure:
    """Each method minus the baseline, in joint error and PCKh side by side, with 95 % confidence intervals over people.

    Args:
        tables: comparison -> its differences, "all joints" of results.json; all of the same methods and measure.
    """
    panels: dict[str, plots.Values] = {}
    for name, table in tables.items():
        for row, *cells in table["rows"]:
            found = re.fullmatch(rf"(stage \d+), (\w+) - {BASE}", row)
            for head, one in zip(table["head"][1:], cells, strict=True):
                if found and head not in ("Bone px", "over seeds"):
                    series = ", ".join(filter(None, (name, found[1])))
                    values = panels.setdefault(f"{head}, minus {BASE}", {}).setdefault(series, {})
                    values[found[2]] = Estimate(one["value"], *(one["interval"] or ()))
    (xlabel, first), *others = panels.items()
    return plots.joint_dots(first, "Differences with 95 % confidence intervals", xlabel, beside=dict(others))


def summarize(entries: Sequence[Entry], gt: GroundTruth, poses: Mapping[tuple[str, str], Poses]) -> list[str]:
    """Sentences on the best method: against the next one, the baseline (or the last one), and its previous stage.

    Args:
        entries: every stage of every method. poses: (stage, method) -> those of each seed.
    """
    *_, previous, last = dict.fromkeys(entry.stage for entry in entries)
    final = {entry.method: entry.scores.mean_pckh.value or 0.0 for entry in entries if entry.stage == last}
    best, *others = sorted(final, key=final.__getitem__, reverse=True)
    shown = [other for other in dict.fromkeys([others[0], BASE, others[-1]]) if other in others][:2]
    named = [(best, other, (last, best), (last, other)) for other in shown]
    stages = [f"{best}, {readable(stage)}" for stage in (last, previous)]
    named.append((*stages, (last, best), (previous, best)))
    return [f"{describe_difference(*pair, score_means(gt, poses[a], poses[b]))}." for *pair, a, b in named]


def list_rows(poses: Mapping[tuple[str, str], Poses]) -> tuple[Rows, Rows, Rows]:
    """Each trained stage and method alone; the differences of `BASES`; each method's stage minus the previous one.

    Args:
        poses: (stage, method) -> poses.
    """
    trained = {key: each for key, each in poses.items() if key[0] != "mean_pose"}
    stages, methods = (list(dict.fromkeys(key[part] for key in trained)) for part in (0, 1))
    alone: Rows = {f"{readable(stage)}, {method}": (each, ()) for (stage, method), each in trained.items()}
    pairs: Rows = {
        f"{readable(stage)}, {method} - {base}": (trained[stage, method], trained[stage, base])
        for stage, (base, others) in product(stages, BASES.items())
        for method in others
        if {base, method} <= {*methods}
    }
    gains: Rows = {
        f"{method}, {readable(stage)} - {readable(previous)}": (trained[stage, method], trained[previous, method])
        for (previous, stage), method in product(pairwise(stages), methods)
    }
    return alone, pairs, gains


def make_table(title: str, note: str, values: Mapping[str, tuple[Estimate, ...]], head: tuple[str, ...]) -> Table:
    """Values by row, differences with a sign. `head`: of the first columns; the others are numbered from 1."""
    rows = tuple((name, *(cell(each, 2, signed=" - " in name) for each in row)) for name, row in values.items())
    head += tuple(str(column) for column in range(len(head), len(rows[0])))
    return Table(title=title, head=head, rows=rows, note=note)


def differences_table(rows: Mapping[str, Difference], joints: str, means: str) -> Table:
    """Differences, each measure with its interval over people and, of several seeds, beside it over seeds.

    Args:
        joints: which are counted. means: of how many seeds, in words; empty for one.
    """
    first = next(iter(rows.values()))[0]
    heads = {name: head for name, head in metric_heads(first).items() if not name.endswith("_crop")}

    def row(name: str, mean: Scores, each: list[Scores]) -> Row:
        cells = metric_cells(mean, heads, signed=True)
        if not means:
            return name, *cells
        seeds = [average_seeds([scores[metric].overall.value for scores in each]) for metric in heads]
        drawn = [replace(one, interval=over.interval).parts()[1] or "-" for one, over in zip(cells, seeds, strict=True)]
        return name, *chain.from_iterable(zip(cells, drawn, strict=True))

    title, head = "paired by person", list(heads.values())
    note = "In brackets 95 % confidence intervals over people: bootstrap, the trainings as they are"
    if means:
        title, head = "paired by person and by seed", [part for name in heads.values() for part in (name, "over seeds")]
        also = "then over seeds: Student's t, the people as they are. A difference is beyond chance if neither holds 0"
        note = f"{note}; {also}"
    lines = tuple(row(name, *both) for name, both in rows.items())
    return Table(f"Differences{means}, {title}: {joints}", ("", *head), lines, note=f"{note}.")
