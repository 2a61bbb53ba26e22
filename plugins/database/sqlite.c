/* sqlite.c - statements for a SQLite file.
 *
 * The file is opened when first asked, and anew when another file lies in its
 * place.  A writer that holds it is waited for as long as busy_timeout and
 * the call's deadline allow; a statement that takes too long is interrupted. */
#include <postern/plugin.h>

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shared.h"
#include "statements.h"

#define STEPS_BETWEEN_LOOKS 2000	/* of SQLite's machine, between two looks at the clock */
#define BUSY_PAUSE_MS 5

struct options {
	const char *file;
	int64_t busy_timeout_ms;
	bool read_only;
};

struct state {
	sqlite3 *db;			/* NULL: closed */
	dev_t device;
	ino_t inode;
	struct statements statements;
	struct postern_call *call;	/* the one at hand */
	int64_t busy_until_ms;
};

static const struct options *options_of(struct postern_call *call)
{
	return postern_options(postern_call_instance(call));
}

static struct state *state_of(struct postern_call *call)
{
	return *postern_state(postern_call_instance(call));
}

/* ---- the file ---- */

static void close_file(struct state *s)
{
	for (sqlite3_stmt *stmt = statements_forget_any(&s->statements); stmt; stmt = statements_forget_any(&s->statements))
		sqlite3_finalize(stmt);
	sqlite3_close_v2(s->db);
	s->db = NULL;
}

/* SQLite asks while another holds the file: 0 gives up. */
static int file_is_busy(void *context, int tries)
{
	struct state *s = context;
	if (tries == 0)
		s->busy_until_ms = waiting_now_ms() + options_of(s->call)->busy_timeout_ms;
	if (waiting_now_ms() >= s->busy_until_ms || postern_time_left_ms(s->call) == 0)
		return 0;
	return postern_wait(s->call, -1, 0, BUSY_PAUSE_MS) == 0;
}

/* Not 0: interrupt the statement: its time is over, or nobody waits for it any more. */
static int is_to_end(void *context)
{
	const struct state *s = context;
	return s->call && (postern_time_left_ms(s->call) == 0 || postern_wait(s->call, -1, 0, 0) < 0);
}

static bool is_passing(int code)
{
	switch (code & 0xff) {
	case SQLITE_BUSY: case SQLITE_LOCKED: case SQLITE_INTERRUPT: case SQLITE_NOMEM: case SQLITE_IOERR: case SQLITE_CANTOPEN:
	case SQLITE_FULL: case SQLITE_PROTOCOL: case SQLITE_SCHEMA:
	case SQLITE_CORRUPT: case SQLITE_NOTADB:	/* nobody's statement is wrong: another database may answer */
		return true;
	}
	return false;
}

static enum postern_result failed(struct postern_call *call, const char *what)
{
	struct state *s = state_of(call);
	int code = sqlite3_extended_errcode(s->db);
	const char *text = (code & 0xff) != SQLITE_INTERRUPT ? sqlite3_errmsg(s->db) : postern_time_left_ms(call) == 0 ? "time over" : "cancelled";
	if ((code & 0xff) == SQLITE_CONSTRAINT)
		return postern_fail(call, code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ? POSTERN_NOTHING : POSTERN_BROKEN,
			"%s", text);
	return postern_fail(call, is_passing(code) ? POSTERN_TEMPFAIL : POSTERN_BROKEN, "%s%s", what, text);
}

static enum postern_result open_file(struct postern_call *call, const struct stat *st)
{
	struct state *s = state_of(call);
	const struct options *o = options_of(call);
	int flags = o->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
	if (sqlite3_open_v2(o->file, &s->db, flags, NULL) != SQLITE_OK) {
		enum postern_result r = failed(call, "");
		close_file(s);
		return r;
	}
	s->device = st->st_dev;
	s->inode = st->st_ino;
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_handler(s->db, file_is_busy, s);
	sqlite3_progress_handler(s->db, STEPS_BETWEEN_LOOKS, is_to_end, s);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);	/* "nam" is a column that is missing, no string */
	return POSTERN_OK;
}

/* The file as it lies there now. */
static enum postern_result have_file(struct postern_call *call)
{
	struct state *s = state_of(call);
	struct stat st;
	if (stat(options_of(call)->file, &st) != 0 || !S_ISREG(st.st_mode))
		return postern_fail(call, POSTERN_TEMPFAIL, "there is no such file, or no right to see it");
	if (s->db && (s->device != st.st_dev || s->inode != st.st_ino) && sqlite3_get_autocommit(s->db))
		close_file(s);
	return s->db ? POSTERN_OK : open_file(call, &st);
}

/* ---- one statement ---- */

static enum postern_result prepare(struct postern_call *call, const char *text, sqlite3_stmt **stmt)
{
	struct state *s = state_of(call);
	*stmt = statements_find(&s->statements, text);
	if (*stmt)
		return POSTERN_OK;
	if (sqlite3_prepare_v3(s->db, text, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL) != SQLITE_OK)
		return failed(call, "");
	if (!*stmt)
		return postern_fail(call, POSTERN_BROKEN, "an empty statement");
	sqlite3_finalize(statements_make_room(&s->statements));
	statements_keep(&s->statements, text, *stmt);
	return POSTERN_OK;
}

static enum postern_result bind_all(struct postern_call *call, sqlite3_stmt *stmt, const struct postern_parameter *p, size_t count)
{
	if ((size_t)sqlite3_bind_parameter_count(stmt) != count)
		return postern_fail(call, POSTERN_BROKEN, "a statement with %d parameters was given %zu", sqlite3_bind_parameter_count(stmt), count);
	for (size_t k = 0; k < count; k++) {
		int rc = !p[k].text ? sqlite3_bind_null(stmt, (int)k + 1)
			: p[k].octets ? sqlite3_bind_blob64(stmt, (int)k + 1, p[k].text, p[k].size, SQLITE_STATIC)
			: sqlite3_bind_text64(stmt, (int)k + 1, p[k].text, p[k].size, SQLITE_STATIC, SQLITE_UTF8);
		if (rc != SQLITE_OK)
			return failed(call, "parameter: ");
	}
	return POSTERN_OK;
}

static void tell_columns(struct postern_call *call, sqlite3_stmt *stmt, size_t count)
{
	const char **names = postern_alloc(call, count * sizeof *names);
	for (size_t k = 0; k < count; k++)
		names[k] = sqlite3_column_name(stmt, (int)k);
	postern_columns(call, names, count);
}

static bool tell_row(struct postern_call *call, sqlite3_stmt *stmt, const char **values, size_t *sizes, size_t count)
{
	for (size_t k = 0; k < count; k++) {
		int column = (int)k, type = sqlite3_column_type(stmt, column);
		const void *value = type == SQLITE_BLOB ? sqlite3_column_blob(stmt, column) : (const void *)sqlite3_column_text(stmt, column);
		values[k] = type == SQLITE_NULL ? NULL : value ? value : "";
		sizes[k] = (size_t)sqlite3_column_bytes(stmt, column);
	}
	return postern_record(call, values, sizes, count);
}

static enum postern_result step_all(struct postern_call *call, sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);	/* first: where the tables have changed it prepares the statement anew */
	size_t count = (size_t)sqlite3_column_count(stmt);
	const char **values = postern_alloc(call, count * sizeof *values);
	size_t *sizes = postern_alloc(call, count * sizeof *sizes);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return failed(call, "");
	if (count > 0)
		tell_columns(call, stmt, count);
	for (; rc == SQLITE_ROW; rc = sqlite3_step(stmt))
		if (!tell_row(call, stmt, values, sizes, count))
			return POSTERN_LIMIT;
	return rc == SQLITE_DONE ? POSTERN_OK : failed(call, "");
}

static enum postern_result sqlite_execute(struct postern_call *call, const char *text, const struct postern_parameter *parameters, size_t count)
{
	struct state *s = state_of(call);
	sqlite3_stmt *stmt = NULL;
	s->call = call;
	enum postern_result r = have_file(call);
	if (r == POSTERN_OK)
		r = prepare(call, text, &stmt);
	if (r == POSTERN_OK)
		r = bind_all(call, stmt, parameters, count);
	if (r == POSTERN_OK)
		r = step_all(call, stmt);
	if (r == POSTERN_OK && !sqlite3_stmt_readonly(stmt))
		postern_executed(call, sqlite3_changes(s->db), sqlite3_last_insert_rowid(s->db));
	if (stmt) {
		sqlite3_reset(stmt);
		sqlite3_clear_bindings(stmt);
	}
	s->call = NULL;
	return r;
}

static enum postern_result sqlite_ping(struct postern_call *call)
{
	return sqlite_execute(call, "SELECT count(*) FROM sqlite_master", NULL, 0);
}

/* ---- life ---- */

static enum postern_result sqlite_start(struct postern_instance *instance, struct postern_error *e)
{
	return state_make(instance, sizeof(struct state), e);
}

static void sqlite_stop(struct postern_instance *instance)
{
	struct state *s = state_take(instance);
	if (s)
		close_file(s);
	free(s);
}

static const struct postern_option option_table[] = {
	{ .name = "file", .type = POSTERN_FILE, .offset = offsetof(struct options, file), .flags = POSTERN_REQUIRED | POSTERN_POSITIONAL,
	  .doc = "The database file. It is not made where it is missing." },
	{ .name = "busy_timeout", .type = POSTERN_DURATION, .offset = offsetof(struct options, busy_timeout_ms), .value = "5s", .min = 0, .max = 600000,
	  .doc = "How long one that writes to the file is waited for." },
	{ .name = "read_only", .type = POSTERN_BOOL, .offset = offsetof(struct options, read_only), .value = "false",
	  .doc = "Never write to it." },
	{ .name = NULL }
};

static const struct postern_database_ops database_ops = { .size = sizeof database_ops, .execute = sqlite_execute, .ping = sqlite_ping };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD,
	.name = "sqlite", .version = "1", .doc = "Statements for a SQLite file.",
	.roles = POSTERN_DATABASE, .options = option_table, .options_size = sizeof(struct options),
	.start = sqlite_start, .stop = sqlite_stop, .database = &database_ops,
};
