"""The journal of a run, read by code of its own: lines "CRC SEQUENCE SYNCED_TO {json}"."""

import json
import pathlib


def _table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


class Journal:
    """The intact lines up to the first one that is not: a reader beside a writer sees these."""

    def __init__(self, data):
        self.records = []
        self.synced_to = 0
        self.bytes = 0
        for line in data.split(b"\n")[:-1]:
            record = self._parse(line, len(self.records))
            if record is None:
                break
            self.bytes += len(line) + 1
            self.records.append(record)

    def _parse(self, line, number):
        parts = line.split(b" ", 3)
        if len(parts) != 4 or len(parts[0]) != 8:
            return None
        try:
            if int(parts[0], 16) != crc32c(line[9:]) or int(parts[1]) != number:
                return None
            self.synced_to = max(self.synced_to, int(parts[2]))
            return json.loads(parts[3]) if number else {"kind": "format"}
        except ValueError:
            return None

    @classmethod
    def of(cls, folder):
        path = pathlib.Path(folder, "journal")
        return cls(path.read_bytes() if path.exists() else b"")

    def kinds(self, kind):
        return [record for record in self.records if record["kind"] == kind]

    def finished(self):
        """Number of each finished trial, with the record of its last attempt."""
        return {record["number"]: record for record in self.kinds("trial_finished")}

    def last_job(self):
        """The records since the last job began, its first one included."""
        start = max((at for at, record in enumerate(self.records)
                     if record["kind"] == "job_started"), default=len(self.records))
        return self.records[start:]
