"""JSON files, whatever program wrote them."""

import json
import os
from typing import Any

from checkpoints.errors import PoseError
from checkpoints.files import read_text, require_file


def load_json(path: str | os.PathLike) -> Any:
    """A JSON file's value. Raises PoseError if it is missing or not whole."""
    path = require_file(path)
    try:
        return json.loads(read_text(path))
    except (OSError, ValueError, RecursionError) as error:
        raise PoseError(f"{path}: not a whole JSON file ({error}); copy it again") from error
