"""Proves that h5py and pandas open results.h5 as FORMAT.md says, and that analysis/ reads it.

Usage: results_layout_test.py EXAMPLE_PROGRAM ANALYSIS_FOLDER. The program makes the file. Exit
status 77 (skipped, for ctest) and a line where h5py or pandas is missing.
"""

import os
import subprocess
import sys
import tempfile
import unittest

try:
    import h5py
    import numpy as np
    import pandas
except ImportError as missing:
    print(f"SKIPPED: {missing}; apt install python3-h5py python3-pandas")
    sys.exit(77)

PROGRAM, ANALYSIS = sys.argv[1], sys.argv[2]
sys.dont_write_bytecode = True
sys.path.insert(0, ANALYSIS)
from aesweep_results import Results  # noqa: E402: the path comes from the command line.


class LayoutTest(unittest.TestCase):
    """The file through h5py alone."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        subprocess.run([PROGRAM, cls.folder.name], check=True)
        cls.path = os.path.join(cls.folder.name, "results.h5")
        cls.file = h5py.File(cls.path, "r")

    @classmethod
    def tearDownClass(cls):
        cls.file.close()
        cls.folder.cleanup()

    def test_root(self):
        self.assertEqual(
            sorted(self.file),
            ["config", "history", "metrics", "params", "plugins", "runtime", "trial", "trials"],
        )
        self.assertEqual(self.file.attrs["format"], b"aesweep-results")
        self.assertEqual(self.file.attrs["format_version"], b"1.3")

    def test_trials_as_a_frame(self):
        frame = pandas.DataFrame(self.file["trials"][:])
        self.assertEqual(list(frame.id), [1, 2, 3, 4])
        self.assertEqual(list(frame.status), [b"completed", b"completed", b"failed", b"pruned"])
        self.assertEqual(list(frame.p_optimizer_lr), [0.125, 0.25, 0.375, 0.5])
        self.assertTrue(np.isnan(frame.test_fvu[2]))
        self.assertEqual(frame.seed.dtype, np.uint64)
        self.assertEqual(frame.p_train_shuffle.dtype, np.uint8)

    def test_tables_are_chunked_and_extendible(self):
        for name in ("trials", "history", "plugins", "runtime/trials"):
            self.assertIsNotNone(self.file[name].chunks, name)
            self.assertEqual(self.file[name].maxshape, (None,), name)

    def test_no_type_that_others_cannot_read(self):
        def check(name, item):
            if isinstance(item, h5py.Dataset):
                fields = item.dtype.fields or {"": (item.dtype, 0)}
                for field, (dtype, *_) in fields.items():
                    self.assertIn(dtype.kind, "iufS", f"{name} {field}")

        self.file.visititems(check)

    def test_dimension_scales(self):
        fvu = self.file["metrics/test_fvu"]
        self.assertEqual(fvu.shape, (4, 4))
        self.assertEqual([d.keys()[0] for d in fvu.dims], ["trial", "epoch"])
        self.assertEqual(list(fvu.dims[0]["trial"]), [1, 2, 3, 4])
        self.assertEqual(list(fvu.dims[1]["epoch"]), [1, 2, 3, 4])
        self.assertEqual(np.isnan(fvu[()]).sum(axis=1).tolist(), [2, 0, 4, 0])
        self.assertEqual(fvu.attrs["unit"], b"1")


class ReaderTest(LayoutTest):
    """The file through analysis/aesweep_results.py."""

    def setUp(self):
        self.results = Results(self.path)
        self.addCleanup(self.results.close)

    def test_tables(self):
        trials = self.results.trials
        self.assertEqual(list(trials.index), [1, 2, 3, 4])
        self.assertEqual(list(trials.reason)[:3], ["", "", "no λ here"])
        self.assertEqual(list(trials.status_code), [0, 0, 2, 3])
        self.assertEqual(len(self.results.history), 20)
        self.assertEqual(set(self.results.history.metric), {"train/loss", "test/fvu"})
        self.assertEqual(list(self.results.plugins.name), ["tanh", "dense"])
        self.assertEqual(list(self.results.runtime_trials.trial), [1, 2])
        self.assertEqual(list(self.results.runtime_trials.current), [0, 1])

    def test_arrays(self):
        values, trials, epochs = self.results.metric("test/fvu")
        self.assertEqual(values.shape, (len(trials), len(epochs)))
        self.assertEqual(self.results.metric_names, ["test_fvu", "train_loss"])
        self.assertEqual(self.results.unit("test/fvu"), ("1", "squared error / variation"))
        initial, final = self.results.weights(1, "initial"), self.results.weights(1)
        self.assertEqual(final["code_weights"].dtype, np.float32)
        np.testing.assert_array_equal(
            final["code_weights"], np.arange(101, 122, dtype=np.float32).reshape(7, 3)
        )
        np.testing.assert_array_equal(initial["code_bias"], [1.5, 2.5, 3.5])
        names = ["codes", "inputs", "labels", "reconstructions"]
        self.assertEqual(sorted(self.results.samples(2)), names)
        self.assertEqual(self.results.weights(3), {})
        self.assertEqual(self.results.samples(3), {})
        self.assertEqual(self.results.weights(4), {})
        scale, shift = self.results.input_scaling(2)
        np.testing.assert_array_equal(scale, 1 / (2.0 + np.arange(7)))
        np.testing.assert_array_equal(shift, 2.0 - np.arange(7))
        self.assertIsNone(self.results.input_scaling(3))
        self.assertIsNone(self.results.input_scaling(4))
        self.assertIn("predictions", self.results.samples(4))

    def test_facts(self):
        activations = self.results.parameters["model.activation"]
        self.assertEqual(activations.tolist(), ["relu", "tanh", "relu", "tanh"])
        self.assertEqual(self.results.run["numerics_version"], 1)
        self.assertEqual(self.results.run["goal"], "minimize")
        self.assertEqual(self.results.runtime["host"], "node1")
        self.assertIn("trial: 2", self.results.config(2))
        self.assertIn("as given", self.results.config())
        self.assertEqual(self.results.reason(3), "no λ here")
        self.assertEqual(self.results.reason(1), "")

    def test_refusals(self):
        for call in (lambda: self.results.weights(9), lambda: self.results.metric("test/none")):
            self.assertRaises(KeyError, call)
        trial = os.path.join(self.folder.name, "000001.1.h5")
        self.assertRaises(ValueError, Results, trial)

    def test_while_a_run_goes_on(self):
        """No objects of single trials yet: the tables are there, and all else says so."""
        with Results(os.path.join(self.folder.name, "tables.h5")) as tables:
            self.assertEqual(list(tables.trials.index), [1, 2, 3, 4])
            self.assertRaises(KeyError, tables.weights, 1)
            self.assertIn("trial: 2", tables.config(2))
            self.assertEqual(tables.reason(3), "no λ here")
            self.assertEqual(tables.reason(1), "")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
