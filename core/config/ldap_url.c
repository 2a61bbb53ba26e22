/* ldap_url.c - lookup "ldap://HOST/BASE?ATTRIBUTE?SCOPE?FILTER": a lookup table in a directory, written as an RFC 4516 URL.
 *
 * Without a host it is asked of the directory of default_ldap, which is known only when all files have been read; a server
 * that the URL names is given nothing of that one's, least of all the password. */
#include "config.h"

#include "config/inside.h"

#include <string.h>
#include <talloc.h>

#define EXPECTED "expected \"ldap:///BASE?ATTRIBUTE?SCOPE?FILTER\" (asked of the directory of default_ldap), or with a host, ldap://HOST/..."

/* One that waits for default_ldap. */
struct ldap_url {
	struct ldap_url *next;
	struct value *value;		/* an instance then */
	const struct value *options;	/* what the URL says */
	bool names_server;
};

bool ldap_url_has_scheme(const char *text)
{
	return g_str_has_prefix(text, "ldap:") || g_str_has_prefix(text, "ldaps:") || g_str_has_prefix(text, "ldapi:");
}

static void add(struct value *options, const char *name, const struct value *v)
{
	size_t n = options->u.list.count++;

	options->u.list.keys = talloc_realloc(options, options->u.list.keys, const struct value *, n + 1);
	options->u.list.items = talloc_realloc(options, options->u.list.items, const struct value *, n + 1);
	options->u.list.keys[n] = value_string(options, name);
	options->u.list.items[n] = v;
}

static void add_text(struct value *options, const char *name, const char *text)
{
	if (*text)
		add(options, name, value_string(options, text));
}

/* Nothing is decoded: %m and its like are the filter's. */
static void read_url(struct value *options, const char *text, bool *names_server)
{
	static const char *const names[] = { "base", "result", "scope", "query_filter" };
	const char *host = strstr(text, "://") + 3, *base = host + strcspn(host, "/?");
	char *server = g_strndup(text, (gsize)(base - text));
	char **parts = g_strsplit(*base == '/' ? base + 1 : base, "?", G_N_ELEMENTS(names));

	*names_server = base > host;
	if (*names_server)
		add_text(options, "hostname", server);
	for (size_t i = 0; parts[0] && i < G_N_ELEMENTS(names) && parts[i]; i++)
		add_text(options, names[i], parts[i]);
	g_strfreev(parts);
	g_free(server);
}

const struct value *ldap_url_table(struct config *c, const char *text)
{
	struct value *v = value_at_call(c, VALUE_INSTANCE), *options = talloc_zero(v, struct value);
	struct ldap_url *url = talloc_zero(c, struct ldap_url);

	if (!g_str_has_prefix(strchr(text, ':'), "://")) {
		problem_here(c, false, "lookup \"%s\": " EXPECTED, text);
		return &value_inert;
	}
	*options = (struct value){ .kind = VALUE_HASH, .file = v->file, .line = v->line };
	*url = (struct ldap_url){ .next = c->ldap_urls, .value = v, .options = options };
	read_url(options, text, &url->names_server);
	c->ldap_urls = url;
	return v;
}

static void complain(struct config *c, const struct value *v, const char *text)
{
	failure_add(failure_new(c, v, "ldap"), "", text);
}

/* default_ldap with what the URL says over it. A name is one instance's only. */
static const struct value *over_default(struct config *c, const struct ldap_url *url)
{
	struct value *nameless = talloc_zero(c, struct value);

	*nameless = (struct value){ .kind = VALUE_HASH };
	add(nameless, "name", &value_undef);
	return merge_hash(merge_hash(c->raw[SET_default_ldap], nameless, c), url->options, c);
}

static void finish(struct config *c, const struct postern_plugin *plugin, const struct ldap_url *url)
{
	const struct value *known = c->raw[SET_default_ldap];

	if (url->names_server)
		plugin_instance_of_value(c, url->value, plugin, url->options);
	else if (known->kind == VALUE_UNDEF)
		complain(c, url->value, "names no server, and default_ldap is not set; " EXPECTED);
	else if (known->kind != VALUE_HASH)
		complain(c, url->value, "default_ldap is no table of options");
	else
		plugin_instance_of_value(c, url->value, plugin, over_default(c, url));
}

static struct ldap_url *in_order(struct ldap_url *list)
{
	struct ldap_url *first = NULL;

	for (struct ldap_url *next; list; list = next) {
		next = list->next;
		list->next = first;
		first = list;
	}
	return first;
}

void ldap_urls_finish(struct config *c)
{
	struct error e = { 0 };
	const struct postern_plugin *plugin = c->ldap_urls ? plugin_host_find(c->host, "ldap", &e) : NULL;

	c->ldap_urls = in_order(c->ldap_urls);
	for (const struct ldap_url *url = c->ldap_urls; url; url = url->next) {
		if (plugin)
			finish(c, plugin, url);
		else
			complain(c, url->value, e.text);
	}
}
