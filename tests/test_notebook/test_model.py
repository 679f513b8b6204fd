"""The network and its training, on the real data."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest


@pytest.fixture
def model(notebook, data, small):
    return notebook.build_model(small, data.train_images, seed=5)


@pytest.fixture
def batches(notebook, data, small):
    return notebook.training_batches(
        data.train_images[:1_280], data.train_labels[:1_280], small, seed=5
    )


def train(notebook, model, batches, val_data, hyperparameters, folder=None):
    """Compile and train the model as the notebook's main run does."""
    notebook.compile_model(model, hyperparameters, hyperparameters["epochs"] * len(batches))
    return notebook.train(model, batches, val_data, hyperparameters["epochs"], folder)


def test_model_takes_raw_pixels_and_normalises_them(data, model):
    assert model.input_shape == (None, 28, 28, 1) and model.output_shape == (None, 10)
    normalised = np.asarray(
        model.layers[0](data.train_images[:5_000, ..., np.newaxis].astype("float32"))
    )
    assert abs(normalised.mean()) < 0.02 and abs(normalised.std() - 1) < 0.02


@pytest.mark.parametrize("channels, filters", [(4, 6), (6, 4)])
def test_identity_kernel_passes_its_first_channels_on(notebook, channels, filters):
    kernel = notebook.identity_kernel((3, 3, channels, filters), np.random.default_rng(5))
    images = np.random.default_rng(5).normal(size=(2, 8, 8, channels)).astype("float32")
    passed = np.asarray(notebook.keras.ops.conv(images, kernel.astype("float32"), padding="same"))
    kept = min(channels, filters)
    assert np.allclose(passed[..., :kept], images[..., :kept], atol=1e-6)
    assert (np.abs(passed[..., kept:]).mean(axis=(0, 1, 2)) > 0).all()


def test_kernel_scale_is_the_size_of_the_trained_kernels_and_hardly_changes_the_output(
    notebook, data, small, model
):
    larger = notebook.build_model(small | {"kernel_scale": 1.0}, data.train_images, seed=5)
    kernels = [
        [
            layer.kernel.numpy()
            for layer in network.layers
            if isinstance(layer, notebook.layers.Conv2D)
        ]
        for network in (model, larger)
    ]
    for number, (kernel, large_kernel) in enumerate(zip(*kernels)):
        assert np.allclose(
            kernel, large_kernel * (small["kernel_scale"] if number else 1), atol=1e-6
        )
    images = data.train_images[:256, ..., np.newaxis].astype("float32")
    outputs = [np.asarray(network(images, training=True)) for network in (model, larger)]
    assert np.corrcoef(outputs[0].ravel(), outputs[1].ravel())[0, 1] > 0.99


def test_first_convolution_whitens_the_patches(notebook, data, model):
    whitening = notebook.keras.Model(model.inputs, model.get_layer("whitening").output)
    maps = whitening.predict(data.train_images[:1_000], verbose=0)
    inside = maps[:, 1:-1, 1:-1].reshape(-1, 18)
    assert np.allclose(inside[:, :9], -inside[:, 9:], atol=1e-5)
    assert np.abs(np.corrcoef(inside[:, :9], rowvar=False) - np.eye(9)).max() < 0.2
    assert (np.abs(inside[:, :9].var(axis=0) - 1) < 0.5).all()


def test_precision_is_that_of_the_convolutions_and_never_of_the_weights_or_logits(
    notebook, data, small
):
    notebook.keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = notebook.build_model(small, data.train_images, seed=5)
    finally:
        notebook.keras.config.set_dtype_policy("float32")
    convolutions = [layer for layer in model.layers if isinstance(layer, notebook.layers.Conv2D)]
    assert len(convolutions) == 7 and {layer.compute_dtype for layer in convolutions} == {
        "bfloat16"
    }
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert model.get_layer("logits").compute_dtype == "float32"


@pytest.mark.parametrize(
    "cpu_info, precision",
    [
        ("vendor_id : AuthenticAMD\nflags : avx512_bf16", "mixed_bfloat16"),
        ("vendor_id : GenuineIntel\nflags : avx512_bf16", "float32"),
        ("vendor_id : GenuineIntel\nflags : avx512_bf16 amx_bf16", "mixed_bfloat16"),
        ("vendor_id : AuthenticAMD\nflags : avx2", "float32"),
        (None, "float32"),
    ],
)
def test_fastest_precision_of_known_processors(
    notebook, monkeypatch, tmp_path, cpu_info, precision
):
    path = tmp_path / "cpuinfo"
    if cpu_info:
        path.write_text(cpu_info)
    monkeypatch.setattr(notebook.pathlib, "Path", lambda name: path)
    monkeypatch.setattr(notebook.os.path, "exists", lambda name: cpu_info is not None)
    assert notebook.fastest_precision([]) == precision


def test_learning_rate_warms_up_to_its_peak_and_falls_to_zero(notebook, small, model):
    notebook.compile_model(model, small, steps=100)
    schedule = model.optimizer._learning_rate
    assert [float(schedule(step)) for step in (0, 5, 10, 55, 100)] == pytest.approx(
        [0, 5e-4, 1e-3, 5e-4, 0], abs=1e-6
    )


def test_training_learns_and_reports_every_epoch(notebook, small, model, batches, val_data, capsys):
    history = train(notebook, model, batches, val_data, small | {"epochs": 4})
    assert history.keys() == {"accuracy", "loss", "val_accuracy", "val_loss", "seconds"}
    assert all(len(values) == 4 for values in history.values())
    assert history["loss"][-1] < history["loss"][0] and history["val_accuracy"][-1] > 0.4
    assert re.findall(r"^Epoch +(\d+): loss", capsys.readouterr().out, re.MULTILINE) == [
        "1",
        "2",
        "3",
        "4",
    ]


def test_loss_that_is_no_number_stops_training_with_advice_and_is_not_kept(
    notebook, small, model, batches, val_data, tmp_path
):
    model.get_layer("logits").set_weights([np.full((16, 10), np.nan), np.zeros(10)])
    with pytest.raises(FloatingPointError, match="(?s)减小 learning_rate.*lower learning_rate"):
        train(notebook, model, batches, val_data, small, tmp_path)
    assert not (tmp_path / "state").exists(), "the next run would go on from NaN weights"


def test_interrupted_training_goes_on_where_it_stopped_with_its_whole_history(
    notebook, data, small, model, batches, val_data, tmp_path, monkeypatch
):
    hyperparameters = small | {"epochs": 4}
    on_epoch_begin = notebook.Progress.on_epoch_begin

    def stop_in_third_epoch(self, epoch, logs=None):
        on_epoch_begin(self, epoch, logs)
        if epoch == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(notebook.Progress, "on_epoch_begin", stop_in_third_epoch)
        train(notebook, model, batches, val_data, hyperparameters, tmp_path)
    before = notebook.read_history(tmp_path)

    new_model = notebook.build_model(hyperparameters, data.train_images, seed=6)
    history = train(notebook, new_model, batches, val_data, hyperparameters, tmp_path)
    assert history["epoch"] == [0, 1, 2, 3] and history["loss"][:2] == before["loss"]
    assert int(new_model.optimizer.iterations) == 4 * len(batches)
    # What was trained to its end is not trained again while another network may still have to go on.
    finished = notebook.build_model(hyperparameters, data.train_images, seed=7)
    assert train(notebook, finished, batches, val_data, hyperparameters, tmp_path) == history
    assert all(map(np.array_equal, finished.get_weights(), new_model.get_weights()))


def test_state_cut_short_falls_back_on_the_epoch_before(
    notebook, data, small, model, batches, val_data, tmp_path
):
    train(notebook, model, batches, val_data, small, tmp_path)
    [weights] = tmp_path.glob("state/*.h5")
    weights.write_bytes(weights.read_bytes()[:10_000])
    again = notebook.build_model(small, data.train_images, seed=6)
    history = train(notebook, again, batches, val_data, small, tmp_path)
    assert history["epoch"] == [0, 1] and int(again.optimizer.iterations) == 2 * len(batches)


def test_state_that_cannot_be_read_is_an_error_that_names_the_folder_to_delete(
    notebook, small, model, batches, val_data, tmp_path
):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "latest.weights.h5").write_bytes(
        b"the disk was full when the first epoch ended"
    )
    with pytest.raises(OSError) as raised:
        train(notebook, model, batches, val_data, small, tmp_path)
    assert re.search(f"(?s)先删掉 {tmp_path}.*delete {tmp_path}", raised.value.__notes__[0])


def test_disk_error_of_a_run_that_keeps_no_state_names_no_folder(
    notebook, small, model, batches, val_data, monkeypatch
):
    def fail(self, *args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(notebook.Progress, "on_train_begin", fail)
    with pytest.raises(OSError) as raised:
        train(notebook, model, batches, val_data, small)
    assert not hasattr(raised.value, "__notes__")


def test_state_is_found_again_only_by_the_same_long_run(notebook, small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = notebook.state_folder("cnn", "full", small, 5)
    assert folder == notebook.state_folder("cnn", "full", dict(small), 5)
    assert (
        len(
            {
                folder,
                notebook.state_folder("cnn", "full", small, 6),
                notebook.state_folder("six", "full", small, 5),
                notebook.state_folder("cnn", "full", small | {"epochs": 3}, 5),
            }
        )
        == 4
    )
    assert (
        notebook.state_folder("cnn", "quick", small, 5)
        is notebook.state_folder("cnn", "brief", small, 5)
        is None
    )
    monkeypatch.setattr(notebook.os, "access", lambda path, mode: False)
    assert notebook.state_folder("cnn", "full", small, 5) is None


def test_prediction_is_the_mean_over_the_mirror_image_and_diagonal_shifts(notebook, data, model):
    images = np.pad(
        data.test_images[:50, 2:-2, 2:-2], ((0, 0), (2, 2), (2, 2))
    )  # Rolls lose no pixel.
    views = [
        np.roll(side, (shift, shift), axis=(1, 2))
        for side in (images, images[:, :, ::-1])
        for shift in (-1, 0, 1)
    ]
    expected = np.mean(
        [notebook.tf.nn.softmax(model.predict(view, verbose=0)) for view in views], axis=0
    )
    probabilities = notebook.predict_probabilities(model, images)
    assert np.allclose(probabilities, expected, atol=1e-5) and np.allclose(
        probabilities.sum(axis=1), 1, atol=1e-5
    )


def test_saved_file_loads_where_this_notebook_is_not(
    notebook, data, small, model, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    images = data.test_images[:20]
    np.save("images.npy", images)
    path = notebook.save_model(model)
    code = (
        "import json, sys, keras, numpy; model = keras.saving.load_model(sys.argv[1]); "
        "print(json.dumps(model.predict(numpy.load('images.npy'), verbose=0).tolist()))"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", code, path],
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert np.allclose(json.loads(outcome.stdout), model.predict(images, verbose=0), atol=1e-4)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "fashion_mnist_cnn.keras",
        "images.npy",
    ]


def test_model_of_the_last_run_is_kept_until_a_new_one_is_complete(
    notebook, model, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    saved, save = notebook.save_model(model).read_bytes(), notebook.keras.Model.save

    def disk_is_full(self, path, **options):
        if not path.is_absolute():
            path.write_bytes(b"PK")
            raise OSError(28, "No space left on device")
        save(self, path, **options)

    monkeypatch.setattr(notebook.keras.Model, "save", disk_is_full)
    elsewhere = notebook.save_model(model)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [saved]
    assert notebook.keras.saving.load_model(elsewhere).count_params() == model.count_params()
    assert "No space left on device" in capsys.readouterr().out


def test_model_is_saved_elsewhere_where_the_folder_is_read_only(
    notebook, model, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    save = notebook.keras.Model.save

    def refuse(self, path=None, **options):
        if path and path.is_absolute():
            return save(self, path, **options)
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(notebook.keras.Model, "save", refuse)
    # A file system that is mounted read-only refuses to remove even a file that is not there.
    monkeypatch.setattr(notebook.pathlib.Path, "unlink", refuse)
    assert (
        notebook.keras.saving.load_model(notebook.save_model(model)).count_params()
        == model.count_params()
    )
    assert "Read-only file system" in capsys.readouterr().out


# A process of its own, since the devices are fixed when TensorFlow starts.
TWENTY_STEPS = """
import json, sys
sys.path.insert(0, sys.argv[1])
import tensorflow as tf
[cpu] = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import notebook_definitions as notebook

# Large kernels turn slowly, so that rounding is not blown up within twenty steps.
hyperparameters = notebook.quick | {"filters": (4, 8, 16), "kernel_scale": 1.0}
devices = ["CPU:0", "CPU:1"][:int(sys.argv[2])]
strategy = tf.distribute.MirroredStrategy(devices) if len(devices) > 1 else tf.distribute.get_strategy()
(images, labels), _ = tf.keras.datasets.fashion_mnist.load_data()
batches = list(notebook.training_batches(images[:2_560], labels[:2_560], hyperparameters, seed=5))
# The same batches in the same order, since a pipeline that is shared among devices shuffles anew.
arrays = tuple(tf.concat(parts, axis=0) for parts in zip(*batches))
with strategy.scope():
    model = notebook.build_model(hyperparameters, images, seed=5)
    notebook.compile_model(model, hyperparameters, 20)
    history = model.fit(tf.data.Dataset.from_tensor_slices(arrays).batch(128), shuffle=False, verbose=0).history
print(json.dumps([type(strategy).__name__, int(notebook.keras.ops.convert_to_numpy(model.optimizer.iterations)),
                  history["loss"][-1]]))
"""


def test_loss_after_twenty_steps_on_two_devices_is_that_on_one(notebook, data):
    outcomes = []
    for devices in ("1", "2"):
        command = [sys.executable, "-c", TWENTY_STEPS, os.path.dirname(notebook.__file__), devices]
        outcome = subprocess.run(
            command, env=os.environ, capture_output=True, text=True, check=True
        )
        outcomes.append(json.loads(outcome.stdout.splitlines()[-1]))
    (_, steps, loss), (strategy, steps_of_two, loss_of_two) = outcomes
    assert strategy == "MirroredStrategy" and steps == steps_of_two == 20
    assert loss_of_two == pytest.approx(loss, abs=1e-4)
