"""Run a server that ends when its parent ends, however the parent ends.

    python parent_death_exec.py SIGNAL PARENT USER COMMAND [ARG …]

A parent that is killed cannot stop its servers. On Linux the kernel can: the process asks for SIGNAL on its
parent's death, then becomes COMMAND, which keeps the request. USER, unless empty, is whom it becomes first (the
kernel forgets the request when the user changes, so the order matters). A file of its own, run without site
packages, because it has to be small and quick: it is the first thing each server process executes.
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Become the command."""
    signal, parent, user, *command = sys.argv[1:]
    if user:
        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal))
    # The parent may have died before the request was made; then nobody would ever send the signal.
    if os.getppid() != int(parent):
        sys.exit(0)
    os.execv(command[0], command)  # noqa: S606 - becoming the command is the point


if __name__ == "__main__":
    main()
