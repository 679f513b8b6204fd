"""Notices submissions that are alike: the same code, or the same printed digits of a training."""

import ast
import collections
import hashlib
import re

from checker.finding import HOLDS, LOOK, Finding

TITLE = ("与其他提交不同", "unlike the other submissions")
LEAST_CODE = 150  # nodes of the syntax tree; shorter code may well be the same by chance
LEAST_DIGITS = 6  # different numbers under a cell
LIKENESSES = {
    "code": (
        "代码相同（名字、空白、注释除外）：",
        "The same code up to names, blanks and comments: ",
    ),
    "run": ("训练时打印的数字相同：", "The same digits printed in training: "),
    "number": ("学号相同：", "The same student number: "),
}
RUN_NUMBER = re.compile(r"(?:loss|acc\w{0,10}|损失|准确率)\W{1,4}(\d{1,3}\.\d{3,20})")


def fingerprint(text):
    """Return a short text that is the same only for the same text."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:24]


def code_print(notebook):
    """Return a fingerprint of the code up to names, blanks, comments and cells; "" for little code."""
    nodes = [
        node
        for node in notebook.nodes
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]
    parts = [
        repr(node.value) if isinstance(node, ast.Constant) else type(node).__name__
        for node in nodes
        if not isinstance(node, (ast.Load, ast.Store))
    ]
    parts += ["".join(cell.source.split()) for cell in notebook.unreadable]
    return fingerprint(" ".join(parts)) if len(nodes) >= LEAST_CODE else ""


def run_prints(notebook):
    """Return a fingerprint of the losses and accuracies under each cell that prints many, as one that trains does."""
    found = [RUN_NUMBER.findall(cell.text) for cell in notebook.cells]
    return frozenset(
        fingerprint(" ".join(numbers)) for numbers in found if len(set(numbers)) >= LEAST_DIGITS
    )


def add_copies(reports, released):
    """Add a finding to each report that says which others are like it, the released notebook's first."""
    alike = collections.defaultdict(list)  # by what is the same
    for report in [released, *reports]:
        for trait in traits(report):
            alike[trait].append(report)
    for report in reports:
        others = {kind: {} for kind in LIKENESSES}  # names without repetition, in order
        for trait in traits(report):
            others[trait[0]] |= {other.file: None for other in alike[trait] if other is not report}
        report.findings.append(finding_on_copies(others))


def traits(report):
    """Return what a report may have in common with others, as (kind of likeness, what is the same)."""
    runs = [("run", run) for run in sorted(report.run_prints)]
    return [
        (kind, value)
        for kind, value in (("code", report.code_print), *runs, ("number", report.student[0]))
        if value
    ]


def finding_on_copies(others):
    """Return the finding on a submission, given the names of those that are like it, by kind of likeness."""
    if not any(others.values()):
        return Finding("copies", HOLDS, ("没有发现相同的。", "None is like it."))
    reasons = [
        tuple(
            words + ", ".join(list(names)[:3]) + " …" * (len(names) > 3) + "."
            for words in LIKENESSES[kind]
        )
        for kind, names in others.items()
        if names
    ]
    return Finding(
        "copies",
        LOOK,
        tuple(" ".join(parts) for parts in zip(*reasons)),
        (
            "相同可以有正当的原因（如共同的教程），请人工判断。",
            "There may be good reasons, such as a tutorial that both followed: a person has to judge.",
        ),
    )
