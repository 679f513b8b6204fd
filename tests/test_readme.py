"""The README against the saved notebook: figures, commands, pictures."""

import re
import subprocess

import nbformat
import pytest

from conftest import ROOT
from test_saved_notebook import code_cells, printed_text
from trial import needed_code

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^```\n(.+?)\n```$", README, re.MULTILINE)
NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?: ?%|(?: s| minutes| epochs)\b)|(?<![\w.])\d+(?:,\d{3})+")

MEASUREMENTS = re.compile(
    r"^## (?:Measured costs|参数结果记录 · Results log)$.*?(?=^## )", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def released_notebook():
    """The committed notebook, which the README describes even after a student has run it again."""
    try:
        committed = subprocess.run(
            ["git", "show", "HEAD:fashion_mnist_keras.ipynb"],
            cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs the git history to tell the released run from a later one")
    return nbformat.reads(committed.decode("utf-8"), as_version=4)


def normalised(text):
    """The text with single spaces, no space before a percent sign and no thousands separators."""
    text = re.sub(r"\s+", " ", text).replace(" %", "%")
    return re.sub(r"(?<=\d)[,_](?=\d{3})", "", text)


def test_every_figure_stands_in_the_released_notebook(released_notebook):
    """Each percentage, time, epoch count and large number is printed by the notebook or stands in
    its source. The sections of measurements are the exception: their figures come with commands.
    """
    known = "\n".join(cell.source + "\n" + printed_text(cell) for cell in code_cells(released_notebook))
    known = normalised(known + "\n" + "\n".join(
        cell.source for cell in released_notebook.cells if cell.cell_type == "markdown"))
    prose = re.sub(r"^```.*?^```$", "", README, flags=re.MULTILINE | re.DOTALL)
    prose = MEASUREMENTS.sub("", prose)
    figures = NUMBER.findall(prose)
    assert len(figures) > 10
    for figure in figures:
        assert re.search(rf"(?<![\d.]){re.escape(normalised(figure))}(?!\d)", known), figure


def test_results_table_is_the_released_run(released_notebook):
    printed = "\n".join(printed_text(cell) for cell in code_cells(released_notebook))
    for pattern, row in [
        (r"Test accuracy: ([\d.]+)%", "Test accuracy"),
        (r"Course score: (\d+) / 10", "Course score"),
        (r"Validation accuracy of six views: +([\d.]+)%", "Validation accuracy"),
        (r"Training accuracy without augmentation: ([\d.]+)%", "Training accuracy"),
        (r"Trained for \d+ epochs in (\d+) s", "Training"),
        (r"([\d,]+) parameters, on", "Network"),
    ]:
        [line] = re.findall(rf"^\| {row}(?:,| \|).*$", README, re.MULTILINE)
        saved = re.search(pattern, printed)[1]
        assert re.search(rf"(?<![\d.]){re.escape(saved)}(?![\d.])", line), (row, saved)


def test_trials_table_is_the_released_run(released_notebook):
    printed = "\n".join(printed_text(cell) for cell in code_cells(released_notebook))
    table = re.search(r"^\| setting \|.*?(?=^$)", README, re.MULTILINE | re.DOTALL)[0].splitlines()[2:]
    settings = re.search(r"^(\d+) trials:$", printed, re.MULTILINE)[1]
    assert len(table) == int(settings)
    for row in table:
        saved = r" .*?".join(re.escape(normalised(field.strip())) for field in row.strip("| ").split("|"))
        assert re.search(rf"^{saved}$", printed, re.MULTILINE), row


def test_every_measurement_comes_with_its_command():
    sections = MEASUREMENTS.findall(README)
    rows = [row for section in sections for row in re.findall(r"^\|.*\d.*\|$", section, re.MULTILINE)]
    assert len(sections) == 2 and len(rows) >= 19
    for row in rows:
        assert re.search(r"\| `[^`]+`", row), row


def test_every_trial_in_the_results_log_finds_its_place_in_the_notebook(released_notebook):
    commands = re.findall(r"`(?:FMNIST_BUDGET=full python tests/trial.py )?(--[^`]*)`", MEASUREMENTS.findall(README)[0])
    assert len(commands) >= 15
    for command in commands:
        second_method, changes = "--second-method" in command, re.findall(r"--change '([^']*)' '([^']*)'", command)
        needed_code(released_notebook, second_method, changes, int(re.search(r"--epochs (\d+)", command)[1]))


def test_commands_are_the_ones_that_are_run(saved_notebook):
    check = "pip install -r requirements.txt && pytest --nbval"
    assert check in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert sum(command.endswith(check) for command in COMMANDS) == 2  # Linux and macOS, Windows
    assert sum("jupyter execute --inplace fashion_mnist_keras.ipynb" in command for command in COMMANDS) == 2
    [submit] = [command for command in COMMANDS if "zipfile" in command]
    assert submit in saved_notebook.cells[-1].source


@pytest.mark.parametrize("picture", sorted(set(re.findall(r"images\.assets/\w+\.png", README))))
def test_pictures_are_made_by_the_notebook(saved_notebook, picture):
    assert (ROOT / picture).is_file()
    name = picture.removeprefix("images.assets/").removesuffix(".png")
    assert any(f'save_figure(figure, "{name}")' in cell.source for cell in saved_notebook.cells)


def test_packages_are_the_agreed_ones_and_pinned():
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8").split()
    assert {pin.split("==")[0] for pin in pins} == {"tensorflow", "numpy", "matplotlib", "jupyter", "nbval"}
    assert all(re.fullmatch(r"\w+==[\d.]+", pin) for pin in pins)
    assert f'tensorflow[and-cuda]=={dict(pin.split("==") for pin in pins)["tensorflow"]}' in README
