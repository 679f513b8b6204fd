"""Has what the cells show been saved?"""

import ast
import re

from checker.finding import FAILS, HOLDS, RUN_ALL, Finding
from checker.flow import called_name

TITLE = ("输出已保存", "outputs are saved")
REDIRECTED = re.compile(r"redirect_std|clear_output|sys\.stdout\s*=|\bOutput\(\)|capture_output")


def is_certain(call):
    """Return whether a call shows something whatever happens: it prints, draws, or trains with a progress bar."""
    name, given = called_name(call), {keyword.arg for keyword in call.keywords}
    if name in ("fit", "fit_generator"):
        return (
            bool(given & {"epochs", "batch_size", "validation_data", "validation_split"})
            and "verbose" not in given
        )
    if name == "evaluate":
        return (
            isinstance(call.func, ast.Attribute) and len(call.args) == 2 and "verbose" not in given
        )
    return (
        name in ("print", "display", "summary")
        and not given & {"file", "print_fn"}
        and None not in given
    )


def shows_something(cell):
    """Return whether a cell shows something for certain: not in a definition nor under a condition nor redirected."""
    if (
        cell.tree is None
        or re.match(r"\s*%%capture", cell.source)
        or REDIRECTED.search(cell.source)
    ):
        return False
    statements = list(cell.tree.body)
    for statement in statements:
        if isinstance(statement, (ast.For, ast.With)):
            statements += statement.body
    values = [
        statement.value for statement in statements if isinstance(statement, (ast.Expr, ast.Assign))
    ]
    return any(isinstance(value, ast.Call) and is_certain(value) for value in values)


def check(notebook):
    """Find whether what the cells show has been saved."""
    empty = [cell.number for cell in notebook.cells if not cell.outputs and shows_something(cell)]
    outputs = sum(len(cell.outputs) for cell in notebook.cells)
    if empty or not outputs:
        return Finding(
            "outputs",
            FAILS,
            (
                f"没有输出的代码单元格：{empty[:20] or '全部'}。",
                f"Code cells without their outputs: {empty[:20] or 'all'}.",
            ),
            RUN_ALL,
        )
    return Finding("outputs", HOLDS, (f"{outputs} 个输出。", f"{outputs} outputs."))
