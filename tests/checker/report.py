"""Makes the report on one submission, and those on a class."""

import collections
import json
import os
import pathlib

from checker.checks.assignment import check_assignment
from checker.checks.run_checks import (
    check_accuracy, check_errors, check_order, check_outputs, check_packages, check_privacy, find_accuracy)
from checker.copies import add_copies, code_print, run_prints
from checker.checks.curves import check_curves
from checker.find import read_submission, shown_place, submission_paths
from checker.finding import FAILS, HOLDS, LOOK, RUN_ALL, Finding, Refused, Report, printable
from checker.flow import Flow
from checker.read import Notebook
from checker.run import NO_TIME, TOO_LARGE, TOO_LONG, answers

RELEASED = pathlib.Path(__file__).resolve().with_name("released.json")
MOST_SUBMISSIONS = 1_000
LIMITS = {
    TOO_LONG: ("检查超过 10 秒，已停止。", "Checking took more than 10 seconds and was stopped."),
    TOO_LARGE: ("检查需要的内存太多，已停止。", "Checking needed too much memory and was stopped."),
    NO_TIME: ("全部检查的时间用完了，没有读取。", "The time for all of them was over; it was not read."),
}


def check_format(notebook):
    """Find whether all code can be read, and mention a blank heading."""
    blank = not all(notebook.student()) and any("学号" in text for text in notebook.markdown[:3])
    remark = ("学号、姓名、班级没有填全。", " Number, name or class is still blank.") if blank else ("", "")
    if not notebook.unreadable:
        return Finding("format", HOLDS, (
            f"{len(notebook.cells)} 个代码单元格。{remark[0]}", f"{len(notebook.cells)} code cells.{remark[1]}"))
    places = [(cell.number, cell.unreadable_line, unreadable_text(cell)) for cell in notebook.unreadable[:5]]
    return Finding("format", LOOK, (
        "".join(f"第 {number} 个代码单元格第 {line} 行读不懂：{text}。" for number, line, text in places) + remark[0],
        " ".join(f"Code cell {number}, line {line} cannot be read: {text}." for number, line, text in places)
        + remark[1]), (
        "也许只是更新的 Python 语法；请人工看这些单元格，其余照常检查了。",
        "It may be the syntax of a newer Python: look at these cells; all others were checked."))


def unreadable_text(cell):
    """Return the line of a cell that cannot be read, for people."""
    lines = cell.source.split("\n")
    return printable(lines[min(cell.unreadable_line, len(lines)) - 1].strip(), 80)


def findings_of(notebook, report):
    """Fill in the report on a notebook that could be read."""
    flow = Flow([cell for cell in notebook.cells if cell.tree])
    found, others, puzzles = find_accuracy(notebook, flow)
    on_accuracy, report.mark = check_accuracy(notebook, found, others, puzzles)
    report.accuracy = found.accuracy if found else None
    report.student = notebook.student()
    report.code_print, report.run_prints = code_print(notebook), run_prints(notebook)
    report.findings += [
        check_format(notebook), check_order(notebook), check_outputs(notebook), check_errors(notebook),
        check_curves(notebook, flow), on_accuracy, check_packages(notebook, flow),
        check_assignment(notebook, flow), check_privacy(notebook)]


def examine(path, steps=()):
    """Return the Report on the submission at a place, or a list of the steps to each if it holds several."""
    report = Report(shown_place(path, steps))
    try:
        content, remark = read_submission(path, steps)
        if content is None:
            return remark
        report.findings.append(Finding("archive", HOLDS, remark))
        findings_of(Notebook(content), report)
    except Refused as refused:
        report.findings.append(refused.finding)
    except RecursionError:
        report.findings.append(stopped(TOO_LARGE))
    return report


def stopped(limit):
    """Return the finding on a file whose checking was stopped at a limit."""
    return Finding("format" if limit != NO_TIME else "archive", FAILS, LIMITS[limit], RUN_ALL)


def reports_on(paths, progress=lambda done, total, name: None):
    """Return the Reports on all submissions that the paths stand for, in their order, each read once."""
    places = [str(path) for path in submission_paths(paths)]
    jobs = collections.deque((path, ()) for path in places[:MOST_SUBMISSIONS])
    found, total, left = {}, len(jobs), len(places) - len(jobs)
    for (path, steps), answer in answers(examine, jobs):
        if isinstance(answer, list):
            taken = answer[:MOST_SUBMISSIONS - total + 1]
            jobs.extend((path, further) for further in taken)
            total, left = total + len(taken) - 1, left + len(answer) - len(taken)
            continue
        if isinstance(answer, str):
            answer = Report(shown_place(path, steps), [stopped(answer)])
        found[path, steps] = answer
        progress(len(found), total, answer.file)
    order = {path: position for position, path in enumerate(places)}
    ordered = [found[key] for key in sorted(found, key=lambda key: (order[key[0]], [step[0] for step in key[1]]))]
    shorten_names(ordered)
    add_copies(ordered, released_report())
    return ordered + [not_read(left)] * bool(left)


def released_report():
    """Return a report with what copies of the notebook that is released with this tool are known by."""
    known = json.loads(RELEASED.read_text()) if RELEASED.is_file() else {"code": "", "runs": []}
    return Report("发布的笔记本 the released notebook", code_print=known["code"], run_prints=frozenset(known["runs"]))


def not_read(count):
    """Return the report that stands for the submissions beyond MOST_SUBMISSIONS."""
    return Report("…", [Finding("archive", FAILS, (
        f"还有 {count} 份没有读取：一次最多 {MOST_SUBMISSIONS} 份。",
        f"{count} more were not read: at most {MOST_SUBMISSIONS} at a time."), (
        "请分几次检查。", "Check them in several parts."))])


def shorten_names(reports):
    """Leave out the folder that all submissions have in common."""
    try:
        common = os.path.commonpath([os.path.dirname(report.file) for report in reports])
    except ValueError:  # There are none, or they are on several drives of Windows.
        return
    for report in reports:
        report.file = os.path.relpath(report.file, common) if common else report.file
