"""Becomes a command that is killed when its parent ends, however that ends. A run keeps what it has trained by then.

As a script: the number of the parent's process, then the command. It imports nothing but Python's own modules, and
needs no `preexec_fn`, which is not safe where the parent has threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # prctl(2); it holds through execve(2)


def become(parent: int, command: list[str]) -> None:
    """Replace this process by `command`, unless the parent has ended already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == parent:
        os.execv(command[0], command)


if __name__ == "__main__":
    become(int(sys.argv[1]), sys.argv[2:])
    sys.exit("its parent has ended")
