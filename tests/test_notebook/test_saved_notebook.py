"""The saved notebook as a teacher reads it: outputs that agree with each other and with the words.

What every submission must hold (order, outputs, curves ...) tests/test_submission.py asks.
"""

import re

import pytest

from conftest import ROOT, cell_of, code_cells, has_tag, printed_epochs, printed_text

TAGS = {"definitions", "parameters", "nbval-ignore-output"}


@pytest.fixture(scope="module")
def printed(saved_notebook):
    """printed(cell_id) returns what a cell has printed; without an id, what all cells have."""

    def text(cell_id=None):
        cells = [cell_of(saved_notebook, cell_id)] if cell_id else code_cells(saved_notebook)
        return "\n".join(printed_text(cell) for cell in cells)

    if not text():
        pytest.fail("the notebook is saved without outputs: run it first", pytrace=False)
    return text


@pytest.fixture(scope="module")
def words(saved_notebook):
    """words(cell_id) returns the text of a Markdown cell."""
    return lambda cell_id: cell_of(saved_notebook, cell_id).source


@pytest.fixture(scope="module")
def percentages(printed):
    """percentages(pattern, cell_id): the numbers before % that stand after the pattern."""
    return lambda pattern, cell_id: [
        float(number)
        for number in re.findall(rf"{pattern}\s*(\d+(?:\.\d+)?)%", printed(cell_id), re.MULTILINE)
    ]


@pytest.fixture(scope="module")
def test_accuracy(percentages):
    [accuracy] = percentages("^Test accuracy:", "test")
    return accuracy


def test_cells_either_define_in_silence_or_act_and_show_it(saved_notebook, printed, notebook):
    has_long_trial = cell_of(saved_notebook, "machine") and "trial_epochs: 0" not in printed(
        "machine"
    )
    for cell in code_cells(saved_notebook):
        is_silent = has_tag(cell, "definitions") or has_tag(cell, "parameters")
        is_silent |= cell["id"] == "settings" or cell["id"] == "long-trial" and not has_long_trial
        assert bool(cell.outputs) != is_silent, cell.source
        has_figure = "plt.show()" in cell.source and not is_silent
        pictures = ["image/png" in output.get("data", {}) for output in cell.outputs]
        assert sum(pictures) == has_figure, cell.source


def test_parameters_are_plain_assignments(saved_notebook):
    [parameters] = [cell for cell in saved_notebook.cells if has_tag(cell, "parameters")]
    names = {}
    exec(parameters.source, {"__builtins__": {}}, names)  # No function, not even a built-in one.
    budgets = ("brief", "quick", "full")
    tables = {*budgets, *(f"{budget}_run" for budget in budgets)}
    assert names.keys() == {"budget", "seed", "changes"} | tables
    assert (names["budget"], names["seed"], names["changes"]) == (None, None, {})


def test_tags_are_known_and_no_cell_is_skipped(saved_notebook):
    for cell in code_cells(saved_notebook):
        assert set(cell.metadata.get("tags", [])) <= TAGS
        assert "nbval" not in cell.source.lower()


def test_text_is_plain(saved_notebook, printed):
    assert "\r" not in printed() and "\b" not in printed()
    # Only the model's summary may hold colour codes; Jupyter shows its HTML form instead.
    for cell in code_cells(saved_notebook):
        assert "\x1b" not in printed_text(cell) or cell["id"] == "summary"


def test_run_used_the_parameters_that_the_notebook_holds(notebook, printed, words):
    [(budget, seed)] = re.findall(r"^Budget: (\w+), seed: (\d+)$", printed("machine"), re.MULTILINE)
    hyperparameters, run = notebook.choose(budget, {})
    for name, value in (hyperparameters | run).items():
        assert f"\n{name}: {value}\n" in printed("machine") + "\n", name
    assert f"来自 `{budget}`" in words("hyperparameters-text")
    assert f"are those of `{budget}`" in words("hyperparameters-text")
    assert f"Budget {budget}, seed {seed}, " in printed("result")


@pytest.mark.parametrize("cell_id", ["fit", "six-conv-fit"])
def test_a_line_was_saved_for_every_epoch(printed, cell_id):
    name = {"fit": "epochs", "six-conv-fit": "six_conv_epochs"}[cell_id]
    [epochs] = re.findall(rf"^{name}: (\d+)$", printed("machine"), re.MULTILINE)
    trained = printed_epochs(printed(cell_id))
    assert trained == [*range(1, len(trained) + 1)] and 0 < len(trained) <= int(epochs)
    assert len(trained) == int(epochs) or cell_id == "six-conv-fit", "only that one stops early"


def test_accuracy_mark_and_floor_agree_wherever_they_stand(
    notebook, printed, percentages, test_accuracy
):
    floor = float(re.search(r"^accuracy_floor: ([\d.]+)$", printed("machine"), re.MULTILINE)[1])
    assert floor <= test_accuracy / 100
    assert "Accuracy floor of this budget held: True" in printed("checked-facts")
    scores = re.findall(r"[Cc]ourse score:? (\d+) / 10", printed())
    assert scores == [str(notebook.course_score(test_accuracy / 100))] * 3
    assert percentages("^Test accuracy", "result") == [test_accuracy]
    assert set(re.findall(r"test images +[\d.]+% +([\d.]+)%", printed("targets"))) == {
        f"{test_accuracy:.2f}"
    }
    # Each class has 1,000 test images, so accuracy is the mean of the recalls.
    recalls = percentages(r"^.+%", "recalls")
    assert len(recalls) == 10 and sum(recalls) / 10 == pytest.approx(test_accuracy, abs=0.006)


def test_saved_model_was_read_back_whole(printed):
    assert "same weights: True; gives the same answers: True" in printed("checked-facts")


def test_table_of_layers_shows_the_summary_of_this_run(printed, words):
    """One notebook, one network: the channels in the words are those that Keras prints."""
    summary = re.sub(r"\x1b\[[\d;]*m", "", printed("summary"))  # without its colours
    outputs = re.findall(
        r"(\w+)\s*\((?:Conv2D|MaxPooling2D|Global\w+|Dense)\)\W+\((None[^)]*)\)", summary
    )
    shapes = {name: " × ".join(shape.split(", ")[1:]) for name, shape in outputs}
    blocks = [shape for name, shape in shapes.items() if name.startswith("max_pool")]
    table = re.findall(r"^\|.+?\| ([\d ×]+) \|", words("model"), re.MULTILINE)
    assert len(blocks) == 3
    expected = ["28 × 28 × 1", shapes["whitening"], *blocks, blocks[-1].split(" × ")[-1], "10"]
    assert table == expected


def test_numbers_of_images_and_steps_in_the_words_are_those_of_the_run(printed, words):
    training, validation = re.search(
        r"^(\d+) training images; validation images of each class: \[(\d+)", printed("split-data")
    ).groups()
    for number in (10 * int(validation), int(validation)):
        assert words("split-text").count(f"{number:,}") >= 2, number
    [batch] = re.findall(r"^batch_size: (\d+)$", printed("machine"), re.MULTILINE)
    steps = int(training) // int(batch)
    assert f"{steps} 步" in words("training") and f"{steps} steps" in words("training")


def test_words_on_the_curves_hold_for_this_run(printed, words):
    line = r"accuracy ([\d.]+)%; validation loss ([\d.]+), accuracy ([\d.]+)%"
    epochs = [tuple(map(float, numbers)) for numbers in re.findall(line, printed("fit"))]
    losses = [loss for _, loss, _ in epochs]
    last = losses[-10:]
    is_level = max(last) - min(last) < 0.003 and min(last) <= min(losses) + 0.001
    falls = not is_level and losses[-1] <= min(losses) + 0.001
    assert is_level == ("在最后十轮几乎不变" in words("curves-text"))
    assert is_level == ("hardly changes over the last ten epochs" in words("curves-text"))
    assert falls == ("到最后还在下降" in words("curves-text"))
    assert falls == ("in this run it falls to the end" in words("curves-text"))
    assert epochs[0][0] < epochs[0][2], "training accuracy is said to be lower at first"
    below = [number for number, (own, _, held_out) in enumerate(epochs, 1) if own <= held_out]
    if below[-1] < len(epochs):
        assert f"从第 {below[-1] + 1} 轮起" in words("curves-text"), "above it to the end"
        assert f"from epoch {below[-1] + 1} on" in words("curves-text")


def test_words_on_the_test_hold_for_this_run(percentages, words, test_accuracy):
    [six_views] = percentages("^Validation accuracy, six views:", "test")
    is_below = "In this run test accuracy is below validation accuracy" in words("test-text")
    assert is_below == ("这次运行的测试准确率比验证准确率低" in words("test-text"))
    assert is_below == (test_accuracy < six_views)
    [one_view] = percentages("^Validation accuracy, one view:", "test")
    if "What one view gets wrong the mean sometimes gets right" in words("evaluation"):
        assert six_views >= one_view
    needed = {"97.5": 97.5, "88.6": 88.6}
    assert "97.5% is not reached" in words("lessons") and test_accuracy < needed["97.5"]
    assert "earns full marks (88.6%)" in words("lessons") and test_accuracy >= needed["88.6"]


def test_most_mistakes_are_where_the_words_see_them(percentages):
    """Among the four kinds of tops, then dresses, then shoes: by the recalls of the classes."""
    tops = ["T-shirt/top", "Pullover", "Coat", "Shirt"]
    others = ["Trouser", "Dress", "Sandal", "Sneaker", "Bag", "Ankle boot"]
    missed = {name: 100 - percentages(rf"^{name}\b.*%", "recalls")[0] for name in [*tops, *others]}
    assert sum(missed[name] for name in tops) > 0.5 * sum(missed.values())
    assert max(missed, key=missed.get) == "Shirt"
    assert max(others, key=missed.get) == "Dress"


def test_words_on_the_trials_hold_for_this_run(printed, words):
    """Every sentence of *What to learn* points at a printed line."""
    line = re.compile(r"^(.+?) +((?:[\d.]+%,? ?)+) in (\d+) s$", re.MULTILINE)
    trials = {}
    for name, values, seconds in line.findall(printed("trial-runs")):
        numbers = [float(number) for number in re.findall(r"([\d.]+)%", values)]
        trials[name] = sum(numbers) / len(numbers), int(seconds)
    accuracy, seconds = trials.pop("defaults")
    loses = ["learning rate 0.0001", "learning rate 0.01", "first weights x 5"]
    for name in loses:
        assert trials[name][0] < accuracy, name
    [batch] = [name for name in trials if name.startswith("batch size 32")]
    assert trials[batch][1] < seconds, "a step of 32 images is said to be far cheaper"
    assert trials["half the channels"][1] < seconds
    if "Half the channels learn less" in words("trials-lesson"):
        assert trials["half the channels"][0] < accuracy
    if "Without augmentation nothing is lost in a short trial" in words("trials-lesson"):
        assert trials["no augmentation"][0] > accuracy - 0.5


def test_percentages_in_the_words_are_printed_or_logged(saved_notebook, printed):
    """A figure that nobody can check has no place: it is an output, a limit or in the log."""
    log = (ROOT / "tests" / "LOG.md").read_text(encoding="utf-8")
    source = "\n".join(cell.source for cell in code_cells(saved_notebook))
    fractions = {round(100 * float(number), 4) for number in re.findall(r"\b0\.\d+\b", source)}
    numbers = {float(number) for number in re.findall(r"\d+(?:\.\d+)?", printed() + log + source)}
    for cell in saved_notebook.cells:
        if cell.cell_type == "markdown":
            for number in re.findall(r"(\d+\.\d+)(?:%| and [\d.]+%)", cell.source):
                assert float(number) in numbers | fractions, (cell["id"], number)


def test_notebook_reads_like_a_lesson(saved_notebook):
    """The shape that keeps it readable: short cells and lines, prose before code."""
    lines = [cell.source.splitlines() for cell in code_cells(saved_notebook)]
    sizes = [
        sum(bool(line.strip()) for line in cell.source.splitlines())
        for cell in code_cells(saved_notebook)
        if not has_tag(cell, "parameters")
    ]
    assert max(sizes) <= 30 and len(sizes) <= 50 and sum(map(len, lines)) <= 700
    assert max(len(line) for cell in lines for line in cell) <= 100
    kinds = "".join(cell.cell_type[0] for cell in saved_notebook.cells)
    assert "cccc" not in kinds, "more than three code cells stand in a row without prose"
