"""Reads the test accuracy that a notebook's outputs state, and the marks, as a person would.

Words say whether a number is a test accuracy; where they do not, the code does that showed it.
"""

import ast
import collections
import dataclasses
import math
import re
import unicodedata

from checker.finding import printable
from checker.flow import argument, called_name
from checker.words import (
    ARRAY_OF_ONE,
    MEANINGS,
    OF_ANOTHER,
    QUANTITIES,
    fraction,
    is_on_test,
    meanings,
    quantities,
    read_line,
    splits,
    with_headings,
)

LONGEST_LINE = 400  # characters that are read
MOST_LINES = 5_000  # of a notebook that name an accuracy or a mark, the last ones
MOST_TEXTS = 50  # that stand before an accuracy in a cell, the last ones
LINES_AROUND = range(-3, 9)  # a line that names an accuracy: its heading, the rows below it
LOOP = 3  # lines of the same shape in a cell
KERAS_3_BAR = 0.006  # its last figure differs that much from what `evaluate` returns
UNCERTAIN = {"best", "average", "epoch", "loop", "several", "mixed", "unsaid"}  # flags
MENTION = re.compile(f"(?i)acc|{MEANINGS['accuracy']}")
NO_NUMBER = re.compile(r"[^\d\s.,()\[\]e-]")
NUMBER = re.compile(r"\d+\.\d*(?:e-?\d+)?|\d+")
BAR = re.compile(r"\s*(\d{1,7})/(\d{1,7})\b.*?\b(?:loss|acc)")
REPORT = re.compile(r"\s*accuracy\s{1,60}([01]\.\d{1,9})\s{1,60}10000\s*\Z")
MARK = re.compile(r"(?i)score|grade|marks?\b|得分|成绩|总分|评分")
SCORE = re.compile(  # The course's, not "F1 score" or "score for class 3".
    r"(?im)(?:\b(?:course|final|total|my|your|our|overall)[ _]?(?:score|grade|mark)"
    r"|\b(?:grade|marks?)|(?:^|[,;|。])\W{0,9}score"
    r"|(?<![a-z0-9])(?:总|最终|课程|我的)?(?:得分|成绩|总分|评分))"
    r"(?:\s{0,9}\([^)\n]{0,20}\))?(?:\s{0,9}(?:is|为|是))?[\s:=|]{0,20}"
    r"(?:(10|\d)(?:\.0{1,9})?\s{0,3}(?:/\s{0,3}10\b|分|points?\b|out of 10\b)"
    r"|(10(?:\.0{1,9})?|\d)(?![\d.]|\s*%|\s*/))"
)


@dataclasses.dataclass
class Candidate:
    """What may be the test accuracy: a fraction, half of its last digit's unit, where it stands."""

    accuracy: float
    half_unit: float
    cell: int
    line: str
    source: str = "printed"  # or "evaluate", "bar", "report"
    flags: frozenset = frozenset()
    evaluations: frozenset = frozenset()  # the calls that computed it, as far as the code tells

    def agrees(self, other):
        """Return whether both may be the same number, one of them rounded."""
        half_unit = max(self.half_unit, other.half_unit)
        return abs(self.accuracy - other.accuracy) <= 1.001 * half_unit + 1e-9


@dataclasses.dataclass
class Reading:
    """What a notebook's outputs say of its final test accuracy."""

    found: Candidate | None
    others: list[Candidate]  # that a person has to weigh where none is found
    unread: list[str]  # lines that name a test accuracy, without a number that could be one
    stated: set[int]  # marks of 10

    @property
    def possible(self):
        """The marks that the accuracy's digits allow, of which the first is that of these digits."""
        accuracy, half = self.found.accuracy, self.found.half_unit
        if half <= 0.51e-4:
            rounded = round(accuracy, 4)
            return [course_score(rounded if abs(accuracy - rounded) < 1e-6 else accuracy)]
        ends = accuracy, max(0, accuracy - half), min(1, accuracy + half)
        return list(dict.fromkeys(map(course_score, ends)))

    @property
    def mark(self):
        """The mark of 10, that which is stated if several are possible; None if none is known."""
        possible = self.possible if self.found else [None]
        return next((mark for mark in possible if mark in self.stated), possible[0])


def course_score(accuracy):
    """Return the course's mark for a fraction: the rule of the notebook, whose code is not run."""
    percent = round(100 * accuracy, 4)
    return max(0, 6 - math.ceil(max(0, 87 - percent))) + 2 * (percent >= 88) + 2 * (percent >= 88.6)


def read_test_accuracy(notebook):
    """Return the Reading of a notebook."""
    fits = [site for site in notebook.flow.calls if called_name(site.node).startswith("fit")]
    loops = [node for node in notebook.nodes if isinstance(node, ast.For)]
    names = [name for loop in loops for part in (loop.target, loop.iter) for name in ast.walk(part)]
    trains_in_loop = any("epoch" in getattr(name, "id", "").lower() for name in names)
    reader = OutputReader(notebook)
    first_training = min((site.cell.number for site in fits), default=0)
    found, others = final_accuracy(reader.candidates(), first_training, trains_in_loop)
    marks = [line for lines in reader.lines.values() for line in lines if MARK.search(line)]
    scores = SCORE.findall("\n".join(marks[-MOST_LINES:]))
    stated = {int(float(first or second)) for first, second in scores}
    return Reading(found, others, reader.unread, stated)


def each_last(lines):
    """Return the different lines, each where it stands last."""
    return list(dict.fromkeys(reversed(lines)))[::-1]


def shape(line):
    """Return what lines that a loop has printed have in common."""
    return re.sub(r"\d+(?:\.\d+)?", "#", line.strip())


def printed_parts(expressions):
    """Yield (text right before it, value) for the values in what one call prints that have such."""
    text = ""
    for expression in expressions:
        if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
            text = expression.value.strip()
            continue
        parts = expression.values if isinstance(expression, ast.JoinedStr) else []
        if isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.Mod):
            yield text_before(expression.left, "%"), expression
        elif isinstance(expression, ast.Call) and called_name(expression) == "format":
            yield text_before(getattr(expression.func, "value", None), "{"), expression
        elif len(parts) in (2, 3) and isinstance(parts[1], ast.FormattedValue):
            yield text_before(parts[0], "\n"), parts[1].value
        else:
            yield text, expression
        text = ""


def text_before(expression, mark):
    """Return what stands before a mark in a written string; "" for any other expression."""
    value = getattr(expression, "value", "")
    return value.strip().partition(mark)[0].strip() if isinstance(value, str) else ""


class OutputReader:
    """Finds the candidates by a notebook's outputs and by what its code shows there."""

    def __init__(self, notebook):
        self.notebook, self.flow = notebook, notebook.flow
        self.unread = []
        self.calls_of = collections.defaultdict(
            list
        )  # (number, its name, node), by the cell's number
        for number, site in enumerate(self.flow.calls):
            self.calls_of[site.cell.number].append((number, called_name(site.node), site.node))
        self.on_test = {
            number: is_on_test(call, self.flow)
            for calls in self.calls_of.values()
            for number, name, call in calls
            if name.startswith("evaluate") or "accuracy" in name
        }
        self.position = accuracy_position(self.flow)
        self.lines = {
            cell.number: [
                unicodedata.normalize("NFKC", line[:LONGEST_LINE]) for line in cell.text.split("\n")
            ]
            for cell in notebook.cells
        }
        self.mentions, left = {}, MOST_LINES  # numbers of the lines, by the cell's number
        for cell in reversed(notebook.cells):
            lines = enumerate(self.lines[cell.number])
            here = [number for number, line in lines if MENTION.search(line)] if left else []
            self.mentions[cell.number] = here[-left:]
            left -= len(here[-left:])

    def candidates(self):
        """Return all candidates, in the notebook's order, those of a loop marked as such."""
        found = []
        for cell in self.notebook.cells:
            here = list(self.in_cell(cell))
            shapes = collections.Counter(map(shape, self.lines[cell.number])) if here else {}
            for candidate in here:
                if shapes[shape(candidate.line)] >= LOOP:
                    candidate.flags |= {"loop"}
                if not candidate.flags & OF_ANOTHER and not (
                    "unsaid" in candidate.flags and candidate.flags & {"loop", "epoch", "best"}
                ):
                    found.append(candidate)
        return found

    def in_cell(self, cell):
        """Yield the candidates in a cell's outputs."""
        shown = list(self.shown_expressions(cell)) if cell.tree else []
        evaluations = self.evaluations([part for expressions in shown for part in expressions])
        kinds = {self.on_test.get(n) for n in evaluations | self.evaluations([cell.tree])} or {""}
        default_split = kinds.pop() or None if evaluations and len(kinds) == 1 else None
        lines, mentions = self.lines[cell.number], self.mentions[cell.number]
        around = {number + step for number in mentions for step in LINES_AROUND}
        near = [lines[number] for number in sorted(around & set(range(len(lines))))]
        in_words = [line for line in near if not BAR.match(line) and not REPORT.match(line)]
        for line, text in each_last(list(with_headings(in_words[-MOST_LINES:]))):
            yield from self.in_words(cell, line, text, default_split, evaluations)
        if evaluations:
            last_lines = each_last(lines[-MOST_LINES:])
            yield from self.in_prints(cell, last_lines, shown)
            yield from self.in_numbers(cell, last_lines, shown)
        yield from self.in_bars(cell, [lines[n] for n in mentions if BAR.match(lines[n])])
        for match in filter(None, map(REPORT.match, each_last([lines[n] for n in mentions]))):
            yield Candidate(*fraction(match[1], False), cell.number, match[0].strip(), "report")

    def in_words(self, cell, line, text, default_split, evaluations):
        """Yield the candidates that a line's words name, or the code if they say "accuracy" alone.

        Where neither says of what an accuracy is, a person may know.
        """
        source, unsaid = "printed", frozenset()
        found = read_line(text)
        if not found:
            source, found = "evaluate", read_line(text, default_split)
        if not found and {"test", "accuracy"} <= meanings(text):
            self.unread.append(f"[{cell.number}] {printable(line.strip(), 70)}")
        if not found and default_split is None:
            unsaid, found = frozenset({"unsaid"}), read_line(text, "test")
        for accuracy, half_unit, flags in found:
            flags |= unsaid
            yield Candidate(accuracy, half_unit, cell.number, line, source, flags, evaluations)

    def evaluations(self, trees):
        """Return the numbers of the evaluations that code makes or handles the results of."""
        nodes = (node for tree in trees if tree and self.on_test for node in ast.walk(tree))
        facts = (self.flow.facts(node) for node in nodes if isinstance(node, ast.expr))
        kinds = ("score", "accuracy")
        return frozenset(number for reached in facts for kind, number in reached if kind in kinds)

    def shown_expressions(self, cell):
        """Yield what a cell prints together or displays as its value, as a list of expressions."""
        for _, name, call in self.calls_of[cell.number]:
            if name in ("print", "display"):
                yield call.args
        last = cell.tree.body[-1] if cell.tree.body else None
        if isinstance(last, ast.Expr):
            yield last.value.elts if isinstance(last.value, ast.Tuple) else [last.value]

    def in_numbers(self, cell, lines, shown):
        """Yield the candidates in lines of nothing but numbers, where the code tells which it is."""
        places = collections.defaultdict(set)  # by how many are shown together, and one's position
        for expressions in shown:
            for position, expression in enumerate(expressions):
                scores = self.values_on_test(expression, "score")
                if not scores:
                    accuracies = self.values_on_test(expression, "accuracy")
                    places[len(expressions), position] |= accuracies
                elif len(expressions) == 1 and self.position:
                    places["a list", self.position] |= scores
        places = {place: evaluations for place, evaluations in places.items() if evaluations}
        for line in lines if places else ():
            plain = ARRAY_OF_ONE.sub(r"\1", line)
            numbers = NUMBER.findall(plain) if not NO_NUMBER.search(plain) else []
            for (count, position), evaluations in places.items():
                if position < len(numbers) and count in (len(numbers), "a list"):
                    yield from self.numeric(cell, line, numbers[position], evaluations)

    def in_prints(self, cell, lines, shown):
        """Yield the candidates behind a text of any language, where the code prints an accuracy."""
        texts = collections.defaultdict(set)
        for expressions in shown:
            for text, value in printed_parts(expressions):
                texts[text] |= self.values_on_test(value, "accuracy")
        accurate = [(text, numbers) for text, numbers in texts.items() if text and numbers]
        for start, evaluations in accurate[-MOST_TEXTS:]:
            speaks = meanings(start) & (
                QUANTITIES | UNCERTAIN | OF_ANOTHER | {"train", "validation"}
            )
            for line in lines if not speaks else ():
                rest = line.strip()[len(start) :] if line.strip().startswith(start) else ""
                numbers = NUMBER.findall(rest)
                if len(numbers) == 1:
                    yield from self.numeric(cell, line, numbers[0], evaluations)

    def values_on_test(self, expression, kind):
        """Return the evaluations that can reach an expression, if all are on the test data."""
        values = self.flow.values(expression, kind)
        return values if {self.on_test.get(value) for value in values} == {"test"} else set()

    def numeric(self, cell, line, digits, evaluations):
        """Yield the candidate of some digits that the code says are an accuracy."""
        read = fraction(digits, False) if "." in digits else None
        if read:
            evaluations = frozenset(evaluations)
            yield Candidate(*read, cell.number, line.strip(), "evaluate", frozenset(), evaluations)

    def in_bars(self, cell, bars):
        """Yield the candidates in the progress bars of `evaluate`."""
        names = [name for _, name, _ in self.calls_of[cell.number]]
        calls = [
            number
            for number, name, call in self.calls_of[cell.number]
            if name.startswith("evaluate") and isinstance(call.func, ast.Attribute)
        ]
        unknown = len(bars) != len(calls) or any(name.startswith("fit") for name in names)
        if not calls or unknown and {self.on_test[number] for number in calls} != {"test"}:
            return
        for position, line in enumerate(bars):
            evaluations = frozenset(calls if unknown else [calls[position]])
            if not unknown and self.on_test[calls[position]] != "test" or "val_" in line:
                continue
            flags = frozenset({"mixed"} if unknown and len(bars) != 1 else ())
            by_keras_3 = line.find("acc") < line.find("loss")
            for accuracy, half, _ in read_line(line[line.index("/") :].partition(" ")[2], "test"):
                half = max(half, KERAS_3_BAR * by_keras_3)
                yield Candidate(accuracy, half, cell.number, line, "bar", flags, evaluations)


def accuracy_position(flow):
    """Return where the accuracy stands in what `evaluate` returns; None if that is not clear."""
    positions = set()
    for site in flow.calls:
        metrics = argument(site.node, 2, "metrics") if called_name(site.node) == "compile" else None
        parts = metrics.elts if isinstance(metrics, (ast.List, ast.Tuple)) else [metrics]
        named = [
            n for n, part in enumerate(parts, 1) if part and "acc" in ast.unparse(part).lower()
        ]
        positions |= set(named[:1])
    return positions.pop() if len(positions) == 1 else None


def without_outdone(candidates, first_training):
    """Return those that count: none before the training, no bar where its `evaluate` says more."""
    trained = [candidate for candidate in candidates if candidate.cell >= first_training]
    better = [candidate for candidate in trained if candidate.source in ("printed", "evaluate")]
    shown = set().union(*(candidate.evaluations for candidate in better))
    bars = [one for one in trained if one.source == "bar" and not one.evaluations & shown]
    return better + bars or trained


def last_epoch(candidates):
    """Return the last candidate if all of them were printed by one loop, else nothing."""
    shapes = {(candidate.cell, shape(candidate.line)) for candidate in candidates}
    is_loop = all(
        "loop" in candidate.flags and not candidate.flags & {"best", "several"}
        for candidate in candidates
    )
    return candidates[-1:] if len(shapes) == 1 and is_loop else []


def final_accuracy(candidates, first_training, trains_in_loop):
    """Return (the final test accuracy or None, those that a person has to weigh, the likeliest first).

    trains_in_loop: whether the code has a loop over epochs, so that a loop's last number is the last epoch's.
    """
    doubts = UNCERTAIN - {"epoch", "loop", "mixed"}
    finals = [one for one in candidates if "final" in one.flags and not one.flags & doubts]
    clear = finals or [one for one in candidates if not one.flags & UNCERTAIN]
    clear = without_outdone(clear, first_training)
    clear = clear or (last_epoch(candidates) if trains_in_loop else [])
    others = sorted(reversed(clear or candidates), key=lambda one: "final" not in one.flags)
    best = min(clear, key=lambda one: one.half_unit, default=None)
    return (best, []) if best and all(map(best.agrees, clear)) else (None, others)
