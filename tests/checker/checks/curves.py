"""Finds which curves a notebook shows: accuracy and loss, in training and validation."""

import ast
import base64
import binascii
import collections
import re

from checker.finding import FAILS, HOLDS, LOOK, Finding
from checker.flow import argument, called_name

TITLE = ("准确率与损失曲线", "curves of accuracy and loss")
PLOTS = {"plot", "errorbar", "semilogy", "semilogx", "loglog", "scatter", "step", "lineplot", "Scatter", "line"}
CAPTIONS = {"title", "set_title", "suptitle", "ylabel", "set_ylabel", "legend", "set"}
CURVES = {  # (quantity, split): Chinese and English
    ("accuracy", "training"): ("训练准确率", "accuracy in training"),
    ("accuracy", "validation"): ("验证准确率", "accuracy in validation"),
    ("loss", "training"): ("训练损失", "loss in training"),
    ("loss", "validation"): ("验证损失", "loss in validation"),
}
QUANTITIES = {"accuracy": re.compile(r"(?i)(?<![a-z])acc(?:s|uracy|uracies)?(?![a-z])|准确率|正确率|精度|准确度"),
              "loss": re.compile(r"(?i)loss|(?<![a-z])costs?(?![a-z])|损失")}
VALIDATION = re.compile(r"(?i)(?<![a-z])(?:val|valid|validation|test|testing|dev|eval)(?![a-z])|验证|测试")
ERROR_LINE = re.compile(r"-{2,}>\s{0,9}(\d{1,6})")
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
    sides = [int.from_bytes(start[position:position + 4], "big") for position in (16, 20)]
    return start.startswith(b"\x89PNG") and min(sides) >= SMALLEST


def is_picture(output):
    """Return whether an output holds a picture that a person can read, also one made by JavaScript."""
    data = output.get("data", {})
    if "image/svg+xml" in data or any("plotly" in kind for kind in data):
        return True
    pages = ["".join(data[kind]) for kind in ("text/html", "application/javascript", "text/markdown")
             if isinstance(data.get(kind), (str, list))]
    return (any(PICTURE_IN_HTML.search(page) for page in pages)
            or any(is_large(kind, data[kind]) for kind in ("image/png", "image/jpeg") if kind in data))


def named_curves(words):
    """Return the curves that these words, such as the parts of an expression, name together."""
    split = "validation" if any(map(VALIDATION.search, words)) else "training"
    return {(quantity, split) for quantity, pattern in QUANTITIES.items() if any(map(pattern.search, words))}


def words_in(expression):
    """Return the names and strings in an expression, with blanks for underscores."""
    fields = ("id", "attr", "value", "arg")
    words = [getattr(node, field, None) for node in ast.walk(expression) for field in fields]
    return [word.replace("_", " ") for word in words if isinstance(word, str)]


class CurveReader:
    """Finds the curves that each cell draws, itself or through functions that it calls."""

    def __init__(self, flow):
        self.flow = flow
        fits = [site.node for site in flow.calls if called_name(site.node).startswith("fit")]
        self.splits = ["training"] + ["validation"] * any(
            keyword.arg in ("validation_data", "validation_split", None) for fit in fits for keyword in fit.keywords)
        self.plots, self.called = {}, {}  # by the function's name, or for module code by the cell's number
        self.files = collections.defaultdict(set)  # names given to a function, by the cell's number and its name
        for site in flow.calls:
            place = site.cell.number
            scope = site.scope
            while scope.parent:
                if isinstance(scope.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    place = scope.node.name
                scope = scope.parent
            self.called.setdefault(place, set()).add(called_name(site.node))
            if called_name(site.node) in PLOTS:
                self.plots.setdefault(place, []).append((site.node.lineno, self.drawn_by(site.node)))
            for expression in site.node.args[:1] if called_name(site.node) in ("savefig", "Image", "imread") else ():
                self.files[site.cell.number, called_name(site.node)] |= flow.values(expression, "string")

    def drawn_by(self, call):
        """Return the curves that one call draws, by the values that reach it or else by its label."""
        receiver = [call.func.value] if isinstance(call.func, ast.Attribute) else []
        expressions = [*receiver, *call.args,
                       *(keyword.value for keyword in call.keywords if keyword.arg in ("x", "y", "data"))]
        curves = set()
        for expression in expressions:
            curves |= named_curves(words_in(expression))
            for key in self.flow.values(expression, "series"):
                curves |= self.recorded() if key == "*" else named_curves([str(key).replace("_", " ")])
        label = argument(call, None, "label", "name")
        return curves or (named_curves(words_in(label)) if label else set())

    def recorded(self):
        """Return all curves that Keras recorded."""
        return {(quantity, split) for quantity in QUANTITIES for split in self.splits}

    def drawn_in(self, cell):
        """Return the curves that a cell draws, up to the line where it stopped with an error."""
        last_line = line_of_error(cell)
        places, waiting = {cell.number}, [cell.number]
        while waiting and len(places) < MOST_HELPERS:
            names = self.called.get(waiting.pop(), set())
            new = {name for name in names if name in self.plots or name in self.called} - places
            places |= new
            waiting += new
        return set().union(*(curves for place in places for line, curves in self.plots.get(place, [])
                             if isinstance(place, str) or line < last_line))


def line_of_error(cell):
    """Return the line at which a cell stopped, 0 if it is not known, or infinity if it did not stop."""
    tracebacks = ["\n".join(output["traceback"]) for output in cell.outputs if output["output_type"] == "error"]
    if not tracebacks:
        return float("inf")
    match = ERROR_LINE.search(re.sub(r"\x1b\[[0-9;]*m", "", tracebacks[0][:100_000]))
    return int(match[1]) if match else 0


def shown_curves(notebook, reader):
    """Return the curves in the pictures that the outputs hold, and how many cells show pictures."""
    shown, pictures = set(), 0
    unseen, saved = set(), {}  # drawn, but not yet shown; by file name
    for cell in notebook.cells:
        curves = reader.drawn_in(cell) if cell.tree else set()
        saved |= dict.fromkeys(reader.files[cell.number, "savefig"], curves)
        if not any(map(is_picture, cell.outputs)):
            unseen |= curves
            continue
        pictures += 1
        names = reader.files[cell.number, "Image"] | reader.files[cell.number, "imread"]
        shown |= curves.union(*(saved.get(name, set()) for name in names))
        if is_late_figure(cell):
            shown |= unseen
    return shown, pictures


def is_late_figure(cell):
    """Return whether a cell only shows what was drawn before: `figure`, or plt.show()."""
    only = cell.tree.body[0] if cell.tree and len(cell.tree.body) == 1 else None
    return isinstance(only, ast.Expr) and (
        isinstance(only.value, ast.Name) or isinstance(only.value, ast.Call) and called_name(only.value) == "show")


def drawn_by_others(flow):
    """Return whether a function from elsewhere is given a history to draw, so that what it draws is not known."""
    return any(re.search("(?i)plot|draw|curve", called_name(site.node))
               and called_name(site.node) not in (*PLOTS, *flow.functions) and any(map(is_picture, site.cell.outputs))
               and any("history" in word.lower() for part in site.node.args for word in words_in(part))
               for site in flow.calls)


def captioned(reader):
    """Return the quantities that captions name at pictures with lines of unknown content, which may be the curves."""
    cells = {site.cell.number for site in reader.flow.calls if called_name(site.node) in PLOTS
             and not reader.drawn_by(site.node) and any(map(is_picture, site.cell.outputs))}
    return {quantity for site in reader.flow.calls if called_name(site.node) in CAPTIONS and site.cell.number in cells
            for quantity, _ in named_curves(words_in(site.node))}


def check(notebook):
    """Find whether all four curves are shown."""
    flow = notebook.flow
    reader = CurveReader(flow)
    shown, pictures = shown_curves(notebook, reader)
    missing = {curve: names for curve, names in CURVES.items() if curve not in shown}
    quantities = {quantity for quantity, split in missing}
    is_unsure = missing and pictures and (
        notebook.unreadable or drawn_by_others(flow) or quantities <= captioned(reader))
    state = HOLDS if not missing else LOOK if is_unsure else FAILS
    return Finding("curves", state, (
        f"{pictures} 个单元格有图" + f"，缺：{'、'.join(names[0] for names in missing.values())}" * bool(missing) + "。",
        f"{pictures} cells with pictures"
        + f"; missing: {', '.join(names[1] for names in missing.values())}" * bool(missing) + "."), (
        "请画出训练与验证的准确率和损失曲线，再全部运行。",
        "Plot accuracy and loss in training and validation, and Run All again."))
