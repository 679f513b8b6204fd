"""Hands the notebook's own code and the real data to the tests."""

import importlib
import os
import pathlib
import re
import sys
import types

# Before TensorFlow and Matplotlib are imported: no log lines, and figures without a screen.
os.environ.update(
    TF_CPP_MIN_LOG_LEVEL="3", MPLBACKEND="agg", KERAS_BACKEND="tensorflow", TF_USE_LEGACY_KERAS="0"
)

import nbclient
import nbformat
import numpy as np
import pytest

import submission

ROOT = pathlib.Path(__file__).resolve().parent.parent
NOTEBOOK_PATH = ROOT / "fashion_mnist_keras.ipynb"
KERAS_HOME = pathlib.Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
# A network that trains in a second, for all that has nothing to do with its size.
SMALL = {"epochs": 2, "filters": (4, 8, 16), "batch_size": 64}
GIVEN_REPORTS = pytest.StashKey()


def pytest_addoption(parser):
    parser.addoption(
        "--submission",
        metavar="PATH",
        help="a .zip, .ipynb or folder for tests/test_submission.py, not this folder's notebook",
    )


def given_reports(config):
    """Return the reports on what --submission names, each file checked once; without it none."""
    if GIVEN_REPORTS not in config.stash:
        path = config.getoption("--submission")
        config.stash[GIVEN_REPORTS] = submission.reports_on([path]) if path else []
        if path and not config.stash[GIVEN_REPORTS]:
            raise pytest.UsageError(f"{path}: {submission.NOTHING_FOUND}")
    return config.stash[GIVEN_REPORTS]


def pytest_terminal_summary(terminalreporter, config):
    if config.getoption("--submission"):
        terminalreporter.section("提交检查 · submission check")
        terminalreporter.write_line(submission.summary(given_reports(config)))


def has_tag(cell, tag):
    return tag in cell.metadata.get("tags", [])


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed_text(cell):
    """All text that a cell printed or displayed."""
    return "\n".join(
        (
            output.text
            if output.output_type == "stream"
            else output.get("data", {}).get("text/plain", "")
        )
        for output in cell.outputs
    )


def cell_of(notebook, cell_id):
    """Return the cell of this id; fails with the cause where a program has dropped the ids."""
    for cell in notebook.cells:
        if cell.get("id") == cell_id:
            return cell
    pytest.fail(
        f"单元格的 id 丢了 · {NOTEBOOK_PATH.name} has no cell with the id {cell_id!r}. Some hosted "
        "notebooks and nbstripout drop the ids, by which this test finds its cells; git has them: "
        f"git checkout -- {NOTEBOOK_PATH.name}",
        pytrace=False,
    )


def printed_epochs(text):
    """Return the numbers of the epochs for which a line stands in what a training printed."""
    return [int(epoch) for epoch in re.findall(r"^Epoch +(\d+): loss", text, re.MULTILINE)]


def with_values(notebook, **values):
    """Return a copy of the notebook with assignments injected after the cell `parameters`."""
    copy = nbformat.from_dict(notebook)
    [position] = [number for number, cell in enumerate(copy.cells) if has_tag(cell, "parameters")]
    source = "\n".join(f"{name} = {value!r}" for name, value in values.items())
    copy.cells.insert(position + 1, nbformat.v4.new_code_cell(source))
    return copy


def up_to(notebook, cell_id):
    """Return a copy of the notebook that ends with the cell of this id."""
    copy = nbformat.from_dict(notebook)
    copy.cells = copy.cells[: copy.cells.index(cell_of(copy, cell_id)) + 1]
    return copy


def execute(notebook, folder, environment=None):
    """Run a notebook in a folder, in a kernel of its own; return it with its outputs."""
    client = nbclient.NotebookClient(
        notebook, timeout=None, kernel_name="python3", resources={"metadata": {"path": folder}}
    )
    client.execute(env=os.environ | (environment or {}))
    return notebook


@pytest.fixture(scope="session")
def saved_notebook():
    """The notebook file as it was before this test run, with its saved outputs."""
    return nbformat.read(NOTEBOOK_PATH, as_version=4)


@pytest.fixture(scope="session")
def notebook(saved_notebook, tmp_path_factory):
    """A module of the hyperparameters and of all that the cells tagged `definitions` define."""
    sources = ["import os\nimport pathlib\nimport tempfile"]
    sources += [
        cell.source
        for cell in code_cells(saved_notebook)
        if has_tag(cell, "definitions") or has_tag(cell, "parameters")
    ]
    path = tmp_path_factory.mktemp("definitions") / "notebook_definitions.py"
    path.write_text("\n\n\n".join(sources), encoding="utf-8")
    sys.path.insert(0, str(path.parent))
    return importlib.import_module(path.stem)


@pytest.fixture(scope="session")
def small(notebook):
    """The hyperparameters of `quick` with a network that trains in a second."""
    return notebook.quick | SMALL


@pytest.fixture(scope="session")
def data_folder(notebook):
    """The folder of Keras's cache, with the four real data files in it."""
    folder = KERAS_HOME / "datasets" / "fashion-mnist"
    notebook.complete_cache(folder, "/usr/share/datasets/fashion-mnist")
    return folder


@pytest.fixture(scope="session")
def data(notebook, data_folder):
    """The real data as load_data() gives it: training and test, images and labels."""
    (train_images, train_labels), (test_images, test_labels) = (
        notebook.tf.keras.datasets.fashion_mnist.load_data()
    )
    return types.SimpleNamespace(
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        test_labels=test_labels,
    )


@pytest.fixture(scope="session")
def val_data(notebook, data):
    """500 images with one-hot labels to judge a training by."""
    return data.train_images[-500:], np.eye(10)[data.train_labels[-500:]]
