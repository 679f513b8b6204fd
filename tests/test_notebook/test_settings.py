"""A user's own settings do no harm: the notebook's first cells in kernels of their own, under settings that once broke it."""

import gzip
import json
import re
import shutil
import subprocess
import sys

import nbclient
import nbformat
import pytest

from conftest import NOTEBOOK_PATH, ROOT, code_cells, execute, printed_text, up_to, with_values

# What a run must look like after its first cells, whatever the settings.
PROBE = """
import matplotlib
model = build_model(hyperparameters, train_images[:1_000], seed)
print(matplotlib.get_backend(), matplotlib.rcParams["text.usetex"], matplotlib.rcParams["axes.facecolor"])
print(keras.backend.backend(), keras.config.floatx(), keras.config.image_data_format(), tf.keras.__name__ != "tf_keras")
print(model.output_shape, {weight.dtype for weight in model.weights}, hyperparameters["epochs"], budget)
_ = os.write(2, b"a log line of C++ code, say of a GPU\\n")
2 + 2
print("done")
"""
EXPECTED = """inline False white
tensorflow float32 channels_last True
(None, 10) {'float32'} %s %s
done
"""


@pytest.fixture
def first_cells(saved_notebook):
    """The notebook's cells up to the hyperparameters, and a probe of what the settings have become."""
    part = up_to(saved_notebook, "machine")
    # The functions that build the network are needed too, nothing of the training.
    part.cells += [
        cell
        for cell in saved_notebook.cells
        if cell.get("id") in ("block", "whitening", "identity-kernel", "build-model")
    ]
    part.cells.append(nbformat.v4.new_code_cell(PROBE))
    return part


@pytest.fixture
def home(tmp_path, data_folder):
    """A home folder of our own, with the data in Keras's cache."""
    home = tmp_path / "home"
    shutil.copytree(data_folder, home / ".keras" / "datasets" / "fashion-mnist")
    return home


def run(notebook, home, **environment):
    """Run the cells in an empty folder with this home; return the notebook and the folder."""
    folder = home.parent / "作业 homework"
    folder.mkdir(exist_ok=True)
    unset = {"KERAS_HOME": "", "FMNIST_BUDGET": "", "FMNIST_SEED": "", "FASHION_MNIST_DIR": ""}
    return execute(
        notebook, str(folder), unset | {"HOME": str(home), "USERPROFILE": str(home)} | environment
    )


def assert_as_meant(executed, budget="quick", epochs=None):
    outputs = [output for cell in code_cells(executed) for output in cell.outputs]
    assert not [output.get("text", "") for output in outputs if output.get("name") == "stderr"]
    assert not [output for output in outputs if output.output_type == "execute_result"]
    figures = [cell for cell in code_cells(executed) if "plt.show()" in cell.source]
    assert figures
    for cell in figures:
        assert [sorted(output.data) for output in cell.outputs] == [["image/png", "text/plain"]]
    assert printed_text(executed.cells[-1]) == EXPECTED % (epochs, budget)


def test_configuration_files_and_variables_do_not_change_the_run(first_cells, home, notebook):
    """All settings that once broke the notebook, at once: none of them may show."""
    (home / ".keras" / "keras.json").write_text(
        json.dumps(
            {"backend": "theano", "floatx": "float16", "image_data_format": "channels_first"}
        )
    )
    (home / ".config" / "matplotlib").mkdir(parents=True)
    (home / ".config" / "matplotlib" / "matplotlibrc").write_text(
        "font.sans-serif: SimHei\ntext.usetex: True\naxes.facecolor: black\nfigure.facecolor: black\nsavefig.dpi: 30\n"
    )
    profile = home / ".ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_kernel_config.py").write_text(
        "c.InteractiveShell.ast_node_interactivity = 'all'\n"
        "c.InlineBackend.figure_formats = {'svg', 'retina'}\nc.InlineBackend.close_figures = False\n"
    )
    executed = run(
        first_cells,
        home,
        MPLBACKEND="module://ipympl.backend_nbagg",
        TF_USE_LEGACY_KERAS="1",
        IPYTHONDIR=str(profile.parent),
        MPLCONFIGDIR=str(home / ".config" / "matplotlib"),
    )
    assert_as_meant(executed, epochs=notebook.quick["epochs"])
    assert not (home / "datasets").exists() and list((home / ".keras" / "datasets").iterdir())


def test_data_in_a_folder_under_the_home_folder_unpacked_and_injected_values(
    first_cells, home, notebook, saved_notebook
):
    """FASHION_MNIST_DIR='~/data' with unpacked files, a backend that wants a window, and papermill's injected values."""
    cache = home / ".keras" / "datasets" / "fashion-mnist"
    (home / "data").mkdir()
    for path in cache.glob("*.gz"):
        (home / "data" / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    shutil.rmtree(home / ".keras")
    part = with_values(first_cells, budget="full", changes={"epochs": 3})
    executed = run(
        part, home, MPLBACKEND="TkAgg", FASHION_MNIST_DIR="~/data", FMNIST_BUDGET="quick"
    )
    assert_as_meant(executed, budget="full", epochs=3)
    [machine] = [printed_text(cell) for cell in executed.cells if cell.get("id") == "machine"]
    assert "Budget: full, seed: 5" in machine and "epochs: 3\n" in machine
    assert len(list(cache.iterdir())) == 4


@pytest.mark.parametrize("name", ["keras", "tensorflow"])
def test_file_that_hides_a_package_is_named(saved_notebook, home, name):
    folder = home.parent / "作业 homework"
    folder.mkdir()
    (folder / f"{name}.py").write_text("print('my homework')\n")
    with pytest.raises(
        nbclient.exceptions.CellExecutionError, match=f"(?s)请给 {name}.py 改名.*Rename {name}.py"
    ):
        run(up_to(saved_notebook, "settings"), home)


def test_old_keras_is_refused_with_advice(first_cells, home):
    [machine] = [cell for cell in first_cells.cells if cell.get("id") == "machine"]
    machine.source = "keras.__version__ = '2.15.0'\ndel layers.RandomErasing\n" + machine.source
    with pytest.raises(
        nbclient.exceptions.CellExecutionError,
        match="(?s)2.15.0.*无效.*pip install -r requirements.txt",
    ):
        run(first_cells, home)


def test_run_command_ignores_a_kernel_name_that_is_not_installed(saved_notebook, tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [options] = set(re.findall(r"jupyter execute (.*) fashion_mnist_keras.ipynb", readme))
    part = up_to(saved_notebook, "title")
    part.cells.append(nbformat.v4.new_code_cell("print('done')"))
    part.metadata.kernelspec.name = "conda-env-fashion-py"
    nbformat.write(part, tmp_path / "n.ipynb")
    command = [sys.executable, "-m", "jupyter", "execute", *options.split(), "n.ipynb"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert printed_text(nbformat.read(tmp_path / "n.ipynb", 4).cells[-1]) == "done\n"


def test_settings_of_pytest_hold_also_for_a_named_notebook(tmp_path):
    shutil.copy(ROOT / ".pytest.ini", tmp_path)
    cell = nbformat.v4.new_code_cell(
        "import sys\nprint(sys.prefix)",
        execution_count=1,
        outputs=[nbformat.v4.new_output("stream", name="stdout", text=sys.prefix + "\n")],
    )
    part = nbformat.v4.new_notebook(
        cells=[cell], metadata={"kernelspec": {"name": "no-such-kernel", "display_name": ""}}
    )
    nbformat.write(part, tmp_path / NOTEBOOK_PATH.name)
    outcome = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", NOTEBOOK_PATH.name, "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "1 passed" in outcome.stdout, outcome.stdout
