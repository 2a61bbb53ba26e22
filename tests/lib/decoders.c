/* decoders.c - see decoders.h. */
#include "config.h"

#include "decoders.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/host.h"

static void load_one(struct decoders *d, struct plugin_host *host, const char *name)
{
	struct error e = { 0 };
	const struct postern_plugin *p = plugin_host_find(host, name, &e);
	if (p && p->decoder && p->decoder->program)
		return;		/* it wants to be told of a program, and none is started from here */
	struct plugin_instance *i = p && d->count < DECODERS_MAX ? plugin_instance_from_pairs(host, p, NULL, NULL, 0, &e) : NULL;
	if (!i || plugin_instance_load(i, &e) != 0 || plugin_instance_start(i, &e) != 0) {
		fprintf(stderr, "%s: %s\n", name, e.text);
		exit(2);
	}
	d->instances[d->count] = i;
	d->numbers[d->count] = d->count;
	d->count++;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, so that every run tries them in the same order. */
static GPtrArray *built(const char *top)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	char *folder = g_build_filename(top, "plugins/decoder", NULL);
	GDir *dir = g_dir_open(folder, 0, NULL);
	const char *name;
	while (dir && (name = g_dir_read_name(dir)))
		if (g_str_has_suffix(name, ".la"))
			g_ptr_array_add(names, g_strndup(name, strlen(name) - 3));
	if (dir)
		g_dir_close(dir);
	g_free(folder);
	g_ptr_array_sort(names, compare_names);
	return names;
}

void decoders_load(struct decoders *d, const char *names)
{
	const char *build = g_getenv("POSTERN_BUILD");
	char *top = g_canonicalize_filename(build ? build : ".", NULL);
	struct plugin_host *host = plugin_host_new(NULL, NULL, top);
	GPtrArray *all = names ? NULL : built(top);
	char **each = names ? g_strsplit(names, ",", -1) : NULL;
	for (guint i = 0; all && i < all->len; i++)
		load_one(d, host, g_ptr_array_index(all, i));
	for (int i = 0; each && each[i]; i++)
		load_one(d, host, each[i]);
	if (all)
		g_ptr_array_free(all, TRUE);
	g_strfreev(each);
	g_free(top);
}
