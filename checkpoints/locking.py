"""One writer per folder: a lock on what a command writes, from its begin to its end, that goes with a kill."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from checkpoints import PoseError, identify_process, log

LOCK = ".writer"  # in the folder while it is written, with the name of the process that writes it
PARTIAL = ".partial"
NO_LOCKS = {errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP}  # of file systems without them


@contextmanager
def lock_folders(*folders: Path) -> Iterator[None]:
    """Be the only one who writes to `folders` until the `with` ends; those that it made and left empty are removed.

    Not reentrant: a second lock on a folder is refused in the same process, too.

    Raises:
        PoseError: when another process or thread writes to one of them, which it names, or the disk refuses.
    """
    with ExitStack() as stack:
        for folder in folders:
            stack.enter_context(lock_folder(folder))
        yield


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """`lock_folders` of one."""
    path, made = folder / LOCK, [each for each in (folder, *folder.parents) if not each.exists()]
    lock = FileLock(path, timeout=0.3)  # seconds, for one that is just ending
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
            path.write_text(f"process {identify_process()}", encoding="utf-8")
        except Timeout:
            holder = "another process"
            with suppress(OSError):  # it has just ended
                holder = path.read_text(encoding="utf-8") or holder
            raise PoseError(f"{folder}: {holder} is writing to it; wait until it ends, or choose another") from None
        except (OSError, ValueError) as error:
            if getattr(error, "errno", None) not in NO_LOCKS:
                reason = getattr(error, "strerror", None) or error
                raise PoseError(f"{folder}: cannot be written ({reason}); choose another") from error
            log.warning(f"{folder}: its file system has no locks; nobody else may write to it meanwhile")
        yield
    finally:
        if lock.is_locked:
            path.unlink(missing_ok=True)
            lock.release()
        for each in made:
            with suppress(OSError):  # it holds something
                each.rmdir()


@contextmanager
def open_partial(folder: Path) -> Iterator[Path]:
    """Lock `folder`, and a new folder in it for what is moved to its place when it is whole; removed in the end.

    So is what a kill left of earlier ones.

    Raises:
        PoseError: as `lock_folders`.
    """
    with lock_folder(folder):
        partial = folder / f"{PARTIAL}{identify_process()}"
        try:
            for left in folder.glob(f"{PARTIAL}*"):
                shutil.rmtree(left)
            partial.mkdir()
            yield partial
        except OSError as error:
            raise PoseError(f"{folder}: cannot be written ({error.strerror or error}); choose another --out") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
