/* listen.c - the addresses to listen on, gathered from the four settings that can name them. */
#include "config.h"

#include "config/inside.h"

#include <string.h>
#include <talloc.h>

struct addresses { void *owner; GPtrArray *list; };

static void add(struct addresses *a, const char *text)
{
	for (guint i = 0; i < a->list->len; i++)
		if (!strcmp(g_ptr_array_index(a->list, i), text))
			return;
	g_ptr_array_add(a->list, talloc_strdup(a->owner, text));
}

static bool is_port(const char *text)
{
	return *text && !text[strspn(text, "0123456789")];
}

/* A port alone, of every bind address. */
static void add_port(struct addresses *a, const char *const *bind, const char *port)
{
	for (size_t i = 0; bind[i]; i++) {
		bool bare_v6 = strchr(bind[i], ':') && bind[i][0] != '[';
		char *text = g_strdup_printf(bare_v6 ? "[%s]:%s" : "%s:%s", bind[i], port);

		add(a, text);
		g_free(text);
	}
}

static void add_socket(struct addresses *a, const char *const *bind, const char *text)
{
	if (is_port(text))
		add_port(a, bind, text);
	else if (g_str_has_prefix(text, "unix:"))
		add(a, text + 5);
	else
		add(a, text);
}

const char *const *config_listen_sockets(const struct config *c, void *owner)
{
	struct policy p;
	void *pool = talloc_new(owner);
	const char *const *bind, *const *list;
	struct addresses a = { owner, g_ptr_array_new() };
	const char **result;

	policy_init(&p, c);
	bind = policy_strings(&p, SET_inet_socket_bind, pool);
	for (list = policy_strings(&p, SET_listen_sockets, pool); *list; list++)
		add_socket(&a, bind, *list);
	for (list = policy_strings(&p, SET_unix_socketname, pool); *list; list++)
		add_socket(&a, bind, *list);
	for (list = policy_strings(&p, SET_inet_socket_port, pool); *list; list++)
		add_socket(&a, bind, *list);
	result = talloc_array(owner, const char *, a.list->len + 1);
	for (guint i = 0; i < a.list->len; i++)
		result[i] = talloc_steal(result, g_ptr_array_index(a.list, i));
	result[a.list->len] = NULL;
	g_ptr_array_free(a.list, TRUE);
	talloc_free(pool);
	return result;
}
