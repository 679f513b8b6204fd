"""The saved notebook as a teacher reads it; test_submission.py asks of it what every submission must meet."""

import re

import pytest

from conftest import code_cells, has_tag, printed_epochs, printed_text

TAGS = {"definitions", "parameters", "nbval-ignore-output"}


@pytest.fixture(scope="module")
def saved_text(saved_notebook):
    return "\n".join(printed_text(cell) for cell in code_cells(saved_notebook))


@pytest.fixture(scope="module")
def saved_accuracy(saved_text):
    return float(re.search(r"Test accuracy: (\d+\.\d\d)%", saved_text)[1]) / 100


def test_cells_either_define_in_silence_or_act_and_show_it(saved_notebook):
    for cell in code_cells(saved_notebook):
        is_silent = has_tag(cell, "definitions") or has_tag(cell, "parameters") or cell["id"] == "settings"
        assert bool(cell.outputs) != is_silent, cell.source


def test_parameters_are_plain_assignments(saved_notebook):
    [parameters] = [cell for cell in saved_notebook.cells if has_tag(cell, "parameters")]
    names = {}
    exec(parameters.source, {"__builtins__": {}}, names)  # No function, not even a built-in one, is called.
    assert names.keys() == {"budget", "seed", "changes", "brief", "quick", "full"}
    assert (names["budget"], names["seed"], names["changes"]) == (None, None, {})


def test_every_figure_is_saved_as_one_image(saved_notebook):
    for cell in code_cells(saved_notebook):
        if "plt.show()" in cell.source:
            assert sum("image/png" in output.get("data", {}) for output in cell.outputs) == 1, cell.source


def test_tags_are_known_and_no_cell_is_skipped(saved_notebook):
    for cell in code_cells(saved_notebook):
        assert set(cell.metadata.get("tags", [])) <= TAGS
        assert "nbval" not in cell.source.lower()


def test_accuracy_holds_the_floor_and_the_score_follows_from_it(notebook, saved_text, saved_accuracy):
    budget = re.search(r"^Budget: (\w+), seed: \d+$", saved_text, re.MULTILINE)[1]
    floor = float(re.search(r"^accuracy_floor: ([\d.]+)$", saved_text, re.MULTILINE)[1])
    assert 0.93 <= floor <= saved_accuracy and floor == getattr(notebook, budget)["accuracy_floor"]
    scores = re.findall(r"[Cc]ourse score:? (\d+) / 10", saved_text)
    assert len(scores) == 3
    assert {int(score) for score in scores} == {notebook.course_score(saved_accuracy)} == {10}


def test_accuracy_follows_from_the_saved_recalls(saved_notebook, saved_accuracy):
    [table] = [printed_text(cell) for cell in code_cells(saved_notebook) if cell["id"] == "recalls"]
    recalls = [float(recall) for recall in re.findall(r"([\d.]+)%$", table, re.MULTILINE)]
    assert len(recalls) == 10
    # Each class has 1,000 test images, so accuracy is the mean of the recalls.
    assert sum(recalls) / 10 == pytest.approx(100 * saved_accuracy, abs=0.006)


@pytest.mark.parametrize("cell_id", ["fit", "six-conv-fit"])
def test_one_clean_line_was_saved_for_every_epoch_that_was_trained(saved_notebook, saved_text, cell_id):
    epochs = printed_epochs(saved_notebook, cell_id)
    assert epochs or re.search("^Budget: full", saved_text, re.MULTILINE), "only `full` reads a finished training back"
    assert not epochs or epochs == list(range(epochs[0], epochs[0] + len(epochs)))


def test_saved_text_has_no_warnings_and_no_control_characters(saved_notebook, saved_text):
    assert "warning" not in saved_text.lower()
    assert "\r" not in saved_text and "\b" not in saved_text
    # Only the model's summary may hold colour codes; Jupyter shows its HTML form instead.
    for cell in code_cells(saved_notebook):
        assert "\x1b" not in printed_text(cell) or ".summary(" in cell.source


def test_notebook_reads_like_a_lesson(saved_notebook):
    """The shape that keeps it readable: short cells, prose before code."""
    sizes = [sum(bool(line.strip()) for line in cell.source.splitlines()) for cell in code_cells(saved_notebook)]
    assert max(sizes) <= 25 and sum(sizes) <= 550 and len(sizes) <= 50
    kinds = "".join(cell.cell_type[0] for cell in saved_notebook.cells)
    assert "cccc" not in kinds, "more than three code cells stand in a row without prose"
    assert max(len(line) for cell in code_cells(saved_notebook) for line in cell.source.splitlines()) <= 120
