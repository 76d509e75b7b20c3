"""An index of images that several threads ask at once."""

import sys
from concurrent.futures import ThreadPoolExecutor

from mpii_tools.images.index import ImageIndex


def test_threads_find_what_one_finds():
    """While one builds a table of the index, others wait for a whole one, or build it too."""
    paths = tuple(f"images/im{number:05}.jpg" for number in range(1500))
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for _ in range(5):
            index = ImageIndex(paths)
            with ThreadPoolExecutor(8) as pool:
                assert list(pool.map(index.find, (path[7:] for path in paths[::-50]))) == list(paths[::-50])
    finally:
        sys.setswitchinterval(interval)
