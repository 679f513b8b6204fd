"""Sets nbval up for a bare `pytest --nbval` and hands the notebook's own code to the tests."""

import importlib
import pathlib
import sys
import types

import matplotlib
import nbformat
import pytest

import submission

# The tests draw figures without a screen; the notebook's kernel keeps its own setting.
matplotlib.use("Agg")

ROOT = pathlib.Path(__file__).resolve().parent.parent
NOTEBOOK_PATH = ROOT / "fashion_mnist_keras.ipynb"


def pytest_addoption(parser):
    parser.addoption("--submission", metavar="PATH",
                     help="a .zip, .ipynb or folder for tests/test_submission.py to check, not this folder's notebook")


GIVEN_REPORTS = pytest.StashKey()


def given_reports(config):
    """Return the reports on what --submission names, each file checked once; none without the option."""
    if GIVEN_REPORTS not in config.stash:
        path = config.getoption("--submission")
        config.stash[GIVEN_REPORTS] = submission.reports_on([path]) if path else []
    return config.stash[GIVEN_REPORTS]


def pytest_terminal_summary(terminalreporter, config):
    if config.getoption("--submission"):
        terminalreporter.section("提交检查 · submission check")
        terminalreporter.write_line(submission.summary(given_reports(config)))


def pytest_configure(config):
    # The kernel is the Python that runs pytest, whatever kernels the user has installed.
    config.option.nbval_current_env = config.option.nbval_kernel_name is None
    # Warnings about other packages' own code, which no user can do anything about.
    config.addinivalue_line(
        "filterwarnings", "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
    config.addinivalue_line("filterwarnings", "ignore:Cell is missing an id field")
    # The `full` budget trains for longer than nbval's default of 2,000 s a cell.
    config.option.nbval_cell_timeout = max(config.option.nbval_cell_timeout, 6 * 3600)


def definitions_and_actions(notebook):
    """Return the sources of the notebook's code cells tagged `definitions`, and those of all others."""
    definitions, actions = [], []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            group = definitions if "definitions" in cell.metadata.get("tags", []) else actions
            group.append(cell.source)
    return definitions, actions


@pytest.fixture(scope="session")
def saved_notebook():
    """The notebook file as it was before this test run, with its saved outputs."""
    return nbformat.read(NOTEBOOK_PATH, as_version=4)


@pytest.fixture(scope="session")
def notebook(saved_notebook, tmp_path_factory):
    """A module that holds all that the notebook's cells tagged `definitions` define."""
    definitions, _ = definitions_and_actions(saved_notebook)
    path = tmp_path_factory.mktemp("definitions") / "notebook_definitions.py"
    path.write_text("\n\n\n".join(definitions), encoding="utf-8")
    sys.path.insert(0, str(path.parent))
    return importlib.import_module(path.stem)


@pytest.fixture(scope="session")
def data_folder(notebook):
    """The folder of the Keras cache, with the four real data files in it."""
    folder = notebook.keras_cache_folder()
    notebook.ensure_dataset(folder)
    return folder


@pytest.fixture(scope="session")
def data(notebook, data_folder):
    """The real data as load_data() gives it: training and test, images and labels."""
    (train_images, train_labels), (test_images, test_labels) = (
        notebook.tf.keras.datasets.fashion_mnist.load_data()
    )
    return types.SimpleNamespace(
        train_images=train_images, train_labels=train_labels,
        test_images=test_images, test_labels=test_labels,
    )


@pytest.fixture(scope="session")
def validation(notebook, data):
    """500 images in one batch to judge a training by."""
    return notebook.evaluation_batches(data.train_images[-500:], data.train_labels[-500:])
