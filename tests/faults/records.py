"""What the shim recorded: every successful change below the recorded folder, in order."""

import pathlib
import struct

NAMES = ("open", "write", "pwrite", "fsync", "fdatasync", "rename", "unlink", "ftruncate", "link",
         "mkdir", "close", "ack")
_HEAD = struct.Struct("=IIiiqIIQ")
_MAGIC = 0x57454541


class Entry:
    __slots__ = ("call", "pid", "fd", "number", "path", "other", "data")

    def __init__(self, call, pid, fd, number, path, other, data):
        self.call, self.pid, self.fd, self.number = call, pid, fd, number
        self.path, self.other, self.data = path, other, data


def read(path):
    data = pathlib.Path(path).read_bytes()
    found, at = [], 0
    while at < len(data):
        magic, call, pid, fd, number, path_bytes, other_bytes, data_bytes = _HEAD.unpack_from(
            data, at)
        if magic != _MAGIC:
            raise ValueError(f"{path}: no entry at byte {at}")
        at += _HEAD.size
        parts = []
        for size in (path_bytes, other_bytes, data_bytes):
            parts.append(data[at:at + size])
            at += size
        found.append(Entry(NAMES[call], pid, fd, number, parts[0].decode(), parts[1].decode(),
                           parts[2]))
    return found
