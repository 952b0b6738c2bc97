"""Commits built, so that they can be measured side by side. Kept under target/compare/, by commit.

A commit is checked out into a worktree of its own, built as a release, and its program kept; the worktree goes
again. All share one folder of built dependencies. `.` is the folder as it stands, changes and all.
"""

import shutil
import subprocess
import sys
from typing import NamedTuple

from .jobs import ROOT, said, sh, word

FOLDER = ROOT / "target/compare"


class Build(NamedTuple):
    """A program, and what it was built from. Its name is fit for a record: no white space, no slash."""

    name: str
    program: object
    what: str


def build(revision):
    """Builds what `revision` names, or takes it from the folder."""
    if revision == ".":
        sh("cargo build --quiet --release")
        program = FOLDER / "bin/here"
        program.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / "target/release/headcount", program)
        state = "with changes" if said("git status --short") else "clean"
        return Build("here", program, f"{said('git rev-parse HEAD').strip()}, {state}")
    try:
        commit = said(f"git rev-parse --verify --quiet {word(revision + '^{commit}')}").strip()
    except subprocess.CalledProcessError:
        sys.exit(f"{revision}: no such commit")
    program = FOLDER / "bin" / commit
    if not program.exists():
        tree = FOLDER / "tree"
        # What a build that was interrupted left behind.
        subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=ROOT, stderr=subprocess.DEVNULL)
        sh(f"git worktree prune && git worktree add --quiet --detach {word(tree)} {commit}")
        try:
            print(f"building {commit[:10]}", file=sys.stderr)
            sh(f"cd {word(tree)} && cargo build --quiet --release --locked --target-dir {word(FOLDER / 'target')}")
            program.parent.mkdir(parents=True, exist_ok=True)
            part = program.with_suffix(".part")
            shutil.copy2(FOLDER / "target/release/headcount", part)
            part.rename(program)
        finally:
            sh(f"git worktree remove --force {word(tree)}")
    return Build(commit[:10], program, said(f"git log -1 --format='%H %s' {commit}").strip())


def both(revisions):
    """Both of them; the same one twice is two sides all the same, which shows what noise looks like."""
    a, b = (build(revision) for revision in revisions)
    if a.name == b.name:
        b = b._replace(name=f"{b.name}-again")
    return a, b
