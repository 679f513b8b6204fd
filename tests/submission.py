"""Mark submissions, running none of them: `python tests/submission.py PATH...`

A PATH is a notebook, a .zip, a folder of them, a pattern, or an archive that holds archives.
Nothing is unpacked to disk, and no file gets more than 10 seconds of the processor and 500 MB.
Exit status 0: every requirement holds for every submission.
"""

import argparse
import sys

from checker.accuracy import course_score
from checker.checks import REQUIREMENTS
from checker.find import files_left_out
from checker.finding import FAILS, HOLDS, LOOK, Finding, Report
from checker.report import examine, reports_on
from checker.show import as_json, as_text, summary, write_csv

NOTHING_FOUND = "没有找到笔记本或压缩包 · no notebook and no archive was found"
__all__ = ["FAILS", "HOLDS", "LOOK", "REQUIREMENTS", "Finding", "Report", "as_text", "check"]
__all__ += ["NOTHING_FOUND", "course_score", "examine", "reports_on", "summary", "write_csv"]


def check(path):
    """Return one Finding for each of REQUIREMENTS, in their order, on the submission in a file.

    If the file cannot be read the first requirement that fails says why, and the list ends with it.
    Of an archive that holds several, the first is checked; `reports_on` reports on all.
    """
    report = examine(path)
    while report.parts:
        report = examine(path, report.parts[0])
    return report.findings


def show_progress(done, total, name):
    """Tell on stderr how far the work is."""
    end = "\r" if sys.stderr.isatty() else "\n"
    print(f"{done}/{total} {name}"[:78].ljust(78), end=end, file=sys.stderr, flush=True)


def main(arguments=None):
    """Mark what the command line names; return the exit status."""
    form = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    add = parser.add_argument
    kinds = "笔记本、压缩包、文件夹 · notebook, archive, folder"
    add("paths", nargs="+", metavar="PATH", help=kinds)
    add("--csv", metavar="FILE", help="另存为表格 · write the table for a spreadsheet program")
    add("--json", action="store_true", help="输出 JSON · print JSON for programs")
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
    states = {finding.state for report in reports for finding in report.findings}
    return 0 if states == {HOLDS} else 1


if __name__ == "__main__":
    sys.exit(main())
