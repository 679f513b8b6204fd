"""Reads the test accuracy that a notebook's outputs state, and the marks, as a person would.

Words say whether a number is a test accuracy; where they do not, the code does that showed it.
"""

import ast
import collections
import dataclasses
import functools
import itertools
import math
import re

from checker.finding import printable
from checker.flow import argument, called_name
from checker.words import ARRAY_OF_ONE, OF_ANOTHER, VOCABULARY, fraction, is_on_test, meanings
from checker.words import named_split, narrow, read_line, with_headings

LARGEST_TEXT = 1_000_000  # characters of a notebook's outputs that are read, the last ones
LONGEST_LINE = 240  # characters
MOST_LINES = 1_000  # near the name of an accuracy, or with a mark, the last ones
MOST_IN_A_LINE = 10  # accuracies
MOST_PRINTS = 50  # calls in a cell, the last ones
LINES_AROUND = range(-2, 7)  # a line that names an accuracy: its heading, the rows below it
LOOP = 3  # lines of the same shape in a cell
KERAS_3_BAR = 0.006  # its last figure differs that much from what `evaluate` returns
VAGUE = {"best", "epoch", "loop"}  # flags, with "unsaid" for an accuracy of no known data
UNCERTAIN = {"best", "average", "epoch", "loop", "several", "mixed", "unsaid"}  # flags
SPEAKING = {"accuracy", "loss", "measure", "train", "validation"} | UNCERTAIN | OF_ANOTHER
MENTION = re.compile("|".join(["acc", *itertools.chain(*VOCABULARY["accuracy"].values())]))
NO_NUMBER = re.compile(r"[^\d\s.,()\[\]e%-]")
NUMBER = re.compile(r"\d+\.\d*(?:e-?\d+)?|\d+")
BAR = re.compile(r"\s*(\d{1,7})/(\d{1,7})\b.*?\b(?:loss|acc)")
REPORT = re.compile(r"\s*accuracy\s{1,60}([01]\.\d{1,9})\s{1,60}10000\s*\Z")
MARK = re.compile(r"score|grade|marks?\b|得分|成绩|总分|评分")
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
        half_unit = 1.001 * max(self.half_unit, other.half_unit) + 1e-9
        return abs(self.accuracy - other.accuracy) <= half_unit


@dataclasses.dataclass
class Reading:
    """What a notebook's outputs say of its final test accuracy."""

    found: Candidate | None
    others: list[Candidate]  # that a person has to weigh where none is found
    unread: list[str]  # lines that name a test accuracy, without a number that could be one
    stated: set[int]  # marks of 10

    @property
    def possible(self):
        """The marks that the accuracy's digits allow, first that of the digits as they stand."""
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
    reader = OutputReader(notebook)
    candidates = reader.candidates()
    loops = [node for node in notebook.nodes if isinstance(node, ast.For)]
    names = [name for loop in loops for part in (loop.target, loop.iter) for name in ast.walk(part)]
    trains_in_loop = any("epoch" in getattr(name, "id", "").lower() for name in names)
    calls = notebook.flow.calls
    trainings = [site.cell.number for site in calls if site.name.startswith("fit")]
    if trains_in_loop and not trainings:
        trainings = [one.cell for one in candidates if "loop" in one.flags]
    found, others = final_accuracy(candidates, min(trainings, default=0), trains_in_loop)
    lines = [line for lines in reader.lines.values() for line in lines if MARK.search(line.lower())]
    scores = SCORE.findall("\n".join(lines[-MOST_LINES:]))
    stated = {int(float(first or second)) for first, second in scores}
    return Reading(found, others, reader.unread, stated)


def each_last(lines):
    """Return the different lines, each where it stands last."""
    return list(dict.fromkeys(reversed(lines)))[::-1]


@functools.lru_cache(maxsize=MOST_LINES)
def shape(line):
    """Return what lines that a loop has printed have in common."""
    return re.sub(r"\d+(?:\.\d+)?", "#", line.strip())


def printed_parts(expressions):
    """Return the text with which a line begins that prints these together, and the values in it."""
    parts = []  # texts and expressions
    for expression in expressions:
        name = called_name(expression) if isinstance(expression, ast.Call) else ""
        if isinstance(expression, ast.JoinedStr):
            parts += [part.value for part in expression.values]
        elif isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.Mod):
            values = getattr(expression.right, "elts", [expression.right])
            parts += [str(getattr(expression.left, "value", "")).partition("%")[0], *values]
        elif name == "format" and isinstance(expression.func, ast.Attribute):
            text = str(getattr(expression.func.value, "value", ""))
            parts += [text.partition("{")[0], *(expression.args if "{1" not in text else ())]
        else:
            is_constant = isinstance(expression, ast.Constant)
            parts.append(str(expression.value) if is_constant else expression)
    texts = itertools.takewhile(lambda part: isinstance(part, str), parts)
    values = [part for part in parts if isinstance(part, ast.expr)]
    return " ".join(text.strip() for text in texts).strip().split("\n")[-1], values


def is_test_by_names(tree, printed):
    """Return whether names in a cell's code say that what it prints is of the test data."""
    loops = [node for node in ast.walk(tree) if isinstance(node, ast.For)]
    loops = [(loop.lineno, split) for loop in loops if (split := named_split(loop.iter))]
    assigned = collections.defaultdict(set)  # what the values or the loop above speak of, by name
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AugAssign)):
            above = max((loop for loop in loops if loop[0] <= node.lineno), default=(0, set()))[1]
            for target in getattr(node, "targets", None) or [node.target]:
                assigned[getattr(target, "id", "")] |= named_split(node.value) or above
    found = set()
    for expressions in printed[-MOST_PRINTS:]:
        nodes = [node for expression in expressions for node in ast.walk(expression)]
        texts = [str(node.value) for node in nodes if isinstance(node, ast.Constant)]
        names = [node.id for node in nodes if isinstance(node, ast.Name)]
        names = [name for name in names if "accuracy" in meanings(name)] or names
        if "accuracy" in meanings(" ".join(texts)):
            by_names = set().union(*(assigned[name] for name in names if name in assigned))
            found |= set().union(*map(named_split, expressions)) or by_names
    return found == {"test"}


class OutputReader:
    """Finds the candidates by a notebook's outputs and by what its code shows there."""

    def __init__(self, notebook):
        self.notebook, self.flow, self.unread = notebook, notebook.flow, []
        self.calls_of = collections.defaultdict(dict)  # by a cell's number and their own
        self.on_test = {}  # by the number of a call that computes an accuracy
        for number, site in enumerate(self.flow.calls):
            self.calls_of[site.cell.number][number] = site
            if site.name.startswith("evaluate") or "accuracy" in site.name:
                self.on_test[number] = is_on_test(site.node, self.flow)
        self.position = accuracy_position(self.flow)
        self.lines, self.near = {}, {}  # of each cell; those near the name of an accuracy
        characters, left = LARGEST_TEXT, MOST_LINES
        for cell in reversed(notebook.cells):
            text = cell.text[-characters:] if characters else ""
            lines = [narrow(line[:LONGEST_LINE])[:LONGEST_LINE] for line in text.split("\n")]
            named = [n for n, line in enumerate(lines) if MENTION.search(line.lower())][-left:]
            around = {number + step for number in named if left for step in LINES_AROUND}
            near = [lines[number] for number in sorted(around & set(range(len(lines))))[-left:]]
            self.lines[cell.number], self.near[cell.number] = lines, near
            characters, left = characters - len(text), left - len(near)

    def candidates(self):
        """Return all candidates, in the notebook's order, those of a loop marked as such."""
        found = []
        for cell in self.notebook.cells:
            shapes = collections.Counter(map(shape, self.near[cell.number]))
            for candidate in self.in_cell(cell):
                if shapes[shape(candidate.line)] >= LOOP:
                    candidate.flags |= {"loop"}
                is_vague = "unsaid" in candidate.flags and candidate.flags & VAGUE
                found += [candidate] if not is_vague and not candidate.flags & OF_ANOTHER else []
        return found

    def in_cell(self, cell):
        """Yield the candidates in a cell's outputs."""
        printed = list(self.printed(cell)) if cell.tree else []
        evaluations = self.evaluations([part for expressions in printed for part in expressions])
        kinds = {self.on_test.get(n) for n in evaluations | self.evaluations([cell.tree])}
        by_code = "".join(kinds) if evaluations and len(kinds) == 1 else ""
        if not kinds and cell.tree:
            by_code = "test" if is_test_by_names(cell.tree, printed) else ""
        lines = [line for line in self.near[cell.number] if not BAR.match(line)]
        reports = filter(None, map(REPORT.match, each_last(lines)))
        for line, text in each_last(list(with_headings(lines))):
            if not REPORT.match(line):
                yield from self.in_words(cell, line, text, by_code or None, evaluations)
        if evaluations:
            yield from self.in_prints(cell, printed)
        yield from self.in_bars(cell)
        for match in reports:
            yield Candidate(*fraction(match[1], False), cell.number, match[0].strip(), "report")

    def in_words(self, cell, line, text, by_code, evaluations):
        """Yield a line's candidates: by its words, or by the code if they say "accuracy" alone."""
        source, unsaid, found = "printed", frozenset(), read_line(text)
        if not found:
            source, found = "evaluate" if evaluations else "code", read_line(text, by_code)
        if not found and {"test", "accuracy"} <= meanings(text):
            self.unread.append(f"[{cell.number}] {printable(line.strip(), 70)}")
        if not found and not by_code:  # A person may know of what this is an accuracy.
            unsaid, found = frozenset({"unsaid"}), read_line(text, "test")
        for accuracy, half_unit, flags in list(dict.fromkeys(found))[:MOST_IN_A_LINE]:
            flags |= unsaid
            yield Candidate(accuracy, half_unit, cell.number, line, source, flags, evaluations)

    def evaluations(self, trees):
        """Return the numbers of the evaluations that code makes or handles the results of."""
        nodes = (node for tree in trees if tree and self.on_test for node in ast.walk(tree))
        facts = (self.flow.facts(node) for node in nodes if isinstance(node, ast.expr))
        kinds = ("score", "accuracy")
        return frozenset(number for reached in facts for kind, number in reached if kind in kinds)

    def printed(self, cell):
        """Yield what a cell prints together or displays as its value, as a list of expressions."""
        for site in self.calls_of[cell.number].values():
            if site.name in ("print", "display"):
                yield site.node.args
        last = cell.tree.body[-1] if cell.tree.body else None
        if isinstance(last, ast.Expr):
            yield last.value.elts if isinstance(last.value, ast.Tuple) else [last.value]

    def in_prints(self, cell, printed):
        """Yield the candidates in lines of whatever words, where the code tells what they print."""
        places = collections.defaultdict(set)  # calls by text, how many numbers, and which
        for text, values in map(printed_parts, printed):
            shown = values if not text else values[:1] if not meanings(text) & SPEAKING else []
            for position, value in enumerate(shown):
                places[text, len(values), position] |= self.values_on_test(value, "accuracy")
            if len(values) == 1 and self.position and not text:
                places["", 0, self.position] |= self.values_on_test(values[0], "score")
        places = [(place, calls) for place, calls in places.items() if calls][-MOST_PRINTS:]
        for line in each_last(self.lines[cell.number][-MOST_LINES:]) if places else ():
            plain = ARRAY_OF_ONE.sub(r"\1", line.strip())
            for (text, count, position), calls in places:
                is_here = plain.startswith(text) if text else not NO_NUMBER.search(plain)
                numbers = NUMBER.findall(plain[len(text) :]) if is_here else []
                is_here = position < len(numbers) == (count or len(numbers))
                read = fraction(numbers[position], False) if is_here else None
                if read and "." in numbers[position]:
                    calls = frozenset(calls)
                    yield Candidate(*read, cell.number, plain, "evaluate", frozenset(), calls)

    def values_on_test(self, expression, kind):
        """Return the evaluations that can reach an expression, if all are on the test data."""
        values = self.flow.values(expression, kind)
        return values if {self.on_test.get(value) for value in values} == {"test"} else set()

    def in_bars(self, cell):
        """Yield the candidates in the progress bars of `evaluate`."""
        bars = [line for line in self.near[cell.number] if BAR.match(line)]
        names = {number: site.name for number, site in self.calls_of[cell.number].items()}
        calls = [number for number, name in names.items() if name.startswith("evaluate")]
        trains = any(name.startswith("fit") for name in names.values())
        is_known = len(bars) == len(calls) and not trains
        if not is_known and {self.on_test[number] for number in calls} != {"test"}:
            return
        flags = frozenset({"mixed"} if not is_known and len(bars) > 1 else ())
        for position, line in enumerate(bars):
            made_by = [calls[position]] if is_known else calls
            if "val_" not in line and self.on_test[made_by[0]] == "test":
                read = read_line(line[line.index("/") :].partition(" ")[2], "test")
                by_keras_3 = line.find("acc") < line.find("loss")
                for accuracy, half, _ in read:
                    half, calls_in_it = max(half, KERAS_3_BAR * by_keras_3), frozenset(made_by)
                    yield Candidate(accuracy, half, cell.number, line, "bar", flags, calls_in_it)


def accuracy_position(flow):
    """Return where the accuracy stands in what `evaluate` returns; None if that is not clear."""
    positions = set()
    for site in flow.called("compile"):
        metrics = argument(site.node, 2, "metrics")
        parts = [ast.unparse(part).lower() for part in getattr(metrics, "elts", [metrics]) if part]
        positions |= {next((n for n, part in enumerate(parts, 1) if "acc" in part), None)}
    positions.discard(None)
    return positions.pop() if len(positions) == 1 else None


def last_epoch(candidates):
    """Return the last candidate if all of them were printed by one loop, else nothing."""
    shapes = {(candidate.cell, shape(candidate.line)) for candidate in candidates}
    flags = [candidate.flags for candidate in candidates]
    is_loop = all("loop" in own and not own & {"best", "several"} for own in flags)
    return candidates[-1:] if len(shapes) == 1 and is_loop else []


def final_accuracy(candidates, first_training, trains_in_loop):
    """Return (the final test accuracy or None, those that a person has to weigh, likeliest first).

    trains_in_loop: whether the code loops over epochs, so that a loop ends with the last epoch.
    """
    after = [one for one in candidates if one.cell >= first_training]
    doubts = UNCERTAIN - {"epoch", "loop", "mixed"}
    finals = [one for one in candidates if "final" in one.flags and not one.flags & doubts]
    clear = [one for one in after if not one.flags & (doubts if finals else UNCERTAIN)]
    clear = [one for one in clear if not finals or "final" in one.flags]
    # A bar counts if nothing shows more of what `evaluate` returned, a report if nothing else does.
    shown = set().union(*(one.evaluations for one in clear if one.source not in ("bar", "report")))
    clear = [one for one in clear if one.source != "bar" or not one.evaluations & shown]
    clear = [one for one in clear if one.source != "report"] or clear
    clear = clear or (last_epoch(after) if trains_in_loop else [])
    others = sorted(reversed(clear or candidates), key=lambda one: "final" not in one.flags)
    best = min(clear, key=lambda one: one.half_unit, default=None)
    return (best, []) if best and all(map(best.agrees, clear)) else (None, others)
