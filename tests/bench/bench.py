#!/usr/bin/python3
"""bench.py - Postern beside other filters, in one run on one machine; see README.md.

    tests/bench/bench.py --build-dir BUILD [--rounds 5] [--seconds 2] [--only NAME]... [--json FILE]

Every peer stands between the same generator (load.c: 8 connections, every mail distinct) and the same smtp-sink.  All run
at once and idle while another is measured; rounds alternate between them, a round starts mails for --seconds.
What is printed is the median of the rounds and, after +-, half the distance between the least and the greatest.
Memory is measured afterwards with each peer alone, because PSS shares out what processes of several peers have in common.
"""
import argparse, json, os, sys, time

sys.dont_write_bytecode = True
import peers
from rig import Rig, Trouble, machine, median_and_spread

WORKLOADS = (("4 KiB mails, a connection for each", 4096, False), ("4 KiB mails, connections kept", 4096, True),
             ("1 MiB mails, a connection for each", 1 << 20, False))
WITH_SMTP_SOURCE = ("no filter", "haproxy", "postern, no scanner")


def start_peers(rig, sink, clamd, wanted):
    running = []
    for peer in wanted:
        try:
            running.append(peer(rig, sink, clamd))
        except Trouble as e:
            print(f"LEFT OUT: {peer.name}: {e}\n")
    for peer in running:
        answer = peers.answer_to_eicar(peer.port)
        if peer.scans and not peers.is_caught(answer):
            raise Trouble(f"{peer.name} lets EICAR's test file pass, answering \"{answer}\": what it would measure is worth nothing")
        if peer.group and not peer.scans and peers.is_caught(answer):
            raise Trouble(f"{peer.name} answers \"{answer}\" though it is to scan nothing")
    return running


def one_round(rig, peer, clamd, size_bytes, kept, seconds):
    before, clamd_before = peer.group.cpu_ms() if peer.group else 0, clamd.group.cpu_ms()
    mails, elapsed = rig.load(peer.port, size_bytes, seconds=seconds, kept=kept)
    if mails == 0:
        raise Trouble(f"{peer.name} took no mail within {seconds} seconds; give more with --seconds")
    time.sleep(0.05)   # what it still does after its last answer belongs to the mails too
    return {"rate": mails / elapsed, "cpu": (peer.group.cpu_ms() - before) / mails if peer.group else None,
            "clamd": (clamd.group.cpu_ms() - clamd_before) / mails if peer.uses_clamd else None}


def measure_workload(rig, running, clamd, workload, options):
    title, size_bytes, kept = workload
    rounds = {peer.name: [] for peer in running}
    for peer in running:
        one_round(rig, peer, clamd, size_bytes, kept, max(options.seconds / 2, 0.5))
    for _ in range(options.rounds):
        for peer in running:
            rounds[peer.name].append(one_round(rig, peer, clamd, size_bytes, kept, options.seconds))
    return {name: {what: median_and_spread([r[what] for r in rows]) if rows[0][what] is not None else None for what in rows[0]}
            for name, rows in rounds.items()}


def measure_smtp_source(rig, running, results, workload, options):
    title, size_bytes, kept = workload
    rounds = {peer.name: [] for peer in running if peer.name in WITH_SMTP_SOURCE}
    for _ in range(options.rounds):
        for peer in running:
            if peer.name in rounds:
                mails = max(int(results[peer.name]["rate"][0] * options.seconds), 50)
                count, elapsed = rig.smtp_source(peer.port, size_bytes, mails, kept)
                rounds[peer.name].append(count / elapsed)
    return {name: median_and_spread(rates) for name, rates in rounds.items()}


def measure_memory(rig, sink, clamd, running):
    """Each alone, after mails of both sizes."""
    memory = {}
    while rig.started and rig.started[-1][1] is not clamd.group:
        rig.stop(*rig.started[-1])
    for peer in (type(p) for p in running if p.group):
        one = peer(rig, sink, clamd)
        for size_bytes in (4096, 1 << 20):
            rig.load(one.port, size_bytes, seconds=1)
        memory[peer.name] = one.group.pss_mib()
        rig.stop(*rig.started[-1])
    return memory


# --- what is printed ---

def ratio(a, b):
    return f"{a / b:.2f}" if a is not None and b else "-"


def cell(pair, digits):
    return f"{pair[0]:.{digits}f} +-{pair[1]:.0f}%" if pair else "-"


def print_workload(title, results):
    amavisd, haproxy = results.get("amavisd-new + clamd"), results.get("haproxy")
    print(f"\n{title}\n  {'':22} {'mails/s':>14} {'x amavisd':>10} {'x haproxy':>10} {'CPU ms/mail':>14} {'of amavisd':>10} {'of haproxy':>10} {'clamd ms/mail':>14}")
    for name, r in results.items():
        base = [x[what][0] if x and x[what] else None for what in ("rate", "cpu") for x in (amavisd, haproxy)]
        cpu = r["cpu"][0] if r["cpu"] else None
        print(f"  {name:22} {cell(r['rate'], 1):>14} {ratio(r['rate'][0], base[0]):>10} {ratio(r['rate'][0], base[1]):>10} {cell(r['cpu'], 3):>14}"
              f" {ratio(cpu, base[2]):>10} {ratio(cpu, base[3]):>10} {cell(r['clamd'], 3):>14}")


def print_smtp_source(title, results):
    print(f"\n{title}, for comparison by smtp-source (the same body in all)")
    for name, pair in results.items():
        against = results.get("haproxy")
        print(f"  {name:22} {cell(pair, 1):>14} {'':>10} {ratio(pair[0], against[0] if against else None):>10}")


def print_memory(memory):
    print("\nMemory: PSS of all processes of each, alone, after mails of both sizes")
    amavisd, haproxy = memory.get("amavisd-new + clamd"), memory.get("haproxy")
    for name, mib in memory.items():
        print(f"  {name:22} " + (f"{mib:8.1f} MiB  {ratio(mib, amavisd):>6} of amavisd  {ratio(mib, haproxy):>6} of haproxy" if mib is not None
                                 else "unknown (it may not be read without root)"))


def verdicts(tables):
    """(what, value or None, floor, goal, whether more is better)"""
    new, kept = tables.get(WORKLOADS[0][0], {}), tables.get(WORKLOADS[1][0], {})

    def figure(table, name, what):
        row = table.get(name)
        return row[what][0] if row and row[what] else None

    def against(table, name, base, what="rate"):
        a, b = figure(table, name, what), figure(table, base, what)
        return a / b if a is not None and b else None

    yield "with clamd, mails/s, x amavisd-new", against(new, "postern + clamd", "amavisd-new + clamd"), 10, 14, True
    yield "with libclamav, mails/s, x amavisd-new", against(new, "postern + libclamav", "amavisd-new + clamd"), 13, 18, True
    yield "with clamd, CPU ms per mail", figure(new, "postern + clamd", "cpu"), 0.5, 0.35, False
    yield "with libclamav, CPU ms per mail", figure(new, "postern + libclamav", "cpu"), 0.5, 0.35, False
    yield "with clamd, CPU per mail, of amavisd-new's", against(new, "postern + clamd", "amavisd-new + clamd", "cpu"), 0.05, 0.05, False
    yield "no scanner, new connections, x haproxy", against(new, "postern, no scanner", "haproxy"), 0.8, 1.1, True
    yield "no scanner, kept connections, x haproxy", against(kept, "postern, no scanner", "haproxy"), 0.5, 0.65, True


def print_verdicts(tables):
    print("\nFloors and goals (4 KiB mails)")
    missed = 0
    for what, value, floor, goal, more in verdicts(tables):
        if value is None:
            print(f"  {what:44} not measured")
            continue
        meets = lambda bound: value >= bound if more else value <= bound
        missed += not meets(floor)
        word = "goal met" if meets(goal) else "floor met, goal missed" if meets(floor) else "FLOOR MISSED"
        print(f"  {what:44} {value:8.3f}   floor {floor}, goal {goal}: {word}" + ("" if meets(goal) else f" ({(value / (goal if meets(floor) else floor) - 1) * 100:+.0f} %)"))
    return missed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build-dir", required=True, help="a build made with CFLAGS=-O2 and no sanitizer")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a round")
    parser.add_argument("--only", action="append", help="only peers whose name has this in it; may be given again")
    parser.add_argument("--workload", action="append", type=int, choices=range(len(WORKLOADS)), help="0 new connections, 1 kept, 2 1 MiB")
    parser.add_argument("--json", help="write all figures to this file too")
    parser.add_argument("--keep", action="store_true", help="leave the private folder with its logs")
    options = parser.parse_args()
    wanted = [p for p in peers.PEERS if not options.only or any(o in p.name for o in options.only)]
    chosen = [WORKLOADS[i] for i in options.workload or range(len(WORKLOADS))]
    with Rig(options.build_dir, options.keep) as rig:
        print(f"{machine()}\n{peers.WORKERS} workers each, {peers.REQUESTS} mails per worker, 8 connections, tmpfs {rig.folder}, database: EICAR and"
              f" padding, {options.rounds} rounds of {options.seconds:g} s, CPU time from {'a control group' if rig.group('try').folder else '/proc'}")
        database, sink = peers.make_database(rig), peers.start_sink(rig)
        clamd = peers.Clamd(rig, database)
        running = start_peers(rig, sink, clamd, wanted)
        tables, sources = {}, {}
        for workload in chosen:
            tables[workload[0]] = measure_workload(rig, running, clamd, workload, options)
            print_workload(workload[0], tables[workload[0]])
            if workload[1] == 4096:
                sources[workload[0]] = measure_smtp_source(rig, running, tables[workload[0]], workload, options)
                print_smtp_source(workload[0], sources[workload[0]])
            sys.stdout.flush()
        memory = measure_memory(rig, sink, clamd, running)
        print_memory(memory)
        missed = print_verdicts(tables)
        if options.json:
            with open(options.json, "w") as f:
                json.dump({"machine": machine(), "tables": tables, "smtp_source": sources, "pss_mib": memory}, f, indent=1)
    return 1 if missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Trouble as e:
        sys.exit(f"bench.py: {e}")
