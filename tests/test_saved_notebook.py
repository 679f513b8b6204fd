"""The saved notebook as a teacher reads it, before anything is executed."""

import re

import pytest

TAGS = {"definitions", "parameters", "nbval-ignore-output"}


def code_cells(saved_notebook):
    return [cell for cell in saved_notebook.cells if cell.cell_type == "code"]


def printed_text(cell):
    """All text that a cell printed or displayed."""
    return "\n".join(
        output.text if output.output_type == "stream" else output.get("data", {}).get("text/plain", "")
        for output in cell.outputs
    )


@pytest.fixture(scope="module")
def saved_text(saved_notebook):
    return "\n".join(printed_text(cell) for cell in code_cells(saved_notebook))


@pytest.fixture(scope="module")
def saved_accuracy(saved_text):
    return float(re.search(r"Test accuracy: (\d+\.\d\d)%", saved_text)[1]) / 100


def test_every_code_cell_was_executed_in_order_in_one_run(saved_notebook):
    counts = [cell.execution_count for cell in code_cells(saved_notebook)]
    assert counts == list(range(1, len(counts) + 1))


def test_cells_either_define_in_silence_or_act_and_show_it(saved_notebook):
    for cell in code_cells(saved_notebook):
        defines = "definitions" in cell.metadata.get("tags", [])
        assert bool(cell.outputs) != defines, cell.source


def test_outputs_hold_no_errors_warnings_or_paths(saved_notebook, saved_text):
    outputs = [output for cell in code_cells(saved_notebook) for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert not re.findall(r"(?<![\w.:/])/[A-Za-z]+/[\w./-]+|[A-Z]:\\", saved_text)
    assert "warning" not in saved_text.lower()


def test_every_figure_is_saved_as_an_image(saved_notebook):
    for cell in code_cells(saved_notebook):
        if "plt.show()" in cell.source:
            assert any("image/png" in output.get("data", {}) for output in cell.outputs), cell.source


def test_tags_are_known_and_no_cell_is_skipped(saved_notebook):
    for cell in code_cells(saved_notebook):
        assert set(cell.metadata.get("tags", [])) <= TAGS
        assert "nbval" not in cell.source.lower()


def test_accuracy_holds_the_floor_and_the_score_follows_from_it(
        notebook, saved_text, saved_accuracy, saved_notebook):
    [parameters] = [cell for cell in saved_notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    budget = re.search(r"Budget: (\w+), seed: \d+", printed_text(parameters))[1]
    floors = re.search(r'"accuracy_floor": (\{.*\})\[budget\]', parameters.source)[1]
    floor = float(re.search(rf'"{budget}": ([\d.]+)', floors)[1])
    assert 0.93 <= floor <= saved_accuracy
    scores = re.findall(r"[Cc]ourse score:? (\d+) / 10", saved_text)
    assert len(scores) == 3
    assert {int(score) for score in scores} == {notebook.course_score(saved_accuracy)} == {10}


def test_accuracy_follows_from_the_saved_recalls(saved_notebook, saved_accuracy):
    [table] = [printed_text(cell) for cell in code_cells(saved_notebook) if "{'Recall'" in cell.source]
    recalls = [float(recall) for recall in re.findall(r"([\d.]+)%$", table, re.MULTILINE)]
    assert len(recalls) == 10
    # Each class has 1,000 test images, so accuracy is the mean of the recalls.
    assert sum(recalls) / 10 == pytest.approx(100 * saved_accuracy, abs=0.006)


@pytest.mark.parametrize("method", ["history = train(", "reference_history = train("])
def test_one_clean_line_was_saved_for_every_epoch(saved_notebook, method):
    [text] = [printed_text(cell) for cell in code_cells(saved_notebook)
              if cell.outputs and re.search(rf"^ *{re.escape(method)}", cell.source, re.MULTILINE)]
    epochs = [int(epoch) for epoch in re.findall(r"^Epoch +(\d+): loss", text, re.MULTILINE)]
    assert epochs and epochs == list(range(1, len(epochs) + 1))
    resumed = re.search(r"from the backup after epoch (\d+)\n", text)
    assert f"Trained for {len(epochs) - int(resumed[1] if resumed else 0)} epochs in " in text


def test_saved_text_has_no_control_characters(saved_notebook, saved_text):
    assert "\r" not in saved_text and "\b" not in saved_text
    # Only the model's summary may hold colour codes; Jupyter shows its HTML form instead.
    for cell in code_cells(saved_notebook):
        assert "\x1b" not in printed_text(cell) or ".summary(" in cell.source


def test_assignment_is_kept_to(saved_notebook):
    source = "\n".join(cell.source for cell in code_cells(saved_notebook))
    # The values are checked by test_submission.py, which reads 0.001 as 1e-3.
    for needed in ("tf.keras.datasets.fashion_mnist.load_data()", "keras.optimizers.Adam(", "keras.Sequential("):
        assert needed in source
