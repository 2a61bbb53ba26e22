#!/usr/bin/python3
"""large.py - how fast 20 MiB mails pass through Postern with all checks bypassed, beside the same source straight into smtp-sink.

    tests/bench/large.py --build-dir BUILD [--rounds 5] [--mails 20]

Floor: a quarter of what smtp-sink takes directly; goal: half.  See README.md.
"""
import argparse, sys

sys.dont_write_bytecode = True
import peers
from rig import Rig, Trouble, machine, median_and_spread

SIZE_BYTES, FLOOR, GOAL = 20 << 20, 0.25, 0.5


def measure(rig, running, connections, options):
    rates = {peer.name: [] for peer in running}
    for round_number in range(options.rounds + 1):
        for peer in running:
            mails, seconds = rig.load(peer.port, SIZE_BYTES, mails=options.mails, connections=connections)
            if round_number:    # the first one only warms up
                rates[peer.name].append(mails * SIZE_BYTES / seconds / (1 << 20))
    return {name: median_and_spread(values) for name, values in rates.items()}


def judge(results):
    share = results["postern, all bypassed"][0] / results["no filter"][0]
    print(f"  share {share:.2f}   floor {FLOOR}, goal {GOAL}: {'goal met' if share >= GOAL else 'floor met, goal missed' if share >= FLOOR else 'FLOOR MISSED'}")
    return share >= FLOOR


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build-dir", required=True, help="a build made with CFLAGS=-O2 and no sanitizer")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mails", type=int, default=20, help="in a round")
    parser.add_argument("--keep", action="store_true", help="leave the private folder with its logs")
    options = parser.parse_args()
    with Rig(options.build_dir, options.keep) as rig:
        print(f"{machine()}\n20 MiB mails (base64), {options.rounds} rounds of {options.mails} mails")
        sink = peers.start_sink(rig)
        running = [peer(rig, sink, None) for peer in (peers.NoFilter, peers.Haproxy, peers.PosternBypass)]
        met = True
        for connections in (1, 4):
            results = measure(rig, running, connections, options)
            print(f"\n{connections} connection{'s' * (connections > 1)}")
            for name, (median, spread) in results.items():
                print(f"  {name:22} {median:8.1f} MiB/s +-{spread:.0f}%")
            met = judge(results) and met
            sys.stdout.flush()
    return 0 if met else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Trouble as e:
        sys.exit(f"large.py: {e}")
