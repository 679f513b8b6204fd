"""Shows the reports on a class: a table on screen, details, a file for a spreadsheet program, JSON."""

import csv
import json
import unicodedata

from checker.checks import TITLES
from checker.finding import FAILS, HOLDS, LOOK

SIGNS = {HOLDS: "✓", FAILS: "×", LOOK: "?"}
HEADINGS = (
    "文件 File",
    "学号 No.",
    "姓名 Name",
    "班级 Class",
    "准确率 Acc.",
    "得分 Mark",
    "不符合 Fails",
    "请看 Look",
)
WIDEST = 32  # columns of a cell on screen
LONGEST_NUMBER = 11  # digits that a spreadsheet program shows as they are


def row_of(report):
    """Return the entries of a report's row."""
    accuracy = "" if report.accuracy is None else f"{report.accuracy:.2%}"
    mark = "" if report.mark is None else str(report.mark)
    return [
        report.file,
        *report.student,
        accuracy,
        mark,
        ", ".join(report.requirements(FAILS)),
        ", ".join(report.requirements(LOOK)),
    ]


def width(text):
    """Return how many columns a text takes on screen; Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def shortened(text, most=WIDEST):
    """Return a text that fits into so many columns; of a path, the end is the part that tells."""
    while width(text) > most:
        text = "…" + text[2:]
    return text


def table(reports):
    """Return the table of a class for the screen."""
    rows = [HEADINGS, *map(row_of, reports)]
    rows = [
        [shortened(row[0]), *(shortened(entry) for entry in row[1:6]), *row[6:]] for row in rows
    ]
    widths = [max(width(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [
        "  ".join(entry + " " * (most - width(entry)) for entry, most in zip(row, widths)).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * (sum(widths) + 2 * len(widths) - 2), *lines[1:]])


def as_text(finding):
    """Return a finding as a student reads it, with the name of the requirement."""
    hint = () if finding.state == HOLDS else finding.hint
    heading = (
        f"{SIGNS[finding.state]} {finding.requirement} · {' · '.join(TITLES[finding.requirement])}"
    )
    return "\n".join([heading, *(f"    {text}" for text in (*finding.reason, *hint) if text)])


def details(reports):
    """Return what fails or needs a look, submission by submission."""
    parts = []
    for report in reports:
        texts = [as_text(finding) for finding in report.findings if finding.state != HOLDS]
        if texts:
            parts.append("\n".join([report.file, *texts]))
    return "\n\n".join(parts)


def for_spreadsheet(entry):
    """Return an entry that a spreadsheet program takes for text: no formula, no long number in scientific notation."""
    if entry.isdigit() and len(entry) > LONGEST_NUMBER:
        return "\t" + entry
    return "'" + entry if entry.startswith(("=", "+", "-", "@", "\t", "\r")) else entry


def write_csv(reports, path):
    """Write the table and all reasons to a file that spreadsheet programs open with its Chinese right."""
    with open(path, "w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow([*HEADINGS, "说明 Reasons"])
        for report in reports:
            reasons = " ".join(
                f"{finding.requirement}: {' '.join(finding.reason)}"
                for finding in report.findings
                if finding.state != HOLDS
            )
            writer.writerow([for_spreadsheet(entry) for entry in (*row_of(report), reasons)])


def as_json(reports):
    """Return all reports for programs."""
    return json.dumps(
        [
            {
                "file": report.file,
                "number": report.student[0],
                "name": report.student[1],
                "class": report.student[2],
                "accuracy": report.accuracy,
                "mark": report.mark,
                "findings": {
                    finding.requirement: {
                        "state": finding.state,
                        "reason": finding.reason,
                        "hint": finding.hint,
                    }
                    for finding in report.findings
                },
            }
            for report in reports
        ],
        ensure_ascii=False,
        indent=1,
    )
