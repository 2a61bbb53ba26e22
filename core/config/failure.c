/* failure.c - what constructors found wrong, kept until it is known in which setting their value stands. */
#include "config.h"

#include "config/inside.h"

struct failure *failure_new(struct config *c, const struct value *v, const char *constructor)
{
	struct failure *f = g_new0(struct failure, 1);

	f->constructor = g_strdup(constructor);
	f->paths = g_ptr_array_new_with_free_func(g_free);
	f->texts = g_ptr_array_new_with_free_func(g_free);
	g_hash_table_insert(c->failures, (gpointer)v, f);
	return f;
}

struct failure *failure_of(const struct config *c, const struct value *v)
{
	return c->failures ? g_hash_table_lookup(c->failures, v) : NULL;
}

void failure_add(struct failure *f, const char *path, const char *text)
{
	g_ptr_array_add(f->paths, g_strdup(path));
	g_ptr_array_add(f->texts, g_strdup(text));
}

void failure_take(struct failure *to, const char *path, struct failure *from)
{
	for (guint i = 0; i < from->texts->len; i++) {
		g_ptr_array_add(to->paths, g_strconcat(path, g_ptr_array_index(from->paths, i), NULL));
		g_ptr_array_add(to->texts, g_strdup(g_ptr_array_index(from->texts, i)));
	}
	from->told = true;
}

void failures_tell_rest(struct config *c)
{
	GHashTableIter at;
	gpointer key, data;

	g_hash_table_iter_init(&at, c->failures);
	while (g_hash_table_iter_next(&at, &key, &data)) {
		const struct value *v = key;
		struct failure *f = data;

		for (guint i = 0; v->file && !f->told && i < f->texts->len; i++)
			problem_add(c, v->file, v->line, false, "%s%s: %s", f->constructor, (char *)g_ptr_array_index(f->paths, i),
				(char *)g_ptr_array_index(f->texts, i));
	}
}
