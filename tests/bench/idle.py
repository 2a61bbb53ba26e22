#!/usr/bin/python3
"""idle.py - what 10,000 idle connections cost reception, and whether mails pass meanwhile.

    tests/bench/idle.py --build-dir BUILD [--connections 10000]

Half of the connections have only read the greeting, half have said EHLO and MAIL.  Floor: reception stays below 200 MiB; goal: below
100.  See README.md.
"""
import argparse, asyncio, contextlib, resource, sys, time

sys.dont_write_bytecode = True
import peers
from rig import Rig, Trouble, machine, pss_mib, rss_mib

FLOOR_MIB, GOAL_MIB = 200, 100


def process_of(peer, role):
    for pid in peer.group.members():
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/cmdline") as f:
                words = f.read().split("\0")
            if "--role" in words and words[words.index("--role") + 1] == role:
                return pid
    raise Trouble(f"there is no process of role {role}")


def memory_of(pid):
    try:
        return rss_mib(pid), pss_mib(pid)
    except PermissionError:
        return rss_mib(pid), None


def shown(memory):
    rss, pss = memory
    return f"RSS {rss:.1f} MiB, PSS " + (f"{pss:.1f} MiB" if pss is not None else "unknown")


async def say(reader, writer, line, expected):
    if line:
        writer.write(line)
    reply = b"250-"
    while reply[3:4] == b"-":
        reply = await asyncio.wait_for(reader.readline(), 60)
    if not reply.startswith(expected):
        raise Trouble(f"{line.strip()!r} was answered by {reply!r}")


async def idle_connection(port, number, gate):
    async with gate:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        await say(reader, writer, b"", b"220")
        if number % 2:
            await say(reader, writer, b"EHLO idle.example\r\n", b"250")
            await say(reader, writer, b"MAIL FROM:<idle@load.example>\r\n", b"250")
    return reader, writer


async def open_all(port, count):
    gate = asyncio.Semaphore(200)
    return await asyncio.gather(*(idle_connection(port, number, gate) for number in range(count)))


async def measure(rig, peer, options):
    reception = process_of(peer, "reception")
    rate = lambda: "%d mails in %.2f s" % mails_pass(rig, peer, options)
    print(f"  before:                   {shown(memory_of(reception))}; {rate()}")
    begin = time.monotonic()
    connections = await open_all(peer.port, options.connections)
    print(f"  {len(connections)} idle connections: {shown(memory_of(reception))}; opened in {time.monotonic() - begin:.1f} s")
    print(f"  mails meanwhile:          {rate()}")
    busy = memory_of(reception)
    print(f"  after these:              {shown(busy)}")
    alive = sum(1 for reader, _ in connections if not reader.at_eof())
    if alive != len(connections) or process_of(peer, "reception") != reception:
        raise Trouble(f"of {len(connections)} connections only {alive} are left")
    for _, writer in connections:
        writer.transport.abort()
    await asyncio.sleep(1)
    print(f"  all closed:               {shown(memory_of(reception))}")
    return busy[0]


def mails_pass(rig, peer, options):
    return rig.load(peer.port, 4096, mails=options.mails)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build-dir", required=True, help="a build made with CFLAGS=-O2 and no sanitizer")
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("--mails", type=int, default=500)
    parser.add_argument("--keep", action="store_true", help="leave the private folder with its logs")
    options = parser.parse_args()
    with Rig(options.build_dir, options.keep) as rig:
        if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < options.connections + 200:
            raise Trouble("the limit of open files (ulimit -Hn) is too low for so many connections")
        print(machine())
        peer = peers.PosternNoScanner(rig, peers.start_sink(rig), None)
        rss = asyncio.run(measure(rig, peer, options))
        print(f"reception {rss:.1f} MiB   floor {FLOOR_MIB}, goal {GOAL_MIB}: "
              + ("goal met" if rss < GOAL_MIB else "floor met, goal missed" if rss < FLOOR_MIB else "FLOOR MISSED"))
        return 0 if rss < FLOOR_MIB else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Trouble as e:
        sys.exit(f"idle.py: {e}")
