/* peer.c - see peer.h. */
#include "peer.h"

#include <stdlib.h>
#include <string.h>

enum postern_result peers_start_state(struct postern_instance *instance, size_t state_bytes, struct postern_error *error)
{
	struct peers *all = calloc(1, state_bytes);
	if (!all)
		return postern_complain(error, POSTERN_TEMPFAIL, "out of memory");
	all->sockets = *(const struct postern_strings *)postern_options(instance);
	*postern_state(instance) = all;
	return POSTERN_OK;
}

enum postern_result peers_start(struct postern_instance *instance, struct postern_error *error)
{
	return peers_start_state(instance, sizeof(struct peers), error);
}

void peers_stop(struct postern_instance *instance)
{
	void **state = postern_state(instance);
	free(*state);
	*state = NULL;
}

struct peers *peers_of(struct postern_call *call)
{
	return *postern_state(postern_call_instance(call));
}

bool peers_may_ask(struct postern_call *call)
{
	return postern_time_left_ms(call) > 0 && postern_wait(call, -1, 0, 0) >= 0;
}

static void close_kept(struct postern_call *call)
{
	struct postern_conn *kept = postern_conn_kept(call);
	if (kept)
		postern_conn_close(call, kept);
}

struct postern_conn *peers_connect(struct postern_call *call)
{
	struct peers *all = peers_of(call);
	for (size_t k = 0; k < all->sockets.count; k++) {
		size_t at = (all->first + k) % all->sockets.count;
		struct postern_conn *conn = postern_conn_open(call, all->sockets.v[at]);
		if (conn) {
			if (at != all->first)
				close_kept(call);	/* with another */
			all->first = at;
			return conn;
		}
		if (!peers_may_ask(call))
			break;
	}
	return NULL;
}

void peers_move_on(struct postern_call *call)
{
	struct peers *all = peers_of(call);
	close_kept(call);
	all->first = (all->first + 1) % all->sockets.count;
}

bool peers_next(struct postern_call *call, size_t *asked)
{
	peers_move_on(call);
	return ++*asked < peers_of(call)->sockets.count && peers_may_ask(call);
}

enum postern_result peers_question(struct postern_call *call, enum postern_result (*ask)(struct postern_call *))
{
	enum postern_result r;
	size_t asked = 0;
	do {
		r = ask(call);
	} while ((r == POSTERN_TEMPFAIL || r == POSTERN_BROKEN) && peers_next(call, &asked));
	return r;
}

bool peer_open(struct postern_call *call, struct peer *p)
{
	*p = (struct peer){ .conn = postern_conn_kept(call), .kept = true, .reached = true };
	if (p->conn)
		return true;
	*p = (struct peer){ .conn = peers_connect(call) };
	p->reached = p->conn;
	if (!p->reached)
		peers_move_on(call);
	return p->reached;
}

void peer_close(struct postern_call *call, struct peer *p)
{
	if (p->conn)
		postern_conn_close(call, p->conn);
	p->conn = NULL;
}

void peer_done(struct postern_call *call, struct peer *p, bool well)
{
	const struct peer_options *o = postern_options(postern_call_instance(call));
	if (!p->conn || !well || !o->session) {
		peer_close(call, p);
		return;
	}
	postern_conn_keep(call, p->conn);
	p->conn = NULL;
}

int peer_say(struct postern_call *call, struct peer *p, const char *text)
{
	return postern_conn_write(call, p->conn, text, strlen(text));
}

char *peer_read_line(struct postern_call *call, struct peer *p)
{
	char text[PEER_LINE_MAX];
	size_t n = 0;
	for (;; n++) {
		ssize_t got = postern_conn_read(call, p->conn, text + n, 1);
		if (got < 0)
			return NULL;
		if (got == 0) {
			postern_fail(call, POSTERN_TEMPFAIL, "the daemon closed the connection after %zu bytes of a line", n);
			return NULL;
		}
		if (text[n] == '\n' || text[n] == '\0')
			break;
		if (n + 1 == PEER_LINE_MAX) {
			postern_fail(call, POSTERN_BROKEN, "the daemon said a line of more than %d bytes", PEER_LINE_MAX);
			return NULL;
		}
	}
	if (n > 0 && text[n - 1] == '\r')
		n--;
	return postern_printf(call, "%.*s", (int)n, text);
}

bool peer_says_more(struct postern_call *call, struct postern_conn *conn)
{
	char c;
	while (postern_conn_readable(conn)) {
		if (postern_conn_read(call, conn, &c, 1) <= 0)
			return false;
		if (c != '\r' && c != '\n' && c != ' ' && c != '\0')
			return true;
	}
	return false;
}

static void keep_first(struct postern_call *call, const char *match, void *context)
{
	const char **first = context;
	if (!*first)
		*first = postern_printf(call, "%s", match);
}

void peer_take_version(struct postern_call *call, const struct postern_regex *regex, const char *text, size_t size)
{
	const char *version = NULL;
	if (regex)
		postern_regex_each(call, regex, text, size, keep_first, &version);
	else
		version = postern_printf(call, "%.*s", (int)strcspn(text, "\r\n"), text);
	if (version && *version)
		postern_set_version(call, version);
}
