/* goodlookup.c - a lookup plugin that answers nothing: for tests of roles and of file modes. */
#include "config.h"

#include "postern/plugin.h"

static enum postern_result lookup(struct postern_call *call, const char *const *keys, size_t count)
{
	(void)call;
	(void)keys;
	(void)count;
	return POSTERN_NOTHING;
}

static const struct postern_lookup_ops lookup_ops = { .size = sizeof lookup_ops, .lookup = lookup };

static const struct postern_option options[] = { { .name = NULL } };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD,
	.name = "goodlookup", .version = "1", .doc = "answers nothing",
	.roles = POSTERN_LOOKUP,
	.options = options,
	.lookup = &lookup_ops,
};
