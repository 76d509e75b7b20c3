"""What a command that needs no network imports: the start-up of `ief evaluate` and of every `-h` rests on it."""

import subprocess
import sys

READERS = ("annotations.read", "results.predictions", "results.coco", "results.sanity", "results.submission",
           "prepared.ranges", "prepared.read")  # fmt: skip


def test_readers_import_nothing_heavy():
    heavy = {"torch", "scipy", "h5py", "cv2", "PIL", "matplotlib"}
    imports = ", ".join(f"mpii_tools.{module}" for module in READERS)
    code = f"import sys, {imports}; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
