"""`python -m ief`, the same as `ief`."""

import sys

from ief.cli import main

sys.exit(main())
