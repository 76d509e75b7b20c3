"""Names that others have too: a module of somebody else's in the place of a package of ours is named."""

import subprocess
import sys
from pathlib import Path

import pytest

import evaluation
import heads
import ief

ROOT = Path(__file__).resolve().parents[2]


def run_beside(folder, code):
    """What Python says of a script in `folder`, where it looks first, and then at the packages."""
    (folder / "mine.py").write_text(f"import sys\nsys.path[1:1] = [{str(ROOT)!r}]\n{code}\n")
    return subprocess.run([sys.executable, "mine.py"], cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize("name", ["evaluation.py", "heads.py", "checkpoints/__init__.py", "mpii_tools.py"])
def test_a_foreign_module_is_named_with_its_path(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("x = 1\n")
    done = run_beside(tmp_path, "from ief import PosePredictor")
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1 and last.startswith(f"ImportError: {path} is what Python finds as")
    assert "rename it" in last


@pytest.mark.parametrize("name", ["checkpoints", "evaluation", "heads"])
def test_a_folder_of_ones_own_does_no_harm(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "last.pth").touch()
    done = run_beside(tmp_path, "from ief import GroundTruth; print(GroundTruth.__module__)")
    assert done.stdout.strip() == "evaluation.metrics.ground_truth", done.stderr


@pytest.mark.parametrize("name", ["checkpoints", "evaluation", "heads", "mpii_tools"])
def test_nor_does_it_under_an_editable_install(tmp_path, name):
    """Which looks for our packages after every folder of sys.path."""
    (tmp_path / name).mkdir()
    (tmp_path / name / "last.pth").touch()
    code = f"""
sys.path[:] = [path for path in sys.path if path != {str(ROOT)!r}]  # an install with a .pth adds it again
from importlib.machinery import PathFinder
class Finder:
    find_spec = staticmethod(lambda name, path=None, target=None: PathFinder.find_spec(name, path or [{str(ROOT)!r}]))
sys.meta_path = [one for one in sys.meta_path if "editable" not in str(one).lower()] + [Finder]
from ief import GroundTruth, PosePredictor
print(GroundTruth.__module__, {str(ROOT)!r} in sys.path)
"""
    done = run_beside(tmp_path, code)
    assert done.stdout.split() == ["evaluation.metrics.ground_truth", "False"], done.stderr


def test_every_public_name_is_ief_s_too():
    public = {name: value for name, value in vars(evaluation).items() if callable(value)}
    public |= {name: getattr(heads, name) for name in heads.__all__}
    assert {"GroundTruth", "pckh", "MPII", "CompositionalLoss"} <= public.keys()
    assert all(getattr(ief, name) is value for name, value in public.items())
    assert callable(ief.train) and callable(ief.compare_runs) and ief.__all__ == ["PosePredictor", "Poses"]
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ief.nothing  # noqa: B018
