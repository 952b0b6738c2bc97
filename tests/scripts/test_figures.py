"""What the scripts that measure make of figures: intervals, turns, comparisons, hosts, charts, profiles. On made-up
records and recorded hosts; no time is asserted. Run by scripts/test:

    python3 tests/scripts/test_figures.py
"""

import itertools
import os
import random
import re
import statistics
import struct
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True

import plotting  # noqa: E402
from measuring import host, intervals, jobs, page, profiles, rivals, runs, symbols, topics, verdicts  # noqa: E402

SHEET = """## lscpu
Model name:                              {cpu}
Thread(s) per core:                      1
## nproc
{cores}
## uname -a
Linux bench 6.1.0 #1 SMP x86_64 GNU/Linux
## rustc --version --verbose
release: 1.95.0
## target/release/headcount plan
  kernel: avx512
## scripts/host
governor: performance
"""


class Noise:
    """Made-up runs: a few per cent of spread, skewed, now and then one far out, as real ones are."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def runs(self, n, middle=1.0, spread=0.03):
        return [middle * self.one(spread) for _ in range(n)]

    def one(self, spread):
        far_out = (self.random.random() < 0.1) * self.random.expovariate(5)
        return self.random.lognormvariate(0, spread) * (1 + far_out)


class Folder(unittest.TestCase):
    """A test with a folder of made-up records."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def record(self, name, jobs, cpu="Made Up 1", cores=2, what="job"):
        """`jobs`: (job, side) -> wall times."""
        to = self.folder / name
        to.mkdir()
        lines = [f"{what}\tround\tside\twall_s\tuser_s\tsystem_s\tpeak_mib"]
        for (job, side), times in jobs.items():
            lines += [f"{job}\t{at}\t{side}\t{time:.6f}\t0.100\t0.020\t30.0" for at, time in enumerate(times, 1)]
        (to / "runs.tsv").write_text("\n".join(lines) + "\n")
        (to / "machine.txt").write_text(SHEET.format(cpu=cpu, cores=cores))
        return str(to)

    def compared(self, a, b, threshold=0.03, figure=None):
        return verdicts.compare(runs.load(a), runs.load(b), threshold, figure)


class Intervals(unittest.TestCase):
    def test_the_bootstrap_is_that_of_all_resamples(self):
        for values in ([3.0, 1.0, 2.0], [1.0, 2.0, 4.0, 8.0], [5.0, 1.0, 2.0, 9.0, 2.0], [1.0, 2.0, 3.0, 5.0, 7.0, 11.0]):
            drawn = Counter(statistics.median(sample) for sample in itertools.product(values, repeat=len(values)))
            found = Counter()
            for value, likely in intervals.median_bootstrap(values):
                found[value] += likely
            for value in drawn.keys() | found.keys():
                self.assertAlmostEqual(found[value], drawn[value] / len(values) ** len(values), places=12)

    def test_an_interval_covers_the_truth_about_95_times_in_a_hundred(self):
        noise, truth, times = Noise(5), 1.1, 400
        for n in (6, 7, 11):
            paired = unpaired = 0
            for _ in range(times):
                a, b = noise.runs(n), noise.runs(n, truth)
                found = intervals.ratio_unpaired(a, b)
                unpaired += found.low <= truth <= found.high
                # A machine that drifts by half meets both runs of a round alike.
                drift = [noise.random.uniform(0.5, 2) for _ in range(n)]
                found = intervals.ratio_of_pairs(*([x * by for x, by in zip(side, drift)] for side in (a, b)))
                paired += found.low <= truth <= found.high
            for what, covered in (("paired", paired), ("unpaired", unpaired)):
                with self.subTest(what, runs=n):
                    # 0.95 less three standard errors of 400 simulations is 0.917.
                    self.assertGreater(covered / times, 0.92)
                    # And it is no interval of all there is: of many runs it leaves most out.
        many = noise.runs(41)
        low, high = intervals.median(many)[1:]
        self.assertGreater(sum(not low <= run <= high for run in many), 20)

    def test_more_runs_make_it_narrower(self):
        def width(n):
            found = [intervals.median(Noise(seed).runs(n)) for seed in range(30)]
            return statistics.mean(interval.high - interval.low for interval in found)

        self.assertLess(width(40), width(10) * 0.75)

    def test_few_runs_give_none(self):
        self.assertEqual(intervals.median([1, 2, 3, 4, 5]), (3, None, None))
        self.assertEqual(intervals.ratio_unpaired([1] * 5, [2] * 50), (2, None, None))
        self.assertEqual(intervals.ratio_of_pairs([1.0] * 6, [2.0] * 6), (2, 2, 2))


class Records(Folder):
    def test_all_records_with_runs_are_read(self):
        read = 0
        for file in sorted(runs.RECORDS.glob("*/runs.tsv")):
            if len(file.read_text().splitlines()) < 2:
                continue  # a session without runs of its own: its figures are in its other files
            record = runs.load(file.parent.name)
            self.assertTrue(record.figures(), file)
            self.assertIn("cores", record.machine, file)
            read += 1
        self.assertGreater(read, 5)

    def test_a_record_is_read_whatever_its_first_column_is_called(self):
        for what in ("job", "topic", "line"):
            record = runs.load(self.record(what, {("file", "headcount"): [1.5, 2.5]}, what=what))
            self.assertEqual(record.of("file", "headcount", "wall_s"), {1: 1.5, 2: 2.5})
            self.assertEqual(record.of("file", "headcount", "cpu_s"), {1: 0.12, 2: 0.12})
            self.assertEqual(record.machine["cores"], "2")
            self.assertEqual(record.machine["kernel chosen"], "avx512")

    def test_what_is_no_record_says_so(self):
        empty = self.folder / "empty"
        empty.mkdir()
        broken = self.folder / "broken"
        broken.mkdir()
        (broken / "runs.tsv").write_text("job\tround\tside\twall_s\nfile\t1\theadcount\tsoon\n")
        sides = self.record("sides", {("file", "headcount"): [1, 2]})
        for name, says in (
            ("nowhere", "no such record"),
            (str(empty), "no runs.tsv"),
            (str(broken), "line 2"),
            (f"{sides}:wc -l", "it has: headcount"),
        ):
            with self.assertRaisesRegex(runs.Unreadable, says):
                runs.load(name)


class Compared(Folder):
    def made(self, name, middle=1.0, spread=0.01, n=15, seed=1, job="file"):
        return self.record(name, {(job, "headcount"): Noise(seed).runs(n, middle, spread)})

    def only(self, comparison):
        self.assertEqual(len(comparison.rows), 1)
        return comparison.rows[0]

    def test_equal(self):
        found = self.compared(self.made("a", seed=1), self.made("b", seed=2))
        self.assertEqual(self.only(found).verdict, "no difference")
        self.assertEqual(found.regressions(), [])
        self.assertFalse(found.paired)

    def test_slower_and_faster(self):
        a, b = self.made("a", seed=1), self.made("b", 1.1, seed=2)
        found = self.compared(a, b)
        self.assertEqual(self.only(found).verdict, "slower")
        self.assertAlmostEqual(self.only(found).ratio.middle, 1.1, delta=0.02)
        self.assertEqual(len(found.regressions()), 1)
        self.assertEqual(self.compared(a, b, threshold=0.2).regressions(), [], "slower, but within what is allowed")
        self.assertEqual(self.only(self.compared(b, a)).verdict, "faster")

    def test_noisier_is_not_slower(self):
        found = self.compared(self.made("a", seed=1), self.made("b", spread=0.15, seed=4))
        self.assertEqual(self.only(found).verdict, "no difference")
        self.assertIn("noisier", self.only(found).remark)
        self.assertTrue(any("could hide" in warning for warning in found.warnings), found.warnings)
        self.assertNotIn("noisier", self.only(self.compared(str(self.folder / "b"), str(self.folder / "a"))).remark)

    def test_few_runs_have_no_verdict(self):
        found = self.compared(self.made("a", n=5), self.made("b", 3.0, n=5))
        self.assertEqual(self.only(found).verdict, "too few runs")
        self.assertEqual(found.regressions(), [])
        self.assertTrue(any("fewer than 6 runs" in warning for warning in found.warnings))

    def test_false_alarms_are_as_rare_as_said(self):
        alarms, times = 0, 200
        for seed in range(times):
            noise = Noise(seed)
            alarms += intervals.ratio_unpaired(noise.runs(11), noise.runs(11)).low > 1
        self.assertLess(alarms / times, 0.025 + 3 * (0.025 * 0.975 / times) ** 0.5)

    def test_missing_jobs_and_sides_are_named(self):
        a = self.record("a", {("file", "headcount"): [1.0] * 6, ("pipe", "headcount"): [1.0] * 6})
        b = self.record("b", {("file", "headcount"): [1.0] * 6, ("file", "wc -l"): [1.0] * 6})
        found = self.compared(a, b)
        self.assertEqual(self.only(found).job, "file")
        self.assertIn("pipe: no runs of headcount in b, so not compared", found.warnings)
        self.assertIn("file: no runs of wc -l in a, so not compared", found.warnings)
        with self.assertRaisesRegex(runs.Unreadable, "no job in common"):
            self.compared(self.made("c", job="x"), self.made("d", job="y"))

    def test_other_machines_are_named(self):
        jobs = {("file", "headcount"): [1.0] * 6}
        a, b = self.record("a", jobs), self.record("b", jobs, cpu="Made Up 2", cores=64)
        warnings = self.compared(a, b).warnings
        self.assertIn("other CPU: Made Up 1 and Made Up 2", warnings)
        self.assertIn("other cores: 2 and 64", warnings)
        self.assertTrue(any(warning.startswith("two sessions") for warning in warnings))
        (Path(b) / "machine.txt").unlink()
        self.assertTrue(any("no machine sheet" in warning for warning in self.compared(a, b).warnings))

    def test_what_is_not_ours_is_a_yardstick_and_no_regression(self):
        a = self.record("a", {("file", "headcount"): [1.0] * 6, ("file", "wc -l"): [1.0] * 6})
        b = self.record("b", {("file", "headcount"): [1.0] * 6, ("file", "wc -l"): [1.2] * 6})
        found = self.compared(a, b)
        self.assertEqual([row.verdict for row in found.rows], ["no difference", "slower"])
        self.assertEqual(found.regressions(), [])
        self.assertTrue(any("wc -l 1.20" in warning for warning in found.warnings))

    def test_sides_of_ours_are_all_but_the_rivals(self):
        ours = ["headcount, 1 core", "bare read", "on", "off", "directory, year", "read|scan|count", "served", "asked"]
        a = self.record("a", {("all", side): [1.0] * 6 for side in ours})
        b = self.record("b", {("all", side): [1.2] * 6 for side in ours})
        self.assertEqual([row.sides[0] for row in self.compared(a, b).regressions()], ours)

    def test_rivals_are_known_by_name(self):
        streams = jobs.Streams(self.folder, "", {"stream": ("", ""), "small": ("", "")}, False)
        streams.file = lambda name: self.folder / name
        sides = [side[:2] for job in rivals.table_of_jobs("OURS", "/rivals", "/python", streams) for side in job[2]]
        sides += [side[:2] for side in topics.job_of("1-none", "topic", "OURS", "broker", [], 1).sides]
        self.assertGreater(len(sides), 15)
        for name, command in sides:
            self.assertEqual(verdicts.is_rival(name), "OURS" not in command, name)

    def test_sides_of_a_record_are_compared_round_by_round(self):
        drift = Noise(3).random
        rounds = [drift.uniform(0.5, 2) for _ in range(12)]
        jobs = {("file", "old"): rounds, ("file", "new"): [time * 1.05 for time in rounds]}
        both = self.record("both", jobs)
        found = self.compared(f"{both}:old", f"{both}:new")
        self.assertTrue(found.paired)
        self.assertEqual(self.only(found).verdict, "slower")
        # The same runs in two records: nothing says which met the machine together, so nothing is shown.
        apart = [self.record(name, {("file", "headcount"): jobs["file", name]}) for name in ("old", "new")]
        self.assertEqual(self.only(self.compared(*apart)).verdict, "no difference")

    def test_rounds_that_one_side_lacks_are_left_out(self):
        both = self.record("both", {("file", "old"): [1.0] * 9, ("file", "new"): [2.0] * 7})
        row = self.only(self.compared(f"{both}:old", f"{both}:new"))
        self.assertEqual((len(row.a), len(row.b), row.remark), (7, 7, "7 rounds have both"))

    def test_other_figures(self):
        a, b = self.made("a"), self.made("b")
        self.assertEqual(self.only(self.compared(a, b, figure="cpu_s")).ratio, (1, 1, 1))
        with self.assertRaisesRegex(runs.Unreadable, "in both: wall_s"):
            self.compared(a, b, figure="cycles")

    def test_what_costs_nothing_has_no_ratio(self):
        a = self.record("a", {("file", "headcount"): [1.0] * 6, ("idle", "headcount"): [0.0] * 6})
        b = self.record("b", {("file", "headcount"): [1.0] * 6, ("idle", "headcount"): [0.5] * 6})
        found = self.compared(a, b)
        self.assertEqual(self.only(found).job, "file")
        self.assertIn("idle, headcount: some runs cost nothing, so there is no ratio", found.warnings)

    def test_the_command(self):
        a, b, c = self.made("a", seed=1), self.made("b", 1.2, seed=2), self.made("c", seed=3)
        for first, second, code, says in ((a, b, 1, "slower, beyond 3.0%"), (a, c, 0, "no difference"), (a, "x", 2, "")):
            picture = self.folder / "picture"
            command = [sys.executable, ROOT / "scripts/compare", first, second, "--picture", picture]
            ran = subprocess.run(command, text=True, capture_output=True)
            self.assertEqual(ran.returncode, code, ran.stderr)
            self.assertIn(says, ran.stdout)
        text = picture.with_suffix(".html").read_text()
        self.assertIn("no difference", text)
        # The page holds the picture wherever matplotlib can be had.
        self.assertEqual("<svg" in text, "no matplotlib" not in ran.stderr and picture.with_suffix(".svg").exists())

    def command(self, *arguments, **more):
        """Exit code and stderr of scripts/compare."""
        command = [sys.executable, ROOT / "scripts/compare", *arguments, "--picture", self.folder / "picture"]
        ran = subprocess.run(command, text=True, capture_output=True, **more)
        return ran.returncode, ran.stderr

    def test_where_nothing_was_shown_the_command_does_not_pass(self):
        code, said = self.command(self.made("a", n=5), self.made("b", 3.0, n=5))
        self.assertEqual(code, 2)
        self.assertIn("no job of ours has runs enough", said)
        # Of a rival there are enough: that says nothing of ours.
        both = [self.record(name, {("file", "headcount"): [1.0] * 5, ("file", "wc -l"): [1.0] * 6}) for name in ("c", "d")]
        self.assertEqual(self.command(*both)[0], 2)

    def test_a_job_that_b_lacks_does_not_pass(self):
        few = {("file", "headcount"): [1.0] * 6, ("file", "wc -l"): [1.0] * 6}
        a = self.record("a", {**few, ("pipe", "headcount"): [1.0] * 6})
        b = self.record("b", few)
        code, said = self.command(a, b)
        self.assertEqual(code, 2)
        self.assertIn("b lacks what a has: pipe, headcount", said)
        self.assertEqual(self.command(a, b, "--part")[0], 0)
        self.assertEqual(self.command(b, a)[0], 0, "what is new has nothing to be worse than")
        no_rival = self.record("c", {("file", "headcount"): [1.0] * 6})
        self.assertEqual(self.command(b, no_rival)[0], 0)
        slower = self.record("d", {("file", "headcount"): [1.2] * 6})
        self.assertEqual(self.command(a, slower)[0], 1, "a regression is one, whatever else is missing")

    def test_a_failure_is_no_regression(self):
        code, said = self.command("--run", "no-such-revision", ".", "--tiny")
        self.assertEqual(code, 2, said)
        self.assertIn("no such commit", said)
        code, said = self.command("--run", ".", ".", "--only", "no such job")
        self.assertEqual(code, 2, said)
        self.assertIn("no such workload", said)
        failing = self.folder / "cargo"
        failing.write_text("#!/bin/sh\nexit 101\n")
        failing.chmod(0o755)
        code, said = self.command("--run", ".", ".", env={**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"})
        self.assertEqual(code, 2, said)
        self.assertIn("cargo build", said)

    def test_names_are_no_markup(self):
        a, b = (self.record(name, {("<b>&", "headcount"): [1.0] * 6}) for name in "ab")
        self.assertIn("&lt;b&gt;&amp;", page.page(self.compared(a, b), ""))


class Turns(unittest.TestCase):
    def test_rounds_turn_round_and_meet_all_jobs(self):
        lines = []
        two = [jobs.Job("x", [jobs.Side("a", "true"), jobs.Side("b", "true")]), jobs.Job("y", [jobs.Side("a", "true")])]
        taken = jobs.rounds(two, 2, lines.append)
        runs_of = {job.name: {side: len(of) for side, of in sides.items()} for job, sides in taken}
        self.assertEqual(runs_of, {"x": {"a": 2, "b": 2}, "y": {"a": 2}})
        order = ["x1b", "x1a", "y1a", "x2a", "x2b", "y2a"]
        self.assertEqual(["".join(line.split("\t")[:3]) for line in lines], order)

    def test_other_flags_make_another_file(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder) / "with a space"
            program = folder / "headcount"
            made = [jobs.Streams(folder, program, {"stream": (flags, "")}, False) for flags in ("", "--seed 2")]
            # It writes its arguments to the file that is named last.
            program.write_text('#!/bin/sh\nfor last in "$@"; do :; done\necho "$@" > "$last"\n')
            program.chmod(0o755)
            one, other = (streams.file("stream") for streams in made)
            self.assertNotEqual(one, other)
            self.assertNotIn("--seed", one.read_text())
            self.assertIn("--seed 2", other.read_text())


class Hosts(Folder):
    def test_recorded_hosts(self):
        trees = sorted((HERE / "hosts").glob("*.tree"))
        self.assertGreater(len(trees), 4)
        for tree in trees:
            with self.subTest(tree.stem):
                expected = tree.with_suffix(".expected").read_text()
                self.assertEqual("\n".join(host.Host(host.Tree(tree)).report()) + "\n", expected)

    def test_only_the_good_ones_are_trusted(self):
        for name, faults in (("bare-metal", 0), ("amd-quiet", 0), ("laptop", 6), ("virtual", 2), ("two-sockets", 3)):
            root = HERE / f"hosts/{name}.tree"
            ran = subprocess.run([ROOT / "scripts/host", "check", "--root", root], text=True, capture_output=True)
            self.assertEqual(ran.returncode, int(faults > 0), name)
            self.assertEqual(len(re.findall("^fault ", ran.stdout, re.M)), faults, name)

    def test_turbo_is_read_as_each_maker_says_it(self):
        intel, amd = "sys/devices/system/cpu/intel_pstate/no_turbo", "sys/devices/system/cpu/cpufreq/boost"
        for files, turbo in (({intel: "0"}, "on"), ({intel: "1"}, "off"), ({amd: "1"}, "on"), ({amd: "0"}, "off"), ({}, "unknown")):
            self.assertEqual(self.host(files).turbo, turbo, files)

    def host(self, files):
        root = Path(tempfile.mkdtemp(dir=self.folder))
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text + "\n")
        return host.Host(host.Tree(root))

    def test_a_host_that_says_nothing_is_unknown_and_not_fine(self):
        kinds = Counter(finding.kind for finding in self.host({}).findings() if finding)
        self.assertGreaterEqual(kinds["unknown"], 5)

    def test_a_folder_and_what_is_recorded_of_it_are_the_same_host(self):
        for tree in (HERE / "hosts").glob("*.tree"):
            files = host.Tree(tree).files
            below = self.folder / tree.stem
            for path, text in files.items():
                (below / path).parent.mkdir(parents=True, exist_ok=True)
                (below / path).write_text(text)
            again = self.folder / f"{tree.stem}.tree"
            again.write_text(host.Tree(below).recorded())
            self.assertEqual(host.Host(host.Tree(again)).report(), host.Host(host.Tree(tree)).report())

    def test_this_host_can_be_looked_at(self):
        report = host.Host(host.Tree()).report()
        self.assertRegex(report[0], r"^\d+ CPUs: ")

    def test_facts_are_found_again_in_a_sheet(self):
        sheet = self.folder / "machine.txt"
        sheet.write_text("\n".join(host.Host(host.Tree(HERE / "hosts/bare-metal.tree")).facts()))
        found = runs.machine(sheet)
        wanted = {"governor": "performance", "turbo": "off", "SMT": "off", "transparent huge pages": "madvise"}
        self.assertEqual({fact: found.get(fact) for fact in wanted}, wanted)


class Charts(Folder):
    @classmethod
    def setUpClass(cls):
        try:
            plotting.library()
        except plotting.NoLibrary as none:
            raise unittest.SkipTest(str(none))

    def draw(self, to):
        to.mkdir()
        plotting.bars(to / "bars.svg", "Bars & <so>", [("headcount", 1.0, 0.9, 1.2), ("wc -l", 1.5)], "s", note="of a record")
        plotting.bars(to / "far.svg", "Far apart", [("headcount", 0.01), ("wc -l", 150)], "s, log", log=True)
        plotting.grouped(to / "grouped.svg", "Groups", ["x", "y"], {"a": [1, 2], "b": [None, 3]}, "bytes")
        series = {"measured": [(1, 2.0), (2, 4.0, 3.0, 5.0)], "modelled": [(2, 4.0), (64, 90.0)]}
        plotting.lines(to / "lines.svg", "Lines", series, "cores", "MB/s", log_x=True, log_y=True, modelled={"modelled"})
        rows = [plotting.Strip("A", [1.0, 1.1, 1.2], (1.0, 1.2)), plotting.Strip("B", [1.3], None, "orange")]
        plotting.strips(to / "strips.svg", "Strips", rows, "s", mark=1)
        return sorted(to.glob("*.svg"))

    def test_the_same_figures_give_the_same_bytes(self):
        for one, other in zip(self.draw(self.folder / "1"), self.draw(self.folder / "2"), strict=True):
            self.assertEqual(one.read_bytes(), other.read_bytes(), one.name)

    def test_a_chart_stands_alone_and_knows_the_dark(self):
        for file in self.draw(self.folder / "charts"):
            with self.subTest(file.name):
                text = file.read_text()
                root = ElementTree.fromstring(text.encode())
                self.assertEqual(root.find("{http://www.w3.org/2000/svg}title").text, root_title(file))
                links = [value for node in root.iter() for name, value in node.attrib.items() if name.endswith("href")]
                self.assertTrue(all(link.startswith("#") for link in links), links)
                # Every colour that is drawn has a dark one.
                drawn = set(re.findall(r'style="[^"]*?(?:fill|stroke): (#[0-9a-f]{6})', text))
                self.assertTrue(drawn)
                self.assertLessEqual(drawn, {light for light, _ in plotting.COLOURS.values()})
                for colour in drawn:
                    self.assertIn(f'[style*="fill: {colour}"]', text)


class Profiles(unittest.TestCase):
    PROGRAM = "/x/headcount"
    # What stands at which address: outermost first, as symbols.inlined gives it.
    KNOWN = {
        0x100: ["headcount::scan::stage::step", "memchr::memchr::memchr"],
        0x200: ["headcount::count::stage::step"],
        0x300: ["headcount::main"],
    }

    def inlined(self, program, addresses):
        self.assertEqual(program, self.PROGRAM)
        return {address: self.KNOWN.get(address, []) for address in addresses}

    def test_the_innermost_stage_decides(self):
        for stack, stage in (
            (["headcount::scan::stage::step", "headcount::batch::push", "core::ptr::write"], "scan"),
            (["<headcount::count::stage::CountStage as headcount::stage::Stage>::step", "memcpy"], "count"),
            (["headcount::scan::fill", "headcount::input::frames::next_line", "memchr::memchr"], "input"),
            (["clone", "rd_kafka_thread_main", "crc32"], "kafka"),
            (["std::thread::spawn<headcount::scan::stage::ScanStage>"], "other"),
            (["headcount::main", "headcount::engine::run", "malloc"], "other"),
        ):
            self.assertEqual(symbols.stage(stack), stage, stack)

    def test_the_standard_library_s_steps_are_of_who_takes_them(self):
        stack = ["headcount::count::table::find", "core::iter::next<u8>", "<core::slice::Iter<u8> as Iterator>::nth"]
        self.assertEqual(symbols.own(stack), "headcount::count::table::find")

    def test_addresses_with_inlined_functions(self):
        said = """0x0000000000000100
cmpeq
/root/.cargo/registry/src/index-1/memchr-2.8.0/src/vector.rs:12
nth<u8>
/rustc/0123/library/core/src/slice/iter.rs:3
next_line
src/input/frames.rs:40
<headcount::scan::stage::ScanStage>::fill
/work/src/scan/stage.rs:9
0x0000000000000200
??
??:0
0x0000000000000300
find::h0123456789abcdef
src/count/mod.rs:7"""
        found = dict(symbols.read_addr2line(said.splitlines()))
        self.assertEqual(
            found,
            {
                0x100: [
                    "<headcount::scan::stage::ScanStage>::fill", "headcount::input::frames::next_line",
                    "core::slice::iter::nth<u8>", "memchr::vector::cmpeq",
                ],
                0x200: [],
                0x300: ["headcount::count::find"],
            },
        )

    def test_samples_of_perf(self):
        text = f"""sh 12
\t 100 main (/usr/bin/dash)

headcount 0 13
\t ffffffff81 clear_page ([kernel.kallsyms])
\t 1100 wrong name ({self.PROGRAM})
\t 89f4 start_thread (/lib/libc.so.6)

rdk:broker1 14
\t 77 poll (/lib/libc.so.6)
"""
        # The program's code stands 0x1000 further on in the file than in memory.
        samples = list(profiles.perf_samples(text, self.PROGRAM, [(0x1000, 0x1, 0x1000)]))
        self.assertEqual(len(samples), 2)
        profile = profiles.folded(samples, self.PROGRAM, self.inlined)
        # 0x1100 is 0x101, and the call is before it.
        stack = ("scan", "headcount::scan::stage::step", "memchr::memchr::memchr", "clear_page")
        self.assertEqual(profile, {stack: 1, ("kafka", "rd_kafka thread", "poll"): 1})
        self.assertEqual(profiles.by_stage(profile), {"scan": 1, "kafka": 1})

    def test_samples_of_the_timer(self):
        maps = f"5000-6000 r--p 00000000 08:01 1  {self.PROGRAM}\n6000-9000 r-xp 00001000 08:01 1  {self.PROGRAM}\n"
        base = 0x5000
        words = [0, 3, 0, 1003, 0, 2, 2, base + 0x200, base + 0x301, 1, 1, 0x99, 0, 1, 0]
        samples = list(profiles.timer_samples(struct.pack(f"<{len(words)}Q", *words) + maps.encode()))
        profile = profiles.folded(samples, self.PROGRAM, self.inlined)
        count = ("count", "headcount::count::stage::step")
        self.assertEqual(profile, {count: 2, ("other", "unknown"): 1})

    def test_instructions_of_callgrind(self):
        text = f"""events: Ir
ob={self.PROGRAM}
fl=a.rs
fn=run
0x100 1 70
0x200 2 20
0x300 3 7
cob=/lib/libc.so.6
cfi=m.c
cfn=memcpy
calls=3 0x10
0x100 1 30
cob=/lib/libc.so.6
cfn=memcpy
calls=1 0x10
0x200 2 10

ob=/lib/libc.so.6
fl=m.c
fn=memcpy
0x10 1 40
totals: 137
"""
        profile = profiles.callgrind_costs(text, self.PROGRAM, self.inlined)
        # memcpy's 40 go to its callers as they spent on it: 30 and 10.
        self.assertEqual(profiles.by_stage(profile), {"scan": 100, "count": 30, "other": 7})
        self.assertEqual(profiles.hottest(profile)["scan"], [("memchr::memchr::memchr", 70), ("memcpy", 30)])

    def test_functions_that_call_each_other_outside_of_all_stages(self):
        text = "\n".join(
            ["ob=/lib/l.so", "fn=a", "0x1 1 5", "cfn=b", "calls=1 0x2", "0x1 1 9", "fn=b", "0x2 1 6", "cfn=a", "calls=1 0x1", "0x2 1 4"]
        )
        profile = profiles.callgrind_costs(text, self.PROGRAM, self.inlined)
        self.assertEqual(profiles.by_stage(profile), {"other": 11})

    def test_counters_that_the_host_lacks(self):
        text = "# started\n<not supported>,,cycles:u,0,100.00,,\n1200,,instructions,99,100.00,,\n"
        self.assertEqual(profiles.counters(text), {"cycles:u": None, "instructions": 1200.0})


def root_title(file):
    return {
        "bars.svg": "Bars & <so>", "far.svg": "Far apart", "grouped.svg": "Groups", "lines.svg": "Lines",
        "strips.svg": "Strips",
    }[file.name]


if __name__ == "__main__":
    unittest.main()
