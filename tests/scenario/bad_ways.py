"""bad_ways.py - every way in which a daemon that is asked in lines may fail; none of them is ever called clean."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import probe  # noqa: E402
from fake_scanner import GARBAGE, HANG_S, Full, Server, in_single_bytes  # noqa: E402


class Dialogue:
    """How one plugin is talked to. start(talk): up to the moment where its last answer is due; clean, found: that answer; name: found's;
    again(talk): the same within a session that is kept."""

    def __init__(self, plugin, start, clean, found, name, again=None, options=()):
        self.plugin, self.start, self.clean, self.found, self.name = plugin, start, clean, found, name
        self.again, self.options = again or start, list(options)

    def scan(self, *addresses, content=b"hello", deadline_ms=5000, times=1, options=(), parts=1):
        with probe.Folder() as folder:
            given = [x for n in range(parts) for x in ("-P", folder.file("part%d" % n, content))]
            extra = ["-o" if k % 2 == 0 else o for o in self.options + list(options) for k in (0, 1)]
            sockets = [x for a in addresses for x in ("-o", "socket=" + a)]
            answers, _, _ = probe.run("-t", deadline_ms, "-r", times, *given, "-p", self.plugin, *sockets, *extra)
            return answers if times > 1 else answers[0]

    def version(self, *addresses, deadline_ms=5000, options=()):
        extra = ["-o" if k % 2 == 0 else o for o in self.options + list(options) for k in (0, 1)]
        sockets = [x for a in addresses for x in ("-o", "socket=" + a)]
        answers, _, _ = probe.run("-v", "-t", deadline_ms, "-p", self.plugin, *sockets, *extra)
        return answers[0]

    def answering(self, reply, wait_s=0):
        def script(talk, _):
            self.start(talk)
            talk.say(reply)
            time.sleep(wait_s)
        return script

    def hear(self, reply, **more):
        with Server(self.answering(reply)) as server:
            return self.scan(server.address, **more)


def not_clean(answer, what):
    assert answer.result not in ("OK", "NOTHING") and not answer.found, (what, answer)
    assert answer.error, answer


def clean_and_found(d):
    answer = d.hear(d.clean)
    assert answer.result == "OK" and not answer.found, answer
    answer = d.hear(d.found)
    assert answer.result == "OK" and [f.split(":", 1)[1] for f in answer.found] == [d.name], answer


def half_answers(d):
    for n in range(len(d.clean)):
        not_clean(d.hear(d.clean[:n]), d.clean[:n])


def garbage(d):
    for reply in GARBAGE:
        if reply.startswith(b"1:") and d.plugin == "sophie":
            assert d.hear(reply).found      # that is how Sophie names a virus
            continue
        not_clean(d.hear(reply), reply)
        with Server(lambda talk, _, reply=reply: (talk.say(reply), talk.rest())) as server:
            not_clean(d.scan(server.address, deadline_ms=700), reply)


def early_close(d):
    with Server(lambda talk, _: None) as server:
        not_clean(d.scan(server.address), "closed at once")


def refused(d):
    with Server(lambda talk, _: None) as server:
        server.refuse()
        answer = d.scan(server.address)
        not_clean(answer, "refused")
        assert answer.result == "TEMPFAIL" and server.address in answer.error, answer


def hangs(d):
    with Full() as full:
        late = [d.scan(full.address, deadline_ms=600)]
    for script in (lambda talk, _: time.sleep(HANG_S), d.answering(b"", HANG_S), d.answering(d.clean[:-1], HANG_S)):
        with Server(script) as server:
            late.append(d.scan(server.address, deadline_ms=600))
    for answer in late:
        assert answer.result == "TEMPFAIL" and not answer.found and int(answer.fields["ms"]) < 1500, answer


def single_bytes(d):
    def script(talk, _):
        d.start(talk)
        in_single_bytes(talk, d.found)
    with Server(script) as server:
        answer = d.scan(server.address)
    assert answer.result == "OK" and len(answer.found) == 1, answer


def failover(d):
    for bad in (b"", d.clean[:-1], GARBAGE[1]):
        with Server(d.answering(bad)) as first, Server(d.answering(d.found)) as second:
            answer = d.scan(first.address, second.address)
            assert answer.result == "OK" and len(answer.found) == 1, answer
            assert first.connections == second.connections == 1
    with Server(d.answering(d.clean)) as second:
        assert d.scan("/nonexistent/socket", second.address).result == "OK"


def a_hanging_one_costs_one_mail(d):
    with Server(d.answering(b"", HANG_S)) as first, Server(d.answering(d.found)) as second:
        answers = d.scan(first.address, second.address, deadline_ms=700, times=2)
        assert answers[0].result == "TEMPFAIL" and not answers[0].found and len(answers[1].found) == 1, answers


def kept(d):
    def script(talk, _):
        d.start(talk)
        talk.say(d.clean)
        for _ in range(2):
            d.again(talk)
            talk.say(d.found)
        talk.rest()
    with Server(script) as server:
        answers = d.scan(server.address, times=3)
        assert [len(a.found) for a in answers] == [0, 1, 1] and server.connections == 1, (answers, server.connections)


def stale(d):
    """The kept session dies when it is used again: asked once more, on a new one."""
    def script(talk, number):
        d.start(talk)
        talk.say(d.clean)
        if number == 0:
            talk.more()
    with Server(script) as server:
        answers = d.scan(server.address, times=2)
        assert [a.result for a in answers] == ["OK", "OK"] and server.connections == 2, (answers, server.connections)


def one_answer_too_many(d):
    """What was said without being asked is no answer to the next question; and of two answers none is believed that says clean."""
    def script(talk, number):
        d.start(talk)
        talk.say(d.clean + d.clean if number == 0 else d.found)
        talk.rest()
    with Server(script) as server:
        answers = d.scan(server.address, times=2)
        assert len(answers[1].found) == 1 and server.connections == 2, answers
        not_clean(answers[0], "twice")
    not_clean(d.hear(d.clean + d.found), "clean, and then found")


def question_goes_on(d, script, version):
    """Whether one of them answers is asked of each; and of a hanging one not again. Else what none but the first is asked about would
    keep a scanner switched off that answers."""
    for first in (lambda talk, _: None, lambda talk, _: (talk.say(GARBAGE[1]), talk.rest())):
        with Server(first) as a, Server(script) as b:
            answer = d.version(a.address, b.address)
            assert answer.result == "OK" and answer.fields["version"] == version, answer
            assert a.connections >= 1
    with Server(script) as b:
        answer = d.version("/nonexistent/socket", b.address)
        assert answer.result == "OK" and answer.fields["version"] == version, answer


def upset_by_a_part(d, replies):
    """The first of these answers is a failure, the last names something: it is asked for all the same."""
    told = list(replies)

    def script(talk, _):
        d.start(talk)
        while True:
            talk.say(told.pop(0))
            d.again(talk)
    with Server(script) as server:
        answer = d.scan(server.address, parts=len(replies))
    assert answer.found == ["p%03d:%s" % (len(replies), d.name)] and answer.result == "TEMPFAIL", answer


ALL = (clean_and_found, half_answers, garbage, early_close, refused, hangs, single_bytes, failover, a_hanging_one_costs_one_mail, kept, stale,
       one_answer_too_many)


def define(module, d, ways=ALL):
    """Tests of the module, one for each way."""
    for way in ways:
        setattr(module, "test_" + way.__name__, lambda way=way: way(d))
