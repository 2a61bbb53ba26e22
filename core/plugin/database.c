/* database.c - calls of plugins with the role database: one statement, its rows, what it changed; and what libraries need to wait.
 *
 * On the calling thread.  Rows are the asker's as they come: nothing is kept here. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <talloc.h>

#include "base/io.h"
#include "plugin/inside.h"

#define ADDRESSES_MAX 8

void postern_columns(struct postern_call *c, const char *const *names, size_t count)
{
	if (c->records && c->records->columns)
		c->records->columns(c->records->context, names, count);
}

bool postern_record(struct postern_call *c, const char *const *values, const size_t *sizes, size_t count)
{
	if (!c->records || c->records->record(c->records->context, values, sizes, count))
		return true;
	postern_fail(c, POSTERN_LIMIT, "more rows than are taken");
	return false;
}

void postern_executed(struct postern_call *c, int64_t affected_rows, int64_t insert_id)
{
	c->affected_rows = affected_rows;
	c->insert_id = insert_id;
}

int postern_wait(struct postern_call *c, int fd, short events, int timeout_ms)
{
	struct deadline d = deadline_sooner(c->deadline, timeout_ms);
	struct pollfd p[2] = { { .fd = fd, .events = events }, { .fd = d.cancel_fd, .events = POLLIN } };
	for (;;) {
		int n = poll(p, d.cancel_fd >= 0 ? 2 : 1, timeout_ms == 0 ? 0 : deadline_left_ms(d));
		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0 && p[0].revents)
			return p[0].revents;
		if (n == 0 && timeout_ms != 0 && postern_time_left_ms(c) == 0)
			postern_fail(c, POSTERN_TEMPFAIL, "time over");
		if (n == 0)
			return 0;
		if (n > 0)
			errno = ECANCELED;
		return -1;
	}
}

const char *const *postern_resolve(struct postern_call *c, const char *host)
{
	struct sockaddr_storage addresses[ADDRESSES_MAX];
	socklen_t lengths[ADDRESSES_MAX];
	struct error e = { 0 };
	int count = io_resolve(host, "0", addresses, lengths, ADDRESSES_MAX, c->deadline, &e);
	if (count < 0) {
		postern_fail(c, POSTERN_TEMPFAIL, "%s", e.text);
		return NULL;
	}
	const char **texts = talloc_zero_array(c->arena, const char *, (size_t)count + 1);
	size_t n = 0;
	for (int k = 0; k < count; k++) {
		char text[NI_MAXHOST];
		if (getnameinfo((struct sockaddr *)&addresses[k], lengths[k], text, sizeof text, NULL, 0, NI_NUMERICHOST) == 0)
			texts[n++] = talloc_strdup(texts, text);
	}
	return texts;
}

typedef enum postern_result (*database_call)(struct postern_call *c, const void *what);

static void call_database(struct plugin_instance *i, database_call call, const void *what, const struct plugin_record_sink *sink,
	struct deadline d, void *owner, struct plugin_executed *out)
{
	const char *why = i->plugin->database ? call_claim(i, owner) : "the plugin is no database";
	*out = (struct plugin_executed){ .result = i->plugin->database ? POSTERN_TEMPFAIL : POSTERN_BROKEN, .error = why };
	if (why)
		return;
	int64_t began_us = clock_wall_us();
	struct postern_call *c = call_begin(i, NULL, d);
	c->records = sink;
	enum postern_result r = breaker_admit(c);
	if (r == POSTERN_OK)
		r = call(c, what);
	*out = (struct plugin_executed){
		.result = r, .error = r == POSTERN_OK ? NULL : call_blame(c, r, owner), .affected_rows = c->affected_rows, .insert_id = c->insert_id,
		.elapsed_us = elapsed_since_us(began_us),
	};
	call_account(c, r, 0, out->elapsed_us);
	call_end(c);
	call_release(i);
}

struct statement { const char *text; const struct postern_parameter *parameters; size_t count; };

static enum postern_result call_execute(struct postern_call *c, const void *what)
{
	const struct statement *s = what;
	return c->instance->plugin->database->execute(c, s->text, s->parameters, s->count);
}

static enum postern_result call_ping(struct postern_call *c, const void *what)
{
	(void)what;
	const struct postern_database_ops *ops = c->instance->plugin->database;
	return ops->ping ? ops->ping(c) : POSTERN_NOTHING;
}

void plugin_execute(struct plugin_instance *i, const char *text, const struct postern_parameter *parameters, size_t count,
	const struct plugin_record_sink *sink, struct deadline d, void *owner, struct plugin_executed *out)
{
	const struct statement s = { text, parameters, count };
	call_database(i, call_execute, &s, sink, d, owner, out);
}

void plugin_ping(struct plugin_instance *i, struct deadline d, void *owner, struct plugin_executed *out)
{
	call_database(i, call_ping, NULL, NULL, d, owner, out);
}
