"""Notices submissions that are alike: the same code, or the same printed digits of a training."""

import ast
import collections
import hashlib
import re

from submission_findings import HOLDS, LOOK, Finding

LEAST_CODE = 150  # nodes of the syntax tree; shorter code may well be the same by chance
LEAST_DIGITS = 6  # different numbers in an output
RUN_NUMBER = re.compile(r"(?:loss|acc\w{0,10}|损失|准确率)\W{1,4}(\d{1,3}\.\d{3,20})")


def fingerprint(text):
    """Return a short text that is the same only for the same text."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:24]


def code_print(notebook):
    """Return a fingerprint of the code up to names, blanks, comments and cells; "" for little code."""
    nodes = [node for node in notebook.nodes
             if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]
    parts = [repr(node.value) if isinstance(node, ast.Constant) else type(node).__name__ for node in nodes
             if not isinstance(node, (ast.Load, ast.Store))]
    parts += ["".join(cell.source.split()) for cell in notebook.unreadable]
    return fingerprint(" ".join(parts)) if len(nodes) >= LEAST_CODE else ""


def run_prints(notebook):
    """Return a fingerprint of the losses and accuracies in each output that has many, as that of a training has."""
    found = [RUN_NUMBER.findall(text) for cell in notebook.cells for text in cell.texts]
    return frozenset(fingerprint(" ".join(numbers)) for numbers in found if len(set(numbers)) >= LEAST_DIGITS)


def add_copies(reports, released=None):
    """Add a finding to each report that says which others are like it, also the released notebook's."""
    everything = reports + [released] * bool(released)
    same_code, same_run = collections.defaultdict(list), collections.defaultdict(list)
    for report in everything:
        same_code[report.code_print].append(report)
        for run in report.run_prints:
            same_run[run].append(report)
    same_code[""] = []
    for report in reports:
        code = [other for other in same_code[report.code_print] if other is not report]
        runs = [other for run in sorted(report.run_prints) for other in same_run[run] if other is not report]
        report.findings.append(finding_on_copies(code, runs))


def finding_on_copies(code, runs):
    """Return the finding on a submission whose code, or whose run's digits, are those of these others."""
    if not code and not runs:
        return Finding("copies", HOLDS, ("没有发现相同的。", "None is like it."))
    names = [", ".join(dict.fromkeys(other.file for other in others[:3])) + " …" * (len(others) > 3)
             for others in (code, runs)]
    return Finding("copies", LOOK, (
        f"代码相同（名字、空白、注释除外）：{names[0]}。" * bool(code) + f"训练时打印的数字相同：{names[1]}。" * bool(runs),
        f"The same code up to names, blanks and comments: {names[0]}. " * bool(code)
        + f"The same digits printed in training: {names[1]}." * bool(runs)), (
        "相同可以有正当的原因（如共同的教程），请人工判断。",
        "There may be good reasons, such as a tutorial that both followed: a person has to judge."))
