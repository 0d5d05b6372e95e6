"""Runs the Python recipes of docs/results.md, and opens results.h5 in xarray and h5dump.

Usage: results_recipes_test.py EXAMPLE_PROGRAM docs/results.md ANALYSIS_FOLDER. The program makes
the file. What needs a tool that is missing is skipped with a line.
"""

import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM, PAGE, ANALYSIS = (os.path.abspath(path) for path in sys.argv[1:4])
sys.dont_write_bytecode = True
sys.path.insert(0, ANALYSIS)


def recipe(heading):
    """The code below a heading of the page."""
    text = pathlib.Path(PAGE).read_text("utf-8")
    found = re.search(rf"^### {heading}\n\n```python\n(.*?)^```", text, re.M | re.S)
    if not found:
        raise AssertionError(f"{PAGE} has no recipe '{heading}'")
    return found.group(1)


def needs(*modules):
    """Skips where a module is missing, and says so."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    packages = " ".join(f"python3-{name}" for name in missing)
    return unittest.skipIf(missing, f"SKIPPED: apt install {packages}")


class RecipesTest(unittest.TestCase):
    """Each recipe runs as it stands, in a folder that has runs/mnist/results.h5."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        run = os.path.join(cls.folder.name, "runs", "mnist")
        os.makedirs(run)
        subprocess.run([PROGRAM, run], check=True)
        os.chdir(cls.folder.name)

    @classmethod
    def tearDownClass(cls):
        os.chdir("/")
        cls.folder.cleanup()

    def run_recipe(self, heading):
        code = recipe(heading)
        self.assertLessEqual(len(code.splitlines()), 10)
        names = {}
        exec(compile(code, heading, "exec"), names)  # The page is ours.
        return names

    @needs("h5py", "pandas")
    def test_h5py_and_pandas(self):
        names = self.run_recipe("Python: h5py and pandas")
        self.assertEqual(list(names["best"].index), [2])  # Trial 1 is no longer asked for.
        self.assertEqual(names["curve"].shape, (4, 4))
        self.assertEqual(names["decoder"][0, 0], 102)

    @needs("h5py", "pandas")
    def test_reader(self):
        names = self.run_recipe("Python: the reader in analysis/")
        self.assertEqual(list(names["best"].index), [2])
        self.assertEqual(names["samples"]["codes"].shape, (5, 3))

    @needs("h5py", "xarray", "h5netcdf")
    def test_xarray(self):
        names = self.run_recipe("Python: xarray")
        metrics = names["metrics"]
        self.assertEqual(metrics.test_fvu.dims, ("trial", "epoch"))
        self.assertEqual(metrics.test_fvu.attrs["unit"], "1")
        self.assertEqual(list(metrics.trial), [1, 2, 3, 4])
        self.assertEqual(float(metrics.test_fvu.sel(trial=2, epoch=4)), 2 - 1 / 4)
        self.assertEqual(list(names["sweep"].optimizer_lr), [0.125, 0.25, 0.375, 0.5])
        self.assertEqual(float(names["last"].sel(trial=1)), 0.5)
        self.assertEqual(float(names["by_rate"].sel(optimizer_lr=0.25)), 1.75)

    @unittest.skipIf(shutil.which("h5dump") is None, "SKIPPED: apt install hdf5-tools")
    def test_h5dump(self):
        dump = ["h5dump", "-H", "runs/mnist/results.h5"]
        done = subprocess.run(dump, capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "")
        for name in ("trials", "history", "test_fvu", "code_weights", "resolved", "current"):
            self.assertIn(f'"{name}"', done.stdout)
        for type_name in ("H5T_VARIABLE", "H5T_ENUM"):
            self.assertNotIn(type_name, done.stdout)

    def test_other_languages_are_marked(self):
        text = pathlib.Path(PAGE).read_text("utf-8")
        for language in ("matlab", "julia", "r"):
            marked = rf"^### .*\(not run here\)\n\n```{language}\n(.*?)^```"
            block = re.search(marked, text, re.M | re.S)
            self.assertIsNotNone(block, language)
            self.assertLessEqual(len(block.group(1).splitlines()), 10)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
