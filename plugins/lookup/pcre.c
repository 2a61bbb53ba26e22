/* pcre.c - Perl-compatible regular expressions in a text file, as Postfix' pcre_table(5) has them. */
#include "rules.h"

static const struct rules_flag flags[] = {
	{ 'i', 'i', true }, { 's', 's', true }, { 'm', 'm', false }, { 'x', 'x', false }, { 'A', 'A', false }, { 'E', 'D', false },
	{ 'U', 'U', false }, { 'X', '\0', false }, { .written = '\0' }
};
static const struct rules_dialect dialect = { .flags = flags, .refused = "" };

static enum postern_result load(struct postern_instance *i, struct postern_error *e)
{
	return rules_load(i, &dialect, e);
}

static const struct postern_lookup_ops lookup = { .size = sizeof lookup, .keys = POSTERN_KEYS_ASKED, .table = POSTERN_TABLE_RULES };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "pcre", .version = "1", .doc = "Perl-compatible regular expressions in a text file",
	.roles = POSTERN_LOOKUP, .options = rules_option_table, .options_size = sizeof(struct rules_options), .load = load, .lookup = &lookup,
};
