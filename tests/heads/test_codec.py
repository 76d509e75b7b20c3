import copy
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import heads
from heads.skeleton import COCO17, Skeleton

ROOT = Path(__file__).parents[2] / "heads"
FOLDER = Path(__file__).parent
EXAMPLES = {"timm_backbone": "timm", "huggingface_vit": "transformers", "rle_head": "torch", "soft_argmax": "torch"}
HAND = Skeleton(("wrist", "thumb", "tip"), (-1, 0, 1))


def people(count=40, joints=17, dimensions=2, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return 100 + 30 * torch.randn(count, joints, dimensions, generator=draw)


def slow_loss(estimate, gt, known, std, pairs):
    """The mean over people of the mean over known pairs and coordinates of |dJ - dJ_gt| / std, one by one."""
    values = []
    for person in range(len(gt)):
        terms = []
        for row, (u, v) in enumerate(pairs):
            if known[person, u] and (v == -1 or known[person, v]):
                for axis in range(gt.shape[-1]):
                    ends = [0.0 if end == -1 else pose[person, end, axis] for pose in (estimate, gt) for end in (u, v)]
                    terms.append(abs((ends[1] - ends[0]) - (ends[3] - ends[2])) / std[row, axis])
        values.append(sum(terms) / len(terms) if terms else 0.0)
    return sum(values) / len(values)


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("pairs", ["joint", "bone", "both", "all"])
def test_a_fitted_loss_is_the_slow_one(pairs, dimensions):
    gt, draw = people(dimensions=dimensions), np.random.default_rng(0)
    known = draw.random((40, 17)) < 0.7
    loss, codec = heads.compositional("coco17", gt, known, pairs=pairs)
    output = torch.randn(4, 17, dimensions)
    chosen, data = heads.get_pairs(pairs, COCO17), gt.double().numpy()
    std = np.empty((len(chosen), dimensions))
    for row, (u, v) in enumerate(chosen):
        both = known[:, u] & (known[:, v] if v != -1 else True)
        std[row] = (data[both, u] - (data[both, v] if v != -1 else 0)).std(axis=0)
    wanted = slow_loss(codec.decode(output).double().numpy(), data[:4], known[:4], std, chosen)
    value = loss(codec.decode(output), gt[:4], torch.from_numpy(known[:4]))
    assert value.dtype == torch.float32 and value.item() == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("representation", ["bones", "joints"])
@pytest.mark.parametrize("skeleton", ["mpii", "coco17", HAND])
def test_a_codec_comes_back_and_is_normalized(skeleton, representation):
    gt = people(joints=3 if skeleton is HAND else 16 if skeleton == "mpii" else 17, dimensions=3)
    codec = heads.compositional(skeleton, gt.double().numpy(), representation=representation)[1]
    output = codec.encode(gt)
    torch.testing.assert_close(output.mean(dim=0), torch.zeros(codec.shape), atol=1e-4, rtol=0)
    torch.testing.assert_close(output.std(dim=0, correction=0), torch.ones(codec.shape))
    torch.testing.assert_close(codec.decode(output.flatten(1)), gt, rtol=1e-4, atol=1e-3)
    again = copy.deepcopy(codec).double()
    torch.testing.assert_close(again.decode(again.encode(gt.double())), gt.double())


def test_a_joint_without_a_label_is_known_by_any_sign():
    gt, mask = people(), torch.rand(40, 17) < 0.6
    output = torch.randn(40, 17, 2, requires_grad=True)
    values, gradients = [], []
    for missing, visible in ((torch.nan, None), (0, None), (5.0, mask), (torch.nan, 2 * mask.int()), (torch.nan, mask)):
        given = torch.where(mask[..., None], gt, missing)
        loss, codec = heads.compositional(COCO17, given, visible)
        values.append(loss(codec.decode(output), given, visible))
        gradients.append(torch.autograd.grad(values[-1], output)[0])
    assert len({value.item() for value in values}) == 1 and values[0].isfinite()
    assert all(torch.equal(gradient, gradients[0]) and gradient.isfinite().all() for gradient in gradients)


def test_with_a_mask_zeros_are_values():
    about_root = people(joints=3, dimensions=3) - 100
    about_root -= about_root[:, :1].clone()
    loss, codec = heads.compositional(HAND, about_root, torch.ones(40, 3))
    moved = about_root.clone()
    moved[:, 0, 0] += 1
    assert loss(moved, about_root) == 0 < loss(moved, about_root, torch.ones(40, 3))
    torch.testing.assert_close(codec.decode(codec.encode(about_root)), about_root, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("arguments", "message"), [
    (("body", people()), "unknown skeleton 'body'; choose mpii or coco17"),
    (("mpii", people()), r"joints of shape \(40, 17, 2\), expected \(N, 16, D\)"),
    (("coco17", people()[0]), r"shape \(17, 2\)"),
    (("coco17", people() * 0), "40 people without any annotated joint"),
    (("coco17", people(), None, "some"), "unknown pair set 'some'"),
])  # fmt: skip
def test_what_cannot_be_fitted_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        heads.compositional(*arguments)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(name):
    pytest.importorskip(EXAMPLES[name], reason=f"install {EXAMPLES[name]}")
    names = runpy.run_path(str(FOLDER / "examples" / f"{name}.py"))
    assert names["value"].isfinite() and 0 < names["value"].abs() < 100
    if "poses" in names:
        poses = names["poses"]
        assert poses.shape[::2] == (8, 2) and poses.isfinite().all() and names["joints"].shape[1:] == poses.shape[1:]


def test_the_pages_lines_run_with_the_folder_alone(tmp_path):
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = [block for block in re.findall(r"```python\n(.*?)```", page, re.S) if "compositional(" in block]
    shutil.copytree(ROOT, tmp_path / "heads")
    (tmp_path / "mine.py").write_text("\n".join([*blocks, "print(heads.__file__, value.item() > 0, *poses.shape)"]))
    code = f"import sys, runpy; sys.path.insert(0, {str(tmp_path)!r}); runpy.run_path('mine.py')"
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.split()[1:] == ["True", "8", "17", "2"] and str(tmp_path) in done.stdout, done.stderr
