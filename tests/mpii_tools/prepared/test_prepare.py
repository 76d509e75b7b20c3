from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from pictures import claim_size, smooth_image

from checkpoints.errors import PoseError
from heads.skeleton import MPII
from mpii_tools.annotations.reading import merge
from mpii_tools.crops import crop_matrices
from mpii_tools.images.decode import decode_crops
from mpii_tools.images.sources import open_images
from mpii_tools.people import People
from mpii_tools.prepared.batches import TrainingBatches
from mpii_tools.prepared.ranges import Augmentation
from mpii_tools.prepared.read import load_prepared, read_description
from mpii_tools.prepared.write import BAD_IMAGE, NO_IMAGE, OUTSIDE, CropSpec, drop_unusable, prepare

CPU = torch.device("cpu")


def example(count=10, seed=0):
    """People on smooth images, one of them on a missing and one on a corrupt image."""
    rng = np.random.default_rng(seed)
    images = {f"{i}.jpg": encoded(smooth_image(320, 240, i)) for i in range(count - 2)} | {"corrupt.jpg": b"corrupt"}
    names = [*images, "missing.jpg"]
    joints = rng.uniform(0, 240, (count, 16, 2))
    joints[rng.random((count, 16)) < 0.2] = np.nan
    people = People(names, joints, center=rng.uniform(60, 180, (count, 2)), scale=rng.uniform(0.4, 1.5, count),
                         head_size=np.full(count, 20.0), split=np.array(["train", "valid"] * (count // 2)))  # fmt: skip

    def read(name):
        if name not in images:
            raise PoseError(f"images: no image '{name}'")
        return images[name]

    return people, read


def test_prepared_crops_are_the_images_own_pixels(tmp_path):
    people, read = example()
    done = prepare(people, read, tmp_path, "example", CropSpec(64))
    assert done.splits == {"train": 4, "valid": 4}
    assert done.faults[NO_IMAGE] == ["missing.jpg#1: images: no image 'missing.jpg'"]
    assert [fault.split(":")[0] for fault in done.faults[BAD_IMAGE]] == ["corrupt.jpg#1"]
    data = load_prepared(tmp_path, "valid")
    assert (data.size, data.border, data.name) == (64, 16, "example")
    matrices = crop_matrices(data.people.crop_center, data.people.crop_side, 64)
    pairs = zip(data.people.images.tolist(), matrices, strict=True)
    direct = [decode_crops(read(name), "", matrix[None], 64)[0] for name, matrix in pairs]
    assert np.abs(data.crops[:, 16:-16, 16:-16].astype(int) - direct).max() <= 1
    np.testing.assert_allclose(data.to_image(data.joints), data.people.joints, atol=1e-3)


@pytest.fixture
def train_split(tmp_path):
    people, read = example(32)
    prepare(people, read, tmp_path, "example", CropSpec(32))
    return load_prepared(tmp_path, "train")


def test_every_epoch_shows_every_person_once(train_split):
    batches, count = TrainingBatches(train_split, Augmentation(0, 0, 0, 0), 4, 0, CPU), len(train_split)
    people = np.concatenate([batches(step, images=False).person_ids for step in range(3 * count)])
    epochs = people.reshape(12, count)
    assert (np.sort(epochs) == np.sort(train_split.people.person_ids)).all()
    assert (epochs[0] != epochs[1]).any()


def test_a_batch_depends_on_seed_and_step_alone(train_split):
    first = TrainingBatches(train_split, Augmentation(), 4, 7, CPU)
    first(0), first(1)
    again, other = (TrainingBatches(train_split, Augmentation(), 4, seed, CPU) for seed in (7, 8))
    a, b, c = first(5), again(5), other(5)
    assert torch.equal(a.images, b.images) and torch.equal(a.joints.nan_to_num(), b.joints.nan_to_num())
    assert not torch.equal(a.images, c.images)


def test_processes_share_a_batch_without_overlap(train_split):
    given = train_split, Augmentation(color=0.4, occlusion=0.5, half_body=0.5), 6, 1, CPU
    whole, *parts = (TrainingBatches(*given, share) for share in (slice(None), slice(0, None, 2), slice(1, None, 2)))
    for step in range(3):
        full, shares = whole(step), [part(step) for part in parts]
        for rank, share in enumerate(shares):
            torch.testing.assert_close(share.images, full.images[rank::2])
            assert list(share.person_ids) == list(full.person_ids[rank::2])
            assert list(parts[rank].whole()(step).person_ids) == list(full.person_ids)


def test_missing_joints_are_masked_through_flips(train_split):
    batch = TrainingBatches(train_split, Augmentation(flip=1.0), 8, 0, CPU)(0)
    rows = [train_split.people.person_ids.tolist().index(person) for person in batch.person_ids.tolist()]
    flipped = train_split.people.supervised[rows][:, list(MPII.flip_permutation)]
    assert np.array_equal(batch.mask.numpy(), np.stack([flipped, flipped], axis=-1)) and not flipped.all()
    assert torch.isnan(batch.joints[~batch.mask]).all()


def encoded(pixels, suffix=".jpg"):
    return cv2.imencode(suffix, pixels)[1].tobytes()


def faulty(tmp_path):
    """Two whole people and one of every fault; their images."""
    pixels = np.random.default_rng(0).integers(0, 255, (100, 120, 3), dtype=np.uint8)
    jpeg = encoded(pixels)
    files = {
        "good.jpg": jpeg, "grey.jpg": encoded(pixels[..., 0]), "deep.png": encoded(pixels.astype(np.uint16), ".png"),
        "empty.jpg": b"", "corrupt.jpg": jpeg[:-20], "text.jpg": b"no image", "huge.jpg": claim_size(jpeg, b"\xff\xff"),
    }  # fmt: skip
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    kinds = ["good", "grey", "deep", "jointless", "scale 0", "scale nan", "far", "outside", "again", "id", "absent",
             "empty", "corrupt", "text", "huge"]  # fmt: skip
    images = [f"{kind}.jpg" if f"{kind}.jpg" in files else "good.jpg" for kind in kinds]
    images[2], images[kinds.index("absent")] = "deep.png", "absent.jpg"
    rng = np.random.default_rng(1)
    joints, center = rng.uniform(0, 100, (len(kinds), 16, 2)), np.full((len(kinds), 2), 50.0)
    scale = np.full(len(kinds), 0.4)
    scale[4:6] = 0, np.nan
    joints[3] = np.nan
    joints[6, 2] = 1e7
    center[7] = -500
    joints[7] -= 550
    joints[8] = joints[0]
    ids = np.array([f"{kind}#1" for kind in kinds])
    ids[9] = "good#1"
    return People(images, joints, person_ids=ids, center=center, scale=scale, split="train"), open_images(tmp_path)


FAULTS = {
    "people left out: their id appears twice": ["good#1"],
    "people left out: no usable center and scale (NaN, 0 or below)": ["scale 0#1", "scale nan#1"],
    "people left out: no annotated joint": ["jointless#1"],
    "people left out: a joint more than 10 crop sides away": ["far#1"],
    "people left out: the same person again": ["again#1"],
    NO_IMAGE: ["absent#1"],
    BAD_IMAGE: ["empty#1", "corrupt#1", "text#1", "huge#1"],
    OUTSIDE: ["outside#1"],
}


def names_of(faults):
    return {what: [name.split(":")[0] for name in names] for what, names in faults.items()}


def test_every_fault_of_a_person_is_found_and_left_out(tmp_path):
    people, images = faulty(tmp_path)
    done = prepare(people, images, tmp_path / "out", "example", CropSpec(32))
    assert done.written and names_of(done.faults) == FAULTS
    assert read_description(tmp_path / "out")["faults"] == {what: len(who) for what, who in FAULTS.items()}
    assert "65,535 x 65,535 pixels" in done.faults[BAD_IMAGE][3]
    assert done.notes == {"grey images, used as RGB": ["grey.jpg"], "images of 16 bits, reduced to 8": ["deep.png"]}
    kept = load_prepared(tmp_path / "out", "train")
    assert kept.people.person_ids.tolist() == ["good#1", "grey#1", "deep#1"] and len(kept.crops) == 3
    assert np.ptp(kept.crops[1].astype(int), axis=-1).max() < 30  # the middle of it is grey, what is outside nearly


def test_strict_finds_the_same_and_writes_nothing(tmp_path):
    people, images = faulty(tmp_path)
    done = prepare(people, images, tmp_path / "out", "example", CropSpec(32), strict=True)
    assert not done.written and names_of(done.faults) == FAULTS
    assert not (tmp_path / "out").exists()
    sound = people.select(np.arange(3))
    assert prepare(sound, images, tmp_path / "out", "example", CropSpec(32), strict=True).written
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    known = {"people left out by the reader": ["a#1"]}
    assert not prepare(sound, images, tmp_path / "out", "other", CropSpec(32), strict=True, known=known).written
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_a_split_is_added_beside_the_other(tmp_path):
    people, read = example(10)
    train, valid = (replace(people, split=np.full(10, split)) for split in ("train", "valid"))
    prepare(train.select(np.arange(0, 4)), read, tmp_path, "both", CropSpec(32))
    done = prepare(valid.select(np.arange(4, 8)), read, tmp_path, "both", CropSpec(32))
    assert (done.splits, done.kept, done.replaced) == ({"valid": 4}, {"train": 4}, {})
    assert read_description(tmp_path)["splits"] == {"train": 4, "valid": 4}
    assert load_prepared(tmp_path, "train").people.person_ids.tolist() == people.person_ids[:4].tolist()


def test_a_folder_without_split_names_says_how_to_say_them(tmp_path):
    people, read = example(8)
    prepare(replace(people, split=np.full(8, "")), read, tmp_path, "example", CropSpec(32))
    with pytest.raises(PoseError, match=r"has no split 'train'; it has all; say .* `--annotations train=PATH`"):
        load_prepared(tmp_path, "train")


def test_test_people_are_kept_wherever_they_stand(tmp_path):
    """The server scores them all: only a missing crop or image leaves one out."""
    people, images = faulty(tmp_path)
    people = replace(people.select(np.array([0, 3, 7, 8])), split=np.array(["test"] * 4))
    done = prepare(people, images, tmp_path / "out", "example", CropSpec(32))
    assert done.splits == {"test": 4} and not done.faults


def test_the_real_data_have_no_fault(read_shared):
    for name in ("mpii/valid_annolist.mat", "lspet"):
        reading = read_shared(name)
        usable, faults = drop_unusable(reading.people)
        assert len(usable) == len(reading.people) and not faults and not merge(reading.faults)
