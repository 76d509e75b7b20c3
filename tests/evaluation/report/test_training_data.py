"""Table 2 with one's own scores beside the paper's, and what a second dataset gives."""

from scored import rows_by_section

from evaluation.report.published import TABLE_2
from evaluation.report.training_data import HEADS, second_dataset_table, table_2


def test_table_2_has_ours_the_differences_and_the_papers(trainings):
    found = rows_by_section(table_2(trainings))
    assert list(found) == [
        "Trained on studio", "Δ, minus first", "Trained on studio and wild", "Δ, minus second",
        "The ground truth itself", "As published: Human3.6M", "As published: Human3.6M + MPII",
    ]  # fmt: skip
    assert list(found["Trained on studio"]) == ["first", "second"] and list(found["Δ, minus first"]) == ["second"]
    for metric, head in HEADS.items():
        assert found["Trained on studio"]["second"][head].value == trainings[1].scores[metric].overall.value
        assert found["Δ, minus first"]["second"][head].interval == trainings[1].difference[metric].overall.interval
    own = found["The ground truth itself"]["ground truth"]
    assert own["Illegal %"].value == trainings[0].scores["gt_illegal_angle"].overall.value
    assert own["Joint mm"].value is None
    printed = [row for data in ("Human3.6M", "Human3.6M + MPII") for row in found[f"As published: {data}"].values()]
    for values, row in zip(TABLE_2.values(), printed, strict=True):
        for metric, value in values.items():
            cell = row[HEADS[metric]]
            assert cell == "< 1" if value is None else (cell.value, cell.interval) == (value, None)
        assert row["PA scaled mm"].value is None


def test_what_is_missing_has_no_section(trainings):
    found = rows_by_section(table_2([trainings[0]]))
    assert not any("Δ" in caption for caption in found) and "Δ" not in table_2([trainings[0]]).note


def test_a_second_dataset_is_shown_as_a_difference(trainings):
    (row,) = second_dataset_table([trainings[2]]).rows
    assert row[1].value == trainings[2].difference["joint_error"].overall.value < 0 and str(row[1]).startswith("-")
