"""What checkpoints wrote, and how much of it is information. Used by scripts/bench-checkpoints.

Segments and manifests are as docs/checkpoint.md says. Of a state topic they are taken from the broker's own log
file, where also those lie that the program has deleted since; of a directory they are linked to another place as
they come, as merging removes them.
"""

import json
import math
import mmap
import os
import struct
import threading
import zlib
from pathlib import Path
from typing import NamedTuple

MAGIC = b"hcst"
PIECE, MANIFEST = 1, 2
LOOK_EVERY_S = 0.002
BATCH_HEAD = struct.Struct(">qiibIhiqqqhii")
COMPRESSED, CONTROL = 0x07, 0x20
COMMIT = 1


class Held(NamedTuple):
    """What a segment holds: users and bytes of their payloads; of each window its members and theirs."""

    bytes: int
    users: int
    users_bytes: int
    windows: dict


class Written(NamedTuple):
    """All that a run wrote: by number what each segment holds, all manifests, and the bytes of all of it as
    they lie in the store."""

    segments: dict
    manifests: list
    stored_bytes: int

    def appended(self):
        """Numbers of the segments that are checkpoints, and not merged ones."""
        levels = {}
        for manifest in self.manifests:
            for entry in manifest["segments"]:
                levels.setdefault(entry["number"], entry["level"])
        # The first of a run holds all there is, and has the level of such.
        return sorted(number for number, level in levels.items() if level == 0 or number == min(levels))


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def held(segment):
    """What a segment's index says."""
    (at,) = struct.unpack_from("<Q", segment, len(segment) - 12)
    while True:
        kind = segment[at]
        _, at = varint(segment, at + 2)
        counted, at = varint(segment, at)
        payload_bytes, at = varint(segment, at)
        if kind == 5:
            break
        at += payload_bytes + 4
    users, at = varint(segment, at)
    users_bytes, at = varint(segment, at)
    windows, serial = {}, 0
    for _ in range(counted):
        step, at = varint(segment, at)
        members, at = varint(segment, at)
        members_bytes, at = varint(segment, at)
        serial += step
        windows[serial] = (members, members_bytes)
    return Held(len(segment), users, users_bytes, windows)


def manifest_of(text):
    return json.loads(text.rsplit(b"crc32 ", 1)[0])


class Watch:
    """Keeps what comes and goes in a checkpoint's directory, while a `with` lasts."""

    def __init__(self, directory, kept):
        self.directory, self.kept = directory, kept
        self.manifests = []
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.look_on)

    def __enter__(self):
        self.kept.mkdir()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()

    def look_on(self):
        last, seen = b"", set()
        is_last = False
        while not is_last:
            is_last = self.is_over.wait(LOOK_EVERY_S)
            try:
                names = {name for name in os.listdir(self.directory) if name.endswith(".hcs")}
                for name in names - seen:
                    os.link(self.directory / name, self.kept / name)
                    seen.add(name)
                text = (self.directory / "manifest").read_bytes()
            except FileNotFoundError:
                # Not made yet, or removed just now.
                continue
            if text != last:
                last = text
                self.manifests.append(manifest_of(text))

    def written(self):
        """What was written; ends it all if something went by unseen."""
        segments = {int(path.stem.split("-")[1]): held(path.read_bytes()) for path in self.kept.iterdir()}
        written = Written(segments, self.manifests, 0)
        named = {entry["number"] for manifest in self.manifests for entry in manifest["segments"]}
        missed = set(range(1, self.manifests[-1]["next"])) - (set(segments) & named)
        if missed:
            raise SystemExit(f"{self.directory}: segments went by unseen: {sorted(missed)}")
        # One manifest a segment, of the length of those seen.
        manifest_bytes = os.stat(self.directory / "manifest").st_size
        total = sum(of.bytes for of in segments.values()) + manifest_bytes * len(segments)
        return written._replace(stored_bytes=total)


def log_records(folder):
    """Values of all records of a partition's log files, deleted since or not; None for what commits a
    transaction."""
    logs = sorted(folder.glob("*.log"))
    if not logs or int(logs[0].stem) != 0:
        raise SystemExit(f"{folder}: the beginning of the log is gone")
    for log in logs:
        with log.open("rb") as file:
            data, at = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), 0
        while at < len(data):
            head = BATCH_HEAD.unpack_from(data, at)
            length, magic, attributes, count = head[1], head[3], head[5], head[12]
            if magic != 2 or attributes & COMPRESSED:
                raise SystemExit(f"{log}: a batch at {at} is of another format, or compressed")
            inner, at = at + BATCH_HEAD.size, at + 12 + length
            for _ in range(count):
                record_bytes, inner = signed(data, inner)
                key, value = key_value(data, inner + 1)
                inner += record_bytes
                if attributes & CONTROL:
                    if struct.unpack(">hh", key[:4])[1] != COMMIT:
                        raise SystemExit(f"{log}: a transaction was aborted")
                    yield None
                else:
                    yield value


def signed(data, at):
    value, at = varint(data, at)
    return (value >> 1) ^ -(value & 1), at


def key_value(data, at):
    _, at = varint(data, at)
    _, at = varint(data, at)
    parts = []
    for _ in range(2):
        length, at = signed(data, at)
        parts.append(data[at : at + max(length, 0)])
        at += max(length, 0)
    return parts


def of_log(folder, is_deep=True):
    """What a state topic's log files say was written, and how many transactions. Unless `is_deep`, only the
    manifests are looked at."""
    pieces, manifests, transactions = {}, [], 0
    for record in log_records(folder):
        if record is None:
            transactions += 1
            continue
        if record[:4] != MAGIC or zlib.crc32(record[:-4]) != struct.unpack("<I", record[-4:])[0]:
            raise SystemExit(f"{folder}: what is no record of a state topic")
        number, at = struct.unpack_from("<QQ", record, 6)
        if record[5] == MANIFEST:
            manifests.append(manifest_of(record[22:-4]))
        elif is_deep:
            pieces.setdefault(number, {})[at] = record[22:-4]
    segments = {number: held(b"".join(by[at] for at in sorted(by))) for number, by in pieces.items()}
    stored_bytes = sum(log.stat().st_size for log in folder.glob("*.log"))
    return Written(segments, manifests, stored_bytes), transactions


def last_manifest(folder):
    """The directory's."""
    return manifest_of((folder / "manifest").read_bytes())


def log2_choose(of, n):
    return (math.lgamma(of + 1) - math.lgamma(n + 1) - math.lgamma(of - n + 1)) / math.log(2)


class Reckoning(NamedTuple):
    """What checkpoints wrote and what of it is information, bytes."""

    checkpoints: int
    merged: int
    users: int
    memberships: int
    users_bytes: int
    members_bytes: int
    appended_bytes: int
    stored_bytes: int
    uid_bytes: float
    choice_bytes: float

    @property
    def information_bytes(self):
        return self.uid_bytes + self.choice_bytes


def reckon(written, bytes_a_uid):
    """Each uid counts once, with its bytes. Of each checkpoint and window: which n of the users known by then,
    who were not in the window before, came in: log2 of how many such choices there are."""
    appended = written.appended()
    users = memberships = users_bytes = members_bytes = 0
    choice_bits = 0.0
    before = {}
    for number in appended:
        segment = written.segments[number]
        users += segment.users
        users_bytes += segment.users_bytes
        for serial, (n, n_bytes) in segment.windows.items():
            already = before.get(serial, 0)
            choice_bits += log2_choose(users - already, n)
            before[serial] = already + n
            memberships += n
            members_bytes += n_bytes
    return Reckoning(
        len(appended),
        len(written.segments) - len(appended),
        users,
        memberships,
        users_bytes,
        members_bytes,
        sum(written.segments[number].bytes for number in appended),
        written.stored_bytes,
        users * bytes_a_uid,
        choice_bits / 8,
    )
