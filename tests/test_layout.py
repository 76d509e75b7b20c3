"""The contract of the layout: who may import whom, without a circle, and what training needs."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ALLOWED = {
    "heads": set(),
    "mpii_tools": {"heads"},
    "evaluation": {"heads"},
    "checkpoints": set(),
    "ief": {"heads", "mpii_tools", "evaluation", "checkpoints"},
}
FILES = [path for package in ALLOWED for path in sorted((ROOT / package).rglob("*.py"))]


def imports(path):
    """Dotted names that a file imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_name(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_a_package_imports_only_what_the_design_allows(path):
    package = path.relative_to(ROOT).parts[0]
    ours = {name.split(".")[0] for name in imports(path)} & set(ALLOWED)
    assert ours <= ALLOWED[package] | {package}
    if package == "heads":
        others = {name.split(".")[0] for name in imports(path)} - set(sys.stdlib_module_names) - {"heads"}
        assert others <= {"torch"}


def test_no_modules_import_each_other_in_a_circle():
    modules = {module_name(path): path for path in FILES}
    graph = {name: {other for other in imports(path) if other in modules} - {name} for name, path in modules.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_training_on_prepared_data_needs_no_opencv_h5py_matplotlib_or_scipy():
    code = "import sys, ief.commands.train; print(*sorted({'cv2', 'h5py', 'matplotlib', 'scipy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_top_level_is_the_agreed_one():
    agreed = {"setup.cfg", "pyproject.toml", "README.md", "LICENSE", ".gitignore", ".ci", "tests", *ALLOWED}
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    assert {line.split("/")[0] for line in done.stdout.splitlines()} <= agreed
