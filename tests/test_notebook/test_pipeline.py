"""The split and the augmentation: labels stay true, pixels stay what they were."""

import numpy as np
import pytest


def test_split_is_stratified_disjoint_and_fixed_by_the_seed(notebook, data):
    training, validation = notebook.stratified_split(data.train_labels, 5_000, seed=5)
    assert np.array_equal(np.sort(np.concatenate([training, validation])), np.arange(60_000))
    assert (np.bincount(data.train_labels[validation]) == 500).all()
    assert (np.diff(training) > 0).all() and (np.diff(validation) > 0).all()
    _, again = notebook.stratified_split(data.train_labels, 5_000, seed=5)
    _, other = notebook.stratified_split(data.train_labels, 5_000, seed=6)
    assert np.array_equal(validation, again) and not np.array_equal(validation, other)


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_augmented_image_is_its_original_flipped_or_not_and_shifted(notebook, data, shift):
    originals = data.train_images[:512]
    augment = notebook.augmentation(
        {"augment": True, "shift_pixels": shift, "erased_pixels": 0}, seed=5
    )
    augmented = np.asarray(augment(originals[..., np.newaxis], training=True))[..., 0]
    matches = []
    for sides in (originals, originals[:, :, ::-1]):
        padded = np.pad(sides, ((0, 0), (shift, shift), (shift, shift)))
        matches += [
            (augmented == padded[:, down : down + 28, right : right + 28]).all(axis=(1, 2))
            for down in range(2 * shift + 1)
            for right in range(2 * shift + 1)
        ]
    assert np.any(matches, axis=0).all(), "an image is no shift or flip of its original"
    assert np.any(matches, axis=1).all(), "a shift or the flip never happens"


def test_without_augmentation_images_stay_as_they_are(notebook, data):
    augment = notebook.augmentation(
        {"augment": False, "shift_pixels": 2, "erased_pixels": 7}, seed=5
    )
    images = data.train_images[:64, ..., np.newaxis].astype("float32")
    assert np.array_equal(augment(images, training=True), images)


def test_erased_rectangle_has_its_sides_and_the_background_colour(notebook):
    augment = notebook.augmentation(
        {"augment": True, "shift_pixels": 0, "erased_pixels": 8}, seed=5
    )
    images = np.asarray(augment(np.full((256, 28, 28, 1), 255.0), training=True))[..., 0]
    assert set(np.unique(images)) == {0.0, 255.0}
    heights, widths = (images == 0).any(axis=2).sum(axis=1), (images == 0).any(axis=1).sum(axis=1)
    assert {*heights} == {*widths} == {4, 5, 6, 7, 8}, "from half of the longest side to all of it"
    assert ((images == 0).sum(axis=(1, 2)) == heights * widths).all(), "one whole rectangle"
    assert (heights < widths).any() and (heights > widths).any()
    # Keras's layer never reaches the first row and the first column.
    ever_erased = (images == 0).any(axis=0)
    assert ever_erased.any(axis=1)[1:].all() and ever_erased.any(axis=0)[1:].all()


def test_batches_keep_labels_beside_their_images_and_change_every_epoch(notebook, data):
    # Every image is painted in the colour of its label, which no flip and no small shift changes
    # at the centre.
    labels = data.train_labels[:1_000]
    images = np.broadcast_to(20 * labels[:, np.newaxis, np.newaxis], (1_000, 28, 28)).astype(
        "uint8"
    )
    batches = notebook.training_batches(images, labels, notebook.quick, seed=5)
    epochs = [
        np.concatenate([np.asarray(label).argmax(axis=1) for _, label in batches]) for _ in range(2)
    ]
    assert len(epochs[0]) == 7 * 128 and not np.array_equal(*epochs)
    for image, label in batches:
        assert image.shape == (128, 28, 28, 1) and image.dtype == "float32"
        assert label.shape == (128, 10) and label.dtype == "float32"
        assert np.array_equal(
            np.asarray(image)[:, 14, 14, 0], 20 * np.asarray(label).argmax(axis=1)
        )
