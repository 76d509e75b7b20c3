"""The contract of the layout: who may import whom, without a circle, what training needs; and text is UTF-8."""

import ast
import re
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ALLOWED = {
    "checkpoints": set(),
    "heads": set(),
    "mpii_tools": {"heads", "checkpoints"},
    "evaluation": {"heads", "checkpoints"},
    "ief": {"heads", "mpii_tools", "evaluation", "checkpoints"},
}
# Folders of a package, lowest first, with those below that each may import; a module beside them is a name as well.
ROOMS = {
    "mpii_tools": {
        "formats": set(),
        "crops": set(),
        "images": {"crops"},
        "cameras": set(),
        "people": {"cameras"},
        "skeletons": set(),
        "annotations": {"skeletons", "formats", "images", "people", "cameras"},
        "prepared": {"skeletons", "formats", "images", "people", "crops", "annotations"},
        "results": {"formats", "images", "people", "annotations"},
        "synthetic": {"formats", "people", "cameras", "annotations"},
    },
    "evaluation": {"metrics": set(), "report": {"metrics"}},
    "ief": {
        "model": set(),
        "inference": {"model"},
        "reporting": {"model", "inference"},
        "training": {"model", "inference", "reporting"},
        "benchmarks": {"model", "inference", "training"},
        "workflow": {"model", "inference", "training", "reporting"},
        "commands": {"model", "inference", "training", "reporting", "benchmarks", "workflow"},
        "cli": set(),
        "__main__": {"cli"},
    },
}
FILES = [path for package in ALLOWED for path in sorted((ROOT / package).rglob("*.py"))]


@cache
def imports(path):
    """Dotted names that a file imports, wherever it does."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def module_name(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(path): path for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_a_package_imports_only_what_the_design_allows(path):
    package = path.relative_to(ROOT).parts[0]
    imported = {name.split(".")[0] for name in imports(path)}
    assert imported & set(ALLOWED) <= ALLOWED[package] | {package}
    assert package != "heads" or imported - set(sys.stdlib_module_names) <= {"heads", "torch"}


@pytest.mark.parametrize("path", [path for path in FILES if path.name != "__init__.py"], ids=module_name)
def test_a_folder_imports_only_the_folders_below_it(path):
    package, *rest = module_name(path).split(".")
    if package not in ROOMS:
        return
    names = {name for name in imports(path) & MODULES.keys() if name.startswith(f"{package}.")}
    assert {name.split(".")[1] for name in names} - {rest[0]} <= ROOMS[package][rest[0]]


@pytest.mark.parametrize("package", ROOMS)
def test_the_folders_stand_in_order(package):
    order = list(ROOMS[package])
    for place, (room, below) in enumerate(ROOMS[package].items()):
        assert below <= set(order[:place]), room
    paths = (ROOT / package).iterdir()
    inside = {path.stem for path in paths if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert inside - {"__init__"} == set(order)


def test_no_modules_import_each_other_in_a_circle():
    graph = {name: (imports(path) & MODULES.keys()) - {name} for name, path in MODULES.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError


READERS = ("results.predictions", "results.coco", "results.sanity", "results.submission", "prepared.ranges",
           "prepared.read")  # fmt: skip


@pytest.mark.parametrize(("modules", "without"), [
    ("heads, heads.skeleton, evaluation, mpii_tools.annotations.read", {"torch"}),
    (f"mpii_tools.annotations.read, {', '.join(f'mpii_tools.{module}' for module in READERS)}",
     {"torch", "scipy", "h5py", "cv2", "PIL", "matplotlib"}),  # the start-up of `ief evaluate` and of every `-h`
    ("heads.losses, heads.likelihood", {"checkpoints", "mpii_tools", "evaluation", "ief"}),
    ("ief.workflow, ief.workflow.predict", {"ief.training", "ief.reporting.report", "matplotlib"}),
    ("ief.training.trainer, ief.reporting.scoring", {"cv2", "h5py", "matplotlib", "scipy"}),
    ("ief", {"numpy", "torch", "evaluation", "heads"}),
])  # fmt: skip
def test_an_import_loads_no_more_than_it_needs(modules, without):
    code = f"import sys, {modules}; print(*sorted({without} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == ""


def test_heads_exports_its_names():
    import heads

    assert all(getattr(heads, name) is not None for name in heads.__all__) and heads.MPII.names[0] == "r_ankle"
    with pytest.raises(AttributeError, match="CompositionalLoss"):
        heads.nothing  # noqa: B018


def test_the_top_level_is_the_agreed_one():
    files = "setup.cfg pyproject.toml README.md CONTRIBUTING.md LICENSE .gitignore CITATION.cff CHANGELOG.md"
    agreed = {*files.split(), ".ci", "tests", *ALLOWED}
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    assert {line.split("/")[0] for line in done.stdout.splitlines()} <= agreed


def test_the_packages_show_their_architecture():
    """A folder shows folders: modules beside them are few."""
    assert {path.stem for path in (ROOT / "ief").glob("*.py")} == {"__init__", "__main__", "cli"}
    for package in ("mpii_tools", "evaluation"):
        assert len({path.stem for path in (ROOT / package).glob("*.py")} - {"__init__"}) <= 4


def test_no_command_imports_another():
    """What they share is in `options`, what they do in `ief.workflow`."""
    names = {path.stem for path in (ROOT / "ief/commands").glob("*.py")} - {"__init__", "options"}
    others = {f"ief.commands.{name}" for name in names}
    for name in names:
        assert not others & imports(ROOT / "ief/commands" / f"{name}.py"), name


def test_names_of_tests_fit_a_line():
    tests = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")}
    names = [(file, name) for file, text in tests.items() for name in re.findall(r"^def (test_\w+)", text, re.M)]
    assert not [each for each in names if len(each[1]) >= 60] and len(names) > 500


PAGES = sorted({*ROOT.glob("*.md"), *(page for package in ALLOWED for page in (ROOT / package).rglob("*.md"))})


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_wrap_at_100_columns(path):
    """Tables, pictures and code aside; a page's links lead somewhere."""
    text = path.read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), 1):
        assert len(line) <= 100 or line.startswith(("|", "!", "    ")) or " " not in line.strip(), f"line {number}"
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert target.startswith("http") or (path.parent / target).exists(), target


OPENING = {"open", "fdopen", "read_text", "write_text", "TextIOWrapper", "NamedTemporaryFile"}


def is_mode(node):
    """Whether an argument is a mode of `open`, such as "rb"."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and set(node.value) <= set("rwxabt+")


def text_without_encoding(source):
    """Lines of calls that read or write text and leave its encoding to the system."""
    tree = ast.parse(source)
    imported = {alias.asname or alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
                for alias in node.names}  # fmt: skip
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or any(word.arg == "encoding" for word in node.keywords):
            continue
        method = isinstance(node.func, ast.Attribute)
        name = node.func.attr if method else getattr(node.func, "id", "")
        if name not in OPENING or (not method and name in imported):  # checkpoints.files.write_text is always UTF-8
            continue
        arguments = [*node.args, *(word.value for word in node.keywords if word.arg == "mode")]
        modes = [argument.value for argument in arguments if is_mode(argument)]
        others = {"Image", "tarfile", "zipfile", "archive", "os"}  # whose `open` knows no text
        foreign = method and name == "open" and getattr(node.func.value, "id", "") in others
        if not foreign and not any("b" in mode for mode in modes):
            yield node.lineno


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_is_read_or_written_in_the_systems_encoding(path):
    assert not list(text_without_encoding(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(("source", "found"), [
    *((call, True) for call in ("open(path)", "open(path, 'w')", "path.open()", "path.read_text()",
                                "path.write_text(text)")),
    *((call, False) for call in ("open(path, encoding='utf-8')", "open(path, 'rb')", "path.open(mode='wb')",
                                 "tarfile.open(path, 'r:')")),
    ("from checkpoints.files import write_text\nwrite_text(path, text)", False),
])  # fmt: skip
def test_the_search_finds_what_it_looks_for(source, found):
    assert bool(list(text_without_encoding(source))) == found
