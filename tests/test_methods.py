"""The hyperparameter trials, and the second method: its network, metric and recipe."""

import errno
import json

import numpy as np
import pytest

from six_conv2d_reference import IMAGES, LOGITS_PATH, draw_weights
from test_parameters import GOOD


@pytest.fixture(scope="module")
def six_conv2d_net(notebook):
    return notebook.build_six_conv2d_net(dropout=0.5)


def keras_layout(array, flattened_shape=None):
    """Turn PyTorch's (out, in, ...) into Keras's (..., in, out); flattened maps are rows first there."""
    if flattened_shape:
        out = len(array)
        return array.reshape(out, *flattened_shape).transpose(2, 3, 1, 0).reshape(-1, out)
    return np.moveaxis(array, (0, 1), (-1, -2)) if array.ndim > 1 else array


def linear_model(notebook):
    """A small network that takes the large one's place where only the callbacks are at stake."""
    return notebook.keras.Sequential([
        notebook.keras.Input((28, 28, 1)), notebook.layers.Rescaling(1 / 255), notebook.layers.Flatten(),
        notebook.layers.Dense(10)])


def test_six_conv2d_net_answers_as_in_pytorch(notebook, data, six_conv2d_net):
    arrays = iter(draw_weights())
    for layer in six_conv2d_net.layers:
        shape = (256, 5, 5) if getattr(layer, "units", None) == 512 else None
        if layer.weights:
            first, *others = [next(arrays) for _ in layer.weights]
            layer.set_weights([keras_layout(first, shape), *others])
    assert next(arrays, None) is None
    expected = json.loads(LOGITS_PATH.read_text(encoding="utf-8"))
    logits = six_conv2d_net.predict(data.test_images[:IMAGES, ..., np.newaxis], verbose=0)
    assert np.abs(logits - expected["logits"]).max() < 1e-4
    assert np.std(expected["logits"], axis=0).min() > 0.01, "the answers have to depend on the image"
    trainable = sum(np.prod(weight.shape) for weight in six_conv2d_net.trainable_weights)
    assert trainable == expected["trainable parameters"] == 4_427_082


def test_multiply_adds_of_the_six_convolutions(notebook, six_conv2d_net):
    by_hand = (30 * 30 * (1 * 64 + 9 * 64 * 64) + 15 * 15 * 9 * (64 * 128 + 128 * 128)
               + 8 * 8 * 9 * (128 * 256 + 256 * 256) + 256 * 5 * 5 * 512 + 512 * 10)
    assert notebook.multiply_adds(six_conv2d_net) == by_hand


def test_padded_pooling_is_the_maximum_of_shifted_windows_even_of_negative_maps(notebook):
    maps = -1 - np.arange(2 * 5 * 5 * 3, dtype="float32").reshape(2, 5, 5, 3)
    pooled = np.asarray(notebook.PaddedMaxPooling2D(2)(maps))
    rows = [slice(0, 1), slice(1, 3), slice(3, 5)]
    expected = [[maps[:, row, column].max(axis=(1, 2)) for column in rows] for row in rows]
    assert pooled.shape == notebook.PaddedMaxPooling2D(2).compute_output_shape(maps.shape)
    assert np.array_equal(pooled, np.moveaxis(expected, 2, 0))


def test_false_positive_rate_of_hand_worked_cases(notebook):
    true = np.eye(3)[[0, 0, 1, 2]]
    # Class 0 is given once to one of 2 images of others, class 1 to one of 3, class 2 to none of 3.
    predicted = np.eye(3)[[0, 1, 0, 2]]
    metric = notebook.FalsePositiveRate(classes=3)
    metric.update_state(true, predicted)
    assert float(metric.result()) == pytest.approx((1 / 2 + 1 / 3 + 0) / 3)
    metric.reset_state()
    metric.update_state(true, true)
    assert float(metric.result()) == 0
    metric.reset_state()
    metric.update_state(np.eye(3)[[0, 0]], np.eye(3)[[0, 1]])  # No image of another class than 0.
    assert float(metric.result()) == pytest.approx((0 + 1 / 2 + 0) / 3)
    metric.reset_state()
    metric.update_state(true, predicted, sample_weight=[1, 0, 1, 1])
    assert float(metric.result()) == pytest.approx((1 / 2 + 0 + 0) / 3)


def test_false_positive_rate_agrees_with_a_confusion_matrix_over_several_batches(notebook):
    generator = np.random.default_rng(5)
    labels, logits = generator.integers(0, 10, 500), generator.normal(size=(500, 10))
    metric = notebook.FalsePositiveRate()
    for part in np.split(np.arange(500), 5):
        metric.update_state(np.eye(10)[labels[part]], logits[part])
    confusion = notebook.tf.math.confusion_matrix(labels, logits.argmax(axis=1), 10).numpy()
    false_positives = confusion.sum(axis=0) - confusion.diagonal()
    negatives = confusion.sum() - confusion.sum(axis=1)
    assert float(metric.result()) == pytest.approx((false_positives / negatives).mean())


def test_second_method_survives_saving(notebook, data, six_conv2d_net, tmp_path):
    notebook.compile_six_conv2d_net(six_conv2d_net, notebook.SIX_CONV_RECIPE, steps_per_epoch=1)
    six_conv2d_net.save(tmp_path / "model.keras")
    reloaded = notebook.keras.saving.load_model(tmp_path / "model.keras")
    images = data.test_images[:20, ..., np.newaxis]
    assert np.allclose(reloaded.predict(images, verbose=0), six_conv2d_net.predict(images, verbose=0), atol=1e-5)
    optimizer = reloaded.optimizer
    assert optimizer.amsgrad and not optimizer.weight_decay
    assert float(optimizer.learning_rate) == pytest.approx(1e-4)


def recipe_callbacks(notebook, recipe, folder):
    return {type(callback).__name__: callback for callback in notebook.six_conv2d_callbacks(recipe, folder)}


def test_recipe_steps_its_learning_rate_and_knows_the_best_epoch_of_a_resumed_run(notebook, tmp_path):
    callbacks = recipe_callbacks(notebook, notebook.SIX_CONV_RECIPE, tmp_path)
    schedule = callbacks["LearningRateScheduler"].schedule
    assert [schedule(epoch, 1.0) for epoch in (0, 49, 50, 100)] == pytest.approx([1e-4, 1e-4, 1e-5, 1e-6])
    stopping = callbacks["ResumableEarlyStopping"]
    stopping.on_train_begin()
    assert (stopping.patience, stopping.best, stopping.wait) == (10, None, 0)
    notebook.replace_model(linear_model(notebook), tmp_path / notebook.STATE, {"val_accuracy": [0.5, 0.8, 0.7]})
    callbacks = recipe_callbacks(notebook, notebook.SIX_CONV_RECIPE, tmp_path)
    stopping = callbacks["ResumableEarlyStopping"]
    stopping.on_train_begin()
    assert stopping.best == callbacks["ModelCheckpoint"].best == 0.8 and stopping.wait == 1


def test_recipe_is_that_of_the_reference_work(notebook):
    recipe = notebook.SIX_CONV_RECIPE
    assert (recipe["dropout"], recipe["batch_size"], recipe["validation_share"]) == (0.5, 256, 0.1)
    assert (recipe["learning_rate"], recipe["epochs"], recipe["patience"]) == (1e-4, 1_000, 10)


def test_kernels_are_drawn_independently_within_pytorchs_range(notebook):
    # A network of its own, since other tests set the weights of the shared one.
    network = notebook.build_six_conv2d_net(dropout=0.5)
    kernels = [layer.kernel.numpy() for layer in network.layers if hasattr(layer, "kernel")]
    for kernel in kernels:
        assert np.abs(kernel).max() == pytest.approx(np.prod(kernel.shape[:-1]) ** -0.5, rel=0.05)
    starts = np.array([kernel.ravel()[:64] for kernel in kernels])
    assert np.abs(np.corrcoef(starts) - np.eye(8)).max() < 0.6


@pytest.mark.parametrize("with_backup", [True, False])
def test_training_ends_early_with_the_weights_of_its_best_epoch(
        notebook, data, validation, tmp_path, monkeypatch, with_backup):
    monkeypatch.chdir(tmp_path)  # TensorBoard, where it is installed, logs into the working folder.
    recipe = notebook.SIX_CONV_RECIPE | {"patience": 2, "batch_size": 64, "learning_rate": 0.01, "epochs": 8}
    images, labels = data.train_images[:1_280], data.train_labels[:1_280]
    # The network has learnt the right labels; the wrong ones that it then gets make every epoch worse
    # than the first.
    notebook.keras.utils.set_random_seed(5)
    model = linear_model(notebook)
    notebook.compile_six_conv2d_net(model, recipe, steps_per_epoch=20)
    model.fit(notebook.training_batches(images, labels, recipe, seed=5), epochs=10, verbose=0)
    wrong = notebook.training_batches(images, (labels + 1) % 10, recipe, seed=5)
    recipe |= {"learning_rate": 1e-3}
    folder = tmp_path / "backup" if with_backup else None
    if folder:
        folder.mkdir()
    history = notebook.train(
        model, wrong, validation, recipe["epochs"], folder, notebook.six_conv2d_callbacks(recipe, folder))
    assert np.argmax(history["val_accuracy"]) == 0 and len(history["loss"]) == 3
    assert history["val_accuracy"][0] > history["val_accuracy"][2] + 0.01
    measured = model.evaluate(validation, verbose=0, return_dict=True)
    assert measured["accuracy"] == pytest.approx(history["val_accuracy"][0])


def test_trials_change_one_thing_at_a_time_and_leave_the_defaults_out(notebook):
    settings = notebook.trial_settings(GOOD)
    assert len(settings) == 11 and settings.pop("defaults") == {}
    for changes in settings.values():
        notebook.check_parameters(GOOD | changes)
        assert any(GOOD[name] != value for name, value in changes.items())
    assert settings["no augmentation"] == {"flip": False, "shift_pixels": 0, "erased_pixels": 0}
    assert settings["half the width"] == {"filters": (16, 32, 64)}
    assert settings["twice the width"] == {"filters": (64, 128, 256)}
    assert sum(changes.keys() == {"learning_rate"} for changes in settings.values()) == 4
    assert sum(changes.keys() == {"batch_size"} for changes in settings.values()) == 2
    assert sum(changes == {"label_smoothing": 0.0} for changes in settings.values()) == 1
    assert "learning rate 0.001" in notebook.trial_settings(GOOD | {"learning_rate": 3e-3})


def test_trial_learns_and_its_table_says_what_the_defaults_are_worth(notebook, data, validation):
    parameters = GOOD | {"filters": (16, 32, 64), "batch_size": 32, "trial_epochs": 2}
    images, labels = data.train_images[:1_920], data.train_labels[:1_920]
    accuracy, loss, seconds = notebook.run_trial(parameters, images, labels, validation, seed=5)
    assert 0.4 < accuracy < 1 and 0 < loss < 2.3 and seconds > 0
    # A setting whose loss becomes NaN counts as guessing and does not end the notebook.
    diverged = notebook.run_trial(
        parameters | {"learning_rate": float("nan")}, images[:320], labels[:320], validation, seed=5)
    assert diverged[0] == 0.1 and np.isnan(diverged[1])

    trials = {"defaults": np.array([[0.80, 0.5, 2.0], [0.82, 0.5, 2.0]]),
              "batch size 32": np.array([[0.83, 0.4, 3.0], [0.81, 0.4, 3.0]]),
              "no augmentation": np.array([[0.70, 0.9, 1.0], [0.74, 0.7, 1.0]])}
    assert notebook.trial_row("no augmentation", trials["no augmentation"]).split() == [
        "no", "augmentation", "72.00%", "±", "2.83", "0.800", "1.0"]
    text = notebook.describe_trials(trials)
    assert "The defaults recognise 81.00%" in text and "1 of 2 changes do better" in text
    assert "Best change: batch size 32, +1.00 points. Worst: no augmentation, -9.00 points." in text
    axis = notebook.plot_trials(trials).axes[0]
    assert [bar.get_width() for bar in axis.patches] == pytest.approx([1, -9])
    assert [label.get_text() for label in axis.get_yticklabels()] == ["batch size 32", "no augmentation"]


def test_full_disk_spoils_neither_the_best_model_nor_the_state_of_the_second_method(
        notebook, data, validation, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = notebook.SIX_CONV_RECIPE | {"batch_size": 64, "epochs": 3}
    notebook.keras.utils.set_random_seed(5)
    training = notebook.training_batches(data.train_images[:640], data.train_labels[:640], recipe, seed=5)
    model = linear_model(notebook)
    notebook.compile_six_conv2d_net(model, recipe, steps_per_epoch=10)
    save, kept = notebook.keras.Model.save, {}

    def disk_is_full_at_the_second_best_model(model, path, **options):
        if (tmp_path / "best.keras").exists():
            kept.update({name: (tmp_path / name).read_bytes() for name in ("best.keras", "state.keras")})
            (tmp_path / "new-best.keras").write_bytes(b"PK")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(model, path, **options)

    def train():
        return notebook.train(
            model, training, validation, recipe["epochs"], tmp_path, notebook.six_conv2d_callbacks(recipe, tmp_path))

    with monkeypatch.context() as patch, pytest.raises(OSError, match="(?s)腾出磁盘空间.*Free some disk space"):
        patch.setattr(notebook.keras.Model, "save", disk_is_full_at_the_second_best_model)
        train()
    assert kept == {name: (tmp_path / name).read_bytes() for name in kept} and kept
    notebook.Backup(tmp_path).on_train_begin()
    assert not (tmp_path / "new-best.keras").exists(), "the next epoch would take the part for a whole model"
    assert len(train()["loss"]) == 3
