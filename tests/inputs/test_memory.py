"""Too little memory, as each library says it: one line, and what to lower."""

import pytest

from ief.cli import main

FOREIGN = {
    "PyTorch": RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"),
    "Apple": RuntimeError("MPS backend out of memory (MPS allocated: 17.9 GB, other allocations: 10.5 MB, max allowed"),
    "AMD": RuntimeError("HIP out of memory. Tried to allocate 2.00 GiB (GPU 0; 15.98 GiB total capacity)"),
    "C++": RuntimeError("std::bad_alloc"),
    "ONNX Runtime": type("RuntimeException", (Exception,), {"__module__": "onnxruntime.capi"})("bad allocation"),
    "NumPy": MemoryError("Unable to allocate 8.00 PiB for an array with shape (1125899906842624,)"),
}


@pytest.mark.parametrize("library", FOREIGN)
def test_each_librarys_words_are_too_little_memory(monkeypatch, capsys, library):
    def load(*_):
        raise FOREIGN[library]

    monkeypatch.setattr("ief.inference.predictor.PosePredictor.load", load)
    assert main(["predict", "--run", ".", "image.jpg", "--batch-size", "7"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "out of memory (" in said and "lower --batch-size 7," in said
