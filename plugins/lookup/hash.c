/* hash.c - keys and values in a text file, as postmap(1) takes them: read once, asked by the host. */
#include <postern/plugin.h>

#include <stddef.h>

#include "field.h"

struct options { const char *file; bool keep_case; };

static const struct postern_option options[] = {
	{ .name = "file", .type = POSTERN_FILE, .offset = offsetof(struct options, file), .flags = POSTERN_REQUIRED | POSTERN_POSITIONAL,
	  .doc = "The table: a key, blanks, a result in each line." },
	{ .name = "keep_case", .type = POSTERN_BOOL, .offset = offsetof(struct options, keep_case), .value = "0",
	  .doc = "Take keys in upper and lower case as they are written, for sites with localpart_is_case_sensitive; else in lower case." },
	{ .name = NULL }
};

static void take_line(struct postern_instance *i, char *text, unsigned line)
{
	const struct options *o = postern_options(i);
	char *value = postern_line_cut(text);
	postern_table_add(i, &(struct postern_table_line){ .line = line, .flags = o->keep_case ? POSTERN_LINE_KEEP_CASE : 0,
		.key = text, .value = field_or_one(value) });
}

static enum postern_result load(struct postern_instance *i, struct postern_error *e)
{
	const struct options *o = postern_options(i);
	return postern_read_lines(i, o->file, take_line, e);
}

static const struct postern_lookup_ops lookup = { .size = sizeof lookup, .table = POSTERN_TABLE_HASH };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "hash", .version = "1", .doc = "keys and values in a text file",
	.roles = POSTERN_LOOKUP, .options = options, .options_size = sizeof(struct options), .load = load, .lookup = &lookup,
};
