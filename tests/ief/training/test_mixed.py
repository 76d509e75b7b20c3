"""People with and without depth in one training (Section 4, Eq. 9)."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from commands import evaluate
from configs import batches_of, small_config
from processes import finish_here, same_weights, train

from checkpoints.errors import PoseError
from heads.skeleton import MPII
from ief.model.run_folder import load_cascade, load_stage, stage_file
from ief.training.residuals import measure_start
from mpii_tools.prepared.batches import check_mixable
from mpii_tools.prepared.read import load_prepared
from mpii_tools.results.predictions import read_predictions

SHORT = ["--preset", "demo", "--epochs", "2"]  # 10 steps a stage: each shows 4 of the 20 people of --data
NEVER = ["--checkpoint-seconds", "1000000"]
RLE = ["--loss", "rle", "--perturb", "0.02"]
AT_ONCE = ["--stop-after", "0.00001"]  # stops after the first step that it takes


def mixed(deep_data, tiny_data, run, *options):
    return train(deep_data, run, "--also", str(tiny_data), *options)


@pytest.fixture(scope="module")
def straight(deep_data, tiny_data, tmp_path_factory):
    """A finished run that nothing interrupted, both stages by residual log-likelihood."""
    run = tmp_path_factory.mktemp("mixed")
    finish_here(mixed(deep_data, tiny_data, run, *SHORT, *NEVER, *RLE))
    return run


def test_half_of_each_batch_is_of_either_dataset(deep_data, tiny_data):
    config = small_config(deep_data, also=tiny_data, epochs=2.0)
    deep, flat = ({*data.people.person_ids.tolist()} for data in config.data.datasets)
    batches = batches_of(config)
    assert config.data.dimensions == 3 and config.steps == 10 and config.epoch(5) == 1
    drawn = [batches(step) for step in range(10)]
    for batch in drawn:
        assert batch.images.shape == (8, 3, 32, 32) and batch.joints.shape == (8, 16, 3)
        assert batch.mask[:4, :, 2].any(1).all() and not batch.mask[4:, :, 2].any()
        assert torch.equal(batch.mask, torch.isfinite(batch.joints))
    people = np.stack([batch.person_ids for batch in drawn])
    assert {*people[:5, :4].ravel()} == {*people[5:, :4].ravel()} == deep and {*people[:6, 4:].ravel()} == flat
    again = batches_of(config)(3)
    assert torch.equal(again.images, drawn[3].images) and torch.equal(again.mask, drawn[3].mask)
    # The two halves do not share their draws.
    assert not np.array_equal(batches_of(small_config(tiny_data))(0).person_ids[:4], people[0, 4:])


def test_ranks_share_both_halves(deep_data, tiny_data):
    config = small_config(deep_data, also=tiny_data)
    whole, parts = batches_of(config), [batches_of(config, rank, 2) for rank in range(2)]
    batch, shares = whole(1), [part(1) for part in parts]
    for rank, share in enumerate(shares):
        assert share.person_ids.tolist() == batch.person_ids[parts[rank].samples].tolist()
        torch.testing.assert_close(share.images, batch.images[parts[rank].samples])
        assert parts[rank].whole()(1).person_ids.tolist() == batch.person_ids.tolist()
    with pytest.raises(PoseError, match=r"two halves, each a multiple of .* 3"):
        batches_of(config, 0, 3)


def test_depth_survives_augmentation(deep_data, tiny_data):
    config = small_config(deep_data, also=tiny_data)
    batches, data = batches_of(config), config.data.train
    row_of = {person: row for row, person in enumerate(data.people.person_ids.tolist())}
    batch = batches(0)
    for sample in range(4):
        z = data.people.depth.z[row_of[batch.person_ids[sample]]]
        found = batch.joints[sample, :, 2].numpy()
        mirrored = z[list(MPII.flip_permutation)]
        assert any(np.allclose(found, want, atol=1e-3, equal_nan=True) for want in (z, mirrored))
    pose, residuals = measure_start(batches, "all")
    assert pose.shape == (16, 3) and pose[MPII.root, 2] == 0 and pose[:, 2].abs().max() < 200
    assert (residuals.std[:, 2] > 50).all() and (residuals.pair_std[:, 2] > 50).all()  # the root's, too
    assert (residuals.std[:, :2] < 50).all()


def test_a_joint_nobody_has_is_at_the_crops_center(deep_data):
    config, head = small_config(deep_data), MPII.index("head_top")
    train = config.data.train
    people = replace(train.people, joints=train.people.joints.copy())
    people = replace(people, depth=replace(people.depth, z=people.depth.z.copy()))
    people.joints[:, head] = people.depth.z[:, head] = np.nan
    data = replace(config.data, train=replace(train, people=people))
    pose, _ = measure_start(batches_of(replace(config, data=data)), "all")
    assert pose[head].tolist() == [15.5, 15.5, 0]


def test_a_mixed_run_predicts_and_scores_in_3d(straight, deep_data, tiny_data, tmp_path, capsys):
    cascade = load_cascade(straight)
    assert cascade.mean_pose.shape == (16, 3) and len(cascade.stages) == 2
    record = load_stage(stage_file(straight, 1))[2]["training"]
    assert (record["data"], record["also"], record["also_people"], record["dimensions"]) == ("deep", "tiny", 24, 3)
    last, first = straight / "predictions-valid.npz", straight / "predictions-valid-stage0.npz"
    assert read_predictions(last).joints.shape == (10, 16, 3)
    metrics = json.loads((straight / "metrics.json").read_text())
    options = ["--split", "valid", "--against", first, "--intervals"]
    scores, printed = evaluate(last, deep_data, *options, out=tmp_path / "scores.json"), capsys.readouterr().out
    sequences = scores["3d"].pop("per_sequence")
    assert sum(each["persons"] for each in sequences) == 10 and len(sequences) == scores["3d"]["sequences"]
    assert scores["3d"] == metrics["stage1"]["3d"] and scores["joint_error"] == metrics["stage1"]["joint_error"]
    assert "PA Joint mm" in printed and "Per action" in printed and "Per subject" in printed
    before, after = (metrics[stage]["3d"]["joint_error"]["mm"] for stage in ("stage0", "stage1"))
    assert scores["difference"]["3d"]["joint_error"]["mm"] == pytest.approx(after - before)
    log = (straight / "stage1" / "log.csv").read_text().splitlines()
    assert log[0].endswith(",joint_error_mm") and float(log[-1].rsplit(",", 1)[1]) == after


def test_a_mixed_training_resumes_bit_for_bit(straight, deep_data, tiny_data, tmp_path):
    command = mixed(deep_data, tiny_data, tmp_path, *SHORT, *NEVER, *RLE)
    for _ in range(3):
        finish_here([*command, *AT_ONCE], status=75)
    assert "resuming after step 3 of 10" in finish_here(command)
    assert same_weights(straight, tmp_path)


def test_another_second_dataset_is_another_training(straight, deep_data, tiny_data):
    assert "also tiny, not deep" in finish_here(mixed(deep_data, deep_data, straight, *SHORT, *RLE), status=2)
    assert "also tiny, not None" in finish_here(train(deep_data, straight, *SHORT, *RLE), status=2)


def test_a_stage_refuses_people_of_other_dimensions(deep_data, tiny_data, tmp_path):
    finish_here(train(deep_data, tmp_path / "deep", *SHORT, "--stage", "0"))
    said = finish_here(train(tiny_data, tmp_path / "deep", *SHORT), status=2)
    assert "belongs to another training" in said and "dimensions 3, not 2" in said
    finish_here(train(tiny_data, tmp_path / "flat", *SHORT, "--stage", "0"))
    said = finish_here(train(deep_data, tmp_path / "flat", *SHORT, "--stage", "1"), status=2)
    assert "(dimensions 2, not 3); choose another --run" in said


def test_datasets_that_cannot_share_batches_are_one_line(deep_data, tiny_data):
    deep, flat = (load_prepared(folder, "train") for folder in (deep_data, tiny_data))
    with pytest.raises(PoseError, match=r"--also tiny: of 64 px, deep of 32; .*--size"):
        check_mixable(deep, replace(flat, size=64))
    people = replace(flat.people, skeleton=replace(MPII, parents=(1, 2, 6, 6, 3, 4, -1, 6, 6, 8, 11, 12, 7, 7, 13, 14)))
    with pytest.raises(PoseError, match=r"--also tiny .*: its skeleton"):
        check_mixable(deep, replace(flat, people=people))


def test_paper3d_has_one_stage(deep_data, tmp_path):
    finish_here(train(deep_data, tmp_path, "--preset", "paper3d", "--epochs", "0.5"))
    assert len(load_cascade(tmp_path).stages) == 1
