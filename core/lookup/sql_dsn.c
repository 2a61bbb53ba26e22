/* sql_dsn.c - reads database addresses. */
#include "lookup/sql_dsn.h"

#include <glib.h>
#include <string.h>
#include <talloc.h>

#define OPTIONS_MAX 32
#define ESCAPES "in a password write %23 for \"#\", %25 for \"%\", %2F for \"/\", %3F for \"?\""

static const struct { const char *scheme, *plugin; } schemes[] = {
	{ "mysql", "mysql" }, { "mariadb", "mysql" }, { "postgresql", "postgresql" }, { "postgres", "postgresql" }
};

static void add(struct sql_dsn *d, void *owner, const char *name, const char *value)
{
	if (value == NULL || d->count >= OPTIONS_MAX)
		return;
	d->names[d->count] = talloc_strdup(owner, name);
	d->values[d->count++] = talloc_strdup(owner, value);
}

static int add_query(struct sql_dsn *d, void *owner, const char *query, struct error *e)
{
	char **pairs = g_strsplit_set(query ? query : "", "&", OPTIONS_MAX);
	int rc = 0;

	for (size_t i = 0; pairs[i] && rc == 0; i++) {
		char *equals = strchr(pairs[i], '='), *value = equals ? g_uri_unescape_string(equals + 1, NULL) : NULL;

		if (value) {
			*equals = '\0';
			add(d, owner, pairs[i], value);
		} else if (pairs[i][0]) {
			rc = error_set(e, ERROR_CONFIG, "what stands behind the \"?\" is not option=value");
		}
		g_free(value);
	}
	g_strfreev(pairs);
	return rc;
}

/* A host that is a path is the socket, or its folder: "postgresql://%2Frun%2Fpostgresql/mail". */
static void add_host(struct sql_dsn *d, void *owner, const GUri *uri)
{
	const char *host = g_uri_get_host((GUri *)(uintptr_t)uri);
	int port = g_uri_get_port((GUri *)(uintptr_t)uri);

	if (host && *host)
		add(d, owner, *host == '/' ? "socket" : "server", host);
	if (port > 0)
		add(d, owner, "port", talloc_asprintf(owner, "%d", port));
}

static int take_uri(struct sql_dsn *d, void *owner, GUri *uri, struct error *e)
{
	const char *path = g_uri_get_path(uri), *fragment = g_uri_get_fragment(uri);

	if (fragment)
		return error_set(e, ERROR_CONFIG, "a \"#\" in it; %s", ESCAPES);
	for (size_t i = 0; i < G_N_ELEMENTS(schemes); i++)
		if (strcmp(g_uri_get_scheme(uri), schemes[i].scheme) == 0)
			d->plugin = schemes[i].plugin;
	if (d->plugin == NULL)
		return error_set(e, ERROR_CONFIG, "\"%s\" is no kind of database; expected mysql, postgresql or sqlite", g_uri_get_scheme(uri));
	/* Where a "/" of the password was taken for the end of the host, the rest of it must not be taken for a name and shown. */
	if (path && strchr(path, '@'))
		return error_set(e, ERROR_CONFIG, "an \"@\" behind the host; %s", ESCAPES);
	if (!path || path[0] != '/' || !path[1] || strchr(path + 1, '/'))
		return error_set(e, ERROR_CONFIG, "it names no database; expected \"%s://user:password@host/database\"", g_uri_get_scheme(uri));
	add(d, owner, "database", path + 1);
	add(d, owner, "user", g_uri_get_user(uri));
	add(d, owner, "password", g_uri_get_password(uri));
	add_host(d, owner, uri);
	return add_query(d, owner, g_uri_get_query(uri), e);
}

/* The file as it is written, up to a "?". */
static int take_sqlite(struct sql_dsn *d, void *owner, const char *rest, struct error *e)
{
	const char *query = strchr(rest, '?');
	char *file;

	if (g_str_has_prefix(rest, "//"))
		rest += 2;
	file = talloc_strndup(owner, rest, query ? (size_t)(query - rest) : strlen(rest));
	if (*file != '/')
		return error_set(e, ERROR_CONFIG, "\"%s\" is no absolute file name", file);
	d->plugin = "sqlite";
	add(d, owner, "file", file);
	return add_query(d, owner, query ? query + 1 : NULL, e);
}

int sql_dsn_parse(void *owner, const char *url, struct sql_dsn *out, struct error *e)
{
	GUri *uri;
	int rc;

	*out = (struct sql_dsn){ .names = talloc_zero_array(owner, const char *, OPTIONS_MAX), .values = talloc_zero_array(owner, const char *, OPTIONS_MAX) };
	if (g_str_has_prefix(url, "sqlite:"))
		return take_sqlite(out, owner, url + strlen("sqlite:"), e);
	uri = g_uri_parse(url, G_URI_FLAGS_PARSE_RELAXED | G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_NON_DNS | G_URI_FLAGS_ENCODED_QUERY, NULL);
	if (uri == NULL)
		return error_set(e, ERROR_CONFIG, "not an address; expected \"mysql://user:password@host/database\" or the like; %s", ESCAPES);
	rc = take_uri(out, owner, uri, e);
	g_uri_unref(uri);
	return rc;
}

static const char *option_of(const char **names, const char **values, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0 && *values[i])
			return values[i];
	return NULL;
}

const char *sql_dsn_origin(void *owner, const struct plugin_instance *database)
{
	const char **names, **values, *file, *at, *port;
	size_t count = plugin_instance_pairs(database, owner, &names, &values);

	if ((file = option_of(names, values, count, "file")) != NULL)
		return talloc_asprintf(owner, "%s:%s", database->plugin->name, file);
	at = option_of(names, values, count, "socket");
	if (at == NULL)
		at = option_of(names, values, count, "server");
	port = option_of(names, values, count, "port");
	return talloc_asprintf(owner, "%s:%s@%s%s%s", database->plugin->name, option_of(names, values, count, "database"), at ? at : "localhost",
		port && strcmp(port, "0") != 0 ? ":" : "", port && strcmp(port, "0") != 0 ? port : "");
}
