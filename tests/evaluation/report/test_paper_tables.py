import json

import numpy as np
import pytest

from checkpoints.errors import PoseError
from evaluation import Bootstrap, GroundTruth, compare, evaluate
from evaluation.metrics.conventions import GROUPS
from evaluation.report.paper_tables import Entry, bones_by_side, joints_by_side, table_7, table_8
from evaluation.report.published import DETECTION, HRNET, REGRESSION, TABLE_7, TABLE_8, select_rows
from evaluation.report.tables import TABLE_8_HEADS, Cell
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
    captions = [caption for _, caption in table.sections]
    assert captions == ["Mean pose", "Stage 1", "In the paper, not among these runs"]
    assert [row[0] for row in table.rows[:3]] == ["all runs", "first", "second"]  # one mean pose for both
    columns = dict(zip(table.head, zip(*table.rows, strict=True), strict=True))
    scores, difference = entries[3].scores, entries[3].difference
    assert columns["Joint px"][2].value == scores.joint_error.image_px.value
    assert columns["Bone px"][2].interval == scores.bone_error.image_px.interval
    assert columns["PCKh@0.5"][2].value == scores.pckh.groups[0.5]["Mean"].value
    assert columns["Δ Bone px"][2].value == difference.bone_error.image_px.value
    assert columns["Bone crop px"][2].value == scores.bone_error.crop_px.value
    assert columns["Δ PCKh@0.5"][1].value is None
    assert "minus that of first" in table.note and "paper" in table.note


@pytest.mark.parametrize("count", [1, 2, 4])
def test_table_7_shows_every_value_of_the_paper_once(entries, count):
    table = table_7(entries[:count])
    assert all(len(row) == len(table.head) for row in table.rows)
    assert table.head[-3:] == tuple(f"Paper, on MPII: {column}" for column in ("Joint px", "Bone px", "PCKh@0.5"))
    stage = {index: caption for index, caption in table.sections}
    shown, caption = {}, ""
    for index, (name, *cells) in enumerate(table.rows):
        caption = stage.get(index, caption)
        values = tuple(cell.value for cell in cells[-3:])
        if caption == "Mean pose":
            assert values == (None, None, None)
        else:
            shown[f"{name}, stage 1" if caption == "Stage 1" else name] = values
    ours = {"ief_star": "first", "all": "second"} if count == 4 else {"ief_star": "first"} if count == 2 else {}
    assert shown == {
        f"{ours.get(method, method) if name == 'stage1' else method}, stage {name[-1]}": tuple(printed)
        for (method, name), printed in TABLE_7.items()
    }


def test_without_differences_their_columns_are_left_out(entries):
    table = table_7([entries[0], entries[1]])
    assert not any("Δ" in name for name in table.head) and "Δ" not in table.note
    table = table_8([entries[1]], {})
    assert [caption for _, caption in table.sections] == ["Stage 1"]


def test_table_8_keeps_published_rows_under_a_caption_of_their_own(entries):
    table = table_8(entries, select_rows(["newell", "paper"]))
    captions = [caption for _, caption in table.sections]
    published = [f"As published, MPII test set: {source}" for source in (DETECTION, REGRESSION)]
    assert captions == ["Mean pose", "Stage 1", "Δ in points", *published]
    first_published = table.sections[-2][0]
    assert [row[0] for row in table.rows[first_published:]] == [TABLE_8["newell"].label, TABLE_8["paper"].label]
    assert all(cell.interval is None for row in table.rows[first_published:] for cell in row[1:])
    ours = table.rows[2]
    assert [cell.value for cell in ours[1:]] == [entries[3].scores.pckh.groups[0.5][g].value for g in GROUPS]
    assert "not ours" in table.note and "prints the Mean as 90.0" in table.note
    assert "90.0" not in table_8(entries, select_rows(["paper"])).note


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
    odd = {name: row for name, row in TABLE_8.items() if row.note}
    assert list(odd) == ["newell"]  # its Mean is as the paper prints it
    for row in (row for name, row in TABLE_8.items() if name not in odd):
        assert weights @ row.groups[:7] / weights.sum() == pytest.approx(row.groups[7], abs=0.1)
    assert weights @ odd["newell"].groups[:7] / weights.sum() == pytest.approx(90.9, abs=0.1)


@pytest.fixture(scope="module")
def printed(shared):
    """Every table of the paper, transcribed."""
    return json.loads((shared / "paper" / "tables.json").read_text(encoding="utf-8"))


def test_table_7_is_the_papers_digit_by_digit(printed):
    table = printed["table7"]
    ours = {"IEF*": "ief_star", "joint": "joint", "bone": "bone", "both": "both", "all": "all"}
    found = {
        (ours[method], stage.replace(" ", "")): tuple(
            str(table[stage][metric][method]) for metric in ("Joint Error", "Bone Error", "PCKh@0.5")
        )
        for stage in ("stage 0", "stage 1")
        for method in table[stage]["Joint Error"]
    }
    assert found == {key: tuple(map(str, scores)) for key, scores in TABLE_7.items()}
    assert sum(map(len, found.values())) == 30


def test_table_8_is_the_papers_digit_by_digit_and_in_its_order(printed):
    rows = [
        (name, source, *(str(row[column]) for column in TABLE_8_HEADS))
        for part, source in (("detection based", DETECTION), ("regression based", REGRESSION))
        for name, row in printed["table8"][part].items()
    ]
    assert len(rows) == 16
    papers = [row for row in TABLE_8.values() if row.source in (DETECTION, REGRESSION)]
    assert [(row.source, *map(str, row.groups)) for row in papers] == [row[1:] for row in rows]
    for (name, *_), row in zip(rows, papers, strict=True):
        assert name in ("IEF*", "Ours (all)") or name.split()[0] in row.label
    assert {row.source for row in TABLE_8.values()} == {DETECTION, REGRESSION, HRNET}


def test_rows_are_chosen_by_name():
    assert select_rows(["all"]) is TABLE_8 and select_rows(["none"]) == {}
    assert list(select_rows(["wei", "insafutdinov"])) == ["insafutdinov", "wei"]
    with pytest.raises(PoseError, match="no published row 'cao'"):
        select_rows(["wei", "cao"])
    with pytest.raises(PoseError, match="no published row 'all'"):
        select_rows(["all", "wei"])
    assert TABLE_8["paper"].groups[-1] == TABLE_7["all", "stage1"].pckh
    assert TABLE_8["ief_star"].groups[-1] == TABLE_7["ief_star", "stage1"].pckh
