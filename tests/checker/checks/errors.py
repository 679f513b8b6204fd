"""Did a cell stop with an error?"""

from checker.finding import FAILS, HOLDS, Finding, printable

TITLE = ("没有报错", "no error in the outputs")


def check(notebook):
    """Find whether a cell stopped with an error; one that is tagged as meant to does not count."""
    errors = [
        f"{printable(output['ename'], 40)} [{cell.number}]"
        for cell in notebook.cells
        for output in cell.outputs
        if output["output_type"] == "error" and "raises-exception" not in cell.tags
    ]
    return Finding(
        "errors",
        FAILS if errors else HOLDS,
        (
            f"报错：{'、'.join(errors[:3])}。" if errors else "没有。",
            f"Errors [in code cell]: {', '.join(errors[:3])}." if errors else "None.",
        ),
        ("请修正出错的单元格，再全部运行。", "Mend the cell with the error and Run All again."),
    )
