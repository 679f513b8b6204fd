"""Makes the report on one submission, and those on a class."""

import collections
import json
import os
import pathlib

from checker.checks import CHECKS
from checker.copies import add_copies, code_fingerprint, run_fingerprints
from checker.find import read_submission, shown_place, submission_paths
from checker.finding import FAILS, HOLDS, RUN_ALL, Finding, Refused, Report
from checker.read import Notebook
from checker.run import NO_TIME, TOO_LARGE, TOO_LONG, answers

RELEASED = pathlib.Path(__file__).resolve().with_name("released.json")
MOST_SUBMISSIONS = 1_000
LIMITS = {
    TOO_LONG: ("检查超过 10 秒，已停止。", "Checking took more than 10 seconds and was stopped."),
    TOO_LARGE: ("检查需要的内存太多，已停止。", "Checking needed too much memory and was stopped."),
    NO_TIME: ("总的时间用完了，没有读取。", "The time for all of them was over; it was not read."),
}


def examine(path, steps=()):
    """Return the Report on the submission at a place, or one with no more than its parts."""
    report = Report(shown_place(path, steps))
    try:
        contents = read_submission(path, steps)
        report.parts = contents.parts
        if not contents.parts:
            report.findings.append(Finding("archive", HOLDS, contents.remark))
            notebook = Notebook(contents.notebook)
            report.findings += [check(notebook) for check in CHECKS.values()]
            found, report.mark = notebook.test_accuracy.found, notebook.test_accuracy.mark
            report.accuracy = found.accuracy if found else None
            report.student = notebook.student
            report.code_fingerprint = code_fingerprint(notebook)
            report.run_fingerprints = run_fingerprints(notebook)
            report.was_read = True
    except Refused as refused:
        report.findings.append(refused.finding)
    except RecursionError:
        report.findings.append(stopped(TOO_LARGE))
    return report


def stopped(limit):
    """Return the finding on a file whose checking was stopped at a limit."""
    return Finding("archive" if limit == NO_TIME else "format", FAILS, LIMITS[limit], RUN_ALL)


def reports_on(paths, progress=lambda done, total, name: None):
    """Return the Reports on all submissions that the paths stand for, in order, each read once."""
    places = [str(path) for path in submission_paths(paths)]
    jobs = collections.deque((path, ()) for path in places[:MOST_SUBMISSIONS])
    found, total, left = {}, len(jobs), len(places) - len(jobs)
    for (path, steps), report in answers(examine, jobs):
        if isinstance(report, str):
            report = Report(shown_place(path, steps), [stopped(report)])
        if report.parts:
            taken = report.parts[: MOST_SUBMISSIONS - total + 1]
            jobs.extend((path, further) for further in taken)
            total, left = total + len(taken) - 1, left + len(report.parts) - len(taken)
        else:
            found[path, steps] = report
            progress(len(found), total, report.file)
    order = {path: position for position, path in enumerate(places)}
    keys = sorted(found, key=lambda key: (order[key[0]], [number for number, _ in key[1]]))
    reports = [found[key] for key in keys]
    shorten_names(reports)
    name, known = "发布的笔记本 the released notebook", json.loads(RELEASED.read_text())
    runs = frozenset(known["runs"])
    add_copies(reports, Report(name, code_fingerprint=known["code"], run_fingerprints=runs))
    if left:
        chinese = f"还有 {left} 份没有读取：一次最多 {MOST_SUBMISSIONS} 份。"
        english = f"{left} more were not read: at most {MOST_SUBMISSIONS} at a time."
        hint = "请分几次检查。", "Check them in several parts."
        reports.append(Report("…", [Finding("archive", FAILS, (chinese, english), hint)]))
    return reports


def shorten_names(reports):
    """Leave out the folder that all submissions have in common."""
    try:
        common = os.path.commonpath([os.path.dirname(report.file) for report in reports])
    except ValueError:  # There are none, or they are on several drives of Windows.
        return
    for report in reports:
        report.file = os.path.relpath(report.file, common) if common else report.file
