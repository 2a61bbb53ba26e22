/* sophie.c - asks a daemon that takes a line and answers: Sophie, Trophie, and by configuration most others.
 *
 * A query is built from a template, for the folder of parts or for each part;
 * the reply is a line, some lines, or all up to the end of the connection.  What it means,
 * regular expressions say: "infected" is tested before "clean", and what is
 * neither is a failure.  Part names are ours, so nothing that a sender wrote
 * stands in a query; it may stand in a reply. */
#include "peer.h"

#include <arpa/inet.h>
#include <string.h>

#define REPLY_MAX (200 * 1024)
#define LINES_MAX 1000		/* of one reply */

struct options {
	struct peer_options peer;
	const char *query;
	const char *version_query;
	const char *reply;
	struct postern_regex *greeting, *last, *clean, *infected, *names, *version;
};

/* Bytes in the making: a query may hold zeros. */
struct bytes { char *v; size_t n, room; };

static const struct options *options_of(struct postern_call *call)
{
	return postern_options(postern_call_instance(call));
}

static bool by_part(const struct options *o)
{
	return strstr(o->query, "{}/*") != NULL;
}

static bool by_line(const struct options *o)
{
	return strcmp(o->reply, "line") == 0;
}

/* ---- queries ---- */

static void put(struct bytes *b, const void *v, size_t n)
{
	memcpy(b->v + b->n, v, n);
	b->n += n;
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c | 0x20) : NULL;
	return at && c != '\0' ? (int)(at - digits) : -1;
}

/* "\n", "\r", "\\", "\x1F"; how much of the template it took, 0: no escape. */
static size_t put_escape(struct bytes *b, const char *at)
{
	static const char letters[] = "nr0\\", meanings[] = "\n\r\0\\";
	const char *letter = at[1] ? strchr(letters, at[1]) : NULL;
	if (at[0] != '\\')
		return 0;
	if (letter) {
		put(b, &meanings[letter - letters], 1);
		return 2;
	}
	if (at[1] != 'x' || hex_digit(at[2]) < 0 || hex_digit(at[3]) < 0)
		return 0;
	char byte = (char)(hex_digit(at[2]) * 16 + hex_digit(at[3]));
	put(b, &byte, 1);
	return 4;
}

/* A place in the template that the path fills, or its length in four bytes. */
static size_t put_hole(struct bytes *b, const char *at, const char *path)
{
	uint32_t length = htonl((uint32_t)strlen(path));
	if (strncmp(at, "{#}", 3) == 0) {
		put(b, &length, sizeof length);
		return 3;
	}
	if (strncmp(at, "{}", 2) != 0)
		return 0;
	put(b, path, strlen(path));
	return strncmp(at, "{}/*", 4) == 0 ? 4 : 2;
}

static struct bytes build_query(struct postern_call *call, const char *at, const char *path)
{
	/* No hole is shorter than two bytes, and none becomes longer than the path and four. */
	struct bytes b = { .v = postern_alloc(call, (strlen(at) / 2 + 1) * (strlen(path) + 4) + strlen(at) + 1) };
	while (*at) {
		size_t took = put_escape(&b, at);
		if (took == 0)
			took = put_hole(&b, at, path);
		if (took == 0) {
			put(&b, at, 1);
			took = 1;
		}
		at += took;
	}
	return b;
}

/* ---- one exchange ---- */

/* Replies are short as a rule, and a mail may have thousands of parts. */
static void make_room(struct postern_call *call, struct bytes *b, size_t more)
{
	if (b->n + more <= b->room)
		return;
	b->room = 2 * (b->n + more);
	char *v = postern_alloc(call, b->room);
	if (b->n > 0)
		memcpy(v, b->v, b->n);
	b->v = v;
}

/* Appends one line and LF, NUL-terminated; the line itself, which is memory of the call. NULL: the failure text is set. */
static const char *add_line(struct postern_call *call, struct peer *p, struct bytes *text)
{
	const char *line = peer_read_line(call, p);
	if (!line)
		return NULL;
	if (text->n + strlen(line) + 1 > REPLY_MAX) {
		postern_fail(call, POSTERN_BROKEN, "the daemon sent more than %d bytes of reply", REPLY_MAX);
		return NULL;
	}
	make_room(call, text, strlen(line) + 2);
	put(text, line, strlen(line));
	put(text, "\n", 2);
	text->n--;
	return line;
}

/* All up to the line that "last" matches. */
static char *read_lines(struct postern_call *call, struct peer *p, size_t *size)
{
	struct bytes text = { 0 };
	const struct postern_regex *last = options_of(call)->last;
	for (unsigned k = 0; k < LINES_MAX; k++) {
		const char *line = add_line(call, p, &text);
		if (!line)
			return NULL;
		*size = text.n;
		if (postern_regex_match(last, line, strlen(line)))
			return text.v;
	}
	postern_fail(call, POSTERN_BROKEN, "the daemon sent more than %d lines of reply", LINES_MAX);
	return NULL;
}

static char *read_line_or_lines(struct postern_call *call, struct peer *p, size_t *size)
{
	if (options_of(call)->last)
		return read_lines(call, p, size);
	char *line = peer_read_line(call, p);
	*size = line ? strlen(line) : 0;
	return line;
}

static bool greeted(struct postern_call *call, struct peer *p)
{
	const struct options *o = options_of(call);
	if (!o->greeting || p->kept)
		return true;
	size_t size;
	char *greeting = read_line_or_lines(call, p, &size);
	if (!greeting)
		return false;
	if (postern_regex_match(o->greeting, greeting, size))
		return true;
	postern_fail(call, POSTERN_TEMPFAIL, "this is not the daemon that was expected, it greets with \"%.200s\"", greeting);
	return false;
}

static char *read_reply(struct postern_call *call, struct peer *p, size_t *size)
{
	if (!by_line(options_of(call))) {
		char *all = postern_conn_read_all(call, p->conn, REPLY_MAX, size);
		if (all && *size == 0) {
			postern_fail(call, POSTERN_TEMPFAIL, "the daemon closed the connection without an answer");
			return NULL;
		}
		return all;
	}
	return read_line_or_lines(call, p, size);
}

static char *exchange(struct postern_call *call, struct peer *p, const struct bytes *query, size_t *size)
{
	if (!greeted(call, p))
		return NULL;
	/* A failed write may have an answer waiting: it says why. */
	if (postern_conn_write(call, p->conn, query->v, query->n) != 0 && !postern_conn_readable(p->conn))
		return NULL;
	return read_reply(call, p, size);
}

struct judging { struct postern_call *call; const struct postern_part *part; };

static void add_name(struct postern_call *call, const char *name, void *context)
{
	const struct judging *j = context;
	postern_found(call, j->part, name);
}

static void report_names(struct postern_call *call, const struct postern_part *part, const char *reply, size_t size)
{
	const struct options *o = options_of(call);
	struct judging j = { call, part };
	if (!o->names || postern_regex_each(call, o->names, reply, size, add_name, &j) == 0)
		postern_found(call, part, "");
}

static enum postern_result judge(struct postern_call *call, const struct peer *p, const struct postern_part *part, const char *reply, size_t size)
{
	const struct options *o = options_of(call);
	postern_set_output(call, reply, size);
	if (postern_regex_match(o->infected, reply, size)) {
		report_names(call, part, reply, size);
		return POSTERN_OK;
	}
	if (postern_regex_match(o->clean, reply, size))
		return by_line(o) && peer_says_more(call, p->conn) ?
			postern_fail(call, POSTERN_BROKEN, "the daemon said more than \"%.200s\": see the option last", reply) : POSTERN_OK;
	return postern_fail(call, POSTERN_BROKEN, "neither clean nor infected: the daemon said \"%.200s\"", reply);
}

/* The reply of one daemon, asked once more where the kept connection turns out to be dead. NULL: none, and p is closed. */
static char *converse(struct postern_call *call, struct peer *p, const struct bytes *query, size_t *size)
{
	char *reply = NULL;
	for (bool again = true; again && !reply;) {
		if (!peer_open(call, p))
			return NULL;
		reply = exchange(call, p, query, size);
		again = p->kept && peers_may_ask(call);
		if (!reply)
			peer_close(call, p);
	}
	return reply;
}

static enum postern_result ask_one(struct postern_call *call, const struct postern_part *part, const struct bytes *query, bool *reached)
{
	struct peer p = { 0 };
	size_t size = 0;
	char *reply = converse(call, &p, query, &size);
	*reached |= p.reached;
	if (!reply)
		return POSTERN_TEMPFAIL;
	enum postern_result r = judge(call, &p, part, reply, size);
	peer_done(call, &p, r == POSTERN_OK && by_line(options_of(call)));
	return r;
}

/* One after the other until one answers. *reached: somebody took a connection. */
static enum postern_result ask(struct postern_call *call, const struct postern_part *part, const char *path, bool *reached)
{
	struct bytes query = build_query(call, options_of(call)->query, path);
	enum postern_result r;
	size_t asked = 0;
	do {
		r = ask_one(call, part, &query, reached);
	} while (r != POSTERN_OK && peers_next(call, &asked));
	return r;
}

static enum postern_result ask_part(struct postern_call *call, const struct postern_part *part, bool *reached)
{
	const char *path = postern_part_path(call, part);
	if (path)
		return ask(call, part, path, reached);
	*reached = true;
	return postern_fail(call, POSTERN_TEMPFAIL, "part p%03u has no file to name", postern_part_number(part));
}

/* A part that the daemon fails over does not hide the others; only where nobody takes a connection the rest is left. */
static enum postern_result ask_parts(struct postern_call *call, const struct postern_mail *mail)
{
	enum postern_result result = POSTERN_OK;
	for (size_t k = 0; k < postern_mail_part_count(mail); k++) {
		bool reached = false;
		if (postern_time_left_ms(call) == 0)
			return postern_fail(call, POSTERN_TEMPFAIL, "time over");
		enum postern_result r = ask_part(call, postern_mail_part(mail, k), &reached);
		if (r == POSTERN_OK)
			continue;
		result = r;
		if (!reached || !peers_may_ask(call))
			break;
	}
	return result;
}

static enum postern_result sophie_scan(struct postern_call *call, const struct postern_mail *mail)
{
	if (by_part(options_of(call)))
		return ask_parts(call, mail);
	if (!postern_mail_folder(mail))
		return postern_fail(call, POSTERN_BROKEN, "there is no folder of parts to ask about");
	bool reached = false;
	return ask(call, NULL, postern_mail_folder(mail), &reached);
}

/* What version_query asks. Without one, a file that holds nothing: whatever the daemon says to that, it is there; and where it
 * ends the connection over it, that tells nothing. */
static enum postern_result version_of_one(struct postern_call *call)
{
	const struct options *o = options_of(call);
	struct bytes query = build_query(call, o->version_query ? o->version_query : o->query, "/dev/null");
	struct peer p = { 0 };
	size_t size = 0;
	char *reply = converse(call, &p, &query, &size);
	if (!reply)
		return p.reached && !o->version_query && postern_time_left_ms(call) > 0 ? POSTERN_NOTHING : POSTERN_TEMPFAIL;
	if (o->version_query)
		peer_take_version(call, o->version, reply, size);
	peer_done(call, &p, by_line(o));
	return POSTERN_OK;
}

static enum postern_result sophie_version(struct postern_call *call)
{
	return peers_question(call, version_of_one);
}

/* ---- life ---- */

static enum postern_result sophie_check(struct postern_instance *instance, struct postern_error *error)
{
	const struct options *o = postern_options(instance);
	if (!strstr(o->query, "{}"))
		return postern_complain(error, POSTERN_BROKEN, "query: \"%s\" names nothing to scan; write {} for the folder of parts or {}/* for each part", o->query);
	return POSTERN_OK;
}

static const struct postern_option option_table[] = {
	PEER_SOCKET_OPTION("/var/run/sophie", "Where the daemon listens"),
	{ .name = "query", .type = POSTERN_STRING, .offset = offsetof(struct options, query), .value = "{}/\\n",
	  .doc = "What is sent: {} is the folder of parts, {}/* the full name of each part, one query each, {#} the length of that in four bytes; "
		"\\n, \\r, \\0, \\xHH and \\\\ are bytes." },
	{ .name = "version_query", .type = POSTERN_STRING, .offset = offsetof(struct options, version_query),
	  .doc = "What is sent to learn the daemon's version; not given: it is asked about /dev/null only to see that it answers." },
	{ .name = "version", .type = POSTERN_REGEX, .offset = offsetof(struct options, version),
	  .doc = "Finds the version in the reply to version_query: its first group; default: the first line." },
	{ .name = "reply", .type = POSTERN_ENUM, .offset = offsetof(struct options, reply), .value = "line", .choices = "line|eof",
	  .doc = "The reply is one line (or some, see last), or all that comes until the daemon closes the connection." },
	{ .name = "last", .type = POSTERN_REGEX, .offset = offsetof(struct options, last),
	  .doc = "The last line of a reply, and of the greeting, where they have several (reply = line only)." },
	PEER_SESSION_OPTION("Keep the connection for further queries (reply = line only)."),
	{ .name = "greeting", .type = POSTERN_REGEX, .offset = offsetof(struct options, greeting),
	  .doc = "The line with which the daemon begins; not given: it waits for the query." },
	{ .name = "clean", .type = POSTERN_REGEX, .offset = offsetof(struct options, clean), .value = "\\A0+:?\\s*\\z",
	  .doc = "What tells that there is no virus." },
	{ .name = "infected", .type = POSTERN_REGEX, .offset = offsetof(struct options, infected), .value = "\\A1(?::|\\s*\\z)",
	  .doc = "What tells a virus; tested before clean." },
	{ .name = "names", .type = POSTERN_REGEX, .offset = offsetof(struct options, names), .value = "\\A[-+]?\\d+:\\s*([^\\r\\n]+)",
	  .doc = "Finds the names in the reply: each match's first group." },
	{ .name = NULL }
};

static const struct postern_scanner_ops scanner_ops = { .size = sizeof scanner_ops, .scan = sophie_scan, .version = sophie_version };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD,
	.name = "sophie", .version = "1", .doc = "Asks Sophie, Trophie, or any daemon that takes a line and answers.",
	.roles = POSTERN_SCANNER, .capabilities = POSTERN_CAP_PATH | POSTERN_CAP_NETWORK,
	.options = option_table, .options_size = sizeof(struct options),
	.check = sophie_check, .start = peers_start, .stop = peers_stop, .scanner = &scanner_ops,
};
