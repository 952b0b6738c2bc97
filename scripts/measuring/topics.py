"""headcount on topics of a real broker, beside a bare read and its rivals.

The broker runs on the same cores, and its work is in every time. So sides that read alike differ by less than
what they do differs.
"""

import json
import os

from . import record, timed
from .jobs import CONTENDERS, Job, Side, said, sh, word

MIB = 2**20
FRAMES, FRAMES_TINY = "1M", "20K --rate 100"

# What headcount sets of its own for one partition and 64 MiB by librdkafka (src/kafka/consumer.rs), but for
# fetch.queue.backoff.ms, which kcat's librdkafka (Debian 12: 2.0.2) does not know.
SAME = {
    "fetch.message.max.bytes": 4 * MIB,
    "fetch.max.bytes": 4 * MIB,
    "queued.max.messages.kbytes": 60 * 1024,
    "queued.min.messages": 100000,
}
# name: partitions, codec
TOPICS = {
    "1-none": (1, "none"),
    "4-none": (4, "none"),
    "1-lz4": (1, "lz4"),
    "4-lz4": (4, "lz4"),
}
PAIRS = [
    ("headcount", "bare read"),
    ("headcount, 256 MiB", "bare read, 256 MiB"),
    ("headcount", "bare read, librdkafka"),
    ("headcount, librdkafka", "bare read, librdkafka"),
    ("headcount", "kcat"),
    ("headcount", "kcat, same settings"),
    ("headcount", "ConsumerPerformance"),
    ("headcount, reading", "Kafka Streams"),
]

PAGE = """# {name}

The question: what does counting a topic cost beside only reading it, and beside other programs?

Made by `scripts/bench --set topics`. Broker: Apache Kafka by `scripts/kafka`, on the same machine. Topics:
{frames} frames of `headcount generate`, 2,080 bytes, with so many partitions and that codec; every answer was
compared first. {runs} rounds in turns after one to warm up, Kafka Streams and ConsumerPerformance in three of
them. Medians; of the rounds' ratios the median (smallest–largest). The time of Kafka Streams is what it says
itself, from its first record to its last result, and so is that of `headcount, reading`: the seconds in its
summary, from when it begins to ask for records. `librdkafka`: fetched by it (`--fetch librdkafka`), not past it
as by default. All others' time is that of the whole command, for
ConsumerPerformance with the start of the JVM. CPU seconds are those of the program; with the broker's: all that the machine did meanwhile.

{table}
"""
PAGE += record.END

VERSIONS = [
    "kcat -V",
    "java -version 2>&1",
    "sed -n 's/^version=/Kafka /p' scripts/kafka",
    "grep -A1 'name = \"rdkafka-sys\"' Cargo.lock",
]


def jobs(headcount, broker, is_tiny, only):
    """A job for each topic, filled when it is asked for."""
    frames = FRAMES_TINY if is_tiny else FRAMES
    headcount = word(headcount)
    results = said(f"{headcount} generate --frames {frames} | {headcount} count -q -")
    known = counts(results)
    for name, (partitions, codec) in TOPICS.items():
        if only and not any(text in name for text in only):
            continue
        flags = f"--create --partitions {partitions} --codec {codec} --frames {frames}"
        # A broker given may have been filled before, by another run.
        topic = f"bench-{os.getpid()}-{name}"
        sh(f"{headcount} generate -b {broker} -o {topic} {flags}")
        number = int(frames.split()[0].replace("M", "000000").replace("K", "000"))
        yield job_of(name, topic, headcount, broker, known, number)


def job_of(name, topic, headcount, broker, known, frames):
    """The sides that read a topic. `headcount`: as a word of a command."""

    def is_same(output):
        return counts(output) == known

    def is_same_in_any_order(output):
        return sorted(counts(output)) == sorted(known)

    def is_whole(output):
        return json.loads(output)["frames"] == frames

    input = f"-b {broker} -t {topic}"
    count = f"{headcount} count -q --until end {input}"
    read = f"{headcount} measure read --until end {input}"
    settings = " ".join(f"-X {key}={value}" for key, value in SAME.items())
    seconds, from_first_to_last = r'"seconds": ?([\d.]+)', r"first record to last result: ([\d.]+) s"
    sides = [
        Side("headcount", count, is_same),
        Side("headcount, reading", f"{count} --summary /dev/stderr", is_same, says_wall=seconds),
        Side("bare read", f"{read} 2>/dev/null", is_whole),
        Side("headcount, 256 MiB", f"{count} --queue-memory 256MiB", is_same),
        Side("bare read, 256 MiB", f"{read} --queue-memory 256MiB 2>/dev/null", is_whole),
        Side("headcount, librdkafka", f"{count} --fetch librdkafka", is_same),
        Side("bare read, librdkafka", f"{read} --fetch librdkafka 2>/dev/null", is_whole),
        Side(
            "Kafka Streams",
            f"{word(CONTENDERS / 'kafka-streams/run')} {broker} {topic}",
            is_same_in_any_order,
            says_wall=from_first_to_last,
            is_slow=True,
        ),
        Side("ConsumerPerformance", f"{word(CONTENDERS / 'consumer-perf')} {broker} {topic} 2>&1", is_slow=True),
    ]
    kcat = f"{word(CONTENDERS / 'kcat-read')} {broker} {topic}"
    if TOPICS[name][0] == 1:
        sides += [Side("kcat", f"{kcat} 2>&1"), Side("kcat, same settings", f"{kcat} {settings} 2>&1")]
    return Job(name, sides)


def counts(text):
    """Of each result only the window and its count."""
    return [(line["ts"], line["cnt"]) for line in map(json.loads, text.splitlines())]


def table(done):
    rows = [
        "| topic | against | headcount | the other | wall: headcount / the other | CPU: headcount / the other |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for job, runs in done:
        for ours, other in PAIRS:
            if other not in runs:
                continue
            a, b = runs[ours], runs[other]
            settings = ours.split(", ")[1:]
            against = f"{other} (both)" if settings and settings == other.split(", ")[1:] else other
            wall, cpu = timed.ratio(a, b), timed.ratio(a, b, lambda run: run.cpu_s)
            rows.append(
                f"| {job.name} | {against} | {timed.median(a).wall_s:.3f} s | {timed.median(b).wall_s:.3f} s "
                f"| {wall.median:.2f} ({wall.least:.2f}–{wall.most:.2f}) | {cpu.median:.2f} |"
            )
    cores = os.cpu_count()
    rows += [
        "",
        f"| topic | side | CPU seconds | with the broker's | of {cores} cores busy | peak memory |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for job, runs in done:
        for side in job.sides:
            median = timed.median(runs[side.name])
            busy = "" if side.says_wall else f"{100 * median.machine_s / (cores * median.wall_s):.0f} %"
            rows.append(
                f"| {job.name} | {side.name} | {median.cpu_s:.2f} | {median.machine_s:.2f} | {busy} "
                f"| {median.peak_mib:.0f} MiB |"
            )
    return "\n".join(rows)
