/* clamd.c - asks the ClamAV daemon, part by part.
 *
 * One session (IDSESSION) is kept open from mail to mail.  Over a unix socket
 * clamd gets the part's descriptor (FILDES), so it needs no right to our files;
 * over TCP, or where clamd refuses the descriptor, the bytes (INSTREAM).  Only a
 * reply that says OK in the right form is clean: whatever else comes is a
 * failure, and an exceeded size limit is a limit.
 *
 * A clamd that cannot make its temporary folder says OK to descriptors.  So the
 * EICAR test text is sent too, with the first scan that finds clamd there and
 * every few minutes: once clamd has found it, no scan counts while it does not,
 * nor one of another socket before it has.
 *
 * Of several sockets the one that works is kept; where it fails a part, the
 * others are asked in turn.  With `allmatch` every name is asked for: clamd
 * offers that (ALLMATCHSCAN) for path names only, one to a connection, outside
 * sessions, so clamd must be able to read our files. */
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define REPLY_MAX 4096
#define REPLIES_MAX (256 * 1024)	/* of ALLMATCHSCAN */
#define CHUNK_BYTES (64 * 1024)

struct options {
	struct postern_strings socket;
	bool fildes;
	bool session;
	bool allmatch;
	int64_t canary_interval_ms;
};

struct state {
	struct peers peers;
	bool paths_told;	/* that clamd cannot read our files was logged */
	unsigned next_id;	/* of the kept session's next command; clamd counts from 1 */
	bool fildes_refused;	/* on this connection: do not ask for it again */
	bool told;		/* that was logged */
	bool canary_known;	/* clamd has found the test text before */
	size_t canary_at;	/* the socket where it was found last */
	int64_t canary_due_ms;	/* when to send it next, by a clock that nobody sets; 0: at once */
};

/* One connection in use during one exchange. */
struct talk {
	struct postern_conn *conn;
	bool kept;		/* it was open before: it may have gone stale */
	unsigned id;		/* of the command last sent, 0 outside sessions */
	bool sent;		/* all of it was */
};

enum verdict { CLEAN, FOUND, LIMIT, REFUSED, GARBAGE, SILENT };

static const struct options *options_of(struct postern_call *call)
{
	return postern_options(postern_call_instance(call));
}

static struct state *state_of(struct postern_call *call)
{
	return *postern_state(postern_call_instance(call));
}

static bool talk_open(struct postern_call *call, struct talk *t)
{
	const struct options *o = options_of(call);
	struct state *s = state_of(call);
	*t = (struct talk){ .conn = postern_conn_kept(call), .kept = true };
	if (t->conn)
		return true;
	t->kept = false;
	s->next_id = 1;
	s->fildes_refused = false;
	t->conn = peers_connect(call);
	if (!t->conn)
		return false;
	return !o->session || postern_conn_write(call, t->conn, "zIDSESSION", sizeof "zIDSESSION") == 0;
}

static void talk_close(struct postern_call *call, struct talk *t)
{
	if (t->conn)
		postern_conn_close(call, t->conn);
	t->conn = NULL;
}

static void talk_done(struct postern_call *call, struct talk *t)
{
	if (options_of(call)->session)
		postern_conn_keep(call, t->conn);
	else
		postern_conn_close(call, t->conn);
	t->conn = NULL;
}

static void next_id(struct postern_call *call, struct talk *t)
{
	t->id = options_of(call)->session ? state_of(call)->next_id++ : 0;
}

/* Replies end with NUL; what is not clamd ends its lines otherwise, and shall not keep us waiting for one. */
static char *read_reply(struct postern_call *call, struct talk *t)
{
	char *text = postern_alloc(call, REPLY_MAX + 1);
	size_t n = 0;
	for (; n < REPLY_MAX; n++) {
		ssize_t got = postern_conn_read(call, t->conn, text + n, 1);
		if (got < 0)
			return NULL;
		if (got == 0) {
			postern_fail(call, POSTERN_TEMPFAIL, "clamd closed the connection after %zu bytes of reply", n);
			return NULL;
		}
		if (text[n] == '\0' || text[n] == '\n')
			break;
	}
	text[n] = '\0';
	return text;
}

/* Behind "ID: "; NULL when the reply is not to the command that was sent. */
static char *without_id(const struct talk *t, char *reply)
{
	char expected[16];
	if (t->id == 0)
		return reply;
	int n = snprintf(expected, sizeof expected, "%u: ", t->id);
	return strncmp(reply, expected, (size_t)n) == 0 ? reply + n : NULL;
}

static bool cut_end(char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);
	if (n < m || strcmp(text + n - m, end) != 0)
		return false;
	text[n - m] = '\0';
	return true;
}

/* "stream: OK", "fd[10]: Eicar-Signature FOUND", "INSTREAM size limit exceeded. ERROR". *text gets the name or the error. */
static enum verdict read_verdict(char *reply, char **text)
{
	char *colon = strstr(reply, ": ");
	*text = colon ? colon + 2 : reply;
	if (strstr(reply, "size limit exceeded"))
		return LIMIT;
	if (cut_end(reply, " ERROR"))
		return REFUSED;
	if (!colon)
		return GARBAGE;
	if (strcmp(*text, "OK") == 0)
		return CLEAN;
	if (strcmp(*text, "FOUND") == 0)
		**text = '\0';
	else if (!cut_end(*text, " FOUND"))
		return GARBAGE;
	if (strcmp(*text, "(null)") == 0)
		**text = '\0';
	return strncmp(*text, "Heuristics.Limits.Exceeded", 26) == 0 ? LIMIT : FOUND;
}

static bool send_descriptor(struct postern_call *call, struct talk *t, int fd)
{
	/* clamd wants one byte that carries the descriptor. Its offset goes along: who was asked before may have read to the end. */
	next_id(call, t);
	lseek(fd, 0, SEEK_SET);
	t->sent = postern_conn_write(call, t->conn, "zFILDES", sizeof "zFILDES") == 0 && postern_conn_write_fd(call, t->conn, "", 1, fd) == 0;
	return t->sent;
}

/* Chunks are a length in network order and that many bytes; a length of 0 ends them. One write each. */
static bool send_stream(struct postern_call *call, struct talk *t, int fd)
{
	static const char command[] = "zINSTREAM";
	char *buffer = postern_alloc(call, sizeof command + 4 + CHUNK_BYTES + 4);
	size_t at = sizeof command;
	off_t offset = 0;
	ssize_t n;
	next_id(call, t);
	memcpy(buffer, command, sizeof command);
	do {
		n = pread(fd, buffer + at + 4, CHUNK_BYTES, offset);
		if (n < 0) {
			postern_fail(call, POSTERN_TEMPFAIL, "reading the part: %s", strerror(errno));
			return false;
		}
		uint32_t length = htonl((uint32_t)n);
		memcpy(buffer + at, &length, sizeof length);
		if (postern_conn_write(call, t->conn, buffer, at + 4 + (size_t)n) != 0)
			return false;
		at = 0;
		offset += n;
		/* clamd speaks before the end only to refuse; writing on would end in a broken pipe. */
	} while (n > 0 && !postern_conn_readable(t->conn));
	t->sent = n == 0;
	return true;
}

/* Send the part and read what clamd says. A failed write may have an answer waiting: it says why. NULL: no answer. */
static char *exchange(struct postern_call *call, struct talk *t, int fd, bool by_descriptor)
{
	bool sent = by_descriptor ? send_descriptor(call, t, fd) : send_stream(call, t, fd);
	if (!sent && !postern_conn_readable(t->conn))
		return NULL;
	return read_reply(call, t);
}

static enum postern_result not_clamd(struct postern_call *call, const char *reply)
{
	return postern_fail(call, POSTERN_BROKEN, "this is not clamd, it said \"%.200s\"", reply);
}

static void note_refusal(struct postern_call *call, const char *text)
{
	struct state *s = state_of(call);
	s->fildes_refused = true;
	if (!s->told)
		postern_log(call, 0, "clamd does not take descriptors (%s): sending it the bytes instead", text);
	s->told = true;
}

/* After CLEAN and FOUND the session goes on; clamd ends it after an error, and what else is there nobody knows. */
static void settle(struct postern_call *call, struct talk *t, enum verdict v)
{
	if (v == CLEAN || v == FOUND)
		talk_done(call, t);
	else
		talk_close(call, t);
}

/* What one clamd says about the content of fd; *text: name, error, or what it said. SILENT: the call's failure text says why. */
static enum verdict ask_one(struct postern_call *call, int fd, bool may_be_stale, bool may_descriptor, char **text)
{
	struct state *s = state_of(call);
	struct talk t;
	if (!talk_open(call, &t)) {
		talk_close(call, &t);
		return SILENT;
	}
	bool by_descriptor = may_descriptor && options_of(call)->fildes && !s->fildes_refused && postern_conn_is_local(t.conn);
	char *reply = exchange(call, &t, fd, by_descriptor);
	char *said = reply ? without_id(&t, reply) : NULL;
	/* The size limit is told without an id: it is no answer to a finished command. */
	bool mine = said || (reply && strstr(reply, "size limit exceeded"));
	bool stale = !mine && t.kept && may_be_stale && peers_may_ask(call);	/* it ended, or says that it does */
	if (stale || !reply) {
		talk_close(call, &t);
		return stale ? ask_one(call, fd, false, may_descriptor, text) : SILENT;
	}
	postern_set_output(call, reply, strlen(reply));
	enum verdict v = read_verdict(said ? said : reply, text);
	if (!mine) {
		v = GARBAGE;
		*text = reply;
	} else if (v == CLEAN && (!t.sent || peer_says_more(call, t.conn))) {
		*text = t.sent ? "OK, and something else behind it" : "OK before it had got the part";
		v = GARBAGE;
	}
	settle(call, &t, v);
	if (v != REFUSED || !by_descriptor)
		return v;
	note_refusal(call, *text);
	v = ask_one(call, fd, false, false, text);
	s->fildes_refused = true;	/* on the connection opened for that, too */
	return v;
}

static bool answered(enum verdict v)
{
	return v == CLEAN || v == FOUND || v == LIMIT;
}

/* One after the other until one answers. */
static enum verdict ask(struct postern_call *call, int fd, char **text)
{
	enum verdict v;
	size_t asked = 0;
	do {
		v = ask_one(call, fd, true, true, text);
	} while (!answered(v) && peers_next(call, &asked));
	return v;
}

static enum postern_result judge(struct postern_call *call, const struct postern_part *part, enum verdict v, const char *text)
{
	unsigned number = postern_part_number(part);
	switch (v) {
	case CLEAN:
		return POSTERN_OK;
	case FOUND:
		postern_found(call, part, text);
		return POSTERN_OK;
	case LIMIT:
		return postern_fail(call, POSTERN_LIMIT, "part p%03u: %s", number, text);
	case REFUSED:
		return postern_fail(call, POSTERN_TEMPFAIL, "part p%03u: clamd says: %s", number, text);
	case SILENT:
		return POSTERN_TEMPFAIL;
	case GARBAGE:
		break;
	}
	return not_clamd(call, text);
}

/* "PATH: NAME FOUND" is reported, and is the verdict whatever else is said. A reply about another file is no reply. */
static enum verdict take_match(struct postern_call *call, const struct postern_part *part, const char *path, char *reply,
	enum verdict before, char **text)
{
	char *about = strstr(reply, postern_printf(call, "%s: ", strrchr(path, '/')));
	if (!about) {
		*text = reply;
		return before == FOUND ? FOUND : GARBAGE;
	}
	char *said;
	enum verdict v = read_verdict(about, &said);
	if (v == FOUND)
		postern_found(call, part, said);
	if (v == FOUND || before == FOUND)
		return FOUND;
	*text = said;
	return before == SILENT || v != CLEAN ? v : before;
}

/* All replies of one ALLMATCHSCAN, up to the end of file. */
static enum verdict take_matches(struct postern_call *call, struct postern_conn *conn, const struct postern_part *part,
	const char *path, char **text)
{
	size_t n = 0;
	enum verdict v = SILENT;
	char *all = postern_conn_read_all(call, conn, REPLIES_MAX, &n);
	if (!all)
		return SILENT;
	if (n == 0 || all[n - 1] != '\0') {
		postern_fail(call, POSTERN_TEMPFAIL, "clamd closed the connection after %zu bytes of reply", n);
		*text = NULL;
	} else {
		postern_set_output(call, all, strlen(all));
	}
	for (size_t at = 0; at < n && memchr(all + at, '\0', n - at);) {
		size_t length = strlen(all + at) + 1;	/* read_verdict cuts the text */
		v = take_match(call, part, path, all + at, v, text);
		at += length;
	}
	return v == FOUND || (n > 0 && all[n - 1] == '\0') ? v : SILENT;
}

static enum verdict ask_all_one(struct postern_call *call, const struct postern_part *part, const char *path, char **text)
{
	struct postern_conn *conn = peers_connect(call);
	const char *command = postern_printf(call, "zALLMATCHSCAN %s", path);
	if (!conn)
		return SILENT;
	enum verdict v = SILENT;
	if (postern_conn_write(call, conn, command, strlen(command) + 1) == 0 || postern_conn_readable(conn))
		v = take_matches(call, conn, part, path, text);
	postern_conn_close(call, conn);
	return v;
}

/* The path of the descriptor, from the kernel: to declare POSTERN_CAP_PATH would cost every mail a copy of its whole text as
 * p000, which is not worth its further names. NULL: it has none. */
static const char *path_of(struct postern_call *call, int fd)
{
	char *path = postern_alloc(call, PATH_MAX);
	ssize_t n = readlink(postern_printf(call, "/proc/self/fd/%d", fd), path, PATH_MAX - 1);
	if (n <= 0 || path[0] != '/' || strchr(path, '\n') || access(path, F_OK) != 0)
		return NULL;
	return path;
}

/* Every name that clamd has for the part. REFUSED: clamd cannot read the file. */
static enum verdict ask_all(struct postern_call *call, const struct postern_part *part, int fd, char **text)
{
	const char *path = path_of(call, fd);
	enum verdict v = REFUSED;
	size_t asked = 0;
	while (path) {
		v = ask_all_one(call, part, path, text);
		if (answered(v) || !peers_next(call, &asked))
			break;
	}
	return v;
}

static void note_unreadable(struct postern_call *call, const char *text)
{
	struct state *s = state_of(call);
	if (!s->paths_told)
		postern_log(call, 0, "allmatch: clamd does not read the part (%s): asking for the first name only", text);
	s->paths_told = true;
}

/* The test text, put together here so that no scanner finds it in this program. */
static int canary_open(void)
{
	static const char *const pieces[] = { "X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-", "TEST-FILE!$H+H*" };
	int fd = memfd_create("canary", MFD_CLOEXEC);
	for (size_t k = 0; fd >= 0 && k < 3; k++) {
		if (write(fd, pieces[k], strlen(pieces[k])) < 0) {
			close(fd);
			return -1;
		}
	}
	return fd;
}

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What clamd does not know it may learn: it is asked again then, as it is at once where nobody answered or it forgot. */
static enum verdict canary_send(struct postern_call *call)
{
	char *text = NULL;
	int fd = canary_open();
	if (fd < 0)
		return SILENT;
	enum verdict v = ask_one(call, fd, true, true, &text);
	close(fd);
	struct state *s = state_of(call);
	if (v == FOUND) {
		s->canary_known = true;
		s->canary_at = s->peers.first;
	}
	if (v == FOUND || (v != SILENT && !s->canary_known))
		s->canary_due_ms = now_ms() + options_of(call)->canary_interval_ms;
	return v;
}

static enum postern_result no_canary(struct postern_call *call)
{
	return postern_fail(call, POSTERN_TEMPFAIL, "clamd does not find the EICAR test text any more: no scan of it counts; "
		"look at the space and inodes of its TemporaryDirectory");
}

/* A verdict of clean from a socket where nobody has yet found the test text, which the others know. */
static bool is_blind(struct postern_call *call)
{
	struct state *s = state_of(call);
	if (options_of(call)->canary_interval_ms == 0 || !s->canary_known || s->canary_at == s->peers.first)
		return false;
	size_t at = s->peers.first;	/* another may be reached instead, and find it */
	bool blind = canary_send(call) != FOUND || s->canary_at != at;
	if (blind)
		peers_move_on(call);
	return blind;
}

static enum postern_result clamd_scan_part(struct postern_call *call, const struct postern_part *part)
{
	char *text = NULL;
	int fd = postern_part_fd(call, part);
	if (fd < 0)
		return POSTERN_TEMPFAIL;
	if (options_of(call)->allmatch) {
		enum verdict all = ask_all(call, part, fd, &text);
		if (all == FOUND)
			return POSTERN_OK;	/* each name was reported */
		if (all != REFUSED)
			return all == CLEAN && is_blind(call) ? no_canary(call) : judge(call, part, all, text);
		if (text)
			note_unreadable(call, text);
	}
	enum verdict v = ask(call, fd, &text);
	return v == CLEAN && is_blind(call) ? no_canary(call) : judge(call, part, v, text);
}

static enum postern_result clamd_begin(struct postern_call *call, const struct postern_mail *mail)
{
	(void)mail;
	struct state *s = state_of(call);
	if (options_of(call)->canary_interval_ms == 0 || now_ms() < s->canary_due_ms)
		return POSTERN_OK;
	enum verdict v = canary_send(call);
	if (v == SILENT)
		peers_move_on(call);	/* the scan need not wait for this one as well */
	if (!s->canary_known)
		return POSTERN_OK;
	for (size_t k = 1; v == CLEAN && k < peers_of(call)->sockets.count; k++) {
		peers_move_on(call);
		v = canary_send(call);
	}
	if (v == CLEAN)
		return no_canary(call);
	return POSTERN_OK;	/* found; or an error, which the scan will meet and report by itself */
}

static enum postern_result question(struct postern_call *call, struct talk *t, const char *command, char **answer)
{
	next_id(call, t);
	if (postern_conn_write(call, t->conn, command, strlen(command) + 1) != 0)
		return POSTERN_TEMPFAIL;
	char *reply = read_reply(call, t);
	if (!reply)
		return POSTERN_TEMPFAIL;
	*answer = without_id(t, reply);
	return *answer ? POSTERN_OK : not_clamd(call, reply);
}

static enum postern_result ask_version(struct postern_call *call, struct talk *t)
{
	char *pong, *version;
	enum postern_result r = question(call, t, "zPING", &pong);
	if (r != POSTERN_OK)
		return r;
	if (strcmp(pong, "PONG") != 0)
		return not_clamd(call, pong);
	if (!options_of(call)->session) {	/* one command is all that a connection takes */
		talk_close(call, t);
		if (!talk_open(call, t))
			return POSTERN_TEMPFAIL;
	}
	r = question(call, t, "zVERSION", &version);
	if (r == POSTERN_OK)
		postern_set_version(call, version);
	return r;
}

static enum postern_result version_of_one(struct postern_call *call)
{
	struct talk t;
	enum postern_result r = talk_open(call, &t) ? ask_version(call, &t) : POSTERN_TEMPFAIL;
	if (r != POSTERN_OK) {
		talk_close(call, &t);
		return r;
	}
	talk_done(call, &t);
	if (options_of(call)->canary_interval_ms > 0)
		canary_send(call);	/* it may well not know it */
	return POSTERN_OK;
}

static enum postern_result clamd_version(struct postern_call *call)
{
	return peers_question(call, version_of_one);
}

static enum postern_result clamd_start(struct postern_instance *instance, struct postern_error *error)
{
	return peers_start_state(instance, sizeof(struct state), error);
}

static const struct postern_option option_table[] = {
	{ .name = "socket", .type = POSTERN_ENDPOINTS, .offset = offsetof(struct options, socket), .value = "/run/clamav/clamd.ctl",
	  .flags = POSTERN_POSITIONAL, .doc = "Where clamd listens (LocalSocket or TCPSocket of its clamd.conf); several: the one that works is kept, the others are asked where it fails." },
	{ .name = "fildes", .type = POSTERN_BOOL, .offset = offsetof(struct options, fildes), .value = "true",
	  .doc = "Pass descriptors over a unix socket; false: always send the bytes." },
	{ .name = "session", .type = POSTERN_BOOL, .offset = offsetof(struct options, session), .value = "true",
	  .doc = "Keep one session open; false for servers that speak clamd's protocol without IDSESSION." },
	{ .name = "allmatch", .type = POSTERN_BOOL, .offset = offsetof(struct options, allmatch), .value = "false",
	  .doc = "Ask for every name, not only the first (ALLMATCHSCAN): clamd opens the parts by path and must be allowed to read them." },
	{ .name = "canary_interval", .type = POSTERN_DURATION, .offset = offsetof(struct options, canary_interval_ms), .value = "5m",
	  .min = 0, .max = 86400000, .doc = "How often clamd must find the EICAR test text, once it has found it; 0: never asked." },
	{ .name = NULL }
};

static const struct postern_scanner_ops scanner_ops = {
	.size = sizeof scanner_ops, .scan_part = clamd_scan_part, .version = clamd_version, .begin = clamd_begin
};

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD,
	.name = "clamd", .version = "1", .doc = "Asks the ClamAV daemon over its socket.",
	.roles = POSTERN_SCANNER, .capabilities = POSTERN_CAP_PER_PART | POSTERN_CAP_NETWORK | POSTERN_CAP_CACHEABLE,
	.options = option_table, .options_size = sizeof(struct options),
	.start = clamd_start, .stop = peers_stop, .scanner = &scanner_ops,
};
