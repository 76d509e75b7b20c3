"""Tables of metrics with their confidence intervals, as plain text, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from evaluation.metrics import KINDS, METRICS, SHORT, SIMILARITIES, Estimate, Json, Scores, find_beyond_chance

ABOUT_PA = "PA: after a rotation and a translation of each pose; PA scaled: after a scaling too."
ABOUT_OWN = "Ground truth: what it scores itself, which predictions need not go below."
BAR = "\\|"
ABOUT_BONES = "a bone runs from the joint to its parent"
Row = tuple["Cell | str", ...]


@dataclass(frozen=True)
class Cell:
    """A number in a table, with its confidence interval if it has one.

    Attributes:
        value: None if undefined or unknown: shown as a dash.
        interval: (low, high).
        digits: after the point.
        signed: whether a plus is written: for differences.
        bold: whether it is beyond chance (`mark_beyond_chance`).
    """

    value: float | None
    interval: tuple[float, float] | None = None
    digits: int = 1
    signed: bool = False
    bold: bool = False

    def number(self, value: float) -> str:
        """`value` with this cell's digits; what rounds to zero has no sign."""
        value = round(value, self.digits) + 0.0
        return f"{value:{'+' if self.signed and value else ''}.{self.digits}f}"

    def parts(self) -> tuple[str, str]:
        """The value, and its interval in brackets or an empty text."""
        bounds = ", ".join(map(self.number, self.interval or ()))
        return "-" if self.value is None else self.number(self.value), f"[{bounds}]" if bounds else ""

    def __str__(self) -> str:
        """'88.4 [87.8, 89.0]', '88.4' or '-'."""
        return " ".join(filter(None, self.parts()))


@dataclass(frozen=True)
class Table:
    """A table. The first column is left-aligned text; the others are numbers (or text), right-aligned.

    Attributes:
        title: one line that names the metrics, with their unit.
        head: column names.
        rows: as many cells in each row as `head` has; or one text, a caption above the rows after it.
        note: what a reader must know to read it right; may be empty.
        below: on the page, a column -> the one in whose cells its values stand in small type, and what is before them.
        folded: on the page, columns and captions whose cells and rows are opened by a tap.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""
    below: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    folded: frozenset[str] = frozenset()

    def text(self) -> str:
        """Plain text with aligned columns, for a terminal."""
        lines = [tuple(map(str, line)) for line in (self.head, *self.rows)]
        columns = zip(*(line for line in lines if len(line) > 1), strict=True)
        first, *widths = (max(map(len, column)) for column in columns)
        form = f"{{:<{first}}}" + "".join(f"  {{:>{width}}}" for width in widths)
        head, *body = (form.format(*line).rstrip() if len(line) > 1 else f"{line[0]}:" for line in lines)
        return "\n".join([self.title, head, "-" * len(form.format(*self.head)), *body, *filter(None, [self.note])])

    def markdown(self) -> str:
        """A Markdown table, its title above it and its note below."""

        def line(cells: Iterable[Cell | str]) -> str:
            texts = [f"**{one}**" if isinstance(one, Cell) and one.bold else str(one) for one in cells]
            return f"| {' | '.join(text.replace('|', BAR) for text in texts)} |"

        others = len(self.head) - 1
        body = [line(row if len(row) > 1 else (f"**{row[0]}**", *[""] * others)) for row in self.rows]
        note = ["", self.note] if self.note else []
        return "\n".join([self.title, "", line(self.head), f"|---|{'---:|' * others}", *body, *note])

    def to_json(self) -> Json:
        """Title, head, rows, sections (row, caption) and note; a number is {"value", "interval"}."""
        rows: list[list] = []
        sections = []
        for row in self.rows:
            if len(row) == 1:
                sections.append((len(rows), row[0]))
            else:
                rows.append([{"value": c.value, "interval": c.interval} if isinstance(c, Cell) else c for c in row])
        return {"title": self.title, "head": self.head, "rows": rows, "sections": sections, "note": self.note}


def mark_beyond_chance(table: Table) -> Table:
    """The table with bold differences where they are beyond chance, by Holm's correction over all of them."""
    cells = [cell for row in table.rows for cell in row if isinstance(cell, Cell) and cell.signed and cell.interval]
    if not cells:
        return table
    bold = find_beyond_chance([Estimate(cell.value, *cell.interval) for cell in cells])
    marked = {id(cell): replace(cell, bold=beyond) for cell, beyond in zip(cells, bold, strict=True)}
    rows = tuple(tuple(marked.get(id(cell), cell) for cell in row) for row in table.rows)
    holm = f", by Holm's correction for the {len(cells)} differences of this table" if len(cells) > 1 else ""
    return replace(table, rows=rows, note=f"{table.note} Bold: beyond chance{holm}.".strip())


def join_groups(groups: Iterable[tuple[str, Sequence[Row]]]) -> tuple[Row, ...]:
    """Rows of a table, those of each group below its caption, if it has one; empty groups are left out."""
    return tuple(chain.from_iterable([(caption,)] * bool(caption) + [*rows] for caption, rows in groups if rows))


def cell(estimate: Estimate, digits: int = 1, signed: bool = False) -> Cell:
    """An estimate in a table, with its confidence interval if it has one."""
    return Cell(estimate.value, estimate.interval, digits, signed)


def readable(stage: str) -> str:
    """`mean_pose` -> `mean pose`, `stage1` -> `stage 1`."""
    return stage.replace("_", " ").replace("stage", "stage ")


def file_name(name: str) -> str:
    """A name in lower-case letters, digits, '_' and '-'."""
    return "".join(c if c.isalnum() or c in "_-" else "-" for c in name.lower()).strip("-")


def groups_table(results: Mapping[str, Scores], threshold: float | None = None, signed: bool = False) -> Table:
    """PCKh of the joint groups and their Mean, one row per method.

    Args:
        results: name -> scores.
        threshold: of PCKh; None: the measure's own.
        signed: values with a sign: for what `compare` returns.
    """
    conventions = ", ".join(dict.fromkeys(scores.convention for scores in results.values()))
    first = next(iter(results.values()))
    measure, threshold = first.measure, first.measure.main if threshold is None else threshold
    groups = {name: scores.thresholds[threshold].groups["groups"] for name, scores in results.items()}
    return Table(
        title=f"{measure.name}@{threshold:g}{measure.note} in % ({conventions} convention)",
        head=("", *(SHORT.get(group, group) for group in next(iter(groups.values())))),
        rows=tuple((name, *(cell(group, signed=signed) for group in each.values())) for name, each in groups.items()),
    )


def metric_heads(*results: Scores) -> dict[str, str]:
    """Name in `Scores` -> head of its column: of the metrics that any of the results has, PCKh last."""
    measure = results[0].measure
    heads = {
        metric.name: metric.head
        for metric in METRICS[results[0].dimensions]
        if not metric.of_gt and any(metric.name in scores.metrics for scores in results)
    }
    return heads | ({measure.name_at(measure.main): measure.title} if measure else {})


def metric_cells(scores: Scores | None, names: Iterable[str], signed: bool = False) -> list[Cell]:
    """A cell per metric, a dash where it was not measured; differences of errors are signed and have another digit."""
    values = {name: score.overall for name, score in scores.metrics.items()} if scores else {}
    return [cell(values.get(name, Estimate(None)), 1 + (signed and "@" not in name), signed) for name in names]


def summary_table(results: Mapping[str, Scores], signed: bool = False) -> Table:
    """Every metric, one row per stage (mean pose, stage 0, stage 1) or method; in 3D the ground truth's own last.

    Args:
        results: name -> scores, all in 2D or all in 3D.
        signed: for what `compare` returns.
    """
    first, drawn = next(iter(results.values())), any(scores.bootstrap for scores in results.values())
    heads = metric_heads(*results.values())
    rows = [(name, *metric_cells(scores, heads, signed)) for name, scores in results.items()]
    note = ""
    if first.dimensions == 2:
        title = f"Mean error in image pixels and in pixels of the 224 crop, mean {first.measure.name} in %"
        over = "people"
    else:
        title = ", ".join(filter(None, [f"3D metrics of {first.people:,} people", first.protocol]))
        over, note = f"{first.sequences:,} sequences", ABOUT_PA
        if "gt_bone_std" in first.metrics:
            note += f" {ABOUT_OWN}"
            rows.append(("ground truth", *metric_cells(first, [f"gt_{name}" for name in heads])))
    title += f"; in brackets the 95 % confidence interval over {over}" if drawn else ""
    return Table(title, ("", *heads.values()), tuple(rows), note=note)


def joints_table(scores: Scores, lead: str = "", signed: bool = False) -> Table:
    """One row per joint: in 2D how many are annotated, PCKh at each threshold, joint error and error of its bone; in 3D
    the metrics of it, of its bone and of its angle, and those of the ground truth, as in Table 3. `lead`: of the title;
    `signed`: of differences.
    """
    measure, columns, note = scores.measure, {}, ""
    rows = list(scores["joint_error"].per_part)
    if scores.dimensions == 2:
        title = f"Per joint: {measure.name}{measure.note} in %, errors in image pixels; {ABOUT_BONES}"
        columns["Annotated"] = {joint: str(count) for joint, count in scores["joint_error"].counts.items()}
        shown = {f"{measure.name}@{threshold:g}": score for threshold, score in scores.thresholds.items()}
        shown |= {"Joint error": scores["joint_error"], "Bone error": scores["bone_error"]}
    else:
        title = f"Per joint: errors in mm; {ABOUT_BONES}; illegal angles in %"
        shown = {metric.head: scores[metric.name] for metric in METRICS[3] if metric.name in scores.metrics}
        rows.append("all")
        note = "The root's own joint error is 0, and counts in that of all joints."
    for head, score in shown.items():
        columns[head] = {
            part: cell(each, signed=signed) for part, each in (*score.per_part.items(), ("all", score.overall))
        }
    rows = tuple((joint, *(each.get(joint, "-") for each in columns.values())) for joint in rows)
    return Table(f"{lead}{title}", ("", *columns), rows, note=note)


def format_scores(results: Mapping[str, Scores], signed: bool = False, whole: bool = True) -> str:
    """Every table of scores that are all in 2D or all in 3D, as text.

    Args:
        results: name -> scores; only the PCKh of those of `pckh`.
        signed: of differences.
        whole: else without those by joint, kind of error, action and subject, and PCKh at its main threshold alone.
    """
    first = next(iter(results.values()))
    tables = [summary_table(results, signed)]
    if first.dimensions == 2:
        tables += [groups_table(results, one, signed) for one in (first.thresholds if whole else (first.measure.main,))]
    for name, scores in results.items() if whole else ():
        if "joint_error" in scores.metrics:
            lead = f"{name}. " * (len(results) > 1 or signed)
            tables.append(joints_table(scores, lead, signed))
            tables += [kinds_table(scores, lead, signed)] if first.dimensions == 2 else []
        tables += breakdown_tables(scores) if first.dimensions == 3 and not signed else []
    return "\n".join(table.text() for table in tables)


def kinds_table(scores: Scores, lead: str = "", signed: bool = False) -> Table:
    """A column per kind of error: joint groups and their Mean, then parts of the people and of the joints.

    Args:
        scores: in 2D; of `compare` if signed.
        lead: of the title.
    """
    kinds, measure = [scores[f"kind_{kind}"] for kind in KINDS], scores.measure
    parts = [kind.groups["groups"] | kind.groups["parts"] for kind in kinds]
    rows = ((SHORT.get(name, name), *(cell(each[name], signed=signed) for each in parts)) for name in parts[0])
    limits, size = f"within {measure.main:g} {measure.unit}, jitter within {2 * measure.main:g}", measure.one
    if scores.by_oks:
        limits, size = "at an OKS of {:g}, jitter at {:g}".format(*SIMILARITIES), "area"
    return Table(
        f"{lead}Kinds of error in % of {kinds[0].count:,} joints",
        ("", *map(str.capitalize, KINDS)),
        tuple(row for row in rows if row[1].value is not None),
        f"Good {limits}; else inversion: on the mirror joint; swap: on either joint of another person of the image; "
        "else miss. The Mean's errors are points gained if all such joints were right. Small, medium, large: thirds of "
        f"the people by {size}.",
    )


def breakdown_tables(scores: Scores) -> list[Table]:
    """Scores in 3D by action, with their plain mean, which is the Avg of Tables 4 to 6, and by subject."""
    tables = []
    for title, key in (("Per action", "per_action"), ("Per subject", "per_subject")):
        heads, note = {name: head for name, head in metric_heads(scores).items() if scores[name].groups[key]}, ""
        labels = scores["joint_error"].groups[key]
        rows = [(label, *(cell(scores[name].groups[key][label]) for name in heads)) for label in labels]
        if rows and key == "per_action":
            rows.append(("Avg", *(cell(scores[name].groups["action_mean"]) for name in heads)))
            note = "Avg: the mean of the actions, each alike."
        tables += [Table(title, ("", *heads.values()), tuple(rows), note=note)] if rows else []
    return tables
