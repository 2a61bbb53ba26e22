/* instance.c - lookup plugins: loaded in a template, loaded anew when their files have changed, asked in workers. */
#include <string.h>
#include <talloc.h>

#include "lookup/table.h"
#include "plugin/call.h"

static enum postern_table_kind kind_of(const struct plugin_instance *i)
{
	const struct postern_plugin *p = i->plugin;

	return (p->roles & POSTERN_LOOKUP) != 0 && p->lookup != NULL ? p->lookup->table : POSTERN_TABLE_NONE;
}

/* The new table takes the place of the old one; what was being asked is not asked any more: templates ask nothing. */
static void accept(struct plugin_instance *i, struct plugin_table *fresh, struct lookup_table *table)
{
	talloc_free(i->table);
	i->table = table;
	plugin_instance_accept(i, fresh);
}

static void tell_left_out(const struct plugin_table *read, GPtrArray *left_out)
{
	for (guint k = 0; read != NULL && left_out != NULL && k < read->left_out->len; k++)
		g_ptr_array_add(left_out, g_strdup(g_ptr_array_index(read->left_out, k)));
}

int lookup_instance_load(struct plugin_instance *i, GPtrArray *left_out, struct error *e)
{
	struct plugin_table *fresh;
	struct lookup_table *table;

	if (plugin_instance_load_beside(i, &fresh, e) != 0)
		return -1;
	table = lookup_table_of_lines(i, kind_of(i), fresh);
	tell_left_out(fresh, left_out);
	accept(i, fresh, table);
	return 0;
}

int lookup_instance_reload(struct plugin_instance *i, struct error *e)
{
	struct plugin_table *fresh;
	struct lookup_table *table;

	if (plugin_instance_load_beside(i, &fresh, e) != 0)
		return -1;
	table = lookup_table_of_lines(i, kind_of(i), fresh);
	if (fresh == NULL || fresh->left_out->len == 0) {
		accept(i, fresh, table);
		return 0;
	}
	error_set(e, ERROR_CONFIG, "%s: %s", i->name, (const char *)g_ptr_array_index(fresh->left_out, 0));
	talloc_free(table);
	talloc_free(fresh);
	return -1;
}

static enum error_class class_of(enum postern_result result, struct deadline d)
{
	return deadline_cancelled(d) ? ERROR_CANCELLED : result == POSTERN_BROKEN ? ERROR_CONFIG : result == POSTERN_LIMIT ? ERROR_INPUT : ERROR_ENVIRONMENT;
}

const struct value *lookup_ask_instance(struct plugin_instance *i, const char *const *keys, size_t count,
	const struct lookup_context *context, void *owner, const char **matched, struct error *failed)
{
	struct deadline d = context != NULL ? context->deadline : deadline_none();
	struct plugin_answer answer;

	plugin_lookup(i, keys, count, d, owner, &answer);
	if (answer.result == POSTERN_NOTHING)
		return NULL;
	if (answer.result != POSTERN_OK) {
		error_set(failed, class_of(answer.result, d), "%s", answer.error != NULL ? answer.error : i->name);
		return NULL;
	}
	*matched = answer.key;
	return answer.value != NULL ? value_string(owner, answer.value) : NULL;
}
