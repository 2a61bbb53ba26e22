/* dbi.c - amavisd-new's database addresses, which are Perl's DBI's, as addresses of ours. */
#include "config.h"

#include "config/inside.h"

#include <string.h>

static const struct { const char *driver, *scheme; } drivers[] = {
	{ "mysql", "mysql" }, { "MariaDB", "mysql" }, { "mariadb", "mysql" }, { "Pg", "postgresql" }, { "SQLite", "sqlite" }
};

enum part { PART_DATABASE, PART_HOST, PART_PORT, PART_OPTION, PART_TLS, PART_SSLMODE, PART_NOTHING };

/* What a driver calls a thing, and what we do. */
static const struct { const char *name; enum part part; const char *option; } parts[] = {
	{ "database", PART_DATABASE, NULL }, { "dbname", PART_DATABASE, NULL }, { "db", PART_DATABASE, NULL },
	{ "host", PART_HOST, NULL }, { "hostaddr", PART_HOST, NULL }, { "port", PART_PORT, NULL },
	{ "socket", PART_OPTION, "socket" }, { "ssl", PART_TLS, NULL }, { "sslmode", PART_SSLMODE, NULL },
	{ "ssl_ca_file", PART_OPTION, "ca" }, { "sslrootcert", PART_OPTION, "ca" },
	{ "ssl_client_cert", PART_OPTION, "cert" }, { "sslcert", PART_OPTION, "cert" },
	{ "ssl_client_key", PART_OPTION, "key" }, { "sslkey", PART_OPTION, "key" },
	{ "connect_timeout", PART_OPTION, "connect_timeout" },
	/* true here, or without meaning here */
	{ "enable_utf8", PART_NOTHING, NULL }, { "enable_utf8mb4", PART_NOTHING, NULL }, { "auto_reconnect", PART_NOTHING, NULL },
	{ "server_prepare", PART_NOTHING, NULL }, { "ssl_verify_server_cert", PART_NOTHING, NULL }, { "client_encoding", PART_NOTHING, NULL },
};

struct reading {
	char *database, *host, *port;
	GString *options;		/* "?socket=/s&tls=on" */
	char *unknown;
};

static void add_option(struct reading *r, const char *name, const char *value)
{
	g_string_append_printf(r->options, "%c%s=", r->options->len ? '&' : '?', name);
	g_string_append_uri_escaped(r->options, value, "/:", FALSE);
}

static void replace(char **at, const char *value)
{
	g_free(*at);
	*at = g_strdup(value);
}

/* Encryption that nobody checks is not what is taken for it: "prefer" is none, all that demand it demand the right server too. */
static void take_sslmode(struct reading *r, const char *value)
{
	if (!strcmp(value, "require") || g_str_has_prefix(value, "verify-"))
		add_option(r, "tls", "on");
}

static void take_part(struct reading *r, const char *name, const char *value)
{
	const char *plain = g_str_has_prefix(name, "mysql_") ? name + 6 : g_str_has_prefix(name, "mariadb_") ? name + 8 : name;

	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
		if (strcmp(parts[i].name, plain) != 0)
			continue;
		switch (parts[i].part) {
		case PART_DATABASE: replace(&r->database, value); break;
		case PART_HOST: replace(&r->host, value); break;
		case PART_PORT: replace(&r->port, value); break;
		case PART_OPTION: add_option(r, parts[i].option, value); break;
		case PART_TLS: if (strcmp(value, "0") != 0) add_option(r, "tls", "on"); break;
		case PART_SSLMODE: take_sslmode(r, value); break;
		case PART_NOTHING: break;
		}
		return;
	}
	if (!r->unknown)
		r->unknown = g_strdup(name);
}

static void take_parts(struct reading *r, const char *text)
{
	char **all = g_strsplit(text, ";", -1);

	for (size_t i = 0; all[i]; i++) {
		char *equals = strchr(all[i], '=');

		if (equals) {
			*equals = '\0';
			take_part(r, g_strstrip(all[i]), g_strstrip(equals + 1));
		} else if (*g_strstrip(all[i])) {
			replace(&r->database, all[i]);
		}
	}
	g_strfreev(all);
}

static void append_part(GString *url, const char *before, const char *text, const char *kept)
{
	if (!text || !*text)
		return;
	g_string_append(url, before);
	g_string_append_uri_escaped(url, text, kept, FALSE);
}

static char *put_together(const struct reading *r, const char *scheme, const char *user, const char *password)
{
	GString *url = g_string_new(scheme);

	g_string_append(url, "://");
	append_part(url, "", user, NULL);
	append_part(url, ":", user && *user ? password : NULL, NULL);
	g_string_append(url, user && *user ? "@" : "");
	append_part(url, "", r->host, "[]:");
	append_part(url, ":", r->port, NULL);
	append_part(url, "/", r->database, NULL);
	g_string_append(url, r->options->str);
	return g_string_free(url, FALSE);
}

static const char *scheme_of(const char *driver, size_t size)
{
	for (size_t i = 0; i < G_N_ELEMENTS(drivers); i++)
		if (strlen(drivers[i].driver) == size && !strncmp(drivers[i].driver, driver, size))
			return drivers[i].scheme;
	return NULL;
}

char *dbi_to_url(const char *text, const char *user, const char *password, char **unknown)
{
	const char *driver = text + strlen("DBI:"), *rest = strchr(driver, ':'), *scheme = rest ? scheme_of(driver, (size_t)(rest - driver)) : NULL;
	struct reading r = { .options = g_string_new(NULL) };
	char *url = NULL;

	if (scheme)
		take_parts(&r, rest + 1);
	if (scheme && r.database && *r.database && !r.unknown)
		url = strcmp(scheme, "sqlite") == 0 ? g_strconcat("sqlite:", r.database, r.options->str, NULL) : put_together(&r, scheme, user, password);
	*unknown = r.unknown;
	g_free(r.database);
	g_free(r.host);
	g_free(r.port);
	g_string_free(r.options, TRUE);
	return url;
}
