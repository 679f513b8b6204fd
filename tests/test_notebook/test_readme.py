"""The README against the saved notebook: figures, commands, pictures."""

import ast
import json
import re
import subprocess

import nbformat
import pytest

from conftest import ROOT, code_cells, printed_epochs, printed_text
from tools.release import FIGURES, prints, saved_figures
from checker.report import RELEASED
from tools.trial import trial_notebook

README = (ROOT / "README.md").read_text(encoding="utf-8")
LOG = (ROOT / "tests" / "LOG.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^```\n(.+?)\n```$", README, re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?: ?%|(?: s| epochs)\b)|(?<![\w.])\d+(?:,\d{3})+")


@pytest.fixture(scope="module")
def released_notebook():
    """The committed notebook, which the README describes even after a student has run it again."""
    try:
        committed = subprocess.run(
            ["git", "show", "HEAD:fashion_mnist_keras.ipynb"], cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs the git history to tell the released run from a later one")
    return nbformat.reads(committed.decode("utf-8"), as_version=4)


@pytest.fixture(scope="module")
def released_text(released_notebook):
    return "\n".join(printed_text(cell) for cell in code_cells(released_notebook))


def normalised(text):
    """The text with single spaces, no space before a percent sign and no thousands separators."""
    text = re.sub(r"\s+", " ", text).replace(" %", "%")
    return re.sub(r"(?<=\d)[,_](?=\d{3})", "", text)


def test_readme_is_short():
    assert len(README.splitlines()) <= 160


def test_every_figure_stands_in_the_released_notebook(released_notebook, released_text):
    """Each percentage, time, epoch count and large number is printed by the notebook, or stands in its source or the log."""
    known = normalised("\n".join([released_text, LOG, *(cell.source for cell in released_notebook.cells)]))
    prose = re.sub(r"^```.*?^```$", "", README, flags=re.MULTILINE | re.DOTALL)
    figures = NUMBER.findall(prose)
    assert len(figures) > 8
    for figure in figures:
        number = normalised(figure).removesuffix(" epochs")
        assert re.search(rf"(?<![\d.]){re.escape(number)}(?!\d)", known), figure


def test_results_table_is_the_released_run(released_text):
    for pattern, row in [
        (r"Test accuracy: ([\d.]+)%", "测试准确率"),
        (r"Course score: (\d+) / 10", "得分"),
        (r"Validation accuracy, six views: ([\d.]+)%", "验证准确率"),
        (r"and (\d+) s of training", "训练"),
        (r"after (\d+) epochs", "训练"),
        (r"([\d,]+) parameters, on", "网络"),
    ]:
        [line] = re.findall(rf"^\| {row}[ ，].*$", README, re.MULTILINE)
        saved = re.search(pattern, released_text)[1]
        assert re.search(rf"(?<![\d.]){re.escape(saved)}(?![\d.])", line), (row, saved)


def test_released_run_was_not_interrupted(released_notebook, released_text):
    trained = int(re.search(r"after (\d+) epochs", released_text)[1])
    assert printed_epochs(released_notebook, "fit") == list(range(1, trained + 1))
    six_conv_epochs = printed_epochs(released_notebook, "six-conv-fit")
    assert six_conv_epochs and six_conv_epochs == list(range(1, len(six_conv_epochs) + 1))


def test_pictures_are_those_of_the_released_run(released_notebook):
    figures = saved_figures(released_notebook)
    assert figures.keys() == set(FIGURES)
    assert {path.stem for path in (ROOT / "images.assets").iterdir()} == set(FIGURES)
    for name, png in figures.items():
        assert (ROOT / "images.assets" / f"{name}.png").read_bytes() == png, f"run python tests/tools/release.py: {name}"
    for name in re.findall(r"images\.assets/(.+?)\.png", README):
        assert name in FIGURES


def test_checker_knows_the_released_run(released_notebook):
    assert json.loads(RELEASED.read_text()) == prints(nbformat.writes(released_notebook).encode())


def test_commands_are_the_ones_that_are_run(saved_notebook):
    check = "pip install -r requirements.txt && pytest --nbval"
    assert check in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert sum(command.endswith(check) for command in COMMANDS) == 2  # Linux and macOS, Windows
    run = "jupyter execute --kernel_name=python3 --inplace fashion_mnist_keras.ipynb"
    assert sum(command.endswith(run) for command in COMMANDS) == 2
    [submit] = re.findall(r"^python -m zipfile .*$", README, re.MULTILINE)
    assert submit in saved_notebook.cells[-1].source


def test_commands_of_the_log_find_their_hyperparameters(saved_notebook, notebook):
    commands = re.findall(r"`'(\{.*?\})'", LOG)
    assert commands
    for command in commands:
        changes = ast.literal_eval(command)
        notebook.choose_hyperparameters("quick", changes)
        assert f"changes = {changes!r}" in "\n".join(cell.source for cell in trial_notebook(saved_notebook, changes, 0).cells)


def test_packages_are_the_agreed_ones_and_pinned():
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8").split()
    assert {pin.split("==")[0] for pin in pins} == {"tensorflow", "numpy", "matplotlib", "jupyter", "nbval"}
    assert all(re.fullmatch(r"\w+==[\d.]+", pin) for pin in pins)
    assert f'tensorflow[and-cuda]=={dict(pin.split("==") for pin in pins)["tensorflow"]}' in README
