"""Prepared data that tests write or change themselves."""

import json

import numpy as np

from mpii_tools.annotations.people_file import split_files
from mpii_tools.prepared.read import sum_crops, sum_files


def add_sums(folder):
    """The checksums of what is in a prepared folder, as `ief prepare` leaves them."""
    path = folder / "prepared.json"
    description = json.loads(path.read_text())
    sums = {}
    for split in description["splits"]:
        people, _, crops = split_files(folder, split)
        sums[split] = sum_files(people, sum_crops(np.load(crops)))
    path.write_text(json.dumps({**description, "sums": sums}))
    return folder
