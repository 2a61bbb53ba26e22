/* sql.c - asks databases about addresses.
 *
 * One that cannot be asked gives way to the next of the list; one that calls a
 * statement wrong does not: the next would have an answer from other tables. */
#include "lookup/sql.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "lookup/sql_rows.h"
#include "lookup/sql_statement.h"
#include "lookup/table.h"
#include "plugin/call.h"

struct sql_source {
	struct record_source public;
	struct sql_settings settings;
	struct record_cache *cache;
	size_t current;			/* the database that answered last */
	GHashTable *compiled;		/* text -> struct sql_statement * */
};

/* One question on its way to the databases. */
struct sql_asking {
	struct sql_source *source;
	const struct sql_statement *statement;
	struct sql_arguments arguments;
	struct deadline deadline;
};

static int source_free(struct sql_source *s)
{
	g_hash_table_destroy(s->compiled);
	return 0;
}

/* ---- databases, in order ---- */

/* The instance is named like the database it is. */
static int database_failed(const struct plugin_executed *done, struct deadline d, struct error *e)
{
	const char *text = done->error ? done->error : "failed without a reason";

	if (deadline_cancelled(d))
		return error_set(e, ERROR_CANCELLED, "%s", text);
	return error_set(e, done->result == POSTERN_BROKEN ? ERROR_CONFIG : ERROR_ENVIRONMENT, "%s", text);
}

/* SQLite compares bytes, and a BLOB with text never equals it. */
static bool wants_text(const struct plugin_instance *database)
{
	return strcmp(database->plugin->name, "sqlite") == 0;
}

static void execute(const struct sql_asking *a, struct plugin_instance *database, struct sql_rows *rows, struct plugin_executed *done)
{
	const struct plugin_record_sink sink = sql_rows_sink(rows);
	struct sql_arguments arguments = a->arguments;
	struct postern_parameter *parameters;
	const char *text;
	size_t count;

	arguments.octets = a->source->settings.octets && !wants_text(database);
	text = sql_statement_expand(a->statement, &arguments, rows->owner, &parameters, &count);
	plugin_execute(database, text, parameters, count, &sink,
		database->timeout_ms > 0 ? a->deadline : deadline_sooner(a->deadline, SQL_TIMEOUT_MS), rows->owner, done);
}

/* TEMPFAIL: the next may be asked. */
static enum postern_result ask_one(const struct sql_asking *a, size_t index, void *owner, struct record *out, struct error *e)
{
	struct plugin_instance *database = a->source->settings.databases[index];
	struct sql_rows rows = { .owner = owner, .trim = a->source->settings.trim };
	struct plugin_executed done;

	execute(a, database, &rows, &done);
	if (done.result != POSTERN_OK) {
		database_failed(&done, a->deadline, e);
		return done.result;
	}
	*out = (struct record){ .kind = RECORD_SQL, .origin = talloc_strdup(owner, database->name), .row_count = rows.row_count, .rows = rows.rows };
	return POSTERN_OK;
}

static void add_failure(struct error *all, const struct error *one)
{
	struct error before = *all;

	if (before.class == ERROR_NONE)
		*all = *one;
	else
		error_set(all, one->class, "%s; %s", before.text, one->text);
}

/* The one that answered last, then the others in their order. */
static int ask_in_order(void *context, void *owner, struct record *out, struct error *e)
{
	const struct sql_asking *a = context;
	struct sql_source *s = a->source;
	size_t first = s->current, count = s->settings.database_count;
	struct error all = { .class = ERROR_NONE };

	for (size_t i = 0; i < count; i++) {
		size_t index = i == 0 ? first : i <= first ? i - 1 : i;
		struct error one = { .class = ERROR_NONE };
		enum postern_result r = ask_one(a, index, owner, out, &one);

		if (r == POSTERN_OK) {
			s->current = index;
			return 0;
		}
		add_failure(&all, &one);
		if (r != POSTERN_TEMPFAIL || one.class == ERROR_CANCELLED)
			break;
	}
	if (e)
		*e = all;
	return -1;
}

/* ---- questions ---- */

static const struct sql_statement *compiled(struct sql_source *s, const char *text, bool takes_argument, struct error *e)
{
	struct sql_statement *statement = g_hash_table_lookup(s->compiled, text);

	if (!statement && (statement = sql_statement_compile(s, text, takes_argument, e)) != NULL)
		g_hash_table_insert(s->compiled, talloc_strdup(statement, text), statement);
	return statement;
}

static const char *clean(const struct sql_source *s, void *owner, const char *text)
{
	return s->settings.octets ? text : lookup_key_printable(owner, text);
}

static const char *const *clean_list(const struct sql_source *s, void *owner, const char *const *texts, size_t count)
{
	const char **list = talloc_zero_array(owner, const char *, count + 1);

	for (size_t i = 0; i < count; i++)
		list[i] = clean(s, owner, texts[i]);
	return list;
}

/* What the placeholders stand for. */
static void fill_arguments(struct sql_source *s, struct lookup_key *key, bool is_local, void *owner, struct sql_arguments *out)
{
	size_t count, part_count;
	const char *const *keys = lookup_key_list_sql(key, owner, is_local, s->settings.no_at_means_domain, &count);
	const char *const *parts = lookup_key_parts(key, &part_count);

	if (count == 0)
		keys = lookup_key_list(key, &count);
	*out = (struct sql_arguments){
		.keys = clean_list(s, owner, keys, count), .key_count = count, .address = clean(s, owner, lookup_key_text(key)),
		.parts = parts ? clean_list(s, owner, parts, part_count) : NULL, .is_local = is_local,
	};
}

/* One text for the whole question: the statement as it is put, and its parameters. */
static const char *question_text(const struct sql_asking *a, void *owner)
{
	struct postern_parameter *parameters;
	size_t count;
	const char *text = sql_statement_expand(a->statement, &a->arguments, owner, &parameters, &count);
	const char **values = talloc_zero_array(owner, const char *, count + 1);

	for (size_t i = 0; i < count; i++)
		values[i] = parameters[i].text ? parameters[i].text : "";
	return record_cache_question(owner, text, values, count);
}

static int put_question(struct sql_source *s, const char *text, bool takes_argument, const struct sql_arguments *arguments,
	const struct lookup_context *context, void *owner, struct record *out, struct error *e)
{
	void *scratch = talloc_new(owner);
	struct sql_asking a = { .source = s, .arguments = *arguments, .deadline = context ? context->deadline : deadline_in(SQL_TIMEOUT_MS) };
	int rc = -1;

	a.statement = compiled(s, text, takes_argument, e);
	if (a.statement)
		rc = record_cache_fetch(s->cache, question_text(&a, scratch), clock_now_ms(), ask_in_order, &a, owner, out, e);
	talloc_free(scratch);
	return rc;
}

static struct sql_source *source_of(struct record_source *s)
{
	return s->state;
}

static int fetch(struct record_source *public, const struct record_question *q, void *owner, struct record *out, struct error *e)
{
	struct sql_source *s = source_of(public);
	const char *text = q->statement ? q->statement : s->settings.sel_policy;
	void *scratch = talloc_new(owner);
	struct sql_arguments arguments;
	int rc = 0;

	*out = (struct record){ .kind = RECORD_SQL };
	fill_arguments(s, q->key, q->local_by_tables, scratch, &arguments);
	if (*text)		/* "": nobody has settings here */
		rc = put_question(s, text, false, &arguments, q->context, owner, out, e);
	talloc_free(scratch);
	return rc == 0 ? 0 : error_prefix(e, "sel_policy");
}

/* The column `wb`, or the first. */
static const char *wb_of(const struct record_row *row)
{
	for (size_t i = 0; i < row->count; i++)
		if (strcmp(row->fields[i].name, "wb") == 0)
			return row->fields[i].value;
	return row->count > 0 ? row->fields[0].value : NULL;
}

static int wblist(struct record_source *public, const char *users_id, const struct record_question *sender, void *owner, const char **wb,
	struct error *e)
{
	struct sql_source *s = source_of(public);
	const char *text = sender->statement ? sender->statement : s->settings.sel_wblist;
	void *scratch = talloc_new(owner);
	struct sql_arguments arguments;
	struct record record = { .row_count = 0 };
	int rc = 0;

	*wb = NULL;
	fill_arguments(s, sender->key, sender->local_by_tables, scratch, &arguments);
	arguments.argument = users_id;
	if (*text)		/* "": there is no such list */
		rc = put_question(s, text, true, &arguments, sender->context, owner, &record, e);
	for (size_t i = 0; i < record.row_count && !*wb; i++)
		*wb = wb_of(&record.rows[i]);
	talloc_free(scratch);
	return rc == 0 ? 0 : error_prefix(e, "sel_wblist");
}

int sql_source_query(struct record_source *public, const char *statement, struct lookup_key *key, const struct lookup_context *context,
	void *owner, struct record *out, struct error *e)
{
	struct sql_source *s = source_of(public);
	void *scratch = talloc_new(owner);
	struct sql_arguments arguments;
	int rc;

	fill_arguments(s, key, false, scratch, &arguments);
	rc = put_question(s, statement, false, &arguments, context, owner, out, e);
	talloc_free(scratch);
	return rc;
}

struct record_source *sql_source_new(void *owner, const struct sql_settings *settings)
{
	struct sql_source *s = talloc_zero(owner, struct sql_source);

	if (!s)
		abort();
	s->settings = *settings;
	s->settings.sel_policy = settings->sel_policy ? settings->sel_policy : sql_sel_policy;
	s->settings.sel_wblist = settings->sel_wblist ? settings->sel_wblist : sql_sel_wblist;
	s->cache = record_cache_new(s, &settings->cache);
	s->compiled = g_hash_table_new(g_str_hash, g_str_equal);
	s->public = (struct record_source){ .kind = RECORD_SQL, .fetch = fetch, .wblist = wblist, .state = s };
	talloc_set_destructor(s, source_free);
	return &s->public;
}

/* ---- for people ---- */

static void print_missing(const struct sql_rows *rows, const char *const *columns, FILE *to)
{
	unsigned missing = 0;

	for (; *columns; columns++) {
		bool there = false;

		for (size_t i = 0; i < rows->column_count && !there; i++)
			there = rows->names[i] && strcmp(rows->names[i], *columns) == 0;
		if (!there)
			fprintf(to, "%s%s", missing++ ? ", " : "  columns that are not there, so that the tables of the configuration decide: ", *columns);
	}
	if (missing)
		fputc('\n', to);
}

/* The name stands in front of the line already. */
static const char *without_name(const struct plugin_instance *database, const char *text)
{
	size_t n = strlen(database->name);

	return strncmp(text, database->name, n) == 0 && strncmp(text + n, ": ", 2) == 0 ? text + n + 2 : text;
}

struct clause { const char *name, *text; const char *const *columns; };	/* columns NULL: none are looked for */

static bool try_clause(struct sql_source *s, struct plugin_instance *database, const struct clause *c, FILE *to)
{
	void *owner = talloc_new(NULL);
	struct lookup_key *key = lookup_key_address(owner, "nobody@postern-check.invalid", &(struct lookup_style){ 0 });
	struct sql_rows rows = { .owner = owner };
	struct sql_asking a = { .source = s, .deadline = deadline_in(SQL_TIMEOUT_MS) };
	struct plugin_executed done = { .result = POSTERN_BROKEN };
	struct error e = { .class = ERROR_NONE };

	a.statement = compiled(s, c->text, sql_clause_takes_argument(c->name), &e);
	fill_arguments(s, key, false, owner, &a.arguments);
	a.arguments.argument = "0";
	if (a.statement)
		execute(&a, database, &rows, &done);
	if (done.result == POSTERN_OK)
		fprintf(to, "  %s: %zu columns (%u us)\n", c->name, rows.column_count, done.elapsed_us);
	else
		fprintf(to, "  %s: FAILED: %s\n", c->name, a.statement ? without_name(database, done.error) : e.text);
	if (done.result == POSTERN_OK && c->columns)
		print_missing(&rows, c->columns, to);
	talloc_free(owner);
	return done.result == POSTERN_OK;
}

static bool try_database(struct sql_source *s, struct plugin_instance *database, const struct clause *clauses, size_t count, FILE *to)
{
	void *owner = talloc_new(NULL);
	struct plugin_executed done;
	bool good;

	plugin_ping(database, deadline_in(SQL_TIMEOUT_MS), owner, &done);
	good = done.result == POSTERN_OK || done.result == POSTERN_NOTHING;
	if (good)
		fprintf(to, "%s: answers (%u us)\n", database->name, done.elapsed_us);
	else
		fprintf(to, "%s: FAILED: %s\n", database->name, without_name(database, done.error));
	for (size_t i = 0, there = good; there && i < count; i++)
		if (*clauses[i].text)
			good = try_clause(s, database, &clauses[i], to) && good;
	talloc_free(owner);
	return good;
}

static bool try_databases(struct sql_source *s, const struct clause *clauses, size_t count, FILE *to)
{
	bool good = true;

	for (size_t i = 0; i < s->settings.database_count; i++)
		good = try_database(s, s->settings.databases[i], clauses, count, to) && good;
	return good;
}

bool sql_source_check(struct record_source *public, const char *const *columns, FILE *to)
{
	struct sql_source *s = source_of(public);
	const struct clause clauses[] = { { "sel_policy", s->settings.sel_policy, columns }, { "sel_wblist", s->settings.sel_wblist, NULL } };

	return try_databases(s, clauses, G_N_ELEMENTS(clauses), to);
}

bool sql_source_check_table(struct record_source *public, const char *label, const struct lookup_table *t, FILE *to)
{
	const struct clause clause = { label, t->u.sql->statement, NULL };

	return try_databases(source_of(public), &clause, 1, to);
}
