"""What the checker of submissions says: requirements, findings in two languages, and the report on one submission."""

import dataclasses

REQUIREMENTS = {  # name: Chinese and English
    "archive": ("恰好一个笔记本", "exactly one notebook"),
    "format": ("有效的笔记本格式", "a valid notebook file"),
    "order": ("一次运行，按顺序执行", "every cell executed in order in one run"),
    "outputs": ("输出已保存", "outputs are saved"),
    "errors": ("没有报错", "no error in the outputs"),
    "curves": ("准确率与损失曲线", "curves of accuracy and loss"),
    "accuracy": ("测试准确率与得分", "test accuracy and score"),
    "packages": ("只用约定的软件包", "only the agreed packages"),
    "assignment": ("学习率、批大小、数据集", "learning rate, batch size and data set"),
    "privacy": ("没有本机路径和 stderr", "no machine path and no stderr"),
}
COPIES = {"copies": ("与其他提交不同", "unlike the other submissions")}
HOLDS, FAILS, LOOK = "holds", "fails", "look"
SIGNS = {HOLDS: "✓", FAILS: "×", LOOK: "?"}


@dataclasses.dataclass
class Finding:
    """What was found on one requirement: "holds", "fails" or "look" (a person should), why, and what to do."""

    requirement: str
    state: str
    reason: tuple[str, str]
    hint: tuple[str, str] = ("", "")

    def __str__(self):
        name = " · ".join((REQUIREMENTS | COPIES)[self.requirement])
        texts = (*self.reason, *(() if self.state == HOLDS else self.hint))
        heading = f"{SIGNS[self.state]} {self.requirement} · {name}"
        return "\n".join([heading, *(f"    {text}" for text in texts if text)])


@dataclasses.dataclass
class Report:
    """All that is known of one submission; what cannot be pickled or has no bounds is not in it."""

    file: str
    findings: list[Finding] = dataclasses.field(default_factory=list)
    student: tuple[str, str, str] = ("", "", "")  # number, name, class, from the heading
    accuracy: float | None = None
    mark: int | None = None
    code_print: str = ""  # equal for the same code
    run_prints: frozenset[str] = frozenset()  # some are equal for the same run

    @property
    def was_read(self):
        """Whether the notebook could be read, so that all requirements were looked at."""
        return {finding.requirement for finding in self.findings} >= REQUIREMENTS.keys()

    def requirements(self, state):
        """Return the names of the requirements that ended in this state."""
        return [finding.requirement for finding in self.findings if finding.state == state]


class Refused(Exception):
    """The file cannot be read as a submission; holds the finding that says so."""

    def __init__(self, requirement, reason, hint, state=FAILS):
        super().__init__(reason[1])
        self.finding = Finding(requirement, state, reason, hint)


RUN_ALL = ("请“重启内核并全部运行”，保存，再提交。", "Restart the kernel, Run All, save, and submit again.")


def printable(text, length=200):
    """Return text from a submission without characters that would change how the report looks."""
    return "".join(character if character.isprintable() else "?" for character in text[:length])
