"""Shows the reports on a class: a summary on screen, a file for a spreadsheet program, JSON."""

import csv
import dataclasses
import io
import json

import rich.box
import rich.cells
import rich.console
import rich.table
import rich.text

from checker.checks import TITLES
from checker.finding import FAILS, HOLDS, LOOK

SIGNS = {HOLDS: "✓", FAILS: "×", LOOK: "?"}
HEADINGS = "文件 File,学号 No.,姓名 Name,班级 Class,准确率 Acc.,得分 Mark,不符合 Fails,请看 Look"
WIDEST = 32  # columns of an entry on screen, the lists of requirements aside
LONGEST_NUMBER = 11  # digits that a spreadsheet program shows as they are, without a 0 in front


def row_of(report):
    """Return the entries of a report's row."""
    accuracy = "" if report.accuracy is None else f"{report.accuracy:.2%}"
    mark = "" if report.mark is None else str(report.mark)
    lists = [", ".join(report.requirements(state)) for state in (FAILS, LOOK)]
    return [report.file, *report.student, accuracy, mark, *lists]


def shortened(text):
    """Return a text that fits into a column; of a path, the end is the part that tells."""
    while rich.cells.cell_len(text) > WIDEST:
        text = "…" + text[2:]
    return text


def table(reports):
    """Return the table of a class for the screen."""
    style = {"box": rich.box.SIMPLE_HEAD, "show_edge": False, "padding": (0, 1, 0, 0)}
    shown = rich.table.Table(*HEADINGS.split(","), **style)
    for report in reports:
        *entries, fails, look = row_of(report)
        shown.add_row(*map(rich.text.Text, [*map(shortened, entries), fails, look]))
    console = rich.console.Console(file=io.StringIO(), width=1_000)
    console.print(shown)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


def as_text(finding):
    """Return a finding as a student reads it, under the requirement's name."""
    title = " · ".join([finding.requirement, *TITLES[finding.requirement]])
    texts = filter(None, (*finding.reason, *finding.hint))
    return "\n    ".join([f"{SIGNS[finding.state]} {title}", *texts])


def listed(words, names):
    """Return a line that lists some names under these words, as a list; no line without names."""
    more = " …" if len(names) > 10 else ""
    return [f"{words}: {', '.join(names[:10])}{more}"] if names else []


def summary(reports, left_out=()):
    """Return what a teacher reads: table, details, signs; left_out: files that were not read."""
    marked = sum(report.mark is not None for report in reports)
    blank = [report.file for report in reports if report.was_read and not all(report.student)]
    lines = [table(reports), ""]
    for report in reports:
        texts = [as_text(finding) for finding in report.findings if finding.state != HOLDS]
        lines += [report.file, *texts, ""] if texts else []
    lines += listed("学号、姓名、班级没有填全 number, name or class is blank", blank)
    lines += listed("不是笔记本或压缩包，没有读取 neither notebook nor archive, not read", left_out)
    signs = "× 不符合 fails, ? 请人看 look"
    counts = f"{len(reports)} submissions, {marked} with a mark"
    lines += [f"{signs}; {len(reports)} 份作业，{marked} 份有得分 {counts}"]
    return "\n".join(lines)


def for_spreadsheet(entry):
    """Return an entry that a spreadsheet program takes for text: no formula, no number to round."""
    if entry.isdigit() and (len(entry) > LONGEST_NUMBER or entry[:1] == "0" != entry):
        return "\t" + entry
    return "'" + entry if entry.startswith(("=", "+", "-", "@", "\t", "\r")) else entry


def write_csv(reports, path):
    """Write the table and all reasons to a file that spreadsheet programs read as UTF-8."""
    with open(path, "w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow([*HEADINGS.split(","), "说明 Reasons"])
        for report in reports:
            findings = [finding for finding in report.findings if finding.state != HOLDS]
            reasons = [f"{finding.requirement}: {' '.join(finding.reason)}" for finding in findings]
            writer.writerow(map(for_spreadsheet, [*row_of(report), " ".join(reasons)]))


def as_json(reports):
    """Return all reports for programs."""
    contents = []
    for report in reports:
        student = dict(zip(("number", "name", "class"), report.student))
        findings = {f.requirement: dataclasses.asdict(f) for f in report.findings}
        marks = {"accuracy": report.accuracy, "mark": report.mark, "findings": findings}
        contents.append({"file": report.file} | student | marks)
    return json.dumps(contents, ensure_ascii=False, indent=1)
