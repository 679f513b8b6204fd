"""Can all code be read?"""

from checker.finding import HOLDS, LOOK, Finding, printable

TITLE = ("有效的笔记本格式", "a valid notebook file")


def check(notebook):
    """Find whether all code can be read, and mention a blank heading."""
    blank = not all(notebook.student()) and any("学号" in text for text in notebook.markdown[:3])
    remark = (
        ("学号、姓名、班级没有填全。", " Number, name or class is still blank.")
        if blank
        else ("", "")
    )
    if not notebook.unreadable:
        return Finding(
            "format",
            HOLDS,
            (
                f"{len(notebook.cells)} 个代码单元格。{remark[0]}",
                f"{len(notebook.cells)} code cells.{remark[1]}",
            ),
        )
    places = [
        (cell.number, cell.unreadable_line, unreadable_text(cell))
        for cell in notebook.unreadable[:5]
    ]
    return Finding(
        "format",
        LOOK,
        (
            "".join(
                f"第 {number} 个代码单元格第 {line} 行读不懂：{text}。"
                for number, line, text in places
            )
            + remark[0],
            " ".join(
                f"Code cell {number}, line {line} cannot be read: {text}."
                for number, line, text in places
            )
            + remark[1],
        ),
        (
            "也许只是更新的 Python 语法；请人工看这些单元格，其余照常检查了。",
            "It may be the syntax of a newer Python: look at these cells; all others were checked.",
        ),
    )


def unreadable_text(cell):
    """Return the line of a cell that cannot be read, for people."""
    lines = cell.source.split("\n")
    return printable(lines[min(cell.unreadable_line, len(lines)) - 1].strip(), 80)
