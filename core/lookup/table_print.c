/* table_print.c - a table as Lua source, the way an administrator would write it. */
#include <glib.h>

#include "lookup/table.h"

static void print_constant(GString *out, const struct value *v)
{
	bool structured = v->kind == VALUE_LIST || v->kind == VALUE_HASH;

	if (structured)
		g_string_append(out, "const ");
	value_print(out, v);
}

static void print_acl(GString *out, const struct lookup_table *t)
{
	g_string_append_c(out, '{');
	for (size_t i = 0; i < t->count; i++) {
		struct value text = { .kind = VALUE_STRING, .u.string = t->u.acl[i].text };

		g_string_append(out, i == 0 ? " " : ", ");
		value_print(out, &text);
	}
	g_string_append(out, t->count > 0 ? " }" : "}");
}

/* A rule whose result is true is written as its left side alone. */
static void print_rule(GString *out, const char *left, const struct value *result)
{
	if (result->kind == VALUE_BOOL && result->u.boolean) {
		g_string_append(out, left);
		return;
	}
	g_string_append_printf(out, "{ %s, ", left);
	value_print(out, result);
	g_string_append(out, " }");
}

static void print_re(GString *out, const struct lookup_table *t)
{
	g_string_append(out, "re {");
	for (size_t i = 0; i < t->count; i++) {
		g_string_append(out, i == 0 ? " " : ", ");
		print_rule(out, pattern_source(t->u.re[i].regex), t->u.re[i].result);
	}
	g_string_append(out, " }");
}

static void print_cidr(GString *out, const struct lookup_table *t)
{
	g_string_append(out, "cidr {");
	for (size_t i = 0; i < t->count; i++) {
		struct value text = { .kind = VALUE_STRING, .u.string = t->u.cidr[i].text };
		GString *left = g_string_new(NULL);

		value_print(left, &text);
		g_string_append(out, i == 0 ? " " : ", ");
		print_rule(out, left->str, t->u.cidr[i].text[0] == '!' ? &value_true : t->u.cidr[i].result);
		g_string_free(left, TRUE);
	}
	g_string_append(out, " }");
}

void lookup_table_print(GString *out, const struct lookup_table *t)
{
	struct value other = { .file = t->file, .line = t->line };

	switch (t->kind) {
	case LOOKUP_CONSTANT:
		print_constant(out, t->u.constant);
		break;
	case LOOKUP_FIELD:
		lookup_print_field(out, t);
		break;
	case LOOKUP_HASH:
		value_print(out, t->u.hash.source);
		break;
	case LOOKUP_ACL:
		print_acl(out, t);
		break;
	case LOOKUP_RE:
		print_re(out, t);
		break;
	case LOOKUP_CIDR:
		print_cidr(out, t);
		break;
	case LOOKUP_FUNCTION:
		other.kind = VALUE_FUNCTION;
		value_print(out, &other);
		break;
	case LOOKUP_PLUGIN:
		other.kind = VALUE_INSTANCE;
		other.u.instance = t->u.instance;
		value_print(out, &other);
		break;
	case LOOKUP_SQL:
		g_string_append(out, t->u.sql->written);
		break;
	}
}
