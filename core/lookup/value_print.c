/* value_print.c - values as Lua source and as JSON, for -n and -d; secrets are masked. */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "lookup/lookup.h"
#include "base/value.h"
#include "plugin/host.h"

#define MASK "********"

static void print_string(GString *out, const char *text)
{
	g_string_append_c(out, '"');
	for (const char *p = text; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == '"' || c == '\\')
			g_string_append_printf(out, "\\%c", c);
		else if (c == '\n')
			g_string_append(out, "\\n");
		else if (c < 0x20 || c == 0x7f)
			g_string_append_printf(out, "\\%03u", c);
		else
			g_string_append_c(out, (char)c);
	}
	g_string_append_c(out, '"');
}

/* As people write it where that reads back as the same number: 5.1, not 5.0999999999999996. */
static void print_float(GString *out, double n)
{
	char buffer[G_ASCII_DTOSTR_BUF_SIZE];
	double again = g_ascii_strtod(g_ascii_formatd(buffer, sizeof buffer, "%.15g", n), NULL);

	if (again < n || again > n)
		g_ascii_dtostr(buffer, sizeof buffer, n);
	g_string_append(out, buffer);
	if (strpbrk(buffer, ".en") == NULL)
		g_string_append(out, ".0");
}

static void print_key(GString *out, const struct value *key)
{
	g_string_append_c(out, '[');
	value_print(out, key);
	g_string_append(out, "] = ");
}

/* Items of a list or hash between braces; is_secret (may be NULL) says of a key whether its value is masked. */
static void print_items(GString *out, const struct value *v, bool (*is_secret)(const void *context, const char *key), const void *context)
{
	g_string_append_c(out, '{');
	for (size_t i = 0; i < v->u.list.count; i++) {
		const struct value *key = v->kind == VALUE_HASH ? v->u.list.keys[i] : NULL;

		g_string_append(out, i == 0 ? " " : ", ");
		if (key != NULL)
			print_key(out, key);
		if (key != NULL && key->kind == VALUE_STRING && is_secret != NULL && is_secret(context, key->u.string))
			print_string(out, MASK);
		else
			value_print(out, v->u.list.items[i]);
	}
	g_string_append(out, v->u.list.count > 0 ? " }" : "}");
}

static bool option_is_secret(const void *plugin, const char *key)
{
	const struct postern_option *o = ((const struct postern_plugin *)plugin)->options;

	for (; o != NULL && o->name != NULL; o++)
		if (strcmp(o->name, key) == 0)
			return (o->flags & POSTERN_SECRET) != 0;
	return false;
}

static void print_instance(GString *out, const struct plugin_instance *i)
{
	g_string_append_printf(out, "%s ", i->plugin->name);
	if (i->argument == NULL || i->argument->kind == VALUE_UNDEF)
		g_string_append(out, "{}");
	else if (i->argument->kind == VALUE_HASH || i->argument->kind == VALUE_LIST)
		print_items(out, i->argument, option_is_secret, i->plugin);
	else
		value_print(out, i->argument);
}

void value_print(GString *out, const struct value *v)
{
	if (v == NULL)
		v = &value_undef;
	if (v->secret && v->kind != VALUE_UNDEF) {
		print_string(out, MASK);
		return;
	}
	switch (v->kind) {
	case VALUE_UNDEF:
		g_string_append(out, "undef");
		break;
	case VALUE_BOOL:
		g_string_append(out, v->u.boolean ? "true" : "false");
		break;
	case VALUE_INT:
		g_string_append_printf(out, "%" PRId64, v->u.integer);
		break;
	case VALUE_FLOAT:
		print_float(out, v->u.number);
		break;
	case VALUE_STRING:
		print_string(out, v->u.string);
		break;
	case VALUE_LIST:
	case VALUE_HASH:
		print_items(out, v, NULL, NULL);
		break;
	case VALUE_TABLE:
		lookup_table_print(out, v->u.table);
		break;
	case VALUE_REGEX:
		g_string_append(out, pattern_source(v->u.regex));
		break;
	case VALUE_INSTANCE:
		print_instance(out, v->u.instance);
		break;
	case VALUE_FUNCTION:
		g_string_append_printf(out, "function() --[[ %s:%d ]] end", v->file != NULL ? v->file : "?", v->line);
		break;
	case VALUE_SETTING:
		g_string_append(out, "setting()");
		break;
	}
}

static void print_json_text(GString *out, const struct value *v)
{
	GString *text = g_string_new(NULL);

	value_print(text, v);
	text_append_json(out, text->str, text->len);
	g_string_free(text, TRUE);
}

static void print_json_key(GString *out, const struct value *key)
{
	if (key->kind == VALUE_STRING)
		text_append_json(out, key->u.string, strlen(key->u.string));
	else
		print_json_text(out, key);
	g_string_append(out, ": ");
}

static void print_json_items(GString *out, const struct value *v)
{
	bool hash = v->kind == VALUE_HASH;

	g_string_append_c(out, hash ? '{' : '[');
	for (size_t i = 0; i < v->u.list.count; i++) {
		if (i > 0)
			g_string_append(out, ", ");
		if (hash)
			print_json_key(out, v->u.list.keys[i]);
		value_print_json(out, v->u.list.items[i]);
	}
	g_string_append_c(out, hash ? '}' : ']');
}

void value_print_json(GString *out, const struct value *v)
{
	if (!value_defined(v)) {
		g_string_append(out, "null");
		return;
	}
	if (v->secret) {
		g_string_append(out, "\"" MASK "\"");
		return;
	}
	switch (v->kind) {
	case VALUE_BOOL:
	case VALUE_INT:
		value_print(out, v);
		break;
	case VALUE_FLOAT:
		if (v->u.number - v->u.number == 0)
			print_float(out, v->u.number);
		else
			g_string_append(out, "null");	/* JSON has no infinities */
		break;
	case VALUE_STRING:
		text_append_json(out, v->u.string, strlen(v->u.string));
		break;
	case VALUE_LIST:
	case VALUE_HASH:
		print_json_items(out, v);
		break;
	default:
		print_json_text(out, v);
	}
}
