"""Measure what a change to the notebook is worth, on the validation images only.

    python tests/trial.py --epochs 4 --change '"label_smoothing": 0.1' '"label_smoothing": 0.0'

runs the notebook's own cells up to the test set, once for each seed, with the first text replaced
by the second. FMNIST_BUDGET chooses the budget as in the notebook. Every line of the README's
results log was made this way. With --peak it measures the machine's matrix products as well. The
test set is read only with --time-to-accuracy, which asks how long the finished recipe needs and
chooses nothing; the seconds and GFLOP/s printed last then include the time for the test.

    FMNIST_BUDGET=full python tests/trial.py --second-method --epochs 30 --seeds 5 --folder .

trains the notebook's second method alone, for at most so many epochs, and reads the test set once,
with the weights of the epoch that was best on the validation images. The state of training is kept
in the folder: the same command resumes a run that was cut off.
"""

import argparse
import contextlib
import functools
import io
import os
import pathlib
import re
import shutil
import sys
import tempfile
import time

import nbformat
import numpy as np

from conftest import NOTEBOOK_PATH, definitions_and_actions

FIRST_USE_OF_THE_TEST_SET = "test_probabilities = predict_probabilities("
END_OF_THE_DATA = "fashion_mnist.load_data()"
NOT_NEEDED = ("plt.show()", "trial_settings(", "run_trial(")


def needed_code(notebook, second_method, changes, epochs=None):
    """Return the sources of the notebook's definitions and of the cells that train one of its methods.

    Those of the first method go up to the first use of the test set. changes: pairs (old text, new
    text); ValueError if an old text does not occur exactly once. epochs: how long to train, if not
    as long as the notebook does.
    """
    sources, actions = definitions_and_actions(notebook)
    last_text = END_OF_THE_DATA if second_method else FIRST_USE_OF_THE_TEST_SET
    [last] = [number for number, source in enumerate(actions) if last_text in source]
    sources += [source for source in actions[:last + second_method] if not any(map(source.count, NOT_NEEDED))]
    if second_method:
        training = "reference_history = train("
        [end] = [number for number, source in enumerate(actions) if training in source]
        sources += actions[end - 1:end + 1]
    for old, new in changes:
        if sum(source.count(old) for source in sources) != 1:
            raise ValueError(f"{old!r} has to occur exactly once in the notebook's code")
        sources = [source.replace(old, new) for source in sources]
    if epochs:
        name = "reference_epochs" if second_method else "epochs"
        pattern = re.compile(rf'"{name}": \{{.*\}}\[budget\]')
        if sum(len(pattern.findall(source)) for source in sources) != 1:
            raise ValueError("the notebook's number of epochs was not found")
        sources = [pattern.sub(f'"{name}": {epochs}', source) for source in sources]
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


def matrix_product_gflops(tf, dtype, size=2048, repetitions=20):
    """Return the best speed in GFLOP/s of a product of two square matrices."""
    matrix = tf.cast(tf.random.normal((size, size)), dtype)
    seconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        tf.matmul(matrix, matrix).numpy()
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds) / 1e9


def print_second_method(names):
    """Print what the notebook's table says of the second method, and which epoch was its best."""
    history = names["reference_history"]
    names["reference_model"].save("six_conv2d_net.keras")  # Hours of training are not to be lost.
    if names["reference_backup"]:
        shutil.rmtree(names["reference_backup"])
    facts = names["method_facts"](
        names["reference_model"], history, names["reference_data"], names["reference_validation_data"],
        names["test_images"], names["test_labels"])
    for quantity, number_format in names["FACT_FORMATS"].items():
        print(f"{quantity}: {facts[quantity]:{number_format}}", flush=True)
    best = int(np.argmax(history["val_accuracy"]))
    print(f"Best epoch: {best + 1}, its validation loss {history['val_loss'][best]:.4f}, training accuracy "
          f"{history['accuracy'][best]:.2%} and loss {history['loss'][best]:.4f} (with dropout)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--change", nargs=2, action="append", default=[], metavar=("OLD", "NEW"))
    parser.add_argument("--time-to-accuracy", action="store_true")
    parser.add_argument("--peak", action="store_true")
    parser.add_argument("--second-method", action="store_true")
    parser.add_argument("--folder", type=pathlib.Path, help="where the trained state is kept, if not in a new folder")
    arguments = parser.parse_args()
    if arguments.folder and not arguments.second_method:
        parser.error("--folder is for --second-method: the state of a first method would be taken up by the next trial")
    if arguments.time_to_accuracy:
        arguments.change.append(("[ProgressLine()])", "[ProgressLine(), time_to_accuracy(globals())])"))
    sources = needed_code(
        nbformat.read(NOTEBOOK_PATH, as_version=4), arguments.second_method, arguments.change, arguments.epochs)
    os.chdir(arguments.folder or tempfile.mkdtemp())
    if arguments.second_method:
        for seed in arguments.seeds:
            print_second_method(run(sources, seed))
        return

    singles, averages, seconds = [], [], []
    for seed in arguments.seeds:
        names = run(sources, seed, time_to_accuracy=time_to_accuracy)
        history, model = names["history"], names["model"]
        singles.append(100 * history["val_accuracy"][-1])
        averages.append(100 * names["validation_accuracy"])
        seconds.append(sum(history["seconds"]))
        # A multiply-add is two operations, and training costs a forward pass and about two more for gradients.
        operations = len(history["loss"]) * names["multiply_adds"](model) * (
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
