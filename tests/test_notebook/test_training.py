"""A training is never lost, and never lies: the file of its state, and who goes on from it."""

import json
import os
import pathlib
import warnings
import zipfile

import numpy as np
import pytest

from conftest import cell_of, printed_epochs


@pytest.fixture
def batches(notebook, data, small):
    images, labels = data.train_images[:640], data.train_labels[:640]
    return notebook.training_batches(images, labels, small, seed=5)


@pytest.fixture
def new_model(notebook, small):
    """new_model(seed) returns a linear network, quick to compile, for five epochs of ten steps."""

    def build(seed=5):
        notebook.keras.utils.set_random_seed(seed)
        model = notebook.keras.Sequential(
            [
                notebook.keras.Input((28, 28, 1)),
                notebook.layers.Rescaling(1 / 255),
                notebook.layers.Flatten(),
                notebook.layers.Dense(10, name="logits"),
            ]
        )
        notebook.compile_model(model, small, 50)
        model.optimizer.build(model.trainable_variables)
        return model

    return build


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cnn-0123456789ab.keras"


@pytest.fixture
def stop_before(notebook, monkeypatch):
    """stop_before(n) lets a training be interrupted in its n-th epoch, until the test's end."""

    def stop(number):
        on_epoch_begin = notebook.Progress.on_epoch_begin

        def interrupt(self, epoch, logs=None):
            on_epoch_begin(self, epoch, logs)
            if epoch + 1 == number:
                monkeypatch.setattr(notebook.Progress, "on_epoch_begin", on_epoch_begin)
                raise KeyboardInterrupt

        monkeypatch.setattr(notebook.Progress, "on_epoch_begin", interrupt)

    return stop


def has_equal_weights(model, other):
    pairs = zip(model.get_weights(), other.get_weights(), strict=True)
    return all([np.array_equal(*pair) for pair in pairs])


def test_training_learns_and_reports_every_epoch(
    notebook, new_model, batches, val_data, path, capsys
):
    model, history = notebook.train(new_model(), batches, val_data, 5, path)
    assert history.keys() == {"accuracy", "loss", "val_accuracy", "val_loss", "seconds"}
    assert {len(values) for values in history.values()} == {5}
    assert history["loss"][-1] < history["loss"][0] and history["val_accuracy"][-1] > 0.5
    printed = capsys.readouterr().out
    assert printed_epochs(printed) == [1, 2, 3, 4, 5]
    last = model.evaluate(*val_data, verbose=0, return_dict=True)
    assert f"validation loss {last['loss']:.4f}, accuracy {last['accuracy']:.2%}; " in printed


def test_interrupted_training_goes_on_and_shows_all_epochs(
    notebook, new_model, batches, val_data, path, stop_before, capsys
):
    stop_before(4)
    with pytest.raises(KeyboardInterrupt):
        notebook.train(new_model(), batches, val_data, 5, path)
    before = capsys.readouterr().out
    assert printed_epochs(before) == [1, 2, 3]

    model, history = notebook.train(new_model(6), batches, val_data, 5, path)
    after = capsys.readouterr().out
    assert printed_epochs(after) == [1, 2, 3, 4, 5]
    said = "Epochs {} were trained before this start:\n"
    assert after.startswith(said.format("1 to 3") + before), "read back, and shown as they were"
    assert {len(values) for values in history.values()} == {5}
    assert int(model.optimizer.iterations) == 50 and float(model.optimizer.learning_rate) == 0

    # What was trained to its end is read back as it is, and shown as it was.
    again, same_history = notebook.train(new_model(7), batches, val_data, 5, path)
    assert same_history == history and has_equal_weights(again, model)
    shown = after.removeprefix(said.format("1 to 3"))
    assert capsys.readouterr().out == said.format("1 to 5") + shown
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_loaded_state_trains_on_to_the_same_bits(notebook, new_model, batches, path):
    """The optimiser's moments, its step and its schedule are in the file, not only the weights."""
    model = new_model()
    model.fit(batches, epochs=2, shuffle=False, verbose=0)
    notebook.save_state(path, model, [{"loss": 0.5}], is_finished=False)
    loaded, epochs, is_finished = notebook.load_state(path)
    assert (epochs, is_finished) == ([{"loss": 0.5}], False)
    assert loaded.steps_per_execution == model.steps_per_execution and not loaded.jit_compile
    images, labels = next(iter(batches))
    for network in (model, loaded):
        for _ in range(3):
            network.train_on_batch(images, labels)
    assert has_equal_weights(loaded, model)


def test_loss_that_is_no_number_stops_training_with_advice_and_is_not_kept(
    notebook, new_model, batches, val_data, path
):
    model = new_model()
    model.get_layer("logits").set_weights([np.full((784, 10), np.nan), np.zeros(10)])
    with pytest.raises(FloatingPointError, match="(?s)减小 learning_rate.*lower learning_rate"):
        notebook.train(model, batches, val_data, 5, path)
    assert not path.exists(), "the next run would go on from weights that are no numbers"


@pytest.fixture
def state(notebook, new_model, path):
    """The file of a training of which one epoch is done."""
    notebook.save_state(path, new_model(), [{"loss": 0.5}], is_finished=False)
    return path


DAMAGES = {
    "cut in half": lambda content: content[: len(content) // 2],
    "emptied": lambda content: b"",
    "a page full of zeros": lambda content: content[:8_192] + bytes(4_096) + content[12_288:],
    "of something else": lambda content: b"the disk was full",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_state_is_an_error_that_names_the_file_to_delete(
    notebook, new_model, batches, val_data, state, damage
):
    """The advice is in the message itself, since IPython 7 does not show an exception's notes."""
    state.write_bytes(DAMAGES[damage](state.read_bytes()))
    with pytest.raises(ValueError) as error:
        notebook.train(new_model(), batches, val_data, 5, state)
    chinese, english = str(error.value).split("\n")[:2]
    assert "请删除" in chinese and str(state) in chinese
    assert f"delete {state} and run all again" in str(error.value) and "saved training" in english


def test_model_saved_without_a_history_is_not_taken_for_a_state(
    notebook, new_model, batches, val_data, path
):
    new_model().save(path)
    with pytest.raises(ValueError, match="请删除"):
        notebook.train(new_model(), batches, val_data, 5, path)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("moment", ["model.save", "history", "fsync", "move"])
def test_interrupted_write_leaves_the_old_state_whole_and_nothing_else(
    notebook, new_model, state, monkeypatch, moment, error
):
    before = state.read_bytes()
    model = new_model(6)

    def fail(self, *arguments, **options):
        if moment == "model.save":
            pathlib.Path(arguments[0]).write_bytes(before[:1_000])
        raise error

    place, name = {
        "model.save": (notebook.keras.Model, "save"),
        "history": (zipfile.ZipFile, "writestr"),
        "fsync": (os, "fsync"),
        "move": (pathlib.Path, "replace"),
    }[moment]
    with monkeypatch.context() as patch, pytest.raises(type(error)):
        if moment == "history":  # Keras's own use of zipfile is not meant.
            save = notebook.keras.Model.save
            patch.setattr(
                notebook.keras.Model,
                "save",
                lambda self, path: save(self, path) or patch.setattr(place, name, fail),
            )
        else:
            patch.setattr(place, name, fail)
        notebook.save_state(state, model, [{"loss": 0.4}], is_finished=False)
    assert state.read_bytes() == before
    assert [file.name for file in state.parent.iterdir()] == [state.name]
    notebook.save_state(state, model, [{"loss": 0.4}], is_finished=False)  # There is space again.
    loaded, epochs, _ = notebook.load_state(state)
    assert epochs == [{"loss": 0.4}] and has_equal_weights(loaded, model)


def test_of_two_starts_at_once_one_wins_as_a_whole(notebook, new_model, path, monkeypatch):
    """Whatever another start of the same training does meanwhile, nobody gets a mixture."""
    first, second = new_model(5), new_model(6)
    save, load = notebook.keras.Model.save, notebook.keras.saving.load_model

    def save_while_the_second_does(self, file):
        save(self, file)
        monkeypatch.setattr(notebook.keras.Model, "save", save)
        notebook.save_state(path, second, [{"loss": 0.25}], is_finished=False)

    def load_while_the_second_saves(file):
        notebook.save_state(path, second, [{"loss": 0.25}], is_finished=False)
        return load(file)

    monkeypatch.setattr(notebook.keras.Model, "save", save_while_the_second_does)
    notebook.save_state(path, first, [{"loss": 0.5}], is_finished=False)
    monkeypatch.setattr(notebook.keras.saving, "load_model", load_while_the_second_saves)
    for model, loss in ((first, 0.5), (second, 0.25)):
        loaded, epochs, _ = notebook.load_state(path)
        assert epochs == [{"loss": loss}] and has_equal_weights(loaded, model)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def state_paths(notebook, saved_notebook, monkeypatch, changes, seed=5, budget="full"):
    """Return the names that the cells which train give their states under these settings."""
    hyperparameters, run = notebook.choose(budget, changes)
    paths = []

    def train(model, batches, val_data, epochs, path, callbacks=()):
        paths.append(path)
        return model, {"val_accuracy": [0.9]}

    values = {
        "hyperparameters": hyperparameters,
        "run": run,
        "budget": budget,
        "seed": seed,
        "train": train,
        "trial_defaults": notebook.quick,
        "build_model": lambda *arguments: None,
        "compile_model": lambda *arguments: None,
        "build_six_conv_net": lambda steps: None,
        "training_batches": lambda *arguments: range(429),
        "train_batches": range(429),
        "training_data": (np.zeros(0), np.zeros(0)),
        "val_images": np.zeros(hyperparameters["validation_size"]),
        "val_data": (np.zeros(0), np.zeros(0)),
    }
    names = vars(notebook) | values
    for cell_id in ("fit", "long-trial", "six-conv-fit"):
        exec(cell_of(saved_notebook, cell_id).source, names)
    return paths


def test_state_is_found_again_by_the_same_training_and_by_no_other(
    notebook, saved_notebook, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)

    def paths(changes={}, **others):
        return state_paths(notebook, saved_notebook, monkeypatch, changes, **others)

    cnn, *trials, six_conv = states = paths()
    assert {path.parent for path in states} == {pathlib.Path(".training-state")}
    assert len(trials) == 2 and len({*states}) == 4
    # What a run does besides does not change the training.
    others = {"accuracy_floor": 0.5, "trial_steps": 3, "trial_seeds": 1}
    assert paths(others) == paths({"filters": [96, 192, 384]}) == states
    assert paths({"trial_epochs": 0}) == [cnn, six_conv]
    assert not {*trials} & {*paths({"trial_epochs": 3})}
    for change in (
        {"epochs": 51},
        {"filters": (8, 16, 32)},
        {"learning_rate": 2e-3},
        {"augment": False},
        {"validation_size": 1_000},
    ):
        assert paths(change)[0] != cnn, change
    assert not {*states} & {*paths(seed=6)}
    for change in ({"six_conv_images": 512}, {"six_conv_epochs": 3}, {"validation_size": 1_000}):
        assert paths(change)[-1] != six_conv, change
        assert paths(change)[0] == cnn or "validation_size" in change


@pytest.mark.parametrize("budget, is_writable", [("quick", True), ("full", False)])
def test_short_run_and_read_only_folder_keep_no_state(
    notebook, new_model, batches, val_data, tmp_path, monkeypatch, budget, is_writable
):
    for folder in ("here", "temporary"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(notebook.tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(notebook.os, "access", lambda path, mode: is_writable)
    path = notebook.state_path("cnn", budget, {}, 5)
    _, history = notebook.train(new_model(), batches, val_data, 1, path)
    assert len(history["loss"]) == 1
    assert not [*tmp_path.glob("*/*")], "nothing stays, neither here nor in the temporary folder"


def test_warnings_that_are_made_errors_do_not_end_a_run(
    saved_notebook, notebook, new_model, batches, val_data, path
):
    """PYTHONWARNINGS=error, under which Keras's own deprecations once ended a run while saving."""
    policy = notebook.keras.config.dtype_policy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exec(cell_of(saved_notebook, "machine").source, dict(vars(notebook)))
        notebook.keras.config.set_dtype_policy(policy)
        model, history = notebook.train(new_model(), batches, val_data, 1, path)
        again, same_history = notebook.train(new_model(6), batches, val_data, 1, path)
        notebook.predict_probabilities(again, val_data[0])
    assert same_history == history and has_equal_weights(again, model)


def test_state_is_an_ordinary_model_file_with_the_epochs_inside(notebook, state):
    with zipfile.ZipFile(state) as file:
        assert json.loads(file.read("training.json")) == [[{"loss": 0.5}], False]
        assert file.testzip() is None
    assert notebook.keras.saving.load_model(state).count_params() > 0
