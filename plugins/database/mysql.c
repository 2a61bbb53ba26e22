/* mysql.c - statements for MariaDB and MySQL, over libmariadb's non-blocking calls.
 *
 * Every wait is the host's, under the call's deadline.  The connection is kept
 * from call to call and looked at before it is used; a statement that only
 * reads is asked a second time where the server has gone away under it. */
#include <postern/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <mysql.h>
#include <errmsg.h>
#include <mysqld_error.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../guard.h"
#include "shared.h"
#include "statements.h"

#define VALUE_BYTES 512			/* of a column fetched at once; longer ones are fetched on their own */
#define PACKET_BYTES_MAX (16UL * 1024 * 1024)
#define DEFAULT_SOCKET "/run/mysqld/mysqld.sock"
#define COLUMNS_MAX 4096		/* what a server may have in one row */
#define ER_CLIENT_INTERACTION_TIMEOUT 4031	/* MySQL's: idle for too long */

struct state {
	MYSQL *db;			/* NULL: not connected */
	bool cut;			/* a call was left half-way: nothing can be said on it any more */
	int64_t until_ms;		/* of a connection that is being made; 0: only the call's deadline counts */
	struct guard *guard;		/* over a handshake */
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

/* ---- waiting ---- */

/* What libmariadb wants to wait for, as it is then told what came.  -1: no more time. */
static int wait_for(struct postern_call *call, int status)
{
	struct state *s = state_of(call);
	short events = (short)((status & MYSQL_WAIT_READ ? POLLIN : 0) | (status & MYSQL_WAIT_WRITE ? POLLOUT : 0) |
		(status & MYSQL_WAIT_EXCEPT ? POLLPRI : 0));
	int fd = (int)mysql_get_socket(s->db), timeout_ms = status & MYSQL_WAIT_TIMEOUT ? (int)mysql_get_timeout_value_ms(s->db) : -1;
	bool patience;
	if (s->guard)
		atomic_store(&s->guard->fd, fd);
	int ready = waiting_wait(call, s->until_ms, fd, events, timeout_ms, &patience);
	if (ready > 0)
		return (ready & (POLLIN | POLLHUP | POLLERR) ? status & MYSQL_WAIT_READ : 0) |
			(ready & (POLLOUT | POLLHUP | POLLERR) ? status & MYSQL_WAIT_WRITE : 0) | (ready & POLLPRI ? MYSQL_WAIT_EXCEPT : 0);
	if (patience)
		return MYSQL_WAIT_TIMEOUT;
	s->cut = true;
	return -1;
}

/* X_start(), then X_cont() until it is done: false when time was over first. */
#define WAITED(call, ret, start, cont, object) __extension__ ({ \
	int status_ = (start); \
	while (status_ && (status_ = wait_for((call), status_)) > 0) \
		status_ = cont(&(ret), (object), status_); \
	status_ == 0; })

/* ---- the connection ---- */

static void disconnect(void *state)
{
	struct state *s = state;
	if (s->db && s->cut)
		shutdown((int)mysql_get_socket(s->db), SHUT_RDWR);	/* the library's farewell must not wait */
	if (s->db)
		mysql_close(s->db);
	for (MYSQL_STMT *stmt = statements_forget_any(&s->statements); stmt; stmt = statements_forget_any(&s->statements))
		mysql_stmt_close(stmt);
	s->db = NULL;
	s->cut = false;
}

/* Nothing is under way between statements: what can be read then is the server's farewell. */
static bool is_alive(const void *state)
{
	const struct state *s = state;
	struct pollfd p = { .fd = s->db && !s->cut ? (int)mysql_get_socket(s->db) : -1, .events = POLLIN | POLLRDHUP };
	return p.fd >= 0 && poll(&p, 1, 0) == 0;
}

static bool over_socket(const struct server_options *o)
{
	return (o->socket && *o->socket) || (strcmp(o->server, "localhost") == 0 && o->port == 0);
}

static const char *place(struct postern_call *call)
{
	const struct server_options *o = options_of(call);
	return server_place(call, o, over_socket(o), DEFAULT_SOCKET, MYSQL_PORT);
}

static void set_tls(struct state *s, const struct server_options *o)
{
	my_bool on = 1, checked = strcmp(o->tls, "on") == 0;
	if (strcmp(o->tls, "off") == 0)
		return;
	mysql_ssl_set(s->db, o->key, o->cert, o->ca, NULL, NULL);
	mysql_optionsv(s->db, MYSQL_OPT_SSL_ENFORCE, &on);
	mysql_optionsv(s->db, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &checked);
}

static bool make_handle(struct state *s, const struct server_options *o)
{
	unsigned protocol = over_socket(o) ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP, local_infile = 0;
	unsigned long packet = PACKET_BYTES_MAX;
	my_bool reconnect = 0, truncation = 1;
	s->db = mysql_init(NULL);
	if (!s->db)
		return false;
	mysql_optionsv(s->db, MYSQL_OPT_NONBLOCK, NULL);
	mysql_optionsv(s->db, MYSQL_OPT_PROTOCOL, &protocol);
	mysql_optionsv(s->db, MYSQL_OPT_LOCAL_INFILE, &local_infile);	/* no server reads our files */
	mysql_optionsv(s->db, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
	mysql_optionsv(s->db, MYSQL_OPT_RECONNECT, &reconnect);
	mysql_optionsv(s->db, MYSQL_REPORT_DATA_TRUNCATION, &truncation);
	mysql_optionsv(s->db, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	set_tls(s, o);
	return true;
}

static enum postern_result no_connection(struct postern_call *call)
{
	disconnect(state_of(call));
	return postern_fail(call, POSTERN_TEMPFAIL, "connect to %s: no answer in time", place(call));
}

/* *done NULL: refused.  False: no answer in time. */
static bool log_in(struct postern_call *call, const char *host, MYSQL **done)
{
	struct state *s = state_of(call);
	const struct server_options *o = options_of(call);
	const char *path = host ? NULL : place(call);
	return WAITED(call, *done, mysql_real_connect_start(done, s->db, host, o->user, o->password, o->database, (unsigned)o->port, path, 0),
		mysql_real_connect_cont, s->db);
}

/* The library waits by itself for every piece of a handshake, however long. */
static bool log_in_guarded(struct postern_call *call, const char *host, MYSQL **done)
{
	struct state *s = state_of(call);
	struct guard g;
	int64_t left = s->until_ms - waiting_now_ms();
	int mail = postern_time_left_ms(call);
	if (!guard_begin(&g, call, -1, left < mail ? (int)left : mail))
		return false;
	s->guard = &g;
	bool waited = log_in(call, host, done);
	s->guard = NULL;
	s->cut |= guard_end(&g);
	return waited && !s->cut;
}

/* libmariadb leaves the socket blocking, and TLS then reads without asking us.  It is also no program's that is run beside. */
static void take_socket(MYSQL *db)
{
	int fd = (int)mysql_get_socket(db);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* One address, or the socket (host NULL). */
static enum postern_result connect_to(struct postern_call *call, const char *host)
{
	struct state *s = state_of(call);
	const struct server_options *o = options_of(call);
	MYSQL *done = NULL;
	if (!make_handle(s, o))
		return postern_fail(call, POSTERN_TEMPFAIL, "out of memory");
	if (!(strcmp(o->tls, "off") == 0 ? log_in(call, host, &done) : log_in_guarded(call, host, &done)))
		return no_connection(call);
	if (done) {
		take_socket(s->db);
		return POSTERN_OK;
	}
	enum postern_result r = postern_fail(call, POSTERN_TEMPFAIL, "connect to %s: %s", place(call), mysql_error(s->db));
	disconnect(s);
	return r;
}

/* With its certificate checked a server is known by its name: the library looks that up once more, just after the host has. */
static enum postern_result connect_as_named(struct postern_call *call)
{
	const char *name = options_of(call)->server;
	return postern_resolve(call, name) ? connect_to(call, name) : POSTERN_TEMPFAIL;
}

static enum postern_result have_connection(struct postern_call *call)
{
	struct state *s = state_of(call);
	const struct server_options *o = options_of(call);
	if (is_alive(s))
		return POSTERN_OK;
	disconnect(s);
	if (!over_socket(o) && strcmp(o->tls, "on") != 0)
		return server_connect(call, o, &s->until_ms, connect_to);
	s->until_ms = waiting_now_ms() + o->connect_timeout_ms;
	enum postern_result r = over_socket(o) ? connect_to(call, NULL) : connect_as_named(call);
	s->until_ms = 0;
	return r;
}

/* ---- errors ---- */

static bool is_lost(unsigned code)
{
	switch (code) {
	case CR_SERVER_GONE_ERROR: case CR_SERVER_LOST: case CR_SERVER_LOST_EXTENDED: case CR_COMMANDS_OUT_OF_SYNC: case CR_STMT_CLOSED:
	case ER_CLIENT_INTERACTION_TIMEOUT:
	case ER_CONNECTION_KILLED: case ER_SERVER_SHUTDOWN: case ER_NORMAL_SHUTDOWN: case ER_NEW_ABORTING_CONNECTION: case ER_ABORTING_CONNECTION:
	case ER_FORCING_CLOSE:
		return true;
	}
	return false;
}

static bool is_stale(unsigned code)
{
	return code == ER_UNKNOWN_STMT_HANDLER || code == ER_NEED_REPREPARE || code == CR_NEW_STMT_METADATA;
}

static bool is_passing(unsigned code)
{
	switch (code) {
	case ER_LOCK_WAIT_TIMEOUT: case ER_LOCK_DEADLOCK: case ER_CON_COUNT_ERROR: case ER_TOO_MANY_USER_CONNECTIONS: case ER_USER_LIMIT_REACHED:
	case ER_QUERY_INTERRUPTED: case ER_STATEMENT_TIMEOUT: case ER_OUT_OF_RESOURCES: case ER_DISK_FULL: case ER_OPTION_PREVENTS_STATEMENT:
	case ER_MAX_PREPARED_STMT_COUNT_REACHED: case CR_OUT_OF_MEMORY:
	case ER_UNKNOWN_COM_ERROR:	/* a node of a cluster that is not part of it yet */
		return true;
	}
	return is_lost(code);
}

static enum postern_result failed(struct postern_call *call, struct try *t, unsigned code, const char *text)
{
	t->lost = is_lost(code);
	t->had_left = code == ER_CLIENT_INTERACTION_TIMEOUT;
	t->stale = is_stale(code);
	if (t->lost)
		state_of(call)->cut = true;
	if (code == ER_DUP_ENTRY || code == ER_DUP_ENTRY_WITH_KEY_NAME)
		return postern_fail(call, POSTERN_NOTHING, "%s", text);
	return postern_fail(call, is_passing(code) ? POSTERN_TEMPFAIL : POSTERN_BROKEN, "%s (%u)", text, code);
}

/* What goes wrong while rows come is told of the connection only. */
static enum postern_result statement_failed(struct postern_call *call, MYSQL_STMT *stmt, struct try *t)
{
	MYSQL *db = state_of(call)->db;
	unsigned code = mysql_stmt_errno(stmt);
	return code ? failed(call, t, code, mysql_stmt_error(stmt)) : failed(call, t, mysql_errno(db), mysql_error(db));
}

static enum postern_result no_time(struct postern_call *call)
{
	return postern_fail(call, POSTERN_TEMPFAIL, "no answer in time");
}

/* ---- rows ---- */

struct columns {
	size_t count;
	MYSQL_BIND *binds;
	unsigned long *lengths;
	my_bool *nulls, *errors;
	const char **values;
	size_t *sizes;
};

static void make_columns(struct postern_call *call, struct columns *c, size_t count)
{
	char *room = postern_alloc(call, count * VALUE_BYTES);
	*c = (struct columns){
		.count = count, .binds = postern_alloc(call, count * sizeof *c->binds), .lengths = postern_alloc(call, count * sizeof *c->lengths),
		.nulls = postern_alloc(call, count), .errors = postern_alloc(call, count),
		.values = postern_alloc(call, count * sizeof *c->values), .sizes = postern_alloc(call, count * sizeof *c->sizes),
	};
	for (size_t k = 0; k < count; k++)
		c->binds[k] = (MYSQL_BIND){
			.buffer_type = MYSQL_TYPE_STRING, .buffer = room + k * VALUE_BYTES, .buffer_length = VALUE_BYTES - 1,
			.length = &c->lengths[k], .is_null = &c->nulls[k], .error = &c->errors[k],
		};
}

static enum postern_result tell_columns(struct postern_call *call, MYSQL_STMT *stmt, struct columns *c)
{
	MYSQL_RES *meta = mysql_stmt_result_metadata(stmt);
	size_t count = meta ? mysql_num_fields(meta) : 0;
	if (count == 0 || count > COLUMNS_MAX) {
		mysql_free_result(meta);
		return postern_fail(call, POSTERN_BROKEN, "a result without columns");
	}
	const char **names = postern_alloc(call, count * sizeof *names);
	const MYSQL_FIELD *fields = mysql_fetch_fields(meta);
	for (size_t k = 0; k < count; k++)
		names[k] = postern_printf(call, "%s", fields[k].name);
	mysql_free_result(meta);
	make_columns(call, c, count);
	postern_columns(call, names, count);
	return POSTERN_OK;
}

/* A value that was longer than the room for it. */
static const char *whole_value(struct postern_call *call, MYSQL_STMT *stmt, size_t column, unsigned long length)
{
	char *text = postern_alloc(call, length + 1);
	MYSQL_BIND bind = { .buffer_type = MYSQL_TYPE_STRING, .buffer = text, .buffer_length = length, .length = &length };
	return mysql_stmt_fetch_column(stmt, &bind, (unsigned)column, 0) == 0 ? text : NULL;
}

static enum postern_result tell_row(struct postern_call *call, MYSQL_STMT *stmt, struct columns *c, struct try *t)
{
	for (size_t k = 0; k < c->count; k++) {
		c->values[k] = c->nulls[k] ? NULL : c->binds[k].buffer;
		c->sizes[k] = c->nulls[k] ? 0 : c->lengths[k];
		if (!c->nulls[k] && c->lengths[k] > VALUE_BYTES - 1 && !(c->values[k] = whole_value(call, stmt, k, c->lengths[k])))
			return statement_failed(call, stmt, t);
	}
	t->told = true;
	return postern_record(call, c->values, c->sizes, c->count) ? POSTERN_OK : POSTERN_LIMIT;
}

static enum postern_result fetch_all(struct postern_call *call, MYSQL_STMT *stmt, struct try *t)
{
	struct columns c = { 0 };
	enum postern_result r = tell_columns(call, stmt, &c);
	if (r == POSTERN_OK && mysql_stmt_bind_result(stmt, c.binds) != 0)
		return statement_failed(call, stmt, t);
	while (r == POSTERN_OK) {
		int rc = 0;
		if (!WAITED(call, rc, mysql_stmt_fetch_start(&rc, stmt), mysql_stmt_fetch_cont, stmt))
			return no_time(call);
		if (rc == MYSQL_NO_DATA)
			return POSTERN_OK;
		if (rc != 0 && rc != MYSQL_DATA_TRUNCATED)
			return statement_failed(call, stmt, t);
		r = tell_row(call, stmt, &c, t);
	}
	state_of(call)->cut = true;	/* rows nobody wants are not waited for */
	return r;
}

/* ---- one statement ---- */

/* *out NULL: it is none that the server prepares. */
static enum postern_result prepare(struct postern_call *call, const char *text, MYSQL_STMT **out, struct try *t)
{
	struct state *s = state_of(call);
	MYSQL_STMT *old, *stmt = *out = statements_find(&s->statements, text);
	my_bool closed = 0;
	int rc = 0;
	if (stmt)
		return POSTERN_OK;
	if ((old = statements_make_room(&s->statements)) && !WAITED(call, closed, mysql_stmt_close_start(&closed, old), mysql_stmt_close_cont, old)) {
		statements_keep(&s->statements, "", old);	/* goes with the connection */
		return no_time(call);
	}
	stmt = mysql_stmt_init(s->db);
	if (!stmt)
		return postern_fail(call, POSTERN_TEMPFAIL, "out of memory");
	statements_keep(&s->statements, text, stmt);
	if (!WAITED(call, rc, mysql_stmt_prepare_start(&rc, stmt, text, strlen(text)), mysql_stmt_prepare_cont, stmt))
		return no_time(call);
	if (rc == 0) {
		*out = stmt;
		return POSTERN_OK;
	}
	enum postern_result r = mysql_stmt_errno(stmt) == ER_UNSUPPORTED_PS ? POSTERN_OK : statement_failed(call, stmt, t);
	statements_forget(&s->statements, text);
	mysql_stmt_close(stmt);		/* the server has none of it: nothing is sent */
	return r;
}

static enum postern_result bind_all(struct postern_call *call, MYSQL_STMT *stmt, const struct postern_parameter *p, size_t count, struct try *t)
{
	MYSQL_BIND *binds = postern_alloc(call, count * sizeof *binds);
	unsigned long *lengths = postern_alloc(call, count * sizeof *lengths);
	if (mysql_stmt_param_count(stmt) != count)
		return postern_fail(call, POSTERN_BROKEN, "a statement with %lu parameters was given %zu", mysql_stmt_param_count(stmt), count);
	for (size_t k = 0; k < count; k++) {
		lengths[k] = p[k].size;
		binds[k] = (MYSQL_BIND){
			.buffer_type = !p[k].text ? MYSQL_TYPE_NULL : p[k].octets ? MYSQL_TYPE_BLOB : MYSQL_TYPE_STRING,
			.buffer = (void *)(uintptr_t)p[k].text, .buffer_length = p[k].size, .length = &lengths[k],
		};
	}
	if (count > 0 && mysql_stmt_bind_param(stmt, binds) != 0)
		return statement_failed(call, stmt, t);
	return POSTERN_OK;
}

static void tell_changes(struct postern_call *call, MYSQL_STMT *stmt)
{
	postern_executed(call, (int64_t)mysql_stmt_affected_rows(stmt), (int64_t)mysql_stmt_insert_id(stmt));
}

/* A procedure's rows are followed by how it ended. */
static enum postern_result take_further(struct postern_call *call, MYSQL_STMT *stmt, struct try *t)
{
	while (mysql_stmt_more_results(stmt)) {
		int rc = 0;
		if (!WAITED(call, rc, mysql_stmt_next_result_start(&rc, stmt), mysql_stmt_next_result_cont, stmt))
			return no_time(call);
		if (rc != 0)
			return statement_failed(call, stmt, t);
		if (mysql_stmt_field_count(stmt) > 0) {
			state_of(call)->cut = true;
			return postern_fail(call, POSTERN_BROKEN, "the statement has answered with rows more than once");
		}
		tell_changes(call, stmt);
	}
	return POSTERN_OK;
}

static enum postern_result execute_prepared(struct postern_call *call, MYSQL_STMT *stmt, struct try *t)
{
	my_bool freed = 0;
	int rc = 0;
	t->executed = true;
	if (!WAITED(call, rc, mysql_stmt_execute_start(&rc, stmt), mysql_stmt_execute_cont, stmt))
		return no_time(call);
	if (rc != 0)
		return statement_failed(call, stmt, t);
	if (mysql_stmt_field_count(stmt) == 0) {
		tell_changes(call, stmt);
		return take_further(call, stmt, t);
	}
	enum postern_result r = fetch_all(call, stmt, t);
	if (r == POSTERN_OK)
		r = take_further(call, stmt, t);
	if (!state_of(call)->cut && !WAITED(call, freed, mysql_stmt_free_result_start(&freed, stmt), mysql_stmt_free_result_cont, stmt))
		return no_time(call);
	return r;
}

/* Words of transactions and their like, which not every server prepares. */
static enum postern_result execute_plain(struct postern_call *call, const char *text, struct try *t)
{
	struct state *s = state_of(call);
	int rc = 0;
	t->executed = true;
	if (!WAITED(call, rc, mysql_real_query_start(&rc, s->db, text, strlen(text)), mysql_real_query_cont, s->db))
		return no_time(call);
	if (rc != 0)
		return failed(call, t, mysql_errno(s->db), mysql_error(s->db));
	if (mysql_field_count(s->db) > 0) {
		s->cut = true;		/* they are not waited for */
		return postern_fail(call, POSTERN_BROKEN, "the statement has answered with rows, which are read only of what can be prepared");
	}
	postern_executed(call, (int64_t)mysql_affected_rows(s->db), (int64_t)mysql_insert_id(s->db));
	return POSTERN_OK;
}

static enum postern_result try_once(struct postern_call *call, const char *text, const struct postern_parameter *p, size_t count, struct try *t)
{
	MYSQL_STMT *stmt = NULL;
	enum postern_result r = have_connection(call);
	if (r == POSTERN_OK)
		r = prepare(call, text, &stmt, t);
	if (r != POSTERN_OK)
		return r;
	if (!stmt && count > 0)
		return postern_fail(call, POSTERN_BROKEN, "the server does not prepare such a statement, so that it can have no parameters");
	if (!stmt)
		return execute_plain(call, text, t);
	r = bind_all(call, stmt, p, count, t);
	return r == POSTERN_OK ? execute_prepared(call, stmt, t) : r;
}

static bool in_transaction(const void *state)
{
	const struct state *s = state;
	return s->db && (s->db->server_status & SERVER_STATUS_IN_TRANS);
}

static const struct server_ops server = { in_transaction, is_alive, disconnect, try_once };

static enum postern_result mysql_execute(struct postern_call *call, const char *text, const struct postern_parameter *parameters, size_t count)
{
	return server_execute(call, &server, text, parameters, count);
}

static enum postern_result mysql_is_there(struct postern_call *call)
{
	struct state *s = state_of(call);
	int rc = 0;
	enum postern_result r = have_connection(call);
	if (r != POSTERN_OK)
		return r;
	if (!WAITED(call, rc, mysql_ping_start(&rc, s->db), mysql_ping_cont, s->db))
		return no_time(call);
	return rc == 0 ? POSTERN_OK : failed(call, &(struct try){ 0 }, mysql_errno(s->db), mysql_error(s->db));
}

/* ---- life ---- */

static enum postern_result mysql_start(struct postern_instance *instance, struct postern_error *e)
{
	return state_make(instance, sizeof(struct state), e);
}

static void mysql_stop(struct postern_instance *instance)
{
	struct state *s = state_take(instance);
	if (s)
		disconnect(s);
	free(s);
}

static const struct postern_option option_table[] = {
	{ .name = "server", .type = POSTERN_STRING, SERVER_OPTION(server), .value = "localhost",
	  .doc = "The server's name or address. \"localhost\" without a port is the server's socket." },
	{ .name = "port", .type = POSTERN_INT, SERVER_OPTION(port), .value = "0", .min = 0, .max = 65535,
	  .doc = "Its port, 3306 where it is 0." },
	{ .name = "socket", .type = POSTERN_FILE, SERVER_OPTION(socket),
	  .doc = "Its unix socket, instead of server and port; /run/mysqld/mysqld.sock where server is \"localhost\"." },
	SERVER_OPTIONS,
	{ .name = "ca", .type = POSTERN_FILE, SERVER_OPTION(ca), .doc = "Who may sign the server's certificate; the system's list where it is not given." },
	{ .name = NULL }
};

static const struct postern_database_ops database_ops = { .size = sizeof database_ops, .execute = mysql_execute, .ping = mysql_is_there };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD,
	.name = "mysql", .version = "1", .doc = "Statements for MariaDB and MySQL.",
	.roles = POSTERN_DATABASE, .capabilities = POSTERN_CAP_NETWORK,
	.options = option_table, .options_size = sizeof(struct server_options),
	.start = mysql_start, .stop = mysql_stop, .database = &database_ops,
};
