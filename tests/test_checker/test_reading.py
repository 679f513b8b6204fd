"""The checker reads real notebooks as a person would: each line is a kind that was read wrongly once."""

import json
import sys

import nbformat
import pytest

import submission
from sample_notebooks import (
    DATA,
    NAME,
    unmet,
    found,
    picture,
    shown,
    states,
    stopped_at,
    text,
    write,
)

EVALUATED = DATA + "loss, acc = model.evaluate(x_test, y_test)\n"


def accuracy(tmp_path, *cells):
    """Return the state of the accuracy and what is said of it."""
    finding = found(write(tmp_path / NAME, *cells))["accuracy"]
    return finding.state, finding.reason[1]


@pytest.mark.parametrize(
    "line",
    [
        "Test accuracy: 91.31%, test loss: 0.6",
        "Test accuracy: 0.9131000179290771",
        "test_acc = 0.9131",
        "测试集上的准确率：91.31 %",
        "测试准确率为 0.9131",
        "\x1b[1mTest accuracy\x1b[0m: \x1b[1m0.9131",
        "Accuracy on the test set: 91.31",
        "Test accuracy      |      91.31%",
        "测试集准确率为：0.9131",
        "Test accuracy is: 91.31 %",
        "Test accuracy (%): 91.31",
        "Test accuracy -> 0.9131",
        "测试集的准确率达到 91.31%",
        "测试集准确率约为 0.9131",
        "测试准确度：0.9131",
        "测试集损失: 0.29, 准确率: 0.9131",
        "Final model accuracy: % 0.9131",
        "Test accuracy after 20 epochs: 91.31%",
        "Accuracy of the network on the 10000 test images: 91.31 %",
        "Test loss, accuracy: 0.2931, 0.9131",
        "('Test accuracy: ', 0.91310000000000002)",
        "Train acc 0.95, test acc 0.9131",
        "Test set: Average loss: 0.2931, Accuracy: 9131/10000 (91.31%)",
        "Test Error: \n Test Accuracy: 91.31%, Avg loss: 0.5",
        "91.31% accuracy on the test set",
        "testacc: 0.9131",
        "Test accuracy: 0.9131 ± 0.0021",
        "Test accuracy: 0.9131%",
        "test accuracy tf.Tensor(0.9131, shape=(), dtype=float32)",
        "Доля правильных ответов на тестовых данных, в процентах: 91.31",
        "Doğruluk (test): 91.31%",
    ],
)
def test_printed_accuracy_is_read(tmp_path, line):
    state, reason = accuracy(tmp_path, ("print(accuracy)", text(*line.split("\n"))))
    assert state == "holds" and "Test accuracy 91.31%" in reason and "10 / 10" in reason


@pytest.mark.parametrize(
    "line",
    [
        "Greatest accuracy: 0.95",
        "Test loss: 0.91",
        "val_accuracy: 0.91",
        "Validation accuracy: 0.91",
        "Target test accuracy: 0.975",
        "Test accuracy > 0.9",
        "Test accuracy of class 3: 0.9",
        "Test F1 score: 0.91",
        "Training accuracy: 0.95",
        "Test precision: 0.91",
        "Final model validation accuracy: 0.9131",
        "Epoch 3: accuracy: 0.91",
    ],
)
def test_what_is_no_test_accuracy_gives_no_mark(tmp_path, line):
    state, reason = accuracy(tmp_path, ("print(accuracy)", text(line)))
    assert state == "fails" and "No test accuracy" in reason


@pytest.mark.parametrize(
    "line",
    [
        "test accuracy improved",
        "Test accuracy: 1/10",
        "Test accuracy: 194%",
        "Test accuracy improved by 3 points",
        "Test accuracy: 9",
    ],
)
def test_a_line_that_is_not_understood_is_shown(tmp_path, line):
    state, reason = accuracy(tmp_path, ("print(accuracy)", text(line)))
    assert state == "look" and "no number could be read: [1] " + line in reason


@pytest.mark.parametrize(
    "lines",
    [
        ["Test accuracy: 0.8799", "Test accuracy: 0.8802"],
        ["Best test accuracy: 0.9131"],
        ["Average test accuracy: 0.9131"],
        ["CNN: test accuracy 0.9131", "MLP: test accuracy 0.8800"],
        ["Test accuracy:  0.9131  0.8432"],
        ["Epoch 1 test accuracy: 0.85", "Epoch 2 test accuracy: 0.9131"],
        ["test_acc: 0.85", "test_acc: 0.88", "test_acc: 0.9131"],
        ["Latest accuracy: 0.95"],
        ["contest accuracy: 0.95"],
        ["Final accuracy: 0.9131"],
        ["Model accuracy: 0.9131"],
    ],
)
def test_an_accuracy_that_only_a_person_can_settle_gives_no_mark(tmp_path, lines):
    path = write(tmp_path / NAME, ("print(accuracy)", text(*lines)))
    report = submission.examine(path)
    assert report.mark is None and states(path)["accuracy"] == "look"


@pytest.mark.parametrize(
    "cells",
    [
        [
            (
                "print(a)",
                text(
                    *(f"test_acc: 0.{n}" for n in (85, 86, 87, 88)), "Final test accuracy: 91.31%"
                ),
            )
        ],
        [
            ("print(a)", text(*(f"test_acc: 0.{n}" for n in (85, 86, 87)))),
            ("print(b)", text("Test accuracy: 0.9131")),
        ],
        [
            (
                "for epoch in range(9):\n    print(a)",
                text(*(f"test_acc: 0.{n}" for n in (85, 86, 9131))),
            )
        ],
        [
            (EVALUATED + "print(acc)", text("Test accuracy: 0.1028")),
            ("model.fit(x, y)", text("Epoch 1")),
            ("print(b)", text("Test accuracy: 0.9131")),
        ],
    ],
)
def test_the_final_accuracy_is_told_from_those_before(tmp_path, cells):
    assert "91.31%" in accuracy(tmp_path, *cells)[1]


@pytest.mark.parametrize(
    "cells",
    [
        [
            ("print(a)", text("Test accuracy: 0.0998")),
            ("model.fit(x, y)", text("Epoch 1")),
        ],  # of the untrained network
        [
            ("print(a)", text(*["Test loss: nan, test accuracy: 0.0998"] * 5)),
            ("print(b)", text("done")),
        ],
    ],
)
def test_an_accuracy_before_the_training_or_of_a_loop_is_not_the_final_one(tmp_path, cells):
    assert accuracy(tmp_path, *cells)[0] == "look"


BAR_OF_KERAS_2 = "313/313 [=====] - 1s 3ms/step - loss: 0.2931 - accuracy: 0.9131"
BAR_OF_KERAS_3 = "313/313 ━━━━━━━━ 1s 2ms/step - accuracy: 0.9131 - loss: 0.2931"


@pytest.mark.parametrize(
    "source, outputs",
    [
        (DATA + "model.evaluate(x_test, y_test)", shown("[0.2931, 0.9131]")),
        (DATA + "model.evaluate(x_test, y_test)", text(BAR_OF_KERAS_2)),
        (DATA + "model.evaluate(x_test, y_test)", text("1/313 ETA: 9s\r" + BAR_OF_KERAS_3)),
        (
            DATA + "model.evaluate(x_test, y_test)",
            text("313/313 - 0s - loss: 0.2931 - accuracy: 0.9131"),
        ),
        (
            DATA + "model.evaluate(x_test, y_test)",
            text(BAR_OF_KERAS_3.replace("0.9131", "0.9154")) + shown("[0.2931, 0.9131]"),
        ),
        (EVALUATED + "print('Accuracy:', acc)", text("Accuracy: 0.9131")),
        (EVALUATED + "acc", shown("0.9131")),
        (EVALUATED + "acc", shown("np.float64(0.9131)")),
        (EVALUATED + "print(loss, acc)", text("0.2931 0.9131")),
        (EVALUATED + "print('acurary=', acc)", text("acurary= 0.9131")),
        (EVALUATED + "print(f'Ketepatan: {100 * acc:.2f}%')", text("Ketepatan: 91.31%")),
        (EVALUATED + "print('Ergebnis %.4f' % round(acc, 4))", text("Ergebnis 0.9131")),
        (EVALUATED + "print('Resultado: {:.4f}'.format(acc))", text("Resultado: 0.9131")),
        (
            DATA + "s = model.evaluate(x_test, y_test)\nprint('loss', s[0])\nprint('acc', s[1])",
            text("loss 0.2931", "acc 0.9131"),
        ),
        (DATA + "a, b = x_test / 255, y_test\nmodel.evaluate(a, b)", shown("[0.2931, 0.9131]")),
        (
            DATA + "model.evaluate(x, y)\nmodel.evaluate(x_test, y_test)",
            text(BAR_OF_KERAS_2.replace("0.9131", "0.97"), BAR_OF_KERAS_2),
        ),
        (
            DATA + "model.evaluate(x_test, y_test, return_dict=True)",
            shown("{'accuracy': 0.9131, 'loss': 0.2931}"),
        ),
    ],
)
def test_accuracy_is_read_from_what_evaluate_shows(tmp_path, source, outputs):
    compiled = ("model.compile('adam', metrics=['accuracy'])", [])
    state, reason = accuracy(tmp_path, compiled, (source, outputs))
    assert state == "holds" and "91.31%" in reason and "read from evaluate" in reason


@pytest.mark.parametrize(
    "source, outputs",
    [
        (DATA + "model.evaluate(x, y)", shown("[0.2931, 0.9131]")),  # the training data
        (DATA + "model.evaluate(x_val, y_val)\nmodel.predict(x_test)", text(BAR_OF_KERAS_2)),
        (DATA + "model.evaluate(x_test, y_test)", shown("0.2931")),  # a loss
        (DATA + "model.evaluate(x_test, y_test)", shown("[0.9131, 0.2931, 0.5]")),
        (EVALUATED + "1 - acc", shown("0.0869")),
        (EVALUATED + "print('Error: %.4f' % (1 - acc))", text("Error: 0.0869")),
        (EVALUATED + "print('Wrong:', 1 - acc)", text("Wrong: 0.0869")),
        (EVALUATED + "print('Loss:', loss)", text("Loss: 0.2931")),
        (
            EVALUATED + "print('Accuracy:', history.history['accuracy'][-1])",
            text("Accuracy: 0.9131"),
        ),
        (
            DATA + "a, q_test, b, r_test = train_test_split(x, y)\nmodel.evaluate(q_test, r_test)",
            text(BAR_OF_KERAS_2),
        ),
        (
            DATA + "model.evaluate(x_test, y_test)\nmodel.fit(x, y)",
            text(BAR_OF_KERAS_2.replace("accuracy", "val_accuracy")),
        ),
        ("x", shown("[0.2931, 0.9131]")),
    ],
)
def test_other_numbers_near_evaluate_give_no_mark(tmp_path, source, outputs):
    compiled = ("model.compile('adam', metrics=['mse', 'auc'])", [])
    assert submission.examine(write(tmp_path / NAME, compiled, (source, outputs))).mark is None


def test_a_second_network_s_bar_is_not_overlooked(tmp_path):
    """The first network's accuracy is printed twice, the second's stands in its progress bar alone."""
    cells = [
        (EVALUATED + "print('Test accuracy:', acc)", text("Test accuracy: 0.8779")),
        (
            DATA + "loss_b, acc_b = other.evaluate(x_test, y_test)\nprint('Test accuracy:', acc)",
            text(BAR_OF_KERAS_3, "Test accuracy: 0.8779"),
        ),
    ]
    assert accuracy(tmp_path, *cells)[0] == "look"


@pytest.mark.parametrize(
    "outputs",
    [
        shown("**Test accuracy:** 91.31%", "text/markdown"),
        shown("<b>Test accuracy:</b> 91.31%", "text/html"),
        shown("<table><tr><th>test_acc</th><td>0.9131</td></tr></table>", "text/html"),
    ],
)
def test_markdown_and_html_are_read_as_text(tmp_path, outputs):
    assert "91.31%" in accuracy(tmp_path, ("show()", outputs))[1]


def test_markup_is_not_shown_as_a_number(tmp_path):
    state, reason = accuracy(
        tmp_path,
        ("show()", shown("<tr><th>test_acc</th></tr><script>test_acc = 0.9</script>", "text/html")),
    )
    assert state == "look" and "read: [1] test_acc." in reason


@pytest.mark.parametrize(
    "line",
    [
        "成绩：10 分",
        "总分：10分",
        "Grade: 10/10",
        "My score: 10/10",
        "score: 10",
        "得分 10分",
        "Course score: 10.0 / 10",
        "得分（满分 10 分）：10",
        "最终得分为 10",
    ],
)
def test_a_stated_mark_that_the_rule_does_not_give_is_said(tmp_path, line):
    path = write(tmp_path / NAME, ("print(accuracy)", text("Test accuracy: 85.12%", line)))
    assert states(path)["accuracy"] == "fails" and "but [10] is stated" in str(
        found(path)["accuracy"]
    )
    assert submission.examine(path).mark == 4


@pytest.mark.parametrize(
    "line",
    [
        "F1得分：1.0",
        "F1 score for class 3: 0.8",
        "score 91.2%",
        "Test score: 0.29",
        "AUC得分：1",
        "得分：4",
        "总分：4/10",
        "Grade: 4.0",
        "score: 0.9131",
        "Upgrade: 1",
    ],
)
def test_what_is_no_mark_or_the_right_one_is_no_conflict(tmp_path, line):
    path = write(tmp_path / NAME, ("print(accuracy)", text("Test accuracy: 85.12%", line)))
    assert states(path)["accuracy"] == "holds"


@pytest.mark.parametrize(
    "lines, mark",
    [
        (["Test accuracy: 88.6%", "Course score: 8 / 10"], 8),
        (["Test accuracy: 88.60%"], 10),  # the first may be 88.57 %
        (["Test accuracy: 88.6%", "Course score: 10 / 10"], 10),
        (["Test accuracy: 0.8659999966621399"], 5),
        (["Test accuracy: 87.996%", "Course score: 6 / 10"], 6),
        (["Test accuracy: 91%"], 10),
    ],
)
def test_rounding_gives_the_mark_only_where_it_leaves_no_doubt(tmp_path, lines, mark):
    path = write(tmp_path / NAME, ("print(accuracy)", text(*lines)))
    assert submission.examine(path).mark == mark and states(path)["accuracy"] == "holds"


def test_a_bar_of_keras_3_near_a_limit_leaves_a_doubt(tmp_path):
    """Its last figure is not always what `evaluate` returns."""
    cells = [
        (DATA + "model.evaluate(x_test, y_test)", text(BAR_OF_KERAS_3.replace("0.9131", "0.8872")))
    ]
    state, reason = accuracy(tmp_path, *cells)
    assert state == "look" and "score 10 / 10; but it is rounded, and [8] is possible" in reason


def test_rounding_that_leaves_a_doubt_is_said(tmp_path):
    path = write(tmp_path / NAME, ("print(accuracy)", text("Test accuracy: 88.6%")))
    assert states(path)["accuracy"] == "look"
    assert "score 10 / 10; but it is rounded, and [8]" in str(found(path)["accuracy"])


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
            "%matplotlib inline\nimport numpy as np\nfrom tensorflow import keras\nimport pylab as plt",
            [],
        ),
        (
            "(x, y), (a, b) = keras.datasets.fashion_mnist.load_data()\nif x.max() > 255:\n    print('?')",
            [],
        ),
        ("%%bash\nls -l | head", text("total 4")),
        (
            "model.compile(optimizer='adam', loss='sparse_categorical_crossentropy', metrics=['acc'])\n"
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


def test_a_student_who_fell_short_is_told_the_score(tmp_path):
    path = write(tmp_path / NAME, ("print(accuracy)", text("Test accuracy: 0.8650")))
    assert states(path)["accuracy"] == "holds" and "score 5 / 10" in str(found(path)["accuracy"])
