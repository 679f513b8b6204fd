"""The README against the saved notebook and the log: figures, commands, pictures, paths."""

import ast
import json
import re
import subprocess

import nbformat
import pytest

from conftest import ROOT, code_cells, printed_text
from checker.report import RELEASED
from tools.release import FIGURES, prints, saved_figures
from tools.trial import trial_notebook

README = (ROOT / "README.md").read_text(encoding="utf-8")
LOG_PATH = ROOT / "tests" / "LOG.md"
CODE_BLOCK = re.compile(r"^```\w*\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
# A line of the log that says how its numbers came about: a command, or the commit to take.
SOURCE = re.compile(r"`[^`]*(?:trial\.py|jupyter|pytest|\{)[^`]*`|commit\W*[0-9a-f]{7}")
PERCENTAGE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)(?: ± (\d+(?:\.\d+)?))? ?%")


@pytest.fixture(scope="module")
def released_notebook():
    """The committed notebook, which the README describes even after a student has run it again."""
    command = ["git", "show", "HEAD:fashion_mnist_keras.ipynb"]
    try:
        committed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs the git history to tell the released run from a later one")
    return nbformat.reads(committed.decode("utf-8"), as_version=4)


@pytest.fixture(scope="module")
def released_text(released_notebook):
    text = "\n".join(printed_text(cell) for cell in code_cells(released_notebook))
    if not text.strip():
        pytest.fail("the committed notebook has no outputs", pytrace=False)
    return text


@pytest.fixture(scope="module")
def log():
    return LOG_PATH.read_text(encoding="utf-8")


def holds(text, number):
    """Whether a number stands in a text, not as a part of another one."""
    return re.search(rf"(?<![\d.,]){re.escape(number)}(?!\d|[.,]\d)", text) is not None


def results_table():
    """The lines of the README's first table."""
    [table, *_] = re.findall(r"(?:^\|.*\n)+", README, re.MULTILINE)
    return table


def test_readme_is_short():
    lines = README.splitlines()
    prose = CODE_BLOCK.sub("", README).splitlines()
    assert len(lines) <= 130
    assert not [line for line in prose if len(line) > 120 and not line.startswith("|")]


def test_results_table_is_the_released_run(released_text):
    for pattern in (
        r"^Test accuracy: ([\d.]+)%",
        r"^Validation accuracy, six views: ([\d.]+)%",
        r"^Course score: (\d+) / 10",
        r"([\d,]+) parameters; this run",
    ):
        number = re.search(pattern, released_text, re.MULTILINE)[1]
        assert holds(results_table(), number), (pattern, number)


def test_every_percentage_was_printed_or_is_logged_with_its_command(
    released_notebook, released_text, log
):
    """Limits and aims, such as 88.6 and 97.5 %, stand in the notebook's code or words."""
    measured = "\n".join(line for line in log.splitlines() if SOURCE.search(line))
    code = "\n".join(cell.source for cell in code_cells(released_notebook))
    limits = {round(100 * float(number), 4) for number in re.findall(r"\b0\.\d+\b", code)}
    found = PERCENTAGE.findall(CODE_BLOCK.sub("", README))
    assert len(found) >= 4
    for number in filter(None, sum(found, ())):
        is_known = holds(released_text, number) or holds(measured, number)
        assert is_known or float(number) in limits | {0, 100}, f"{number} %"


def test_pictures_are_those_of_the_released_run(released_notebook):
    figures = saved_figures(released_notebook)
    assert figures.keys() == set(FIGURES)
    assert {path.stem for path in (ROOT / "images.assets").iterdir()} == set(FIGURES)
    for name, png in figures.items():
        is_same = (ROOT / "images.assets" / f"{name}.png").read_bytes() == png
        assert is_same, f"run python tests/tools/release.py: {name}"


def test_checker_knows_the_released_run(released_notebook):
    assert json.loads(RELEASED.read_text()) == prints(nbformat.writes(released_notebook).encode())


def test_paths_in_the_readme_exist():
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", README)
    named = re.findall(r"(?:tests|images\.assets)/[\w./-]*\w", README)
    assert links
    for path in {*links, *named}:
        assert (ROOT / path).exists(), path


def test_variables_in_the_readme_are_read_by_the_notebook(saved_notebook):
    source = "\n".join(cell.source for cell in code_cells(saved_notebook))
    variables = set(re.findall(r"\b(?:FMNIST_\w+|FASHION_MNIST_\w+|KERAS_HOME)\b", README))
    assert len(variables) >= 3
    for name in variables:
        assert f'os.environ.get("{name}"' in source, name


def test_commands_are_the_ones_that_are_run(saved_notebook):
    commands = "\n".join(CODE_BLOCK.findall(README))
    [submit] = re.findall(r"^python -m zipfile .*$", README, re.MULTILINE)
    assert submit in saved_notebook.cells[-1].source
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for command in ("pip install -r requirements.txt", "pytest --nbval"):
        assert command in run and command in commands, command
    assert "jupyter execute --kernel_name=python3 --inplace fashion_mnist_keras.ipynb" in commands
    assert "tests/submission.py" in commands


def test_commands_of_the_log_find_their_hyperparameters(saved_notebook, notebook, log):
    commands = set(re.findall(r"`[^`]*?'(\{.*?\})'[^`]*`", log))
    assert commands
    for command in commands:
        changes = ast.literal_eval(command)
        notebook.choose("quick", changes)
        cells = trial_notebook(saved_notebook, changes, 0).cells
        assert [cell for cell in cells if f"changes = {changes!r}" in cell.source]


def test_packages_are_the_agreed_ones_and_pinned():
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8").split()
    packages = {pin.split("==")[0] for pin in pins}
    assert packages == {"tensorflow", "numpy", "matplotlib", "jupyter", "nbval"}
    assert all([re.fullmatch(r"\w+==[\d.]+", pin) for pin in pins])
    if "tensorflow[and-cuda]" in README:
        assert (
            f'tensorflow[and-cuda]=={dict(pin.split("==") for pin in pins)["tensorflow"]}' in README
        )
