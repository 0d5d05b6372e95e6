#!/usr/bin/env python3
"""A run on two ranks gives the same bits from data sets of an HDF5 file as from .npy files:
chunked, big-endian and streamed. Everything in results.h5 is compared but what tells where data
came from.

    hdf5_run_test.py AESWEEP MPIEXEC COUNT_FLAG    exit status 77 if h5py is not there
"""

import os
import pathlib
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy
except ImportError:
    print("skipped: no h5py")
    sys.exit(77)

EXPERIMENT = """
schema: 1
name: own_data
data:
  source: files
  path: {samples}
  labels: {labels}
  split: {{train: [0, 60], validation: [60, 77], test: [77, 101]}}
  scaling: {scaling}
  storage: {storage}
model:
  loss: mse
  layers:
    - {{name: code, kind: dense, units: 7, activation: tanh}}
    - {{name: output, kind: dense}}
optimizer: {{kind: adam, lr: 1.0e-2}}
train: {{epochs: 2, batch_rows: 23, shard_rows: 5, seed: 3}}
record: {{weights: all, samples: 5}}
"""
# Where data came from: the experiment, its hash, keys of trials, clocks and hosts.
SKIPPED = ("runtime", "config", "key", "experiment", "sha256")


def check(condition, message):
    if not condition:
        raise AssertionError(message)


def write_data(folder):
    generator = numpy.random.default_rng(5)
    images = generator.normal(size=(101, 3, 4)).astype("f4")
    labels = generator.integers(0, 3, size=101).astype("u1")
    numpy.save(folder / "images.npy", images)
    numpy.save(folder / "labels.npy", labels)
    with h5py.File(folder / "x.h5", "w") as file:
        file["images"] = images
        file["labels"] = labels
        file.create_dataset("packed/images", data=images, chunks=(13, 2, 3), compression="gzip")
        file.create_dataset("packed/labels", data=labels, chunks=(10,), shuffle=True)
        file["big"] = images.astype(">f4")


def run(command, folder, name, samples, labels, storage, scaling):
    path = folder / f"{name}.yaml"
    path.write_text(EXPERIMENT.format(samples=samples, labels=labels, storage=storage,
                                      scaling=scaling), encoding="utf-8")
    result = subprocess.run([*command, "run", str(path), "-o", str(folder / name)],
                            capture_output=True, check=False, cwd=folder, timeout=100)
    return result, folder / name / "results.h5"


def contents(path):
    """Every data set that does not tell where data came from, by name."""
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset) and not any(word in name for word in SKIPPED):
            fields = [f for f in item.dtype.names or () if f not in SKIPPED]
            array = item[()]
            found[name] = ([(f, array[f].tobytes()) for f in fields]
                           if fields else numpy.asarray(array).tobytes())

    with h5py.File(path) as file:
        file.visititems(visit)
    return found


def compare(command, folder, storage, scaling, places):
    result, path = run(command, folder, "npy" + storage, "images.npy", "labels.npy", storage,
                       scaling)
    check(result.returncode == 0, result.stderr.decode())
    expected = contents(path)
    check(any("weights_final" in name for name in expected), f"too little in {list(expected)}")
    check("metrics/validation_mse" in expected, f"no validation in {list(expected)}")
    for number, (samples, labels) in enumerate(places):
        result, path = run(command, folder, f"{storage}{number}", samples, labels, storage,
                           scaling)
        check(result.returncode == 0, result.stderr.decode())
        found = contents(path)
        check(found.keys() == expected.keys(), f"{samples}: other objects")
        for name, value in found.items():
            check(value == expected[name], f"{samples}: other bits in {name}")


def main():
    command = [sys.argv[2], sys.argv[3], "2", sys.argv[1]]
    os.environ.pop("AESWEEP_DATA_DIR", None)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_data(folder)
        compare(command, folder, "memory", "standardize",
                (("x.h5#images", "x.h5#labels"), ("x.h5#packed/images", "x.h5#/packed/labels"),
                 ("x.h5#/big", "labels.npy")))
        compare(command, folder, "stream", "none", (("x.h5#images", "x.h5#labels"),))
        result, _ = run(command, folder, "wrong", "x.h5#image", "labels.npy", "memory", "none")
        check(result.returncode == 2 and b"x.h5#image: has no image; there are big, images" in
              result.stderr, result.stderr.decode())
        result, _ = run(command, folder, "streamed", "x.h5#packed/images", "labels.npy", "stream",
                        "none")
        check(result.returncode == 2 and b"x.h5#packed/images" in result.stderr,
              result.stderr.decode())
    return 0


sys.exit(main())
