/* postgresql.c - statements for PostgreSQL, over libpq's non-blocking calls.
 *
 * Every wait is the host's, under the call's deadline.  The connection is kept
 * from call to call and looked at before it is used; a statement that only
 * reads is asked a second time where the server has gone away under it. */
#include <postern/plugin.h>

#include <libpq-fe.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "shared.h"
#include "statements.h"

#define BYTEA_OID 17
#define DEFAULT_PORT 5432
#define DEFAULT_SOCKET "/run/postgresql"
#define SYSTEM_CA "/etc/ssl/certs/ca-certificates.crt"
#define NAME_BYTES 48			/* of a prepared statement */

struct state {
	PGconn *db;			/* NULL: not connected */
	bool cut;			/* a call was left half-way */
	bool in_transaction;		/* after the last statement that came to its end */
	int64_t until_ms;		/* of a connection that is being made; 0: only the call's deadline counts */
	uint64_t ours, names;		/* what names of prepared statements begin with, and their number */
	struct statements statements;
};

static const struct server_options *options_of(struct postern_call *call)
{
	return postern_options(postern_call_instance(call));
}

static struct state *state_of(struct postern_call *call)
{
	return *postern_state(postern_call_instance(call));
}

/* ---- the connection ---- */

static void forget_statements(struct state *s)
{
	for (void *name = statements_forget_any(&s->statements); name; name = statements_forget_any(&s->statements))
		free(name);
}

static void disconnect(void *state)
{
	struct state *s = state;
	forget_statements(s);
	PQfinish(s->db);
	s->db = NULL;
	s->cut = s->in_transaction = false;
}

/* libpq's messages have several lines; a log line has one. */
static const char *one_line(struct postern_call *call, const char *text)
{
	char *copy = postern_printf(call, "%s", text ? text : "");
	size_t length = strlen(copy);
	while (length > 0 && copy[length - 1] == '\n')
		copy[--length] = '\0';
	for (char *p = copy; *p; p++)
		if (*p == '\n' || *p == '\t')
			*p = ' ';
	return copy;
}

static bool over_socket(const struct server_options *o)
{
	return (o->socket && *o->socket) || !*o->server;
}

static const char *place(struct postern_call *call)
{
	const struct server_options *o = options_of(call);
	return server_place(call, o, over_socket(o), DEFAULT_SOCKET, DEFAULT_PORT);
}

static void be_quiet(void *context, const PGresult *result)
{
	(void)context;
	(void)result;
}

/* false: time was over. */
static bool wait_for(struct postern_call *call, short events)
{
	struct state *s = state_of(call);
	bool patience;
	if (waiting_wait(call, s->until_ms, PQsocket(s->db), events, -1, &patience) > 0)
		return true;
	s->cut = true;
	return false;
}

static enum postern_result finish_connection(struct postern_call *call)
{
	struct state *s = state_of(call);
	PostgresPollingStatusType status = PQstatus(s->db) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
	while (status == PGRES_POLLING_READING || status == PGRES_POLLING_WRITING) {
		if (!wait_for(call, status == PGRES_POLLING_READING ? POLLIN : POLLOUT))
			return postern_fail(call, POSTERN_TEMPFAIL, "connect to %s: no answer in time", place(call));
		status = PQconnectPoll(s->db);
	}
	if (status == PGRES_POLLING_OK)
		return POSTERN_OK;
	return postern_fail(call, POSTERN_TEMPFAIL, "connect to %s: %s", place(call), one_line(call, PQerrorMessage(s->db)));
}

/* One address, or the folder of the socket (address NULL). */
static enum postern_result connect_to(struct postern_call *call, const char *address)
{
	struct state *s = state_of(call);
	const struct server_options *o = options_of(call);
	bool checked = strcmp(o->tls, "on") == 0, encrypted = strcmp(o->tls, "off") != 0;
	const char *names[] = { "host", "hostaddr", "port", "dbname", "user", "password", "client_encoding", "application_name",
		"sslmode", "sslrootcert", "sslcert", "sslkey", "gssencmode", NULL };
	const char *values[] = { address ? o->server : place(call), address, postern_printf(call, "%d", (int)(o->port ? o->port : DEFAULT_PORT)),
		o->database, o->user, o->password, "UTF8", "postern",
		address && encrypted ? checked ? "verify-full" : "require" : "disable", checked ? o->ca ? o->ca : SYSTEM_CA : NULL, o->cert, o->key,
		"disable", NULL };
	s->db = PQconnectStartParams(names, values, 0);
	if (!s->db)
		return postern_fail(call, POSTERN_TEMPFAIL, "out of memory");
	PQsetNoticeReceiver(s->db, be_quiet, NULL);
	enum postern_result r = finish_connection(call);
	if (r == POSTERN_OK && PQsetnonblocking(s->db, 1) != 0)
		r = postern_fail(call, POSTERN_TEMPFAIL, "connect to %s: %s", place(call), one_line(call, PQerrorMessage(s->db)));
	if (r != POSTERN_OK)
		disconnect(s);
	return r;
}

/* Between statements the server only speaks to take its leave (or of its settings, which libpq reads). */
static bool is_alive(const void *state)
{
	const struct state *s = state;
	struct pollfd p = { .fd = s->db && !s->cut ? PQsocket(s->db) : -1, .events = POLLIN | POLLRDHUP };
	if (p.fd < 0 || PQstatus(s->db) != CONNECTION_OK)
		return false;
	if (poll(&p, 1, 0) == 0)
		return true;
	return !(p.revents & (POLLRDHUP | POLLHUP | POLLERR)) && PQconsumeInput(s->db) && PQstatus(s->db) == CONNECTION_OK;
}

static enum postern_result have_connection(struct postern_call *call)
{
	struct state *s = state_of(call);
	const struct server_options *o = options_of(call);
	if (is_alive(s))
		return POSTERN_OK;
	disconnect(s);
	if (!over_socket(o))
		return server_connect(call, o, &s->until_ms, connect_to);
	s->until_ms = waiting_now_ms() + o->connect_timeout_ms;
	enum postern_result r = connect_to(call, NULL);
	s->until_ms = 0;
	return r;
}

/* ---- errors ---- */

static bool state_is(const char *sqlstate, const char *const *list)
{
	for (; *list; list++)
		if (strncmp(sqlstate, *list, strlen(*list)) == 0)
			return true;
	return false;
}

static bool is_lost(const char *sqlstate)
{
	static const char *const states[] = { "08", "57P0", NULL };
	return state_is(sqlstate, states);
}

/* The statement has to be prepared anew: a pooler has changed the server under us (which does not know it, or knows another of its name),
 * or a table has changed. */
static bool is_stale(const char *sqlstate)
{
	static const char *const states[] = { "26000", "42P05", "0A000", NULL };
	return state_is(sqlstate, states);
}

static bool is_passing(const char *sqlstate)
{
	static const char *const states[] = { "08", "57", "53", "40", "55", "58", NULL };
	return state_is(sqlstate, states);
}

static enum postern_result no_time(struct postern_call *call)
{
	return postern_fail(call, POSTERN_TEMPFAIL, "no answer in time");
}

/* The connection itself. */
static enum postern_result broken_off(struct postern_call *call, struct try *t)
{
	struct state *s = state_of(call);
	s->cut = t->lost = true;
	return postern_fail(call, POSTERN_TEMPFAIL, "%s", one_line(call, PQerrorMessage(s->db)));
}

static enum postern_result failed(struct postern_call *call, const PGresult *result, struct try *t)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE), *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	if (!sqlstate || PQstatus(state_of(call)->db) == CONNECTION_BAD)
		return broken_off(call, t);
	t->lost = is_lost(sqlstate);
	t->had_left = strncmp(sqlstate, "57P0", 4) == 0;
	t->stale = is_stale(sqlstate);
	if (t->lost)
		state_of(call)->cut = true;
	if (strcmp(sqlstate, "23505") == 0)
		return postern_fail(call, POSTERN_NOTHING, "%s", one_line(call, text));
	return postern_fail(call, is_passing(sqlstate) ? POSTERN_TEMPFAIL : POSTERN_BROKEN, "%s (%s)", one_line(call, text), sqlstate);
}

/* ---- one statement ---- */

/* Where what is quoted or a comment at p ends; p: nothing begins there. */
static const char *skip_quoted(const char *p)
{
	const char *end;
	if (*p == '\'' || *p == '"') {
		for (end = p + 1; *end && *end != *p; end++)
			;
		return *end ? end + 1 : end;
	}
	if (strncmp(p, "--", 2) == 0)
		return p + strcspn(p, "\n");
	if (strncmp(p, "/*", 2) == 0)
		return (end = strstr(p + 2, "*/")) ? end + 2 : p + strlen(p);
	return p;
}

/* "?" as "$1", "$2" ... */
static char *numbered(struct postern_call *call, const char *text)
{
	size_t parameters = 0;
	for (const char *p = text; *p; p++)
		parameters += *p == '?';
	char *out = postern_alloc(call, strlen(text) + 8 * parameters + 1), *to = out;
	unsigned number = 0;
	while (*text) {
		const char *end = skip_quoted(text);
		if (end == text && *text == '?')
			to += sprintf(to, "$%u", ++number);
		else if (end == text)
			*to++ = *text;
		else
			to = mempcpy(to, text, (size_t)(end - text));
		text = end == text ? text + 1 : end;
	}
	return out;
}

/* Send what was begun. */
static bool send_all(struct postern_call *call, struct try *t)
{
	struct state *s = state_of(call);
	int rc;
	while ((rc = PQflush(s->db)) > 0) {
		if (!wait_for(call, POLLIN | POLLOUT)) {
			no_time(call);
			return false;
		}
		if (!PQconsumeInput(s->db))
			break;
	}
	if (rc != 0)
		broken_off(call, t);
	return rc == 0;
}

/* The next result, NULL: there is none. False: failed, and said so. */
static bool next_result(struct postern_call *call, PGresult **result, struct try *t)
{
	struct state *s = state_of(call);
	while (PQisBusy(s->db)) {
		if (!wait_for(call, POLLIN)) {
			no_time(call);
			return false;
		}
		if (!PQconsumeInput(s->db)) {
			broken_off(call, t);
			return false;
		}
	}
	*result = PQgetResult(s->db);
	return true;
}

static void tell_columns(struct postern_call *call, const PGresult *result)
{
	size_t count = (size_t)PQnfields(result);
	const char **names = postern_alloc(call, count * sizeof *names);
	for (size_t k = 0; k < count; k++)
		names[k] = PQfname(result, (int)k);
	postern_columns(call, names, count);
}

static bool tell_row(struct postern_call *call, const PGresult *result)
{
	size_t count = (size_t)PQnfields(result);
	const char **values = postern_alloc(call, count * sizeof *values);
	size_t *sizes = postern_alloc(call, count * sizeof *sizes);
	unsigned char **unescaped = postern_alloc(call, count * sizeof *unescaped);
	for (size_t k = 0; k < count; k++) {
		int column = (int)k;
		values[k] = PQgetisnull(result, 0, column) ? NULL : PQgetvalue(result, 0, column);
		sizes[k] = values[k] ? (size_t)PQgetlength(result, 0, column) : 0;
		if (values[k] && PQftype(result, column) == BYTEA_OID) {
			unescaped[k] = PQunescapeBytea((const unsigned char *)values[k], &sizes[k]);
			values[k] = (const char *)unescaped[k];
		}
	}
	bool more = postern_record(call, values, sizes, count);
	for (size_t k = 0; k < count; k++)
		PQfreemem(unescaped[k]);
	return more;
}

static int64_t number_of(const char *text)
{
	return strtoll(text, NULL, 10);
}

static enum postern_result take_result(struct postern_call *call, const PGresult *result, struct try *t)
{
	switch (PQresultStatus(result)) {
	case PGRES_SINGLE_TUPLE:
		if (!t->told)
			tell_columns(call, result);
		t->told = true;
		return tell_row(call, result) ? POSTERN_OK : POSTERN_LIMIT;
	case PGRES_TUPLES_OK:
		if (!t->told)
			tell_columns(call, result);
		t->told = true;
		postern_executed(call, number_of(PQcmdTuples((PGresult *)(uintptr_t)result)), 0);
		return POSTERN_OK;
	case PGRES_COMMAND_OK:
		postern_executed(call, number_of(PQcmdTuples((PGresult *)(uintptr_t)result)), 0);
		return POSTERN_OK;
	case PGRES_EMPTY_QUERY:
		return postern_fail(call, POSTERN_BROKEN, "an empty statement");
	case PGRES_COPY_IN: case PGRES_COPY_OUT: case PGRES_COPY_BOTH:
		state_of(call)->cut = true;
		return postern_fail(call, POSTERN_BROKEN, "COPY is no statement for here");
	default:
		return failed(call, result, t);
	}
}

/* Everything the server says about the statement that was sent. */
static enum postern_result take_results(struct postern_call *call, struct try *t)
{
	enum postern_result r = POSTERN_OK;
	for (PGresult *result; !state_of(call)->cut; PQclear(result)) {
		if (!next_result(call, &result, t))
			return POSTERN_TEMPFAIL;
		if (!result)
			return r;
		enum postern_result one = r == POSTERN_OK ? take_result(call, result, t) : r;
		if (one == POSTERN_LIMIT)
			state_of(call)->cut = true;	/* rows nobody wants are not waited for */
		r = one;
	}
	return r;
}

static enum postern_result say(struct postern_call *call, bool sent, struct try *t)
{
	if (!sent)
		return broken_off(call, t);
	return send_all(call, t) ? take_results(call, t) : POSTERN_TEMPFAIL;
}

static Oid *parameter_types(struct postern_call *call, const struct postern_parameter *p, size_t count)
{
	Oid *types = postern_alloc(call, count * sizeof *types);
	for (size_t k = 0; k < count; k++)
		types[k] = p[k].octets ? BYTEA_OID : 0;	/* 0: as the statement has it */
	return types;
}

/* Octets and text make two statements of one text. */
static char *statement_key(struct postern_call *call, const char *text, const struct postern_parameter *p, size_t count)
{
	char *kinds = postern_alloc(call, count + 1);
	for (size_t k = 0; k < count; k++)
		kinds[k] = p[k].octets ? 'o' : 't';
	return postern_printf(call, "%s:%s", kinds, text);
}

static enum postern_result make_room(struct postern_call *call, struct try *t)
{
	struct state *s = state_of(call);
	char *oldest = statements_make_room(&s->statements);
	if (!oldest)
		return POSTERN_OK;
	const char *text = postern_printf(call, "DEALLOCATE %s", oldest);
	free(oldest);
	return say(call, PQsendQuery(s->db, text), t);
}

static enum postern_result prepare(struct postern_call *call, const char *text, const struct postern_parameter *p, size_t count,
	const char **name, struct try *t)
{
	struct state *s = state_of(call);
	char *key = statement_key(call, text, p, count), fresh[NAME_BYTES];
	*name = statements_find(&s->statements, key);
	if (*name)
		return POSTERN_OK;
	enum postern_result r = make_room(call, t);
	if (r != POSTERN_OK)
		return r;
	/* Behind a pooler a server has other workers' statements too: by a name of theirs it would answer another question. */
	snprintf(fresh, sizeof fresh, "postern_%016" PRIx64 "_%" PRIu64, s->ours, ++s->names);
	r = say(call, PQsendPrepare(s->db, fresh, numbered(call, text), (int)count, parameter_types(call, p, count)), t);
	if (r != POSTERN_OK)
		return r;
	statements_keep(&s->statements, key, strdup(fresh));
	*name = postern_printf(call, "%s", fresh);
	return POSTERN_OK;
}

static enum postern_result send_prepared(struct postern_call *call, const char *name, const struct postern_parameter *p, size_t count, struct try *t)
{
	struct state *s = state_of(call);
	const char **values = postern_alloc(call, count * sizeof *values);
	int *lengths = postern_alloc(call, count * sizeof *lengths), *formats = postern_alloc(call, count * sizeof *formats);
	for (size_t k = 0; k < count; k++) {
		values[k] = p[k].text;
		lengths[k] = (int)p[k].size;
		formats[k] = p[k].octets;
		if (p[k].text && !p[k].octets && memchr(p[k].text, 0, p[k].size))
			return postern_fail(call, POSTERN_BROKEN, "text with a NUL in it cannot be asked for");
	}
	t->executed = true;
	if (!PQsendQueryPrepared(s->db, name, (int)count, values, lengths, formats, 0))
		return broken_off(call, t);
	PQsetSingleRowMode(s->db);
	return say(call, true, t);
}

static enum postern_result try_once(struct postern_call *call, const char *text, const struct postern_parameter *p, size_t count, struct try *t)
{
	struct state *s = state_of(call);
	const char *name = NULL;
	enum postern_result r = have_connection(call);
	if (r == POSTERN_OK)
		r = prepare(call, text, p, count, &name, t);
	if (r == POSTERN_OK)
		r = send_prepared(call, name, p, count, t);
	if (s->db && !s->cut)
		s->in_transaction = PQtransactionStatus(s->db) == PQTRANS_INTRANS || PQtransactionStatus(s->db) == PQTRANS_INERROR;
	return r;
}

static bool in_transaction(const void *state)
{
	return ((const struct state *)state)->in_transaction;
}

static const struct server_ops server = { in_transaction, is_alive, disconnect, try_once };

static enum postern_result postgresql_execute(struct postern_call *call, const char *text, const struct postern_parameter *parameters, size_t count)
{
	return server_execute(call, &server, text, parameters, count);
}

static enum postern_result postgresql_is_there(struct postern_call *call)
{
	return postgresql_execute(call, "SELECT 1", NULL, 0);
}

/* ---- life ---- */

static enum postern_result postgresql_start(struct postern_instance *instance, struct postern_error *e)
{
	uint64_t ours;
	if (getrandom(&ours, sizeof ours, 0) != sizeof ours)
		return postern_complain(e, POSTERN_TEMPFAIL, "no random numbers");
	enum postern_result r = state_make(instance, sizeof(struct state), e);
	if (r == POSTERN_OK)
		((struct state *)*postern_state(instance))->ours = ours;
	return r;
}

static void postgresql_stop(struct postern_instance *instance)
{
	struct state *s = state_take(instance);
	if (s)
		disconnect(s);
	free(s);
}

static const struct postern_option option_table[] = {
	{ .name = "server", .type = POSTERN_STRING, SERVER_OPTION(server), .value = "",
	  .doc = "The server's name or address; where it is not given, the server's socket." },
	{ .name = "port", .type = POSTERN_INT, SERVER_OPTION(port), .value = "0", .min = 0, .max = 65535,
	  .doc = "Its port, 5432 where it is 0; of a socket the number in its name." },
	{ .name = "socket", .type = POSTERN_FILE, SERVER_OPTION(socket),
	  .doc = "The folder of its unix socket, instead of server; /run/postgresql where neither is given." },
	SERVER_OPTIONS,
	{ .name = "ca", .type = POSTERN_FILE, SERVER_OPTION(ca), .doc = "Who may sign the server's certificate; " SYSTEM_CA " where it is not given." },
	{ .name = NULL }
};

static const struct postern_database_ops database_ops = { .size = sizeof database_ops, .execute = postgresql_execute, .ping = postgresql_is_there };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD,
	.name = "postgresql", .version = "1", .doc = "Statements for PostgreSQL.",
	.roles = POSTERN_DATABASE, .capabilities = POSTERN_CAP_NETWORK,
	.options = option_table, .options_size = sizeof(struct server_options),
	.start = postgresql_start, .stop = postgresql_stop, .database = &database_ops,
};
