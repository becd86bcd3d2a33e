"""blocklog - a recording of what reached a disk, and the disk as a power cut at any point of it would have left it.

The recording is in the format of dm-log-writes, as QEMU's blklogwrites writes it (record.sh). Behind the file system, at
offset `size`, the disk has a sector for marks: JSON that the recorded program's script writes there when a step is done.

    log = Log("log", size)
    disk = Disk(log, "base.img")
    for cut in sorted(cuts, key=lambda cut: cut.at): data = disk.at(cut)      positions may not go back
"""
import collections
import json
import os
import random
import struct

FLUSH, FUA, DISCARD = 1, 2, 4
MAGIC = 0x6A736677736872
SECTOR = 512
SUPERBLOCK = 1024  # where ext4 has it, two sectors

Write = collections.namedtuple("Write", "offset data flags length")

# The cut comes while write number `at` is under way. "ordered": the device wrote in order and lost nothing that it had
# taken. "lossy": of what was not flushed it has lost some writes, and torn others between any two sectors.
Cut = collections.namedtuple("Cut", "at model seed")


class Log:
    def __init__(self, path, size):
        self.size, self.writes, self.marks = size, [], []
        with open(path, "rb") as file:
            magic, _, count, sector = struct.unpack("<QQQI", file.read(28))
            if magic != MAGIC or sector != SECTOR:
                raise ValueError("%s is no log of writes" % path)
            file.seek(SECTOR)
            for _ in range(count):
                self.read_entry(file)

    def read_entry(self, file):
        first, count, flags, _ = struct.unpack("<QQQQ", file.read(SECTOR)[:32])
        data = b"" if flags & DISCARD else file.read(count * SECTOR)
        if first * SECTOR == self.size:
            if data:
                self.marks.append((len(self.writes), json.loads(data.rstrip(b"\0"))))
            return
        self.writes.append(Write(first * SECTOR, data, flags, count * SECTOR))

    def promised(self, at):
        """The last mark before write `at`, and the one that comes next: the state is the one's, or the other's, or between."""
        done = [mark for position, mark in self.marks if position <= at]
        ahead = [mark for position, mark in self.marks if position > at]
        return done[-1], (ahead or done)[0 if ahead else -1]

    def cuts(self, count, seed):
        """`count` cuts: each mark's position and the one before it, then random ones; from the first mark to the last."""
        choice = random.Random(seed)
        first, last = self.marks[0][0], self.marks[-1][0]
        at = [p + d for p, _ in self.marks for d in (0, -1) if first <= p + d]
        at += [choice.randint(first, last) for _ in range(count - len(at))]
        return [Cut(p, "lossy" if choice.random() < 0.7 else "ordered", choice.getrandbits(32)) for p in at[:count]]


def put(disk, write):
    if write.flags & DISCARD:
        disk[write.offset:write.offset + write.length] = bytes(write.length)
    elif write.data:
        disk[write.offset:write.offset + len(write.data)] = write.data


def put_torn(disk, write, choice):
    """Some of its sectors: the first ones, or any. ext4's superblock stays whole: the checksum of its two sectors is in the
    second, and without it nothing can be mounted, whatever was synced."""
    sectors = len(write.data) // SECTOR
    kept = set(range(choice.randint(0, sectors)))
    if choice.random() < 0.5:
        kept = {i for i in range(sectors) if choice.random() < 0.5}
    second = SUPERBLOCK // SECTOR + 1 - write.offset // SECTOR
    if second in range(sectors):
        kept = kept | {second} if second - 1 in kept else kept - {second}
    for i in sorted(kept):
        disk[write.offset + i * SECTOR:write.offset + (i + 1) * SECTOR] = write.data[i * SECTOR:(i + 1) * SECTOR]


class Disk:
    def __init__(self, log, base):
        self.log = log
        self.flushed = 0
        with open(base, "rb") as file:
            self.durable = bytearray(file.read(log.size))

    def advance(self, at):
        flush = max((i + 1 for i in range(self.flushed, at) if self.log.writes[i].flags & FLUSH), default=self.flushed)
        for write in self.log.writes[self.flushed:flush]:
            put(self.durable, write)
        self.flushed = flush

    def at(self, cut):
        choice = random.Random(cut.seed)
        self.advance(cut.at)
        disk = bytearray(self.durable)
        for write in self.log.writes[self.flushed:cut.at]:
            luck = choice.random()
            if cut.model == "ordered" or write.flags & FUA or luck < 0.4:
                put(disk, write)
            elif luck < 0.6:
                put_torn(disk, write, choice)
        if cut.model == "lossy" and cut.at < len(self.log.writes):
            put_torn(disk, self.log.writes[cut.at], choice)
        return disk


def save(disk, path):
    with open(path, "wb") as file:
        file.write(disk)
        file.truncate(len(disk))
        os.fsync(file.fileno())
