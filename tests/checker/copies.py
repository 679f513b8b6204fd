"""Notices submissions that are alike: the same code, or the same printed digits of a training."""

import ast
import collections
import hashlib
import re

from checker.finding import HOLDS, LOOK, Finding

TITLE = "与其他提交不同", "unlike the other submissions"
LEAST_CODE = 150  # nodes of the syntax tree; shorter code may well be the same by chance
LEAST_DIGITS = 6  # different numbers under a cell
LIKENESSES = {
    "number": ("学号相同：", "The same student number: "),
    "code": ("除名字、空白、注释外代码相同：", "The same code but for names, blanks, comments: "),
    "run": ("训练时打印的数字相同：", "The same digits printed in training: "),
}
RUN_NUMBER = re.compile(r"(?:loss|acc\w{0,10}|损失|准确率)\W{1,4}(\d{1,3}\.\d{3,20})")


def fingerprint(text):
    """Return a short text that is the same only for the same text."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:24]


def is_comment(node):
    """Return whether a statement is only a string, such as a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def code_fingerprint(notebook):
    """Return what is equal for equal code, but for names, blanks, comments; "" for little code."""
    nodes = [node for node in notebook.nodes if not is_comment(node)]
    parts = [
        repr(node.value) if isinstance(node, ast.Constant) else type(node).__name__
        for node in nodes
        if not isinstance(node, (ast.Load, ast.Store))
    ]
    parts += ["".join(cell.source.split()) for cell in notebook.unreadable]
    return fingerprint(" ".join(parts)) if len(nodes) >= LEAST_CODE else ""


def run_fingerprints(notebook):
    """Return fingerprints of the losses and accuracies under each cell that prints many."""
    found = [RUN_NUMBER.findall(cell.text) for cell in notebook.cells]
    many = [numbers for numbers in found if len(set(numbers)) >= LEAST_DIGITS]
    return frozenset(fingerprint(" ".join(numbers)) for numbers in many)


def traits(report):
    """Return what a report may share with others, as (kind of likeness, what is the same)."""
    found = [("code", report.code_fingerprint), ("number", report.student[0])]
    found += [("run", run) for run in sorted(report.run_fingerprints)]
    return [(kind, value) for kind, value in found if value]


def add_copies(reports, released):
    """Add a finding to each report on which others are like it, the released notebook first."""
    alike = collections.defaultdict(list)  # by what is the same
    for report in [released, *reports]:
        for trait in traits(report):
            alike[trait].append(report)
    for report in reports:
        others = {kind: {} for kind in LIKENESSES}  # names without repetition, in order
        for kind, value in traits(report):
            same = [other.file for other in alike[kind, value] if other is not report]
            others[kind] |= dict.fromkeys(same)
        report.findings.append(finding_on_copies(others, released.file))


def finding_on_copies(others, released):
    """Return the finding on a submission, given the names of those like it, by kind of likeness.

    Where the released notebook is like it, those who used that as well are not named.
    """
    named = {
        kind: [released] if released in names else list(names)
        for kind, names in others.items()
        if names
    }
    if not named:
        return Finding("copies", HOLDS, ("没有发现相同的。", "None is like it."))
    lists = {kind: ", ".join(names[:3]) + " …" * (len(names) > 3) for kind, names in named.items()}
    reasons = [[f"{words}{lists[kind]}." for words in LIKENESSES[kind]] for kind in lists]
    hint = (
        "相同可以有正当的原因（如共同的教程），请人工判断。",
        "There may be good reasons, such as a tutorial that both followed: a person has to judge.",
    )
    if named.get("run") == [released]:
        hint = (
            "保存的输出是发布的笔记本的：请自己全部运行一次，保存，再提交。",
            "The saved outputs are the released notebook's: "
            "Run All yourself, save, and submit again.",
        )
    elif all([names == [released] for names in named.values()]):
        hint = (
            "直接使用发布的笔记本时都会这样，照常提交即可。",
            "This is so for whoever uses the released notebook: hand it in all the same.",
        )
    return Finding("copies", LOOK, tuple(map(" ".join, zip(*reasons))), hint)
