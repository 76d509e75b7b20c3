"""Writes the page that runs an exported model in a browser: `python .ci/build_page.py PACKAGE PAGE.html`.

PACKAGE is npm's onnxruntime-web, unpacked: `npm pack onnxruntime-web && tar xzf onnxruntime-web-*.tgz` makes `package`.
Its script and WebAssembly become part of the page, which loads nothing from anywhere.
"""

import base64
import sys
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parents[1] / "ief" / "inference" / "page.html"
PARTS = {"@SCRIPT@": "ort.wasm.bundle.min.mjs", "@WASM@": "ort-wasm-simd-threaded.wasm"}


def build_page(package: Path, out: Path) -> Path:
    """Write the page with the package's files in it; returns its path."""
    page = TEMPLATE.read_text(encoding="utf-8")
    for place, name in PARTS.items():
        page = page.replace(place, base64.b64encode((package / "dist" / name).read_bytes()).decode())
    out.write_text(page, encoding="utf-8")
    return out


if __name__ == "__main__":
    print(build_page(*map(Path, sys.argv[1:])))
