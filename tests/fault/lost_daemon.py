#!/usr/bin/python3
"""lost_daemon.py - the master killed, a generation that never gets ready, a work area that is full."""
from faulty import *  # pylint: disable=wildcard-import,unused-wildcard-import


def master_killed(t):
    """All leave, sockets are free: twenty times in a row."""
    with Catcher() as hop, Postern(t, hop, "max_servers = 3") as p:
        slowest, codes = 0.0, []
        for _ in range(20):
            codes.append(send(p.address, mail()).code)
            kill(p.process.pid)
            p.process.wait()
            began = time.monotonic()
            while p.pids() and time.monotonic() < began + 20:
                time.sleep(0.01)
            slowest = max(slowest, time.monotonic() - began)
            if p.pids():
                break
            p.start()
        t.equal(codes, [250] * 20, "the master killed, 20 times: it served before each")
        t.ok(slowest < 10, "the master killed: all its children left", "the slowest took %.1f s" % slowest)
        t.equal(send(p.address, mail()).code, 250, "the master killed: it serves after the last restart")


def master_killed_with_a_mail(t):
    with Catcher() as hop, Postern(t, hop) as p:
        hop.replies["."] = Delay(1.5, "250 2.0.0 Ok")
        client = Later(p.address, mail(subject="in hand"))
        worker_at(p, "deliver")
        kill(p.process.pid)
        p.process.wait()
        reply = client.wait()
        t.ok(reply is None or reply.code in (250, 451), "the master killed with a mail in hand: an answer or a closed connection", reply)
        p.wait(lambda: not p.pids(), 30, "somebody stays")
        t.equal(os.listdir(p.temp), [], "the master killed with a mail in hand: nothing is left in TEMPBASE")
        p.start()
        hop.replies["."] = "250 2.0.0 Ok"
        if reply is None or reply.code != 250:
            reply = send(p.address, mail(subject="in hand again"))
        t.equal(reply.code, 250, "the master killed with a mail in hand: it was or is delivered")


def never_ready(t):
    """The old configuration serves on; the new one's end is told; stop does not wait for it."""
    good = faulty("opener")
    hanging = "av_scanners = { %s }" % faulty("opener", 'load = "hang"')
    with Catcher() as hop, Postern(t, hop, scanners=good) as p:
        answer = {}

        def reload():
            answer["first"] = p.reload(hanging)
        waiting = threading.Thread(target=reload, daemon=True)
        waiting.start()
        stuck = p.wait(lambda: [x for x in p.status()["processes"] if x["role"] == "opener-template" and x["generation"] == 2], 20)[0]["pid"]
        t.equal(send(p.address, mail()).code, 250, "never ready: the old configuration serves")
        time.sleep(1)
        t.ok("first" not in answer, "never ready: the reload has no answer yet")
        p.configure("")
        kill(stuck)
        waiting.join(20)
        t.equal(answer.get("first", [None])[0], 78, "never ready, then killed: the reload is told so")
        t.equal(send(p.address, mail()).code, 250, "never ready, then killed: the old one serves on")
        t.equal(p.reload("")[0], 0, "never ready: a reload with a good configuration works afterwards")
        t.equal(send(p.address, mail()).code, 250, "never ready: and serves")
        threading.Thread(target=p.reload, args=(hanging,), daemon=True).start()
        p.wait(lambda: p.status()["generations"] == 2, 20)
        began = time.monotonic()
        t.equal(p.stop(20), 0, "never ready: stop while it loads")
        t.ok(time.monotonic() - began < 10, "never ready: stop does not wait for it")


def work_area_full(t):
    with Catcher() as hop, Postern(t, hop, 'work_area_limit = "256K"') as p:
        reply = send(p.address, mail(b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 6000))
        t.match(str(reply), "^452 4.3.1 ", "work area: more than its limit gets 452")
        t.equal(send(p.address, mail()).code, 250, "work area: a small mail passes")
        t.equal(p.status()["work_area_bytes"], 0, "work area: nothing stays counted")
        t.ok(p.counter("work-area-full") >= 1, "work area: counted")
        for _ in range(3):
            hop.replies["."] = Delay(3, "250 2.0.0 Ok")
            client = Later(p.address, mail((b"z" * 70 + b"\r\n") * 2000))
            worker_at(p, "deliver")
            kill(p.role_pids("reception")[0])
            client.wait()
            p.wait(lambda: p.is_up(), 20)
            hop.replies["."] = "250 2.0.0 Ok"
        p.wait(lambda: p.status()["work_area_bytes"] == 0 and p.status()["connections"] == 0, 20, "a killed reception's bytes stay counted")
        t.ok(True, "work area: what killed receptions held is not counted any more")
        t.equal(send(p.address, mail((b"z" * 70 + b"\r\n") * 2000)).code, 250, "work area: there is room again")


def disk_full(t):
    """A tmpfs of 1 MiB is TEMPBASE, where we may mount one."""
    if os.getuid() != 0 or not os.path.exists("/usr/bin/mount"):
        t.skip("disk full", "only root can mount")
        return
    with Catcher() as hop, Postern(t, hop, start=False) as p:
        options = "size=1m,mode=750,uid=%d,gid=%d" % (p.uid, p.gid)
        if os.system("/usr/bin/mount -t tmpfs -o %s postern-test %s 2>/dev/null" % (options, p.temp)) != 0:
            t.skip("disk full", "no mount here")
            return
        try:
            p.start()
            reply = send(p.address, mail((b"y" * 70 + b"\r\n") * 30000))
            t.match(str(reply), "^452 4.3.1 ", "disk full: 452")
            t.equal(send(p.address, mail()).code, 250, "disk full: a small mail passes")
            reply = send(p.address, mail((b"y" * 70 + b"\r\n") * 9000))
            t.ok(reply.code in (250, 451, 452), "disk full in the opener: no permanent answer", reply)
            t.equal(send(p.address, mail()).code, 250, "disk full in the opener: a small mail passes again")
            p.stop()
        finally:
            os.system("/usr/bin/umount -l %s" % p.temp)


if __name__ == "__main__":
    with Tap() as tap:
        master_killed(tap)
        master_killed_with_a_mail(tap)
        never_ready(tap)
        work_area_full(tap)
        disk_full(tap)
