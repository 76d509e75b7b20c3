"""What the paper prints in Tables 2 to 8: digit by digit, and whether its notes say what the numbers say."""

import numpy as np
import pytest
from scored import TABLE_3

from checkpoints.errors import PoseError
from evaluation.report import published
from evaluation.report.human36m import IN_TABLE_3
from heads.skeleton import MPII

PAPERS = [published.SOURCES[part] for part in ("detection", "regression")]
HEADS = ("Head", "Sho.", "Elb.", "Wri.", "Hip", "Knee", "Ank.", "Mean")
TITLES = [metric.title for metric in IN_TABLE_3.values()]

KINDS = {"all": "Average", **{name.replace("_", " "): row for name, row in TABLE_3.items()}}
SIDES = {kind: 1 if kind in ("thorax", "upper neck", "head top") else 2 for kind in KINDS if kind != "all"}


def test_table_2_is_the_papers_digit_by_digit(printed):
    found = {(method, mixed): tuple(str(printed["table2"][data].get(metric, {}).get(name)) for metric in TITLES)
             for data, mixed in (("Human3.6M", False), ("Human3.6M + MPII", True))
             for method, name in published.PAPER_NAMES.items()}  # fmt: skip
    assert found == {key: tuple(map(str, scores.values())) for key, scores in published.TABLE_2.items()}
    assert sum(value != "None" for scores in found.values() for value in scores) == 45


def test_table_3_is_the_papers_digit_by_digit(printed):
    rows = printed["table3"]["rows"]
    assert set(KINDS.values()) == set(rows) and list(published.TABLE_3) == list(KINDS)
    count = 0
    for kind, both in published.TABLE_3.items():
        for method, scores in zip(("BL", "Ours (all)"), both, strict=True):
            wanted = [rows[KINDS[kind]][f"{metric} {method}"] for metric in TITLES]
            assert list(map(str, scores.values())) == list(map(str, wanted))
            count += len(wanted)
    assert count == sum(map(len, rows.values())) == 100


@pytest.mark.parametrize("name", published.ACTION_TABLES)
def test_tables_4_to_6_are_the_papers_digit_by_digit(printed, name):
    table, rows = published.ACTION_TABLES[name], printed[name]["rows"]
    assert [row[0] for row in table["rows"]][-2:] == ["Paper: Baseline", "Paper: Ours (all)"]
    for (label, _, values, average), (method, wanted) in zip(table["rows"], rows.items(), strict=True):
        assert method.split()[0] in label
        assert list(wanted) == [*published.ACTIONS, "Avg"]
        printed_values = [value for value in list(wanted.values())[:-1] if value is not None]
        assert [*map(str, values), str(average)] == [*map(str, printed_values), str(wanted["Avg"])]
    said = printed[name]["what"]
    assert ("PA Joint Error" in said) == (table["metric"] == "pa_joint_error")
    assert ("no extra" in said) != table["mixed"]
    assert f"Protocol {table['title'][9]}" in said and table["title"][9] == str(table["protocol"])


def test_averages_that_are_no_means_are_named():
    for table in published.ACTION_TABLES.values():
        known = [(label, average, np.mean(values)) for label, _, values, average in table["rows"] if values]
        odd = [f"{label} {average} ({mean:.2f})" for label, average, mean in known if abs(mean - average) > 0.1]
        assert odd and table["note"].endswith(f"in brackets: {', '.join(odd)}.")


def means(metric, count=15):
    return [sum(SIDES[kind] * published.TABLE_3[kind][method][metric] for kind in SIDES) / count for method in (0, 1)]


def test_the_notes_say_what_the_numbers_say():
    averages = {label: average for label, *_, average in published.ACTION_TABLES["table4"]["rows"]}
    for method in ("ief_star", "all"):  # Protocol 2's row is Protocol 1's average
        paper = averages[f"Paper: {published.PAPER_NAMES[method]}"]
        assert published.TABLE_2[method, True]["pa_joint_error"] == paper
    over_15, over_16 = means("bone_error"), means("bone_error", 16)
    for value, text in zip([*over_15, *over_16], ("68.6", "60.9", "64.3", "57.1"), strict=True):
        assert f"{value:.1f}" == text and text in published.TABLE_2_NOTES[1]
    printed = [published.TABLE_2[method, False]["bone_error"] for method in ("ief_star", "all")]
    assert [f"{value:.1f}" in published.TABLE_2_NOTES[1] for value in printed] == [True, True]
    assert np.abs(np.subtract(over_15, printed)).min() > 2 and np.abs(np.subtract(over_16, printed)).min() > 1
    said = [both["joint_error"] for both in published.TABLE_3["all"]]
    assert means("joint_error", 16) == pytest.approx(said, abs=0.05)
    for metric, kind in (("bone_error", "neck"), ("bone_std", "knee")):
        worse = [name for name, (base, ours) in published.TABLE_3.items() if ours[metric] > base[metric]]
        assert len(worse) == 1 and kind in worse[0] and kind in published.TABLE_3_NOTES[metric]
    assert all(both["pa_joint_error"] > both["joint_error"] for both in published.TABLE_3["hip"])


def test_actions_are_known_by_all_their_names():
    for action, names in (
        ("Direction", ("Directions", "directions 1", "Directions-2", "direction")),
        ("SitDown", ("SittingDown", "sittingdown", "SitDown")),
        ("Sit", ("Sitting", "Sitting 2")),
        ("WalkDog", ("WalkingDog", "WalkDog 1", "walkingdog")),
        ("WalkPair", ("WalkTogether", "WalkingTogether", "walkingtogether", "WalkPair")),
        ("Photo", ("Photo", "TakingPhoto", "Photo 1")),
        (None, ("jumping", "")),
    ):
        assert {published.paper_action(name) for name in names} == {action}


def test_every_action_of_the_dataset_has_its_column(h36m_poses):
    assert {published.paper_action(name) for name in np.unique(h36m_poses["action"]).tolist()} == set(published.ACTIONS)


def test_published_means_fit_their_groups(real_gt):
    """The official Mean weighs joints by their number: a number that was copied wrongly would show."""
    count = dict(zip(MPII.names, real_gt().annotated.sum(axis=0).tolist(), strict=True))
    limbs = [count[f"r_{limb}"] + count[f"l_{limb}"] for limb in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")]
    weights = np.array([count["upper_neck"] + count["head_top"], *limbs], dtype=float)
    odd = {name: row for name, row in published.TABLE_8.items() if row["note"]}
    assert list(odd) == ["newell"]  # its Mean is as the paper prints it
    for row in (row for name, row in published.TABLE_8.items() if name not in odd):
        assert weights @ row["groups"][:7] / weights.sum() == pytest.approx(row["groups"][7], abs=0.1)
    assert weights @ odd["newell"]["groups"][:7] / weights.sum() == pytest.approx(90.9, abs=0.1)


def test_table_7_is_the_papers_digit_by_digit(printed):
    table = printed["table7"]
    ours = {"IEF*": "ief_star", "joint": "joint", "bone": "bone", "both": "both", "all": "all"}
    metrics = ("Joint Error", "Bone Error", "PCKh@0.5")
    found = {(ours[method], stage.replace(" ", "")): tuple(str(table[stage][metric][method]) for metric in metrics)
             for stage in ("stage 0", "stage 1") for method in table[stage]["Joint Error"]}  # fmt: skip
    assert found == {key: tuple(map(str, scores)) for key, scores in published.TABLE_7.items()}
    assert sum(map(len, found.values())) == 30


def test_table_8_is_the_papers_digit_by_digit_and_in_its_order(printed):
    rows = [(name, source, *(str(row[column]) for column in HEADS))
            for part, source in zip(("detection based", "regression based"), PAPERS, strict=True)
            for name, row in printed["table8"][part].items()]  # fmt: skip
    assert len(rows) == 16
    papers = [row for row in published.TABLE_8.values() if row["source"] in PAPERS]
    assert [(row["source"], *map(str, row["groups"])) for row in papers] == [row[1:] for row in rows]
    for (name, *_), row in zip(rows, papers, strict=True):
        assert name in ("IEF*", "Ours (all)") or name.split()[0] in row["label"]
    assert {row["source"] for row in published.TABLE_8.values()} == set(published.SOURCES.values())


def test_rows_are_chosen_by_name():
    assert published.select_rows(["all"]) is published.TABLE_8 and published.select_rows(["none"]) == {}
    assert list(published.select_rows(["wei", "insafutdinov"])) == ["insafutdinov", "wei"]
    with pytest.raises(PoseError, match="no published row 'cao'"):
        published.select_rows(["wei", "cao"])
    with pytest.raises(PoseError, match="no published row 'all'"):
        published.select_rows(["all", "wei"])
    assert published.TABLE_8["paper"]["groups"][-1] == published.TABLE_7["all", "stage1"][2]
    assert published.TABLE_8["ief_star"]["groups"][-1] == published.TABLE_7["ief_star", "stage1"][2]
