"""What the checker says: findings in two languages, and the report on one submission."""

import dataclasses

HOLDS, FAILS, LOOK = "holds", "fails", "look"
RUN_ALL = (
    "请“重启内核并全部运行”，保存，再提交。",
    "Restart the kernel, Run All, save, and submit again.",
)


@dataclasses.dataclass
class Finding:
    """What was found on one requirement, why, and what to do, the last two in Chinese and English.

    The state is HOLDS, FAILS, or LOOK: a person should. What holds needs no hint.
    """

    requirement: str
    state: str
    reason: tuple[str, str]
    hint: tuple[str, str] = ("", "")

    def __post_init__(self):
        if self.state == HOLDS:
            self.hint = "", ""


@dataclasses.dataclass
class Report:
    """All that is known of one submission; what cannot be pickled or has no bounds is not in it."""

    file: str
    findings: list[Finding] = dataclasses.field(default_factory=list)
    parts: list[tuple] = dataclasses.field(default_factory=list)  # steps to each of several inside
    was_read: bool = False  # whether all requirements were looked at
    student: tuple[str, str, str] = ("", "", "")  # number, name, class, from the heading
    accuracy: float | None = None
    mark: int | None = None
    code_fingerprint: str = ""  # equal for the same code
    run_fingerprints: frozenset[str] = frozenset()  # some are equal for the same run

    def requirements(self, state):
        """Return the names of the requirements that ended in this state."""
        return [finding.requirement for finding in self.findings if finding.state == state]


class Refused(Exception):
    """The file cannot be read as a submission; holds the finding that says so."""

    def __init__(self, requirement, chinese, english, hint):
        super().__init__(english)
        self.finding = Finding(requirement, FAILS, (chinese, english), hint)


def printable(text, length=200):
    """Return text from a submission without characters that would change how the report looks."""
    return "".join(character if character.isprintable() else "?" for character in text[:length])
