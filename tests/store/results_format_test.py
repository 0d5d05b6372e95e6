"""Holds runner/store/FORMAT.md to a file, and the file to it: every object, attribute and column
that is in one is in the other, with the type stated.

Usage: results_format_test.py EXAMPLE_PROGRAM FORMAT.md. The program makes the file. Exit status 77
(skipped, for ctest) and a line where h5py is missing.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

try:
    import h5py
except ImportError as missing:
    print(f"SKIPPED: {missing}; apt install python3-h5py")
    sys.exit(77)

PROGRAM, FORMAT = sys.argv[1], sys.argv[2]


def tables(path):
    """Heading to the rows of the table below it; a row is its cells, without backticks."""
    found, heading = {}, ""
    for line in pathlib.Path(path).read_text("utf-8").splitlines():
        if line.startswith("#"):
            heading = line.strip("# ").replace("`", "")
        elif line.startswith("|") and not line.startswith("|---"):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            found.setdefault(heading, []).append([cell.strip("`|").strip() for cell in cells])
    return {heading: rows[1:] for heading, rows in found.items()}


def pattern(name):
    """What a name with placeholders in angle brackets stands for: one part of a path each."""
    return re.compile(re.sub(r"<\w+>", "[^/]+", re.sub(r"([.])", r"\\\1", name)) + r"\Z")


def match(name, stated):
    """The entry of `stated` that the name belongs to: itself, or the only pattern that fits."""
    if name in stated:
        return name
    fits = [entry for entry in stated if "<" in entry and pattern(entry).match(name)]
    # The more literal one: p_<parameter> before <metric>.
    fits.sort(key=lambda entry: len(re.sub(r"<\w+>", "", entry)), reverse=True)
    return fits[0] if fits else None


def cell(dtype):
    """The name that FORMAT.md has for a type."""
    if dtype.kind in "iuf" and dtype.byteorder != ">":
        return f"{dtype.kind}{dtype.itemsize}"
    return "S" if dtype.kind == "S" else "HDF5" if dtype.kind in "OV" else str(dtype)


def fits(stated, item):
    """Whether an object is of the type stated."""
    if isinstance(item, h5py.Group):
        return stated == "group"
    if stated == "table":
        return bool(item.dtype.fields) and item.maxshape == (None,)
    if stated == "text":
        return item.shape == () and item.dtype.kind == "S"
    types, dimensions = re.fullmatch(r"(.+) \[(.+)\]", stated).groups()
    ranks = dimensions == "..." or len(item.shape) == len(dimensions.split(","))
    return ranks and cell(item.dtype) in re.split(r", | or ", types)


class FormatTest(unittest.TestCase):
    """FORMAT.md beside the example."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        subprocess.run([PROGRAM, cls.folder.name], check=True)
        cls.file = h5py.File(os.path.join(cls.folder.name, "results.h5"), "r")
        cls.items = {"/": cls.file}
        cls.file.visititems(lambda name, item: cls.items.__setitem__("/" + name, item))
        cls.tables = tables(FORMAT)

    @classmethod
    def tearDownClass(cls):
        cls.file.close()
        cls.folder.cleanup()

    def compare(self, stated, found, what):
        """`stated`: name to type; `found`: name to a function of the type stated."""
        seen = set()
        for name, of_type in found.items():
            entry = match(name, stated)
            self.assertIsNotNone(entry, f"FORMAT.md has no {what} {name}")
            self.assertTrue(of_type(stated[entry]), f"{what} {name} is not {stated[entry]}")
            seen.add(entry)
        self.assertEqual(set(stated) - seen, set(), f"no {what} of the file is this")

    def test_objects(self):
        stated = {row[0]: row[1] for row in self.tables["Objects"]}
        found = {
            name: lambda type_stated, item=item: fits(type_stated, item)
            for name, item in self.items.items()
            if name != "/"
        }
        self.compare(stated, found, "object")

    def test_attributes(self):
        rows = self.tables["Attributes"]
        stated = {f"{row[0]}@{row[1]}": row[2] for row in rows}
        found = {}
        for name, item in self.items.items():
            for attribute in item.attrs:
                dtype = item.attrs.get_id(attribute).dtype
                found[f"{name}@{attribute}"] = lambda type_stated, d=dtype: cell(d) == type_stated
        self.compare(stated, found, "attribute")

    def test_columns(self):
        named = [n for n, item in self.items.items() if getattr(item, "dtype", None) is not None]
        for name in [n for n in named if self.items[n].dtype.fields]:
            stated = {row[0]: row[1] for row in self.tables[f"Columns of {name}"]}
            found = {
                column: lambda type_stated, d=dtype: cell(d) in re.split(r", | or ", type_stated)
                for column, (dtype, *_) in self.items[name].dtype.fields.items()
            }
            self.compare(stated, found, f"column of {name}")

    def test_versions(self):
        version = self.file.attrs["format_version"].decode()
        text = pathlib.Path(FORMAT).read_text("utf-8")
        self.assertTrue(text.startswith(f"# results.h5, format {version}\n"))
        self.assertEqual(self.tables["Versions"][-1][0], version)

    def test_status_codes(self):
        """In the order in which FORMAT.md lists them."""
        meaning = {row[0]: row[-1] for row in self.tables["Columns of /trials"]}
        words = [word.strip("` ") for word in meaning["status"].split(",")]
        for row in self.file["trials"][:]:
            self.assertEqual(words[row["status_code"]], row["status"].decode())
        self.assertEqual(meaning["status_code"], "in that order: 0, 1, 2, 3")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
