"""`results.md` for people and `results.json` for programs: the tables of a comparison."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from checkpoints.files import write_text
from evaluation.metrics.json_format import Json
from evaluation.report.tables import Table


def write_tables(folder: Path, lead: str, tables: Mapping[str, Table], facts: Mapping[str, Json]) -> list[Path]:
    """Print the tables of a comparison and write both files; returns them.

    Args:
        folder: to write to.
        lead: Markdown above the tables.
        tables: by their headings.
        facts: what else `results.json` holds, beside the tables.

    Raises:
        PoseError: a folder that cannot be written.
    """
    page = [lead, *(f"## {name.capitalize()}\n\n{table.markdown()}" for name, table in tables.items())]
    tree = {**facts, **{name: table.to_json() for name, table in tables.items()}}
    print(*(table.text() for table in tables.values()), sep="\n\n")
    return [
        write_text(folder / "results.md", "\n\n".join(page) + "\n"),
        write_text(folder / "results.json", json.dumps(tree, indent=1, allow_nan=False)),
    ]
