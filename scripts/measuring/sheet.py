"""The machine sheet of perf/README.md: what a record says of the machine, the compiler and the commit."""

import shlex
import subprocess
from pathlib import Path

from . import host

ROOT = Path(__file__).resolve().parent.parent.parent
COMMANDS = [
    "lscpu",
    "nproc",
    "free -b",
    "uname -a",
    "systemd-detect-virt",
    "findmnt -T {folder}",
    "rustc --version --verbose",
    "git rev-parse HEAD",
    "git status --short",
]


def sheet(folder=ROOT, headcount=None, uptime=None, more=()):
    """All of it, as the tools say it. `folder`: where the input lies; `headcount`: whose plan is told;
    `uptime`: as it was before the first run; `more`: commands that tell other versions."""
    parts = [("uptime", said("uptime")) if uptime is None else ("uptime, before the first run", uptime)]
    commands = [command.format(folder=shlex.quote(str(folder))) for command in COMMANDS]
    if headcount:
        commands.append(f"{shlex.quote(str(headcount))} plan")
    parts += [(command, said(command)) for command in [*commands, *more]]
    here = host.Host(host.Tree())
    parts.append(("scripts/host", "\n".join([*here.facts(), "", *here.report()])))
    return "".join(f"## {what}\n{text.rstrip()}\n" for what, text in parts)


def built():
    """The release program, if it is there."""
    program = ROOT / "target/release/headcount"
    return program if program.exists() else None


def said(command):
    """What a command says; a tool that is missing says so in its place."""
    return subprocess.run(
        command, shell=True, text=True, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ).stdout
