"""Machines and habits that a student may have: an old TensorFlow, the C locale, odd folder names, Run All again."""

import os
import runpy
import subprocess
import sys

import numpy as np
import pytest

from test_model import SMALL, train
from test_parameters import GOOD
from test_saved_notebook import code_cells


def test_old_tensorflow_is_refused_before_anything_else_fails(saved_notebook, tmp_path):
    for package, version in [("tensorflow", "2.9.3"), ("keras", "2.9.0")]:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(f"__version__ = '{version}'\n")
    (tmp_path / "keras" / "layers.py").touch()
    sources = [cell.source for cell in code_cells(saved_notebook)]
    [last] = [number for number, source in enumerate(sources) if source.startswith("notebook_start")]
    (tmp_path / "cells.py").write_text("\n\n".join(sources[:last + 1]), encoding="utf-8")
    outcome = subprocess.run([sys.executable, "cells.py"], cwd=tmp_path, capture_output=True, encoding="utf-8")
    assert "RuntimeError: TensorFlow 2.9.3 版本过低" in outcome.stderr
    assert "Run pip install -r requirements.txt, then restart the kernel." in outcome.stderr


def test_messages_are_readable_in_the_c_locale(notebook):
    command = f"import notebook_definitions as n; n.check_parameters({GOOD | {'epochs': 0}!r})"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    outcome = subprocess.run(
        [sys.executable, "-c", command], cwd=os.path.dirname(notebook.__file__),
        env=environment | {"LC_ALL": "C", "MPLBACKEND": "agg"}, capture_output=True, encoding="utf-8")
    assert "参数 epochs=0 无效，允许：int, 1 ... 1000。" in outcome.stderr


def test_training_and_saving_in_a_folder_with_spaces_and_chinese_characters(
        notebook, data, validation, tmp_path, monkeypatch):
    folder = tmp_path / "深度学习 作业 五"
    folder.mkdir()
    monkeypatch.chdir(folder)
    model = notebook.build_model(SMALL, data.train_images, seed=5)
    training = notebook.training_batches(data.train_images[:640], data.train_labels[:640], SMALL, seed=5)
    history = train(notebook, model, training, validation, SMALL, notebook.backup_folder("full", SMALL, seed=5))
    notebook.save_figure(notebook.plot_curves(history), "learning_curves")
    notebook.save_model(model)
    [backup] = folder.glob(".training-backup-*")
    assert sorted(path.name for path in backup.iterdir()) == ["state.keras"]
    assert sorted(path.name for path in folder.glob("[!.]*")) == ["fashion_mnist_cnn.keras", "images.assets"]


def test_definitions_run_again_in_the_same_kernel_still_load_a_saved_model(notebook, data, tmp_path):
    model = notebook.build_model(SMALL, data.train_images, seed=5)
    model.save(tmp_path / "model.keras")
    again = runpy.run_path(notebook.__file__)
    reloaded = again["keras"].saving.load_model(tmp_path / "model.keras")
    assert all(map(np.array_equal, reloaded.get_weights(), model.get_weights()))


@pytest.mark.parametrize("learning_rate", [10.0, float("inf")])
def test_absurd_learning_rate_is_refused_at_once(notebook, learning_rate):
    with pytest.raises(ValueError, match="Parameter learning_rate=.* is not allowed"):
        notebook.check_parameters(GOOD | {"learning_rate": learning_rate})


def test_unknown_backend_says_what_to_do(notebook):
    outcome = subprocess.run(
        [sys.executable, "-c", "import notebook_definitions"], cwd=os.path.dirname(notebook.__file__),
        env=os.environ | {"KERAS_BACKEND": "mxnet"}, capture_output=True, encoding="utf-8")
    assert "无法导入" in outcome.stderr and "check the environment variable KERAS_BACKEND" in outcome.stderr
