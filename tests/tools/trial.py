"""Measure what a change of hyperparameters is worth, on the validation images only.

    python tests/tools/trial.py '{"epochs": 4, "label_smoothing": 0.0}' --seeds 0 1

runs the notebook's own cells up to the end of training, once for each seed, with these values
injected after the cell tagged `parameters`. FMNIST_BUDGET chooses the budget as in the notebook.
The test set is read only with --test, which is for a finished recipe and chooses nothing.
"""

import argparse
import ast
import json
import tempfile

import pathlib
import sys

import nbformat
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from conftest import NOTEBOOK_PATH, cell_of, execute, printed_text, up_to, with_values

MEASURE = """
probabilities = predict_probabilities(model, val_images)
import json
print(json.dumps({
    "one view": 100 * history["val_accuracy"][-1],
    "six views": 100 * float(np.mean(probabilities.argmax(axis=1) == val_labels)),
    "loss": -float(np.log(probabilities[np.arange(len(val_labels)), val_labels]).mean()),
    "seconds": sum(history["seconds"])}))
"""
TEST = """
probabilities = predict_probabilities(model, test_images)
print(json.dumps({"test": 100 * float(np.mean(probabilities.argmax(axis=1) == test_labels))}))
"""


def trial_notebook(notebook, changes, seed, with_test=False):
    """Return the cells up to the end of training with these values, and cells that measure it."""
    part = with_values(up_to(notebook, "fit"), changes=changes, seed=seed)
    part.cells.append(cell_of(notebook, "predict"))
    part.cells += map(nbformat.v4.new_code_cell, [MEASURE, *([TEST] if with_test else [])])
    return part


def run_trial(notebook, changes, seed, with_test=False):
    """Train once; return {quantity: number}: accuracies in percent, loss in nats, seconds."""
    with tempfile.TemporaryDirectory() as folder:  # It takes the state of the training too.
        part = trial_notebook(notebook, changes, seed, with_test)
        executed = execute(part, folder, {"TMPDIR": folder})
    measured = {}
    for cell in executed.cells[-1 - with_test :]:
        measured |= json.loads(printed_text(cell))
    return measured


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("changes", type=ast.literal_eval, nargs="?", default={})
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--test", action="store_true", help="read the test set as well")
    arguments = parser.parse_args()
    notebook = nbformat.read(NOTEBOOK_PATH, as_version=4)
    outcomes = []
    for seed in arguments.seeds:
        outcomes.append(run_trial(notebook, arguments.changes, seed, arguments.test))
        print(
            f"seed {seed}:",
            ", ".join(f"{name} {value:.4g}" for name, value in outcomes[-1].items()),
            flush=True,
        )
    if len(outcomes) > 1:
        for name in outcomes[0]:
            values = [outcome[name] for outcome in outcomes]
            print(
                f"{name}: {np.mean(values):.4g} ± {np.std(values, ddof=1):.2g} "
                f"over {len(values)} seeds"
            )


if __name__ == "__main__":
    main()
