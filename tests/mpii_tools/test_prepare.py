import json

import cv2
import numpy as np
import pytest
import torch

from heads.errors import BadInput
from heads.skeleton import MPII
from mpii_tools.augmentation import NONE, Augmentation
from mpii_tools.batches import TrainingBatches
from mpii_tools.crops import crop_matrices
from mpii_tools.people import make_people
from mpii_tools.photos import decode_photo, warp
from mpii_tools.prepare import prepare
from mpii_tools.prepared import load_prepared

CPU = torch.device("cpu")


def example(count=10, seed=0):
    """People on smooth photos, one of them on a missing and one on a torn photo."""
    draw = np.random.default_rng(seed)
    photos = {}
    for i in range(count - 2):
        small = draw.integers(0, 255, (12, 16, 3)).astype(np.uint8)
        photos[f"{i}.jpg"] = cv2.imencode(".jpg", cv2.resize(small, (320, 240)))[1].tobytes()
    photos["torn.jpg"] = b"torn"
    names = [*(f"{i}.jpg" for i in range(count - 2)), "torn.jpg", "missing.jpg"]
    joints = draw.uniform(0, 240, (count, 16, 2))
    joints[draw.random((count, 16)) < 0.2] = np.nan
    people = make_people(names, joints, centre=draw.uniform(60, 180, (count, 2)), scale=draw.uniform(0.4, 1.5, count),
                         head_size=np.full(count, 20.0), split=np.array(["train", "valid"] * (count // 2)))  # fmt: skip

    def read(name):
        if name not in photos:
            raise BadInput(f"photos: no image '{name}'")
        return photos[name]

    return people, read


def test_prepared_crops_are_the_photos_own_pixels(tmp_path):
    people, read = example()
    done = prepare(people, read, tmp_path, "example", 64, 1.5)
    assert done.splits == {"train": 4, "valid": 4}
    faults = done.notes["persons left out: photo missing or torn"]
    assert len(faults) == 2 and any("torn.jpg#1" in line for line in faults) and any("missing.jpg" in f for f in faults)
    data = load_prepared(tmp_path, "valid")
    assert (data.size, data.border, data.name) == (64, 16, "example")
    for row in range(len(data)):
        person = data.people
        direct = warp(
            decode_photo(read(str(person.images[row])), ""),
            crop_matrices(person.crop_centre[row : row + 1], person.crop_side[row : row + 1], 64)[0], 64,
        )  # fmt: skip
        assert np.abs(data.crops[row, 16:-16, 16:-16].astype(int) - direct).max() <= 1
    np.testing.assert_allclose(data.to_image(data.joints.double().numpy()), data.people.joints, atol=1e-3)


def test_persons_without_crop_or_joint_are_left_out_and_counted(tmp_path):
    people, read = example(8)
    people.scale[0], people.scale[1], people.joints[2] = 0.0, np.nan, np.nan
    done = prepare(people, read, tmp_path, "example", 32, 1.0)
    assert done.notes["persons left out: no usable centre and scale"] == ["0.jpg#1", "1.jpg#1"]
    assert done.notes["persons left out: no annotated joint"] == ["2.jpg#1"]
    assert json.loads((tmp_path / "prepared.json").read_text())["left_out"] == {
        what: len(persons) for what, persons in done.notes.items()
    }


def test_no_usable_person_is_an_error(tmp_path):
    people, read = example(8)
    people.scale[:] = np.nan
    with pytest.raises(BadInput, match="no person of example could be prepared"):
        prepare(people, read, tmp_path, "example")


def test_unprepared_or_torn_folders_are_refused(tmp_path):
    with pytest.raises(BadInput, match="run `ief prepare` first"):
        load_prepared(tmp_path, "train")
    people, read = example()
    prepare(people, read, tmp_path, "example", 32)
    with pytest.raises(BadInput, match="no split 'test'; it has train, valid"):
        load_prepared(tmp_path, "test")
    crops = tmp_path / "train-crops.npy"
    crops.write_bytes(crops.read_bytes()[:-100])
    with pytest.raises(BadInput, match=r"train-crops\.npy: torn"):
        load_prepared(tmp_path, "train")
    (tmp_path / "prepared.json").write_text("{")
    with pytest.raises(BadInput, match=r"prepared\.json: torn"):
        load_prepared(tmp_path, "train")


@pytest.fixture
def ready(tmp_path):
    people, read = example(32)
    prepare(people, read, tmp_path, "example", 32)
    return load_prepared(tmp_path, "train")


def test_every_pass_shows_every_person_once(ready):
    batches = TrainingBatches(ready, MPII, NONE, 4, 0, CPU)
    rows = np.concatenate([batches(step, images=False).rows for step in range(3 * len(ready))])
    for turn in rows[: len(rows) // len(ready) * len(ready)].reshape(-1, len(ready)):
        assert sorted(turn) == list(range(len(ready)))
    assert list(rows[: len(ready)]) != list(rows[len(ready) : 2 * len(ready)])


def test_a_batch_depends_on_seed_and_step_alone(ready):
    first = TrainingBatches(ready, MPII, Augmentation(), 4, 7, CPU)
    first(0), first(1)
    again, other = (
        TrainingBatches(ready, MPII, Augmentation(), 4, 7, CPU),
        TrainingBatches(ready, MPII, Augmentation(), 4, 8, CPU),
    )
    a, b, c = first(5), again(5), other(5)
    assert torch.equal(a.images, b.images) and torch.equal(a.joints.nan_to_num(), b.joints.nan_to_num())
    assert not torch.equal(a.images, c.images)


def test_processes_share_a_batch_without_overlap(ready):
    whole = TrainingBatches(ready, MPII, Augmentation(), 6, 1, CPU)
    parts = [TrainingBatches(ready, MPII, Augmentation(), 6, 1, CPU, rank, 2) for rank in range(2)]
    for step in range(3):
        full, shares = whole(step), [part(step) for part in parts]
        for rank, share in enumerate(shares):
            torch.testing.assert_close(share.images, full.images[rank::2])
            assert list(share.rows) == list(full.rows[rank::2])
            assert list(parts[rank].whole()(step).rows) == list(full.rows)


def test_missing_joints_are_masked_through_flips(ready):
    batch = TrainingBatches(ready, MPII, Augmentation(flip=1.0), 8, 0, CPU)(0)
    flipped = ready.people.supervised[batch.rows][:, list(MPII.flip_permutation)]
    assert np.array_equal(batch.mask.numpy(), flipped) and not flipped.all()
    assert torch.isnan(batch.joints[~batch.mask]).all()
