"""What a host is set to, and what of that makes its figures untrustworthy. Reads, and changes nothing.

Everything comes from files under /proc and /sys (`PATHS`), below a root that can be another folder: so other
hosts' trees can be looked at, which is how this is tested (tests/scripts/hosts/). A tree may also be one file,
as `scripts/host record` prints it: a line with `== PATH` and then that file's text, for each.

A finding is a `fault` (figures are not to be trusted), a `note` (know it when you read them), `unknown` (this
host does not say) or `fine`.
"""

import fnmatch
import re
from pathlib import Path
from typing import NamedTuple, Optional

PATHS = [
    "proc/cpuinfo",
    "proc/loadavg",
    "proc/meminfo",
    "proc/pressure/cpu",
    "proc/stat",
    "proc/swaps",
    "proc/sys/kernel/numa_balancing",
    "proc/sys/kernel/perf_event_paranoid",
    "sys/class/dmi/id/product_name",
    "sys/class/dmi/id/sys_vendor",
    "sys/class/power_supply/*/online",
    "sys/class/power_supply/*/type",
    "sys/devices/system/clocksource/clocksource0/current_clocksource",
    "sys/devices/system/cpu/cpu*/cpufreq/energy_performance_preference",
    "sys/devices/system/cpu/cpu*/cpufreq/scaling_driver",
    "sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
    "sys/devices/system/cpu/cpu*/thermal_throttle/core_throttle_count",
    "sys/devices/system/cpu/cpu*/topology/thread_siblings_list",
    "sys/devices/system/cpu/cpufreq/boost",
    "sys/devices/system/cpu/intel_pstate/no_turbo",
    "sys/devices/system/cpu/isolated",
    "sys/devices/system/cpu/nohz_full",
    "sys/devices/system/cpu/online",
    "sys/devices/system/cpu/smt/active",
    "sys/devices/system/cpu/smt/control",
    "sys/devices/system/node/node*/cpulist",
    "sys/fs/cgroup/cpu.max",
    "sys/hypervisor/type",
    "sys/kernel/mm/transparent_hugepage/enabled",
]
# Busy beyond this part of all cores: others take time. Memory that the streams of scripts/bench need.
LOAD_PART_MAX = 0.1
FREE_GIB_LEAST = 8
# Of all CPU time since the start, taken by other guests.
STEAL_PART_MAX = 0.001


class Finding(NamedTuple):
    """What was looked at, what it is, why that matters, and the command or setting that would put it right."""

    kind: str
    what: str
    why: str = ""
    fix: Optional[str] = None


class Tree:
    """Files below a root: the host's own, a folder's, or those in one file of `scripts/host record`."""

    def __init__(self, root="/"):
        self.root = Path(root)
        self.files = None
        if self.root.is_file():
            parts = re.split(r"^== (.+)\n", self.root.read_text(), flags=re.M)
            self.files = dict(zip(parts[1::2], parts[2::2]))

    def read(self, path):
        """A file's text without white space around it; None where it is not there or cannot be read."""
        if self.files is not None:
            text = self.files.get(path)
        else:
            try:
                text = (self.root / path).read_text(errors="replace")
            except OSError:
                text = None
        return None if text is None else text.strip()

    def find(self, pattern):
        """Paths that match, cpu2 before cpu10."""
        if self.files is not None:
            found = [path for path in self.files if fnmatch.fnmatchcase(path, pattern)]
        else:
            found = [str(path.relative_to(self.root)) for path in self.root.glob(pattern)]
        return sorted(found, key=lambda path: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path)])

    def all(self, pattern):
        """The texts of all that match, those that can be read."""
        return [text for path in self.find(pattern) if (text := self.read(path)) is not None]

    def recorded(self):
        """All of PATHS in one text; of repetitive files only what is looked at."""
        parts = []
        for pattern in PATHS:
            for path in self.find(pattern):
                if (text := self.read(path)) is not None:
                    parts.append(f"== {path}\n{shortened(path, text)}\n")
        return "".join(parts)


def shortened(path, text):
    """cpuinfo, stat and meminfo without the lines that nothing here reads."""
    wanted = {
        "proc/cpuinfo": r"(model name|flags)\b",
        "proc/stat": r"cpu ",
        "proc/meminfo": r"(MemTotal|MemAvailable)\b",
    }.get(path, "")
    text = text.split("\n\n")[0] if path == "proc/cpuinfo" else text
    return "\n".join(line for line in text.split("\n") if re.match(wanted, line))


def count(cpulist):
    """How many CPUs a list such as 0-3,8 names."""
    total = 0
    for part in filter(None, (cpulist or "").split(",")):
        low, _, high = part.partition("-")
        total += int(high or low) - int(low) + 1
    return total


class Host:
    """A host's settings, read once."""

    def __init__(self, tree):
        self.tree = tree
        cpu = "sys/devices/system/cpu"
        self.cpus = count(tree.read(f"{cpu}/online")) or 1
        self.model = self._info("model name") or "unknown"
        self.is_virtual = "hypervisor" in (self._info("flags") or "").split()
        self.governors = self._same(f"{cpu}/cpu*/cpufreq/scaling_governor")
        self.driver = self._same(f"{cpu}/cpu*/cpufreq/scaling_driver")
        self.preference = self._same(f"{cpu}/cpu*/cpufreq/energy_performance_preference")
        self.siblings = sorted({text for text in tree.all(f"{cpu}/cpu*/topology/thread_siblings_list")})
        self.isolated = tree.read(f"{cpu}/isolated") or ""
        self.nodes = tree.all("sys/devices/system/node/node*/cpulist")
        chosen = re.search(r"\[(\w+)\]", tree.read("sys/kernel/mm/transparent_hugepage/enabled") or "")
        self.huge_pages = chosen[1] if chosen else None

    def _info(self, name):
        found = re.search(rf"^{name}\s*:\s*(.*)", self.tree.read("proc/cpuinfo") or "", re.M)
        return found[1] if found else None

    def _same(self, pattern):
        """The different values of all CPUs, in one text; None where there are none."""
        return ", ".join(dict.fromkeys(self.tree.all(pattern))) or None

    def _memory_gib(self, name):
        found = re.search(rf"^{name}:\s+(\d+)", self.tree.read("proc/meminfo") or "", re.M)
        return int(found[1]) / 2**20 if found else None

    @property
    def turbo(self):
        """on, off or unknown: Intel's pstate says it the other way round, AMD and acpi-cpufreq by `boost`."""
        cpu = "sys/devices/system/cpu"
        no_turbo, boost = self.tree.read(f"{cpu}/intel_pstate/no_turbo"), self.tree.read(f"{cpu}/cpufreq/boost")
        if no_turbo is not None:
            return "off" if no_turbo == "1" else "on"
        if boost is not None:
            return "on" if boost == "1" else "off"
        return "unknown"

    @property
    def smt(self):
        active = self.tree.read("sys/devices/system/cpu/smt/active")
        if active is None and not self.siblings:
            return "unknown"
        return "on" if active == "1" or any(count(group) > 1 for group in self.siblings) else "off"

    def facts(self):
        """Lines `name: value` for a machine sheet; `measuring/runs.py` finds them again."""
        virtual = self._machine() if self.is_virtual else "no"
        return [
            f"governor: {self.governors or 'unknown'}",
            f"frequency driver: {self.driver or 'unknown'}",
            f"turbo: {self.turbo}",
            f"SMT: {self.smt}",
            f"virtual: {virtual}",
            f"isolated CPUs: {self.isolated or 'none'}",
            f"NUMA nodes: {len(self.nodes) or 'unknown'}",
            f"transparent huge pages: {self.huge_pages or 'unknown'}",
        ]

    def _machine(self):
        vendor = self.tree.read("sys/class/dmi/id/sys_vendor") or ""
        product = self.tree.read("sys/class/dmi/id/product_name") or ""
        return f"{vendor} {product}".strip() or self.tree.read("sys/hypervisor/type") or "yes"

    def findings(self):
        """All of them, in the order in which one would set them right."""
        return [
            self._virtual(), self._limit(), self._governor(), self._preference(), self._turbo(), self._smt(),
            self._isolated(), self._numa(), self._huge_pages(), self._load(), self._swap(), self._memory(),
            self._power(), self._throttled(), self._clock(), self._counters(),
        ]

    def report(self):
        """What was found, for people: faults and notes with their reasons; the rest in a line each."""
        order = ["fault", "note", "unknown", "fine"]
        found = sorted((finding for finding in self.findings() if finding), key=lambda one: order.index(one.kind))
        lines = [f"{self.cpus} CPUs: {self.model}"]
        for kind, what, why, fix in found:
            lines.append(f"{kind:8}{what}{': ' + why if why else ''}")
            if fix:
                lines.append(f"        set it: {fix}")
        faults = sum(finding.kind == "fault" for finding in found)
        bad = f"{faults} fault{'s' if faults > 1 else ''}: figures of this host are not to be trusted as they are"
        lines.append(bad if faults else "figures of this host can be trusted")
        return lines

    # ---- one question each ----------------------------------------------------------------------

    def _virtual(self):
        if not self.is_virtual:
            return Finding("fine", "bare metal")
        steal = [int(part) for part in (self.tree.read("proc/stat") or "").split("\n")[0].split()[1:9]]
        part = steal[7] / sum(steal) if len(steal) == 8 and sum(steal) else 0
        taken = f"; others took {part:.1%} of its time so far" if part > STEAL_PART_MAX else ""
        why = f"other guests take time that no counter here shows, and frequency is not its own{taken}"
        return Finding("fault", f"virtual machine ({self._machine()})", why, "measure on bare metal; else in turns only (scripts/compare --run)")

    def _limit(self):
        quota = (self.tree.read("sys/fs/cgroup/cpu.max") or "max").split()
        if quota[0] == "max":
            return None
        cores = int(quota[0]) / int(quota[1])
        if cores >= self.cpus:
            return None
        return Finding("fault", f"CPU limit of {cores:.1f} cores", "threads are stopped in mid-run when it is used up", "run outside the container, or with no cpu.max")

    def _governor(self):
        if self.governors is None:
            what = "no cpufreq: the frequency is set from outside" if self.is_virtual else "no cpufreq: see the firmware's settings"
            return Finding("unknown", what)
        if self.governors == "performance":
            return Finding("fine", "governor performance")
        return Finding("fault", f"governor {self.governors}", "frequency follows load, so short runs start slow", "cpupower frequency-set -g performance")

    def _preference(self):
        if self.preference in (None, "performance") or self.governors == "performance":
            return None
        fix = "echo performance | tee /sys/devices/system/cpu/cpu*/cpufreq/energy_performance_preference"
        return Finding("note", f"energy preference {self.preference}", "the processor itself holds frequency back", fix)

    def _turbo(self):
        if self.turbo == "unknown":
            return Finding("unknown", "turbo: this host does not say")
        if self.turbo == "off":
            return Finding("fine", "turbo off")
        intel = self.tree.read("sys/devices/system/cpu/intel_pstate/no_turbo") is not None
        fix = "echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo" if intel else "echo 0 > /sys/devices/system/cpu/cpufreq/boost"
        return Finding("fault", "turbo on", "frequency depends on heat and on how many cores are busy", fix)

    def _smt(self):
        if self.smt == "off":
            return Finding("fine", "SMT off")
        if self.smt == "unknown":
            return Finding("unknown", "SMT: this host does not say")
        pairs = " ".join(group for group in self.siblings if count(group) > 1)
        why = f"two threads share a core's units{'; siblings: ' + pairs if pairs else ''}"
        return Finding("fault", "SMT on", why, "echo off > /sys/devices/system/cpu/smt/control, or one thread a core by taskset")

    def _isolated(self):
        if self.isolated:
            tick = self.tree.read("sys/devices/system/cpu/nohz_full")
            has_ticks = tick in (None, "", "(null)")
            # The scheduler moves nothing between isolated CPUs: unpinned, all threads would stay on the first.
            how = f"run on them by taskset -c {self.isolated} and --pin"
            return Finding("fine", f"isolated CPUs {self.isolated}{'' if has_ticks else ', no ticks on ' + tick}: {how}")
        why = "the scheduler may put other work beside a run"
        fix = "boot with isolcpus=LIST nohz_full=LIST, and run by taskset -c LIST and --pin"
        return Finding("note", "no isolated CPUs", why, fix)

    def _numa(self):
        nodes = [cpus for cpus in self.nodes if cpus]
        if len(nodes) < 2:
            return Finding("fine", "one NUMA node") if nodes else Finding("unknown", "NUMA: this host does not say")
        lists = "; ".join(f"node {at}: {cpus}" for at, cpus in enumerate(nodes))
        why = f"where threads and pages come to lie changes from run to run ({lists})"
        if self.tree.read("proc/sys/kernel/numa_balancing") == "1":
            why += ", and balancing moves pages in mid-run (kernel.numa_balancing=1)"
        return Finding("fault", f"{len(nodes)} NUMA nodes", why, "numactl --cpunodebind=0 --membind=0 COMMAND; sysctl kernel.numa_balancing=0")

    def _huge_pages(self):
        if self.huge_pages is None:
            return Finding("unknown", "transparent huge pages: this host does not say")
        if self.huge_pages == "always":
            why = "whether a table lies in them depends on how broken up memory is"
            return Finding("note", "transparent huge pages always", why, "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled; never mix records of both")
        return Finding("fine", f"transparent huge pages {self.huge_pages}")

    def _load(self):
        load = self.tree.read("proc/loadavg")
        if load is None:
            return Finding("unknown", "load: this host does not say")
        load = float(load.split()[0])
        pressure = re.search(r"^some avg10=([\d.]+)", self.tree.read("proc/pressure/cpu") or "", re.M)
        waiting = f", tasks waited {pressure[1]} % of the last ten seconds" if pressure and float(pressure[1]) >= 1 else ""
        if load > LOAD_PART_MAX * self.cpus:
            return Finding("fault", f"load {load:.2f} on {self.cpus} CPUs{waiting}", "others run", "end them, and wait a minute (top)")
        return Finding("fine", f"load {load:.2f}")

    def _swap(self):
        swaps = (self.tree.read("proc/swaps") or "").split("\n")[1:]
        if not swaps:
            return Finding("fine", "no swap")
        return Finding("note", f"swap on {', '.join(line.split()[0] for line in swaps)}", "memory may go to it and come back in mid-run", "swapoff -a")

    def _memory(self):
        free = self._memory_gib("MemAvailable")
        if free is None or free >= FREE_GIB_LEAST:
            return None
        return Finding("fault", f"{free:.1f} GiB of memory free", f"the streams of scripts/bench are to stay in it; they need {FREE_GIB_LEAST}", "scripts/bench --only a workload with a small stream")

    def _power(self):
        for path in self.tree.find("sys/class/power_supply/*/type"):
            if self.tree.read(path) == "Mains" and self.tree.read(path.replace("/type", "/online")) == "0":
                return Finding("fault", "on battery", "power is limited, whatever the governor", "plug it in")
        return None

    def _throttled(self):
        counts = [int(text) for text in self.tree.all("sys/devices/system/cpu/cpu*/thermal_throttle/core_throttle_count")]
        if not any(counts):
            return None
        return Finding("note", f"throttled by heat {sum(counts)} times since the start", "look whether it grows while you measure", "better cooling, or a lower frequency: cpupower frequency-set -u")

    def _clock(self):
        source = self.tree.read("sys/devices/system/clocksource/clocksource0/current_clocksource")
        if source in (None, "tsc", "kvm-clock", "arch_sys_counter"):
            return None
        return Finding("note", f"clock source {source}", "reading the time is a slow call", "look in dmesg why tsc is not used")

    def _counters(self):
        paranoid = self.tree.read("proc/sys/kernel/perf_event_paranoid")
        if paranoid is None or int(paranoid) <= 1:
            return None
        return Finding("note", f"kernel.perf_event_paranoid={paranoid}", "perf works for root only", "sysctl kernel.perf_event_paranoid=1")
