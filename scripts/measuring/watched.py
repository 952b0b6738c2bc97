"""What it costs to be watched: a file counted without --http, with it, and with it while all of it is asked.

Frames are small, so that a frame's share of what it costs is largest, and many, so that a run lasts for seconds.
Who asks is a thread of this program, beside all runs: while others run than those it asks for, nobody listens
there, and it tries again. What it takes of the machine itself is in the wall times, as that of any watcher would be.
"""

import http.client
import socket
import sys
import threading

from . import record
from .jobs import Job, Side, Streams, word
from .workloads import Work, answer, plainest

STREAMS = {"watched": ("--frames 40M --frame-bytes 83", "--frames 100K --rate 500 --frame-bytes 83")}
PATHS = ["/", "/live", "/metrics", "/windows", "/why"]
# How often all of it is asked for, and what that side is called.
ASKED = {1.0: "asked every second", 0.1: "asked ten times a second"}

PAGE = """# {name}

The question: what does it cost to be watched?

Made by `scripts/bench --set watched`; {runs} rounds in turns after one to warm up. 40,000,000 frames of 83 bytes, in
memory. *Asked*: {paths}, one after another on one connection; {answers}. Each answer was compared with one that
`headcount verify` proved.

{table}
"""
PAGE += record.END


class Asker(threading.Thread):
    """Asks for everything again and again, `every` so many seconds, of whoever listens at its port. At the end
    of the `with` it ends the program where an answer was wrong, or where there were fewer than `answers_min`."""

    def __init__(self, every, answers_min):
        super().__init__(daemon=True)
        self.answers_min = answers_min
        self.port, self.every = free_port(), every
        self.is_over = threading.Event()
        self.answers, self.wrong = 0, []

    def run(self):
        while not self.is_over.is_set():
            try:
                client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                while not self.is_over.is_set():
                    for path in PATHS:
                        self.ask(client, path)
                    self.is_over.wait(self.every)
            except (OSError, http.client.HTTPException):
                # Not there yet, or not any more.
                self.is_over.wait(0.05)

    def ask(self, client, path):
        client.request("GET", path)
        answer = client.getresponse()
        if not answer.read() or answer.status != 200:
            self.wrong.append(f"{path}: {answer.status}")
        self.answers += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.join()
        if self.answers < self.answers_min:
            self.wrong.append(f"{self.answers} answers, not {self.answers_min}")
        if self.wrong:
            sys.exit(f"{ASKED[self.every]}: {self.wrong[0]}")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def job(headcount, folder, is_tiny, askers):
    """The sides: the plain run first, and one for each asker at its port."""
    streams = Streams(folder, headcount, STREAMS, is_tiny)
    known = answer(Work("watched", "watched"), streams, headcount)

    def is_right(output):
        return plainest(output) == known

    count = f"{word(headcount)} count -q {word(streams.file('watched'))}"
    sides = [Side("not served", count, is_right), Side("served", f"{count} --http {free_port()}", is_right)]
    sides += [Side(ASKED[asker.every], f"{count} --http {asker.port}", is_right) for asker in askers]
    pairs = [(f"file, small frames, {side.name}", side.name, "not served") for side in sides[1:]]
    return Job("file, small frames", sides, pairs)
