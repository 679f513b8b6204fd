"""SixConv2dNet's reference: weights drawn by NumPy, and the logits that PyTorch computes with them.

    python tests/tools/six_conv2d_reference.py

needs torch (2.13.0 was used), which no test does, and writes six_conv2d_logits.json anew: the
logits of the first four test images, pixels divided by 255, for the network in evaluation mode.
"""

import gzip
import json
import pathlib

import numpy as np

SEED = 20
IMAGES = 4
LOGITS_PATH = pathlib.Path(__file__).with_name("six_conv2d_logits.json")


def draw_weights():
    """Return the network's arrays in PyTorch's order and layout: for each stage two convolutions,
    a batch normalisation (scale, shift, mean, variance), then the two dense layers."""
    generator = np.random.default_rng(SEED)

    def layer(*shape):
        fan_in = np.prod(shape[1:])
        return [generator.normal(0, fan_in**-0.5, shape), generator.normal(0, 0.1, shape[0])]

    def normalisation(channels):
        return [
            generator.uniform(0.5, 1.5, channels),
            generator.normal(0, 0.1, channels),
            generator.normal(0, 0.1, channels),
            generator.uniform(0.1, 0.5, channels),
        ]

    arrays = []
    for channels_in, channels, size in [(1, 64, 1), (64, 128, 3), (128, 256, 3)]:
        arrays += layer(channels, channels_in, size, size) + layer(channels, channels, 3, 3)
        arrays += normalisation(channels)
    arrays += layer(512, 256 * 5 * 5) + layer(10, 512)
    return [array.astype("float32") for array in arrays]


def main():
    import torch
    from torch import nn

    modules = []
    for channels_in, channels, size, padding in [(1, 64, 1, 0), (64, 128, 3, 1), (128, 256, 3, 1)]:
        modules += [
            nn.Conv2d(channels_in, channels, size, padding=1),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.MaxPool2d(2, 2, padding=padding),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Dropout(0.5),
        ]
    modules += [
        nn.Flatten(),
        nn.Linear(256 * 5 * 5, 512),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(512, 10),
    ]
    network = nn.Sequential(*modules).eval()
    names = [name for name in network.state_dict() if "num_batches_tracked" not in name]
    arrays = dict(zip(names, map(torch.from_numpy, draw_weights()), strict=True))
    network.load_state_dict(arrays, strict=False)

    data = pathlib.Path.home() / ".keras/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"
    pixels = np.frombuffer(
        gzip.decompress(data.read_bytes()), "uint8", offset=16, count=IMAGES * 28 * 28
    )
    images = pixels.reshape(IMAGES, 1, 28, 28).astype("float32") / 255
    with torch.no_grad():
        logits = network(torch.from_numpy(images)).numpy()
    LOGITS_PATH.write_text(
        json.dumps(
            {
                "made by": "python tests/tools/six_conv2d_reference.py with "
                f"torch {torch.__version__}, NumPy seed {SEED}",
                "trainable parameters": sum(
                    parameter.numel() for parameter in network.parameters()
                ),
                "logits": [[round(float(logit), 6) for logit in row] for row in logits],
            },
            indent=1,
        )
        + "\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
