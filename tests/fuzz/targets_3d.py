"""Human3.6M's forms and its cameras, beside every other reader's target."""

import json
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import human36m_forms as forms
import numpy as np
import targets
from targets import Target, drop_unusable, saved, saveh5, savejson, savenpz

from ief.reporting.scoring import score_poses
from mpii_tools.annotations.human36m.protocols import choose_people, place_crops
from mpii_tools.annotations.placement import place_people
from mpii_tools.annotations.read import read_annotations
from mpii_tools.annotations.splits import assign_splits
from mpii_tools.people import DEPTH_COLUMNS, Depth


def use_human36m(path: Path) -> None:
    """Read, choose frames, crop, score the ground truth's own poses."""
    found = choose_people(read_annotations(path), 2, [1])
    people = found.people
    depth = people.depth
    if depth.placed.all() and np.isfinite(people.joints[:, people.skeleton.root]).all():
        people = place_crops(found, "pelvis").people
    people = place_people(assign_splits(path, replace(found, people=people)).people)[0]
    drop_unusable(people)
    score_poses(people.coordinates, people)


@cache
def human36m() -> tuple:
    """Two frames each of two subjects of Human3.6M, and cameras."""
    people = [person for person in forms.make_people() if (person.subject, person.action) != ("S1", "Photo")]
    return people, forms.make_cameras()


def cameras_json() -> dict[str, bytes]:
    return {"cameras.json": json.dumps(human36m()[1]).encode()}


def posenet_beside() -> dict[str, bytes]:
    """PoseNet's three files of S9."""
    trees = forms.posenet_trees(*human36m(), "S9")
    return {f"Human36M_subject9_{ending}.json": json.dumps(tree).encode() for ending, tree in trees.items()}


def posenet(ending: str) -> Target:
    """One of the three, damaged; the people are read through the first."""
    return Target(f"Human36M_subject9_{ending}.json", lambda: forms.posenet_trees(*human36m(), "S9")[ending], savejson,
                  lambda path: use_human36m(path.with_name("Human36M_subject9_data.json")), posenet_beside)  # fmt: skip


def save_metadata(path: Path, fields: object) -> None:
    """An XML file of nested tags."""

    def tag(name: str, value: object) -> str:
        inside = "".join(tag(*item) for item in value.items()) if isinstance(value, dict) else str(value)
        return f"<{name}>{inside}</{name}>"

    path.write_text(tag("a", fields))


def metadata() -> dict:
    tree = ElementTree.fromstring(forms.metadata_xml(human36m()[1]))
    ids = "</item><item>".join(item.text for item in tree.find("dbcameras").find("index2id"))
    return {"w0": tree.find("w0").text, "dbcameras": {"index2id": f"<item>{ids}</item>"}}


def mmpose_beside() -> dict[str, bytes]:
    return {"h36m.npz": saved(lambda file: np.savez(file, **forms.mmpose_arrays(*human36m())))}


def fetch() -> dict:
    people, lenses = human36m()
    return forms.fetch_arrays([person for person in people if person.subject == "S9"], lenses)


def depth_columns() -> dict:
    """What `a-depth.npz` holds of the people of `a.npz`."""
    ids = targets.people().person_ids.tolist()
    depth = Depth(np.zeros((len(ids), 16)), camera=np.array([1000.0, 1000, 500, 500]),
                  root_depth=np.full(len(ids), 4000.0), subject="S9", action="Eating", sequence="1")  # fmt: skip
    return {"person_ids": np.array(ids), **{name: getattr(depth, name) for name in DEPTH_COLUMNS}}


def use_depth(path: Path) -> None:
    """Read the people beside, score the ground truth's own poses."""
    people = read_annotations(path.with_name("a.npz")).people
    score_poses(people.coordinates, people)


TARGETS = {
    **targets.TARGETS,
    "depth .npz": Target("a-depth.npz", depth_columns, savenpz, use_depth,
                         lambda: {"a.npz": saved(lambda file: np.savez(file, **targets.people_columns()))}),
    "mmpose's Human3.6M .npz": Target("h36m.npz", lambda: forms.mmpose_arrays(*human36m()), savenpz, use_human36m,
                                      cameras_json),
    "mmpose's MPI-INF-3DHP .npz": Target("3dhp.npz", forms.mpi_inf_arrays, savenpz, use_human36m),
    **{f"PoseNet's _{ending}.json": posenet(ending) for ending in ("data", "camera", "joint_3d")},
    "RLE's .json": Target("a.json", lambda: forms.rle_tree(*human36m()), savejson, use_human36m, cameras_json),
    "h36m-fetch's .h5": Target("annot.h5", fetch, saveh5, use_human36m),
    "cameras.json": Target("cameras.json", lambda: human36m()[1], savejson,
                           lambda path: use_human36m(path.with_name("h36m.npz")), mmpose_beside),
    "metadata.xml": Target("metadata.xml", metadata, save_metadata,
                           lambda path: use_human36m(path.with_name("h36m.npz")), mmpose_beside),
}  # fmt: skip
if find_spec("cdflib"):
    TARGETS["Human3.6M's .cdf"] = Target(
        "S1/D3_Positions_mono/Directions 1.54138969.cdf",
        lambda: {"Pose": np.ones((1, 3, 96))},
        lambda path, fields: forms.write_cdf(path, fields["Pose"]),
        use_human36m,
    )
