# SPDX-License-Identifier: MIT
#
# weir.py - what a pool's threads did last, in gdb: of a process or a core file
#
#     (gdb) source weir.py
#     (gdb) weir threads             what each thread is doing
#     (gdb) weir records             the last 20 events of each thread
#     (gdb) weir records 1 100       the last 100 of worker 1; "ctl" for control
#
# Reads the memory that weir/shm.h describes, which the kernel dumps as shared
# anonymous memory (on by default, see coredump_filter in core(5)).  It is found
# by its name among the mappings, so that no symbols of libweir are needed.
import re
import struct

import gdb

MAGIC = 0x006d687372696577
VERSION = 1
KINDS = ("call", "message", "timer", "wake")
CALL, MESSAGE, TIMER, WAKE = range(4)

# struct weir_shm: its members, in order.
HEADER = struct.Struct("=QIIQIIQ16sQQ14I")
HEADER_NAMES = (
    "magic version header_size size pid threads start_ns pool_name "
    "threads_offset thread_stride line_offset line_size numbers_offset numbers "
    "names_offset name_size histograms_offset histograms histogram_buckets "
    "histogram_sub_bits records_offset records record_size unused").split()


def read(address, size):
    return bytes(gdb.selected_inferior().read_memory(address, size))


def symbol(address):
    """The function's name, or its address."""
    if not address:
        return "-"
    text = gdb.execute("info symbol %#x" % address, to_string=True)
    match = re.match(r"(\S+)(?: \+ \d+)? in section", text)
    return match.group(1) if match else "%#x" % address


def span(ns):
    """A length of time for people."""
    if ns is None:
        return "?"
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= size:
            return "%.1f %s" % (ns / size, unit)
    return "%d ns" % ns


class Record:
    def __init__(self, raw):
        self.subject, self.handler, word, self.tick = raw
        self.kind = word >> 32
        self.value = word & 0xffffffff

    def text(self, duration):
        kind = KINDS[self.kind] if self.kind < len(KINDS) else "?"
        if self.kind == WAKE:
            if self.value == 0xffffffff:
                what = "interrupted"
            else:
                what = "%d events" % self.value
            return "%-8s after a wait of %s, %s" % (kind, span(self.handler),
                                                   what)
        text = "%-8s %s for %s" % (kind, symbol(self.handler), span(duration))
        if self.kind == TIMER:
            return text + ", late by %s" % span(self.subject)
        if self.kind == CALL:
            text += ", facts %#x" % self.value
        return text + ", token %#x" % self.subject


class Thread:
    def __init__(self, pool, index):
        self.name = "ctl" if index + 1 == pool.threads else str(index)
        block = (pool.address + pool.threads_offset +
                 index * pool.thread_stride)
        (count, self.woke_ns, _, _, _, _,
         self.waits_ns) = struct.unpack("=7Q", read(block + pool.line_offset,
                                                    56))
        data = read(block + pool.records_offset,
                    pool.records * pool.record_size)
        self.records = []
        for n in range(max(0, count - pool.records), count):
            at = n % pool.records * pool.record_size
            self.records.append(Record(struct.unpack_from("=4Q", data, at)))
        # The newest may have been half written; its clock is written last.
        if (len(self.records) > 1 and
                self.records[-1].tick < self.records[-2].tick):
            self.records.pop()

    def wakes(self):
        return [r for r in self.records if r.kind == WAKE]

    def durations(self, pace):
        """How long each record lasted; None if nobody knows."""
        result = []
        for this, after in zip(self.records, self.records[1:]):
            ns = None
            if pace:
                ns = (after.tick - this.tick) * pace
                if after.kind == WAKE:
                    ns -= after.handler
            result.append(ns if ns is None or ns > 0 else 0)
        return result + [None]


class Pool:
    def __init__(self, address):
        self.address = address
        header = HEADER.unpack(read(address, HEADER.size))
        for name, value in zip(HEADER_NAMES, header):
            setattr(self, name, value)
        if self.magic != MAGIC or self.version != VERSION:
            raise gdb.GdbError("no pool that this weir.py can read")
        self.name = self.pool_name.split(b"\0")[0].decode(errors="replace")
        self.all = [Thread(self, i) for i in range(self.threads)]

    def pace(self):
        """Nanoseconds of a tick: of the two WAKEs furthest apart."""
        best = (0, None)
        for thread in self.all:
            wakes = thread.wakes()
            if len(wakes) > 1 and wakes[-1].tick > wakes[0].tick:
                ticks = wakes[-1].tick - wakes[0].tick
                ns = wakes[-1].subject - wakes[0].subject
                best = max(best, (ticks, ns / ticks))
        return best[1]


def pools():
    found = []
    for line in gdb.execute("info proc mappings", to_string=True).split("\n"):
        match = re.match(r"\s*(0x[0-9a-f]+)\s+0x[0-9a-f]+\s+0x[0-9a-f]+\s+"
                         r"0x0\s.*memfd:weir-stats", line)
        if match:
            found.append(Pool(int(match.group(1), 16)))
    if not found:
        raise gdb.GdbError("no weir pool is mapped here")
    return found


class Weir(gdb.Command):
    """What the pools of weir are doing: threads, records."""

    def __init__(self):
        super().__init__("weir", gdb.COMMAND_DATA, prefix=True)


class Threads(gdb.Command):
    """weir threads: what each thread of each pool is doing"""

    def __init__(self):
        super().__init__("weir threads", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        for pool in pools():
            print("pool %s of process %d" % (pool.name, pool.pid))
            for thread in pool.all:
                self.show(thread, pool.pace())

    @staticmethod
    def show(thread, pace):
        newest = thread.records[-1] if thread.records else None
        if thread.woke_ns == 0:
            print("  %-4s in the kernel since %.6f s" %
                  (thread.name, thread.waits_ns / 1e9))
        elif newest is None or newest.kind == WAKE:
            print("  %-4s awake since %.6f s, in no handler" %
                  (thread.name, thread.woke_ns / 1e9))
        else:
            print("  %-4s awake since %.6f s, in %s %s, token %#x" %
                  (thread.name, thread.woke_ns / 1e9, KINDS[newest.kind],
                   symbol(newest.handler),
                   0 if newest.kind == TIMER else newest.subject))


class Records(gdb.Command):
    """weir records [THREAD [COUNT]]: the last events of a thread, or of all"""

    def __init__(self):
        super().__init__("weir records", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        count = int(words[1]) if len(words) > 1 else 20
        for pool in pools():
            pace = pool.pace()
            for thread in pool.all:
                if words and words[0] != thread.name:
                    continue
                print("%s/%s, %d events" % (pool.name, thread.name,
                                            len(thread.records)))
                lines = list(zip(thread.records, thread.durations(pace)))
                for record, duration in lines[-count:]:
                    print("  " + record.text(duration))


Weir()
Threads()
Records()
