/* lines.c - tables from the lines that a plugin has read of a file.
 *
 * A line that cannot be used is left out and told with file and line; an "if"
 * that cannot be used is never true, so that what it guards does not come into
 * force unguarded. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "lookup/table.h"

/* One piece of memory for all results: a table of a hundred thousand lines is not a hundred thousand pieces. */
static const struct value *make_results(struct lookup_table *t, const struct plugin_table *read)
{
	struct value *results = talloc_zero_array(t, struct value, read->line_count);
	const char *file = plugin_table_file(read);

	for (size_t i = 0; i < read->line_count; i++) {
		const struct postern_table_line *line = &read->lines[i];

		results[i] = (struct value){ .kind = VALUE_STRING, .u.string = line->value != NULL ? line->value : "1",
			.file = file, .line = (int)line->line };
	}
	return results;
}

static int index_free(struct lookup_table *t)
{
	g_hash_table_destroy(t->u.hash.index);
	return 0;
}

/* The key as searches have it, without a piece of memory for each of a hundred thousand. */
static const char *hash_key(struct lookup_table *t, const struct postern_table_line *line)
{
	char *key = (char *)(uintptr_t)line->key;
	bool keep_case = (line->flags & POSTERN_LINE_KEEP_CASE) != 0;

	if (strpbrk(key, "\"\\") != NULL)
		return lookup_key_of_text(t, key, keep_case);
	for (char *p = key; !keep_case && *p != '\0'; p++)
		*p = g_ascii_tolower(*p);
	return key;
}

/* The last line of a key counts. */
static struct lookup_table *make_hash(void *owner, struct plugin_table *read)
{
	struct lookup_table *t = lookup_table_new(owner, LOOKUP_HASH);
	const struct value *results = make_results(t, read);

	t->u.hash.index = g_hash_table_new(g_str_hash, g_str_equal);
	talloc_set_destructor(t, index_free);
	for (size_t i = 0; i < read->line_count; i++)
		g_hash_table_insert(t->u.hash.index, (void *)(uintptr_t)hash_key(t, &read->lines[i]), (void *)(uintptr_t)&results[i]);
	return t;
}

static struct lookup_table *make_list(void *owner, struct plugin_table *read)
{
	struct value list = { .kind = VALUE_LIST, .u.list.count = read->line_count };
	struct value *items = talloc_zero_array(NULL, struct value, read->line_count);
	struct lookup_table *t;

	list.u.list.items = talloc_zero_array(items, const struct value *, read->line_count + 1);
	for (size_t i = 0; i < read->line_count; i++) {
		items[i] = (struct value){ .kind = VALUE_STRING, .u.string = lookup_key_of_text(items, read->lines[i].key, true) };
		list.u.list.items[i] = &items[i];
	}
	t = lookup_table_acl(owner, &list, NULL);
	talloc_free(items);
	return t;
}

static enum rule_kind kind_of_line(const struct postern_table_line *line)
{
	return (line->flags & POSTERN_LINE_IF) != 0 ? RULE_IF : (line->flags & POSTERN_LINE_ENDIF) != 0 ? RULE_ENDIF : RULE_PLAIN;
}

/* Count the rules and find the ENDIF of every IF: ends[i] is its index, or the number of rules. An ENDIF too many is told. */
static const size_t *match_blocks(struct lookup_table *t, struct plugin_table *read)
{
	size_t *ends = talloc_zero_array(t, size_t, read->line_count + 1), *open = talloc_zero_array(ends, size_t, read->line_count + 1);
	size_t depth = 0;

	t->count = read->line_count;

	for (size_t i = 0; i < read->line_count; i++) {
		enum rule_kind kind = kind_of_line(&read->lines[i]);

		if (kind == RULE_IF)
			open[depth++] = i;
		else if (kind == RULE_ENDIF && depth > 0)
			ends[open[--depth]] = i;
		else if (kind == RULE_ENDIF)
			plugin_table_leave_out(read, read->lines[i].line, "\"endif\" without its \"if\"");
		t->has_blocks |= kind == RULE_IF;
	}
	while (depth > 0) {
		ends[open[--depth]] = read->line_count;
		plugin_table_leave_out(read, read->lines[open[depth]].line, "\"if\" without its \"endif\"");
	}
	return ends;
}

static void make_rule(struct lookup_table *t, struct re_rule *rule, const struct postern_table_line *line, struct plugin_table *read)
{
	struct error e = { 0 };

	rule->kind = kind_of_line(line);
	rule->negated = (line->flags & POSTERN_LINE_NOT) != 0;
	rule->dollars = true;
	rule->regex = line->key != NULL ? pattern_compile(t, line->key, line->letters, &e) : NULL;
	if (line->key == NULL || rule->regex != NULL)
		return;
	rule->negated = false;
	plugin_table_leave_out(read, line->line, "%s", e.text);
}

static struct lookup_table *make_rules(void *owner, struct plugin_table *read)
{
	struct lookup_table *t = lookup_table_new(owner, LOOKUP_RE);
	const struct value *results = make_results(t, read);
	const size_t *ends = match_blocks(t, read);

	t->u.re = talloc_zero_array(t, struct re_rule, t->count);
	for (size_t i = 0; i < t->count; i++) {
		struct re_rule *rule = &t->u.re[i];

		rule->result = &results[i];
		rule->end = ends[i];
		make_rule(t, rule, &read->lines[i], read);
	}
	return t;
}

static void make_network(struct cidr_rule *rule, const struct postern_table_line *line, const struct value *result, size_t end,
	struct plugin_table *read)
{
	struct error e = { 0 };

	*rule = (struct cidr_rule){ .text = line->key != NULL ? line->key : "", .result = result, .kind = kind_of_line(line),
		.negated = (line->flags & POSTERN_LINE_NOT) != 0, .end = end };
	rule->never = line->key == NULL || ip_parse(line->key, true, &rule->network, &e) != 0;
	if (rule->never && line->key != NULL)
		plugin_table_leave_out(read, line->line, "%s", e.text);
}

static struct lookup_table *make_networks(void *owner, struct plugin_table *read)
{
	struct lookup_table *t = lookup_table_new(owner, LOOKUP_CIDR);
	const struct value *results = make_results(t, read);
	const size_t *ends = match_blocks(t, read);

	t->u.cidr = talloc_zero_array(t, struct cidr_rule, t->count);
	for (size_t i = 0; i < t->count; i++)
		make_network(&t->u.cidr[i], &read->lines[i], &results[i], ends[i], read);
	return t;
}

struct lookup_table *lookup_table_of_lines(void *owner, enum postern_table_kind kind, struct plugin_table *read)
{
	struct lookup_table *t = NULL;

	if (read == NULL)
		return NULL;
	switch (kind) {
	case POSTERN_TABLE_NONE:
		return NULL;
	case POSTERN_TABLE_HASH:
		t = make_hash(owner, read);
		break;
	case POSTERN_TABLE_LIST:
		t = make_list(owner, read);
		break;
	case POSTERN_TABLE_RULES:
		t = make_rules(owner, read);
		break;
	case POSTERN_TABLE_NETWORKS:
		t = make_networks(owner, read);
		break;
	}
	/* The texts stay: the table points at them. */
	talloc_free(read->lines);
	read->lines = NULL;
	read->line_count = read->line_room = 0;
	return t;
}
