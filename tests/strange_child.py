"""A child process that does what the test sends: it answers badly, too much or not at all."""

from __future__ import annotations

import sys
import time

sent = sys.stdin.buffer.read().decode()
if sent == "sleep":
    time.sleep(600)
elif sent == "much":
    while True:
        sys.stdout.write("[" * 1_000_000)
else:
    sys.stdout.write(sent)
