"""Reads a notebook's file: repairs what Jupyter forgives, validates it, and makes its code and outputs plain."""

import ast
import dataclasses
import functools
import html.parser
import importlib.util
import json
import pathlib
import re
import warnings

from checker.find import MAKE_ZIP
from checker.finding import Refused, printable
from checker.flow import Flow
from checker.accuracy import read_test_accuracy

LARGEST_CODE = 300_000  # characters
LARGEST_HTML = 200_000  # characters of an output that are read
MOST_VALUES = 500_000  # in the notebook's JSON
MOST_MAGICS = 50  # in a cell; IPython's own reader takes a time that grows with their square
CELL_FIELDS = {
    "code": ("cell_type", "metadata", "source", "outputs", "execution_count"),
    "markdown": ("cell_type", "metadata", "source", "attachments"),
    "raw": ("cell_type", "metadata", "source", "attachments"),
}
OUTPUT_FIELDS = {
    "stream": ("output_type", "name", "text"),
    "display_data": ("output_type", "data", "metadata"),
    "execute_result": ("output_type", "data", "metadata", "execution_count"),
    "error": ("output_type", "ename", "evalue", "traceback"),
}
HEADINGS = (
    "学号|student (?:number|id)|^(?:number|no\\.?|id)$",
    "姓名|(?<!file)name",
    "班级|class(?!es|ific)",
)
ANY_HEADING = "|".join(HEADINGS)
FORMER_OUTPUTS = {"pyout": "execute_result", "pyerr": "error"}  # of format 3
FORMER_DATA = {
    "text": "text/plain",
    "html": "text/html",
    "png": "image/png",
    "jpeg": "image/jpeg",
    "svg": "image/svg+xml",
}
PYTHON_MAGICS = {
    "time",
    "timeit",
    "capture",
    "prun",
    "memit",
    "mprun",
    "python",
    "python3",
    "pypy",
    "heat",
}
AUTOMAGIC = re.compile(  # Commands that IPython runs without a mark before them.
    r"^([ \t]*)(?:pip3?|conda|mamba|ls|cd|pwd|cat|mkdir|rm|cp|mv)(?:[ \t]+[\w./~-].*)?$",
    re.MULTILINE,
)
HELP_BEFORE_COMMENT = re.compile(r"^([ \t]*[\w.]+\?{1,2})[ \t]*#.*$", re.MULTILINE)
MAGIC_LINE = re.compile(r"^[ \t]*[%!?]", re.MULTILINE)


def not_a_notebook(reason):
    """Return the refusal of a file that is no notebook of Jupyter's present format."""
    return Refused(
        "format",
        (f"不是有效的笔记本文件（{reason}）。", f"This is not a valid notebook file ({reason})."),
        ("请在 Jupyter 里打开、保存后再提交。", "Open it in Jupyter, save it and submit again."),
    )


@functools.cache
def validator():
    """Return the function that validates a notebook of format 4.4; it comes with nbformat, which imports slowly."""
    import fastjsonschema

    folder = pathlib.Path(importlib.util.find_spec("nbformat").origin).parent
    return fastjsonschema.compile(
        json.loads((folder / "v4" / "nbformat.v4.4.schema.json").read_text("utf-8"))
    )


def joined(text):
    """Return the text of a field that may be a list of lines."""
    return "".join(map(str, text)) if isinstance(text, list) else text


def repaired_output(output):
    """Return an output with what the format needs and without what it does not know."""
    fields = OUTPUT_FIELDS.get(output.get("output_type"), tuple(output))
    output = {"metadata": {}, "execution_count": None, "name": "stdout", "traceback": []} | output
    return {field: output[field] for field in fields if field in output}


def repaired_cell(cell):
    """Return a cell with what the format needs and without what it does not know, such as an id that is too long."""
    fields = CELL_FIELDS.get(cell.get("cell_type"), tuple(cell))
    cell = {"metadata": {}, "outputs": [], "execution_count": None} | cell
    if not isinstance(cell["metadata"], dict):
        cell["metadata"] = {}
    cell = {field: cell[field] for field in fields if field in cell}
    if isinstance(cell.get("outputs"), list):
        cell["outputs"] = [
            repaired_output(output) for output in cell["outputs"] if isinstance(output, dict)
        ]
    if isinstance(cell.get("metadata", {}).get("tags"), list):
        cell["metadata"]["tags"] = list(
            dict.fromkeys(tag for tag in cell["metadata"]["tags"] if isinstance(tag, str))
        )
    return cell


def converted(contents):
    """Return a notebook of Jupyter's former format 3 in the present one, as Jupyter opens it; others as they are."""
    if not isinstance(contents, dict) or contents.get("nbformat") != 3:
        return contents
    try:
        cells = [
            converted_cell(cell) for sheet in contents["worksheets"] for cell in sheet["cells"]
        ]
    except (KeyError, TypeError, AttributeError):
        raise not_a_notebook("nbformat 3") from None
    return {
        "nbformat": 4,
        "nbformat_minor": 0,
        "metadata": contents.get("metadata"),
        "cells": cells,
    }


def converted_cell(cell):
    """Return a cell of format 3 in the present one."""
    if cell["cell_type"] != "code":
        kind = "raw" if cell["cell_type"] == "raw" else "markdown"
        return {"cell_type": kind, "metadata": cell.get("metadata", {}), "source": cell["source"]}
    return {
        "cell_type": "code",
        "metadata": cell.get("metadata", {}),
        "source": cell["input"],
        "execution_count": cell.get("prompt_number"),
        "outputs": list(map(converted_output, cell["outputs"])),
    }


def converted_output(output):
    """Return an output of format 3 in the present one."""
    data = {kind: output[name] for name, kind in FORMER_DATA.items() if name in output}
    kind = FORMER_OUTPUTS.get(output["output_type"], output["output_type"])
    return output | {"output_type": kind, "name": output.get("stream", "stdout"), "data": data}


def load_notebook(content):
    """Return the cells and the metadata in a notebook file's bytes; raises Refused if they hold none."""
    if content.count(b",") > MOST_VALUES:
        raise Refused(
            "format",
            (
                "笔记本里的数值太多，没有读取。",
                "The notebook holds too many values and was not read.",
            ),
            (
                "请清除过长的输出，再全部运行。",
                "Clear outputs that are too long, and Run All again.",
            ),
        )
    try:
        contents = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise not_a_notebook("JSON") from None
    contents = converted(contents)
    version = (
        [contents.get(key) for key in ("nbformat", "nbformat_minor")]
        if isinstance(contents, dict)
        else [None]
    )
    if version not in [[4, minor] for minor in range(6)] or any(
        type(number) is not int for number in version
    ):
        raise not_a_notebook("nbformat 4.0 ... 4.5")
    try:
        cells = [repaired_cell(cell) for cell in contents["cells"]]
        validator()({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells})
    except KeyError:
        raise not_a_notebook("no cells") from None
    except (
        Exception
    ) as error:  # fastjsonschema's own, or what a slip that nobody foresaw brings about.
        raise not_a_notebook(printable(str(error).partition("\n")[0])) from None
    return cells, contents.get("metadata")


class PlainText(html.parser.HTMLParser):
    """Collects the text that a browser would show, a line for each row or paragraph."""

    def __init__(self):
        super().__init__()
        self.parts, self.hidden = [], 0

    def handle_starttag(self, tag, attributes):
        self.hidden += tag in ("script", "style")
        if tag in ("tr", "p", "div", "br", "li", "h1", "h2", "h3", "table"):
            self.parts.append("\n")
        elif tag in ("td", "th"):
            self.parts.append(" ")

    def handle_endtag(self, tag):
        self.hidden -= tag in ("script", "style")

    def handle_data(self, data):
        if self.hidden <= 0:
            self.parts.append(re.sub(r"\s+", " ", data))


def text_of_html(source):
    """Return the text that a person sees of some HTML."""
    reader = PlainText()
    reader.feed(source[:LARGEST_HTML])
    return "".join(reader.parts)


def shown_line(line):
    """Return what remains on screen of a line that a progress bar wrote over again and again."""
    line = line.rstrip("\b\r \t")
    return line[max(line.rfind("\b"), line.rfind("\r")) + 1 :]


def shown_text(output):
    """Return the text that a person reads in an output, without colours and marks of Markdown."""
    data = output.get("data", {})
    if "text/html" in data:
        text = text_of_html(joined(data["text/html"]))
    else:
        text = joined(
            output.get("text") or data.get("text/markdown") or data.get("text/plain") or ""
        )
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text).replace("**", "").replace("`", "")
    return "\n".join(map(shown_line, text.split("\n")))


@dataclasses.dataclass
class Cell:
    """A code cell that is not blank; `tree` is None where its code cannot be read."""

    number: int  # among the code cells that are not blank
    source: str
    outputs: list[dict]
    execution_count: int | None
    tags: list[str]
    tree: ast.Module | None = None
    unreadable_line: int = 0
    texts: list[str] = dataclasses.field(default_factory=list)  # of each output

    @property
    def text(self):
        """What a person reads in all of its outputs."""
        return "\n".join(self.texts)


def python_source(source):
    """Return a cell's Python without the cell magics above it; nothing if they make it another language."""
    while match := re.match(r"\s*%%(\w+)(.*)(?:\n|\Z)", source):
        if match[1] not in PYTHON_MAGICS:
            return ""
        source = source[match.end() :]
    return source


def without_magic(source):
    """Return a cell's source with IPython's own syntax (%, !, ?) turned into Python, as IPython does it."""
    from IPython.core.inputtransformer2 import TransformerManager

    if len(MAGIC_LINE.findall(source)) > MOST_MAGICS:
        raise ValueError("too many magics")
    source = HELP_BEFORE_COMMENT.sub(r"\1", AUTOMAGIC.sub(r"\1pass", source))
    source = re.sub(r"^([ \t]*)%time[ \t]+(?=[\w(])", r"\1", source, flags=re.MULTILINE)
    return TransformerManager().transform_cell(source)


def parse(source):
    """Return the syntax tree of a cell and 0, or None and the number of the line that cannot be read."""
    source, line = python_source(source), 1
    for prepared in (str, without_magic):
        try:
            with warnings.catch_warnings(action="ignore"):
                return ast.parse(prepared(source)), 0
        except SyntaxError as error:
            line = error.lineno or 1
        except (ValueError, RecursionError, MemoryError, RuntimeError):
            pass
    return None, line


class Notebook:
    """A submission's notebook: code cells that are not blank, Markdown, metadata; nothing of it is run."""

    def __init__(self, content):
        cells, self.metadata = load_notebook(content)
        self.all_metadata = [self.metadata, *(cell["metadata"] for cell in cells)]
        self.markdown = [
            joined(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"
        ]
        code = [
            cell for cell in cells if cell["cell_type"] == "code" and joined(cell["source"]).strip()
        ]
        if not code:
            raise Refused("format", ("没有代码单元格。", "There is no code cell."), MAKE_ZIP)
        if sum(len(joined(cell["source"])) for cell in code) > LARGEST_CODE:
            raise Refused(
                "format",
                ("代码太长，没有读取。", "The code is too long and was not read."),
                ("请把数据放进文件，不要写在代码里。", "Keep data in files, not in the code."),
            )
        self.cells = [
            Cell(
                number,
                joined(cell["source"]),
                cell["outputs"],
                cell["execution_count"],
                cell["metadata"].get("tags", []),
            )
            for number, cell in enumerate(code, start=1)
        ]
        for cell in self.cells:
            cell.tree, cell.unreadable_line = parse(cell.source)
            cell.texts = [shown_text(output) for output in cell.outputs]
        self.unreadable = [cell for cell in self.cells if cell.tree is None]
        self.nodes = [node for cell in self.cells if cell.tree for node in ast.walk(cell.tree)]

    @functools.cached_property
    def flow(self):
        """The values followed through all code that can be read."""
        return Flow([cell for cell in self.cells if cell.tree])

    @functools.cached_property
    def test_accuracy(self):
        """What the outputs say of the final test accuracy, and the mark for it."""
        return read_test_accuracy(self)

    def student(self):
        """Return student number, name and class from the heading's table or lines; "" for what is blank."""
        return tuple(
            heading_entry("\n".join(self.markdown[:3]).replace("&nbsp;", " "), words)
            for words in HEADINGS
        )


def heading_entry(text, words):
    """Return what stands below or behind one of these words in a heading; "" if that is blank."""
    rows = [
        [entry.strip() for entry in line.strip().strip("|").split("|")]
        for line in text[:20_000].split("\n")
    ]
    for title, entry in (row for row in rows if len(row) == 2):
        if re.search(f"(?i){words}", title) and not re.search(f"(?i){ANY_HEADING}", entry):
            return filled_in(entry)
    for header, _, values in zip(rows, rows[1:], rows[2:]):
        for column, title in enumerate(header):
            if len(header) > 1 and re.search(f"(?i){words}", title) and column < len(values):
                return filled_in(values[column])
    found = re.search(
        rf"(?i)(?:{words})\**\s{{0,9}}[:：]\**[ \t]{{0,9}}([^\s|,，;；*<](?:[ \t]?[^\s|,，;；*<]){{0,39}}?)"
        rf"(?=[ \t]*(?:[|,，;；*<\n\u3000]|[ \t]{{2}}|$|{ANY_HEADING}))",
        text[:20_000],
    )
    return filled_in(found[1]) if found else ""


def filled_in(entry):
    """Return an entry of the heading for people; "" if only its blanks are there."""
    entry = re.sub(r"<[^>]*>|[*_`]{1,100}|&nbsp;", " ", entry).strip()
    return printable(entry, 60)
