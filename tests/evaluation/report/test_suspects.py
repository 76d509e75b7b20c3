"""The section of suspect labels: its CSV and its JSON, which is read back as the labels that were given."""

import csv
import json
from dataclasses import replace

import numpy as np

from evaluation import GroundTruth
from evaluation.report.material import Run
from evaluation.report.suspects import make_section
from heads.skeleton import MPII
from mpii_tools.annotations.read import read_annotations


def test_suspects_are_listed_and_can_be_relabeled(tmp_path):
    joints = np.random.default_rng(0).uniform(50, 300, (12, 16, 2))
    joints[2, 9] = np.nan
    runs = [Run(name, "", {}, MPII, {"stage0": {}}, poses={"stage0": np.nan_to_num(joints) + off})
            for name, off in (("one", 1.0), ("two", -1.0))]  # fmt: skip
    labels = joints.copy()
    labels[3] = labels[3, list(MPII.flip_permutation)]
    labels[2] += 90
    gt = GroundTruth(labels, np.full(12, 40.0))
    ids, images = [f"p{row}" for row in range(12)], [f"{row}.jpg" for row in range(12)]
    section = make_section(runs, lambda dimensions, *poses: (gt, [*poses]), ids, images)
    rows = list(csv.reader(section.files["suspects.csv"].decode().splitlines()))
    assert rows[0] == ["Person", "Image", "Kind", "Score"] and len(rows) == 3
    assert {(row[0], row[1], row[2]) for row in rows[1:]} == {("p3", "3.jpg", "mirrored"), ("p2", "2.jpg", "displaced")}
    path = tmp_path / "suspects.json"
    path.write_bytes(section.files["suspects.json"])
    people = read_annotations(path).people
    assert people.skeleton.names == MPII.names and people.images.tolist() == [row[1] for row in rows[1:]]
    np.testing.assert_allclose(people.joints, labels[[int(row[0][1:]) for row in rows[1:]]])
    attributes = [one["attributes"] for one in json.loads(path.read_text())["annotations"]]
    assert [one["person_id"] for one in attributes] == [row[0] for row in rows[1:]]
    assert make_section([runs[0], replace(runs[1], poses={})], None, ids, images) is None
