/* sssp.c - asks Sophos' savdid, part by part, in SSSP/1.0.
 *
 * The bytes are sent (SCANDATA), so that savdid needs no right to our files.
 * "ACC ID" accepts a request, then come event lines, "DONE OK|FAIL CODE TEXT" and
 * an empty line.  Clean is only DONE OK 0000 without a VIRUS line before it; what
 * Sophos could not look into (encrypted, corrupt) is neither clean nor failed. */
#include "peer.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define CHUNK_BYTES (64 * 1024)
#define LINES_MAX 5000	/* of one answer */

struct options {
	struct peer_options peer;
	struct postern_strings inconclusive;
};

/* One answer as it comes in. */
struct answer {
	bool accepted, infected, done;
	char code[5];		/* of DONE */
	bool ok;		/* of DONE */
	const char *inconclusive;	/* a line that says so */
	const char *last;
};

static const struct options *options_of(struct postern_call *call)
{
	return postern_options(postern_call_instance(call));
}

static enum postern_result not_sssp(struct postern_call *call, const char *line)
{
	return postern_fail(call, POSTERN_BROKEN, "this is not SSSP, it said \"%.200s\"", line);
}

static enum postern_result open_session(struct postern_call *call, struct peer *p)
{
	if (!peer_open(call, p))
		return POSTERN_TEMPFAIL;
	if (p->kept)
		return POSTERN_OK;
	char *line = peer_read_line(call, p);
	if (!line)
		return POSTERN_TEMPFAIL;
	return strncmp(line, "OK SSSP/1.", 10) == 0 ? POSTERN_OK : not_sssp(call, line);
}

/* ACC or REJ. The message is too large for savdid's maxscandata: 4. */
static enum postern_result take_acceptance(struct postern_call *call, struct peer *p, struct answer *a)
{
	char *line = peer_read_line(call, p);
	if (!line)
		return POSTERN_TEMPFAIL;
	a->accepted = strncmp(line, "ACC ", 4) == 0;
	if (a->accepted)
		return POSTERN_OK;
	if (strncmp(line, "REJ 4", 5) == 0)
		return postern_fail(call, POSTERN_LIMIT, "larger than maxscandata of savdid: %.200s", line);
	if (strncmp(line, "REJ", 3) == 0)
		return postern_fail(call, POSTERN_TEMPFAIL, "savdid does not take the request (%.200s): its channel must allow SCANDATA", line);
	return not_sssp(call, line);
}

/* savdid speaks while we write: it accepts, or it refuses, and then writing on would end in a broken pipe. */
static enum postern_result send_part(struct postern_call *call, struct peer *p, const struct postern_part *part, int fd, struct answer *a)
{
	char *buffer = postern_alloc(call, CHUNK_BYTES);
	int64_t left = postern_part_size(part);
	const char *request = postern_printf(call, "SSSP/1.0 SCANDATA %lld\r\n", (long long)left);
	enum postern_result r = POSTERN_OK;
	if (peer_say(call, p, request) != 0)
		return POSTERN_TEMPFAIL;
	for (off_t offset = 0; left > 0 && r == POSTERN_OK;) {
		ssize_t n = pread(fd, buffer, left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES, offset);
		if (n <= 0)
			return postern_fail(call, POSTERN_TEMPFAIL, "reading the part: %s", n < 0 ? strerror(errno) : "it has become shorter");
		int rc = postern_conn_write(call, p->conn, buffer, (size_t)n);
		if (!a->accepted && postern_conn_readable(p->conn))
			r = take_acceptance(call, p, a);
		if (rc != 0 && r == POSTERN_OK)
			return POSTERN_TEMPFAIL;
		offset += n;
		left -= n;
	}
	return r == POSTERN_OK && !a->accepted ? take_acceptance(call, p, a) : r;
}

static bool is_inconclusive(const struct options *o, const char *code)
{
	for (size_t k = 0; k < o->inconclusive.count; k++)
		if (strcasecmp(o->inconclusive.v[k], code) == 0)
			return true;
	return false;
}

/* "OK 0203 path", "FAIL 0212 path": the code. */
static void take_code(const char *text, char code[5])
{
	size_t n = strcspn(text, " ");
	if (n == 4)
		memcpy(code, text, 4);
	code[n == 4 ? 4 : 0] = '\0';
}

/* "VIRUS NAME PATH" */
static void take_virus(struct postern_call *call, const struct postern_part *part, char *text, struct answer *a)
{
	text[strcspn(text, " ")] = '\0';
	postern_found(call, part, text);
	a->infected = true;
}

static void take_done(char *text, struct answer *a)
{
	a->done = true;
	a->ok = strncmp(text, "OK ", 3) == 0;
	if (a->ok || strncmp(text, "FAIL ", 5) == 0)
		take_code(text + (a->ok ? 3 : 5), a->code);
}

static void take_line(struct postern_call *call, const struct postern_part *part, char *line, struct answer *a)
{
	char code[5] = "";
	a->last = postern_printf(call, "%.200s", line);
	if (strncmp(line, "VIRUS ", 6) == 0)
		take_virus(call, part, line + 6, a);
	else if (strncmp(line, "DONE ", 5) == 0)
		take_done(line + 5, a);
	else if (strncmp(line, "FAIL ", 5) == 0)
		take_code(line + 5, code);
	if (is_inconclusive(options_of(call), code) || (a->done && is_inconclusive(options_of(call), a->code)))
		a->inconclusive = a->last;
}

/* Everything behind ACC, up to the empty line. */
static enum postern_result take_answer(struct postern_call *call, struct peer *p, const struct postern_part *part, struct answer *a)
{
	for (unsigned n = 0; n < LINES_MAX; n++) {
		char *line = peer_read_line(call, p);
		if (!line)
			return POSTERN_TEMPFAIL;
		if (!*line)
			return a->last ? POSTERN_OK : not_sssp(call, "");
		if (a->done)
			return not_sssp(call, line);
		take_line(call, part, line, a);
	}
	return postern_fail(call, POSTERN_LIMIT, "savdid said more than %d lines about one part", LINES_MAX);
}

static enum postern_result judge(struct postern_call *call, struct peer *p, const struct postern_part *part, const struct answer *a)
{
	unsigned number = postern_part_number(part);
	postern_set_output(call, a->last, strlen(a->last));
	if (!a->done)
		return not_sssp(call, a->last);
	if (!a->infected && peer_says_more(call, p->conn))
		return postern_fail(call, POSTERN_BROKEN, "part p%03u: savdid said more than its answer", number);
	if (a->inconclusive)
		return postern_fail(call, POSTERN_NOTHING, "part p%03u: savdid could not look into it: %s", number, a->inconclusive);
	if (a->ok && strcmp(a->code, "0000") == 0)
		return POSTERN_OK;
	if (a->ok && strcmp(a->code, "0203") == 0) {
		if (!a->infected)	/* a virus, whose line did not come */
			postern_found(call, part, "");
		return POSTERN_OK;
	}
	return postern_fail(call, POSTERN_TEMPFAIL, "part p%03u: savdid says: %s", number, a->last);
}

static enum postern_result ask_once(struct postern_call *call, struct peer *p, const struct postern_part *part, int fd, struct answer *a)
{
	enum postern_result r = open_session(call, p);
	if (r == POSTERN_OK)
		r = send_part(call, p, part, fd, a);
	if (r == POSTERN_OK)
		r = take_answer(call, p, part, a);
	return r;
}

/* One savdid, asked once more where the kept session turns out to be dead. */
static enum postern_result ask_one(struct postern_call *call, const struct postern_part *part, int fd)
{
	struct peer p = { 0 };
	struct answer a = { 0 };
	enum postern_result r = ask_once(call, &p, part, fd, &a);
	if (r == POSTERN_TEMPFAIL && p.kept && p.conn && !a.accepted && peers_may_ask(call)) {
		peer_close(call, &p);
		a = (struct answer){ 0 };
		r = ask_once(call, &p, part, fd, &a);
	}
	bool whole = r == POSTERN_OK;
	if (whole)
		r = judge(call, &p, part, &a);
	peer_done(call, &p, whole && r != POSTERN_BROKEN);
	return r;
}

/* One after the other until one answers. */
static enum postern_result sssp_scan_part(struct postern_call *call, const struct postern_part *part)
{
	enum postern_result r;
	size_t asked = 0;
	int fd = postern_part_fd(call, part);
	if (fd < 0)
		return POSTERN_TEMPFAIL;
	do {
		r = ask_one(call, part, fd);
	} while ((r == POSTERN_TEMPFAIL || r == POSTERN_BROKEN) && peers_next(call, &asked));
	return r;
}

/* "version: SAV Dynamic Interface 2.4.0" among others, up to the empty line. */
static enum postern_result take_server(struct postern_call *call, struct peer *p)
{
	for (unsigned n = 0; n < LINES_MAX; n++) {
		char *line = peer_read_line(call, p);
		if (!line)
			return POSTERN_TEMPFAIL;
		if (!*line)
			return POSTERN_OK;
		if (strncasecmp(line, "version: ", 9) == 0)
			postern_set_version(call, line + 9);
	}
	return postern_fail(call, POSTERN_LIMIT, "savdid said more than %d lines about itself", LINES_MAX);
}

/* One that does not tell about itself rejects the request: it is there all the same. */
static enum postern_result ask_server(struct postern_call *call, struct peer *p)
{
	enum postern_result r = open_session(call, p);
	if (r != POSTERN_OK)
		return r;
	char *line = peer_say(call, p, "SSSP/1.0 QUERY SERVER\r\n") == 0 ? peer_read_line(call, p) : NULL;
	if (!line)
		return POSTERN_TEMPFAIL;
	if (strncmp(line, "ACC ", 4) == 0)
		return take_server(call, p);
	return strncmp(line, "REJ", 3) == 0 ? POSTERN_NOTHING : not_sssp(call, line);
}

static enum postern_result version_of_one(struct postern_call *call)
{
	struct peer p = { 0 };
	enum postern_result r = ask_server(call, &p);
	if (r == POSTERN_TEMPFAIL && p.kept && peers_may_ask(call)) {
		peer_close(call, &p);
		r = ask_server(call, &p);
	}
	peer_done(call, &p, r == POSTERN_OK);
	return r == POSTERN_NOTHING ? POSTERN_OK : r;
}

static enum postern_result sssp_version(struct postern_call *call)
{
	return peers_question(call, version_of_one);
}

static const struct postern_option option_table[] = {
	PEER_SOCKET_OPTION("127.0.0.1:4010", "Where a channel of savdid with the protocol SSSP listens"),
	PEER_SESSION_OPTION("Keep the session open from part to part and mail to mail."),
	{ .name = "inconclusive", .type = POSTERN_STRINGS, .offset = offsetof(struct options, inconclusive), .value = "020F,0212,021A,0225",
	  .doc = "Codes of what could not be looked into, neither clean nor failed: corrupt, encrypted, not supported, a piece of several." },
	{ .name = NULL }
};

static const struct postern_scanner_ops scanner_ops = { .size = sizeof scanner_ops, .scan_part = sssp_scan_part, .version = sssp_version };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD,
	.name = "sssp", .version = "1", .doc = "Asks Sophos' savdid in SSSP/1.0.",
	.roles = POSTERN_SCANNER, .capabilities = POSTERN_CAP_PER_PART | POSTERN_CAP_NETWORK | POSTERN_CAP_CACHEABLE,
	.options = option_table, .options_size = sizeof(struct options),
	.start = peers_start, .stop = peers_stop, .scanner = &scanner_ops,
};
