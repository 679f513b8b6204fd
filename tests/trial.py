"""Measure what a change to the notebook is worth, on the validation images only.

    python tests/trial.py --epochs 4 --change '"label_smoothing": 0.1' '"label_smoothing": 0.0'

runs the notebook's own cells up to the test set, once for each seed, with the first text replaced
by the second. FMNIST_BUDGET chooses the budget as in the notebook. Every line of the README's
results log was made this way. With --peak it measures the machine's matrix products as well. The
test set is read only with --time-to-accuracy, which asks how long the finished recipe needs and
chooses nothing; the seconds and GFLOP/s printed last then include the time for the test.
"""

import argparse
import contextlib
import functools
import io
import os
import re
import sys
import tempfile
import time

import matplotlib
import nbformat
import numpy as np

from conftest import NOTEBOOK_PATH
from test_saved_notebook import code_cells

matplotlib.use("Agg")
FIRST_USE_OF_THE_TEST_SET = "test_probabilities = predict_probabilities("


def code_before_the_test_set(changes, epochs=None):
    """Return the sources of the notebook's code cells up to the test set, figures left out.

    changes: pairs (old text, new text); ValueError if an old text does not occur exactly once.
    epochs: how long to train, if not as long as the notebook does.
    """
    cells = code_cells(nbformat.read(NOTEBOOK_PATH, as_version=4))
    [end] = [number for number, cell in enumerate(cells) if FIRST_USE_OF_THE_TEST_SET in cell.source]
    # Definitions come first, since --time-to-accuracy predicts during training.
    cells = sorted(cells[:end], key=lambda cell: "definitions" not in cell.metadata.get("tags", []))
    sources = [cell.source for cell in cells if "plt.show()" not in cell.source]
    for old, new in changes:
        if sum(source.count(old) for source in sources) != 1:
            raise ValueError(f"{old!r} has to occur exactly once in the notebook's code")
        sources = [source.replace(old, new) for source in sources]
    if epochs:
        pattern = re.compile(r'"epochs": \{.*\}\[budget\]')
        if sum(len(pattern.findall(source)) for source in sources) != 1:
            raise ValueError("the notebook's number of epochs was not found")
        sources = [pattern.sub(f'"epochs": {epochs}', source) for source in sources]
    return sources


def run(sources, seed, **names):
    """Run the cells with this seed and return the names they define; what they print is dropped."""
    os.environ["FMNIST_SEED"] = str(seed)
    names["__name__"] = "__main__"
    with contextlib.redirect_stdout(io.StringIO()):
        for source in sources:
            exec(source, names)
    return names


def time_to_accuracy(names):
    """Return a Keras callback that prints, after every epoch, the training time and the test accuracy."""
    import keras  # Only now, since the notebook sets the environment before it imports Keras.

    class TimeToAccuracy(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            stop = time.perf_counter()
            probabilities = names["predict_probabilities"](self.model, names["test_images"])
            accuracy, _ = names["accuracy_and_loss"](probabilities, names["test_labels"])
            print(f"epoch {epoch + 1}: {stop - self.start:.0f} s of training, test accuracy {accuracy:.2%}",
                  file=sys.stderr, flush=True)
            self.start += time.perf_counter() - stop  # The test is no part of training.

    return TimeToAccuracy()


def multiply_adds(model):
    """Return the multiplications with addition that the convolutions need for one image."""
    convolutions = [layer for layer in model._flatten_layers() if hasattr(layer, "kernel_size")]
    return sum(np.prod(layer.kernel.shape) * np.prod(layer.output.shape[1:3]) for layer in convolutions)


def matrix_product_gflops(tf, dtype, size=2048, repetitions=20):
    """Return the best speed in GFLOP/s of a product of two square matrices."""
    matrix = tf.cast(tf.random.normal((size, size)), dtype)
    seconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        tf.matmul(matrix, matrix).numpy()
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds) / 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--change", nargs=2, action="append", default=[], metavar=("OLD", "NEW"))
    parser.add_argument("--time-to-accuracy", action="store_true")
    parser.add_argument("--peak", action="store_true")
    arguments = parser.parse_args()
    if arguments.time_to_accuracy:
        arguments.change.append(("ProgressLine(),", "ProgressLine(), time_to_accuracy(globals()),"))
    sources = code_before_the_test_set(arguments.change, arguments.epochs)
    os.chdir(tempfile.mkdtemp())

    singles, averages, seconds = [], [], []
    for seed in arguments.seeds:
        names = run(sources, seed, time_to_accuracy=time_to_accuracy)
        history, model = names["history"], names["model"]
        singles.append(100 * history["val_accuracy"][-1])
        averages.append(100 * names["validation_accuracy"])
        seconds.append(sum(history["seconds"]))
        # A multiply-add is two operations, and training costs a forward pass and about two more for gradients.
        operations = len(history["loss"]) * multiply_adds(model) * (
            6 * len(names["training_index"]) + 2 * len(names["validation_index"]))
        print(f"seed {seed}: validation accuracy of one view {singles[-1]:.2f} %, of six {averages[-1]:.2f} %, "
              f"loss {history['val_loss'][-1]:.4f}, {seconds[-1]:.0f} s, {model.count_params():,} parameters, "
              f"{operations / seconds[-1] / 1e9:.0f} GFLOP/s", flush=True)
    deviation = functools.partial(np.std, ddof=min(1, len(singles) - 1))
    print(f"{len(singles)} seeds: one view {np.mean(singles):.2f} ± {deviation(singles):.2f} %, "
          f"six {np.mean(averages):.2f} ± {deviation(averages):.2f} %, {np.mean(seconds):.0f} s")
    if arguments.peak:
        for dtype in ("float32", "bfloat16"):
            print(f"matrix product, {dtype}: {matrix_product_gflops(names['tf'], dtype):.0f} GFLOP/s")


if __name__ == "__main__":
    main()
