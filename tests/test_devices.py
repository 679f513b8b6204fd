"""Training on several devices is the same as on one, shown on logical devices of the CPU."""

import json
import os
import subprocess
import sys

import pytest

from test_model import SMALL

# A process of its own, since the devices are fixed when TensorFlow or JAX starts.
TWENTY_STEPS = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
import tensorflow as tf
[cpu] = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import notebook_definitions as notebook

parameters = json.loads(sys.argv[2])
devices = notebook.keras.distribution.list_devices("cpu")[:int(sys.argv[3])]
(images, labels), _ = tf.keras.datasets.fashion_mnist.load_data()
strategy = notebook.parallel_strategy(devices)
notebook.keras.utils.set_random_seed(5)
with strategy.scope():
    model = notebook.build_model(parameters, images, seed=5)
    notebook.compile_model(model, parameters, steps_per_epoch=20)
batches = list(notebook.training_batches(images[:2_560], labels[:2_560], parameters, seed=5))
# The same batches in the same order, since a pipeline that is shared among devices shuffles anew.
arrays = tuple(tf.concat(parts, axis=0) for parts in zip(*batches))
training = tf.data.Dataset.from_tensor_slices(arrays).batch(128, drop_remainder=True)
with strategy.scope():
    history = model.fit(training, epochs=1, shuffle=False, verbose=0).history
print(json.dumps({"loss": history["loss"][-1], "devices": len(devices),
                  "strategy": type(strategy).__name__, "steps": len(training)}))
"""
PARAMETERS = SMALL | {"batch_size": 128, "epochs": 1}


def twenty_steps(notebook, backend, devices):
    folder = os.path.dirname(notebook.__file__)
    environment = os.environ | {"KERAS_BACKEND": backend, "XLA_FLAGS": "--xla_force_host_platform_device_count=3"}
    output = subprocess.run(
        [sys.executable, "-c", TWENTY_STEPS, folder, json.dumps(PARAMETERS), str(devices)],
        env=environment, capture_output=True, text=True, check=True).stdout
    return json.loads(output.splitlines()[-1])


@pytest.mark.parametrize("backend, devices, strategy", [
    ("tensorflow", 2, "MirroredStrategy"),
    ("jax", 3, "DataParallel"),  # It takes two of the three, since three do not divide a batch of 128.
])
def test_loss_after_twenty_steps_on_several_devices_is_that_on_one(notebook, data, backend, devices, strategy):
    pytest.importorskip(backend)
    one, several = twenty_steps(notebook, backend, 1), twenty_steps(notebook, backend, devices)
    assert one["strategy"] != several["strategy"] == strategy and several["devices"] == devices
    assert one["steps"] == several["steps"] == 20
    assert several["loss"] == pytest.approx(one["loss"], abs=1e-4)
