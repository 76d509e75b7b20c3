"""Work that is killed at every change of a file's name, in forks of a process without threads."""

import os
import subprocess
import sys

PROGRAM = """
import itertools, os, shutil
from pathlib import Path
{imports}

def die_at(call):
    left = iter(range(call))
    def dying(change):
        def changed(*arguments, **options):
            if next(left, None) is None:
                os._exit(137)
            return change(*arguments, **options)
        return changed
    {names} = map(dying, ({names}))

for call in itertools.count():
    child = os.fork()
    if child == 0:
        die_at(call)
        {work}
        os._exit(0)
    if (status := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])) != 137:
        break
print(call)
raise SystemExit(status)
"""


def count_kills(names, imports, work):
    """How often `work` died when it was killed at its first, second, ... call of one of `names`.

    Args:
        names: `os.replace, Path.unlink`, or one with a comma behind.
        imports, work: lines of Python; `call` is the number of the try.
    """
    program = PROGRAM.format(names=names, imports=imports, work=work)
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return int(done.stdout)
