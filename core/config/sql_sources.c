/* sql_sources.c - the databases of lookup_sql_dsn and of sql{} tables: addresses become instances of database plugins. */
#include "config.h"

#include "config/inside.h"

#include <string.h>
#include <talloc.h>

#include "lookup/sql.h"
#include "lookup/sql_dsn.h"

/* Known by what it is, so that messages, counters and breakers name the database; unless it was given a name. */
static void name_database(struct config *c, struct plugin_instance *i)
{
	if (strcmp(i->name, i->plugin->name) == 0)
		i->name = talloc_strdup(i, sql_dsn_origin(c, i));
}

static struct plugin_instance *database_of_url(struct config *c, const struct value *dsn, struct error *e)
{
	struct sql_dsn d;
	const struct postern_plugin *plugin;
	struct plugin_instance *i;

	if (sql_dsn_parse(c, dsn->u.string, &d, e) != 0)
		return NULL;
	plugin = plugin_host_find(c->host, d.plugin, e);
	if (!plugin)
		return NULL;
	i = plugin_instance_from_pairs(c, plugin, d.names, d.values, d.count, e);
	if (i)
		instance_add(c, i, dsn->file, dsn->line);
	return i;
}

struct plugin_instance **config_databases(struct config *c, const struct value *dsns, const char *file, int line, const char *path, size_t *count)
{
	struct plugin_instance **list = talloc_zero_array(c, struct plugin_instance *, dsns->kind == VALUE_LIST ? dsns->u.list.count + 1 : 1);

	*count = 0;
	for (size_t n = 0; dsns->kind == VALUE_LIST && n < dsns->u.list.count; n++) {
		const struct value *dsn = dsns->u.list.items[n];
		struct error e = { 0 };
		struct plugin_instance *i = dsn->kind == VALUE_INSTANCE ? dsn->u.instance : database_of_url(c, dsn, &e);

		if (i) {
			name_database(c, i);
			list[(*count)++] = i;
		} else if (e.text[0]) {
			problem_add(c, dsn->file ? dsn->file : file, dsn->file ? dsn->line : line, false, "%s[%zu]: %s", path, n + 1, e.text);
		}
	}
	return list;
}

/* A statement that is set to undef is one that is not put: ""; NULL: the built-in one. */
static const char *older_clause_of(const struct config *c, enum setting_id id)
{
	const struct value *v = c->base[id];

	if (v->kind == VALUE_STRING)
		return v->u.string;
	return c->changed[id] ? "" : NULL;
}

static const char *clause_of(const struct config *c, const char *name, enum setting_id older)
{
	const struct value *clauses = c->base[SET_sql_clause], *v = clauses->kind == VALUE_HASH ? value_hash_get(clauses, name) : NULL;

	if (v)
		return v->kind == VALUE_STRING ? v->u.string : "";
	return older_clause_of(c, older);
}

struct record_source *config_sql_source(struct config *c, struct plugin_instance *const *databases, size_t count, const struct record_cache_limits *limits)
{
	const struct sql_settings settings = {
		.databases = databases, .database_count = count,
		.sel_policy = clause_of(c, "sel_policy", SET_sql_select_policy), .sel_wblist = clause_of(c, "sel_wblist", SET_sql_select_white_black_list),
		.octets = value_true_p(c->base[SET_sql_allow_8bit_address]), .no_at_means_domain = value_true_p(c->base[SET_sql_lookups_no_at_means_domain]),
		.trim = value_true_p(c->base[SET_trim_trailing_space_in_lookup_result_fields]), .cache = *limits,
	};

	return sql_source_new(c, &settings);
}

static void check_older_clause(struct config *c, enum setting_id id, bool takes_argument)
{
	const struct value *v = c->base[id];
	struct checker *k;

	if (v->kind != VALUE_STRING)
		return;
	k = checker_new(c, c->slots[id].file, c->slots[id].line, setting_name(id));
	check_statement(k, v, takes_argument);
	checker_free(k);
}

void sql_source_make(struct config *c, const struct record_cache_limits *limits)
{
	const struct slot *slot = &c->slots[SET_lookup_sql_dsn];
	size_t count;
	struct plugin_instance **databases = config_databases(c, c->base[SET_lookup_sql_dsn], slot->file, slot->line, "lookup_sql_dsn", &count);

	check_older_clause(c, SET_sql_select_policy, false);
	check_older_clause(c, SET_sql_select_white_black_list, true);
	if (count > 0)
		c->sources[RECORD_SQL] = config_sql_source(c, databases, count, limits);
}

bool sql_source_try(const struct config *c, FILE *to)
{
	const char **columns = talloc_zero_array(NULL, const char *, setting_field_count + 1);
	bool good;

	for (size_t i = 0; i < setting_field_count; i++)
		columns[i] = setting_fields[i].names[RECORD_SQL];
	good = !c->sources[RECORD_SQL] || sql_source_check(c->sources[RECORD_SQL], columns, to);
	talloc_free(columns);
	return good;
}
