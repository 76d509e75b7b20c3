"""Fails if a test was skipped for a reason that is not expected here: what CI skips, nobody runs."""

import sys
import xml.etree.ElementTree as ET
from pathlib import Path

# A skip's reason, and why it is all right.
EXPECTED = {
    "no GPU here": "CI's machine has none",
    "ImageNet's weights are not beside this checkout": "47 MB that a developer makes where they are needed",
    "the prediction ended before it could be killed": "a race that a fast machine wins",
}


def unexpected_skips(report: Path) -> list[str]:
    """`test: reason` of each skipped test of a JUnit report whose reason is not in `EXPECTED`."""
    skips = [(case, skip) for case in ET.parse(report).iter("testcase") for skip in case.iter("skipped")]
    return [
        f"{case.get('classname')}.{case.get('name')}: {skip.get('message')}"
        for case, skip in skips
        if not any(reason in skip.get("message", "") for reason in EXPECTED)
    ]


if __name__ == "__main__":
    found = unexpected_skips(Path(sys.argv[1]))
    print("\n".join(found), file=sys.stderr)
    sys.exit(f"{len(found)} tests were skipped that CI should run; install what they need" if found else 0)
