"""Reads a notebook's file: repairs what Jupyter forgives, makes code and outputs plain."""

import ast
import functools
import html
import importlib.util
import json
import logging
import pathlib
import re
import warnings

from checker.accuracy import read_test_accuracy
from checker.finding import Refused, printable
from checker.flow import Flow
from checker.student import read_student

LARGEST_CODE = 300_000  # characters
MOST_PARSED = 2_000_000  # characters, a cell counted again for each try to read it
MOST_VALUES = 500_000  # in the notebook's JSON
OPEN_IN_JUPYTER = "请在 Jupyter 里打开、保存后再提交。", "Open and save it in Jupyter, then submit."
PYTHON_MAGICS = "time timeit capture prun memit mprun python python3 pypy heat".split()
NEEDED = {  # in an output by its type
    "stream": {"name": "stdout"},
    "error": {"traceback": []},
    "display_data": {"metadata": {}},
    "execute_result": {"metadata": {}, "execution_count": None},
}
COMMANDS = "pip3?|conda|mamba|ls|cd|pwd|cat|mkdir|rm|cp|mv"  # that IPython runs without a mark
MAGIC_LINES = [  # IPython's own lines, and what stands for them in Python
    (re.compile(r"([ \t]*)%time[ \t]+(?=[\w(])(.*)"), r"\1\2"),
    (re.compile(r"([ \t]*)[%!?].*"), r"\1pass"),
    (re.compile(r"([ \t]*[^=!%\n]{1,100}=[ \t]*)[%!].*"), r"\1None"),
    (re.compile(r"([ \t]*)[\w.*]+\?{1,2}[ \t]*(?:#.*)?"), r"\1pass"),
    (re.compile(rf"([ \t]*)(?:{COMMANDS})(?:[ \t]+[\w./~-].*)?"), r"\1pass"),
]
HIDDEN = re.compile(r"(?is)<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1[^<>]*>|\Z)")
NEW_LINE = re.compile(r"(?i)<(?:tr|p|div|br|li|h[1-6]|table)\b[^<>]*>")
COLUMN = re.compile(r"(?i)<t[dh]\b[^<>]*>")


def not_a_notebook(reason):
    """Return the refusal of a file that is no notebook of a format that Jupyter opens."""
    english = f"This is not a valid notebook file ({reason})."
    return Refused("format", f"不是有效的笔记本文件（{reason}）。", english, OPEN_IN_JUPYTER)


@functools.cache
def validator():
    """Return a function that validates a notebook of format 4.4, fields of any other name allowed.

    nbformat's own takes seconds to import, for what is not needed here; its schema is enough.
    """
    import fastjsonschema

    folder = pathlib.Path(importlib.util.find_spec("nbformat").origin).parent
    schema = (folder / "v4" / "nbformat.v4.4.schema.json").read_text("utf-8")
    return fastjsonschema.compile(json.loads(schema.replace(": false", ": true")))


def joined(text):
    """Return the text of a field that may be a list of lines."""
    return "".join(map(str, text)) if isinstance(text, list) else text


def repaired(cell):
    """Return a cell with the fields that the format needs and Jupyter does without."""
    cell = {"metadata": {}, "outputs": [], "execution_count": None} | cell
    if isinstance(cell["outputs"], list):
        cell["outputs"] = [NEEDED[output.get("output_type")] | output for output in cell["outputs"]]
    cell["metadata"] = dict(cell["metadata"] or {})
    tags = cell["metadata"].get("tags")
    if isinstance(tags, list):
        tags = [tag for tag in tags if isinstance(tag, str)]
        cell["metadata"]["tags"] = list(dict.fromkeys(tags))
    return cell


def load_notebook(content):
    """Return the cells and the metadata in a notebook file's bytes; raises Refused."""
    if content.count(b",") > MOST_VALUES:
        hint = "请清除过长的输出，再全部运行。", "Clear outputs that are too long; Run All again."
        raise Refused("format", "笔记本里的数值太多。", "The notebook holds too many values.", hint)
    try:
        contents = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise not_a_notebook("JSON") from None
    try:
        if contents["nbformat"] == 3:
            import nbformat  # Takes seconds, and few notebooks are of Jupyter's former format.

            logging.getLogger("traitlets").disabled = True  # The report says what is wrong with it.
            contents = nbformat.convert(nbformat.from_dict(contents), 4)
        version = contents["nbformat"], contents["nbformat_minor"]
        if version not in [(4, minor) for minor in range(6)]:
            raise ValueError("nbformat 4.0 ... 4.5")
        cells = [repaired(cell) for cell in contents["cells"]]
        validator()({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells})
        return cells, contents.get("metadata")
    except Exception as error:  # The validator's, or what a slip that nobody foresaw brings about.
        raise not_a_notebook(printable(str(error).partition("\n")[0]) or "JSON") from None


def text_of_html(source):
    """Return the text that a browser would show, a line for each row or paragraph.

    Each step takes a time that grows with the length: a parser needs seconds for tables of 9 MB.
    """
    source = re.sub(r"\s+", " ", HIDDEN.sub(" ", source))
    source = COLUMN.sub(" ", NEW_LINE.sub("\n", source))
    return html.unescape(re.sub(r"<[^<>]*>", "", source))


def shown_line(line):
    """Return what remains on screen of a line that a progress bar wrote over again and again."""
    line = line.rstrip("\b\r \t")
    return line[max(line.rfind("\b"), line.rfind("\r")) + 1 :]


def shown_text(output):
    """Return the text that a person reads in an output, without colours and marks of Markdown."""
    data = output.get("data", {})
    text = output.get("text") or data.get("text/markdown") or data.get("text/plain") or ""
    text = text_of_html(joined(data["text/html"])) if "text/html" in data else joined(text)
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text).replace("**", "").replace("`", "")
    return "\n".join(map(shown_line, text.split("\n"))) if re.search(r"[\b\r]", text) else text


class Cell:
    """A code cell that is not blank; `tree` is None where its code cannot be read."""

    def __init__(self, number, cell, tries):
        self.number = number  # among the code cells that are not blank
        self.source, self.outputs = cell["source"], cell["outputs"]
        self.execution_count, self.tags = cell["execution_count"], cell["metadata"].get("tags", [])
        self.tree, self.unreadable_line = parse(self.source, tries)
        self.texts = [shown_text(output) for output in self.outputs]
        self.text = "\n".join(self.texts)  # what a person reads in all of its outputs


def replace_magics(lines, position):
    """Put Python for IPython's own syntax in a line and in those below that go on with it.

    Return whether there was any. The number of lines stays the same, as errors name them.
    """
    first = position
    while position < len(lines):
        line = lines[position]
        found = [(magic, python) for magic, python in MAGIC_LINES if magic.fullmatch(line)]
        if not found or position > first and line.lstrip(" \t")[:1] not in ("%", "!", "?"):
            break
        lines[position] = found[0][0].sub(found[0][1], line)
        while line.endswith("\\") and position + 1 < len(lines):
            position += 1
            line, lines[position] = lines[position], ""
        position += 1
    return position > first


def parse(source, tries):
    """Return the syntax tree of a cell and 0, or None and the line that cannot be read.

    What stops Python is taken for IPython's syntax where it looks so, and read again without it.
    """
    while magic := re.match(r"\s*%%(\w+)(.*)(?:\n|\Z)", source):
        # What stands below is Python, or a language of no interest.
        source = source[magic.end() :] if magic[1] in PYTHON_MAGICS else ""
    indent = re.match(r"\n*([ \t]*)", source)[1]
    lines, number = re.sub(f"(?m)^{indent}", "", source).split("\n"), 1
    for _ in range(tries):
        try:
            with warnings.catch_warnings(action="ignore"):
                return ast.parse("\n".join(lines)), 0
        except SyntaxError as error:
            number = error.lineno or 1
        except (ValueError, RecursionError, MemoryError):
            break
        if not replace_magics(lines, number - 1):
            break
    return None, number


def read_cells(cells):
    """Return the Cells of code that are not blank; raises Refused for none or too much."""
    cells = [cell | {"source": joined(cell["source"])} for cell in cells]
    cells = [cell for cell in cells if cell["cell_type"] == "code" and cell["source"].strip()]
    if not cells:
        english = "Hand in the notebook that holds your code and its outputs."
        hint = "请提交写有代码并运行过的那个笔记本。", english
        raise Refused("format", "没有代码单元格。", "There is no code cell.", hint)
    length = sum(len(cell["source"]) for cell in cells)
    if length > LARGEST_CODE:
        chinese, english = "代码太长，没有读取。", "The code is too long and was not read."
        hint = "请把数据放进文件，不要写在代码里。", "Keep data in files, not in the code."
        raise Refused("format", chinese, english, hint)
    tries = MOST_PARSED // length
    return [Cell(number, cell, tries) for number, cell in enumerate(cells, start=1)]


class Notebook:
    """A submission's notebook: code cells that are not blank, Markdown, metadata."""

    def __init__(self, content):
        cells, metadata = load_notebook(content)
        self.all_metadata = [metadata, *(cell["metadata"] for cell in cells)]
        markdown = [cell for cell in cells if cell["cell_type"] == "markdown"]
        self.markdown = [joined(cell["source"]) for cell in markdown]
        self.heading = "\n".join(self.markdown[:3])
        self.student = read_student(self.heading)  # student number, name and class
        self.cells = read_cells(cells)
        self.unreadable = [cell for cell in self.cells if cell.tree is None]
        self.nodes = [node for cell in self.cells if cell.tree for node in ast.walk(cell.tree)]

    @functools.cached_property
    def flow(self):
        """The values followed through all code that can be read."""
        return Flow(self.cells)

    @functools.cached_property
    def has_outputs(self):
        """Whether any cell has saved outputs; without one the notebook was not run, or cleared."""
        return any(cell.outputs for cell in self.cells)

    @functools.cached_property
    def test_accuracy(self):
        """What the outputs say of the final test accuracy, and the mark for it."""
        return read_test_accuracy(self)
