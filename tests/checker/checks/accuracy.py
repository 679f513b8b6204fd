"""Reads the test accuracy that a notebook's outputs state, and the marks, as a person would.

Words say whether a number is a test accuracy; where they do not, the code does that showed the number.
"""

import ast
import collections
import dataclasses
import math
import re

from checker.flow import argument, called_name
from checker.finding import printable
from checker.words import is_on_test

LONGEST_LINE = 400  # characters that are read
MOST_LINES = 5_000  # with an accuracy in them, the last ones
MOST_TEXTS = 50  # that stand before an accuracy in a cell, the last ones
LOOP = 3  # lines of the same shape in a cell
KERAS_3_BAR = 0.006  # its last figure differs that much from what `evaluate` returns
TRANSLATIONS = {  # what stands for the same in another language
    " accuracy ": "准确率|准确度|正确率|精确度|精度|準確率|準確度|正確率|正解率|정확도|acur[aá]cia|akurasi"
                  "|exactitude?|genauigkeit|accuratezza|точность|doğru(?:luk|luğu)|độ chính xác"
                  r"|доля (?:правильных|верных) ответов|correct rate|\baccs?\b|\baccuracies\b",
    " test ": r"测试|測試|テスト|테스트|тестов\w{0,9}|\btest(?:ing|s|e|es)\b|\btst\b|prueba",
    " train ": r"训练|訓練|обучающ\w{0,9}|\btraining\b|学習|훈련|treino",
    " validation ": r"验证|驗證|\bval\b|\bvalid\b|\bdev\b|검증|проверочн\w{0,9}|valida[cç][aã]o",
    " loss ": "损失|損失|потер[ьи]|손실|perda",
    " final ": "最终|最終|最后",
    " model ": r"模型|网络|\b(?:models?|network|classifier)\b",
    " best ": r"最佳|最高|最好|\b(?:highest|max|maximum|greatest|peak)\b",
    " average ": r"平均|\bmean\b|\bavg\b",
    " target ": r"目标|要求|\b(?:goal|expect(?:ed)?|threshold|baseline|random|previous|before|untrained|initial"
                r"|should|least|than|above|need(?:ed)?|required)\b",
    " epoch ": r"第\s{0,3}\d{1,4}\s{0,3}[轮次]|\b(?:iteration|iter|step|batch|fold)\b",
    " class ": r"类别|每类|\b(?:label|digit|shirt|trouser|pullover|dress|coat|sandal|sneaker|bag|boot|top|per)\b",
    " precision ": r"精确率|召回率|\b(?:recall|f1|auc|error|err|mse|mae|time|seconds|kappa)\b",
    " -- ": r"[-=—–]{1,3}[>》]|→|⇒",
}
TRANSLATION = re.compile("|".join(f"(?P<g{n}>{words})" for n, words in enumerate(TRANSLATIONS.values())), re.IGNORECASE)
NORMAL_FORMS = list(TRANSLATIONS)
MENTION = re.compile(f"(?i)acc|{TRANSLATIONS[' accuracy ']}")
TOKEN = re.compile(r"(?P<number>(?<![\w.])(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+)(?!\w))"
                   r"|(?P<word>[^\W\d_]+)|(?P<sign>[^\w\s])|_")
SPLITS, QUANTITIES = {"test", "train", "validation"}, {"accuracy", "loss", "precision"}
FLAGS = {"final", "model", "best", "average", "target", "epoch", "class"}
UNLIKE_ACCURACY = {"train", "validation", "loss", "precision", "target", "class", "best", "average", "epoch"}
INERT = {"epochs", "images", "samples", "examples", "pictures", "test", "s", "ms", "张", "轮", "个", "幅", "次"}
NUMBERS = re.compile(r"(?:np\.)?float\d\d\(([^()]{1,40})\)")
NO_NUMBER = re.compile(r"[^\d\s.,()\[\]e-]")
NUMBER = re.compile(r"\d+\.\d*(?:e-?\d+)?|\d+")
BAR = re.compile(r"\s*(\d{1,7})/(\d{1,7})\b.*?\b(?:loss|acc)")
REPORT = re.compile(r"\s*accuracy\s{1,60}([01]\.\d{1,9})\s{1,60}(\d{1,9})\s*\Z")
SCORE = re.compile(  # The course's, not "F1 score" or "score for class 3".
    r"(?im)(?:\b(?:course|final|total|my|your|our|overall)[ _]?(?:score|grade|mark)|\b(?:grade|marks?)|"
    r"(?:^|[,;|，；。])\W{0,9}score|(?<![a-z0-9])(?:总|最终|课程|我的)?(?:得分|成绩|总分|评分))"
    r"(?:\s{0,9}[(（][^)）\n]{0,20}[)）])?(?:\s{0,9}(?:is|为|是))?[\s:：=|]{0,20}"
    r"(?:(10|\d)(?:\.0{1,9})?\s{0,3}(?:/\s{0,3}10\b|分|points?\b|out of 10\b)|(10(?:\.0{1,9})?|\d)(?![\d.]|\s*%|\s*/))")


@dataclasses.dataclass
class Candidate:
    """A number that may be the test accuracy: a fraction, half of its last digit's unit, and where it stands."""

    accuracy: float
    half_unit: float
    cell: int
    line: str
    source: str = "printed"  # or "evaluate", "bar", "report"
    flags: frozenset = frozenset()
    evaluations: frozenset = frozenset()  # the calls that computed it, as far as the code tells

    def is_clear(self):
        """Return whether nothing speaks against its being the final one."""
        return not self.flags & {"best", "average", "epoch", "loop", "several", "mixed", "unsaid"}

    def agrees(self, other):
        """Return whether both may be the same number, one of them rounded."""
        return abs(self.accuracy - other.accuracy) <= 1.001 * max(self.half_unit, other.half_unit) + 1e-9


def course_score(accuracy):
    """Return the course's mark for a fraction from 0 to 1: the rule of the notebook, whose code is not run here."""
    percent = round(100 * accuracy, 4)
    return max(0, 6 - math.ceil(max(0, 87 - percent))) + 2 * (percent >= 88) + 2 * (percent >= 88.6)


def possible_marks(candidate):
    """Return the marks that a printed accuracy allows, of which the first is that of its digits as they stand."""
    accuracy, half = candidate.accuracy, candidate.half_unit
    if half <= 0.51e-4:
        return [course_score(round(accuracy, 4) if abs(accuracy - round(accuracy, 4)) < 1e-6 else accuracy)]
    ends = (max(0, accuracy - half), min(1, accuracy + half))
    return list(dict.fromkeys([course_score(accuracy), *map(course_score, ends)]))


def readable_lines(cell):
    """Return the lines of a cell's outputs, as much of each as a person reads."""
    return [line[:LONGEST_LINE] for line in cell.text.split("\n")]


def stated_marks(notebook):
    """Return the marks of 10 that the outputs state."""
    lines = [line for cell in notebook.cells for line in readable_lines(cell)]
    return {int(float(first or second)) for first, second in SCORE.findall("\n".join(lines))}


def tokens_of(line):
    """Return the words, numbers and signs of a line, with words of other languages turned into English."""
    line = NUMBERS.sub(r"\1", line)
    line = re.sub(r"(?<=[a-z])(?=[A-Z])|(?i:(?<=\btest)(?=acc))", " ", line).replace("_", " ")
    line = TRANSLATION.sub(lambda match: NORMAL_FORMS[int(match.lastgroup[1:])], line)
    return [(match.lastgroup, match[0].lower()) for match in TOKEN.finditer(line) if match.lastgroup]


def fraction(digits, is_percent):
    """Return (fraction, half of the last digit's unit) for a number's digits, or None if it is no accuracy."""
    number, places = float(digits), len(digits.partition("e")[0].partition(".")[2])
    if "." not in digits and not is_percent and not 10 <= number <= 100:
        return None
    # 0.9131 % is what a program writes that has forgotten to multiply.
    scale = 0.01 if number > 1 or is_percent and number == 1 else 1
    return (number * scale, 0.5 * 10**-places * scale) if 0 < number * scale <= 1 else None


class LineReader:
    """Reads a line from left to right: which part of the data and which quantity the words before a number name."""

    def __init__(self, default_split):
        self.split, self.flags, self.groups = default_split, set(), []
        self.quantities, self.used = [], 0  # what the next numbers are, and how many of them there were
        self.behind_colon = False

    def read_word(self, word):
        """Take note of a word."""
        if self.used:
            self.flags &= {"epoch", "final"}  # "Average loss: 0.3, accuracy: 0.9": that was said of the loss only.
        if word in QUANTITIES:
            # "Test loss, accuracy: 0.3, 0.9" names two numbers; "Test error: accuracy: 0.9" only one.
            self.quantities = [word] if self.behind_colon or self.used else [*self.quantities, word]
            self.behind_colon, self.used = False, 0
            self.groups.append([])
        elif word in SPLITS:
            self.split = word
        elif word in FLAGS:
            self.flags.add(word)
        elif self.used:
            self.quantities = []  # "accuracy 0.9, time 12": the second number has a name of its own.

    def read_number(self, digits, is_percent):
        """Take note of a number."""
        if self.quantities:
            quantity = self.quantities[min(self.used, len(self.quantities) - 1)]
            read = fraction(digits, is_percent)
            is_test = self.split == "test" or self.split is None and self.flags >= {"final", "model"}
            if quantity == "accuracy" and is_test and read:
                self.groups[-1].append((*read, frozenset(self.flags)))
            self.used += 1


def read_line(line, default_split=None):
    """Return [(fraction, half unit, flags)] for the numbers in a line that its words call a test accuracy."""
    tokens, reader = tokens_of(line), LineReader(default_split)
    for position, (kind, token) in enumerate(tokens):
        if kind == "word":
            reader.read_word(token)
        elif kind == "number" and not is_inert(tokens, position):
            reader.read_number(token, any(sign == "%" for _, sign in tokens[position + 1:position + 2]))
        elif kind == "sign":
            reader.behind_colon = reader.behind_colon or token in ":=："
            reader.flags |= {"target"} if token in "<>≥≤" else set()
    found = number_before_words(tokens) if not any(reader.groups) else []
    for group in reader.groups:
        several = {"several"} if any(abs(read[0] - group[0][0]) > read[1] + group[0][1] for read in group) else set()
        found += [(accuracy, half_unit, flags | several) for accuracy, half_unit, flags in group]
    return found


def number_before_words(tokens):
    """Return what `read_line` does for "91.31 % accuracy on the test set": one number, and words of nothing else."""
    words = {token for kind, token in tokens if kind == "word"} & (QUANTITIES | SPLITS | FLAGS)
    numbers = [(token, position) for position, (kind, token) in enumerate(tokens)
               if kind == "number" and not is_inert(tokens, position)]
    if len(numbers) != 1 or not {"test", "accuracy"} <= words <= {"test", "accuracy", "final", "model"}:
        return []
    [(digits, position)] = numbers
    read = fraction(digits, tokens[position + 1:position + 2] == [("sign", "%")])
    return [(*read, frozenset(words - {"test", "accuracy"}))] if read and "." in digits else []


def is_inert(tokens, position):
    """Return whether a number in a line only counts something: 10000 images, 9131/10000, 20 epochs."""
    following = [token for _, token in tokens[position + 1:position + 2]]
    previous = [token for _, token in tokens[max(0, position - 1):position]]
    digits = tokens[position][1]
    is_count = "." not in digits and (following and following[0] in INERT or float(digits) > 100)
    return bool(is_count or "/" in following or "/" in previous or previous == ["±"])


def each_last(lines):
    """Return the different lines, each where it stands last."""
    return list(dict.fromkeys(reversed(lines)))[::-1]


def shape(line):
    """Return what lines that a loop has printed have in common."""
    return re.sub(r"\d+(?:\.\d+)?", "#", line.strip())


@dataclasses.dataclass
class PrintedPart:
    """A value that is printed, and the text right before it."""

    text: str
    value: ast.expr


def printed_parts(expressions):
    """Yield the values in what one call prints that have a text right before them."""
    text = ""
    for expression in expressions:
        if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
            text = expression.value.strip()
            continue
        parts = expression.values if isinstance(expression, ast.JoinedStr) else []
        if isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.Mod):
            yield PrintedPart(text_before(expression.left, "%"), expression)
        elif isinstance(expression, ast.Call) and called_name(expression) == "format":
            yield PrintedPart(text_before(getattr(expression.func, "value", None), "{"), expression)
        elif len(parts) in (2, 3) and isinstance(parts[1], ast.FormattedValue):
            yield PrintedPart(text_before(parts[0], "\n"), parts[1].value)
        elif text:
            yield PrintedPart(text, expression)
        text = ""


def text_before(expression, mark):
    """Return what stands before a mark in a written string; "" for any other expression."""
    value = getattr(expression, "value", "")
    return value.strip().partition(mark)[0].strip() if isinstance(value, str) else ""


class AccuracyReader:
    """Finds the candidates for a notebook's test accuracy, by its outputs and by what its code shows there."""

    def __init__(self, notebook, flow):
        self.notebook, self.flow = notebook, flow
        self.on_test = {number: is_on_test(site.node, flow) for number, site in enumerate(flow.calls)
                        if called_name(site.node).startswith("evaluate") or "accuracy" in called_name(site.node)}
        self.position = accuracy_position(flow)
        self.puzzles = []  # lines that name a test accuracy, without a number that could be one
        self.calls_of = collections.defaultdict(list)
        for number, site in enumerate(flow.calls):
            self.calls_of[site.cell.number].append((number, site))

    def candidates(self):
        """Return all candidates, in the notebook's order, those of a loop marked as such."""
        found = []
        for cell in self.notebook.cells:
            here = list(self.in_cell(cell))
            shapes = collections.Counter(map(shape, readable_lines(cell))) if here else {}
            for candidate in here:
                if shapes[shape(candidate.line)] >= LOOP:
                    candidate.flags |= {"loop"}
            found += here
        return [candidate for candidate in found if not candidate.flags & {"target", "class"}
                and ("unsaid" not in candidate.flags or not candidate.flags & {"loop", "epoch", "best"})]

    def in_cell(self, cell):
        """Yield the candidates in a cell's outputs."""
        shown = list(self.shown_expressions(cell)) if cell.tree else []
        evaluations = self.evaluations([part for expressions in shown for part in expressions])
        kinds = {self.on_test.get(number) for number in evaluations | self.evaluations([cell.tree])} or {""}
        default_split = kinds.pop() or None if evaluations and len(kinds) == 1 else None
        lines = readable_lines(cell)
        mentions = [line for line in lines if MENTION.search(line)][-MOST_LINES:]
        for line in each_last(mentions):
            if not BAR.match(line) and not REPORT.match(line):
                yield from self.in_words(cell, line, default_split, evaluations)
        if evaluations:
            last_lines = each_last(lines[-MOST_LINES:])
            yield from self.in_prints(cell, last_lines, shown)
            yield from self.in_numbers(cell, last_lines, shown)
        yield from self.in_bars(cell, [line for line in mentions if BAR.match(line)])
        for match in filter(None, map(REPORT.match, each_last(mentions))):
            if match[2] == "10000":
                yield Candidate(*fraction(match[1], False), cell.number, match[0].strip(), "report")

    def in_words(self, cell, line, default_split, evaluations):
        """Yield the candidates that a line's own words name, or the code if they say "accuracy" alone.

        Where neither says of what an accuracy is, a person may know.
        """
        said = read_line(line, default_split)
        if not said and {("word", "test"), ("word", "accuracy")} <= set(tokens_of(line)):
            self.puzzles.append(f"[{cell.number}] {printable(line.strip(), 70)}")
        source = "printed" if read_line(line) else "evaluate"
        for accuracy, half_unit, flags in said or (read_line(line, "test") if default_split is None else []):
            unsaid = frozenset() if said else frozenset({"unsaid"})
            yield Candidate(accuracy, half_unit, cell.number, line, source, flags | unsaid, evaluations)

    def evaluations(self, trees):
        """Return the numbers of the evaluations that some code makes or handles the results of."""
        if not self.on_test:
            return frozenset()
        return frozenset(number for tree in trees if tree for node in ast.walk(tree) if isinstance(node, ast.expr)
                         for kind, number in self.flow.facts(node) if kind in ("score", "accuracy"))

    def shown_expressions(self, cell):
        """Yield what a cell prints together or displays as its value, as a list of expressions."""
        for _, site in self.calls_of[cell.number]:
            if called_name(site.node) in ("print", "display"):
                yield site.node.args
        last = cell.tree.body[-1] if cell.tree.body else None
        if isinstance(last, ast.Expr):
            yield last.value.elts if isinstance(last.value, ast.Tuple) else [last.value]

    def in_numbers(self, cell, lines, shown):
        """Yield the candidates in lines of nothing but numbers, where the code tells which of them it is."""
        places = collections.defaultdict(set)  # by how many numbers are shown together, and the position of one
        for expressions in shown:
            for position, expression in enumerate(expressions):
                scores = self.values_on_test(expression, "score")
                if not scores:
                    places[len(expressions), position] |= self.values_on_test(expression, "accuracy")
                elif len(expressions) == 1 and self.position:
                    places["a list", self.position] |= scores
        places = {place: evaluations for place, evaluations in places.items() if evaluations}
        for line in lines if places else ():
            plain = NUMBERS.sub(r"\1", line)
            numbers = NUMBER.findall(plain) if not NO_NUMBER.search(plain) else []
            for (count, position), evaluations in places.items():
                if position < len(numbers) and count in (len(numbers), "a list"):
                    yield from self.numeric(cell, line, numbers[position], evaluations)

    def in_prints(self, cell, lines, shown):
        """Yield the candidates behind a printed text of whatever language, where the code prints an accuracy alone."""
        texts = collections.defaultdict(set)
        for part in (part for expressions in shown for part in printed_parts(expressions)):
            if part.text:
                texts[part.text] |= self.values_on_test(part.value, "accuracy")
        for start, evaluations in [(start, found) for start, found in texts.items() if found][-MOST_TEXTS:]:
            words = {token for kind, token in tokens_of(start) if kind == "word"}
            for line in lines if not words & (UNLIKE_ACCURACY | {"accuracy"}) else ():
                numbers = NUMBER.findall(line.strip()[len(start):]) if line.strip().startswith(start) else []
                if len(numbers) == 1:
                    yield from self.numeric(cell, line, numbers[0], evaluations)

    def values_on_test(self, expression, kind):
        """Return the evaluations whose results can reach an expression, if all of them are on the test data."""
        values = self.flow.values(expression, kind)
        return values if {self.on_test.get(value) for value in values} == {"test"} else set()

    def numeric(self, cell, line, digits, evaluations):
        """Yield the candidate of some digits that the code says are an accuracy."""
        read = fraction(digits, False) if "." in digits else None
        if read:
            yield Candidate(*read, cell.number, line.strip(), "evaluate", frozenset(), frozenset(evaluations))

    def in_bars(self, cell, bars):
        """Yield the candidates in the progress bars of `evaluate`."""
        names = [called_name(site.node) for _, site in self.calls_of[cell.number]]
        calls = [number for number, site in self.calls_of[cell.number]
                 if called_name(site.node).startswith("evaluate") and isinstance(site.node.func, ast.Attribute)]
        unknown = len(bars) != len(calls) or any(name.startswith("fit") for name in names)
        if not calls or unknown and {self.on_test[number] for number in calls} != {"test"}:
            return
        for position, line in enumerate(bars):
            evaluations = frozenset(calls) if unknown else frozenset({calls[position]})
            if not unknown and self.on_test[calls[position]] != "test" or "val_" in line:
                continue
            flags = frozenset({"mixed"}) if unknown and len(bars) != 1 else frozenset()
            for accuracy, half_unit, _ in read_line(line[line.index("/"):].partition(" ")[2], "test"):
                by_keras_3 = line.find("acc") < line.find("loss")
                yield Candidate(accuracy, max(half_unit, KERAS_3_BAR * by_keras_3), cell.number, line, "bar", flags,
                                evaluations)

def accuracy_position(flow):
    """Return where the accuracy stands in the list that `evaluate` returns; None if that is not clear."""
    positions = set()
    for site in flow.calls:
        metrics = argument(site.node, 2, "metrics") if called_name(site.node) == "compile" else None
        parts = metrics.elts if isinstance(metrics, (ast.List, ast.Tuple)) else [metrics] if metrics else []
        named = [n for n, part in enumerate(parts, start=1) if "acc" in ast.unparse(part).lower()]
        positions |= set(named[:1])
    return positions.pop() if len(positions) == 1 else None


def without_outdone(candidates, first_training):
    """Return the candidates that count: none from before the training, no bar where its `evaluate` says more."""
    trained = [candidate for candidate in candidates if candidate.cell >= first_training]
    better = [candidate for candidate in trained if candidate.source not in ("bar", "report")]
    shown = set().union(*(candidate.evaluations for candidate in better))
    bars = [candidate for candidate in trained if candidate.source == "bar" and not candidate.evaluations & shown]
    reports = [] if better or bars else [candidate for candidate in trained if candidate.source == "report"]
    return better + bars + reports


def last_epoch(candidates):
    """Return the last candidate if all of them were printed by one loop, else nothing."""
    shapes = {(candidate.cell, shape(candidate.line)) for candidate in candidates}
    is_loop = all("loop" in candidate.flags and not candidate.flags & {"best", "several"} for candidate in candidates)
    return candidates[-1:] if len(shapes) == 1 and is_loop else []


def final_accuracy(candidates, first_training=0, trains_in_loop=False):
    """Return (candidate, others): the final test accuracy, or None and the candidates that a person has to weigh.

    trains_in_loop: whether the code has a loop over epochs, so that the last number of a loop is the last epoch's.
    """
    finals = [candidate for candidate in candidates
              if "final" in candidate.flags and not candidate.flags & {"best", "average", "several", "unsaid"}]
    clear = finals or [candidate for candidate in candidates if candidate.is_clear()]
    clear = without_outdone(clear, first_training) or (last_epoch(candidates) if trains_in_loop else [])
    if not clear:
        return None, candidates
    best = min(clear, key=lambda candidate: candidate.half_unit)
    return (best, []) if all(map(best.agrees, clear)) else (None, clear)


def described(candidates):
    """Return some candidates for people: the number, its cell, its line."""
    chosen = candidates[:3] + candidates[-1:] * (len(candidates) > 3)
    return "; ".join(f"{candidate.accuracy:.4g} [{candidate.cell}] {printable(candidate.line.strip(), 70)}"
                     for candidate in chosen)
