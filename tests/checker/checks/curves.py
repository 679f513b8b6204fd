"""Finds which curves a notebook shows: accuracy and loss, in training and validation."""

import ast
import base64
import collections
import fnmatch
import re

from checker.finding import FAILS, HOLDS, LOOK, RUN_ALL, Finding
from checker.flow import FUNCTIONS, UNKNOWN, Flow, argument, words_in
from checker.words import quantities, splits

TITLE = ("准确率与损失曲线", "curves of accuracy and loss")
HINT = (
    "请画出训练与验证的准确率和损失曲线，再全部运行。",
    "Plot accuracy and loss in training and validation, and Run All again.",
)
PLOTS = set("plot errorbar semilogy semilogx loglog scatter step lineplot Scatter line".split())
CAPTIONS = set("title set_title suptitle ylabel set_ylabel legend set".split())
CURVES = {  # by Keras's names
    "accuracy": ("训练准确率", "accuracy in training"),
    "val_accuracy": ("验证准确率", "accuracy in validation"),
    "loss": ("训练损失", "loss in training"),
    "val_loss": ("验证损失", "loss in validation"),
}
FRAME = re.compile(  # of a traceback, if the code is the notebook's
    r"(?:\bIn ?\[|ipython-input|ipykernel|\.ipynb)(?:.*?\bin (?:\w+\.){0,5}(\w+)\()?"
)
ARROW = re.compile(r"\s{0,9}-{2,}>\s{0,9}(\d{1,6})")
PICTURE_IN_HTML = re.compile(r"data:image/|<svg|<canvas|plotly|mpl\.figure|<video")
MOST_HELPERS = 200  # functions that are followed from one cell
SMALLEST = 100  # pixels that a person can read


def is_large(picture):
    """Return whether base64 is a PNG that a person can read, or a JPEG; no icon is one."""
    try:
        start = base64.b64decode("".join(picture)[:64])
    except (ValueError, TypeError):
        return False
    sides = [int.from_bytes(start[place : place + 4], "big") for place in (16, 20)]
    return start.startswith(b"\xff\xd8") or start[1:4] == b"PNG" and min(sides) >= SMALLEST


def is_picture(output):
    """Return whether an output holds a picture that a person can read, be it by JavaScript."""
    data = output.get("data", {})
    kinds = ("text/html", "text/markdown", "application/javascript")
    pages = ["".join(data[kind]) for kind in kinds if isinstance(data.get(kind), (str, list))]
    return (
        any("svg" in kind or "plotly" in kind for kind in data)
        or any(is_large(data[kind]) for kind in ("image/png", "image/jpeg") if kind in data)
        or any(map(PICTURE_IN_HTML.search, pages))
    )


def frames(cell):
    """Return (function or "", line) for each frame of the notebook's own in a cell's traceback."""
    found, function = [], ""
    errors = [output for output in cell.outputs if output["output_type"] == "error"]
    text = "\n".join(errors[0]["traceback"])[:100_000] if errors else ""
    for line in re.sub(r"\x1b\[[0-9;]*m", "", text).split("\n"):
        header, arrow = FRAME.search(line[:400]), ARROW.match(line)
        if header:
            function = header[1] or ""
        elif arrow and function is not None:
            found.append((function, int(arrow[1])))
            function = None  # What follows is a library's, up to the next header.
    return found or [("", 0)] * bool(errors)


def curves_named(text, drawn=frozenset()):
    """Return the curves that a text names; what it leaves open is as in those that are drawn."""
    known = drawn - {UNKNOWN}
    named = quantities(text) & {"accuracy", "loss"}
    prefixes = {"" if split == "train" else "val_" for split in splits(text)}
    prefixes = prefixes if len(prefixes) < 2 else {"val_"}
    if not named and not prefixes:
        return drawn
    named = named or {curve.removeprefix("val_") for curve in known}
    prefixes = prefixes or {"val_" * curve.startswith("val_") for curve in known} or {""}
    return {prefix + quantity for prefix in prefixes for quantity in named} or drawn


class CurveReader:
    """Finds the curves that each cell draws, itself or through functions that it calls.

    A curve has Keras's name; UNKNOWN stands for some that Keras recorded, but not for which.
    """

    def __init__(self, flow):
        self.flow = flow
        given = [site.keywords for site in flow.calls if site.name.startswith("fit")]
        has_validation = set().union(*given) & {"validation_data", "validation_split", None}
        self.recorded = [curve for curve in CURVES if has_validation or curve[:4] != "val_"]
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
                self.plots[place].append((site, self.drawn_by(site.node)))
            elif site.name in ("savefig", "Image", "imread"):
                name = argument(site.node, 0, "fname", "filename")
                self.files[site.cell.number, site.name == "savefig"] |= flow.within(name, "string")

    def drawn_by(self, call):
        """Return the curves that one call draws: by its label, what is drawn, or what draws."""
        receiver = call.func.value if isinstance(call.func, ast.Attribute) else None
        data = [*call.args, argument(call, None, "data")]
        curves = set()
        for expressions in ([argument(call, None, "y")], data, [receiver]):
            curves = curves or set().union(*map(self.values_of, filter(None, expressions)))
        label = argument(call, None, "label", "name")
        labels = self.flow.within(label, "string") or ([words_in(label)] if label else [""])
        return set().union(*(curves_named(text, curves) for text in labels))

    def values_of(self, expression):
        """Return the curves that an expression stands for: by facts or else by its words."""
        names = self.flow.within(expression, "series")
        known = (fnmatch.filter(self.recorded, name) or curves_named(name) for name in names)
        curves = set().union(*known)
        if curves or UNKNOWN in names:
            return curves or {UNKNOWN}
        curves = set().union(*map(curves_named, self.flow.within(expression, "string")))
        curves = curves or curves_named(words_in(expression))
        return set().union(*(curves_named(name, curves) for name in names or [""]))

    def drawn_from(self, place):
        """Return the curves that a cell draws with all the functions that it calls."""
        places, waiting = {place}, [place]
        while waiting and len(places) < MOST_HELPERS:
            new = {name for name in self.called.get(waiting.pop(), ()) if name in self.called}
            waiting += new - places
            places |= new
        plots = [plot for place in places for plot in self.plots.get(place, ())]
        return set().union(*(curves for _, curves in plots))


def shown_curves(notebook, reader, pictured):
    """Return the curves in the outputs' pictures, drawn before an error stopped their cell."""
    stops = {cell.number: frames(cell) for cell in notebook.cells}
    ends = {number: found[0][1] for number, found in stops.items() if found}
    completed = CurveReader(Flow(notebook.cells, ends)) if ends else reader
    shown, unseen, saved = set(), set(), {}  # drawn, but not yet shown; by file name
    for cell in notebook.cells:
        curves = completed.drawn_from(cell.number)
        for function, end in stops[cell.number][1:]:  # of which only the lines before were run
            plots = reader.plots.get(function, ())
            curves = curves.union(*(plot for site, plot in plots if site.node.lineno < end))
        saved |= dict.fromkeys(reader.files[cell.number, True], curves)
        if cell.number in pictured:
            loaded = [saved.get(name, set()) for name in reader.files[cell.number, False]]
            shown = shown.union(curves, *loaded, unseen if is_late_figure(cell) else ())
        else:
            unseen |= curves
    return shown


def is_late_figure(cell):
    """Return whether a cell only shows what was drawn before: `figure`, or plt.show()."""
    last_line = cell.source.strip().rpartition("\n")[2][:100]
    is_single = cell.tree and len(cell.tree.body) == 1
    return is_single and re.fullmatch(r"\w+|[\w.]*\bshow\(\)", last_line)


def may_be_shown(reader, pictured):
    """Return the quantities that may be shown: by another's function, or as captions tell."""
    sites = [site for site in reader.flow.calls if site.cell.number in pictured]
    for site in sites:
        is_foreign = site.name not in PLOTS and site.name not in reader.flow.functions
        if is_foreign and re.search("(?i)plot|draw|curve|history", site.name):
            if any("history" in words_in(part).lower() for part in site.node.args):
                return {"accuracy", "loss"}
    plots = [plot for plots in reader.plots.values() for plot in plots]
    unknown = {site.cell.number for site, curves in plots if not curves}
    captions = [site for site in sites if site.name in CAPTIONS and site.cell.number in unknown]
    return set().union(*(quantities(words_in(site.node)) for site in captions))


def check(notebook):
    """Find whether all four curves are shown."""
    reader = CurveReader(notebook.flow)
    pictured = {cell.number for cell in notebook.cells if any(map(is_picture, cell.outputs))}
    shown = shown_curves(notebook, reader, pictured)
    missing = [curve for curve in CURVES if curve not in shown]
    needed = {curve.removeprefix("val_") for curve in missing}
    is_unsure = notebook.unreadable or UNKNOWN in shown or needed <= may_be_shown(reader, pictured)
    state = HOLDS if not missing else LOOK if pictured and is_unsure else FAILS
    chinese, english = f"{len(pictured)} 个单元格有图", f"{len(pictured)} cells with pictures"
    if missing:
        chinese += f"，缺：{'、'.join(CURVES[curve][0] for curve in missing)}"
        english += f"; missing: {', '.join(CURVES[curve][1] for curve in missing)}"
    hint = HINT if notebook.has_outputs else RUN_ALL
    return Finding("curves", state, (f"{chinese}。", f"{english}."), hint)
