"""Runs the command line in processes that share what it imports: a command works for less time than it imports.

A process that has imported the modules forks for each command, which then starts as `thidua` does: with its own
arguments, environment, folder and outputs. What needs the program itself, tests start as such.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 120

FORKS = f"""
import json, os, signal, sys
import cli.acting, cli.auditing, cli.operating, cli.session, workflows.client
for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if child == 0:
        break
    answered = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(answered, flush=True)
else:
    sys.exit()
signal.alarm({TIMEOUT_S})
os.environ.clear()
os.environ.update(asked["env"])
for number, file in enumerate((os.devnull, asked["out"], asked["err"])):
    opened = os.open(file, os.O_RDWR | os.O_CREAT)
    os.dup2(opened, number)
    os.close(opened)
sys.argv = ["thidua", *asked["words"]]
from thidua.__main__ import main
main()
"""


@dataclass(frozen=True, slots=True)
class Commands:
    """Runs commands, one after another; `folder` receives what they say."""

    process: subprocess.Popen[str]
    folder: Path

    def run(self, env: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
        """Run `thidua` with these words; a command that takes two minutes is killed."""
        out, err = (self.folder / name for name in ("stdout", "stderr"))
        for file in (out, err):
            file.unlink(missing_ok=True)
        asked = {"words": words, "env": dict(env), "out": str(out), "err": str(err)}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        code = int(self.process.stdout.readline())
        return subprocess.CompletedProcess(words, code, out.read_text(), err.read_text())


@contextmanager
def commands(env: Mapping[str, str], folder: Path) -> Iterator[Commands]:
    """Open the process that forks, in an environment like that of the commands: some texts are made at import."""
    process = subprocess.Popen(
        [sys.executable, "-c", FORKS], env=dict(env), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        yield Commands(process, folder)
        assert process.stdin is not None
        process.stdin.close()
