"""The network and its recipe, on the real data."""

import json
import pathlib
import types
import zipfile

import numpy as np
import pytest

from conftest import cell_of


@pytest.fixture
def model(notebook, data, small):
    return notebook.build_model(small, data.train_images, seed=5)


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
    "cpu_info, gpu_details, precision",
    [
        ("vendor_id : AuthenticAMD\nflags : avx512_bf16", {}, "mixed_bfloat16"),
        ("vendor_id : GenuineIntel\nflags : avx512_bf16", {}, "float32"),
        ("vendor_id : GenuineIntel\nflags : avx512_bf16 amx_bf16", {}, "mixed_bfloat16"),
        ("vendor_id : AuthenticAMD\nflags : avx2", {}, "float32"),
        (None, {}, "float32"),
        ("flags : amx_bf16", {"device_name": "T4", "compute_capability": (7, 5)}, "float32"),
        (None, {"device_name": "A100", "compute_capability": (8, 0)}, "mixed_bfloat16"),
        ("flags : amx_bf16", {"device_name": "of another maker"}, "float32"),
    ],
)
def test_fastest_precision_of_known_hardware(
    notebook, monkeypatch, tmp_path, cpu_info, gpu_details, precision
):
    if cpu_info:
        (tmp_path / "cpuinfo").write_text(cpu_info)
    path = types.SimpleNamespace(Path=lambda name: tmp_path / pathlib.Path(name).name)
    monkeypatch.setattr(notebook, "pathlib", path)
    assert notebook.fastest_precision(gpu_details) == precision


@pytest.mark.parametrize("convolutions", [1, 2, 3])
def test_block_pools_once_and_normalises_after_every_convolution(notebook, convolutions):
    layers = notebook.layers
    first = [layers.Conv2D, layers.MaxPooling2D, layers.BatchNormalization, layers.ReLU]
    others = [layers.Conv2D, layers.BatchNormalization, layers.ReLU] * (convolutions - 1)
    stack = notebook.block(8, convolutions)
    assert [type(layer) for layer in stack] == first + others
    maps = np.zeros((1, 7, 7, 4), "float32")
    for layer in stack:
        maps = layer(maps)
    assert maps.shape == (1, 3, 3, 8)


def test_learning_rate_warms_up_to_its_peak_and_falls_to_zero(notebook, small, model):
    notebook.compile_model(model, small, steps=100)
    schedule = model.optimizer._learning_rate
    assert [float(schedule(step)) for step in (0, 5, 10, 55, 100)] == pytest.approx(
        [0, 5e-4, 1e-3, 5e-4, 0], abs=1e-6
    )


def test_trial_of_eighty_steps_learns(notebook, data, small, val_data):
    training_data = data.train_images[:1_280], data.train_labels[:1_280]
    assert notebook.run_trial(small, *training_data, val_data, seed=5, steps=80) > 0.4


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


@pytest.mark.parametrize("is_writable", [True, False])
def test_saved_model_needs_nothing_of_this_notebook(
    notebook, saved_notebook, data, model, tmp_path, monkeypatch, is_writable
):
    """The cell that saves the model is run as it is; Keras alone has to know all classes in it."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(notebook.tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(notebook.os, "access", lambda path, mode: is_writable)
    names = vars(notebook) | {"model": model, "test_images": data.test_images}
    exec(cell_of(saved_notebook, "own-picture").source, names)
    names_here = {file.name for file in tmp_path.iterdir()} - {"temporary"}
    assert names_here == ({"fashion_mnist_cnn.keras"} if is_writable else set())
    with zipfile.ZipFile(names["model_file"]) as file:
        layers = json.loads(file.read("config.json"))["config"]["layers"]
    assert len(layers) == len(model.layers) + 1
    assert {layer["registered_name"] for layer in layers} == {None}
    loaded = notebook.keras.saving.load_model(names["model_file"])
    images = data.test_images[:20]
    assert np.allclose(loaded.predict(images, verbose=0), model.predict(images, verbose=0))
