"""What a profiler or callgrind wrote, made into stacks and costs by stage.

A stack is a tuple of functions, outermost first; `Counter[stack]` is a profile. The stage stands in front, so that a
flamegraph shows stages first, and how a thread came there is cut off.
"""

import re
import struct
from collections import Counter, defaultdict

from . import symbols


def folded(samples, program, inlined=symbols.inlined):
    """A profile of samples: each a list of (dso, address, name), innermost first, `program` the only dso whose
    addresses are looked up."""
    program = str(program)
    known = inlined(program, {at for frames in samples for at in _looked_up(frames, program)})
    profile = Counter()
    for frames in samples:
        stack = []
        for depth, (dso, address, name) in enumerate(frames):
            functions = known.get(_called(address, depth)) if dso == program else None
            stack[:0] = functions or [symbols.clean(name)]
        profile[staged(stack)] += 1
    return profile


def _called(address, depth):
    """A caller's address is where it goes on, which can be another line: the call is before it."""
    return address - 1 if depth else address


def _looked_up(frames, program):
    return [_called(address, depth) for depth, (dso, address, _) in enumerate(frames) if dso == program]


def staged(stack):
    """A stack with its stage in front, and without what lies outside its first function of any stage, which is
    how threads start; else of headcount at all."""
    of_a_stage = (at for at, function in enumerate(stack) if symbols.stage_of(function))
    ours = (at for at, function in enumerate(stack) if re.match(r"[<&(]*headcount::", function))
    first = next(of_a_stage, next(ours, 0))
    return (symbols.stage(stack), *stack[first:])


def perf_samples(text, program, segments):
    """Samples of `perf script -F comm,tid,ip,sym,dso`, of headcount's threads alone."""
    for part in text.split("\n\n"):
        lines = part.strip("\n").split("\n")
        if len(lines) < 2 or lines[0].split()[0] in ("sh", "perf"):
            continue
        frames = []
        for line in lines[1:]:
            if found := re.match(r"\s*([0-9a-f]+) (.*) \((.*)\)$", line):
                name = found[2] if found[2] != "[unknown]" else found[3].rsplit("/", 1)[-1]
                address = int(found[1], 16)
                if found[3] == str(program):
                    address = symbols.address_of(address, segments)
                frames.append((found[3], address, name))
        # librdkafka's threads say nothing of it in their stacks' outer frames where those are cut off.
        if lines[0].startswith("rdk:"):
            frames.append(("", 0, "rd_kafka thread"))
        yield frames


def timer_samples(data):
    """Samples of a file of gperftools' libprofiler: words of 8 bytes (header; then count, depth, addresses; a
    trailer), then the text of /proc/self/maps."""
    words = struct.iter_unpack("<Q", data[: len(data) // 8 * 8])
    words = [word for (word,) in words]
    at = 2 + words[1]
    raw = []
    while (words[at], words[at + 1], words[at + 2]) != (0, 1, 0):
        count, depth = words[at], words[at + 1]
        raw.append((count, words[at + 2 : at + 2 + depth]))
        at += 2 + depth
    places = _maps(data[(at + 3) * 8 :].decode(errors="replace"))
    for count, addresses in raw:
        frames = [_place(places, address) for address in addresses]
        yield from [frames] * count


def _maps(text):
    """(begin, end, dso, the dso's address of `begin` less `begin`) of each mapping of a file."""
    bases, places = {}, []
    for line in text.splitlines():
        if found := re.match(r"([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+) \S+ \d+\s+(/.*)", line):
            begin, end, offset, dso = int(found[1], 16), int(found[2], 16), int(found[3], 16), found[4]
            if offset == 0:
                bases.setdefault(dso, begin)
            places.append((begin, end, dso, bases.get(dso, begin)))
    return places


def _place(places, address):
    for begin, end, dso, base in places:
        if begin <= address < end:
            return dso, address - base, dso.rsplit("/", 1)[-1]
    return "", address, "unknown"


def callgrind_costs(text, program, inlined=symbols.inlined):
    """A profile of instructions from a file of callgrind (--dump-instr=yes, nothing compressed). Callgrind has no
    stacks; what a function outside all stages costs (memcpy, memchr) goes to the stages that call it, as much as
    each of them spent on its calls."""
    program = str(program)
    own_cost, calls = Counter(), defaultdict(Counter)
    function = callee = dso = callee_dso = None
    is_call = False
    for line in text.splitlines():
        if line.startswith("ob="):
            dso = line[3:]
        elif line.startswith("fn="):
            function, callee_dso = (dso, line[3:]), dso
        elif line.startswith("cob="):
            callee_dso = line[4:]
        elif line.startswith("cfn="):
            callee, callee_dso = (callee_dso or dso, line[4:]), dso
        elif line.startswith("calls="):
            is_call = True
        elif line.startswith("0x"):
            address, _, cost = line.split()[:3]
            place = (*function, int(address, 16))
            if is_call:
                calls[callee][place] += int(cost)
            else:
                own_cost[place] += int(cost)
            is_call = False
    places = set(own_cost) | {place for callers in calls.values() for place in callers}
    known = inlined(program, {address for dso, _, address in places if dso == program})

    def stack(place):
        dso, name, address = place
        return (known.get(address) if dso == program else None) or [symbols.clean(name)]

    shares = {}

    def stages_of_callers(function):
        """stage -> its part of a function's calls; what leads back to itself is left out."""
        if function not in shares:
            shares[function] = {}
            found = Counter()
            for place, cost in calls[function].items():
                stage = symbols.stage(stack(place))
                parts = {stage: 1.0} if stage != symbols.OTHER else stages_of_callers(place[:2])
                for stage, part in parts.items():
                    found[stage] += cost * part
            whole = sum(found.values())
            shares[function] = {stage: cost / whole for stage, cost in found.items()} if whole else {symbols.OTHER: 1.0}
        return shares[function]

    profile = Counter()
    for place, cost in own_cost.items():
        functions = stack(place)
        stage = symbols.stage(functions)
        parts = {stage: 1.0} if stage != symbols.OTHER else stages_of_callers(place[:2]) or {symbols.OTHER: 1.0}
        for stage, part in parts.items():
            profile[(stage, *functions)] += cost * part
    return profile


def by_stage(profile):
    """stage -> cost, the most first."""
    found = Counter()
    for stack, cost in profile.items():
        found[stack[0]] += cost
    return dict(found.most_common())


def hottest(profile, count=10):
    """stage -> [(function, cost)] of the functions that cost the most by themselves."""
    found = defaultdict(Counter)
    for stack, cost in profile.items():
        found[stack[0]][symbols.own(stack[1:] or stack)] += cost
    return {stage: found[stage].most_common(count) for stage in by_stage(profile)}


def report(profile, unit):
    """Both, as text. `unit`: what the costs are, with a place for the number."""
    whole = sum(profile.values())
    lines = []
    for stage, cost in by_stage(profile).items():
        lines.append(f"{stage}: {cost / whole:.1%}, {unit.format(cost)}")
        lines += [f"  {part / whole:6.1%}  {function}" for function, part in hottest(profile)[stage] if part / whole >= 0.0005]
    return "\n".join(lines)


def counters(text):
    """event -> count of `perf stat -x,`; None where the host does not have it."""
    found = {}
    for line in text.splitlines():
        cells = line.split(",")
        if len(cells) > 2 and not line.startswith("#"):
            found[cells[2]] = float(cells[0]) if re.fullmatch(r"[\d.]+", cells[0]) else None
    return found
