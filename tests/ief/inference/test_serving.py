"""A model that takes an image and boxes, as others run it: ONNX Runtime, OpenVINO, a browser, all without torch."""

import base64
import json
import os
import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import cv2
import numpy as np
import pytest
from browser import hear_page
from commands import run_ief
from pictures import smooth_image, write_picture
from untrained import make_cascade, save_run

from ief import PosePredictor

ROOT = Path(__file__).resolve().parents[3]
CLOSE, CLOSE_OPENVINO, CLOSE_BROWSER = 0.05, 0.1, 0.5  # image pixels
ORT_WEB = Path(os.environ.get("ORT_WEB", ROOT / ".venv" / "package"))  # npm's package, as .ci/run unpacks it


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The exported model of boxes of a run of two stages, and a predictor of that run."""
    pytest.importorskip("onnxscript", reason="install '.[export]'")
    pytest.importorskip("onnxruntime", reason="install '.[export]'")
    folder = save_run(tmp_path_factory.mktemp("run"), head=0.03)
    run_ief("export", "--run", folder, "--input", "boxes", "--out", folder / "pose.onnx")
    return folder / "pose.onnx", PosePredictor.of(make_cascade(head=0.03))


def draw_cases(count=20, people=5):
    """Images of all shapes, each with boxes from a few pixels to more than the image, in it and across its edges."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        width, height = rng.integers(40, 400, 2)
        middle = rng.uniform(0, [width, height], (people, 2))
        sides = np.exp(rng.uniform(np.log(8), np.log(1.3 * max(width, height)), (people, 1))) * [1, 0.6]
        yield smooth_image(width, height), np.hstack([middle - sides / 2, middle + sides / 2]).astype(np.float32)


def compare(run, predictor):
    """The largest distance, in image pixels, of a run's joints from the predictor's."""
    return max(np.abs(run(image, boxes) - predictor(image, boxes).joints).max() for image, boxes in draw_cases())


def test_boxes_in_onnx_give_the_predictors_poses(model):
    import onnxruntime

    session = onnxruntime.InferenceSession(model[0])
    assert compare(lambda image, boxes: session.run(["joints"], {"image": image, "boxes": boxes})[0], model[1]) < CLOSE


def test_and_in_openvino(model):
    openvino = pytest.importorskip("openvino", reason="install '.[openvino]'")
    compiled = openvino.compile_model(model[0], "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    assert compare(lambda image, boxes: compiled([image, boxes])["joints"], model[1]) < CLOSE_OPENVINO


def test_and_by_ief_predict(model, tiny_data, tmp_path):
    by = {"torch": ["--run", model[0].parent, "--device", "cpu"], "onnx": ["--onnx", model[0]]}
    for name, weights in by.items():
        run_ief("predict", *weights, "--data", tiny_data, "--out", tmp_path / name)
    ours, theirs = (np.load(tmp_path / name / "predictions-valid.npz")["joints"] for name in by)
    np.testing.assert_allclose(ours, theirs, atol=CLOSE)


BLOCKED = """
import sys
for name in ("torch", "torchvision", "scipy", "matplotlib", "jinja2", "onnx"):
    sys.modules[name] = None  # whoever imports it gets an ImportError
"""


def test_the_pages_script_and_the_predictor_need_no_torch(model, tmp_path):
    """With the packages of the README's short list alone."""
    path, predictor = model
    image = write_picture(tmp_path / "image.jpg", 90, 70)
    (tmp_path / "pose.onnx").write_bytes(path.read_bytes())
    text = (ROOT / "ief" / "README.md").read_text(encoding="utf-8")
    (script,) = [block for block in re.findall(r"```python\n(.*?)```", text, re.S) if "onnxruntime" in block]
    assert len(script.strip().splitlines()) <= 10
    code = f"""{BLOCKED}
import json
{script}
from ief import PosePredictor
from ief.cli import main
poses = PosePredictor.load("pose.onnx")("image.jpg", boxes)
print(json.dumps([joints.tolist(), poses.joints.tolist(), boxes.tolist()]))
sys.exit(main(["predict", "--onnx", "pose.onnx", "image.jpg", "--out", "out"]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and (tmp_path / "out" / "image.jpg.pose.jpg").exists(), done.stderr[-2000:]
    *found, boxes = json.loads(done.stdout.splitlines()[0])
    expected = predictor(str(image), boxes).joints
    for joints in found:
        np.testing.assert_allclose(joints, expected, atol=CLOSE)


TRIAL = """<script type="module">
const decode = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
let said;
try {{
  const session = await poses.load(decode("{model}"));
  const bitmap = await createImageBitmap(new Blob([decode("{image}")], {{ type: "image/png" }}));
  said = await poses.predict(session, bitmap, {boxes});
}} catch (error) {{ said = String(error.stack || error); }}
await fetch("/", {{ method: "POST", body: JSON.stringify(said) }});
</script>"""


def test_the_page_predicts_in_a_browser(model, tmp_path):
    if not (ORT_WEB / "dist").exists():
        pytest.skip("npm's onnxruntime-web is not beside this checkout, which .ci/run fetches")
    spec = spec_from_file_location("build_page", ROOT / ".ci" / "build_page.py")
    builder = module_from_spec(spec)
    spec.loader.exec_module(builder)
    page = builder.build_page(ORT_WEB, tmp_path / "page.html")
    image, boxes = smooth_image(90, 70), [[10, 12, 60, 70], [40, 5, 85, 66]]
    png = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()
    encoded = {"model": model[0].read_bytes(), "image": png}
    given = {name: base64.b64encode(data).decode() for name, data in encoded.items()}
    trial = TRIAL.format(boxes=json.dumps(boxes), **given)
    page.write_text(page.read_text(encoding="utf-8").replace("</html>", f"{trial}</html>"), encoding="utf-8")
    found = hear_page(page, tmp_path / "profile")
    assert isinstance(found, list), found
    np.testing.assert_allclose(found, model[1](image, boxes).joints, atol=CLOSE_BROWSER)
