"""Pictures that a user brings along: files and arrays, right and wrong."""

import matplotlib.image
import numpy as np
import pytest


@pytest.fixture
def image(data):
    return data.test_images[0]  # an ankle boot


@pytest.mark.parametrize(
    "variant",
    [
        lambda image: image,
        lambda image: 255 - image,  # dark on light
        lambda image: image / 255.0,
        lambda image: image[..., np.newaxis],
        lambda image: np.dstack([image] * 3),
        lambda image: np.dstack([image] * 3 + [np.full_like(image, 255)]),  # with an alpha channel
    ],
    ids=["as it is", "inverted", "0 to 1", "one channel", "colour", "alpha"],
)
def test_array_is_read_as_the_data_set_shows_it(notebook, image, variant):
    assert np.allclose(notebook.read_picture(variant(image)), image, atol=0.01)


@pytest.mark.parametrize("factor", [2, 10])
def test_larger_picture_is_scaled_down(notebook, image, factor):
    picture = notebook.read_picture(np.kron(image, np.ones((factor, factor), "uint8")))
    assert picture.shape == (28, 28)
    assert np.abs(picture - image).mean() < 12


def test_picture_that_is_not_square_keeps_its_proportions(notebook, image):
    picture = notebook.read_picture(np.pad(image, ((0, 0), (28, 28))))
    rows, columns = np.flatnonzero(picture.max(axis=1) > 20), np.flatnonzero(
        picture.max(axis=0) > 20
    )
    assert 3 <= len(columns) <= 12 and 3 <= len(rows) <= 12


@pytest.mark.parametrize("invert", [False, True])
def test_picture_file(notebook, image, tmp_path, invert):
    path = tmp_path / "图片 picture.png"
    matplotlib.image.imsave(path, 255 - image if invert else image, cmap="gray", vmin=0, vmax=255)
    assert np.allclose(notebook.read_picture(path), image, atol=1)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((27, 28)),
        np.zeros(784),
        np.zeros((2, 28, 28, 1)),
        np.zeros((0, 0)),
        np.full((28, 28), np.nan),
        5.0,
    ],
)
def test_what_is_no_picture_is_refused_in_both_languages(notebook, picture):
    with pytest.raises(
        ValueError, match="(?s)picture.shape=.*无效.*is not allowed. Use: 28 x 28 ..."
    ):
        notebook.read_picture(picture)


def test_missing_file_is_named(notebook, tmp_path):
    with pytest.raises(FileNotFoundError, match="shirt.png"):
        notebook.read_picture(tmp_path / "shirt.png")
