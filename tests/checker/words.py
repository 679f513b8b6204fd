"""What words mean in outputs and names, in any language, and what a line of numbers says.

Text is brought to one form first (`normalised`), then each word of vocabulary.toml is replaced by
its meaning, so that everything else handles a few English words.
"""

import ast
import functools
import re
import tomllib
import unicodedata
from pathlib import Path

VOCABULARY = tomllib.loads(Path(__file__).with_name("vocabulary.toml").read_text("utf-8"))
WORDS, PARTS = (
    "|".join(f"({'|'.join(entry.get(kind, ['(?!)']))})" for entry in VOCABULARY.values())
    for kind in ("words", "parts")
)
MEANING = re.compile(rf"\b(?=[a-z])(?:{WORDS})\b|{PARTS}")
MEANING_OF_GROUP = ["", *VOCABULARY, *VOCABULARY]
SPLITS = {"test", "train", "validation"}
QUANTITIES = {"accuracy", "loss", "measure"}
FLAGS = {"final", "model", "best", "average", "epoch", "class", "change", "another"}
OF_ANOTHER = {"class", "change", "another"}  # flags of a number that is not the network's accuracy
JOINING = {"and", "or", "to", "vs", "和", "与", "及"}

EAST_ASIAN = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
SCRIPT_BORDER = re.compile(f"(?<=[a-z0-9%])(?=[{EAST_ASIAN}])|(?<=[{EAST_ASIAN}])(?=[a-z0-9.])")
WORD_BORDER = re.compile(r"_|\.{2,}|(?<=[a-z])(?=[A-Z])|(?i:(?<=\btest)(?=acc))")
ARRAY_OF_ONE = re.compile(r"(?:np\.)?float\d\d\(([^()]{1,40})\)")
MARKUP = re.compile(r"\*\*|`|\\(?=%)|\A\W+(?=\w)|\ufe0f")
DECIMAL_COMMA = re.compile(r"(?<![\d.,])(0,\d\d+|\d{1,3},\d+(?= ?%))(?!\d|[.,]\d)")
THOUSANDS = re.compile(r"(?<![\d.,])([1-9]\d{0,2}),(\d{3})(?!\d|[.,]\d)")
PERCENT_BEFORE = re.compile(r"百分之\s{0,3}(\d[\d.]{0,20})")
OF_TEST_SET = re.compile(r"(?<![\w./])(\d{4}) ?/ ?10000\b")
NO_ACCURACY = re.compile(  # Ratios, changes, numbers of things, seconds.
    r"(?<![\w.])(?:(?>[\d.]+)(?: ?/ ?[\d.]+|\s*%?\s*change\b|(?= ?(?:m?s\b|秒|分钟)))"
    r"|[±+↑↓] ?[\d.]+(?: ?%)?"
    r"|(?>\d+)(?!\.\d)(?= ?(?:(?:epochs|images|samples|examples|pictures|test)\b|[张轮个幅次]))"
    r"|(?!100\b)\d{3,}\b(?!\.\d))"
)
TOKEN = re.compile(
    r"(?P<number>(?<![\w.])(?>\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+)(?!\w|\.\d))(?P<percentage>\s?%)?"
    r"|(?P<word>[^\W\d_]+)|(?P<sign>[^\w\s])"
)


def narrow(text):
    """Return text with the usual characters for digits, letters and signs of other widths."""
    # A Chinese comma separates two numbers, an ASCII one may stand for a decimal point.
    return unicodedata.normalize("NFKC", text.replace("，", ", "))


def normalised(text):
    """Return text in one form: width, case, borders between scripts and words, decimal points."""
    text = MARKUP.sub("", ARRAY_OF_ONE.sub(r"\1", narrow(text)))
    text = SCRIPT_BORDER.sub(" ", WORD_BORDER.sub(" ", text).lower())
    text = DECIMAL_COMMA.sub(lambda match: match[0].replace(",", "."), text)
    return PERCENT_BEFORE.sub(r" \1%", THOUSANDS.sub(r"\1\2", text))


@functools.lru_cache(maxsize=10_000)
def tokens(text):
    """Return a text's (kind, token) pairs: words replaced by their meaning, without counts."""
    text = OF_TEST_SET.sub(lambda match: f"0.{match[1]}", normalised(text))
    text = MEANING.sub(lambda match: f" {MEANING_OF_GROUP[match.lastindex]} ", text)
    matches = TOKEN.finditer(NO_ACCURACY.sub(" ", text))
    return tuple((match.lastgroup, match["number"] or match[0]) for match in matches)


@functools.lru_cache(maxsize=10_000)
def meanings(text):
    """Return the set of words in a text, those with a meaning replaced by it."""
    return frozenset(token for kind, token in tokens(text) if kind == "word")


def quantities(text):
    """Return which quantities a text or name speaks of: a subset of QUANTITIES."""
    return meanings(text) & QUANTITIES


def splits(text):
    """Return what data a text or name speaks of: a subset of SPLITS and "evaluation"."""
    return meanings(text) & (SPLITS | {"evaluation"})


def named_split(expression):
    """Return what an expression's names speak of: a subset of "test", "train" (or validation)."""
    names = [getattr(node, "id", getattr(node, "attr", "")) for node in ast.walk(expression)]
    found = splits(" ".join(name for name in names if isinstance(name, str)))
    return {"test" if split == "test" else "train" for split in found & SPLITS}


def is_on_test(call, flow):
    """Return what an evaluation is of: "test", "train" (or validation), "" if that is not told."""
    keywords = [keyword.value for keyword in call.keywords if keyword.arg in ("x", "y", "y_true")]
    arguments = [*call.args[:3], *keywords]
    named = set().union(*map(named_split, arguments))
    facts = {kind for expression in arguments for kind, _ in flow.facts(expression)}
    reached = facts & {"test", "train"}
    if not named or reached == {"test"}:
        named = reached
    elif named == {"test"} and reached == {"train"}:
        return ""  # Called a test, but split off from the training images.
    return named.pop() if len(named) == 1 else ""


def numbers_in(text):
    """Return (digits, whether it is a percentage) for the numbers that may be an accuracy."""
    kinds = ("number", "percentage")
    return [(token, kind == "percentage") for kind, token in tokens(text) if kind in kinds]


def fraction(digits, is_percent):
    """Return (fraction, half of the last digit's unit) for digits; None for what is no accuracy."""
    number, places = float(digits), len(digits.partition("e")[0].partition(".")[2])
    if "." not in digits and not is_percent and not 10 <= number <= 100:
        return None
    # 0.9131 % is what a program writes that has forgotten to multiply.
    scale = 0.01 if number > 1 or is_percent and number == 1 else 1
    return (number * scale, 0.5 * 10**-places * scale) if 0 < number * scale <= 1 else None


class LineReader:
    """Reads a line from left to right: which split and quantity the words name for a number."""

    def __init__(self, default_split):
        self.split = None  # named since the last number
        self.former_split = default_split
        self.flags, self.groups = set(), [[]]
        self.named = []  # [quantity, split] of the next numbers, in their order
        self.used = 0  # how many numbers these words had
        self.form = None  # how the last is written
        self.behind_colon = self.behind_number = self.behind_other_word = False

    def read_word(self, word):
        """Take note of a word."""
        if self.behind_number:
            # "Average loss: 0.3, accuracy: 0.9": that was said of the loss only.
            self.flags &= {"epoch", "final", "class"}
        self.behind_number = False
        if word in QUANTITIES:
            # "Test loss, accuracy: 0.3, 0.9" names two numbers, "Test error: accuracy: 0.9" one.
            self.named = [] if self.behind_colon or self.used else self.named
            self.named.append([word, self.split])
            self.used, self.behind_colon, self.behind_other_word = 0, False, False
            self.groups.append([])
        elif word in SPLITS:
            self.split = word
            for entry in self.named:
                entry[1] = word if self.used else entry[1] or word
        elif word in FLAGS:
            self.flags.add(word)
        elif self.used and word not in JOINING:
            self.behind_other_word = True

    def read_number(self, digits, is_percentage):
        """Take note of a number."""
        form = is_percentage, len(digits.partition(".")[2])
        if not self.named:
            self.behind_number = any(form)  # "The baseline has 88.6 %, the test accuracy is 91.3 %"
        elif not self.behind_other_word or form == self.form:
            # "Accuracy 0.9131, size 12" has one accuracy, "CNN 0.9131, MLP 0.8832" has two.
            quantity, split = self.named[min(self.used, len(self.named) - 1)]
            split, read = split or self.former_split, fraction(digits, is_percentage)
            is_test = split == "test" or split is None and self.flags >= {"final", "model"}
            if quantity == "accuracy" and is_test and read:
                self.groups[-1].append((*read, frozenset(self.flags)))
            self.used, self.form, self.behind_number = self.used + 1, form, True
            self.split, self.former_split = None, self.split or self.former_split


def read_line(text, default_split=None):
    """Return [(fraction, half unit, flags)] for the numbers that words call a test accuracy."""
    reader = LineReader(default_split)
    for kind, token in tokens(text):
        if kind == "word":
            reader.read_word(token)
        elif kind != "sign":
            reader.read_number(token, kind == "percentage")
        elif token in ":=":
            reader.behind_colon = True
        elif token in "<>≥≤":
            reader.flags.add("another")
    # "Accuracy loss: 0.31" names two quantities, but has one number.
    is_short = reader.used == 1 < len({quantity for quantity, _ in reader.named})
    found = []
    for group in reader.groups:
        own = [read for read in group if not read[2] & OF_ANOTHER]
        differ = is_short or any(abs(read[0] - own[0][0]) > read[1] + own[0][1] for read in own)
        found += [(*read, flags | {"several"} if differ else flags) for *read, flags in group]
    return found or number_before_words(text, default_split)


def number_before_words(text, default_split):
    """Return the same for "91.31 % accuracy on the test set", with words of nothing else."""
    words, numbers = meanings(text) & (QUANTITIES | SPLITS | FLAGS), numbers_in(text)
    words |= {"test"} if default_split == "test" and not words & SPLITS else set()
    expected = {"test", "accuracy"}
    if len(numbers) != 1 or not expected <= words <= expected | {"final", "model"}:
        return []
    read = fraction(*numbers[0]) if "." in numbers[0][0] else None
    return [(*read, frozenset(words - expected))] if read else []


def with_headings(lines):
    """Yield (line, what it says together with the heading or the table's head above it)."""
    heading = ""
    for line in lines:
        words, numbers = meanings(line), numbers_in(line)
        above = [token for _, token in tokens(heading)]
        named = QUANTITIES if quantities(heading) else SPLITS
        columns = [token for token in above if token in named]
        said_above = set(above) & (SPLITS | OF_ANOTHER)
        if not words and not numbers:
            heading = heading if line.strip() else ""
        elif not numbers:
            is_below = heading and not words & SPLITS and not quantities(heading)
            is_heading = words & (QUANTITIES | SPLITS | OF_ANOTHER)
            heading = f"{heading} {line}" if is_below and is_heading else line if is_heading else ""
            yield line, line
        elif words & QUANTITIES and not quantities(heading) and 1 < len(columns) == len(numbers):
            quantity = " ".join(words & QUANTITIES)
            cells = [f"{digits}{'%' * is_percentage}" for digits, is_percentage in numbers]
            yield line, ", ".join(f"{split} {quantity} {n}" for split, n in zip(columns, cells))
        elif words & QUANTITIES:
            yield line, line if len(said_above & SPLITS) > 1 else f"{' '.join(said_above)}: {line}"
        elif "epoch" in above and len(numbers) == len(columns) + 1:
            yield line, f"{' '.join(above)} {line.replace(numbers[0][0], '', 1)}"
        elif columns and len(numbers) == len(columns):
            above = [token for token in above if not words & SPLITS or token not in SPLITS]
            yield line, f"{' '.join(above)} {line}"
