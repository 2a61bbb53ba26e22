/* regexp.c - extended regular expressions in a text file, as Postfix' regexp_table(5) has them. */
#include "rules.h"

static const struct rules_flag flags[] = {
	{ 'i', 'i', true }, { 's', 's', true }, { 'm', 'm', false }, { .written = '\0' }
};
static const struct rules_dialect dialect = {
	.flags = flags, .refused = "x", .why_refused = "basic regular expressions (flag \"x\") are not taken; write it as an extended one"
};

static enum postern_result load(struct postern_instance *i, struct postern_error *e)
{
	return rules_load(i, &dialect, e);
}

static const struct postern_lookup_ops lookup = { .size = sizeof lookup, .keys = POSTERN_KEYS_ASKED, .table = POSTERN_TABLE_RULES };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "regexp", .version = "1", .doc = "extended regular expressions in a text file",
	.roles = POSTERN_LOOKUP, .options = rules_option_table, .options_size = sizeof(struct rules_options), .load = load, .lookup = &lookup,
};
