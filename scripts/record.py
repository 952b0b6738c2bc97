"""What scripts/bench writes: the table, the record's folder, the machine sheet of perf/README.md."""

import re

import timed

# Between these two lines README.md shows the newest table.
BEGIN, END = "<!-- scripts/bench writes from here -->", "<!-- to here -->"


def comparisons(done):
    """One row a comparison, medians of both sides and the ratios of the rounds."""
    rows = [
        "| job | against | headcount | the other | headcount / the other | the other / headcount |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for job, runs in done:
        for what, ours, other in job.pairs:
            a, b = runs[ours], runs[other]
            ratio, back = timed.ratio(a, b), timed.ratio(b, a)
            rows.append(
                f"| {what} | {other} | {timed.median(a).wall_s:.3f} s | {timed.median(b).wall_s:.3f} s "
                f"| {ratio.median:.2f} ({ratio.least:.2f}–{ratio.most:.2f}) | {back.median:.2f} |"
            )
    return "\n".join(rows)


def table(done, memory):
    """The comparisons, and what memory headcount took."""
    said = "; ".join(
        f"{name}.jsonl {anonymous:.1f} MiB anonymous, {resident:.1f} MiB resident in all"
        for name, (anonymous, resident) in memory.items()
    )
    return comparisons(done) + f"\n\nPeak memory of headcount: {said}."


def machine_sheet(said, folder, headcount, uptime, rivals):
    """Everything perf/README.md asks for, as the tools say it. `rivals`: what tells their versions."""
    sheet = [("uptime, before the first run", uptime)]
    for command in [
        "lscpu",
        "nproc",
        "free -b",
        "uname -a",
        "systemd-detect-virt || true",
        f"findmnt -T {folder}",
        "rustc --version --verbose",
        "git rev-parse HEAD",
        "git status --short",
        f"{headcount} plan",
        *rivals,
    ]:
        sheet.append((command, said(command)))
    return "".join(f"## {what}\n{text.rstrip()}\n" for what, text in sheet)


def write(to, root, page, lines, sheet, done, **more):
    """Makes the record's folder. `page` is what its README says, with places for `more` and the commands."""
    to.mkdir(parents=True)
    (to / "runs.tsv").write_text("\n".join(lines) + "\n")
    (to / "machine.txt").write_text(sheet)
    commands = "\n".join(
        f"- {job.name}, {side.name}: `{side.command.replace(str(root) + '/', '')}`"
        for job, _ in done
        for side in job.sides
    )
    (to / "README.md").write_text(page.format(name=to.name, commands=commands, **more))
    print(f"written: {to}")


def refresh(page, table, to):
    """Puts the table between the two markers."""
    text = page.read_text()
    between = f"{BEGIN}\n{table}\nRecord: [{to.name}](perf/records/{to.name}/README.md).\n{END}"
    fresh, found = re.subn(f"{BEGIN}.*?{END}", lambda _: between, text, flags=re.S)
    if found != 1:
        raise SystemExit(f"{page}: the two markers of the table are not there")
    page.write_text(fresh)
