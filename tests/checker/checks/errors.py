"""Did a cell stop with an error? One that a tag announces does not count."""

from checker.finding import FAILS, HOLDS, Finding, printable

TITLE = "没有报错", "no error in the outputs"


def check(notebook):
    """Find the errors in the outputs."""
    cells = [cell for cell in notebook.cells if "raises-exception" not in cell.tags]
    outputs = [(cell, output) for cell in cells for output in cell.outputs]
    errors = [(cell, output) for cell, output in outputs if output["output_type"] == "error"]
    if not errors:
        return Finding("errors", HOLDS, ("没有。", "None."))
    names = [f"{printable(output['ename'], 40)} [{cell.number}]" for cell, output in errors[:3]]
    reason = f"报错：{'、'.join(names)}。", f"Errors [in code cell]: {', '.join(names)}."
    hint = "请修正出错的单元格，再全部运行。", "Mend the cell with the error and Run All again."
    return Finding("errors", FAILS, reason, hint)
