"""A disk that promises no more than POSIX does, and the states a power cut may leave on it.

Contents of a file are durable once it was synced; a name (created, renamed, removed) once its
folder was. What was not synced may be there, in part, or not, in any order.
"""

import os
import pathlib
import shutil

O_CREAT, O_TRUNC = os.O_CREAT, os.O_TRUNC
NAMES = ("drop", "keep", "some")
DATA = ("drop", "keep", "torn512", "torn4096", "pages", "holes")


class File:
    def __init__(self):
        self.data = bytearray()
        self.synced = b""
        self.pending = []  # (offset, bytes) written, or (length, None) cut, since the last sync.

    def write(self, offset, data):
        if offset > len(self.data):
            self.data.extend(bytes(offset - len(self.data)))
        self.data[offset:offset + len(data)] = data
        self.pending.append((offset, data))

    def truncate(self, length):
        if length <= len(self.data):
            del self.data[length:]
        else:
            self.data.extend(bytes(length - len(self.data)))
        self.pending.append((length, None))

    def sync(self):
        self.synced = bytes(self.data)
        self.pending.clear()

    def after(self, mode, rng):
        """Its bytes after the cut."""
        if mode == "keep" or not self.pending:
            return bytes(self.data)
        if mode == "drop":
            return self.synced
        state = File()
        state.data = bytearray(self.synced)
        if mode.startswith("torn"):
            self._torn(state, int(mode[4:]), rng)
        else:
            self._pages(state, rng, holes=mode == "holes")
        return bytes(state.data)

    def _torn(self, state, grain, rng):
        """Some of the changes in order, and the next one in part."""
        whole = rng.randrange(len(self.pending))
        for offset, data in self.pending[:whole]:
            state.truncate(offset) if data is None else state.write(offset, data)
        offset, data = self.pending[whole]
        if data is not None:
            first = grain - offset % grain
            cuts = [0, *range(first, len(data), grain)]
            state.write(offset, data[:rng.choice(cuts)])

    def _pages(self, state, rng, holes):
        """The size is that of the end; any page of what was written may be missing."""
        if holes or rng.random() < 0.5:
            state.truncate(len(self.data))
        for offset, data in self.pending:
            if data is None:
                continue
            at = 0
            while at < len(data):
                size = min(4096 - (offset + at) % 4096, len(data) - at)
                if not holes and rng.random() < 0.5:
                    state.write(offset + at, data[at:at + size])
                at += size


class Disk:
    """Takes recorded entries one by one."""

    def __init__(self, root):
        self.root = root
        self.names = {}  # Path -> File, or None for a folder.
        self.durable = {}
        self.pending = []  # (folder, removed path or "", added path or "", File or None)
        self.open = {}  # (pid, fd) -> path of a folder, or File.

    def add(self, path, data):
        """What was there, durable, before the first entry; None: a folder."""
        file = None
        if data is not None:
            file = File()
            file.data = bytearray(data)
            file.sync()
        self.names[path] = self.durable[path] = file

    def _change(self, removed, added, file):
        self.pending.append((os.path.dirname(added or removed), removed, added, file))
        if removed:
            self.names.pop(removed, None)
        if added:
            self.names[added] = file

    def take(self, entry):
        """Whether the states after it differ from those before."""
        return getattr(self, "_" + entry.call)(entry)

    def _open(self, entry):
        key = (entry.pid, entry.fd)
        if entry.path == self.root or self.names.get(entry.path, self) is None:
            self.open[key] = entry.path
            return False
        new = entry.path not in self.names
        if new and not entry.number & O_CREAT:
            self.open.pop(key, None)  # Made by a call that is not recorded.
            return False
        if new:
            self._change("", entry.path, File())
        self.open[key] = self.names[entry.path]
        if not new and entry.number & O_TRUNC:
            self.open[key].truncate(0)
            return True
        return new

    def _file(self, entry):
        found = self.open.get((entry.pid, entry.fd))
        return found if isinstance(found, File) else None

    def _write(self, entry):
        file = self._file(entry)
        if file is not None:
            file.write(entry.number, entry.data)
        return file is not None

    _pwrite = _write

    def _ftruncate(self, entry):
        file = self._file(entry)
        if file is not None:
            file.truncate(entry.number)
        return file is not None

    def _fsync(self, entry):
        found = self.open.get((entry.pid, entry.fd))
        if isinstance(found, File):
            found.sync()
        elif found is not None:
            rest = []
            for change in self.pending:
                if change[0] == found:
                    self._apply(self.durable, change)
                else:
                    rest.append(change)
            self.pending = rest
        return found is not None

    _fdatasync = _fsync

    @staticmethod
    def _apply(names, change):
        _, removed, added, file = change
        if removed:
            names.pop(removed, None)
        if added:
            names[added] = file

    def _rename(self, entry):
        if entry.path not in self.names:
            return False
        self._change(entry.path, entry.other, self.names[entry.path])
        return True

    def _link(self, entry):
        if entry.path not in self.names:
            return False
        self._change("", entry.other, self.names[entry.path])
        return True

    def _unlink(self, entry):
        known = entry.path in self.names
        if known:
            self._change(entry.path, "", None)
        return known

    def _mkdir(self, entry):
        self._change("", entry.path, None)
        return True

    def _close(self, entry):
        self.open.pop((entry.pid, entry.fd), None)
        return False

    def _ack(self, _entry):
        return False

    def after_cut(self, names_mode, data_mode, rng):
        """Path -> bytes (None: folder) of one state that a power cut may leave."""
        if names_mode == "keep":
            names = dict(self.names)
        else:
            names = dict(self.durable)
            for change in self.pending if names_mode == "some" else ():
                if rng.random() < 0.5:
                    self._apply(names, change)
        state = {}
        for path in sorted(names):
            folder = os.path.dirname(path)
            if folder != self.root and folder not in state:
                continue  # Its folder is gone.
            file = names[path]
            state[path] = None if file is None else file.after(data_mode, rng)
        return state


class StateFolder:
    """A folder that shows one state after another; only what differs is written."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.shown = {}

    def show(self, root, state):
        wanted = {os.path.relpath(path, root): data for path, data in state.items()}
        for name in sorted(set(self.shown) - set(wanted), reverse=True):
            path = self.folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        for name, data in wanted.items():
            if name in self.shown and self.shown[name] == data:
                continue
            path = self.folder / name
            if data is None:
                path.mkdir(exist_ok=True)
            else:
                path.write_bytes(data)
        self.shown = wanted
