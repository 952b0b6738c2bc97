"""Borders of calendar windows by Python's zoneinfo, in the form tests/calendar.rs reads.

    calendar.py RELEASE [FOLDER]

Prints for each zone and length how many borders there are, the first, the last, and a digest of all
(FNV-1a, 64 bits, over each as eight bytes, little-endian). With FOLDER the lists themselves go there, one
file for each zone and length. RELEASE is the release of the data it must have.

A border is where a window begins: of a day, week, month or year the first instant whose local date is of
that period or later; of an hour, within two days of each change of offset, a full local hour or the change.
Nothing here knows of transitions: changes of offset are looked for by asking for the offset every hour.
"""

import bisect
import datetime
import os
import sys
import zoneinfo

import tzdata

ZONES = """Australia/Lord_Howe Asia/Kathmandu Pacific/Apia Africa/Monrovia Europe/Zurich Europe/Dublin
America/New_York America/St_Johns America/Sao_Paulo Africa/Casablanca Asia/Beirut Pacific/Kwajalein
America/Havana Antarctica/Troll Asia/Gaza UTC""".split()

FROM_S = 0
TO_S = 4_133_980_800  # 2101-01-01
MARGIN_S = 4 * 86_400
EPOCH = datetime.date(1970, 1, 1)


def offset(zone, ts):
    at = datetime.datetime.fromtimestamp(ts, zone)
    return int(at.utcoffset().total_seconds())


def stretches(zone):
    """(from, offset) for each stretch of time with one offset, beginning a little early."""
    begin = FROM_S - MARGIN_S
    found = [(begin, offset(zone, begin))]
    for ts in range(begin, TO_S + MARGIN_S, 3600):
        now = offset(zone, ts + 3600)
        if now != found[-1][1]:
            seconds = range(ts + 1, ts + 3601)
            before = found[-1][1]
            first = bisect.bisect_left(seconds, True, key=lambda s: offset(zone, s) != before)
            found.append((seconds[first], now))
    return found


def periods(length):
    """The first local date of each period, as days since 1970, from a little early on."""
    day = EPOCH - datetime.timedelta(days=400)
    while day.year < 2103:
        first = {
            "day": True,
            "week": day.weekday() == 0,
            "month": day.day == 1,
            "year": day.day == 1 and day.month == 1,
        }[length]
        if first:
            yield (day - EPOCH).days
        day += datetime.timedelta(days=1)


def reached(found, local):
    """The first instant whose local time is this or later."""
    ends = [at for at, _ in found[1:]] + [float("inf")]
    # Two stretches before the one that is meant at least, as no offset is larger than a day and a bit.
    at = max(0, bisect.bisect_right(found, (local - 2 * 86_400, 0)) - 2)
    for (start, off), end in zip(found[at:], ends[at:]):
        instant = max(start, local - off)
        if instant < end:
            return instant
    raise AssertionError("time goes on")


def borders(zone, found, length):
    last = None
    for day in periods(length):
        instant = reached(found, day * 86_400)
        # zoneinfo has its own way from local midnight to an instant: where there is one, it must agree.
        midnight = datetime.datetime.combine(EPOCH + datetime.timedelta(days=day), datetime.time(), zone)
        own = midnight.timestamp()
        if FROM_S < instant < TO_S and offset(zone, own) == midnight.utcoffset().total_seconds():
            assert own == instant, (zone, midnight, own, instant)
        # A period all of whose dates were skipped has no window.
        if instant != last and last is not None and FROM_S <= last < TO_S:
            yield last
        last = instant


def hours(found):
    ends = [at for at, _ in found[1:]] + [float("inf")]
    for change, _ in found[1:]:
        if not FROM_S <= change < TO_S:
            continue
        for (start, off), end in zip(found, ends):
            first, last = max(start, change - 2 * 86_400), min(end, change + 2 * 86_400)
            if first >= last:
                continue
            if first == start:
                yield first
            full = first + -(first + off) % 3600
            yield from range(full + 3600 if full == start else full, last, 3600)


def digest(numbers):
    h = 0xCBF29CE484222325
    for number in numbers:
        for byte in number.to_bytes(8, "little", signed=True):
            h = (h ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{h:016x}"


def main():
    release, folder = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    zoneinfo.reset_tzpath(to=[])
    assert tzdata.IANA_VERSION == release, f"tzdata is {tzdata.IANA_VERSION}, not {release}"
    print(f"release {release}")
    for name in ZONES:
        zone = zoneinfo.ZoneInfo(name)
        found = stretches(zone)
        for length in ["hour", "day", "week", "month", "year"]:
            all_of_it = list(hours(found) if length == "hour" else borders(zone, found, length))
            ends = f"{all_of_it[0]} {all_of_it[-1]}" if all_of_it else "- -"
            print(f"{name} {length} {len(all_of_it)} {ends} {digest(all_of_it)}", flush=True)
            if folder:
                path = os.path.join(folder, f"{name.replace('/', '.')}.{length}")
                with open(path, "w", encoding="ascii") as file:
                    file.writelines(f"{number}\n" for number in all_of_it)


main()
