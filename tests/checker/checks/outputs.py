"""Has what the cells show been saved?"""

import ast
import re

from checker.finding import FAILS, HOLDS, RUN_ALL, Finding
from checker.flow import called_name

TITLE = "输出已保存", "outputs are saved"
TRAINING = {"epochs", "batch_size", "validation_data", "validation_split"}
REDIRECTED = re.compile(r"redirect_std|clear_output|sys\.stdout\s*=|\bOutput\(\)|capture_output")


def is_certain(call):
    """Return whether a call shows something whatever happens: it prints, or has a progress bar."""
    name, given = called_name(call), {keyword.arg for keyword in call.keywords}
    if name in ("fit", "fit_generator"):
        return bool(given & TRAINING) and "verbose" not in given
    if name == "evaluate":
        is_method = isinstance(call.func, ast.Attribute)
        return is_method and len(call.args) == 2 and "verbose" not in given
    return name in ("print", "display", "summary") and not given & {"file", "print_fn", None}


def runs_at_least_once(iterable):
    """Return whether a loop runs for certain; a table, gone through by `items()`, may be empty."""
    name = called_name(iterable) if isinstance(iterable, ast.Call) else ""
    return not isinstance(iterable, ast.IfExp) and name not in ("items", "keys", "values")


def shows_something(cell):
    """Return whether a cell shows something for certain: not in a definition or condition."""
    is_captured = re.match(r"\s*%%capture", cell.source) or REDIRECTED.search(cell.source)
    if cell.tree is None or is_captured:
        return False
    statements = list(cell.tree.body)
    for statement in statements:  # It grows on the way.
        is_loop = isinstance(statement, ast.For) and runs_at_least_once(statement.iter)
        if is_loop or isinstance(statement, ast.With):
            statements += statement.body
    values = [getattr(statement, "value", None) for statement in statements]
    return any(isinstance(value, ast.Call) and is_certain(value) for value in values)


def check(notebook):
    """Find whether what the cells show has been saved."""
    empty = [cell.number for cell in notebook.cells if not cell.outputs and shows_something(cell)]
    outputs = sum(len(cell.outputs) for cell in notebook.cells)
    if outputs and not empty:
        return Finding("outputs", HOLDS, (f"{outputs} 个输出。", f"{outputs} outputs."))
    chinese = f"没有输出的代码单元格：{empty[:20] or '全部'}。"
    english = f"Code cells without their outputs: {empty[:20] or 'all'}."
    return Finding("outputs", FAILS, (chinese, english), RUN_ALL)
