"""The checker reads real notebooks as a person would: each line is a kind that was read wrongly once."""

import json
import sys

import nbformat
import pytest

import submission
from sample_notebooks import DATA, NAME, amiss, found, picture, shown, states, text, write

@pytest.mark.parametrize("source", [
    "x = 3\nprint('%.2f'\n      % x)", "try:\n    %tensorflow_version 2.x\nexcept Exception:\n    pass",
    "files = !ls", "t = %timeit -o f()", "model.fit?", "%%time\nx = 1", "if x:\n    !ls", "%time model.fit(x)",
    "%matplotlib inline\ndef f():\n    return '训练'", "# a\u2028b\ndef f(): pass", "pip install x", " !pip install x",
    "!wget a \\\n -O b", "model.fit??  # help", "%%R\nx <- 1", "%%sql\nselect *", "%%time\n%%capture\nx = 1", "ls -l",
])
def test_what_jupyter_runs_is_no_fault(tmp_path, source):
    assert "format" not in amiss(write(tmp_path / NAME, (source, text("x"))))


def test_a_cell_that_cannot_be_read_does_not_end_the_report(tmp_path):
    path = write(tmp_path / NAME, ("x = 1", []), ("y = 2\ndef broken(:", []),
    ("import torch\nprint(x)", text("Test accuracy: 91.31%")))
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


@pytest.mark.parametrize("change", [
    lambda cell: cell.update(id="x y!" * 40), lambda cell: cell.update(id=7), lambda cell: cell.pop("metadata"),
    lambda cell: cell.update(metadata=None), lambda cell: cell.pop("execution_count"), lambda cell: cell.pop("outputs"),
    lambda cell: cell["outputs"][0].update(transient={}), lambda cell: cell["outputs"][0].pop("name"),
    lambda cell: cell.update(source=["print(", "1)"]), lambda cell: cell.update(attachments={}),
    lambda cell: cell.update(metadata={"tags": ["a", "a", 1]}),
])
@pytest.mark.parametrize("minor", [2, 4, 5])
def test_slips_of_the_format_that_jupyter_forgives_are_repaired(tmp_path, change, minor):
    path = write(tmp_path / NAME, ("print(1)", text("1")))
    notebook = json.loads(path.read_text())
    notebook["nbformat_minor"] = minor
    change(notebook["cells"][0])
    path.write_text(json.dumps(notebook))
    assert states(path)["format"] == "holds"


def test_a_notebook_of_the_former_format_is_read(tmp_path):
    notebook = nbformat.convert(nbformat.v4.new_notebook(cells=[
        nbformat.v4.new_code_cell("print(1)", execution_count=1, outputs=text("Test accuracy: 91.31%"))]), 3)
    (tmp_path / NAME).write_text(json.dumps(notebook))
    assert submission.examine(tmp_path / NAME).mark == 10


ADAM, TRAIN = "model.compile(Adam(), metrics=['accuracy'])\n", "model.fit(x, y, batch_size=128)\n"


@pytest.mark.parametrize("source, state", [
    ("model.compile('adam')\n" + TRAIN, "holds"),
    ("lr, batch_size = 1e-3, 128\nmodel.compile(Adam(lr))\nmodel.fit(x, y, batch_size=batch_size)", "holds"),
    ("p = {'rate': 1e-3, 'size': 128}\nq = {'size': 32}\nAdam(learning_rate=p['rate'])\ndata.batch(p['size'])",
    "holds"),
    ("def train(size=128, rate: float = 1e-3):\n"
     "    Adam(CosineDecay(0.0, 9, warmup_target=rate))\n    data.batch(size)", "holds"),
    ("Adam()\nmodel.fit(x, y, 128, 10)", "holds"), ("Adam()\n%time model.fit(x, y, batch_size=128)", "holds"),
    (ADAM + "model.fit(gen.flow(x, y, batch_size=128), epochs=2)", "holds"),
    ("def train(rate, size):\n    model.compile(Adam(rate))\n    model.fit(x, y, batch_size=size)\n"
     "train(size=128, rate=1e-3)", "holds"),
    ("def train(rate, size):\n    model.compile(Adam(rate))\n    model.fit(x, y, batch_size=size)\ntrain(1e-3, 128)",
    "holds"),
    (ADAM + "c = C(size=128)\nclass C:\n    def __init__(self, size):\n        self.size = size\n"
     "model.fit(x, y, batch_size=c.size)", "holds"),
    (ADAM + "c = C(128)\nclass C:\n    def __init__(self, size):\n        self.size = size\n"
     "model.fit(x, y, batch_size=c.size)", "holds"),
    (ADAM + "@dataclass\nclass C:\n    size: int = 128\nmodel.fit(x, y, batch_size=C().size)", "holds"),
    (ADAM + "options = dict(batch_size=128, epochs=2)\nmodel.fit(x, y, **options)", "holds"),
    (ADAM + "p = {'size': 128}\nmodel.fit(x, y, batch_size=p.get('size'))", "holds"),
    (ADAM + "batch_size = 2 ** 7\ndef train():\n    model.fit(x, y, batch_size=batch_size)", "holds"),
    ("rate = 1 / 1000\nmodel.compile(Adam(float(rate)))\n" + TRAIN, "holds"),
    ("o = Adam(ExponentialDecay(1e-3, 100, 0.9))\nmodel.compile(optimizer=o)\n" + TRAIN, "holds"),
    ("trial.compile(Adam(0.1))\ntrial.fit(x, y, batch_size=8)\n" + ADAM + TRAIN + "model.evaluate(x_test, y_test)",
    "holds"),
    (ADAM + "train = d.batch(128)\nval = e.batch(500)\nmodel.fit(train, validation_data=val)", "holds"),
    ("Adam()\nmodel.fit(x, y, 32, 128)", "fails"), ("Adam(0.01)\n" + TRAIN, "fails"),
    (ADAM + "model.fit(x, y, epochs=2)", "fails"),  # Keras takes 32.
    ("learning_rate = 1e-3\nSGD(learning_rate)  # instead of adam\n" + TRAIN, "fails"),
    ("Adam(learning_rate=5e-3)\nlr = 0.001\n" + TRAIN, "fails"), ("Adamax()\n" + TRAIN, "fails"),
    (ADAM + "model.fit(x, y, batch_size=32)\nmodel.predict(x, batch_size=128)", "fails"),
    (ADAM + "trial.fit(x, y, batch_size=128)\nmodel.fit(x, y, batch_size=512)\nmodel.evaluate(x_test, y_test)",
    "fails"),
    (ADAM + "train = d.batch(32)\ntest = e.batch(128)\nmodel.fit(train, epochs=2)", "fails"),
    ("trial.compile(Adam())\nmodel.compile(Adam(0.01))\n" + TRAIN + "model.evaluate(x_test, y_test)", "fails"),
    (ADAM + "trial.fit(x, y, batch_size=128)\nmodel.fit(x, y, batch_size=512)", "look"),
    (ADAM + "model.optimizer.learning_rate = 0.05\n" + TRAIN, "look"),
    (ADAM + "model.optimizer.learning_rate.assign(0.05)\n" + TRAIN, "look"),
    (ADAM + "model.fit(x, y, batch_size=choose())", "look"), ("Adam(rates[i])\n" + TRAIN, "look"),
    (ADAM + "for size in [32, 128]:\n    model.fit(x, y, batch_size=size)", "look"),
])
def test_values_of_the_assignment_are_those_of_the_final_network(tmp_path, source, state):
    assert states(write(tmp_path / NAME, (DATA + source, text("x"))))["assignment"] == state


def test_both_values_are_said_where_a_person_has_to_look(tmp_path):
    source = DATA + ADAM + "a.fit(x, y, batch_size=128)\nb.fit(x, y, batch_size=512)"
    assert "found: 128, 512" in str(found(write(tmp_path / NAME, (source, [])))["assignment"])


@pytest.mark.parametrize("source, state", [
    ("batch_size = 128\nlearning_rate = 1e-3", "holds"), ("batch_size = 64\nlearning_rate = 1e-3", "look"),
    ("p = {'batch_size': 128, 'learning_rate': 1e-3}\nchanges = {'learning_rate': 1e-2}", "look"),
    ("p = {'batch_size': 128, 'learning_rate': 1e-3}\nchanges = {'epochs': 3}", "holds"),
])
def test_a_cell_tagged_parameters_settles_which_values_are_the_run_s(tmp_path, source, state):
    """Trials with other values go through the same function."""
    training = ("def train(rate, size):\n    model.compile(Adam(rate))\n    model.fit(x, y, batch_size=size)\n"
                "train(1e-2, 32)\ntrain(1e-3, 128)\ntrain(learning_rate, batch_size)")
    path = write(tmp_path / NAME, (source, []), (DATA + training, text("x")))
    notebook = nbformat.read(path, 4)
    notebook.cells[0].metadata.tags = ["parameters"]
    nbformat.write(notebook, path)
    assert states(path)["assignment"] == state


@pytest.mark.parametrize("source, state", [
    ("from keras.datasets import fashion_mnist, cifar10\ncifar10.load_data()", "fails"),
    ("from keras.datasets import fashion_mnist as data\n(a, b), c = data.load_data()", "holds"),
    ("data = keras.datasets.fashion_mnist\ndata.load_data()", "holds"), ("# fashion_mnist", "fails"),
    ("from tensorflow.keras.datasets.fashion_mnist import load_data\nload_data()", "holds"),
    ("keras.datasets.mnist.load_data()\nkeras.datasets.fashion_mnist.load_data()", "look"),
])
def test_the_data_set_is_the_one_that_is_loaded(tmp_path, source, state):
    assert states(write(tmp_path / NAME, (source + "\n" + ADAM + TRAIN, text("x"))))["assignment"] == state


VALIDATED = ("model.fit(x, y, validation_split=0.1)", text("Epoch 1"))
ALL_FOUR = "for k in ('loss', 'val_loss', 'accuracy', 'val_accuracy'):\n    plt.plot(history.history[k])"
DRAW = "def draw(h):\n    for k in h:\n        plt.plot(h[k])\n"


@pytest.mark.parametrize("cells", [
    [(ALL_FOUR, [picture()])],
    [("for key, values in history.history.items():\n    plt.plot(values)", [picture()])],
    [("plt.plot(train_accs)\nplt.plot(val_accs)\nplt.plot(train_losses)\nplt.plot(val_losses)", [picture()])],
    [("h = history.history", []), ("for k in h:\n    plt.plot(h[k])", [picture()])],
    [("DataFrame(history.history).plot()", [picture()])],
    [("df = pd.DataFrame(h.history)\ndf.plot(figsize=(8, 5))", [picture()])],
    [(DRAW + "def show(h):\n    draw(h.history)", []), ("show(history)", [picture()])],
    [("class P:\n    def draw(self, h):\n        for k in h.history:\n            plt.plot(h.history[k])", []),
     ("P().draw(history)", [picture()])],
    [(ALL_FOUR + "\nplt.savefig('c.png')\nplt.close()", []), ("Image('c.png')", [picture()])],
    [(ALL_FOUR, [picture("jpeg")])], [(ALL_FOUR, [picture("svg")])],
    [("%matplotlib notebook\n" + ALL_FOUR, shown("<img src='data:image/png;base64,xx'>", "text/html"))],
    [(ALL_FOUR + "\nplt.close()", []), ("figure", [picture()])],
    [("def draw(metric):\n    plt.plot(h.history[metric])\n    plt.plot(h.history[f'val_{metric}'])", []),
     ("draw('loss')\ndraw('accuracy')", [picture()])],
    [("for metric in ['loss', 'acc']:\n    plt.plot(h.history[metric])\n    plt.plot(h.history['val_' + metric])",
      [picture()])],
    [("plt.plot(a, label='training loss')\nplt.plot(b, label='validation loss')\n"
      "plt.plot(c, label='训练准确率')\nplt.plot(d, label='验证准确率')", [picture()])],
])
def test_curves_are_found_however_they_are_drawn(tmp_path, cells):
    assert states(write(tmp_path / NAME, VALIDATED, *cells))["curves"] == "holds"


@pytest.mark.parametrize("source, state", [
    ("from helpers import plot_history\nplot_history(history)", "look"),
    ("plt.plot(log['ta'])\nplt.plot(log['tl'])\nplt.title('Accuracy and loss')", "look"),
    ("plt.plot(log['tl'])\nplt.title('Loss')", "fails"),
])
def test_lines_that_may_be_the_curves_need_a_look(tmp_path, source, state):
    assert states(write(tmp_path / NAME, VALIDATED, (source, [picture()])))["curves"] == state


def stopped_at(line):
    return nbformat.v4.new_output("error", ename="KeyError", evalue="", traceback=[f"----> {line} plt.plot(...)"])


@pytest.mark.parametrize("cells, missing", [
    ([("model.compile(loss='x', metrics=['accuracy'])\nplt.plot(x[0, 14])", [picture()])], "accuracy in training"),
    ([("model.compile(loss='x', metrics=['accuracy'])\nplt.imshow(x[0])", [picture()])], "loss in training"),
    ([(ALL_FOUR, text("no picture"))], "accuracy in training"),
    ([("plt.plot(h.history['loss'])\nplt.plot(h.history['val_loss'])", [picture()])], "accuracy in training"),
    ([("for k in ('loss', 'val_loss'):\n    plt.plot(h.history[k])\nplt.plot(h.history['accuracy'])\n"
       "plt.plot(h.history['val_accuracy'])", [picture(), stopped_at(4)])], "missing: accuracy in validation."),
    ([("model.fit(x, y)", text("Epoch 1")),
    ("for k in history.history:\n    plt.plot(history.history[k])", [picture()])],
     "missing: accuracy in validation, loss in validation."),
])
def test_a_curve_that_is_missing_is_named(tmp_path, cells, missing):
    finding = found(write(tmp_path / NAME, *cells))["curves"]
    assert finding.state == "fails" and missing in str(finding)


@pytest.mark.parametrize("source", [
    "model.summary(print_fn=lines.append)", "with contextlib.redirect_stdout(log):\n    print(1)",
    "print(1)\nclear_output()",
    "print(x, file=log)", "print(x, **options)", "sys.stdout = log\nprint(1)", "%%capture\nprint(1)",
    "if x:\n    print(1)",
    "def f():\n    print(1)",
    "scaler.fit(x)", "history = model.fit(x, y, epochs=2, verbose=0)", "plt.show()",
])
def test_what_shows_nothing_needs_no_output(tmp_path, source):
    assert "outputs" not in amiss(write(tmp_path / NAME, (source, []), ("print(2)", text("2"))))


@pytest.mark.parametrize("source", [
    "print(1)", "history = model.fit(x, y, epochs=2)", "model.fit(x, y, batch_size=128)",
    "a, b = model.evaluate(x_test, y_test)",
    "for k in h:\n    print(k)", "with strategy.scope():\n    model.summary()",
])
def test_an_output_that_was_cleared_is_missed(tmp_path, source):
    path = write(tmp_path / NAME, (source, []), ("print(2)", text("2")))
    assert states(path)["outputs"] == "fails" and "[1]" in str(found(path)["outputs"])


@pytest.mark.parametrize("source, state", [
    ("import tensorflow.keras, numpy as np, matplotlib.pyplot, os, json", "holds"), ("import pylab", "holds"),
    ("from mpl_toolkits.mplot3d import Axes3D", "holds"), ("from IPython.display import Image\nimport distutils",
    "holds"),
    ("import pandas", "fails"), ("from . import helper", "fails"), ("from sklearn.metrics import f1_score", "fails"),
    ("importlib.import_module('torch.nn')", "fails"), ("%%R\nimport torch", "holds"),
])
def test_packages(tmp_path, source, state):
    assert states(write(tmp_path / NAME, (source, text("x"))))["packages"] == state


@pytest.mark.parametrize("line, is_path", [
    (r"'C:\\Users\\me'", True), ("C:/Users/me", True), ("file:///home/me/x", True), ("/content/drive", True),
    ("/Volumes/Disk/data", True), ("/root/.keras/x", True), (r"D:\data\x", True), ("/kaggle/input/x", True),
    ("/gdrive/x", True),
    ("loss /acc/val", False), ("shape (n, 28, 28)", False), ("https://example.org/home/page", False),
    ("see https://example.org//home/page.", False), (r"{'x:\ny': 1}", False), ("ratio 1:/2", False), ("a:b", False),
])
def test_printed_paths_are_told_from_other_text(tmp_path, line, is_path):
    assert states(write(tmp_path / NAME, ("print(x)", text(line))))["privacy"] == ("look" if is_path else "holds")


@pytest.mark.parametrize("source", [
    "open(r'D:\\data\\x')", "f = 'C:/data/x'", "p = '/content/drive/MyDrive'", "p = '/kaggle/input/x'",
    "p = '/home/me/x'",
])
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


@pytest.mark.parametrize("counts, state", [
    ([1, 2, 3], "holds"), ([1, 3, 2], "fails"), ([1, 2, 4], "fails"), ([2, 3, 4], "fails"), ([1, None, 2], "fails"),
    ([None, None, None], "look"), ([0, 0, 0], "look"),
])
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
    path = write(tmp_path / NAME,
                 ("%matplotlib inline\nimport numpy as np\nfrom tensorflow import keras\nimport pylab as plt", []),
                 ("(x, y), (a, b) = keras.datasets.fashion_mnist.load_data()\nif x.max() > 255:\n    print('?')", []),
                 ("%%bash\nls -l | head", text("total 4")),
                 ("model.compile(optimizer='adam', loss='sparse_categorical_crossentropy', metrics=['acc'])\n"
                  "history = model.fit(x, y, batch_size=128, validation_split=0.1)", text("Epoch 1/10 accuracy: 0.9")),
                 ("for name in ('acc', 'loss'):\n    plt.plot(history.history[name])\n"
                  "    plt.plot(history.history['val_' + name])\n    plt.show()", [picture()]),
                 ("print('测试准确率:', accuracy)", text("测试准确率: 0.9131000041961670")))
    assert amiss(path) == [], "\n".join(map(str, found(path).values()))
    assert submission.examine(path).mark == 10
