"""SixConv2dNet: its network against PyTorch's answers, its metric and its recipe."""

import json

import numpy as np
import pytest

from tools.six_conv2d_reference import IMAGES, LOGITS_PATH, draw_weights


@pytest.fixture(scope="module")
def six_conv_net(notebook):
    return notebook.build_six_conv_net()


@pytest.fixture
def linear_model(notebook):
    """A small network that takes the large one's place where only its recipe is at stake."""
    notebook.keras.utils.set_random_seed(5)
    return notebook.keras.Sequential(
        [
            notebook.keras.Input((28, 28, 1)),
            notebook.layers.Rescaling(1 / 255),
            notebook.layers.Flatten(),
            notebook.layers.Dense(10),
        ]
    )


def keras_layout(array, flattened_shape=None):
    """Turn PyTorch's (out, in, ...) into Keras's (..., in, out); flattened maps are rows first there."""
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
    true, predicted = np.eye(10)[[0, 0, 1, 2]], np.eye(10)[[0, 1, 0, 2]]
    # Class 0 is given once to one of 2 images of others, class 1 to one of 3, the other classes to none.
    assert float(notebook.false_positive_rate(true, predicted)) == pytest.approx(
        (1 / 2 + 1 / 3) / 10
    )
    assert float(notebook.false_positive_rate(true, true)) == 0


def test_false_positive_rate_agrees_with_a_confusion_matrix_and_is_a_ninth_of_the_error_rate(
    notebook,
):
    generator = np.random.default_rng(5)
    labels, logits = generator.permutation(np.repeat(np.arange(10), 50)), generator.normal(
        size=(500, 10)
    )
    confusion = notebook.tf.math.confusion_matrix(labels, logits.argmax(axis=1), 10).numpy()
    false_positives = confusion.sum(axis=0) - confusion.diagonal()
    rate = float(notebook.false_positive_rate(np.eye(10)[labels], logits))
    assert rate == pytest.approx(
        (false_positives / (confusion.sum() - confusion.sum(axis=1))).mean()
    )
    assert rate == pytest.approx((1 - confusion.trace() / 500) / 9)


def test_recipe_is_that_of_the_reference_work(notebook, linear_model):
    notebook.compile_six_conv_net(linear_model, steps_per_epoch=10)
    optimizer = linear_model.optimizer
    assert optimizer.amsgrad and not optimizer.weight_decay and optimizer.epsilon == 1e-8
    rates = [float(optimizer._learning_rate(step)) for step in (0, 499, 500, 1_000)]
    assert rates == pytest.approx([1e-4, 1e-4, 1e-5, 1e-6])
    [stopping, *_] = notebook.six_conv_callbacks(None)
    assert (stopping.patience, stopping.monitor) == (10, "val_accuracy")
    dropouts = [
        layer.rate
        for layer in notebook.build_six_conv_net().layers
        if isinstance(layer, notebook.layers.Dropout)
    ]
    assert dropouts == [0.5] * 4


@pytest.mark.parametrize("with_state", [True, False])
def test_training_ends_early_with_the_weights_of_its_best_epoch(
    notebook, data, val_data, linear_model, tmp_path, monkeypatch, with_state
):
    monkeypatch.chdir(tmp_path)  # TensorBoard, where it is installed, logs into the working folder.
    images, labels = data.train_images[:1_280], data.train_labels[:1_280]
    hyperparameters = {"batch_size": 64, "augment": False, "shift_pixels": 0, "erased_pixels": 0}
    # The network has learnt the right labels; the wrong ones that it then gets make every epoch worse than the first.
    linear_model.compile(
        notebook.keras.optimizers.Adam(0.01),
        notebook.keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    linear_model.fit(
        notebook.training_batches(images, labels, hyperparameters, seed=5), epochs=10, verbose=0
    )
    wrong = notebook.training_batches(images, (labels + 1) % 10, hyperparameters, seed=5)
    folder = tmp_path if with_state else None
    callbacks = notebook.six_conv_callbacks(folder)
    callbacks[0].patience = 2
    linear_model.optimizer.learning_rate = (
        1e-3  # A tenth, so that the new labels are learnt slowly.
    )
    history = notebook.train(linear_model, wrong, val_data, 8, folder, callbacks)
    assert np.argmax(history["val_accuracy"]) == 0 and len(history["loss"]) == 3
    assert history["val_accuracy"][0] > history["val_accuracy"][2] + 0.01
    measured = linear_model.evaluate(*val_data, verbose=0, return_dict=True)
    assert measured["accuracy"] == pytest.approx(history["val_accuracy"][0])


def test_resumed_training_keeps_the_best_epoch_of_before(
    notebook, data, val_data, linear_model, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    hyperparameters = {"batch_size": 64, "augment": False, "shift_pixels": 0, "erased_pixels": 0}
    batches = notebook.training_batches(
        data.train_images[:640], data.train_labels[:640], hyperparameters, seed=5
    )
    notebook.compile_six_conv_net(linear_model, steps_per_epoch=10)
    notebook.train(
        linear_model, batches, val_data, 2, tmp_path, notebook.six_conv_callbacks(tmp_path)
    )
    best = tmp_path / "best.weights.h5"
    (tmp_path / "history.csv").write_text(
        (tmp_path / "history.csv").read_text().replace("\n0,0.", "\n0,1.")
    )
    history = notebook.read_history(tmp_path)
    checkpoint = notebook.six_conv_callbacks(tmp_path)[1]
    assert checkpoint.best == max(history["val_accuracy"]) and best.exists()
