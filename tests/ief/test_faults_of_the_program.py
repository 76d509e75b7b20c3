"""What `ief` says of an exception that no command foresaw, and of too little memory: one line, and a status."""

import errno
import subprocess
import sys
import tempfile

import cv2
import numpy as np
import pytest
import torch
from processes import finish_here, train

from ief.cli import main
from ief.training.options import PRESETS

FAR_TOO_MUCH = 1 << 50  # float64: 8 PB, more than any address space


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder of temporary files, for this test alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


SUBMIT = "submit --annotations a --predictions p --out o"


def failing(error):
    """A command's `run` that raises an error, or what a function raises."""

    def run(args):
        raise error if isinstance(error, Exception) else error()

    return run


def said_by(capsys, command, status):
    """The one line on stderr of a command that ends with this status."""
    assert main(command.split()) == status
    said = capsys.readouterr().err
    assert said.startswith(f"ief {command.split()[0]}: ") and said.count("\n") == 1 and "Traceback" not in said
    return said


@pytest.mark.parametrize(("error", "shown"), [
    (TypeError("'int' object is not callable"), "a fault of ief: TypeError: 'int' object is not callable; "),
    (RuntimeError("shapes\n(3, 4)\n(5,)"), "RuntimeError: shapes (3, 4) (5,); "),
    (RuntimeError("a \x1b[31mred\x07 one"), "RuntimeError: a [31mred one; "),
    (AssertionError(), "AssertionError; "), (ValueError("\udc80" + "x" * 5000), "..."),
])  # fmt: skip
def test_a_fault_is_one_line_with_a_traceback_in_a_file(temporary, monkeypatch, capsys, error, shown):
    monkeypatch.setattr("ief.commands.submit.run", failing(error))
    said = said_by(capsys, SUBMIT, 1)
    (file,) = temporary.iterdir()  # and no temporary one beside it
    assert shown in said and str(file) in said and len(said) < 700
    text = file.read_text(encoding="utf-8")
    assert text.startswith("Traceback") and type(error).__name__ in text and "in failing" not in text
    assert "raise error" in text


def test_a_fault_without_room_for_its_traceback_says_where(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file" / "below"))
    monkeypatch.setattr("ief.commands.submit.run", failing(TypeError("what")))
    said = said_by(capsys, SUBMIT, 1)
    assert "TypeError: what" in said and f"{__file__}, line " in said


def test_a_command_that_cannot_be_imported_is_a_fault_too(temporary, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ief.commands.submit", None)
    assert "a fault of ief: ModuleNotFoundError" in said_by(capsys, "submit", 1)


OUT_OF_MEMORY = {
    "MemoryError": MemoryError(),
    "numpy": lambda: np.empty(FAR_TOO_MUCH),
    "torch on the host": lambda: torch.empty(FAR_TOO_MUCH, dtype=torch.float64),
    "torch on Windows": RuntimeError("[enforce fail at alloc_cpu.cpp] data. DefaultCPUAllocator: not enough memory"),
    "GPU": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
    "CUDA itself": RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be reported asynchronously"),
    "cuBLAS": RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    "system": OSError(errno.ENOMEM, "Cannot allocate memory"),
    "PyTorch": RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"),
    "Apple": RuntimeError("MPS backend out of memory (MPS allocated: 17.9 GB, other allocations: 10.5 MB, max allowed"),
    "AMD": RuntimeError("HIP out of memory. Tried to allocate 2.00 GiB (GPU 0; 15.98 GiB total capacity)"),
    "C++": RuntimeError("std::bad_alloc"),
    "ONNX Runtime": type("RuntimeException", (Exception,), {"__module__": "onnxruntime.capi"})("bad allocation"),
}  # fmt: skip


@pytest.mark.parametrize("kind", OUT_OF_MEMORY)
def test_too_little_memory_names_the_batch_size(temporary, monkeypatch, capsys, kind):
    monkeypatch.setattr("ief.inference.predictor.PosePredictor.load", lambda *_: failing(OUT_OF_MEMORY[kind])(None))
    monkeypatch.setattr("ief.commands.submit.run", failing(OUT_OF_MEMORY[kind]))
    for given, size in (("", 32), ("--batch-size 7", 7)):
        said = said_by(capsys, f"predict --run . image.jpg {given}", 2)
        assert "out of memory (" in said and f"lower --batch-size {size}," in said
    said = said_by(capsys, SUBMIT, 2)
    assert "out of memory (" in said and "batch" not in said and not list(temporary.iterdir())


@pytest.mark.parametrize("error", [KeyError("out of memory"), ValueError("not enough memory cards"), OSError("disk")])
def test_what_only_speaks_of_memory_is_not_too_little(temporary, monkeypatch, capsys, error):
    monkeypatch.setattr("ief.commands.submit.run", failing(error))
    assert "out of memory (" not in said_by(capsys, SUBMIT, 2 if isinstance(error, OSError) else 1)


def test_too_little_memory_in_training_names_the_size_in_force(tiny_data, tmp_path, monkeypatch):
    """That of the command line, of the preset, and of --config, which the command line leaves out."""
    monkeypatch.setattr("ief.training.trainer.StageTrainer.step", lambda *_: torch.empty(FAR_TOO_MUCH))

    def command(run, *options, dropped=("--batch-size", "8")):
        return [word for word in train(tiny_data, tmp_path / run, *options) if word not in dropped]

    assert "lower --batch-size 8," in finish_here(command("run", "--epochs", "1", dropped=()), 2)
    said = finish_here(command("demo", "--epochs", "1", "--preset", "demo"), 2)
    assert f"lower --batch-size {PRESETS['demo'].batch_size}," in said
    config = tmp_path / "run" / "config.json"
    assert "lower --batch-size 8," in finish_here(command("run", "--config", str(config)), 2)


def test_no_fault_imports_torch_to_be_explained(tmp_path):
    code = """
import sys, tempfile
tempfile.tempdir = sys.argv[1]
import ief.commands.submit
from ief.cli import main
for error in (TypeError("what"), MemoryError()):
    def run(args):
        raise error
    ief.commands.submit.run = run
    print(main("submit --annotations a --predictions p --out o".split()), "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["1 False", "2 False"]


def test_a_real_prediction_without_memory_is_told(run, tmp_path, monkeypatch, capsys):
    """Where the network itself runs out, within the journal and the threads of a prediction."""
    cv2.imwrite(str(tmp_path / "a.jpg"), np.zeros((40, 40, 3), np.uint8))
    monkeypatch.setattr("ief.model.cascade.Cascade.predict", lambda *_: torch.empty(FAR_TOO_MUCH))
    assert main(f"predict --run {run} {tmp_path / 'a.jpg'} --out {tmp_path / 'out'} --device cpu".split()) == 2
    about, said = capsys.readouterr().err.splitlines()
    assert str(run) in about and said.startswith("ief predict: ") and "lower --batch-size 32," in said
