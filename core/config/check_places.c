/* check_places.c - where mail goes and where databases are: delivery methods and DSNs. */
#include "config.h"

#include "config/inside.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

#include "base/io.h"
#include "lookup/sql_dsn.h"
#include "lookup/sql_statement.h"

#define METHOD_EXPECTED "\"smtp:[127.0.0.1]:10025\", \"lmtp:...\" or another \"scheme:rest\""

/* ---- delivery methods ---- */

/* "smtp:" and "lmtp:" of core; anything else is a delivery plugin's name. NULL: good. */
static const char *scheme_fault(struct config *c, const char *scheme)
{
	struct error e = { 0 };
	const struct postern_plugin *p;

	if (!strcmp(scheme, "smtp") || !strcmp(scheme, "lmtp"))
		return NULL;
	p = plugin_host_find(c->host, scheme, &e);
	if (p && (p->roles & POSTERN_DELIVERY))
		return NULL;
	if (p)
		return talloc_asprintf(c, "the plugin %s delivers nothing; expected smtp, lmtp or a plugin with the role delivery", scheme);
	if (e.errnum == ENOENT || !e.text[0])
		return talloc_asprintf(c, "there is no delivery method \"%s:\"; expected %s", scheme, METHOD_EXPECTED);
	return talloc_strdup(c, e.text);
}

/* Methods of core name an address, or "*" for parts taken from the mail's way. */
static const char *address_fault(struct config *c, const char *rest)
{
	struct endpoint to;
	struct error e = { 0 };
	char *address = talloc_strndup(c, rest, strcspn(rest, " ;,"));

	if (strpbrk(address, "*%$") || endpoint_parse(address, &to, &e) == 0)
		return NULL;
	return talloc_strdup(c, e.text);
}

const char *method_fault(struct config *c, const char *method, bool known)
{
	const char *colon = strchr(method, ':'), *scheme, *fault;

	if (!*method)
		return NULL;
	if (!colon || colon == method)
		return talloc_asprintf(c, "\"%s\" is wrong; expected %s", method, METHOD_EXPECTED);
	scheme = talloc_strndup(c, method, (size_t)(colon - method));
	fault = known || !c->options.load_plugins ? NULL : scheme_fault(c, scheme);
	if (!fault && (!strcmp(scheme, "smtp") || !strcmp(scheme, "lmtp")))
		fault = address_fault(c, colon + 1);
	return fault;
}

static const struct value *check_method(struct checker *k, const struct value *v)
{
	const char *fault;

	if (check_is_dead(k, v))
		return NULL;
	if (v->kind == VALUE_UNDEF)
		return v;
	if (v->kind != VALUE_STRING)
		return check_wrong(k, v, METHOD_EXPECTED);
	fault = method_fault(k->config, v->u.string, k->of_default);
	if (!fault)
		return v;
	check_complain(k, v, "%s", fault);
	return NULL;
}

const struct value *check_methods(struct checker *k, const struct value *v)
{
	struct value *list;

	if (v->kind != VALUE_LIST)
		return check_method(k, v);
	list = value_like(k, v, VALUE_LIST);
	list->u.list.items = talloc_array(list, const struct value *, v->u.list.count + 1);
	for (size_t i = 0; i < v->u.list.count; i++) {
		size_t mark = check_enter_index(k, i + 1);
		const struct value *item = check_method(k, v->u.list.items[i]);

		if (item && item->kind != VALUE_UNDEF)
			list->u.list.items[list->u.list.count++] = item;
		check_leave(k, mark);
	}
	return list;
}

/* ---- databases ---- */

#define DSN_EXPECTED "\"mysql://user:password@host/database\", \"postgresql://...\", \"sqlite:/file\" or { \"DBI:mysql:database=x;host=y\", user, password }"

static const char *const url_schemes[] = { "mysql://", "mariadb://", "postgresql://", "postgres://", "sqlite:", "redis://" };

static bool is_url(const char *text)
{
	for (size_t i = 0; i < G_N_ELEMENTS(url_schemes); i++)
		if (g_str_has_prefix(text, url_schemes[i]) && text[strlen(url_schemes[i])])
			return true;
	return false;
}

static const char *item_text(const struct value *v, size_t i)
{
	return i < v->u.list.count && v->u.list.items[i]->kind == VALUE_STRING ? v->u.list.items[i]->u.string : NULL;
}

static bool is_dbi(const char *text)
{
	return text && (g_str_has_prefix(text, "DBI:") || g_str_has_prefix(text, "dbi:"));
}

/* What its plugin will say of it, told here, where its place in the list is known. */
static int try_database(struct checker *k, const char *url, struct error *e)
{
	void *scratch = talloc_new(NULL);
	const struct postern_plugin *plugin;
	struct sql_dsn dsn;
	int rc = sql_dsn_parse(scratch, url, &dsn, e);

	if (rc == 0 && k->config->host && k->config->options.load_plugins) {
		plugin = plugin_host_find(k->config->host, dsn.plugin, e);
		rc = plugin && plugin_instance_from_pairs(scratch, plugin, dsn.names, dsn.values, dsn.count, e) ? 0 : -1;
	}
	talloc_free(scratch);
	return rc;
}

static const struct value *make_dsn(struct checker *k, const struct value *like, const char *url)
{
	struct value *v = value_like(k, like, VALUE_STRING);
	struct error e = { 0 };

	if (!g_str_has_prefix(url, "redis:") || !g_str_has_prefix(k->path->str, "storage_redis")) {
		if (try_database(k, url, &e) != 0) {
			check_complain(k, like, "%s", e.text);
			return NULL;
		}
	}
	v->u.string = talloc_strdup(v, url);
	v->secret = true;
	return v;
}

static const struct value *check_dbi(struct checker *k, const struct value *v, const char *text, const char *user, const char *password)
{
	char *unknown = NULL, *url = dbi_to_url(text, user, password, &unknown);
	const struct value *dsn = url ? make_dsn(k, v, url) : NULL;

	if (unknown)
		check_complain(k, v, "\"%s\" in a DBI address: not understood; write the database as an address, with options: %s", unknown, DSN_EXPECTED);
	else if (!url)
		check_complain(k, v, "a DBI address that is not understood; expected %s", DSN_EXPECTED);
	g_free(unknown);
	g_free(url);
	return dsn;
}

static const struct value *check_one_dsn(struct checker *k, const struct value *v)
{
	if (check_is_dead(k, v))
		return NULL;
	if (v->kind == VALUE_UNDEF)
		return v;
	if (v->kind == VALUE_LIST && is_dbi(item_text(v, 0)))
		return check_dbi(k, v, item_text(v, 0), item_text(v, 1), item_text(v, 2));
	if (v->kind == VALUE_STRING && is_dbi(v->u.string))
		return check_dbi(k, v, v->u.string, NULL, NULL);
	if (v->kind == VALUE_STRING && is_url(v->u.string))
		return make_dsn(k, v, v->u.string);
	if (v->kind == VALUE_INSTANCE && (v->u.instance->plugin->roles & POSTERN_DATABASE))
		return v;
	if (v->kind == VALUE_STRING)
		check_complain(k, v, "not a database address (not shown: it may hold a password); expected %s", DSN_EXPECTED);
	else
		check_wrong(k, v, DSN_EXPECTED);
	return NULL;
}

/* { "DBI:...", "user", "password" } alone stands for one database; in a list of addresses everything is an address. */
static bool is_lone_triple(const struct value *v)
{
	return v->kind == VALUE_LIST && v->u.list.count >= 2 && v->u.list.count <= 3 && is_dbi(item_text(v, 0)) &&
		item_text(v, 1) && !is_dbi(item_text(v, 1)) && !is_url(item_text(v, 1));
}

const struct value *check_dsn(struct checker *k, const struct value *v)
{
	bool many = v->kind == VALUE_LIST && !is_lone_triple(v);
	size_t count = many ? v->u.list.count : 1;
	struct value *list = value_like(k, v, VALUE_LIST);

	list->u.list.items = talloc_array(list, const struct value *, count + 1);
	for (size_t i = 0; i < count; i++) {
		size_t mark = many ? check_enter_index(k, i + 1) : k->path->len;
		const struct value *item = check_one_dsn(k, many ? v->u.list.items[i] : v);

		if (item && item->kind != VALUE_UNDEF)
			list->u.list.items[list->u.list.count++] = item;
		check_leave(k, mark);
	}
	return list;
}

static const char *const clause_names[] = { "sel_policy", "sel_wblist", "sel_adr", "ins_adr", "ins_msg", "upd_msg", "ins_rcp", "ins_quar",
	"sel_msg", "sel_quar", "sel_penpals", "sel_penpals_msgid" };

bool check_statement(struct checker *k, const struct value *v, bool takes_argument)
{
	struct error e = { 0 };
	void *scratch = talloc_new(NULL);
	bool good = sql_statement_compile(scratch, v->u.string, takes_argument, &e) != NULL;

	if (!good)
		check_complain(k, v, "%s", e.text);
	talloc_free(scratch);
	return good;
}

static void check_clause(struct checker *k, const char *name, const struct value *v)
{
	for (size_t i = 0; i < G_N_ELEMENTS(clause_names); i++)
		if (!strcmp(name, clause_names[i])) {
			if (v->kind != VALUE_STRING && v->kind != VALUE_UNDEF && !check_is_dead(k, v))
				check_wrong(k, v, "an SQL statement");
			if (v->kind == VALUE_STRING && sql_clause_is_lookup(name))
				check_statement(k, v, sql_clause_takes_argument(name));
			return;
		}
	if (strcmp(name, "REPLACE"))
		check_complain(k, v, "unknown statement; expected sel_policy, sel_wblist, ins_msg and the like");
}

const struct value *check_clauses(struct checker *k, const struct value *v)
{
	unsigned before = k->errors;

	if (v->kind == VALUE_LIST && v->u.list.count == 0)
		return value_like(k, v, VALUE_HASH);
	if (v->kind != VALUE_HASH)
		return check_wrong(k, v, setting_type_text(SETTING_TYPE_CLAUSES));
	for (size_t i = 0; i < v->u.list.count; i++) {
		size_t mark = check_enter_key(k, v->u.list.keys[i]->u.string);

		check_clause(k, v->u.list.keys[i]->u.string, v->u.list.items[i]);
		check_leave(k, mark);
	}
	return k->errors == before ? v : NULL;
}
