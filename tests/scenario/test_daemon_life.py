#!/usr/bin/python3
"""test_daemon_life.py - reload and stop: a mail under way is finished by the configuration it began with, an idle session gets 421,
a configuration that does not load changes nothing and its errors reach who asked, stop finishes the mails in hand."""
import os
import re
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from postern import *  # noqa: E402,F401,F403

LUA = 'compatibility_level = 1\nlocal_domains_maps = { { ".example.com" } }\n'


def generation(p):
    return p.status()["generation"]


def one_generation(p, seconds=30):
    return p.wait(lambda: p.status()["generations"] == 1, seconds, "the old generation does not leave")


def reload_keeps_sessions(t, p, hop, other):
    """One session in the middle of a mail, one between mails."""
    first = generation(p)
    with Client(p.port) as busy, Client(p.port) as idle, Client(p.port) as early:
        for c in busy, idle, early:
            c.hello()
        idle.send_mail(mail(), ["rcpt@example.com"])
        hop.forget()
        busy.envelope(["rcpt@example.com"])
        busy.say("DATA")
        data = stuff(mail(b"half and\r\nhalf\r\n"))
        busy.write(data[:-12])
        early.say("MAIL FROM:<early@example.org>")
        code, out, err = p.reload(LUA + 'forward_method = "%s"\n' % other.method)
        t.equal((code, err), (0, ""), "reload: done")
        t.match(out, r"generation %d" % (first + 1), "reload: says which generation is in force")
        t.equal(generation(p), first + 1, "reload: a new generation")
        t.equal(send(p.port, mail(b"new\r\n")).code, 250, "a new session: taken")
        t.equal([c.below for c in other.wait_mails(1)], [b"new\r\n"], "a new session: goes by the new configuration")
        t.equal(hop.caught, [], "and not by the old one")
        try:
            t.match(idle.say("MAIL FROM:<x@example.org>").text, r"^421 4\.3\.2 ", "a session between mails: 421")
        except (Closed, OSError) as e:
            t.match(str(e) + idle.pending.decode(), r"421 4\.3\.2", "a session between mails: 421")
        busy.write(data[-12:])
        t.equal(busy.final().code, 250, "a session within a mail: finishes it")
        t.equal([c.below for c in hop.wait_mails(1)], [b"half and\r\nhalf\r\n"], "by the old configuration")
        early.say("RCPT TO:<rcpt@example.com>")
        t.equal(early.data(mail(b"early\r\n")).code, 250, "a session with an envelope: finishes its mail")
        t.match(goodbye(early), r"^421 4\.3\.2 ", "and then gets 421")
    one_generation(p)
    t.ok(True, "the old generation leaves when its sessions have ended")


def goodbye(c):
    try:
        return c.say("NOOP").text
    except OSError:
        return c.read().text


def broken_reload(t, p, hop):
    """Two mistakes; both are said, with file and line, to who asked; nothing changes."""
    before = generation(p)
    with Client(p.port) as c:
        c.hello()
        broken = LUA + "\nmax_serverz = 3\nfinal_virus_destiny = 7000\n"
        code, out, err = p.reload(broken)
        said = out + err
        t.equal(code, 78, "broken configuration: exit code")
        t.match(said, r"%s:\d+: max_serverz: .*max_servers" % re.escape(p.config_file), "broken configuration: file, line, name, the nearest name")
        t.match(said, r"%s:\d+: final_virus_destiny: " % re.escape(p.config_file), "broken configuration: all mistakes at once")
        with open(p.config_file) as f:
            numbers = [number for number, text in enumerate(f, 1) if "max_serverz" in text]
        t.match(said, r":%d: max_serverz" % numbers[0], "broken configuration: the very line")
        t.equal(generation(p), before, "broken configuration: no new generation")
        t.equal(p.status()["generations"], 1, "broken configuration: nothing of it stays")
        t.equal(c.send_mail(mail(), ["rcpt@example.com"]).code, 250, "broken configuration: open sessions go on")
    t.match(send(p.port, eicar_mail()).text, "^250 2.7.0 Ok, discarded", "broken configuration: new ones too")
    t.equal(p.counter("reloads-failed"), 1, "broken configuration: counted")
    p.process.send_signal(signal.SIGHUP)
    p.wait_log("max_serverz", count=1)
    p.wait(lambda: p.counter("reloads-failed") == 2, what="HUP with a broken configuration is not counted")
    t.equal(generation(p), before, "HUP with a broken configuration: nothing changes, the log says why")
    p.configure("syntax error here (")
    code, out, err = p.reload()
    t.equal(code, 78, "no Lua: exit code")
    t.match(out + err, r"%s:\d+: .*(syntax|near)" % re.escape(p.config_file), "no Lua: file and line")
    os.rename(p.config_file, p.config_file + ".away")
    code, out, err = p.reload()
    t.equal(code, 78, "no file: exit code")
    t.match(out + err, re.escape(p.config_file) + ".*No such file", "no file: says so")
    os.rename(p.config_file + ".away", p.config_file)
    at = generation(p)
    code, out, err = p.reload(LUA + "local n = {} for i = 0, 19999 do n[i + 1] = string.format('10.%d.%d.0/24', i // 250, i % 250) end\ninet_acl = n\n")
    t.equal(code, 78, "more networks than fit into a record: exit code")
    t.match(out + err, "the settings for reception cannot be handed to it: Message too long .*networks", "more networks: says so")
    t.equal(generation(p), at, "more networks: nothing changes")
    p.configure(LUA)


def hangup(t, p, hop):
    before = generation(p)
    p.configure(LUA + "final_virus_destiny = D_REJECT\n")
    p.process.send_signal(signal.SIGHUP)
    p.wait(lambda: generation(p) > before, what="HUP does not reload")
    t.match(send(p.port, eicar_mail()).text, "^554 5.7.0 Reject", "HUP: the new configuration holds")
    one_generation(p)


def joined(t, p, hop):
    """Many requests at once, with a session that holds the oldest generation: never more than two alive."""
    with Client(p.port) as c:
        c.hello()
        c.envelope(["rcpt@example.com"])
        c.say("DATA")
        codes, most, threads, until = [], [0], [], time.monotonic() + 5
        for _ in range(6):
            threads.append(threading.Thread(target=lambda: codes.append(p.ctl("reload")[0])))
            threads[-1].start()
        while any(thread.is_alive() for thread in threads):
            most[0] = max(most[0], p.status()["generations"])
            if most[0] > 2 or time.monotonic() > until:
                break
            time.sleep(0.02)
        t.ok(most[0] <= 2, "reloads at once: two generations at most", most)
        c.write(stuff(mail(b"held\r\n")))
        t.match(c.final().text, r"^(250|4\d\d)", "reloads at once: the session that was held is answered")
        for thread in threads:
            thread.join(60)
        t.equal(codes, [0] * 6, "reloads at once: each is answered")
    one_generation(p)
    t.equal(send(p.port, mail()).code, 250, "reloads at once: mail passes")


def listeners_stay(t, p, hop):
    """Connections come in all the while that reloads go on: none is refused."""
    stop, problems, done = threading.Event(), [], [0]

    def knock():
        while not stop.is_set():
            try:
                reply = send(p.port, mail())
                if reply.code not in (250, 421, 451):
                    problems.append(reply.text)
                done[0] += reply.code == 250
            except ConnectionRefusedError as e:
                problems.append(repr(e))
            except (Closed, OSError, IndexError):
                pass        # a session that the old generation closed before the greeting was read

    threads = [threading.Thread(target=knock) for _ in range(2)]
    for thread in threads:
        thread.start()
    codes = [p.ctl("reload")[0] for _ in range(4)]
    stop.set()
    for thread in threads:
        thread.join(60)
    t.equal(codes, [0] * 4, "reloads under mail: done")
    t.equal(problems, [], "reloads under mail: no connection is refused")
    t.ok(done[0] > 4, "reloads under mail: mail passes", done)
    one_generation(p)


def new_listener(t, p, hop):
    """A reload may open ports and close them."""
    port = p.values["port2"]
    code, out, err = p.reload(LUA + 'listen_sockets = { "127.0.0.1:%(port)d", "127.0.0.1:%(port2)d" }\n')
    t.equal(code, 0, "a further listener: reload" + err)
    t.equal(send(port, mail()).code, 250, "a further listener: mail passes")
    code, out, err = p.reload(LUA)
    one_generation(p)
    try:
        Client(port).close()
        t.ok(False, "a listener less: nobody listens any more")
    except OSError:
        t.ok(True, "a listener less: nobody listens any more")
    t.equal(send(p.port, mail()).code, 250, "a listener less: the other one stays")


def stop_finishes(t, hop):
    for how in "posternctl stop", "TERM":
        hop.forget()
        hop.replies["."] = Delay(1.5, None)
        with Postern(t, hop, LUA, name="posternd stopped by " + how) as p, Client(p.port) as idle, Client(p.port) as busy, Client(p.port) as slow:
            idle.hello()
            replies = []
            busy.hello()
            thread = threading.Thread(target=lambda: replies.append(busy.send_mail(mail(b"in hand\r\n"), ["rcpt@example.com"])))
            thread.start()
            p.wait(lambda: [x for x in p.status()["processes"] if x["stage"] == "deliver"], what="no mail is being delivered")
            if how == "TERM":
                p.process.send_signal(signal.SIGTERM)
            else:
                code, out, err = p.ctl("stop")
                t.equal(code, 0, "%s: exit code, %s" % (how, (out + err).strip()))
            thread.join(30)
            t.equal([r.code for r in replies], [250], "%s: the mail in hand is finished" % how)
            t.equal([c.below for c in hop.caught], [b"in hand\r\n"], "%s: and delivered" % how)
            t.match(goodbye(idle), r"^421 4\.3\.2 ", "%s: an idle session gets 421" % how)
            t.equal(p.wait_end(30), 0, "%s: exit code of the master" % how)
            try:
                Client(p.port).close()
                t.ok(False, "%s: nobody listens any more" % how)
            except OSError:
                t.ok(True, "%s: nobody listens any more" % how)
            t.ok(not os.path.exists(p.control), "%s: the control socket is gone" % how)
        hop.replies.clear()
    code, _, err = p.ctl("status")
    t.ok(code == 69 and "is posternd running" in err, "posternctl without a daemon says so", err)


def master_killed(t, hop):
    """Nobody cleans up after it, but everybody leaves, and the next one starts."""
    with Folder() as folder:
        p = Postern(None, hop, LUA, folder=folder)
        p.process.kill()
        p.process.wait()
        p.wait(lambda: not p.pids(), 20, "children of a killed master stay")
        t.ok(True, "master killed: its children leave")
        p.start()
        t.equal(send(p.port, mail()).code, 250, "master killed: another one starts in its place")
        t.equal(p.close(), [], "and stops in good order")


def drops_rights(t, p):
    """Run by root, nothing but the master stays root."""
    if os.getuid() != 0:
        return t.skip("nothing but the master stays root", "not run by root")
    owners = {x["role"]: os.stat("/proc/%d" % x["pid"]).st_uid for x in p.status()["processes"]}
    others = {role: uid for role, uid in owners.items() if role != "master"}
    return t.ok(others and all(uid == p.uid for uid in others.values()), "nothing but the master stays root", owners)


def main():
    with Tap() as t, Catcher() as hop, Catcher() as other:
        with Postern(t, hop, LUA) as p:
            drops_rights(t, p)
            reload_keeps_sessions(t, p, hop, other)
            p.reload(LUA)
            broken_reload(t, p, hop)
            hangup(t, p, hop)
            joined(t, p, hop)
            listeners_stay(t, p, hop)
            new_listener(t, p, hop)
            t.equal(p.temp_files(), [], "nothing is left in the work area")
        stop_finishes(t, hop)
        master_killed(t, hop)


if __name__ == "__main__":
    main()
