/* savapi.c - asks Avira's savapi, part by part, in the protocol of SAVAPI 3 and 4.
 *
 * It opens the files by name, so it must be allowed to read them.  Every line
 * begins with a number: 200 and 210 end an answer that found nothing, 310 and 420
 * name malware and suspicion and go on, 319 ends such an answer; 421, 422 and 430
 * tell what could not be looked into.  Whatever else comes is a failure. */
#include "peer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 5000	/* of one answer */

struct options {
	struct peer_options peer;
	const char *product;
	struct postern_strings settings;
	struct postern_regex *names;
};

struct answer {
	bool infected;
	int end;			/* the number that ended it */
	const char *inconclusive;	/* a line that says so */
	const char *last;
};

static const struct options *options_of(struct postern_call *call)
{
	return postern_options(postern_call_instance(call));
}

static enum postern_result not_savapi(struct postern_call *call, const char *line)
{
	return postern_fail(call, POSTERN_BROKEN, "this is not SAVAPI, it said \"%.200s\"", line);
}

/* The number at the head of a line; -1: it has none. */
static int number_of(const char *line)
{
	for (int k = 0; k < 3; k++)
		if (!isdigit((unsigned char)line[k]))
			return -1;
	return line[3] == '\0' || line[3] == ' ' ? atoi(line) : -1;
}

static enum postern_result set(struct postern_call *call, struct peer *p, const char *what)
{
	if (peer_say(call, p, postern_printf(call, "SET %s\n", what)) != 0)
		return POSTERN_TEMPFAIL;
	char *line = peer_read_line(call, p);
	if (!line)
		return POSTERN_TEMPFAIL;
	if (number_of(line) == 100)
		return POSTERN_OK;
	return number_of(line) < 0 ? not_savapi(call, line)
		: postern_fail(call, POSTERN_TEMPFAIL, "savapi does not take SET %.*s: %.200s", (int)strcspn(what, " "), what, line);
}

static enum postern_result set_all(struct postern_call *call, struct peer *p)
{
	const struct options *o = options_of(call);
	enum postern_result r = POSTERN_OK;
	if (*o->product)
		r = set(call, p, postern_printf(call, "PRODUCT %s", o->product));
	for (size_t k = 0; r == POSTERN_OK && k < o->settings.count; k++)
		r = set(call, p, o->settings.v[k]);
	return r;
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
	if (strncmp(line, "100 SAVAPI:", 11) != 0)
		return not_savapi(call, line);
	postern_set_version(call, line + 4);
	return set_all(call, p);
}

static void add_name(struct postern_call *call, const char *name, void *context)
{
	postern_found(call, context, name);
}

/* "310 path <<< NAME ; virus ; what it is >>>", or the name at once. */
static void take_name(struct postern_call *call, const struct postern_part *part, const char *line, struct answer *a)
{
	a->infected = true;
	if (postern_regex_each(call, options_of(call)->names, line, strlen(line), add_name, (void *)part) == 0)
		postern_found(call, part, "");
}

/* True: the answer goes on. */
static bool goes_on(struct postern_call *call, const struct postern_part *part, const char *line, struct answer *a)
{
	switch (a->end = number_of(line)) {
	case 310:
	case 420:
		take_name(call, part, line, a);
		return true;
	case 421:
	case 422:
	case 430:
		a->inconclusive = line;
		return true;
	default:
		return false;
	}
}

static enum postern_result take_answer(struct postern_call *call, struct peer *p, const struct postern_part *part, struct answer *a)
{
	for (unsigned n = 0; n < LINES_MAX; n++) {
		char *line = peer_read_line(call, p);
		if (!line)
			return POSTERN_TEMPFAIL;
		a->last = line;
		if (goes_on(call, part, line, a))
			continue;
		return a->end < 0 ? not_savapi(call, line) : POSTERN_OK;
	}
	return postern_fail(call, POSTERN_LIMIT, "savapi said more than %d lines about one part", LINES_MAX);
}

/* An answer that was understood has ended; behind another there may be more to come. */
static bool has_ended(const struct answer *a)
{
	return a->end == 200 || a->end == 210 || a->end == 319;
}

static enum postern_result judge(struct postern_call *call, struct peer *p, const struct postern_part *part, const struct answer *a)
{
	unsigned number = postern_part_number(part);
	postern_set_output(call, a->last, strlen(a->last));
	if (a->end == 319 && !a->infected)	/* it is, and it did not say by what */
		postern_found(call, part, "");
	if (!has_ended(a))
		return postern_fail(call, POSTERN_TEMPFAIL, "part p%03u: savapi says: %.200s", number, a->last);
	if (a->end != 319 && peer_says_more(call, p->conn))
		return postern_fail(call, POSTERN_BROKEN, "part p%03u: savapi said more than \"%.200s\"", number, a->last);
	if (a->inconclusive)
		return postern_fail(call, POSTERN_NOTHING, "part p%03u: savapi could not look into it: %.200s", number, a->inconclusive);
	return POSTERN_OK;
}

static enum postern_result ask_once(struct postern_call *call, struct peer *p, const struct postern_part *part, const char *path, struct answer *a)
{
	enum postern_result r = open_session(call, p);
	int left_s = postern_time_left_ms(call) / 1000;
	if (r == POSTERN_OK)
		r = set(call, p, postern_printf(call, "SCAN_TIMEOUT %d", left_s > 1 ? left_s : 1));
	if (r != POSTERN_OK)
		return r;
	if (peer_say(call, p, postern_printf(call, "SCAN %s\n", path)) != 0)
		return POSTERN_TEMPFAIL;
	return take_answer(call, p, part, a);
}

/* One savapi, asked once more where the kept session turns out to be dead. */
static enum postern_result ask_one(struct postern_call *call, const struct postern_part *part, const char *path)
{
	struct peer p = { 0 };
	struct answer a = { 0 };
	enum postern_result r = ask_once(call, &p, part, path, &a);
	if (r == POSTERN_TEMPFAIL && p.kept && p.conn && !a.last && peers_may_ask(call)) {
		peer_close(call, &p);
		r = ask_once(call, &p, part, path, &a);
	}
	if (r == POSTERN_OK)
		r = judge(call, &p, part, &a);
	peer_done(call, &p, r != POSTERN_BROKEN && has_ended(&a));
	return r;
}

/* One after the other until one answers. */
static enum postern_result savapi_scan_part(struct postern_call *call, const struct postern_part *part)
{
	enum postern_result r;
	size_t asked = 0;
	const char *path = postern_part_path(call, part);
	if (!path)
		return postern_fail(call, POSTERN_TEMPFAIL, "part p%03u has no file to name", postern_part_number(part));
	do {
		r = ask_one(call, part, path);
	} while ((r == POSTERN_TEMPFAIL || r == POSTERN_BROKEN) && peers_next(call, &asked));
	return r;
}

/* A new session begins with its greeting, "100 SAVAPI:4.2"; one that is kept may have gone stale, and has no question to ask. */
static enum postern_result version_of_one(struct postern_call *call)
{
	struct postern_conn *kept = postern_conn_kept(call);
	struct peer p = { 0 };
	if (kept)
		postern_conn_close(call, kept);
	enum postern_result r = open_session(call, &p);
	peer_done(call, &p, r == POSTERN_OK);
	return r;
}

static enum postern_result savapi_version(struct postern_call *call)
{
	return peers_question(call, version_of_one);
}

static const struct postern_option option_table[] = {
	PEER_SOCKET_OPTION("/var/tmp/.savapi3", "Where savapi listens"),
	{ .name = "product", .type = POSTERN_STRING, .offset = offsetof(struct options, product), .value = "",
	  .doc = "The product number of the licence (SET PRODUCT)." },
	{ .name = "settings", .type = POSTERN_STRINGS, .offset = offsetof(struct options, settings),
	  .doc = "What else is SET at the beginning of a session, such as \"ARCHIVE_SCAN 1\"." },
	{ .name = "names", .type = POSTERN_REGEX, .offset = offsetof(struct options, names), .value = "\\A\\d{3}[ ,]*(?:.* <<< ?)?(.+?)(?: ; | ?>>>|$)",
	  .doc = "Finds the name in a line 310 or 420: the first group." },
	PEER_SESSION_OPTION("Keep the session open from part to part and mail to mail."),
	{ .name = NULL }
};

static const struct postern_scanner_ops scanner_ops = { .size = sizeof scanner_ops, .scan_part = savapi_scan_part, .version = savapi_version };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD,
	.name = "savapi", .version = "1", .doc = "Asks Avira's savapi, version 3 or 4.",
	.roles = POSTERN_SCANNER, .capabilities = POSTERN_CAP_PER_PART | POSTERN_CAP_PATH | POSTERN_CAP_NETWORK | POSTERN_CAP_CACHEABLE,
	.options = option_table, .options_size = sizeof(struct options),
	.start = peers_start, .stop = peers_stop, .scanner = &scanner_ops,
};
