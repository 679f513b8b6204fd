"""Mark submissions against the assignment without running any of them: `python tests/submission.py PATH...`

A PATH is a notebook, a .zip, a folder of them, a pattern, or an archive that holds archives. Nothing is unpacked to
disk, and no file gets more than 10 seconds and 500 MB. Exit status 0: every requirement holds for every submission.
"""

import argparse
import sys

from checker.checks import REQUIREMENTS
from checker.find import files_left_out
from checker.finding import FAILS, HOLDS, LOOK, Finding, Report
from checker.report import examine, reports_on
from checker.show import as_json, as_text, details, table, write_csv
from checker.accuracy import course_score

NOTHING_FOUND = "没有找到笔记本或压缩包 · no notebook and no archive was found"
__all__ = [
    "FAILS",
    "HOLDS",
    "LOOK",
    "REQUIREMENTS",
    "Finding",
    "Report",
    "as_text",
    "check",
    "course_score",
    "examine",
    "main",
    "reports_on",
    "summary",
    "write_csv",
]


def check(path):
    """Return one Finding for each of REQUIREMENTS, in their order, on the submission in the file `path`.

    If the file cannot be read the first requirement that fails says why, and the list ends with it. Of an archive
    that holds several, the first is checked; `reports_on` reports on all.
    """
    report = examine(path)
    while report.parts:
        report = examine(path, report.parts[0])
    return report.findings


def listed(words, names):
    """Return a line that lists some names under these words; "" if there are none."""
    return f"{words}: {', '.join(names[:10])}{' …' * (len(names) > 10)}" * bool(names)


def summary(reports, left_out=()):
    """Return what a teacher reads: the table, the details, and the signs explained; left_out: files not read."""
    explained = details(reports)
    marked = sum(report.mark is not None for report in reports)
    blank = [report.file for report in reports if report.was_read and not all(report.student)]
    remarks = [
        listed("学号、姓名、班级没有填全 number, name or class is blank", blank),
        listed("不是笔记本或压缩包，没有读取 neither notebook nor archive, not read", left_out),
    ]
    return "\n".join(
        [
            table(reports),
            "",
            *([explained, ""] if explained else []),
            *filter(None, remarks),
            f"× 不符合 fails, ? 请人看 look; {len(reports)} 份作业，{marked} 份有得分 "
            f"{len(reports)} submissions, {marked} with a mark",
        ]
    )


def show_progress(done, total, name):
    """Tell on stderr how far the work is."""
    end = "\r" if sys.stderr.isatty() else "\n"
    print(f"{done}/{total} {name}"[:78].ljust(78), end=end, file=sys.stderr, flush=True)


def main(arguments=None):
    """Mark what the command line names; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="笔记本、压缩包、文件夹 · notebook, archive, folder, pattern",
    )
    parser.add_argument(
        "--csv", metavar="FILE", help="另存为表格 · write the table for a spreadsheet program"
    )
    parser.add_argument("--json", action="store_true", help="输出 JSON · print JSON for programs")
    options = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # A console may not have every character.
    reports = reports_on(options.paths, show_progress)
    if not reports:
        parser.error(NOTHING_FOUND)
    print(as_json(reports) if options.json else summary(reports, files_left_out(options.paths)))
    try:
        if options.csv:
            write_csv(reports, options.csv)
    except OSError as error:  # Excel, for one, locks the files that it shows.
        parser.error(f"写不了 cannot write {options.csv}: {error.strerror}")
    return (
        0 if all(finding.state == HOLDS for report in reports for finding in report.findings) else 1
    )


if __name__ == "__main__":
    sys.exit(main())
