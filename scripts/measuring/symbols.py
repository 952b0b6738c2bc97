"""From addresses in a program to functions, those inlined there included, and from functions to stages.

Release builds are one piece: most functions are inlined into a few. Line tables still say for each address
which function it came from and into which others that was inlined; addr2line reads them, all at once. It is
gimli's, built once: that of binutils 2.40 calls the innermost function by the name of the outermost.

A stage is the folder of src/ that a function stands in: `headcount::scan::…` is scan, and so is what it calls
elsewhere (memchr, the kernel's copy). So the innermost function of a stage decides. `batch`, `stage` and the
like serve all stages and decide nothing. librdkafka's own threads are kafka.
"""

import re
import subprocess
import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent.parent / "target/tools"

STAGES = ["input", "scan", "clock", "count", "output", "kafka", "checkpoint", "recovery", "ring", "watch"]
OTHER = "other"
# `headcount::scan::…`, also within <headcount::scan::stage::ScanStage as …>::step; not an argument's type further on.
_STAGE = re.compile(r"^[<&( ]*(?:mut )?headcount::(\w+)")
_KAFKA = re.compile(r"^(rd_kafka|rdkafka|<?rdkafka::|rd_buf|rd_slice|rd_list)")
_STANDARD = re.compile(r"^[<&(\[ ]*(?:mut |const |dyn |\*)*(?:core|core_arch|alloc|std|T|u8|F|I)\b")
_HASH = re.compile(r"::h[0-9a-f]{16}$")


def stage_of(function):
    """The stage a function stands in, or None."""
    if found := _STAGE.match(function):
        return found[1] if found[1] in STAGES else None
    return "kafka" if _KAFKA.match(function) else None


def stage(stack):
    """The stage of a stack (outermost first): that of its innermost function that stands in one."""
    return next((found for function in reversed(stack) if (found := stage_of(function))), OTHER)


def own(stack):
    """Whose time it is: the innermost function that is more than a step of the standard library."""
    return next((function for function in reversed(stack) if not _STANDARD.match(function)), stack[-1])


def clean(function):
    """A function's name without its hash, and without what would end a field of a folded stack."""
    return _HASH.sub("", function.strip()).replace(";", ":")


def tool(name, version, *flags):
    """A program of crates.io, installed into target/ if need be."""
    program = TOOLS / "bin" / name
    if not program.exists():
        crate = "inferno" if name.startswith("inferno") else name
        print(f"building {crate} {version}, once", file=sys.stderr)
        command = ["cargo", "install", "--quiet", crate, "--locked", "--version", version, "--root", TOOLS, *flags]
        subprocess.run(command, check=True)
    return program


def segments(program):
    """(offset in the file, address, size) of each loaded part of a program."""
    said = subprocess.run(["readelf", "-lW", str(program)], check=True, text=True, capture_output=True).stdout
    parts = [line.split() for line in said.splitlines() if line.strip().startswith("LOAD")]
    return [(int(part[1], 16), int(part[2], 16), int(part[4], 16)) for part in parts]


def address_of(offset, parts):
    """The address of what stands at an offset in a program's file: perf says where in the file, not where in
    the program, and linkers shift one against the other."""
    return next((offset - at + address for at, address, size in parts if at <= offset < at + size), offset)


_known = {}


def inlined(program, addresses):
    """address -> functions there, outermost first; empty where nothing is known. Addresses are the file's. What
    was asked once is not asked again: rounds of one program ask for the same ones."""
    known = _known.setdefault(str(program), {})
    if new := sorted(set(addresses) - known.keys()):
        command = [tool("addr2line", "0.27.1", "--features", "bin"), "-e", str(program), "-a", "-f", "-i", "-C"]
        asked = "\n".join(f"{address:#x}" for address in new)
        said = subprocess.run(command, input=asked, check=True, text=True, capture_output=True).stdout
        known.update(read_addr2line(said.splitlines()))
    return known


def read_addr2line(lines):
    """Each address with its functions, from what addr2line -a -f -i says: the address, then function and place
    in turns, innermost first."""
    address, functions, name = None, [], None
    for line in lines:
        if name is None and re.fullmatch(r"0x[0-9a-f]+", line):
            if address is not None:
                yield address, functions[::-1]
            address, functions = int(line, 16), []
        elif name is None:
            name = line
        else:
            if name != "??":
                functions.append(qualified(clean(name), line))
            name = None
    if address is not None:
        yield address, functions[::-1]


def qualified(function, place):
    """A function with the module that it stands in. Line tables name an inlined one by its last name alone, but
    say in which file it stands: src/scan/generic.rs is headcount::scan::generic."""
    if re.match(r"^[<&(]|^\w+(<.*>)?::", function):
        return function
    if not (found := re.search(r"(?:^|/)(?:([\w.-]+)/)?src/((?:[\w-]+/)*)([\w-]+)\.rs:", place)):
        return function
    folder = found[1] or ""
    is_library = "/registry/" in place or "/library/" in place
    crate = re.sub(r"-\d+\..*$", "", folder).replace("-", "_") if is_library else "headcount"
    modules = [part for part in found[2].split("/") if part] + [found[3]]
    return "::".join([crate, *(part for part in modules if part not in ("mod", "lib", "main")), function])
