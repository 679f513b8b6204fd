"""Were the cells executed once, from top to bottom?"""

from checker.finding import FAILS, HOLDS, LOOK, RUN_ALL, Finding

TITLE = ("一次运行，按顺序执行", "every cell executed in order in one run")


def check(notebook):
    """Find whether the execution numbers are 1, 2, 3 ..."""
    counts = [cell.execution_count for cell in notebook.cells]
    if counts == list(range(1, len(counts) + 1)):
        return Finding("order", HOLDS, (f"1 到 {len(counts)}。", f"1 to {len(counts)}."))
    if not any(counts) and any(cell.outputs for cell in notebook.cells):
        return Finding(
            "order",
            LOOK,
            (
                "有输出，但没有执行编号（有些平台导出时去掉了编号），看不出顺序。",
                "There are outputs but no execution numbers (some platforms leave them out): the order cannot be known.",
            ),
            ("请在 Jupyter 里全部运行一次再看。", "Run All once in Jupyter to be sure."),
        )
    wrong = next(position for position, count in enumerate(counts, start=1) if count != position)
    return Finding(
        "order",
        FAILS,
        (
            f"第 {wrong} 个代码单元格的编号是 {counts[wrong - 1]}，应为 {wrong}。",
            f"Code cell {wrong} has the execution number {counts[wrong - 1]} instead of {wrong}.",
        ),
        RUN_ALL,
    )
