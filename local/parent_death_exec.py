"""Runs a server that ends when its parent process ends, even when the parent is killed.

    python parent_death_exec.py SIGNAL PARENT USER COMMAND [ARG …]

On Linux the process asks the kernel for SIGNAL on its parent's death and then becomes COMMAND, which keeps the request.
USER, unless empty, is the system user it becomes first: the kernel drops the request when the user changes. This is
a file of its own, run without site packages, because it must be small and fast: every server process starts with it.
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Replace this process by the command."""
    signal, parent, user, *command = sys.argv[1:]
    if user:
        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal))
    # If the parent died before the request was made, the kernel never sends the signal.
    if os.getppid() != int(parent):
        sys.exit(0)
    os.execv(command[0], command)  # noqa: S606 - the command comes from `local.process`


if __name__ == "__main__":
    main()
