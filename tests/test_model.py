"""The network and its training, on the real data."""

import errno
import re

import numpy as np
import pytest

from test_parameters import GOOD

SMALL = GOOD | {"batch_size": 64, "epochs": 2, "batch_norm_momentum": 0.9, "filters": (8, 16, 32)}


@pytest.fixture
def small_model(notebook, data):
    notebook.keras.utils.set_random_seed(5)
    return notebook.build_model(SMALL, data.train_images, seed=5)


@pytest.fixture
def backup(tmp_path):
    folder = tmp_path / "backup"
    folder.mkdir()
    return folder


def train(notebook, model, training, validation, parameters, backup):
    """Compile and train the model as the notebook's main run does."""
    notebook.compile_model(model, parameters, steps_per_epoch=len(training))
    return notebook.train(model, training, validation, parameters["epochs"], backup, [notebook.ProgressLine()])


def test_model_takes_raw_pixels_and_normalises_them(notebook, data, small_model):
    assert small_model.input_shape == (None, 28, 28, 1) and small_model.output_shape == (None, 10)
    normalised = np.asarray(small_model.layers[0](
        data.train_images[:5_000, ..., np.newaxis].astype("float32")))
    assert abs(normalised.mean()) < 0.02 and abs(normalised.std() - 1) < 0.02


def test_identity_kernel_passes_its_input_on(notebook):
    kernel = notebook.IdentityConvolution(seed=5)((3, 3, 4, 6), "float32")
    images = np.random.default_rng(5).normal(size=(2, 8, 8, 4)).astype("float32")
    passed = np.asarray(notebook.keras.ops.conv(images, kernel, padding="same"))
    assert np.allclose(passed[..., :4], images, atol=1e-6)
    assert (np.abs(passed[..., 4:]).mean(axis=(0, 1, 2)) > 0).all()


def test_first_convolution_whitens_the_patches(notebook, data, small_model):
    whitening = notebook.keras.Model(small_model.inputs, small_model.get_layer("whitening").output)
    maps = whitening.predict(data.train_images[:1_000, ..., np.newaxis], verbose=0)
    inside = maps[:, 1:-1, 1:-1].reshape(-1, 18)
    assert np.allclose(inside[:, :9], -inside[:, 9:], atol=1e-5)
    correlation = np.corrcoef(inside[:, :9], rowvar=False)
    assert np.abs(correlation - np.eye(9)).max() < 0.2
    assert (np.abs(inside[:, :9].var(axis=0) - 1) < 0.5).all()


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_precision_is_that_of_the_convolutions_and_never_of_the_weights(notebook, data, precision):
    model = notebook.build_model(SMALL | {"precision": precision}, data.train_images, seed=5)
    convolutions = [layer for layer in model.layers if isinstance(layer, notebook.layers.Conv2D)]
    assert len(convolutions) == 7
    for layer in convolutions:
        assert layer.compute_dtype == precision.removeprefix("mixed_") and layer.kernel.dtype == "float32"
    assert model.outputs[0].dtype == "float32"


def test_learning_rate_peaks_at_its_parameter_and_ends_at_zero(notebook, small_model):
    notebook.compile_model(small_model, SMALL | {"epochs": 10}, steps_per_epoch=100)
    schedule = small_model.optimizer.learning_rate
    schedule = small_model.optimizer._learning_rate if not callable(schedule) else schedule
    rates = np.array([float(schedule(step)) for step in range(1_001)])
    assert rates.argmax() == 100 and rates.max() == pytest.approx(1e-3)
    assert rates[0] == 0 and rates[-1] == pytest.approx(0, abs=1e-9)
    assert isinstance(small_model.optimizer, notebook.keras.optimizers.Adam)


def test_training_learns_and_survives_saving(notebook, data, validation, small_model, tmp_path, backup):
    training = notebook.training_batches(data.train_images[:6_400], data.train_labels[:6_400], SMALL, seed=5)
    history = train(notebook, small_model, training, validation, SMALL, backup)
    assert history["val_accuracy"][-1] > 0.6
    assert int(small_model.optimizer.iterations) == 2 * 100
    assert len(history["seconds"]) == 2 and min(history["seconds"]) > 0

    small_model.save(tmp_path / "model.keras")
    reloaded = notebook.keras.saving.load_model(tmp_path / "model.keras")
    images = data.test_images[:200]
    probabilities = notebook.predict_probabilities(small_model, images)
    assert np.allclose(notebook.predict_probabilities(reloaded, images), probabilities, atol=1e-6)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    mirrored = notebook.predict_probabilities(small_model, images[:, :, ::-1])
    assert np.allclose(mirrored, probabilities, atol=1e-5)


def test_prediction_is_the_mean_over_the_mirror_image_and_diagonal_shifts(notebook, data, small_model):
    images = np.pad(data.test_images[:50, 2:-2, 2:-2], ((0, 0), (2, 2), (2, 2)))  # Rolls lose no pixel.
    views = [np.roll(side, (shift, shift), axis=(1, 2))
             for side in (images, images[:, :, ::-1]) for shift in (-1, 0, 1)]
    logits = [small_model.predict(view[..., np.newaxis].astype("float32"), verbose=0) for view in views]
    expected = np.mean([notebook.keras.ops.softmax(view) for view in logits], axis=0)
    assert np.allclose(notebook.predict_probabilities(small_model, images), expected, atol=1e-5)


def test_loss_that_is_no_number_stops_training_with_advice(notebook, data, validation, small_model, backup):
    small_model.get_layer("logits").set_weights([np.full((32, 10), np.nan), np.zeros(10)])
    training = notebook.training_batches(data.train_images[:640], data.train_labels[:640], SMALL, seed=5)
    with pytest.raises(FloatingPointError, match="(?s)learning_rate.*Lower learning_rate"):
        train(notebook, small_model, training, validation, SMALL, backup)
    assert not backup.exists(), "the next run would resume from NaN weights"


def test_training_that_was_cut_off_goes_on_where_it_stopped(
        notebook, data, validation, small_model, backup, monkeypatch, capsys):
    parameters = SMALL | {"epochs": 4}
    training = notebook.training_batches(data.train_images[:1_280], data.train_labels[:1_280], SMALL, seed=5)

    def stop_in_third_epoch(self, epoch, logs=None):
        self.epoch = epoch
        if epoch == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(notebook.ProgressLine, "on_epoch_begin", stop_in_third_epoch)
        train(notebook, small_model, training, validation, parameters, backup)
    before = notebook.read_history(backup)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Epoch")]
    # What an interruption while the state is being saved would leave.
    (backup / "unfinished.keras").write_bytes(b"PK")

    new_model = notebook.build_model(parameters, data.train_images, seed=6)
    history = train(notebook, new_model, training, validation, parameters, backup)
    shown = capsys.readouterr().out
    assert "Resuming from the backup after epoch 2\n" in shown
    assert re.findall(r"^Epoch +(\d+): ", shown, re.MULTILINE) == ["1", "2", "3", "4"]
    assert len(lines) == 2 and all(line in shown for line in lines), "the epochs before the cut are shown again"
    assert len(history["loss"]) == 4 and history["loss"][:2] == before["loss"]
    assert history["loss"][3] < history["loss"][0]
    assert int(new_model.optimizer.iterations) == 4 * 20
    assert float(new_model.optimizer.learning_rate) == pytest.approx(0, abs=1e-9)
    # Trained to its end, it is not trained again while another network may still have to resume.
    finished = notebook.build_model(parameters, data.train_images, seed=6)
    assert train(notebook, finished, training, validation, parameters, backup) == history
    assert all(map(np.array_equal, finished.get_weights(), new_model.get_weights()))


def test_backup_is_found_again_only_by_the_same_long_run(notebook, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = notebook.backup_folder("full", SMALL, seed=5)
    assert folder == notebook.backup_folder("full", dict(reversed(SMALL.items())), seed=5)
    assert folder != notebook.backup_folder("full", SMALL, seed=6)
    assert folder != notebook.backup_folder("full", SMALL | {"epochs": 3}, seed=5)
    assert folder == notebook.backup_folder("full", SMALL | {"trial_images": 600, "accuracy_floor": 0.5}, seed=5)
    assert notebook.backup_folder("quick", SMALL, seed=5) is None


def test_full_disk_ends_neither_training_nor_the_last_backup(
        notebook, data, validation, small_model, backup, monkeypatch, capsys):
    training = notebook.training_batches(data.train_images[:640], data.train_labels[:640], SMALL, seed=5)
    kept = []
    save = notebook.keras.Model.save

    def disk_is_full_after_the_first_epoch(model, path, **options):
        if (backup / "state.keras").exists():
            kept.append((backup / "state.keras").read_bytes())
            raise OSError(errno.ENOSPC, "No space left on device")
        save(model, path, **options)

    monkeypatch.setattr(notebook.keras.Model, "save", disk_is_full_after_the_first_epoch)
    history = train(notebook, small_model, training, validation, SMALL | {"epochs": 3}, backup)
    assert len(history["loss"]) == 3
    assert capsys.readouterr().out.count("epoch not backed up, training goes on: No space left on device") == 2
    assert kept == [(backup / "state.keras").read_bytes()] * 2
    assert len(notebook.read_history(backup)["loss"]) == 1, "the history must not run ahead of the state"


def test_model_of_the_last_run_is_kept_until_a_new_one_is_complete(
        notebook, small_model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = notebook.save_model(small_model)
    saved, save = path.read_bytes(), notebook.keras.Model.save

    def disk_is_full(model, path, **options):
        if not path.is_absolute():
            path.write_bytes(b"PK")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(model, path, **options)

    monkeypatch.setattr(notebook.keras.Model, "save", disk_is_full)
    elsewhere = notebook.save_model(small_model)
    assert path.read_bytes() == saved and [file.name for file in tmp_path.iterdir()] == [path.name]
    assert notebook.keras.saving.load_model(elsewhere).count_params() == small_model.count_params()
    assert "No space left on device" in capsys.readouterr().out
