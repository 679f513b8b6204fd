"""SixConv2dNet: its network against PyTorch's answers, its measures and its recipe."""

import json

import numpy as np
import pytest

from conftest import cell_of
from tools.six_conv2d_reference import IMAGES, LOGITS_PATH, draw_weights


@pytest.fixture(scope="module")
def six_conv_net(notebook):
    return notebook.build_six_conv_net(steps_per_epoch=10)


def keras_layout(array, flattened_shape=None):
    """Turn PyTorch's (out, in, ...) into Keras's (..., in, out); flattened, rows come first."""
    if flattened_shape:
        return (
            array.reshape(len(array), *flattened_shape)
            .transpose(2, 3, 1, 0)
            .reshape(-1, len(array))
        )
    return np.moveaxis(array, (0, 1), (-1, -2)) if array.ndim > 1 else array


def test_kernels_are_drawn_independently_within_pytorchs_range(six_conv_net):
    kernels = [layer.kernel.numpy() for layer in six_conv_net.layers if hasattr(layer, "kernel")]
    for kernel in kernels:
        assert np.abs(kernel).max() == pytest.approx(np.prod(kernel.shape[:-1]) ** -0.5, rel=0.05)
    starts = np.array([kernel.ravel()[:64] for kernel in kernels])
    assert np.abs(np.corrcoef(starts) - np.eye(8)).max() < 0.6


def test_six_conv_net_answers_as_in_pytorch(data, six_conv_net):
    arrays = iter(draw_weights())
    for layer in six_conv_net.layers:
        if layer.weights:
            first, *others = [next(arrays) for _ in layer.weights]
            shape = (256, 5, 5) if getattr(layer, "units", None) == 512 else None
            layer.set_weights([keras_layout(first, shape), *others])
    assert next(arrays, None) is None
    expected = json.loads(LOGITS_PATH.read_text(encoding="utf-8"))
    logits = six_conv_net.predict(data.test_images[:IMAGES], verbose=0)
    assert np.abs(logits - expected["logits"]).max() < 1e-4
    assert (
        np.std(expected["logits"], axis=0).min() > 0.01
    ), "the answers have to depend on the image"
    trainable = sum(np.prod(weight.shape) for weight in six_conv_net.trainable_weights)
    assert trainable == expected["trainable parameters"] == 4_427_082


def test_multiply_adds_of_the_six_convolutions(notebook, six_conv_net):
    by_hand = (
        30 * 30 * (1 * 64 + 9 * 64 * 64)
        + 15 * 15 * 9 * (64 * 128 + 128 * 128)
        + 8 * 8 * 9 * (128 * 256 + 256 * 256)
        + 256 * 5 * 5 * 512
        + 512 * 10
    )
    assert notebook.multiply_adds(six_conv_net) == by_hand


def test_padded_pooling_is_the_maximum_of_shifted_windows_even_of_negative_maps(notebook):
    maps = -1 - np.arange(2 * 5 * 5 * 3, dtype="float32").reshape(2, 5, 5, 3)
    pooled = np.asarray(notebook.PaddedMaxPooling2D(2)(maps))
    windows = [slice(0, 1), slice(1, 3), slice(3, 5)]
    expected = [[maps[:, row, column].max(axis=(1, 2)) for column in windows] for row in windows]
    assert pooled.shape == notebook.PaddedMaxPooling2D(2).compute_output_shape(maps.shape)
    assert np.array_equal(pooled, np.moveaxis(expected, 2, 0))


def test_false_positive_rate_of_a_hand_worked_case(notebook):
    true, predicted = np.array([0, 0, 1, 2]), np.array([0, 1, 0, 2])
    # Class 0 is given once to one of 2 images of others, class 1 to one of 3, the others to none.
    assert notebook.false_positive_rate(true, predicted) == pytest.approx((1 / 2 + 1 / 3) / 10)
    assert notebook.false_positive_rate(true, true) == 0


def test_false_positive_rate_is_a_ninth_of_the_error_rate_where_classes_are_of_one_size(notebook):
    generator = np.random.default_rng(5)
    labels, predictions = np.repeat(np.arange(10), 50), generator.integers(10, size=500)
    rate = notebook.false_positive_rate(labels, predictions)
    assert rate == pytest.approx(np.mean(labels != predictions) / 9)


@pytest.fixture
def call_of_train(notebook, saved_notebook, six_conv_net, data, tmp_path, monkeypatch):
    """The arguments with which the cell that trains SixConv2dNet calls `train`."""
    monkeypatch.chdir(tmp_path)
    calls = []

    def train(*arguments):
        calls.append(arguments)
        return None, {}

    hyperparameters, run = notebook.choose("quick", {"six_conv_images": 512, "six_conv_epochs": 8})
    values = {
        "budget": "quick",
        "seed": 5,
        "hyperparameters": hyperparameters,
        "run": run,
        "training_data": (data.train_images[:1_000], data.train_labels[:1_000]),
        "val_images": data.train_images[-1_000:],
        "val_data": (None, np.eye(10)[data.train_labels[-1_000:]]),
        "train": train,
        "build_six_conv_net": lambda steps_per_epoch: six_conv_net,
        "state_path": lambda *settings: tmp_path / "six-conv.keras",
    }
    exec(cell_of(saved_notebook, "six-conv-fit").source, vars(notebook) | values)
    [arguments] = calls
    return arguments


def test_recipe_is_that_of_the_reference_work(notebook, six_conv_net, call_of_train):
    optimizer = six_conv_net.optimizer
    assert optimizer.amsgrad and not optimizer.weight_decay and optimizer.epsilon == 1e-8
    rates = [float(optimizer._learning_rate(step)) for step in (0, 499, 500, 1_000)]
    assert rates == pytest.approx([1e-4, 1e-4, 1e-5, 1e-6])
    layers = six_conv_net.layers
    dropouts = [layer.rate for layer in layers if isinstance(layer, notebook.layers.Dropout)]
    assert dropouts == [0.5] * 4
    _, batches, val_data, epochs, _, [stopping, *others] = call_of_train
    assert (stopping.patience, stopping.monitor) == (10, "val_accuracy") and epochs == 8
    assert [len(part) for part in val_data] == [512, 512] and len(batches) == 2
    # No augmentation: every batch image is one of the data set.
    images, labels = next(iter(batches))
    assert images.shape == (256, 28, 28, 1) and labels.shape == (256, 10)
    assert {type(other).__name__ for other in others} <= {"TensorBoard"}


def test_early_stopping_keeps_its_best_epoch_in_the_finished_state(
    notebook, data, val_data, call_of_train, tmp_path, capsys
):
    keras, layers = notebook.keras, notebook.layers
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [keras.Input((28, 28, 1)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(10)]
    )
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    images, labels = data.train_images[:1_280], data.train_labels[:1_280]
    settings = {"batch_size": 64, "augment": False}
    batches = notebook.training_batches(images, labels, settings, seed=5)
    model.fit(batches, epochs=10, shuffle=False, verbose=0)
    # It has learnt the right labels; the wrong ones that it then gets make every epoch worse.
    wrong = notebook.training_batches(images, (labels + 1) % 10, settings, seed=5)
    model.optimizer.learning_rate = 1e-3  # A tenth, so that the new labels are learnt slowly.
    path, callbacks = call_of_train[-2:]
    callbacks[0].patience = 2
    model, history = notebook.train(model, wrong, val_data, 8, path, callbacks[:1])
    assert np.argmax(history["val_accuracy"]) == 0 and len(history["loss"]) == 3
    assert history["val_accuracy"][0] > history["val_accuracy"][2] + 0.01
    # What the file holds is the best epoch too, and it is not trained any further.
    loaded, same_history = notebook.train(None, wrong, val_data, 8, path, callbacks[:1])
    assert same_history == history
    for network in (model, loaded):
        measured = network.evaluate(*val_data, verbose=0, return_dict=True)
        assert measured["accuracy"] == pytest.approx(history["val_accuracy"][0])


def test_state_of_six_conv_net_is_read_back(notebook, six_conv_net, data, tmp_path):
    """Its pooling layer is a class of the notebook's own, which Keras has to find again."""
    path = tmp_path / "six-conv.keras"
    notebook.save_state(path, six_conv_net, [{"loss": 0.5}], is_finished=True)
    loaded, epochs, is_finished = notebook.load_state(path)
    assert epochs == [{"loss": 0.5}] and is_finished
    images = data.test_images[:IMAGES]
    answers = [network.predict(images, verbose=0) for network in (loaded, six_conv_net)]
    assert np.allclose(*answers, atol=1e-6)
