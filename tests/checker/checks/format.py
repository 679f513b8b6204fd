"""Can all code be read?"""

from checker.finding import HOLDS, LOOK, Finding, printable

TITLE = "有效的笔记本格式", "a valid notebook file"
HINT = (
    "也许只是更新的 Python 语法；请人工看这些单元格，其余照常检查了。",
    "It may be the syntax of a newer Python: look at these cells; all others were checked.",
)


def check(notebook):
    """Find whether all code can be read, and mention a blank heading."""
    chinese = english = ""
    for cell in notebook.unreadable[:5]:
        line, lines = cell.unreadable_line, cell.source.split("\n")
        text = printable(lines[min(line, len(lines)) - 1].strip(), 80)
        chinese += f"第 {cell.number} 个代码单元格第 {line} 行读不懂：{text}。"
        english += f"Code cell {cell.number}, line {line} cannot be read: {text}. "
    if not notebook.unreadable:
        count = len(notebook.cells)
        chinese, english = f"{count} 个代码单元格。", f"{count} code cells."
    if "学号" in notebook.heading and not all(notebook.student):
        chinese += "学号、姓名、班级没有填全。"
        english += " Number, name or class is still blank."
    state = LOOK if notebook.unreadable else HOLDS
    return Finding("format", state, (chinese, english.strip().replace("  ", " ")), HINT)
