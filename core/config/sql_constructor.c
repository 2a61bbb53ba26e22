/* sql_constructor.c - sql{ "SELECT ...", dsn = ... }: a statement as a lookup table.
 *
 * Without `dsn` it is put to the databases of lookup_sql_dsn, which are known only when all files have been read. */
#include "config.h"

#include "config/inside.h"

#include <lauxlib.h>
#include <string.h>
#include <talloc.h>

#include "lookup/sql.h"
#include "lookup/sql_statement.h"

/* One that waits for its databases. */
struct sql_table_wish {
	struct sql_table_wish *next;
	const struct value *value;	/* for its place */
	const struct value *dsn;	/* NULL: lookup_sql_dsn */
	struct record_source *source;	/* the table reads this when asked */
};

static void complain(struct config *c, const struct value *v, const char *path, const char *text)
{
	struct failure *f = failure_of(c, v);

	failure_add(f ? f : failure_new(c, v, "sql"), path, text);
}

/* "SELECT ..." or { "SELECT ...", dsn = ... }. */
static const char *read_argument(struct config *c, const struct value *v, const struct value *argument, const struct value **dsn)
{
	const struct value *statement = argument;

	*dsn = NULL;
	if (argument->kind == VALUE_LIST && argument->u.list.count == 1)
		statement = argument->u.list.items[0];
	for (size_t i = 0; argument->kind == VALUE_HASH && i < argument->u.list.count; i++) {
		const char *key = argument->u.list.keys[i]->u.string;

		if (!strcmp(key, "1") || !strcmp(key, "query"))
			statement = argument->u.list.items[i];
		else if (!strcmp(key, "dsn"))
			*dsn = argument->u.list.items[i];
		else
			complain(c, v, talloc_asprintf(c, ".%s", key), "unknown option; expected the statement, and dsn where it is not for lookup_sql_dsn");
	}
	if (statement->kind == VALUE_STRING && *statement->u.string)
		return statement->u.string;
	complain(c, v, "", "expected a statement: sql{ \"SELECT result FROM table WHERE address IN (%k)\" }");
	return NULL;
}

static const char *written(const struct value *v, const char *statement, const struct value *dsn)
{
	const struct value text = { .kind = VALUE_STRING, .u.string = statement };
	GString *out = g_string_new("sql { ");
	const char *copy;

	value_print(out, &text);
	g_string_append(out, dsn ? ", dsn = \"********\" }" : " }");
	copy = talloc_strdup(v, out->str);
	g_string_free(out, TRUE);
	return copy;
}

static void make_table(struct config *c, struct value *v, const char *statement, const struct value *dsn)
{
	struct sql_table_wish *wish = talloc_zero(c, struct sql_table_wish);

	*wish = (struct sql_table_wish){ .next = c->sql_tables, .value = v, .dsn = dsn };
	c->sql_tables = wish;
	v->u.table = lookup_table_sql(v, &wish->source, statement, written(v, statement, dsn));
	if (v->file)
		lookup_table_set_label(v->u.table, v->file, v->line);
}

static int make_sql(lua_State *L)
{
	struct config *c = config_of(L);
	struct value *v = value_at_call(c, VALUE_TABLE);
	const struct value *dsn, *argument = convert(c, v, 1, CONVERT_OPTIONS, v->file, v->line);
	const char *statement = read_argument(c, v, argument, &dsn);
	struct error e = { 0 };

	only_while_reading(c);
	if (statement && !sql_statement_compile(v, statement, false, &e))
		complain(c, v, "", e.text);
	if (!failure_of(c, v))
		make_table(c, v, statement, dsn);
	handle_push(L, v);
	return 1;
}

static void finish(struct config *c, struct sql_table_wish *wish, const struct record_cache_limits *limits)
{
	struct checker *k = checker_new(c, wish->value->file, wish->value->line, "sql.dsn");
	const struct value *dsns = check_dsn(k, wish->dsn);
	size_t count;
	struct plugin_instance **databases = config_databases(c, dsns, wish->value->file, wish->value->line, "sql.dsn", &count);

	if (count > 0)
		wish->source = config_sql_source(c, databases, count, limits);
	checker_free(k);
}

void sql_tables_finish(struct config *c, const struct record_cache_limits *limits)
{
	bool configured = c->base[SET_lookup_sql_dsn]->kind == VALUE_LIST && c->base[SET_lookup_sql_dsn]->u.list.count > 0;

	for (struct sql_table_wish *wish = c->sql_tables; wish; wish = wish->next) {
		if (!wish->dsn)
			wish->source = c->sources[RECORD_SQL];
		else if (c->host && c->options.load_plugins)
			finish(c, wish, limits);
		if (!wish->dsn && !configured)
			problem_add(c, wish->value->file, wish->value->line, false, "sql: names no database, and lookup_sql_dsn is not set; expected sql{ \"SELECT ...\", dsn = \"...\" }");
	}
}

bool sql_tables_try(const struct config *c, FILE *to)
{
	bool good = true;

	for (const struct sql_table_wish *wish = c->sql_tables; wish; wish = wish->next) {
		char *label = g_strdup_printf("sql{} at %s:%d", wish->value->file, wish->value->line);

		good = (!wish->source || sql_source_check_table(wish->source, label, wish->value->u.table, to)) && good;
		g_free(label);
	}
	return good;
}

void sql_constructor_push(struct config *c)
{
	lua_pushcfunction(c->sandbox.L, make_sql);
}

void sql_constructor_define(struct config *c)
{
	sql_constructor_push(c);
	environment_define(c, "sql");
}
