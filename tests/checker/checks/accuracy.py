"""Which test accuracy was reached in the end, and which mark does it give?"""

from checker.finding import FAILS, HOLDS, LOOK, RUN_ALL, Finding
from checker.words import described, possible_marks, stated_marks

TITLE = ("测试准确率与得分", "test accuracy and score")


def check(notebook):
    """Find whether the final test accuracy can be read, and whether the stated mark follows from it."""
    reading = notebook.test_accuracy
    return check_accuracy(notebook, reading.found, reading.others, reading.unread)[0]


def check_accuracy(notebook, found, others, puzzles):
    """Return the finding on the accuracy and the marks that were stated, and the mark or None."""
    if not found:
        return no_accuracy(others, puzzles), None
    possible = possible_marks(found)
    stated = stated_marks(notebook)
    agreeing = [mark for mark in possible if mark in stated]
    mark = (agreeing or possible)[0]
    source = {"printed": ("", ""), "evaluate": ("（由 evaluate 读出）", " (read from evaluate)"),
              "bar": ("（由 evaluate 的进度条读出）", " (read from evaluate's progress bar)"),
              "report": ("（由分类报告读出）", " (read from the classification report)")}[found.source]
    source = ("（循环的最后一轮）", " (the last of its loop)") if "loop" in found.flags else source
    accuracy = f"{found.accuracy:.2%}"
    conflict = sorted(stated - set(possible))
    if conflict:
        return Finding("accuracy", FAILS, (
            f"测试准确率 {accuracy}{source[0]}，得分 {mark} / 10，却写着 {conflict}。",
            f"Test accuracy {accuracy}{source[1]}, score {mark} / 10, but {conflict} is stated."), RUN_ALL), mark
    if len(possible) > 1 and not agreeing:
        return Finding("accuracy", LOOK, (
            f"测试准确率 {accuracy}{source[0]}，得分 {mark} / 10；但这个数舍入过，也可能是 {sorted(set(possible) - {mark})}。",
            f"Test accuracy {accuracy}{source[1]}, score {mark} / 10; but it is rounded, and "
            f"{sorted(set(possible) - {mark})} is possible."), ("请打印更多位数。", "Print more digits.")), mark
    return Finding("accuracy", HOLDS, (f"测试准确率 {accuracy}{source[0]}，得分 {mark} / 10。",
                                       f"Test accuracy {accuracy}{source[1]}, score {mark} / 10.")), mark


def no_accuracy(others, puzzles):
    """Return the finding on a notebook whose final test accuracy is not known."""
    if puzzles and not others:
        return Finding("accuracy", LOOK, (
            f"写着测试准确率，但读不出数：{'；'.join(puzzles[:3])}。",
            f"A test accuracy is named, but no number could be read: {'; '.join(puzzles[:3])}."), (
            "请人工判断；最好打印一行 Test accuracy: …%。", "A person has to judge; best print one line, Test accuracy: ...%."))
    if others:
        return Finding("accuracy", LOOK, (
            f"看不出哪个是最终的测试准确率：{described(others)}。",
            f"Which of these is the final test accuracy cannot be told: {described(others)}."), (
            "请人工判断；最好最后打印一行 Final test accuracy: …%。",
            "A person has to judge; best print one line at the end, Final test accuracy: ...%."))
    return Finding("accuracy", FAILS, ("没有找到测试准确率。", "No test accuracy was found."), (
        "请打印一行 Test accuracy: …%，再全部运行。", "Print one line, Test accuracy: ...%, and Run All again."))
