/* describe.c - a value in the few words by which a complaint names it. */
#include "config.h"

#include "config/inside.h"

#include <string.h>
#include <talloc.h>

#include "base/text.h"

static char *describe_string(const char *text, void *owner)
{
	GString *s = g_string_new("\"");
	char *copy;

	text_append_escaped(s, text, strlen(text) > 60 ? 60 : strlen(text));
	g_string_append(s, strlen(text) > 60 ? "...\"" : "\"");
	copy = talloc_strdup(owner, s->str);
	g_string_free(s, TRUE);
	return copy;
}

const char *value_describe(const struct value *v, void *owner)
{
	switch (v->kind) {
	case VALUE_UNDEF: return "undef";
	case VALUE_BOOL: return v->u.boolean ? "true" : "false";
	case VALUE_INT: return talloc_asprintf(owner, "%lld", (long long)v->u.integer);
	case VALUE_FLOAT: return talloc_asprintf(owner, "%g", v->u.number);
	case VALUE_STRING: return describe_string(v->u.string, owner);
	case VALUE_LIST: return v->u.list.count ? "a list" : "an empty table";
	case VALUE_HASH: return "a table with keys";
	case VALUE_TABLE: return "a lookup table";
	case VALUE_REGEX: return "a regular expression";
	case VALUE_INSTANCE: return v->u.instance ? talloc_asprintf(owner, "the plugin %s", v->u.instance->name) : "a plugin";
	case VALUE_FUNCTION: return "a function";
	case VALUE_SETTING: return talloc_asprintf(owner, "setting \"%s\"", setting_name((enum setting_id)v->u.setting));
	}
	return "a value";
}
