"""What everything else stands on: one error, safe and atomic files, tensors in them, pretrained weights.

What needs no other package may be imported from here.
"""

from checkpoints.console import Console, log, prepare_console
from checkpoints.errors import Incomplete, PoseError, escape_name, import_extra, name_corrupt, name_fault
from checkpoints.files import (
    checksum,
    distinct_names,
    flush,
    identify_process,
    read_text,
    refuse_folder,
    remove_leftovers,
    require_file,
    write_atomically,
    write_bytes,
    write_text,
)
from checkpoints.stopping import TIME_UP, LostPeer, Stopped, Stopping, is_main_rank
