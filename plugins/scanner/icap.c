/* icap.c - asks an ICAP server (RFC 3507) about every part: RESPMOD, as if the part were the answer to a web request.
 *
 * What the server can do (Preview, Allow: 204) is learned with OPTIONS and learned
 * anew when its Options-TTL is over or its ISTag has changed.  The connection is
 * kept from mail to mail.
 *
 * Clean is only what the server has got as a whole and lets pass unchanged: 204,
 * or 200 with the very bytes that were sent.  One that lets a part pass when it
 * has seen the beginning has not looked at the rest.  Malware is what a header
 * names, or an HTTP status other than the one that was sent.  Other content under
 * the old status is no verdict. */
#include "peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 8192
#define HEADERS_MAX 100
#define CHUNK_BYTES (64 * 1024)
#define CHUNK_HEAD_MAX 20		/* "10000\r\n" and the "\r\n" behind, generously */
#define TTL_DEFAULT_S 3600
#define TTL_MAX_S 86400

struct options {
	struct postern_strings socket;
	const char *service;
	bool preview, allow_204, trust_early, session;
	struct postern_strings headers;
	struct postern_regex *names, *clean;
	struct postern_ints blocked;
};

/* What OPTIONS said, and by which server. */
struct state {
	struct peers peers;
	size_t learned_from;
	time_t learned_until;
	long preview_bytes;	/* -1: not offered */
	bool allow_204;
	char istag[64];
	char version[256];
};

struct header { const char *name; char *value; };	/* folded lines are joined by "\n" */

struct head {
	int status;
	char *line;
	struct header headers[HEADERS_MAX];
	size_t count;
};

/* One connection in use for one part. */
struct talk {
	struct postern_conn *conn;
	bool kept;		/* it was open before: it may have gone stale */
	bool reusable;		/* request and reply were exchanged whole */
	bool sent_all;		/* the server has got the part as a whole */
	int fd;
	int64_t size;
	unsigned number;
	const struct postern_part *part;
	enum postern_result result;	/* of FAILED */
};

enum verdict { CLEAN, FOUND, FAILED, UNSEEN };

static const struct options *options_of(struct postern_call *call)
{
	return postern_options(postern_call_instance(call));
}

static struct state *state_of(struct postern_call *call)
{
	return *postern_state(postern_call_instance(call));
}

static const char *endpoint_of(struct postern_call *call)
{
	const struct peers *all = peers_of(call);
	return all->sockets.v[all->first];
}

/* ---- reading ---- */

/* One line without its end; NULL: the failure text is set. */
static char *read_line(struct postern_call *call, struct postern_conn *conn)
{
	size_t n = 0;
	char *line = postern_conn_read_until(call, conn, '\n', LINE_MAX_BYTES, &n);
	if (!line)
		return NULL;
	if (memchr(line, '\0', n)) {
		postern_fail(call, POSTERN_BROKEN, "the reply holds a NUL byte");
		return NULL;
	}
	if (n > 0 && line[n - 1] == '\r')
		line[n - 1] = '\0';
	return line;
}

/* "ICAP/1.0 204 No modifications" or "HTTP/1.1 403 Forbidden". */
static int read_status(const char *line, const char *protocol)
{
	size_t n = strlen(protocol);
	if (strncmp(line, protocol, n) != 0)
		return -1;
	const char *at = strchr(line, ' ');
	if (!at || strspn(at + 1, "0123456789") != 3 || (at[4] != ' ' && at[4] != '\0'))
		return -1;
	return atoi(at + 1);
}

static bool fold(struct postern_call *call, struct head *h, const char *line)
{
	if (h->count == 0)
		return false;
	char **value = &h->headers[h->count - 1].value;
	*value = postern_printf(call, "%s\n%s", *value, line + strspn(line, " \t"));
	return strlen(*value) < LINE_MAX_BYTES;
}

static bool add_header(struct postern_call *call, struct head *h, char *line)
{
	if (line[0] == ' ' || line[0] == '\t')
		return fold(call, h, line);
	char *colon = strchr(line, ':');
	if (!colon || h->count == HEADERS_MAX)
		return false;
	*colon = '\0';
	char *value = colon + 1 + strspn(colon + 1, " \t");
	h->headers[h->count++] = (struct header){ line, value };
	return true;
}

/* Headers up to the empty line. */
static bool read_headers(struct postern_call *call, struct talk *t, struct head *h)
{
	char *line;
	while ((line = read_line(call, t->conn)) && line[0]) {
		if (!add_header(call, h, line)) {
			t->result = postern_fail(call, POSTERN_BROKEN, "the reply's headers make no sense: \"%.200s\"", line);
			return false;
		}
	}
	return line;
}

/* A status line and the headers behind it. */
static bool read_head(struct postern_call *call, struct talk *t, const char *protocol, struct head *h)
{
	h->count = 0;
	h->line = read_line(call, t->conn);
	if (!h->line)
		return false;
	h->status = read_status(h->line, protocol);
	if (h->status < 0) {
		t->result = postern_fail(call, POSTERN_BROKEN, "this is no ICAP server, it said \"%.200s\"", h->line);
		return false;
	}
	return read_headers(call, t, h);
}

static char *header(const struct head *h, const char *name)
{
	for (size_t k = 0; k < h->count; k++) {
		if (strcasecmp(h->headers[k].name, name) == 0)
			return h->headers[k].value;
	}
	return NULL;
}

static bool header_has(const struct head *h, const char *name, const char *word)
{
	const char *value = header(h, name);
	return value && strcasestr(value, word);
}

/* A chunk's size; -1: it makes no sense. */
static int64_t chunk_size(const char *line)
{
	size_t digits = strspn(line, "0123456789abcdefABCDEF");
	if (digits == 0 || digits > 12 || (line[digits] && !strchr("; \t", line[digits])))
		return -1;
	return (int64_t)strtoll(line, NULL, 16);
}

/* Reads n bytes and compares them with the part's at offset. *same turns false where they differ. */
static bool compare_bytes(struct postern_call *call, struct talk *t, int64_t offset, int64_t n, bool *same)
{
	char got[4096], own[4096];
	while (n > 0) {
		ssize_t have = postern_conn_read(call, t->conn, got, n < (int64_t)sizeof got ? (size_t)n : sizeof got);
		if (have == 0)
			postern_fail(call, POSTERN_TEMPFAIL, "the connection closed in the middle of the content that comes back");
		if (have <= 0)
			return false;
		if (*same && (pread(t->fd, own, (size_t)have, offset) != have || memcmp(own, got, (size_t)have) != 0))
			*same = false;
		offset += have;
		n -= have;
	}
	return true;
}

static bool end_of_chunk(struct postern_call *call, struct talk *t)
{
	const char *line = read_line(call, t->conn);
	if (line && line[0])
		t->result = postern_fail(call, POSTERN_BROKEN, "the content comes back damaged: a chunk is longer than it said");
	return line && !line[0];
}

/* The body of a reply, to its end. *same: it is the part, byte for byte. trailers: headers that come behind it. */
static bool compare_body(struct postern_call *call, struct talk *t, bool *same, struct head *trailers)
{
	int64_t offset = 0, n = -1;
	char *line = NULL;
	while (n != 0) {
		line = read_line(call, t->conn);
		n = line ? chunk_size(line) : -1;
		if (line && n < 0)
			t->result = postern_fail(call, POSTERN_BROKEN, "the content comes back damaged: \"%.40s\" is no size of a chunk", line);
		if (n < 0 || !compare_bytes(call, t, offset, n, same))
			return false;
		offset += n;
		if (n > 0 && !end_of_chunk(call, t))
			return false;
	}
	*same = *same && offset == t->size;
	return read_headers(call, t, trailers);
}

/* ---- connections, and what the server can do ---- */

static void talk_close(struct postern_call *call, struct talk *t)
{
	if (t->conn)
		postern_conn_close(call, t->conn);
	t->conn = NULL;
}

static void talk_done(struct postern_call *call, struct talk *t)
{
	if (t->conn && t->reusable && options_of(call)->session)
		postern_conn_keep(call, t->conn);
	else
		talk_close(call, t);
	t->conn = NULL;
}

static void note_refusal(struct postern_call *call, struct talk *t, const struct head *h)
{
	t->result = h->status == 404 || h->status == 405 ? POSTERN_BROKEN : h->status == 413 ? POSTERN_LIMIT : POSTERN_TEMPFAIL;
	postern_fail(call, t->result, "%s, service %s: the server says \"%.200s\"", endpoint_of(call), options_of(call)->service, h->line);
}

static char *request_line(struct postern_call *call, const char *method)
{
	const char *endpoint = endpoint_of(call);
	const char *host = endpoint[0] == '/' ? "localhost" : endpoint;
	return postern_printf(call, "%s icap://%s/%s ICAP/1.0\r\nHost: %s\r\nUser-Agent: Postern\r\n", method, host,
		options_of(call)->service, host);
}

static time_t ttl_of(const struct head *h)
{
	const char *text = header(h, "Options-TTL");
	long ttl_s = text ? atol(text) : TTL_DEFAULT_S;
	return ttl_s < 1 ? 1 : ttl_s > TTL_MAX_S ? TTL_MAX_S : ttl_s;
}

static void note_options(struct postern_call *call, const struct head *h)
{
	struct state *s = state_of(call);
	const char *preview = header(h, "Preview"), *istag = header(h, "ISTag"), *service = header(h, "Service");
	long bytes = preview ? atol(preview) : -1;
	s->preview_bytes = bytes > CHUNK_BYTES ? CHUNK_BYTES : bytes;
	s->allow_204 = header_has(h, "Allow", "204");
	s->learned_until = time(NULL) + ttl_of(h);
	s->learned_from = s->peers.first;
	snprintf(s->istag, sizeof s->istag, "%s", istag ? istag : "");
	snprintf(s->version, sizeof s->version, "%.150s%s%.60s", service ? service : "ICAP", istag ? " " : "", istag ? istag : "");
}

static bool ask_options(struct postern_call *call, struct talk *t)
{
	struct head *h = postern_alloc(call, sizeof *h);
	const char *request = postern_printf(call, "%sEncapsulated: null-body=0\r\n\r\n", request_line(call, "OPTIONS"));
	if (postern_conn_write(call, t->conn, request, strlen(request)) != 0 || !read_head(call, t, "ICAP/1.", h))
		return false;
	if (h->status != 200) {
		note_refusal(call, t, h);
		return false;
	}
	if (header(h, "Methods") && !header_has(h, "Methods", "RESPMOD")) {
		t->result = postern_fail(call, POSTERN_BROKEN, "%s, service %s: it does not offer RESPMOD, only %.100s", endpoint_of(call),
			options_of(call)->service, header(h, "Methods"));
		return false;
	}
	note_options(call, h);
	/* What stands behind this answer would be taken for one to the part. */
	t->reusable = !postern_conn_readable(t->conn) && !header_has(h, "Connection", "close") && !header_has(h, "Encapsulated", "opt-body");
	return true;
}

static bool talk_connect(struct postern_call *call, struct talk *t)
{
	t->conn = t->conn ? t->conn : postern_conn_kept(call);
	t->kept = t->conn;
	if (!t->conn)
		t->conn = peers_connect(call);
	return t->conn;
}

static bool is_known(struct postern_call *call)
{
	const struct state *s = state_of(call);
	return s->learned_from == s->peers.first && time(NULL) < s->learned_until;
}

/* A connection to a server of which it is known what it can do. */
static bool talk_open(struct postern_call *call, struct talk *t)
{
	for (size_t k = 0; k <= peers_of(call)->sockets.count; k++) {
		if (!talk_connect(call, t))
			return false;
		if (is_known(call))
			return true;
		if (!ask_options(call, t))
			return false;
		if (t->reusable)
			return true;
		talk_close(call, t);	/* the next may come to another server */
	}
	postern_fail(call, POSTERN_TEMPFAIL, "%s, service %s: no two connections to the same server", endpoint_of(call), options_of(call)->service);
	return false;
}

/* ---- sending ---- */

static bool send_head(struct postern_call *call, const struct talk *t, long preview)
{
	const struct options *o = options_of(call);
	char *request = postern_printf(call, "GET http://postern/p%03u HTTP/1.1\r\nHost: postern\r\n\r\n", t->number);
	char *response = postern_printf(call, "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %lld\r\n\r\n",
		(long long)t->size);
	char *head = postern_printf(call, "%s%s%sEncapsulated: req-hdr=0, res-hdr=%zu, res-body=%zu\r\n\r\n%s%s", request_line(call, "RESPMOD"),
		o->allow_204 && state_of(call)->allow_204 ? "Allow: 204\r\n" : "",
		preview >= 0 ? postern_printf(call, "Preview: %ld\r\n", preview) : "",
		strlen(request), strlen(request) + strlen(response), request, response);
	return postern_conn_write(call, t->conn, head, strlen(head)) == 0;
}

/* The part's bytes [from, to) as chunks, one write each. It stops where the server speaks already: *early. */
static bool send_bytes(struct postern_call *call, const struct talk *t, int64_t from, int64_t to, bool *early)
{
	char *buffer = postern_alloc(call, CHUNK_HEAD_MAX + CHUNK_BYTES + 2);
	while (from < to && !(*early = postern_conn_readable(t->conn))) {
		size_t n = to - from < CHUNK_BYTES ? (size_t)(to - from) : CHUNK_BYTES;
		size_t head = (size_t)snprintf(buffer, CHUNK_HEAD_MAX, "%zx\r\n", n);
		ssize_t got = pread(t->fd, buffer + head, n, from);
		if (got != (ssize_t)n) {
			postern_fail(call, POSTERN_TEMPFAIL, "reading the part: %s", got < 0 ? strerror(errno) : "it is shorter than it was");
			return false;
		}
		memcpy(buffer + head + n, "\r\n", 2);
		if (postern_conn_write(call, t->conn, buffer, head + n + 2) != 0)
			return postern_conn_readable(t->conn) && (*early = true);
		from += (int64_t)n;
	}
	return true;
}

static bool send_end(struct postern_call *call, struct talk *t, const char *end)
{
	bool sent = postern_conn_write(call, t->conn, end, strlen(end)) == 0;
	t->sent_all = t->sent_all && sent;
	return sent || postern_conn_readable(t->conn);
}

/* [from, end of part) and the end mark, then the reply's head. */
static bool send_rest(struct postern_call *call, struct talk *t, int64_t from, struct head *h)
{
	bool early = false;
	if (!send_bytes(call, t, from, t->size, &early))
		return false;
	t->sent_all = !early;
	if (!early && !send_end(call, t, "0\r\n\r\n"))
		return false;
	return read_head(call, t, "ICAP/1.", h);
}

/* The beginning only; the server says whether it wants the rest. */
static bool send_preview(struct postern_call *call, struct talk *t, long preview, struct head *h)
{
	int64_t n = t->size < preview ? t->size : preview;
	bool early = false;
	if (!send_bytes(call, t, 0, n, &early))
		return false;
	t->sent_all = !early && n == t->size;
	if (!early && !send_end(call, t, t->sent_all ? "0; ieof\r\n\r\n" : "0\r\n\r\n"))
		return false;
	if (!read_head(call, t, "ICAP/1.", h))
		return false;
	if (h->status != 100 || t->sent_all || early)
		return true;
	return send_rest(call, t, n, h);
}

static bool send_part(struct postern_call *call, struct talk *t, struct head *h)
{
	const struct state *s = state_of(call);
	long preview = options_of(call)->preview ? s->preview_bytes : -1;
	if (!send_head(call, t, preview))
		return false;
	return preview >= 0 ? send_preview(call, t, preview, h) : send_rest(call, t, 0, h);
}

/* ---- judging ---- */

static void add_name(struct postern_call *call, const char *match, void *context)
{
	postern_found(call, ((struct talk *)context)->part, match);
}

/* "2", and for each: file, threat, problem id, resolution. */
static void violations(struct postern_call *call, const struct talk *t, const char *value)
{
	char *text = postern_printf(call, "%s", value), *rest = NULL;
	size_t at = 0, names = 0;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), at++) {
		if (at % 4 == 2 && ++names)
			postern_found(call, t->part, line);
	}
	if (names == 0)
		postern_found(call, t->part, "");
}

/* "Type=0; Resolution=2; Threat=Eicar-Test-Signature;", or just a name. */
static void threat(struct postern_call *call, const struct talk *t, const char *value)
{
	const char *at = strcasestr(value, "Threat=");
	if (!at) {
		postern_found(call, t->part, value);
		return;
	}
	at += strlen("Threat=");
	postern_found(call, t->part, postern_printf(call, "%.*s", (int)strcspn(at, ";\n"), at));
}

static void report(struct postern_call *call, struct talk *t, const char *name, const char *value)
{
	const struct options *o = options_of(call);
	postern_set_output(call, value, strlen(value));
	if (o->names && postern_regex_each(call, o->names, value, strlen(value), add_name, t) > 0)
		return;
	if (strcasecmp(name, "X-Violations-Found") == 0)
		violations(call, t, value);
	else
		threat(call, t, value);
}

static bool names_malware(const struct options *o, const struct header *h, const char *name)
{
	return strcasecmp(h->name, name) == 0 && !(o->clean && postern_regex_match(o->clean, h->value, strlen(h->value)));
}

/* The first header of the list that says more than "nothing found"; one name may stand there more than once. */
static bool named(struct postern_call *call, struct talk *t, const struct head *h)
{
	const struct options *o = options_of(call);
	for (size_t k = 0; k < o->headers.count; k++) {
		for (size_t n = 0; n < h->count; n++) {
			if (!names_malware(o, &h->headers[n], o->headers.v[k]))
				continue;
			report(call, t, o->headers.v[k], h->headers[n].value);
			return true;
		}
	}
	return false;
}

static bool means_blocked(const struct options *o, int status)
{
	for (size_t k = 0; k < o->blocked.count; k++) {
		if (o->blocked.v[k] == status)
			return true;
	}
	return o->blocked.count == 0 && status != 200;
}

static enum verdict nonsense(struct postern_call *call, struct talk *t, const char *what)
{
	t->result = postern_fail(call, POSTERN_BROKEN, "%s, service %s: %s", endpoint_of(call), options_of(call)->service, what);
	return FAILED;
}

/* 200 that names nothing: the HTTP answer that comes with it, and whether its body is what was sent. */
static enum verdict judge_content(struct postern_call *call, struct talk *t, const struct head *icap)
{
	struct head *http = postern_alloc(call, sizeof *http), *trailers = postern_alloc(call, sizeof *trailers);
	bool same = true;
	if (!header_has(icap, "Encapsulated", "res-hdr"))
		return nonsense(call, t, "it answers 200 without an HTTP answer in it");
	if (!read_head(call, t, "HTTP/1.", http))
		return FAILED;
	if (named(call, t, http))
		return FOUND;
	if (means_blocked(options_of(call), http->status)) {
		postern_set_output(call, http->line, strlen(http->line));
		postern_found(call, t->part, "");
		return FOUND;
	}
	if (http->status != 200)
		return nonsense(call, t, postern_printf(call, "it changes the answer to \"%.100s\", which is not in `blocked`", http->line));
	if (!t->sent_all)
		return nonsense(call, t, "it sends content back before it has got all; this works only with servers that know Allow: 204");
	if (header_has(icap, "Encapsulated", "null-body"))
		same = t->size == 0;
	else if (!compare_body(call, t, &same, trailers))
		return FAILED;
	if (named(call, t, trailers))
		return FOUND;
	return same ? CLEAN : nonsense(call, t, "it sends other content back and names no malware");
}

/* It does not want the rest: a type that it leaves out, or too large for it. */
static enum verdict judge_unchanged(struct postern_call *call, struct talk *t)
{
	if (t->sent_all || options_of(call)->trust_early)
		return CLEAN;
	t->result = postern_fail(call, POSTERN_NOTHING, "part p%03u: the server lets it pass and has not looked at all of its %lld bytes, as with types and "
		"sizes that it leaves out; let it look at them (c-icap: ScanFileTypes, MaxObjectSize), or see trust_early", t->number, (long long)t->size);
	return UNSEEN;
}

static enum verdict judge(struct postern_call *call, struct talk *t, const struct head *h)
{
	struct state *s = state_of(call);
	const char *istag = header(h, "ISTag");
	t->reusable = false;
	if (istag && strncmp(istag, s->istag, sizeof s->istag - 1) != 0)
		s->learned_until = 0;
	if (named(call, t, h))
		return FOUND;
	if (h->status != 200 && h->status != 204) {
		note_refusal(call, t, h);
		return FAILED;
	}
	enum verdict v = h->status == 204 ? judge_unchanged(call, t) : judge_content(call, t, h);
	if (v == CLEAN && peer_says_more(call, t->conn))
		return nonsense(call, t, "it says more than one answer");
	t->reusable = v == CLEAN && t->sent_all && !header_has(h, "Connection", "close");
	return v;
}

static enum verdict exchange(struct postern_call *call, struct talk *t)
{
	struct head *h = postern_alloc(call, sizeof *h);
	t->result = POSTERN_TEMPFAIL;
	enum verdict v = talk_open(call, t) && send_part(call, t, h) ? judge(call, t, h) : FAILED;
	if (v == FAILED)
		t->reusable = false;
	return v;
}

/* With one server. A kept connection may have been closed by the other side meanwhile: then once more with a new one. */
static enum verdict ask_one(struct postern_call *call, struct talk *t)
{
	enum verdict v = exchange(call, t);
	bool stale = v == FAILED && t->kept && peers_may_ask(call);
	if (!stale) {
		talk_done(call, t);
		return v;
	}
	talk_close(call, t);
	v = exchange(call, t);
	talk_done(call, t);
	return v;
}

static enum postern_result icap_scan_part(struct postern_call *call, const struct postern_part *part)
{
	struct state *s = state_of(call);
	struct talk t = { .fd = postern_part_fd(call, part), .size = postern_part_size(part), .number = postern_part_number(part), .part = part };
	if (t.fd < 0)
		return POSTERN_TEMPFAIL;
	enum verdict v;
	size_t asked = 0;
	do {
		v = ask_one(call, &t);
	} while (v == FAILED && peers_next(call, &asked));
	postern_set_version(call, s->version);
	return v == FAILED || v == UNSEEN ? t.result : POSTERN_OK;
}

static enum postern_result version_of_one(struct postern_call *call)
{
	struct talk t = { .fd = -1, .result = POSTERN_TEMPFAIL };
	state_of(call)->learned_until = 0;
	if (!talk_open(call, &t)) {
		talk_close(call, &t);
		return t.result;
	}
	talk_done(call, &t);
	postern_set_version(call, state_of(call)->version);
	return POSTERN_OK;
}

static enum postern_result icap_version(struct postern_call *call)
{
	return peers_question(call, version_of_one);
}

static enum postern_result icap_check(struct postern_instance *instance, struct postern_error *error)
{
	const struct options *o = postern_options(instance);
	for (const char *at = o->service; *at; at++) {
		if (*at <= ' ' || *at > '~')
			return postern_complain(error, POSTERN_BROKEN, "service \"%s\": a blank or a character that no URL may hold", o->service);
	}
	return POSTERN_OK;
}

static enum postern_result icap_start(struct postern_instance *instance, struct postern_error *error)
{
	return peers_start_state(instance, sizeof(struct state), error);
}

static const struct postern_option option_table[] = {
	{ .name = "socket", .type = POSTERN_ENDPOINTS, .offset = offsetof(struct options, socket), .value = "127.0.0.1:1344",
	  .flags = POSTERN_POSITIONAL, .doc = "Where the ICAP server listens; several: the one that works is kept, the others are asked where it fails." },
	{ .name = "service", .type = POSTERN_STRING, .offset = offsetof(struct options, service), .value = "virus_scan",
	  .doc = "The service's name: what stands behind icap://host:port/." },
	{ .name = "preview", .type = POSTERN_BOOL, .offset = offsetof(struct options, preview), .value = "true",
	  .doc = "Send the beginning first where the server offers that; it says whether it wants the rest." },
	{ .name = "allow_204", .type = POSTERN_BOOL, .offset = offsetof(struct options, allow_204), .value = "true",
	  .doc = "Let the server answer 204 instead of sending the content back, where it offers that." },
	{ .name = "trust_early", .type = POSTERN_BOOL, .offset = offsetof(struct options, trust_early), .value = "false",
	  .doc = "Count as clean what the server lets pass when it has got only the beginning, as it does with types and sizes that it leaves out." },
	{ .name = "session", .type = POSTERN_BOOL, .offset = offsetof(struct options, session), .value = "true",
	  .doc = "Keep the connection open from mail to mail." },
	{ .name = "headers", .type = POSTERN_STRINGS, .offset = offsetof(struct options, headers),
	  .value = "X-Violations-Found,X-Infection-Found,X-Virus-ID", .doc = "Headers whose presence means malware; the first that is there counts." },
	{ .name = "clean", .type = POSTERN_REGEX, .offset = offsetof(struct options, clean),
	  .value = "\\A(?i:0|-|no|none|clean|no threats?( found)?)?\\s*\\z", .doc = "A value of these headers that means nothing was found." },
	{ .name = "names", .type = POSTERN_REGEX, .offset = offsetof(struct options, names),
	  .doc = "Finds the names in the header's value: each match's first group; default by the header's kind." },
	{ .name = "blocked", .type = POSTERN_INTS, .offset = offsetof(struct options, blocked),
	  .doc = "HTTP status codes that mean malware; default: any but the one that was sent (200)." },
	{ .name = NULL }
};

static const struct postern_scanner_ops scanner_ops = {
	.size = sizeof scanner_ops, .scan_part = icap_scan_part, .version = icap_version
};

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD,
	.name = "icap", .version = "1", .doc = "Asks an ICAP server (RFC 3507, RESPMOD).",
	.roles = POSTERN_SCANNER, .capabilities = POSTERN_CAP_PER_PART | POSTERN_CAP_NETWORK | POSTERN_CAP_CACHEABLE,
	.options = option_table, .options_size = sizeof(struct options),
	.check = icap_check, .start = icap_start, .stop = peers_stop, .scanner = &scanner_ops,
};
