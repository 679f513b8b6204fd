"""The checker finds learning rate, batch size and data set of the final network's training."""

import nbformat
import pytest

from sample_notebooks import DATA, NAME, found, states, text, write

ADAM, TRAIN = "model.compile(Adam(), metrics=['accuracy'])\n", "model.fit(x, y, batch_size=128)\n"


@pytest.mark.parametrize(
    "source, state",
    [
        ("model.compile('adam')\n" + TRAIN, "holds"),
        (
            (
                "lr, batch_size = 1e-3, 128\nmodel.compile(Adam(lr))\nmodel.fit(x, y,"
                " batch_size=batch_size)"
            ),
            "holds",
        ),
        (
            (
                "p = {'rate': 1e-3, 'size': 128}\nq = {'size':"
                " 32}\nAdam(learning_rate=p['rate'])\ndata.batch(p['size'])"
            ),
            "holds",
        ),
        (
            (
                "def train(size=128, rate: float = 1e-3):\n"
                "    Adam(CosineDecay(0.0, 9, warmup_target=rate))\n    data.batch(size)"
            ),
            "holds",
        ),
        ("Adam()\nmodel.fit(x, y, 128, 10)", "holds"),
        ("Adam()\n%time model.fit(x, y, batch_size=128)", "holds"),
        (ADAM + "model.fit(gen.flow(x, y, batch_size=128), epochs=2)", "holds"),
        (
            (
                "def train(rate, size):\n    model.compile(Adam(rate))\n    model.fit(x, y,"
                " batch_size=size)\ntrain(size=128, rate=1e-3)"
            ),
            "holds",
        ),
        (
            (
                "def train(rate, size):\n    model.compile(Adam(rate))\n    model.fit(x, y,"
                " batch_size=size)\ntrain(1e-3, 128)"
            ),
            "holds",
        ),
        (
            ADAM
            + "c = C(size=128)\nclass C:\n    def __init__(self, size):\n        self.size = size\n"
            "model.fit(x, y, batch_size=c.size)",
            "holds",
        ),
        (
            ADAM + "c = C(128)\nclass C:\n    def __init__(self, size):\n        self.size = size\n"
            "model.fit(x, y, batch_size=c.size)",
            "holds",
        ),
        (
            ADAM
            + "@dataclass\nclass C:\n    size: int = 128\nmodel.fit(x, y, batch_size=C().size)",
            "holds",
        ),
        (ADAM + "options = dict(batch_size=128, epochs=2)\nmodel.fit(x, y, **options)", "holds"),
        (ADAM + "p = {'size': 128}\nmodel.fit(x, y, batch_size=p.get('size'))", "holds"),
        (
            ADAM
            + "p = {'size': 128} | changes\ndef choose():\n    return {n: p[n] for n in p}, 1\n"
            "chosen, _ = choose()\nmodel.fit(x, y, batch_size=chosen['size'])",
            "holds",
        ),
        (
            ADAM + "batch_size = 2 ** 7\ndef train():\n    model.fit(x, y, batch_size=batch_size)",
            "holds",
        ),
        ("rate = 1 / 1000\nmodel.compile(Adam(float(rate)))\n" + TRAIN, "holds"),
        (
            "o = Adam(ExponentialDecay(1e-3, 100, 0.9))\nmodel.compile(optimizer=o)\n" + TRAIN,
            "holds",
        ),
        (
            "trial.compile(Adam(0.1))\ntrial.fit(x, y, batch_size=8)\n"
            + ADAM
            + TRAIN
            + "model.evaluate(x_test, y_test)",
            "holds",
        ),
        (
            ADAM
            + "train = d.batch(128)\nval = e.batch(500)\nmodel.fit(train, validation_data=val)",
            "holds",
        ),
        ("Adam()\nmodel.fit(x, y, 32, 128)", "fails"),
        ("Adam(0.01)\n" + TRAIN, "fails"),
        (ADAM + "model.fit(x, y, epochs=2)", "fails"),  # Keras takes 32.
        ("learning_rate = 1e-3\nSGD(learning_rate)  # instead of adam\n" + TRAIN, "fails"),
        ("Adam(learning_rate=5e-3)\nlr = 0.001\n" + TRAIN, "fails"),
        ("Adamax()\n" + TRAIN, "fails"),
        (ADAM + "model.fit(x, y, batch_size=32)\nmodel.predict(x, batch_size=128)", "fails"),
        (
            ADAM + "trial.fit(x, y, batch_size=128)\nmodel.fit(x, y,"
            " batch_size=512)\nmodel.evaluate(x_test, y_test)",
            "fails",
        ),
        (ADAM + "train = d.batch(32)\ntest = e.batch(128)\nmodel.fit(train, epochs=2)", "fails"),
        (
            "trial.compile(Adam())\nmodel.compile(Adam(0.01))\n"
            + TRAIN
            + "model.evaluate(x_test, y_test)",
            "fails",
        ),
        (ADAM + "trial.fit(x, y, batch_size=128)\nmodel.fit(x, y, batch_size=512)", "look"),
        (ADAM + "model.optimizer.learning_rate = 0.05\n" + TRAIN, "look"),
        (ADAM + "model.optimizer.learning_rate.assign(0.05)\n" + TRAIN, "look"),
        (ADAM + "model.fit(x, y, batch_size=choose())", "look"),
        ("Adam(rates[i])\n" + TRAIN, "look"),
        (ADAM + "for size in [32, 128]:\n    model.fit(x, y, batch_size=size)", "look"),
    ],
)
def test_values_of_the_assignment_are_those_of_the_final_network(tmp_path, source, state):
    assert states(write(tmp_path / NAME, (DATA + source, text("x"))))["assignment"] == state


def test_both_values_are_said_where_a_person_has_to_look(tmp_path):
    source = DATA + ADAM + "a.fit(x, y, batch_size=128)\nb.fit(x, y, batch_size=512)"
    assert "found: 128, 512" in str(found(write(tmp_path / NAME, (source, [])))["assignment"])


@pytest.mark.parametrize(
    "source, state",
    [
        ("batch_size = 128\nlearning_rate = 1e-3", "holds"),
        ("batch_size = 64\nlearning_rate = 1e-3", "look"),
        (
            "p = {'batch_size': 128, 'learning_rate': 1e-3}\nchanges = {'learning_rate': 1e-2}",
            "look",
        ),
        ("p = {'batch_size': 128, 'learning_rate': 1e-3}\nchanges = {'epochs': 3}", "holds"),
    ],
)
def test_a_cell_tagged_parameters_settles_which_values_are_the_run_s(tmp_path, source, state):
    """Trials with other values go through the same function."""
    training = (
        "def train(rate, size):\n    model.compile(Adam(rate))\n    model.fit(x, y,"
        " batch_size=size)\ntrain(1e-2, 32)\ntrain(1e-3, 128)\ntrain(learning_rate, batch_size)"
    )
    path = write(tmp_path / NAME, (source, []), (DATA + training, text("x")))
    notebook = nbformat.read(path, 4)
    notebook.cells[0].metadata.tags = ["parameters"]
    nbformat.write(notebook, path)
    assert states(path)["assignment"] == state


@pytest.mark.parametrize(
    "source, state",
    [
        ("from keras.datasets import fashion_mnist, cifar10\ncifar10.load_data()", "fails"),
        ("from keras.datasets import fashion_mnist as data\n(a, b), c = data.load_data()", "holds"),
        ("data = keras.datasets.fashion_mnist\ndata.load_data()", "holds"),
        ("# fashion_mnist", "fails"),
        ("from tensorflow.keras.datasets.fashion_mnist import load_data\nload_data()", "holds"),
        ("keras.datasets.mnist.load_data()\nkeras.datasets.fashion_mnist.load_data()", "look"),
    ],
)
def test_the_data_set_is_the_one_that_is_loaded(tmp_path, source, state):
    assert (
        states(write(tmp_path / NAME, (source + "\n" + ADAM + TRAIN, text("x"))))["assignment"]
        == state
    )


TORCH = "network = Net()\nloader = DataLoader(train_set, {})\noptimizer = optim.Adam({})\n"


@pytest.mark.parametrize(
    "source, rates, sizes",
    [
        (
            TORCH.format("batch_size=64, shuffle=True", "network.parameters(), lr=1e-2"),
            "0.01",
            "64",
        ),
        (TORCH.format("64", "network.parameters(), 0.01"), "0.01", "64"),
        (TORCH.format("64", "network.parameters()"), None, "64"),
        (
            (
                "params, lr, size = list(net.parameters()), 0.05, 256\nopt ="
                " torch.optim.Adam(params, lr)\ntrain_iter = data.DataLoader(train,"
                " size)\ntest_iter = data.DataLoader(test, 1000)\nopt = torch.compile(net)"
            ),
            "0.05",
            "256",
        ),
        (
            (
                "train_iter, test_iter = d2l.load_data_fashion_mnist(256)\nopt ="
                " torch.optim.SGD(net.parameters(), lr=0.1)"
            ),
            "SGD",
            "256",
        ),
        (
            (
                "model = paddle.Model(net)\noptim = paddle.optimizer.Adam(learning_rate=0.002,"
                " parameters=net.parameters())\nmodel.prepare(optim)\nmodel.fit(train_dataset,"
                " epochs=2, batch_size=64)"
            ),
            "0.002",
            "64",
        ),
        (
            "batch_size = 50\nlr = 0.3\nfor i in range(0, n, batch_size):\n    w -= lr * g",
            "0.3",
            "50",
        ),
        (
            ADAM + "def batches(data, batch_size=64):\n    return data\nfor part in batches(x,"
            " batch_size=64):\n    model.train_on_batch(*part)",
            None,
            "64",
        ),
    ],
)
def test_values_of_another_library_are_said(tmp_path, source, rates, sizes):
    said = found(write(tmp_path / NAME, (source, text("x"))))["assignment"].reason[1]
    assert f"batch_size = 128; found: {sizes}." in said
    assert (
        (f"learning_rate = 1e-3; found: {rates}." in said) if rates else "learning_rate" not in said
    )


@pytest.mark.parametrize(
    "source, data",
    [
        (
            "train = pd.read_csv('../input/fashion-mnist_train.csv')",
            "pd.read_csv('fashion-mnist_train.csv')",
        ),
        (
            "path = 'D:\\\\data\\\\train.csv'\ndata = pd.read_csv(path).values",
            "pd.read_csv('train.csv')",
        ),
        (
            "(train, test), info = tfds.load(name='fashion_mnist', split=['train', 'test'])",
            "tfds.load('fashion_mnist')",
        ),
        (
            "builder = tfds.builder('fashion_mnist')\nbuilder.as_dataset()",
            "tfds.builder('fashion_mnist')",
        ),
        (
            "path = os.path.join(folder, 'fashion-mnist_test.csv')\ntest = pd.read_csv(path)",
            "pd.read_csv('fashion-mnist_test.csv')",
        ),
        ("train = torchvision.datasets.FashionMNIST('data', train=True)", "FashionMNIST"),
        (
            "from torchvision import datasets\ntrain = datasets.FashionMNIST(root='.', train=True)",
            "datasets.FashionMNIST",
        ),
        (
            "import torchvision.datasets as dset\ntrain = dset.MNIST(root='./mnist', train=True)",
            "dset.MNIST",
        ),
        ("train_iter, test_iter = d2l.load_data_fashion_mnist(256)", "d2l.load_data_fashion_mnist"),
        ("ds = load_dataset('zalando-datasets/fashion_mnist')", "load_dataset('fashion_mnist')"),
        ("x, y = fetch_openml('Fashion-MNIST', return_X_y=True)", "fetch_openml('Fashion-MNIST')"),
        (
            "x = gzip.open('data/fashion/train-images-idx3-ubyte.gz')",
            "gzip.open('train-images-idx3-ubyte.gz')",
        ),
        ("train = FashionMnistDataset('data', usage='train')", "FashionMnistDataset"),
        (
            "def load_data(path):\n    return datasets.FashionMNIST(path)\nload_data('.')",
            "datasets.FashionMNIST",
        ),
    ],
)
def test_data_that_is_loaded_in_another_way_is_said(tmp_path, source, data):
    finding = found(write(tmp_path / NAME, (source, text("x"))))["assignment"]
    assert (
        f"fashion_mnist.load_data(); found: {data}." in finding.reason[1]
        and finding.state == "fails"
    )


@pytest.mark.parametrize(
    "source",
    [
        "print('Fashion-MNIST')",
        "model = build_fashion_mnist_model()",
        "model.load_weights('fashion_mnist.h5')",
        "image = plt.imread('fashion-mnist-sprite.png')",
        "torch.load('fashion_mnist.pt')",
        "net = FashionMNISTNet()",
        "log = pd.read_csv('training_log.csv')",
    ],
)
def test_what_loads_no_data_is_not_called_so(tmp_path, source):
    assert (
        "load_data(); found: none."
        in found(write(tmp_path / NAME, (source, [])))["assignment"].reason[1]
    )
