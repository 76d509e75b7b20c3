"""What a run's last stage makes of the poses of another program, which may lack joints and people.

`python tests/benchmarks/anybodys.py RUN DATA POSES.npz`: POSES has `joints` (N, K, 2) in image pixels, `joint_names`
and `person_ids` of the validation people of prepared DATA. Printed are PCKh@0.5 (or the data's own measure) of these
joints of these people, and what is gained where a joint is moved by 1/64 of the crop's side at most, and without
limit; paired, with 95 % intervals over people.
"""

import math
import sys

import numpy as np
from corrections import show

from ief.inference.predictor import LIMIT, PosePredictor
from ief.reporting.scoring import score_poses
from mpii_tools.prepared.read import load_prepared

if __name__ == "__main__":
    run, folder, file = sys.argv[1:]
    split = load_prepared(folder, "valid")
    with np.load(file) as stored:
        joints, names, ids = stored["joints"], stored["joint_names"].tolist(), stored["person_ids"].tolist()
    people, wanted = split.people, [split.people.joint_names.index(name) for name in names]
    rows = np.array([people.person_ids.tolist().index(person) for person in ids])
    given = np.full(people.joints.shape, np.nan)
    given[rows[:, None], wanted] = joints
    people.joints[np.isnan(given)] = np.nan  # what is not predicted does not count
    cells = [show(score_poses(np.nan_to_num(given), people, intervals=True)[2].mean_pckh)]
    for limit in (LIMIT, math.inf):
        poses = PosePredictor.load(run, limit=limit).predict_split(split, given)[0][-1]
        cells.append(show(score_poses(poses, people, intervals=True, minus=np.nan_to_num(given))[2].mean_pckh, "+"))
    print(f"| {run} on {file}, {len(ids):,} of {len(people):,} people | {' | '.join(cells)} |")
