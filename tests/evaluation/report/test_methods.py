"""Tables 7 and 8 with one's own scores beside the paper's."""

import pytest
from scored import rows_by_section

from evaluation.report.methods import table_7, table_8
from evaluation.report.published import SOURCES, TABLE_7, TABLE_8, select_rows


def test_table_7_has_ours_the_difference_and_the_papers_apart(entries):
    found = rows_by_section(table_7(entries))
    assert list(found) == ["Mean pose", "Stage 1", "In the paper, not among these runs"]
    assert list(found["Mean pose"]) == ["all runs"] and list(found["Stage 1"]) == ["first", "second"]
    row, (scores, difference) = found["Stage 1"]["second"], (entries[3].scores, entries[3].difference)
    assert row["Joint px"].value == scores["joint_error"].overall.value
    assert row["Bone px"].interval == scores["bone_error"].overall.interval
    assert row["PCKh@0.5"].value == scores.mean_pckh.value
    assert row["Δ Bone px"].value == difference["bone_error"].overall.value
    assert row["Bone crop px"].value == scores["bone_error_crop"].overall.value
    assert found["Stage 1"]["first"]["Δ PCKh@0.5"].value is None
    assert "first" in table_7(entries).note and "paper" in table_7(entries).note


@pytest.mark.parametrize("count", [1, 2, 4])
def test_table_7_shows_every_value_of_the_paper_once(entries, count):
    table = table_7(entries[:count])
    assert table.head[-3:] == tuple(f"Paper, on MPII: {column}" for column in ("PCKh@0.5", "Joint px", "Bone px"))
    shown = {}
    for caption, rows in rows_by_section(table).items():
        for name, row in rows.items():
            values = tuple(cell.value for cell in list(row.values())[-3:])
            if caption == "Mean pose":
                assert values == (None, None, None)
            else:
                shown[f"{name}, stage 1" if caption == "Stage 1" else name] = values
    ours = {"ief_star": "first", "all": "second"} if count == 4 else {"ief_star": "first"} if count == 2 else {}
    assert shown == {
        f"{ours.get(method, method) if name == 'stage1' else method}, stage {name[-1]}": (pckh, *errors)
        for (method, name), (*errors, pckh) in TABLE_7.items()
    }


def test_without_differences_their_columns_are_left_out(entries):
    assert "Δ" not in table_7(entries[:2]).text()
    assert list(rows_by_section(table_8([entries[1]], {}))) == ["Stage 1"]


def test_table_8_has_published_rows_under_their_own_caption(entries):
    table = table_8(entries, select_rows(["newell", "paper"]))
    found = rows_by_section(table)
    published = [f"As published, MPII test set: {SOURCES[source]}" for source in ("detection", "regression")]
    assert list(found) == ["Mean pose", "Stage 1", *published]
    for caption, name in zip(published, ("newell", "paper"), strict=True):
        (row,) = found[caption].items()
        assert row[0] == TABLE_8[name]["label"]
        values = [(cell.value, cell.interval) for cell in row[1].values()]
        assert values == [(each, None) for each in TABLE_8[name]["groups"]]
    ours = [cell.value for cell in found["Stage 1"]["second"].values()]
    assert ours == [each.value for each in entries[3].scores.pckh.groups["groups"].values()]
    assert "90.0" in table.note and "90.0" not in table_8(entries, select_rows(["paper"])).note
