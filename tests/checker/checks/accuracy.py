"""Which test accuracy was reached in the end, and which mark does it give?"""

from checker.finding import FAILS, HOLDS, LOOK, RUN_ALL, Finding, printable

TITLE = ("测试准确率与得分", "test accuracy and score")
SOURCES = {
    "printed": ("", ""),
    "evaluate": ("（由 evaluate 读出）", " (read from evaluate)"),
    "code": ("（按代码，是测试图片上的）", " (of the test images by the code)"),
    "bar": ("（由 evaluate 的进度条读出）", " (read from evaluate's progress bar)"),
    "report": ("（由分类报告读出）", " (read from the classification report)"),
    "loop": ("（循环的最后一轮）", " (the last of its loop)"),
}


def check(notebook):
    """Find whether the final test accuracy can be read, and the stated mark follows from it."""
    reading = notebook.test_accuracy
    if not reading.found:
        return no_accuracy(notebook)
    source = SOURCES["loop" if "loop" in reading.found.flags else reading.found.source]
    chinese = f"测试准确率 {reading.found.accuracy:.2%}{source[0]}，得分 {reading.mark} / 10"
    english = f"Test accuracy {reading.found.accuracy:.2%}{source[1]}, score {reading.mark} / 10"
    state, hint = HOLDS, ("", "")
    if conflict := sorted(reading.stated - set(reading.possible)):
        chinese += f"，却写着 {conflict}"
        english += f", but {conflict} is stated"
        state, hint = FAILS, RUN_ALL
    elif len(reading.possible) > 1 and reading.mark not in reading.stated:
        others = sorted(set(reading.possible) - {reading.mark})
        chinese += f"；但这个数舍入过，也可能是 {others}"
        english += f"; but it is rounded, and {others} is possible"
        state, hint = LOOK, ("请打印更多位数。", "Print more digits.")
    return Finding("accuracy", state, (f"{chinese}。", f"{english}."), hint)


def no_accuracy(notebook):
    """Return the finding on a notebook whose final test accuracy is not known."""
    reading, asked = notebook.test_accuracy, "Test accuracy: ...%"
    if reading.others:
        shown = reading.others[:3] + reading.others[3:][-1:]
        texts = [f"{c.accuracy:.4g} [{c.cell}] {printable(c.line.strip(), 70)}" for c in shown]
        asked, listed = f"Final {asked.lower()}", "; ".join(texts)
        chinese = f"看不出哪个是最终的测试准确率：{listed}。"
        english = f"Which of these is the final test accuracy cannot be told: {listed}."
    elif reading.unread:
        listed = "; ".join(reading.unread[:3])
        chinese = f"写着测试准确率，但读不出数：{listed}。"
        english = f"A test accuracy is named, but no number could be read: {listed}."
    else:
        reason = "没有找到测试准确率。", "No test accuracy was found."
        hint = f"请打印一行 {asked}，再全部运行。", f"Print one line, {asked}, and Run All again."
        return Finding("accuracy", FAILS, reason, hint if notebook.has_outputs else RUN_ALL)
    wish = f"A person has to judge; best print one line at the end, {asked}."
    hint = f"请人工判断；最好最后打印一行 {asked}。", wish
    return Finding("accuracy", LOOK, (chinese, english), hint)
