/* list.c - an access list in a text file: an item in each line, the first that matches decides. */
#include <postern/plugin.h>

#include <stddef.h>

struct options { const char *file; };

static const struct postern_option options[] = {
	{ .name = "file", .type = POSTERN_FILE, .offset = offsetof(struct options, file), .flags = POSTERN_REQUIRED | POSTERN_POSITIONAL,
	  .doc = "The list: an address, domain, .domain or network in each line, \"!\" in front for no." },
	{ .name = NULL }
};

static void take_line(struct postern_instance *i, char *text, unsigned line)
{
	const char *more = postern_line_cut(text);
	if (*more)
		postern_table_leave_out(i, line, "something behind \"%s\": \"%s\"; expected one item in a line", text, more);
	else
		postern_table_add(i, &(struct postern_table_line){ .line = line, .key = text });
}

static enum postern_result load(struct postern_instance *i, struct postern_error *e)
{
	const struct options *o = postern_options(i);
	return postern_read_lines(i, o->file, take_line, e);
}

static const struct postern_lookup_ops lookup = { .size = sizeof lookup, .table = POSTERN_TABLE_LIST };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "list", .version = "1", .doc = "an access list in a text file",
	.roles = POSTERN_LOOKUP, .options = options, .options_size = sizeof(struct options), .load = load, .lookup = &lookup,
};
