"""What scripts/bench-checkpoints writes: its tables and the record's page."""

PAIRS_HEAD = [
    "| what | with | without | wall: with / without | CPU with | without | CPU ratio | peak memory "
    "| segments a run, least | checkpoints, warm-up run |",
    "| --- " * 10 + "|",
]
BYTES_HEAD = [
    "| what | checkpoints, merges | new users | newly in a window | bytes a one of those: segments (all stored) "
    "| information a one | segments / information (all stored) | a user: bytes (uid) | a membership: bits (choice) |",
    "| --- " * 9 + "|",
]


def bytes_row(what, of, uid_bytes):
    information = of.information_bytes
    return (
        f"| {what} | {of.checkpoints}, {of.merged} | {of.users:,} | {of.memberships:,} "
        f"| {of.appended_bytes / of.memberships:.3f} ({of.stored_bytes / of.memberships:.3f}) "
        f"| {information / of.memberships:.3f} "
        f"| {of.appended_bytes / information:.2f} ({of.stored_bytes / information:.2f}) "
        f"| {of.users_bytes / of.users:.2f} ({uid_bytes}) "
        f"| {of.members_bytes * 8 / of.memberships:.2f} ({of.choice_bytes * 8 / of.memberships:.2f}) |"
    )


PAGE = """# {name}

The question: what do checkpoints and exactly-once results cost?

Made by `scripts/bench-checkpoints`. Broker: Apache Kafka by `scripts/kafka`, on the same machine and cores.
Streams: `headcount generate`, frames of {frame_bytes} bytes; windows {windows}. Every
run's answer was compared with that of the stream through a pipe.
Pairs: {runs} rounds in turns after one to warm up; wall time of the whole command, CPU seconds of the program and
not of the broker; medians, and of the rounds' ratios the median (smallest–largest). Segments are
checkpoints and merges; those of the warm-up run were told apart.

Information: each uid once, with its {uid_bytes} bytes; and of each checkpoint and window log2 of the ways to choose
its new members among the users known by then who were not in it before. What one window says of another is not
taken off, nor that these uids are nearly alike. All stored: with merged segments, manifests, and in a topic
what Kafka adds.

Restarts: "until it counts" is the wall time less the seconds of the summary, which begin once users and
windows are put back; the end of the process is in it. What a restart writes anew of the checkpoint comes after.

{table}

| file | what |
| --- | --- |
| `runs.tsv` | every run, in the order in which they were run |
| `latency-*.tsv` | of the modes in the table's order: of each result the milliseconds from the closing frame's append to its own, and to its being seen |
| `machine.txt` | the machine sheet |

The commands:

{commands}
"""


def tables(pairs, bytes_written, others):
    """All tables under their titles, as far as there is something in them."""
    titled = [
        ("With checkpoints against without", PAIRS_HEAD, pairs),
        ("Bytes written, in the warm-up run", BYTES_HEAD, bytes_written),
        *((title, rows[:2], rows[2:]) for title, rows in others),
    ]
    return "\n\n".join(f"## {title}\n\n" + "\n".join(head + rows) for title, head, rows in titled if rows)
