"""Was every cell executed once, from top to bottom?"""

from checker.finding import FAILS, HOLDS, LOOK, RUN_ALL, Finding

TITLE = "一次运行，按顺序执行", "every cell executed in order in one run"
NO_NUMBERS = (
    "有输出，但没有执行编号（有些平台导出时去掉了编号），看不出顺序。",
    "There are outputs but no execution numbers (some platforms leave them out): order unknown.",
)


def check(notebook):
    """Find whether the execution numbers are 1, 2, 3 ..."""
    counts = [cell.execution_count for cell in notebook.cells]
    wrong = [place for place, count in enumerate(counts, start=1) if count != place]
    if not wrong:
        return Finding("order", HOLDS, (f"1 到 {len(counts)}。", f"1 to {len(counts)}."))
    if not any(counts) and notebook.has_outputs:
        hint = "请在 Jupyter 里全部运行一次再看。", "Run All once in Jupyter to be sure."
        return Finding("order", LOOK, NO_NUMBERS, hint)
    first, count = wrong[0], counts[wrong[0] - 1]
    chinese = f"第 {first} 个代码单元格的编号是 {count}，应为 {first}。"
    english = f"Code cell {first} has the execution number {count} instead of {first}."
    return Finding("order", FAILS, (chinese, english), RUN_ALL)
