"""A user's own settings do no harm: the first cells, run under settings that once broke them."""

import ast
import base64
import builtins
import gzip
import io
import json
import os
import re
import shutil
import subprocess
import sys

import matplotlib.image
import nbformat
import pytest

from conftest import (
    NOTEBOOK_PATH,
    ROOT,
    cell_of,
    code_cells,
    execute,
    has_tag,
    printed_text,
    up_to,
    with_values,
)

UNREACHABLE = "http://127.0.0.1:9"  # a port where nobody listens
OFFLINE = {"http_proxy": UNREACHABLE, "https_proxy": UNREACHABLE, "no_proxy": ""}
# What a run must look like after its first cells, whatever the settings.
PROBE = """
import matplotlib
model = build_model(hyperparameters, train_images[:1_000], seed)
print(matplotlib.get_backend(), matplotlib.rcParams["text.usetex"],
      matplotlib.rcParams["axes.facecolor"])
print(keras.backend.backend(), keras.config.floatx(), keras.config.image_data_format(),
      tf.keras.__name__ != "tf_keras")
print(model.output_shape, {weight.dtype for weight in model.weights}, hyperparameters["epochs"],
      budget)
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
    """The cells up to the hyperparameters, and a probe of what the settings have become."""
    part = up_to(saved_notebook, "machine")
    # The functions that build the network are needed too, nothing of the training.
    for cell_id in ("block", "first-weights", "build-model"):
        part.cells.append(cell_of(saved_notebook, cell_id))
    part.cells.append(nbformat.v4.new_code_cell(PROBE))
    return part


@pytest.fixture
def home(tmp_path, data_folder):
    """A home folder of our own, with the data in Keras's cache."""
    home = tmp_path / "home"
    shutil.copytree(data_folder, home / ".keras" / "datasets" / "fashion-mnist")
    return home


@pytest.fixture
def folder(tmp_path):
    """The folder of the notebook."""
    folder = tmp_path / "作业 homework"
    folder.mkdir()
    return folder


def environment(home, **variables):
    """Return the variables of a user with this home who has set none of the notebook's own."""
    unset = dict.fromkeys(("KERAS_HOME", "FMNIST_BUDGET", "FMNIST_SEED", "FASHION_MNIST_DIR"), "")
    return unset | {"HOME": str(home), "USERPROFILE": str(home)} | OFFLINE | variables


def assert_as_meant(executed, budget, epochs):
    outputs = [output for cell in code_cells(executed) for output in cell.outputs]
    assert not [output.get("text", "") for output in outputs if output.get("name") == "stderr"]
    assert not [output for output in outputs if output.output_type == "execute_result"]
    figures = [cell for cell in code_cells(executed) if "plt.show()" in cell.source]
    assert figures
    for cell in figures:
        [output] = cell.outputs
        assert sorted(output.data) == ["image/png", "text/plain"]
        png = io.BytesIO(base64.b64decode(output.data["image/png"]))
        pixels = matplotlib.image.imread(png, format="png")
        assert 600 < pixels.shape[1] < 1_300 and (pixels[:2, :2] == 1).all(), "not as meant"
    assert printed_text(executed.cells[-1]) == EXPECTED % (epochs, budget)


def test_configuration_files_and_variables_do_not_change_the_run(
    first_cells, home, folder, notebook
):
    """All settings that once broke the notebook, at once: none of them may show."""
    (home / ".keras" / "keras.json").write_text(
        '{"backend": "theano", "floatx": "float16", "image_data_format": "channels_first"}'
    )
    (home / ".config" / "matplotlib").mkdir(parents=True)
    (home / ".config" / "matplotlib" / "matplotlibrc").write_text(
        "font.sans-serif: SimHei\ntext.usetex: True\naxes.facecolor: black\n"
        "figure.facecolor: black\nsavefig.dpi: 30\n"
    )
    profile = home / ".ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_kernel_config.py").write_text(
        "c.IPKernelApp.pylab = 'inline'\n"
        "c.InteractiveShell.ast_node_interactivity = 'all'\n"
        "c.InlineBackend.figure_formats = {'svg', 'retina'}\n"
        "c.InlineBackend.print_figure_kwargs = {'facecolor': 'black', 'dpi': 300}\n"
        "c.InlineBackend.close_figures = False\n"
    )
    variables = {
        "TF_USE_LEGACY_KERAS": "1",
        "KERAS_BACKEND": "jax",
        "IPYTHONDIR": str(profile.parent),
        "MPLCONFIGDIR": str(home / ".config" / "matplotlib"),
    }
    executed = execute(first_cells, str(folder), environment(home, **variables))
    assert_as_meant(executed, "quick", notebook.quick["epochs"])
    assert not (home / "datasets").exists() and list((home / ".keras" / "datasets").iterdir())


def test_unpacked_data_and_namesakes_of_libraries_beside_the_notebook(first_cells, home, folder):
    """Also another backend for figures, and injected values, to which the environment yields."""
    cache = home / ".keras" / "datasets" / "fashion-mnist"
    for path in cache.glob("*.gz"):
        (folder / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    shutil.rmtree(home / ".keras")
    for name in ("keras", "numpy", "tensorflow", "matplotlib", "gzip"):
        (folder / f"{name}.py").write_text("raise RuntimeError('not a library')\n")
    part = with_values(first_cells, budget="full", changes={"epochs": 3})
    variables = environment(home, MPLBACKEND="module://ipympl.backend_nbagg", FMNIST_BUDGET="quick")
    executed = execute(part, str(folder), variables)
    assert_as_meant(executed, "full", 3)
    machine = printed_text(cell_of(executed, "machine"))
    assert "Budget: full, seed: 5" in machine and "epochs: 3\n" in machine
    assert len(list(cache.iterdir())) == 4


def test_exported_script_runs_and_shows_its_errors(saved_notebook, home, folder):
    """`jupyter nbconvert --to script`, then `python`: not in Jupyter, and without a screen."""
    part = up_to(saved_notebook, "machine")
    part.cells.append(nbformat.v4.new_code_cell("raise RuntimeError('an error of my own')"))
    nbformat.write(part, folder / NOTEBOOK_PATH.name)
    (folder / "keras.py").write_text("raise RuntimeError('not a library')\n")
    convert = [sys.executable, "-m", "nbconvert", "--to", "script", NOTEBOOK_PATH.name]
    subprocess.run(convert, cwd=folder, check=True, capture_output=True)
    script = [sys.executable, NOTEBOOK_PATH.with_suffix(".py").name]
    variables = os.environ | environment(home, MPLBACKEND="")
    outcome = subprocess.run(script, cwd=folder, env=variables, capture_output=True, text=True)
    assert "Test images: (10000, 28, 28) uint8" in outcome.stdout, outcome.stderr
    assert "Budget: quick, seed: 5" in outcome.stdout, outcome.stderr
    assert outcome.returncode == 1 and "RuntimeError: an error of my own" in outcome.stderr
    assert "not a library" not in outcome.stderr


# Run as another user where root runs the tests, for whom no folder is read-only.
AS_NOBODY = """
import gzip, hashlib, json, os, pathlib, subprocess, sys, tempfile, urllib.request
urllib.request.urlopen(pathlib.Path(os.__file__).as_uri()).close()  # It imports what it needs.
settings, data_cells, load = sys.stdin.read().split("#####")
if os.getuid() == 0:
    os.setresuid(65534, 65534, 65534)
exec(settings)
exec(data_cells)
try:
    exec(load)
    outcome = sorted(path.name for path in (keras_home / data_folder).iterdir())
except FileNotFoundError as error:
    outcome = str(error)
print(json.dumps([str(keras_home), outcome]))
"""


@pytest.mark.skipif(os.name != "posix", reason="needs the users of a Unix system")
@pytest.mark.parametrize(
    "kind", ["data in it", "no data", "of another user", "file in the way", "closed home"]
)
def test_read_only_home_of_keras_is_read_and_a_private_folder_is_written(
    saved_notebook, home, folder, tmp_path_factory, kind
):
    keras_home, scratch = home / ".keras", home.parent / "scratch"
    scratch.mkdir()
    if kind != "data in it":
        for path in (keras_home / "datasets" / "fashion-mnist").iterdir():
            shutil.move(path, folder)
    if kind == "file in the way":
        shutil.rmtree(keras_home)
        keras_home.write_text("")
    for path in (tmp_path_factory.getbasetemp(), *home.parents[:3], home):
        path.chmod(0o755)  # pytest keeps its folders to itself.
    for path in [keras_home, *keras_home.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    keras_home.chmod(0 if kind == "of another user" else 0o555)
    home.chmod(0 if kind == "closed home" else 0o555)
    scratch.chmod(0o777)
    definitions = [
        cell_of(saved_notebook, f"data-{name}") for name in ("files", "sources", "cache")
    ]
    load = cell_of(saved_notebook, "load-data").source.split("training, test =")[0]
    sources = [
        cell_of(saved_notebook, "settings").source,
        "\n".join(cell.source for cell in definitions),
        load.replace("/usr/share/datasets", "/nowhere"),
    ]
    try:
        outcome = subprocess.run(
            [sys.executable, "-c", AS_NOBODY],
            input="#####".join(sources),
            cwd=folder,
            env=os.environ | environment(home, TMPDIR=str(scratch), PATH=""),
            capture_output=True,
            text=True,
        )
    finally:
        home.chmod(0o755)
        keras_home.chmod(0o755)
        for path in keras_home.rglob("*"):
            path.chmod(0o755)
    assert outcome.returncode == 0, outcome.stderr
    used, files = json.loads(outcome.stdout)
    assert used.startswith(str(scratch)) and len(files) == 4, files


def test_no_builtin_that_pylab_replaces_is_given_an_iterator(saved_notebook):
    """Under `c.IPKernelApp.pylab`, `all` is NumPy's: of a generator it cannot be False."""
    import pylab

    replaced = {
        name
        for name in dir(builtins)
        if getattr(pylab, name, None) not in (None, getattr(builtins, name))
    } | {"all", "any", "sum", "min", "max", "round", "abs"}
    lazy = (ast.GeneratorExp, ast.Starred)
    for cell in code_cells(saved_notebook):
        for call in ast.walk(ast.parse(cell.source)):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in replaced:
                [argument, *_] = call.args
                is_lazy = isinstance(argument, lazy) or (
                    isinstance(argument, ast.Call)
                    and getattr(argument.func, "id", "") in ("map", "zip", "filter", "reversed")
                )
                assert not is_lazy, ast.unparse(call)


def test_cells_without_ids_are_a_named_cause(saved_notebook, tmp_path):
    """nbstripout and some hosted notebooks drop the ids."""
    without = nbformat.from_dict(saved_notebook)
    for cell in without.cells:
        del cell["id"]
    with pytest.raises(pytest.fail.Exception, match="(?s)id 丢了.*drop the ids.*git checkout"):
        up_to(without, "machine")
    assert with_values(without, budget="brief").cells and has_tag(
        [cell for cell in without.cells if "parameters" in cell.metadata.get("tags", [])][0],
        "parameters",
    )


def test_run_command_ignores_a_kernel_name_that_is_not_installed(saved_notebook, tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [options] = set(re.findall(r"jupyter execute (.*) fashion_mnist_keras.ipynb", readme))
    part = nbformat.v4.new_notebook(metadata=nbformat.from_dict(saved_notebook.metadata))
    part.cells.append(nbformat.v4.new_code_cell("print('done')"))
    part.metadata.kernelspec = {"name": "conda-env-fashion-py", "display_name": ""}
    nbformat.write(part, tmp_path / "n.ipynb")
    command = [sys.executable, "-m", "jupyter", "execute", *options.split(), "n.ipynb"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert printed_text(nbformat.read(tmp_path / "n.ipynb", 4).cells[-1]) == "done\n"


def test_settings_of_pytest_hold_also_for_a_named_notebook(tmp_path):
    shutil.copy(ROOT / ".pytest.ini", tmp_path)
    output = nbformat.v4.new_output("stream", name="stdout", text=sys.prefix + "\n")
    cell = nbformat.v4.new_code_cell(
        "import sys\nprint(sys.prefix)", execution_count=1, outputs=[output]
    )
    kernel = {"name": "no-such-kernel", "display_name": ""}
    part = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})
    nbformat.write(part, tmp_path / NOTEBOOK_PATH.name)
    command = [sys.executable, "-m", "pytest", "--nbval", NOTEBOOK_PATH.name]
    command += ["-p", "no:cacheprovider"]
    outcome = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "1 passed" in outcome.stdout, outcome.stdout
