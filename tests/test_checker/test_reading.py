"""The checker reads notebooks as a person would: each case was read wrongly once."""

import json
import sys

import nbformat
import pytest

import submission
from checker.finding import RUN_ALL
from sample_notebooks import (
    NAME,
    found,
    picture,
    states,
    stopped_at,
    text,
    unmet,
    write,
    write_complete,
)


@pytest.mark.parametrize(
    "source",
    [
        "x = 3\nprint('%.2f'\n      % x)",
        "try:\n    %tensorflow_version 2.x\nexcept Exception:\n    pass",
        "files = !ls",
        "t = %timeit -o f()",
        "model.fit?",
        "%%time\nx = 1",
        "if x:\n    !ls",
        "%time model.fit(x)",
        "%matplotlib inline\ndef f():\n    return '训练'",
        "# a\u2028b\ndef f(): pass",
        "pip install x",
        " !pip install x",
        "!wget a \\\n -O b",
        "model.fit??  # help",
        "%%R\nx <- 1",
        "%%sql\nselect *",
        "%%time\n%%capture\nx = 1",
        "ls -l",
    ],
)
def test_what_jupyter_runs_is_no_fault(tmp_path, source):
    assert "format" not in unmet(write(tmp_path / NAME, (source, text("x"))))


def test_a_cell_that_cannot_be_read_does_not_end_the_report(tmp_path):
    path = write(
        tmp_path / NAME,
        ("x = 1", []),
        ("y = 2\ndef broken(:", []),
        ("import torch\nprint(x)", text("Test accuracy: 91.31%")),
    )
    findings = found(path)
    assert findings["format"].state == "look" and "Code cell 2, line 2" in str(findings["format"])
    assert findings["packages"].state == "fails" and findings["accuracy"].state == "holds"
    assert set(findings) == set(submission.REQUIREMENTS)


@pytest.mark.parametrize("source, least_python", [('print(f"{d["a"]}")', (3, 12))])
def test_the_syntax_of_a_newer_python_needs_a_look_only(tmp_path, source, least_python):
    path = write(tmp_path / NAME, (source, text("Test accuracy: 91.31%")))
    assert states(path)["format"] == ("holds" if sys.version_info >= least_python else "look")
    assert submission.examine(path).mark == 10


def test_what_is_missing_may_stand_in_a_cell_that_cannot_be_read(tmp_path):
    path = write(tmp_path / NAME, ("def broken(:\n    import torch", [picture()]))
    assert {states(path)[name] for name in ("curves", "assignment")} == {"look"}
    assert states(path)["packages"] == "fails", "an import is found even there"


@pytest.mark.parametrize(
    "change",
    [
        lambda cell: cell.update(id="x y!" * 40),
        lambda cell: cell.update(id=7),
        lambda cell: cell.pop("metadata"),
        lambda cell: cell.update(metadata=None),
        lambda cell: cell.pop("execution_count"),
        lambda cell: cell.pop("outputs"),
        lambda cell: cell["outputs"][0].update(transient={}),
        lambda cell: cell["outputs"][0].pop("name"),
        lambda cell: cell.update(source=["print(", "1)"]),
        lambda cell: cell.update(attachments={}),
        lambda cell: cell.update(metadata={"tags": ["a", "a", 1]}),
    ],
)
@pytest.mark.parametrize("minor", [2, 4, 5])
def test_slips_of_the_format_that_jupyter_forgives_are_repaired(tmp_path, change, minor):
    path = write(tmp_path / NAME, ("print(1)", text("1")))
    notebook = json.loads(path.read_text())
    notebook["nbformat_minor"] = minor
    change(notebook["cells"][0])
    path.write_text(json.dumps(notebook))
    assert states(path)["format"] == "holds"


def test_a_notebook_of_the_former_format_is_read(tmp_path):
    notebook = nbformat.convert(
        nbformat.v4.new_notebook(
            cells=[
                nbformat.v4.new_code_cell(
                    "print(1)", execution_count=1, outputs=text("Test accuracy: 91.31%")
                )
            ]
        ),
        3,
    )
    (tmp_path / NAME).write_text(json.dumps(notebook))
    assert submission.examine(tmp_path / NAME).mark == 10


@pytest.mark.parametrize(
    "source",
    [
        "model.summary(print_fn=lines.append)",
        "with contextlib.redirect_stdout(log):\n    print(1)",
        "print(1)\nclear_output()",
        "print(x, file=log)",
        "print(x, **options)",
        "sys.stdout = log\nprint(1)",
        "%%capture\nprint(1)",
        "if x:\n    print(1)",
        "for name, value in table.items():\n    print(value)",
        "def f():\n    print(1)",
        "scaler.fit(x)",
        "history = model.fit(x, y, epochs=2, verbose=0)",
        "plt.show()",
    ],
)
def test_what_shows_nothing_needs_no_output(tmp_path, source):
    assert "outputs" not in unmet(write(tmp_path / NAME, (source, []), ("print(2)", text("2"))))


@pytest.mark.parametrize(
    "source",
    [
        "print(1)",
        "history = model.fit(x, y, epochs=2)",
        "model.fit(x, y, batch_size=128)",
        "a, b = model.evaluate(x_test, y_test)",
        "for k in h:\n    print(k)",
        "with strategy.scope():\n    model.summary()",
    ],
)
def test_an_output_that_was_cleared_is_missed(tmp_path, source):
    path = write(tmp_path / NAME, (source, []), ("print(2)", text("2")))
    assert states(path)["outputs"] == "fails" and "[1]" in str(found(path)["outputs"])


def test_a_notebook_that_was_not_run_is_advised_to_run_and_not_to_plot_or_print(tmp_path):
    """Whoever clears the outputs has the curves and the line in the code already."""
    path = write_complete(tmp_path / NAME)
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, path)
    hints = {name: found(path)[name].hint for name in unmet(path)}
    assert {"curves", "accuracy", "outputs", "order"} <= hints.keys()
    assert {*hints.values()} == {RUN_ALL}


@pytest.mark.parametrize(
    "source, state",
    [
        ("import tensorflow.keras, numpy as np, matplotlib.pyplot, os, json", "holds"),
        ("import pylab", "holds"),
        ("from mpl_toolkits.mplot3d import Axes3D", "holds"),
        ("from IPython.display import Image\nimport distutils", "holds"),
        ("import pandas", "fails"),
        ("from . import helper", "fails"),
        ("from sklearn.metrics import f1_score", "fails"),
        ("importlib.import_module('torch.nn')", "fails"),
        ("%%R\nimport torch", "holds"),
    ],
)
def test_packages(tmp_path, source, state):
    assert states(write(tmp_path / NAME, (source, text("x"))))["packages"] == state


@pytest.mark.parametrize(
    "line, is_path",
    [
        (r"'C:\\Users\\me'", True),
        ("C:/Users/me", True),
        ("file:///home/me/x", True),
        ("/content/drive", True),
        ("/Volumes/Disk/data", True),
        ("/root/.keras/x", True),
        (r"D:\data\x", True),
        ("/kaggle/input/x", True),
        ("/gdrive/x", True),
        ("loss /acc/val", False),
        ("shape (n, 28, 28)", False),
        ("https://example.org/home/page", False),
        ("see https://example.org//home/page.", False),
        (r"{'x:\ny': 1}", False),
        ("ratio 1:/2", False),
        ("a:b", False),
    ],
)
def test_printed_paths_are_told_from_other_text(tmp_path, line, is_path):
    assert states(write(tmp_path / NAME, ("print(x)", text(line))))["privacy"] == (
        "look" if is_path else "holds"
    )


@pytest.mark.parametrize(
    "source",
    [
        "open(r'D:\\data\\x')",
        "f = 'C:/data/x'",
        "p = '/content/drive/MyDrive'",
        "p = '/kaggle/input/x'",
        "p = '/home/me/x'",
    ],
)
@pytest.mark.parametrize("kind", ["code", "markdown"])
def test_paths_in_code_and_markdown_are_seen(tmp_path, source, kind):
    path = write(tmp_path / NAME, (source if kind == "code" else "x = 1", text("x")))
    notebook = nbformat.read(path, 4)
    notebook.cells += [nbformat.v4.new_markdown_cell(source)] * (kind == "markdown")
    nbformat.write(notebook, path)
    assert states(path)["privacy"] == "look"


def test_the_author_in_a_hosted_notebook_s_metadata_is_seen(tmp_path):
    path = write(tmp_path / NAME, ("x = 1", text("x")))
    notebook = nbformat.read(path, 4)
    notebook.cells[0].metadata.executionInfo = {"user": {"displayName": "Zhang San", "userId": "1"}}
    nbformat.write(notebook, path)
    assert "displayName" in str(found(path)["privacy"]) and states(path)["privacy"] == "look"


@pytest.mark.parametrize(
    "counts, state",
    [
        ([1, 2, 3], "holds"),
        ([1, 3, 2], "fails"),
        ([1, 2, 4], "fails"),
        ([2, 3, 4], "fails"),
        ([1, None, 2], "fails"),
        ([None, None, None], "look"),
        ([0, 0, 0], "look"),
    ],
)
def test_order(tmp_path, counts, state):
    path = write(tmp_path / NAME, *[("print(1)", text("1"))] * 3)
    notebook = nbformat.read(path, 4)
    for cell, count in zip(notebook.cells, counts):
        cell.execution_count = count
    nbformat.write(notebook, path)
    assert states(path)["order"] == state
    assert ("no execution numbers" in str(found(path)["order"])) == (state == "look")


def test_a_notebook_that_was_never_run_has_no_order(tmp_path):
    path = write(tmp_path / NAME, ("print(1)", []))
    notebook = nbformat.read(path, 4)
    notebook.cells[0].execution_count = None
    nbformat.write(notebook, path)
    assert states(path)["order"] == "fails"


@pytest.mark.parametrize("tags, state", [([], "fails"), (["raises-exception"], "holds")])
def test_an_error_that_a_tag_announces_is_meant(tmp_path, tags, state):
    path = write(tmp_path / NAME, ("1 / 0", [stopped_at(1)]))
    notebook = nbformat.read(path, 4)
    notebook.cells[0].metadata.tags = tags
    nbformat.write(notebook, path)
    assert states(path)["errors"] == state


def test_a_usual_keras_notebook_of_another_design_is_accepted(tmp_path):
    path = write(
        tmp_path / NAME,
        (
            "%matplotlib inline\nimport numpy as np\nfrom tensorflow import keras\nimport pylab",
            [],
        ),
        (
            "(x, y), (a, b) = keras.datasets.fashion_mnist.load_data()\n"
            "if x.max() > 255:\n    print('?')",
            [],
        ),
        ("%%bash\nls -l | head", text("total 4")),
        (
            "model.compile('adam', loss='sparse_categorical_crossentropy', metrics=['acc'])\n"
            "history = model.fit(x, y, batch_size=128, validation_split=0.1)",
            text("Epoch 1/10 accuracy: 0.9"),
        ),
        (
            "for name in ('acc', 'loss'):\n    plt.plot(history.history[name])\n"
            "    plt.plot(history.history['val_' + name])\n    plt.show()",
            [picture()],
        ),
        ("print('测试准确率:', accuracy)", text("测试准确率: 0.9131000041961670")),
    )
    assert unmet(path) == [], "\n".join(map(str, found(path).values()))
    assert submission.examine(path).mark == 10
