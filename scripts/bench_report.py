#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Makes of the numbers of scripts/bench.sh, lines of a name and a value, the tables, the charts and a
line per goal.

    bench_report.py RESULTS FOLDER [ABOUT]

writes table.md, goals.txt, comparison.svg and scaling.svg into the folder, and prints the tables and the
goals. ABOUT is a sentence above the tables: what was measured, and where.
"""
import math
import sys
from pathlib import Path
from xml.sax.saxutils import escape

SIDES = ["sipxfer", "pjsip", "sofia-sip"]
COLOURS = {"sipxfer": "#1b6ca8", "pjsip": "#d1662b", "sofia-sip": "#8a8f98"}
SIZES = [1_000, 100_000, 1_000_000]
NAMES = {1_000: "1 thousand", 10_000: "10 thousand", 100_000: "100 thousand", 1_000_000: "1 million"}
WORK = [
    ("hit", "INVITE with Replaces to the verdict"),
    ("response", "the same to a 481, text built"),
    ("parse", "parsing alone"),
    ("refer-to", "Refer-To with Replaces to its keys"),
    ("refer", "REFER"),
]

# Name, bound, whether the value is to be at most or at least that, and what it is.
GOALS = [
    ("hit-1000-ns", 150, "most", "INVITE to verdict, ns, 1 thousand dialogs"),
    ("hit-1000000-ns", 300, "most", "INVITE to verdict, ns, 1 million dialogs"),
    ("instructions-hit-sipxfer", 3000, "most", "INVITE to verdict, instructions"),
    ("hit-allocating", 0, "most", "INVITE to verdict, instructions in malloc and its like"),
    ("hit-times-pjsip-1000", 10, "least", "INVITE to verdict, times pjsip, 1 thousand dialogs"),
    ("hit-times-pjsip-100000", 10, "least", "INVITE to verdict, times pjsip, 100 thousand dialogs"),
    ("refer-times-pjsip-1000", 6, "least", "REFER to route, times pjsip's parsing, 1 thousand dialogs"),
    ("refer-times-pjsip-100000", 6, "least", "REFER to route, times pjsip's parsing, 100 thousand dialogs"),
    ("response-times-pjsip-1000", 6, "least", "481 built, times pjsip, 1 thousand dialogs"),
    ("response-times-pjsip-100000", 6, "least", "481 built, times pjsip, 100 thousand dialogs"),
    ("batch-1000000-ns", 160, "most", "batch, ns per message, 1 million dialogs"),
    ("hit-1000000-two-threads", 1.9, "least", "two threads, reads, by the clock"),
    ("hit-1000000-two-threads-cpu", 1.9, "least", "two threads, reads, by processor time"),
    ("mixed-1000000-two-threads", 1.9, "least", "two threads, one change in ten, by the clock"),
    ("mixed-1000000-two-threads-cpu", 1.9, "least", "two threads, one change in ten, by processor time"),
    ("bytes-1000000", 200, "most", "bytes per dialog, 1 million"),
    ("transfer-bytes", 600, "most", "bytes per transfer, 1 million, blind"),
    ("transfer-application-bytes", 600, "most", "bytes per transfer, 1 million, controlled by an application"),
    ("transfer-sent-bytes", 600, "most", "bytes per transfer, 1 million, begun by this side"),
    ("tick-growth", 2, "most", "tick with ten due, instructions among 1 million in those among 1 thousand"),
    ("headers-exponent", 1.05, "most", "growth with header lines, exponent"),
    ("folds-exponent", 1.05, "most", "growth with folded lines, exponent"),
    ("params-exponent", 1.05, "most", "growth with parameters, exponent"),
]


def read(path):
    values = {}
    for line in Path(path).read_text().splitlines():
        name, value = line.split()
        values[name] = float(value)
    for work, _ in WORK:
        for size in SIZES:
            ours, theirs = values.get(f"{work}-sipxfer-{size}"), values.get(f"{work}-pjsip-{size}")
            if ours and theirs:
                values[f"{work}-times-pjsip-{size}"] = theirs / ours
    return values


def number(value):
    return "" if value is None else f"{value:,.0f}"


def ratio(value, base):
    return f"{value / base:.1f}" if value and base else ""


def markdown(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)] + rows
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def tables(values):
    times = []
    for work, what in WORK:
        for size in SIZES if work in ("hit", "refer") else SIZES[:1]:
            ours, *theirs = [values.get(f"{work}-{side}-{size}") for side in SIDES]
            floor = values.get(f"floor-{size}-ns") if work == "hit" else None
            name = f"{what}, {NAMES[size]} dialogs" if work not in ("parse", "refer-to") else what
            times.append(
                [name, number(ours), *map(number, theirs), *(ratio(it, ours) for it in theirs), number(floor), ratio(ours, floor)]
            )
    head = ["nanoseconds", *SIDES, "times pjsip", "times sofia-sip", "floor", "times floor"]
    text = markdown(head, times)
    counted = []
    for work, what in WORK:
        counts = [values.get(f"instructions-{work}-{side}") for side in SIDES]
        counted.append([what, *map(number, counts), *(ratio(it, counts[0]) for it in counts[1:])])
    head = ["instructions, 1 thousand dialogs", *SIDES, "times pjsip", "times sofia-sip"]
    text += "\n" + markdown(head, counted)
    other = []
    for size in SIZES:
        for name, what, form in (
            ("two-threads", "throughput of two threads in that of one", "{:.2f}"),
            ("bytes", "bytes of the heap per dialog", "{:,.0f}"),
        ):
            cells = [values.get(f"{name}-{side}-{size}") for side in SIDES]
            cells = ["" if it is None else form.format(it) for it in cells]
            other.append([f"{what}, {NAMES[size]} dialogs", *cells])
    other.sort()
    text += "\n" + markdown(["besides", *SIDES], other)
    head = ["sipxfer, nanoseconds", *(NAMES[size] for size in NAMES)]
    rows = [
        ("verdicts, one thread", "hit-{}-ns"),
        ("verdicts, each of two threads", "hit-{}-each-of-two-ns"),
        ("one change in ten, one thread", "mixed-{}-ns"),
        ("one change in ten, each of two threads", "mixed-{}-each-of-two-ns"),
        ("481 built", "response-{}-ns"),
        ("REFER", "refer-{}-ns"),
        ("a batch, per message", "batch-{}-ns"),
        ("floor", "floor-{}-ns"),
        ("bytes per dialog", "bytes-{}"),
    ]
    rows = [[what, *(number(values.get(name.format(size))) for size in NAMES)] for what, name in rows]
    return text + "\n" + markdown(head, [row for row in rows if any(row[1:])])


def goals(values):
    lines = []
    for name, bound, sense, what in GOALS:
        value = values.get(name)
        if value is None:
            lines.append(f"goal {what}: not measured (goal at {sense} {bound}) missed")
            continue
        met = value <= bound if sense == "most" else value >= bound
        shown = f"{value:.2f}" if value < 20 and value % 1 else f"{value:.0f}"
        lines.append(f"goal {what}: {shown} (goal at {sense} {bound}) {'met' if met else 'missed'}")
    return lines


class Svg:
    def __init__(self, width, height, title):
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" font-family="sans-serif" font-size="13">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        ]
        self.text(20, 28, title, size=16, weight="bold")

    def text(self, x, y, text, anchor="start", size=13, fill="#24292f", weight="normal"):
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
            f'font-weight="{weight}" fill="{fill}">{escape(text)}</text>'
        )

    def bar(self, x, y, width, height, fill):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height}" fill="{fill}"/>')

    def line(self, points, stroke, width=1.0, dash=""):
        shape = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<polyline points="{shape}" fill="none" stroke="{stroke}" stroke-width="{width}"{dashes}/>')

    def dot(self, x, y, fill):
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{fill}"/>')

    def write(self, path):
        Path(path).write_text("\n".join([*self.parts, "</svg>", ""]))


def step(largest, ticks=5):
    """A round distance between lines of a grid."""
    size = 1.0
    while size * ticks > largest:
        size /= 10
    while size * ticks < largest:
        size *= 10
    return next(size * part for part in (0.1, 0.2, 0.5, 1) if size * part * ticks >= largest)


def comparison(values, path):
    groups = []
    for work, what in WORK:
        for size in SIZES[:2] if work == "hit" else SIZES[:1]:
            name = f"{what}, {NAMES[size]}" if work == "hit" else what
            groups.append((name, [(side, values.get(f"{work}-{side}-{size}")) for side in SIDES]))
    left, top, wide, thick = 360, 74, 470, 16
    largest = max(value for _, bars in groups for _, value in bars if value)
    svg = Svg(left + wide + 100, top + len(groups) * (3 * thick + 16) + 30, "Nanoseconds per message (less is better)")
    for place, side in enumerate(SIDES):
        svg.bar(20 + place * 110, 44, 12, 12, COLOURS[side])
        svg.text(38 + place * 110, 55, side)
    y = top
    for name, bars in groups:
        svg.text(left - 12, y + 1.5 * thick + 5, name, anchor="end")
        for side, value in bars:
            if value:
                svg.bar(left, y, max(1, value / largest * wide), thick - 2, COLOURS[side])
                svg.text(left + value / largest * wide + 6, y + thick - 4, number(value), size=12)
            y += thick
        y += 16
    svg.line([(left, top - 8), (left, y - 8)], "#57606a")
    svg.write(path)


def scaling(values, path):
    lines = [
        ("two threads, verdicts only", "hit-{}-each-of-two-ns", 2, "#1b6ca8", ""),
        ("two threads, one change in ten", "mixed-{}-each-of-two-ns", 2, "#d1662b", ""),
        ("one thread, verdicts only", "hit-{}-ns", 1, "#1b6ca8", "6 4"),
        ("one thread, one change in ten", "mixed-{}-ns", 1, "#d1662b", "6 4"),
    ]
    sizes = list(NAMES)
    drawn = [
        (name, [threads * 1e3 / values[form.format(size)] for size in sizes], colour, dash)
        for name, form, threads, colour, dash in lines
    ]
    left, top, wide, high = 70, 60, 520, 320
    largest = max(max(rates) for _, rates, _, _ in drawn)
    grid = step(largest)
    most = grid * math.ceil(largest / grid)
    svg = Svg(left + wide + 285, top + high + 60, "Verdicts on INVITEs with Replaces, million a second")
    xs = [left + wide * place / (len(sizes) - 1) for place in range(len(sizes))]
    height = lambda value: top + high * (1 - value / most)
    for tick in range(int(round(most / grid)) + 1):
        y = height(tick * grid)
        svg.line([(left, y), (left + wide, y)], "#d0d7de")
        svg.text(left - 10, y + 4, f"{tick * grid:g}", anchor="end")
    for x, size in zip(xs, sizes):
        svg.line([(x, top + high), (x, top + high + 5)], "#57606a")
        svg.text(x, top + high + 22, f"{size:,}", anchor="middle")
    svg.text(left + wide / 2, top + high + 46, "dialogs in the table", anchor="middle")
    for place, (name, rates, colour, dash) in enumerate(drawn):
        points = [(x, height(rate)) for x, rate in zip(xs, rates)]
        svg.line(points, colour, 2.2, dash)
        for point in points:
            svg.dot(*point, colour)
        y = top + 20 + place * 24
        svg.line([(left + wide + 24, y - 4), (left + wide + 54, y - 4)], colour, 2.2, dash)
        svg.text(left + wide + 62, y, name)
    svg.write(path)


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    values = read(sys.argv[1])
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    text, told = tables(values), goals(values)
    if len(sys.argv) == 4:
        text = f"{sys.argv[3]}\n\n{text}"
    (folder / "table.md").write_text(text)
    (folder / "goals.txt").write_text("\n".join(told) + "\n")
    comparison(values, folder / "comparison.svg")
    scaling(values, folder / "scaling.svg")
    print(text)
    print("\n".join(told))


if __name__ == "__main__":
    main()
