/* cidr.c - networks and results in a text file, as Postfix' cidr_table(5) has them. */
#include <postern/plugin.h>

#include <stddef.h>

#include "field.h"

struct options { const char *file; };

static const struct postern_option options[] = {
	{ .name = "file", .type = POSTERN_FILE, .offset = offsetof(struct options, file), .flags = POSTERN_REQUIRED | POSTERN_POSITIONAL,
	  .doc = "The table: a network, blanks, a result in each line." },
	{ .name = NULL }
};

static void take_network(struct postern_instance *i, char *text, unsigned line, unsigned flags)
{
	bool negated = field_is_negated(&text);
	const char *value = postern_line_cut(text);
	bool condition = flags & POSTERN_LINE_IF;
	if (condition && *value)
		postern_table_leave_out(i, line, "something behind the network of \"if\"; what is between it and its \"endif\" is left out too");
	postern_table_add(i, &(struct postern_table_line){ .line = line, .flags = flags | (negated ? POSTERN_LINE_NOT : 0),
		.key = condition && *value ? NULL : text, .value = field_or_one(value) });
}

static void take_line(struct postern_instance *i, char *text, unsigned line)
{
	char *condition = field_after_word(text, "if");
	if (condition)
		take_network(i, condition, line, POSTERN_LINE_IF);
	else if (field_after_word(text, "endif"))
		postern_table_add(i, &(struct postern_table_line){ .line = line, .flags = POSTERN_LINE_ENDIF });
	else
		take_network(i, text, line, 0);
}

static enum postern_result load(struct postern_instance *i, struct postern_error *e)
{
	const struct options *o = postern_options(i);
	return postern_read_lines(i, o->file, take_line, e);
}

static const struct postern_lookup_ops lookup = { .size = sizeof lookup, .keys = POSTERN_KEYS_ASKED, .table = POSTERN_TABLE_NETWORKS };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "cidr", .version = "1", .doc = "networks and results in a text file",
	.roles = POSTERN_LOOKUP, .options = options, .options_size = sizeof(struct options), .load = load, .lookup = &lookup,
};
