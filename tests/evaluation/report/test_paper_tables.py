import numpy as np
import pytest

from checkpoints.errors import PoseError
from evaluation import Bootstrap, GroundTruth, compare, evaluate
from evaluation.metrics.conventions import GROUPS
from evaluation.report.paper_tables import Entry, bones_by_side, joints_by_side, table_7, table_8
from evaluation.report.published import TABLE_7_PCKH, TABLE_8, select_rows
from evaluation.report.tables import Cell
from heads.skeleton import MPII


@pytest.fixture(scope="module")
def entries():
    rng = np.random.default_rng(0)
    gt = rng.uniform(0, 400, (40, 16, 2))
    scale = rng.uniform(1, 3, 40)
    truth = GroundTruth(gt, 25 * scale, scale)
    mean = gt + rng.normal(0, 40, gt.shape)
    base, better = gt + rng.normal(0, 20, gt.shape), gt + rng.normal(0, 10, gt.shape)
    first, second, third = (evaluate(pred, truth, bootstrap=Bootstrap(100)) for pred in (mean, base, better))
    return [
        Entry("first", "ief_star", "mean_pose", first),
        Entry("first", "ief_star", "stage1", second),
        Entry("second", "all", "mean_pose", first),
        Entry("second", "all", "stage1", third, "first", compare(better, base, truth, bootstrap=Bootstrap(100))),
    ]


def test_table_7_has_ours_the_difference_and_the_papers_apart(entries):
    table = table_7(entries)
    assert [caption for _, caption in table.sections] == ["Mean pose", "Stage 1"]
    assert [row[0] for row in table.rows] == ["all runs", "first", "second"]  # one mean pose for both
    columns = dict(zip(table.head, zip(*table.rows, strict=True), strict=True))
    scores, difference = entries[3].scores, entries[3].difference
    assert columns["Joint px"][2].value == scores.joint_error.image_px.value
    assert columns["Bone px"][2].interval == scores.bone_error.image_px.interval
    assert columns["PCKh@0.5"][2].value == scores.pckh.groups[0.5]["Mean"].value
    assert columns["Δ Bone px"][2].value == difference.bone_error.image_px.value
    assert columns["Bone crop px"][2].value == scores.bone_error.crop_px.value
    assert columns["Δ PCKh@0.5"][1].value is None
    papers = [name for name in table.head if "Paper" in name]
    assert [cell.value for cell in columns[papers[0]]] == [None, 82.9, 86.4]
    assert "minus that of first" in table.note and "paper" in table.note


def test_without_differences_their_columns_are_left_out(entries):
    table = table_7([entries[0], entries[1]])
    assert not any("Δ" in name for name in table.head) and "Δ" not in table.note
    table = table_8([entries[1]], {})
    assert [caption for _, caption in table.sections] == ["Stage 1"]


def test_table_8_keeps_published_rows_under_a_caption_of_their_own(entries):
    table = table_8(entries, select_rows(["newell", "paper"]))
    captions = [caption for _, caption in table.sections]
    assert captions == ["Mean pose", "Stage 1", "Δ in points", "As published, MPII test set"]
    first_published = table.sections[-1][0]
    assert [row[0] for row in table.rows[first_published:]] == [TABLE_8["newell"].label, TABLE_8["paper"].label]
    assert all(cell.interval is None for row in table.rows[first_published:] for cell in row[1:])
    ours = table.rows[2]
    assert [cell.value for cell in ours[1:]] == [entries[3].scores.pckh.groups[0.5][g].value for g in GROUPS]
    assert "not ours" in table.note


def test_left_and_right_are_beside_each_other(entries):
    scores = entries[1].scores
    joints, bones = joints_by_side("x", scores), bones_by_side("x", scores)
    rows = {row[0]: row[1:] for row in joints.rows}
    errors = {name: error.image_px.value for name, error in scores.joint_error.per_part.items()}
    assert (rows["knee"][4].value, rows["knee"][5].value) == (errors["r_knee"], errors["l_knee"])
    assert rows["pelvis"][5] == "" and rows["pelvis"][4].value == errors["pelvis"]
    shown = [cell for row in joints.rows for cell in row[1:] if isinstance(cell, Cell)]
    assert len(shown) == 3 * len(MPII)
    rows = {row[0]: row[1:] for row in bones.rows}
    assert rows["ankle to knee"][3].value == scores.bone_error.per_part["l_ankle"].image_px.value
    assert len([c for row in bones.rows for c in row[1:] if isinstance(c, Cell)]) == 3 * (len(MPII) - 1)


def test_published_means_fit_their_groups(real_gt):
    """The official Mean weighs joints by their number: a number that was copied wrongly would show."""
    annotated = real_gt().annotated.sum(axis=0)
    count = dict(zip(MPII.names, annotated.tolist(), strict=True))
    members = [("upper_neck", "head_top")] + [
        (f"r_{limb}", f"l_{limb}") for limb in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    ]
    weights = np.array([sum(count[name] for name in names) for names in members], dtype=float)
    assert len(TABLE_8) == 21
    for row in TABLE_8.values():
        assert weights @ row.groups[:7] / weights.sum() == pytest.approx(row.groups[7], abs=0.1)
        assert row.source


def test_rows_are_chosen_by_name():
    assert select_rows(["all"]) is TABLE_8 and select_rows(["none"]) == {}
    assert list(select_rows(["wei", "insafutdinov"])) == ["insafutdinov", "wei"]
    with pytest.raises(PoseError, match="no published row 'cao'"):
        select_rows(["wei", "cao"])
    with pytest.raises(PoseError, match="no published row 'all'"):
        select_rows(["all", "wei"])
    assert TABLE_8["paper"].groups[-1] == TABLE_7_PCKH["all", "stage1"]
