"""Runs a program in a pseudo-terminal: what comes on standard input is typed, what the terminal shows goes out.
When the program is over, a line of JSON on standard error says how, and how it left the terminal."""

import json
import os
import pty
import select
import sys
import termios

pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])

keys = sys.stdin.fileno()
watched = [terminal, keys]
modes = termios.tcgetattr(terminal)
while True:
    ready, _, _ = select.select(watched, [], [])
    if keys in ready:
        typed = os.read(keys, 4096)
        if typed:
            os.write(terminal, typed)
        else:
            watched.remove(keys)
    if terminal in ready:
        try:
            shown = os.read(terminal, 4096)
        except OSError:  # Linux says so when the last one who had it open has closed it
            break
        if not shown:
            break
        modes = termios.tcgetattr(terminal)
        os.write(sys.stdout.fileno(), shown)

_, status = os.waitpid(pid, 0)
print(
    json.dumps(
        {
            "code": os.waitstatus_to_exitcode(status),
            "echo": bool(modes[3] & termios.ECHO),
            "lines": bool(modes[3] & termios.ICANON),
        }
    ),
    file=sys.stderr,
)
