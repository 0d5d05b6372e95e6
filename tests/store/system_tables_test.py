"""Proves what analysis/system_tables.py makes of results.h5 files that are written here with h5py:
the table of one file and of one per seed, spreads that are rounding, and a line for each fault.

Usage: system_tables_test.py ANALYSIS_FOLDER. Exit status 77 (skipped, for ctest) and a line where
h5py or pandas is missing.
"""

import contextlib
import io
import os
import sys
import tempfile
import unittest

try:
    import h5py
    import numpy as np
    import pandas  # noqa: F401: the program under test needs it.
except ImportError as missing:
    print(f"SKIPPED: {missing}; apt install python3-h5py python3-pandas")
    sys.exit(77)

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import system_tables  # noqa: E402: the path comes from the command line.

METRICS = ("test_l0", "test_dead", "test_mean_activation", "test_mse", "test_fvu")
WEIGHT = "p_model_layers_code_regularizers_l1_coefficient"
HEAD = "| weight | near zero | dead | mean activation | MSE | FVU |\n|---|---|---|---|---|---|\n"


def write(path, trials, swept=(WEIGHT,), name="l1_penalty"):
    """A file of trials (seed, weight, status, value of all metrics) with 4 code units."""
    types = [("id", "i8"), ("key", "S64"), ("status", "S16"), ("seed", "u8")]
    types += [(n, "f8") for n in (*swept, *METRICS)]
    rows = [
        (i, f"{name} {seed} {weight}".encode(), status, seed)
        + (weight,) * len(swept)
        + (value,) * len(METRICS)
        for i, (seed, weight, status, value) in enumerate(trials)
    ]
    with h5py.File(path, "w") as file:
        file.attrs["format"] = np.bytes_("aesweep-results")
        file.attrs["format_version"] = np.bytes_("1.3")
        config = file.create_group("config")
        config.attrs["name"] = np.bytes_(name)
        config.attrs["data_fingerprint"] = np.bytes_("d")
        file["trials"] = np.array(rows, dtype=types)
        for i in range(len(trials)):
            file[f"trial/{i:06d}/samples/codes"] = np.zeros((3, 4))


class SystemTablesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def run_program(self, arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = system_tables.main(["system_tables.py", *arguments])
        return status, out.getvalue(), err.getvalue()

    def table(self, *arguments):
        status, out, err = self.run_program(arguments)
        self.assertEqual((status, err), (0, ""))
        return out

    def fault(self, *arguments):
        status, out, err = self.run_program(arguments)
        self.assertEqual((status, out), (2, ""))
        self.assertEqual(err.count("\n"), 1, err)
        return err

    def test_one_file_and_one_per_seed_are_one_table(self):
        ok = b"completed"
        one = [(1, 0.5, ok, 0.5), (1, 2.0, ok, 1.0), (2, 0.5, ok, 1.5), (2, 2.0, b"failed", 9.0)]
        write(self.path("all.h5"), one, (WEIGHT, "p_train_seed"))
        write(self.path("a.h5"), one[:2])
        write(self.path("b.h5"), one[2:])
        # By hand: mean 1 and spread sqrt(1/2) of 0.5 and 1.5; near zero is 1 - l0 / 4.
        expected = (
            HEAD
            + "| 0.5 | 0.750 ± 0.177 | 1.000 ± 0.707 | 1 ± 0.707 | 1 ± 0.707 "
            + "| 1.000 ± 0.707 |\n"
            + "| 2 | 0.750 | 1.000 | 1 | 1 | 1.000 |\n"
            + "\nnear zero = 1 - l0 / 4. 3 of 4 trials completed; seeds: 1, 2.\n"
        )
        self.assertEqual(self.table("l1_penalty", self.path("all.h5")), expected)
        self.assertEqual(self.table("l1_penalty", self.path("a.h5"), self.path("b.h5")), expected)

    def test_spreads_that_are_rounding_are_none(self):
        value = 0.1
        nearly = np.nextafter(value, 1.0)
        trials = [(1, 0.5, b"completed", value), (2, 0.5, b"completed", nearly)]
        write(self.path("a.h5"), trials)
        self.assertIn("| 0.1 ± 0 | 0.1 ± 0 |", self.table("l1_penalty", self.path("a.h5")))

    def test_each_fault_is_one_line(self):
        a, b, other = self.path("a.h5"), self.path("b.h5"), self.path("other.h5")
        write(a, [(1, 0.5, b"completed", 1.0)])
        write(b, [(2, 0.5, b"failed", 1.0)])
        write(other, [(3, 0.5, b"completed", 1.0)], name="other")
        write(self.path("units.h5"), [(4, 0.5, b"completed", 1.0)], swept=(WEIGHT, "p_units"))
        with open(self.path("text.h5"), "w", encoding="ascii") as file:
            file.write("no HDF5")
        gone = self.path("gone.h5")
        self.assertEqual(
            self.fault("l1_penalty", gone), f"system_tables.py: {gone}: there is no such file\n"
        )
        self.assertIn(f"{self.path('text.h5')}", self.fault("l1_penalty", self.path("text.h5")))
        self.assertIn(
            f"{a}: has no p_model; softmax_kl takes results of experiments/keras_softmax_kl.yaml",
            self.fault("softmax_kl", a),
        )
        self.assertIn("none of 1 trials completed", self.fault("l1_penalty", b))
        self.assertIn(f"{a}: trial 0 is also trial 0 of {a}", self.fault("l1_penalty", a, a))
        self.assertIn(
            f"{other}: its name is other, that of {a} l1_penalty",
            self.fault("l1_penalty", a, other),
        )
        self.assertIn(
            f"sweeps {WEIGHT}, p_units, but {a} {WEIGHT};",
            self.fault("l1_penalty", a, self.path("units.h5")),
        )
        self.assertIn("usage: ", self.fault("l1_penalty"))
        self.assertIn("usage: ", self.fault("l1", a))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
