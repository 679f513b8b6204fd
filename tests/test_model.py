"""The network and its training, on the real data."""

import numpy as np
import pytest

SMALL = {
    "learning_rate": 1e-3, "batch_size": 64, "epochs": 2, "warmup_fraction": 0.1,
    "label_smoothing": 0.1, "shift_pixels": 1, "erased_pixels": 0,
}


@pytest.fixture
def small_model(notebook):
    notebook.keras.utils.set_random_seed(5)
    return notebook.build_model((8, 16, 32), 72.94, 90.02, seed=5)


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


def test_learning_rate_peaks_at_its_parameter_and_ends_at_nought(notebook, small_model):
    notebook.compile_model(small_model, SMALL | {"epochs": 10}, steps_per_epoch=100)
    schedule = small_model.optimizer.learning_rate
    schedule = small_model.optimizer._learning_rate if not callable(schedule) else schedule
    rates = np.array([float(schedule(step)) for step in range(1_001)])
    assert rates.argmax() == 100 and rates.max() == pytest.approx(1e-3)
    assert rates[0] == 0 and rates[-1] == pytest.approx(0, abs=1e-9)
    assert isinstance(small_model.optimizer, notebook.keras.optimizers.Adam)


def test_training_learns_and_survives_saving(notebook, data, small_model, tmp_path):
    training = notebook.training_batches(data.train_images[:6_400], data.train_labels[:6_400], SMALL, seed=5)
    validation = notebook.evaluation_batches(data.train_images[-500:], data.train_labels[-500:])
    history = notebook.train(small_model, training, validation, SMALL)
    assert history["val_accuracy"][-1] > 0.6
    assert int(small_model.optimizer.iterations) == 2 * 100

    small_model.save(tmp_path / "model.keras")
    reloaded = notebook.keras.saving.load_model(tmp_path / "model.keras")
    images = data.test_images[:200]
    probabilities = notebook.predict_probabilities(small_model, images)
    assert np.allclose(notebook.predict_probabilities(reloaded, images), probabilities, atol=1e-6)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    mirrored = notebook.predict_probabilities(small_model, images[:, :, ::-1])
    assert np.allclose(mirrored, probabilities, atol=1e-5)


def test_loss_that_is_no_number_stops_training_with_advice(notebook, data, small_model):
    small_model.get_layer("logits").set_weights([np.full((32, 10), np.nan), np.zeros(10)])
    training = notebook.training_batches(data.train_images[:640], data.train_labels[:640], SMALL, seed=5)
    validation = notebook.evaluation_batches(data.train_images[-500:], data.train_labels[-500:])
    with pytest.raises(FloatingPointError, match="(?s)learning_rate.*Lower learning_rate"):
        notebook.train(small_model, training, validation, SMALL)
