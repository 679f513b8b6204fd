"""Finds which curves a notebook shows: accuracy and loss, in training and validation."""

import ast
import base64
import binascii
import collections
import fnmatch
import itertools
import re

from checker.finding import FAILS, HOLDS, LOOK, Finding
from checker.flow import FUNCTIONS, UNKNOWN, Flow, argument, words_in
from checker.words import quantities, splits

TITLE = ("准确率与损失曲线", "curves of accuracy and loss")
PLOTS = set("plot errorbar semilogy semilogx loglog scatter step lineplot Scatter line".split())
CAPTIONS = set("title set_title suptitle ylabel set_ylabel legend set".split())
CURVES = {  # (quantity, split): Keras's name, Chinese and English
    ("accuracy", "training"): ("accuracy", "训练准确率", "accuracy in training"),
    ("accuracy", "validation"): ("val_accuracy", "验证准确率", "accuracy in validation"),
    ("loss", "training"): ("loss", "训练损失", "loss in training"),
    ("loss", "validation"): ("val_loss", "验证损失", "loss in validation"),
}
FRAME = re.compile(  # of a traceback, if the code is the notebook's
    r"(?:\bIn ?\[|ipython-input|ipykernel|\.ipynb)(?:.*?\bin (?:\w+\.){0,5}(\w+)\()?"
)
ARROW = re.compile(r"\s{0,9}-{2,}>\s{0,9}(\d{1,6})")
PICTURE_IN_HTML = re.compile(r"data:image/|<svg|<canvas|plotly|mpl\.figure|<video")
MOST_HELPERS = 200  # functions that are followed from one cell
SMALLEST = 100  # pixels that a person can read


def is_large(kind, data):
    """Return whether PNG or JPEG data in base64 is a picture of at least SMALLEST pixels each way."""
    try:
        start = base64.b64decode("".join(data)[:64])
    except (binascii.Error, ValueError, TypeError):
        return False
    if kind == "image/jpeg":
        return start.startswith(b"\xff\xd8")  # Its size stands further on; no icon is a JPEG.
    sides = [int.from_bytes(start[place : place + 4], "big") for place in (16, 20)]
    return start.startswith(b"\x89PNG") and min(sides) >= SMALLEST


def is_picture(output):
    """Return whether an output holds a picture that a person can read, also one made by JavaScript."""
    data = output.get("data", {})
    if "image/svg+xml" in data or any("plotly" in kind for kind in data):
        return True
    pages = [data.get(f"text/{kind}") for kind in ("html", "markdown")]
    pages = ["".join(page) for page in (*pages, data.get("application/javascript")) if page]
    pictures = [kind for kind in ("image/png", "image/jpeg") if kind in data]
    return any(map(PICTURE_IN_HTML.search, pages)) or any(
        is_large(kind, data[kind]) for kind in pictures
    )


def frames(cell):
    """Return (function or "", line) for each frame of the notebook's own in a cell's traceback."""
    found, function = [], ""
    tracebacks = [output["traceback"] for output in cell.outputs if "traceback" in output]
    text = "\n".join(tracebacks[0])[:100_000] if tracebacks else ""
    for line in re.sub(r"\x1b\[[0-9;]*m", "", text).split("\n"):
        header, arrow = FRAME.search(line[:400]), ARROW.match(line)
        if header:
            function = header[1] or ""
        elif arrow and function is not None:
            found.append((function, int(arrow[1])))
            function = None  # What follows is a library's, up to the next header.
    return found or [("", 0)] * len(tracebacks[:1])


def named_splits(text):
    """Return the parts of the data that a text names: "training", "validation" (or test)."""
    named = {"training" if split == "train" else "validation" for split in splits(text)}
    return named if len(named) < 2 else {"validation"}


def named_curves(text):
    """Return the curves that a text names; it is Keras's custom not to say "training"."""
    named = quantities(text) & {"accuracy", "loss"}
    return set(itertools.product(named, named_splits(text) or {"training"}))


def labelled(curves, label):
    """Return the curves that are drawn with a label, which decides as far as it says something."""
    known = curves - {UNKNOWN}
    if not (quantities(label) & {"accuracy", "loss"} or splits(label)):
        return curves
    named = quantities(label) & {"accuracy", "loss"} or {quantity for quantity, _ in known}
    parts = named_splits(label) or {split for _, split in known} or {"training"}
    return set(itertools.product(named, parts)) or curves


class CurveReader:
    """Finds the curves that each cell draws, itself or through functions that it calls.

    A curve is (quantity, split); UNKNOWN stands for some that Keras recorded, but not for which.
    """

    def __init__(self, flow):
        self.flow = flow
        has_validation = any(
            site.keywords & {"validation_data", "validation_split", None}
            for site in flow.calls
            if site.name.startswith("fit")
        )
        self.recorded = {
            names[0]: curve
            for curve, names in CURVES.items()
            if has_validation or curve[1] == "training"
        }
        # By the function's name, or for module code by the cell's number:
        self.plots, self.called = collections.defaultdict(list), collections.defaultdict(set)
        self.files = collections.defaultdict(set)  # by the cell's number and whether it is written
        for site in flow.calls:
            place, scope = site.cell.number, site.scope
            while scope.parent:
                place = scope.node.name if isinstance(scope.node, FUNCTIONS) else place
                scope = scope.parent
            self.called[place].add(site.name)
            if site.name in PLOTS:
                self.plots[place].append((site.node.lineno, self.drawn_by(site.node)))
            if site.name in ("savefig", "Image", "imread"):
                name = argument(site.node, 0, "fname", "filename")
                self.files[site.cell.number, site.name == "savefig"] |= flow.strings(name)

    def drawn_by(self, call):
        """Return the curves that one call draws: by its label, what is drawn, or what draws."""
        receiver = call.func.value if isinstance(call.func, ast.Attribute) else None
        data = [*call.args, argument(call, None, "data")]
        curves = set()
        for expressions in ([argument(call, None, "y")], data, [receiver]):
            curves = curves or set().union(*map(self.values_of, filter(None, expressions)))
        label = argument(call, None, "label", "name")
        labels = label and (self.flow.strings(label) or [words_in(label)])
        return set().union(*(labelled(curves, text) for text in labels)) if labels else curves

    def values_of(self, expression):
        """Return the curves that an expression stands for: by facts or else by its words."""
        names = self.flow.values(expression, "series")
        curves = set()
        for name in names - {UNKNOWN}:
            recorded = [key for key in self.recorded if "*" in name and fnmatch.fnmatch(key, name)]
            curves |= {self.recorded[key] for key in recorded} or named_curves(name)
        if curves or UNKNOWN in names:
            return curves or {UNKNOWN}
        curves = set().union(*map(named_curves, self.flow.strings(expression)))
        curves = curves or named_curves(words_in(expression))
        return set().union(*(labelled(curves, name) for name in names)) if names else curves

    def drawn_from(self, place):
        """Return the curves that a cell draws with all the functions that it calls."""
        places, waiting = {place}, [place]
        while waiting and len(places) < MOST_HELPERS:
            names = self.called.get(waiting.pop(), set())
            new = {name for name in names if name in self.called} - places
            places |= new
            waiting += new
        plots = [plot for place in places for plot in self.plots.get(place, ())]
        return set().union(*(curves for _, curves in plots))


def drawn_curves(notebook, reader):
    """Return the curves that each cell draws by its number, up to where it stopped with an error."""
    stops = {cell.number: frames(cell) for cell in notebook.cells if cell.tree}
    ends = {number: found[0][1] for number, found in stops.items() if found}
    cells = [cell for cell in notebook.cells if cell.tree]
    completed = CurveReader(Flow(cells, ends)) if ends else reader
    drawn = {}
    for number, found in stops.items():
        drawn[number] = completed.drawn_from(number)
        for function, end in found[1:]:  # of which only the lines before were run
            plots = reader.plots.get(function, ())
            drawn[number] = drawn[number].union(*(plot for line, plot in plots if line < end))
    return drawn


def shown_curves(notebook, reader):
    """Return the curves in the pictures that the outputs hold, and how many cells show pictures."""
    drawn = drawn_curves(notebook, reader)
    shown, pictures = set(), 0
    unseen, saved = set(), {}  # drawn, but not yet shown; by file name
    for cell in notebook.cells:
        curves = drawn.get(cell.number, set())
        saved |= dict.fromkeys(reader.files[cell.number, True], curves)
        if not any(map(is_picture, cell.outputs)):
            unseen |= curves
            continue
        pictures += 1
        shown = shown.union(
            curves,
            *(saved.get(name, ()) for name in reader.files[cell.number, False]),
            unseen if is_late_figure(cell) else (),
        )
    return shown, pictures


def is_late_figure(cell):
    """Return whether a cell only shows what was drawn before: `figure`, or plt.show()."""
    only = cell.tree.body[0] if cell.tree and len(cell.tree.body) == 1 else None
    value = getattr(only, "value", None) if isinstance(only, ast.Expr) else None
    return isinstance(value, ast.Name) or getattr(value, "func", None) and "show" in words_in(value)


def may_be_shown(reader):
    """Return the quantities that may be in pictures whose lines are not known.

    A function from elsewhere draws a history, or captions name them.
    """
    sites = [site for site in reader.flow.calls if any(map(is_picture, site.cell.outputs))]
    for site in sites:
        is_foreign = site.name not in PLOTS and site.name not in reader.flow.functions
        if is_foreign and re.search("(?i)plot|draw|curve|history", site.name):
            if any("history" in words_in(part).lower() for part in site.node.args):
                return {"accuracy", "loss"}
    plots = [site for site in sites if site.name in PLOTS]
    cells = {site.cell.number for site in plots if not reader.drawn_by(site.node)}
    captions = [site for site in sites if site.name in CAPTIONS and site.cell.number in cells]
    return set().union(*(quantities(words_in(site.node)) for site in captions))


def check(notebook):
    """Find whether all four curves are shown."""
    reader = CurveReader(notebook.flow)
    shown, pictures = shown_curves(notebook, reader)
    missing = {curve: names for curve, names in CURVES.items() if curve not in shown}
    needed = {quantity for quantity, split in missing}
    is_unsure = notebook.unreadable or UNKNOWN in shown or needed <= may_be_shown(reader)
    state = HOLDS if not missing else LOOK if pictures and is_unsure else FAILS
    chinese, english = ([names[n] for names in missing.values()] for n in (1, 2))
    return Finding(
        "curves",
        state,
        (
            f"{pictures} 个单元格有图" + f"，缺：{'、'.join(chinese)}" * bool(missing) + "。",
            f"{pictures} cells with pictures"
            + f"; missing: {', '.join(english)}" * bool(missing)
            + ".",
        ),
        (
            "请画出训练与验证的准确率和损失曲线，再全部运行。",
            "Plot accuracy and loss in training and validation, and Run All again.",
        ),
    )
