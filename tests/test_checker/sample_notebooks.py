"""Small notebooks and archives for the tests of the checker of submissions."""

import base64
import functools
import io
import re
import zipfile

import matplotlib.pyplot as plt
import nbformat

import submission

NAME = "fashion_mnist_keras.ipynb"
DATA = "(x, y), (x_test, y_test) = tf.keras.datasets.fashion_mnist.load_data()\n"


def write(path, *cells):
    """Write a notebook whose cells have these (source, outputs) and return its path."""
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(source, execution_count=number, outputs=outputs)
            for number, (source, outputs) in enumerate(cells, start=1)
        ]
    )
    nbformat.write(notebook, path)
    return path


def write_complete(path):
    """Write a small notebook that meets every requirement and return its path."""
    return write(
        path,
        (
            DATA + "model = tf.keras.Sequential([tf.keras.layers.Dense(10)])\nmodel.summary()",
            text("layers"),
        ),
        (
            "model.compile(tf.keras.optimizers.Adam(1e-3), 'mse', ['accuracy'])\n"
            "history = model.fit(x, y, batch_size=128, epochs=2, validation_split=0.1)",
            text("accuracy: 0.9"),
        ),
        (
            "for name in ('accuracy', 'val_accuracy', 'loss', 'val_loss'):\n"
            "    plt.plot(history.history[name])\nplt.show()",
            [picture()],
        ),
        (
            "loss, accuracy = model.evaluate(x_test, y_test)\nprint('Test accuracy:', accuracy)",
            text("Test accuracy: 0.9131"),
        ),
    )


def fill_in(notebook, entry):
    """Write an entry for number, name and class into the released notebook's heading."""
    heading, lines = re.subn(
        r"(?m)^(\|.*学号.*\n\|.*\n)\|.*$",
        rf"\1| {entry} | {entry} | {entry} |",
        notebook.cells[0].source,
    )
    assert lines == 1
    notebook.cells[0].source = heading


def text(*lines):
    """Return the outputs of a cell that has printed these lines."""
    return [nbformat.v4.new_output("stream", text="\n".join(lines))]


def shown(value, kind="text/plain"):
    """Return the outputs of a cell whose value is shown as this text."""
    return [nbformat.v4.new_output("execute_result", {kind: value}, execution_count=1)]


def stopped_at(*frames):
    """Return the output of a cell that stopped at these lines: (function's head, line) or line."""
    pairs = [frame if isinstance(frame, tuple) else ("", frame) for frame in frames]
    traceback = [
        f"Cell In[1], line {line}{head and f', in {head}'}\n----> {line} x" for head, line in pairs
    ]
    return nbformat.v4.new_output("error", ename="KeyError", evalue="", traceback=traceback)


def picture(kind="png"):
    """Return an output with a drawing of some size."""
    figure, axis = plt.subplots()
    axis.plot([1, 2])
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind)
    plt.close(figure)
    content = (
        {"image/svg+xml": buffer.getvalue().decode()}
        if kind == "svg"
        else {f"image/{kind}": base64.b64encode(buffer.getvalue()).decode()}
    )
    return nbformat.v4.new_output("display_data", content | {"text/plain": "<Figure>"})


def make_archive(path, members):
    """Write a zip archive of the given contents and return its path."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def found(path):
    """Return what is found by requirement; a file that has not changed is read once."""
    return findings_at(path, path.stat().st_mtime_ns if path.exists() else None)


@functools.lru_cache(maxsize=1)
def findings_at(path, time):
    """Return the same, after a look at whether each finding says what to do."""
    findings = {finding.requirement: finding for finding in submission.check(path)}
    for finding in findings.values():
        assert all(finding.reason) and (
            finding.state == submission.HOLDS or all(finding.hint)
        ), finding
    return findings


def states(path):
    """Return the state of each requirement."""
    return {requirement: finding.state for requirement, finding in found(path).items()}


def unmet(path):
    """Return the requirements that do not hold."""
    return [requirement for requirement, state in states(path).items() if state != submission.HOLDS]
