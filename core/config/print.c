/* print.c - settings as Lua source or JSON: what differs from the defaults, and all defaults. Secrets are masked. */
#include "config.h"

#include "config/inside.h"

#include <string.h>
#include <talloc.h>

#include "base/text.h"
#include "mail/mail.h"

#define MASK "********"

static void print_value(const struct config *c, GString *out, enum setting_type type, const struct value *v);

static void print_key(GString *out, enum setting_type type, const char *key)
{
	char *name;

	if ((type == SETTING_TYPE_CCAT || type == SETTING_TYPE_CCAT_MAPS) && strcmp(key, "REPLACE") != 0) {
		name = (char *)category_name(key, NULL);
		g_string_append_printf(out, strchr(name, ',') ? "[\"%s\"]" : "[%s]", name);
		talloc_free(name);
		return;
	}
	if (g_ascii_isalpha(key[0]) && !key[strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")]) {
		g_string_append(out, key);
		return;
	}
	g_string_append_c(out, '[');
	value_print(out, &(struct value){ .kind = VALUE_STRING, .u.string = key });
	g_string_append_c(out, ']');
}

static enum setting_type item_type(const struct config *c, enum setting_type type, const char *key)
{
	enum setting_id id;

	if (type == SETTING_TYPE_BANKS)
		return SETTING_TYPE_COUNT;	/* a bank: its keys are settings */
	if (type == SETTING_TYPE_COUNT && c && key && name_find(c, key, &id))
		return definition(id)->type;
	return type == SETTING_TYPE_CCAT_MAPS ? SETTING_TYPE_MAPS : SETTING_TYPE_ANYTHING;
}

static bool key_is_secret(const struct config *c, enum setting_type type, const char *key)
{
	enum setting_id id;

	return type == SETTING_TYPE_COUNT && c && key && name_find(c, key, &id) && (definition(id)->flags & SETTING_SECRET);
}

static void print_table(const struct config *c, GString *out, enum setting_type type, const struct value *v)
{
	g_string_append(out, v->u.list.count ? "{ " : "{");
	for (size_t i = 0; i < v->u.list.count; i++) {
		const char *key = v->u.list.keys ? v->u.list.keys[i]->u.string : NULL;

		g_string_append(out, i ? ", " : "");
		if (key) {
			print_key(out, type, key);
			g_string_append(out, " = ");
		}
		if (key_is_secret(c, type, key))
			g_string_append(out, "\"" MASK "\"");
		else
			print_value(c, out, item_type(c, type, key), v->u.list.items[i]);
	}
	g_string_append(out, v->u.list.count ? " }" : "}");
}

static void print_value(const struct config *c, GString *out, enum setting_type type, const struct value *v)
{
	const char *origin = c ? g_hash_table_lookup(c->origins, v) : NULL;

	if (origin)
		g_string_append(out, origin);
	else if (v->secret)
		g_string_append(out, "\"" MASK "\"");
	else if (v->kind == VALUE_SETTING)
		g_string_append_printf(out, "setting \"%s\"", setting_name((enum setting_id)v->u.setting));
	else if (v->kind == VALUE_LIST || v->kind == VALUE_HASH)
		print_table(c, out, type, v);
	else if (type == SETTING_TYPE_DESTINY && v->kind == VALUE_INT && destiny_name(v->u.integer))
		g_string_append(out, destiny_name(v->u.integer));
	else
		value_print(out, v);
}

void setting_print(const struct config *c, GString *out, enum setting_id id, const struct value *v)
{
	if ((definition(id)->flags & SETTING_SECRET) && v->kind != VALUE_UNDEF && !((v->kind == VALUE_LIST || v->kind == VALUE_HASH) && !v->u.list.count))
		g_string_append(out, "\"" MASK "\"");
	else
		print_value(c, out, definition(id)->type, v);
}

static bool differs(const struct config *c, enum setting_id id)
{
	GString *now, *then;
	bool different;

	if (!c->changed[id])
		return false;
	now = g_string_new("");
	then = g_string_new("");
	print_value(c, now, definition(id)->type, c->raw[id]);
	print_value(c, then, definition(id)->type, c->defaults[id]);
	different = !g_string_equal(now, then) || definition(id)->flags & SETTING_SECRET;
	g_string_free(now, TRUE);
	g_string_free(then, TRUE);
	return different;
}

static void print_json_member(FILE *to, const char *name, const char *text, bool first)
{
	GString *s = g_string_new("");

	text_append_json(s, text, strlen(text));
	fprintf(to, "%s\"%s\":%s", first ? "" : ",", name, s->str);
	g_string_free(s, TRUE);
}

static void print_json_value(FILE *to, const struct config *c, enum setting_id id, const struct value *v)
{
	GString *s = g_string_new("");

	setting_print(c, s, id, v);
	print_json_member(to, "lua", s->str, false);
	if (!(definition(id)->flags & SETTING_SECRET) && !follows_settings(v) && v->kind != VALUE_HASH) {
		g_string_truncate(s, 0);
		value_print_json(s, v);
		fprintf(to, ",\"value\":%s", s->str);
	}
	g_string_free(s, TRUE);
}

static void print_changed_json(FILE *to, const struct config *c, enum setting_id id, bool first)
{
	fputs(first ? "\n{" : ",\n{", to);
	print_json_member(to, "setting", setting_name(id), true);
	print_json_value(to, c, id, c->raw[id]);
	print_json_member(to, "file", c->slots[id].file ? c->slots[id].file : "", false);
	fprintf(to, ",\"line\":%d}", c->slots[id].line);
}

static void print_changed_text(FILE *to, const struct config *c, enum setting_id id)
{
	GString *s = g_string_new("");

	setting_print(c, s, id, c->raw[id]);
	fprintf(to, "%s = %s\t-- %s:%d\n", setting_name(id), s->str, c->slots[id].file ? c->slots[id].file : "?", c->slots[id].line);
	g_string_free(s, TRUE);
}

void config_print_changed(FILE *to, const struct config *c, bool json)
{
	bool first = true;

	if (json)
		fputc('[', to);
	for (int i = 0; i < SETTING_COUNT; i++) {
		if (!differs(c, (enum setting_id)i))
			continue;
		if (json)
			print_changed_json(to, c, (enum setting_id)i, first);
		else
			print_changed_text(to, c, (enum setting_id)i);
		first = false;
	}
	if (json)
		fputs("\n]\n", to);
}

/* ---- defaults: as the table has them, so that what is computed shows how ---- */

static const char *status_word(enum setting_status status)
{
	return status == SETTING_IN_FORCE ? "in force" : status == SETTING_ACCEPTED ? "accepted, no effect yet" : "refused";
}

/* Which column and which attribute are asked before this list. */
static void print_fields_json(FILE *to, const struct setting_field *field)
{
	if (!field)
		return;
	print_json_member(to, "sql", field->names[RECORD_SQL], false);
	print_json_member(to, "ldap", field->names[RECORD_LDAP], false);
}

static void print_default_json(FILE *to, enum setting_id id, bool first)
{
	const struct setting_definition *d = definition(id);

	fputs(first ? "\n{" : ",\n{", to);
	print_json_member(to, "setting", d->name, true);
	print_json_member(to, "default", d->default_source, false);
	print_json_member(to, "kind", d->kind, false);
	print_json_member(to, "type", setting_type_text(d->type), false);
	print_json_member(to, "status", status_word(d->status), false);
	fprintf(to, ",\"bank\":%s", d->flags & SETTING_BANK ? "true" : "false");
	print_json_member(to, "meaning", d->doc, false);
	print_fields_json(to, setting_field_of((int)id));
	fputc('}', to);
}

static void print_default_text(FILE *to, const struct setting_definition *d)
{
	fprintf(to, "%s = %s\t-- %s%s%s%s\n", d->name, d->default_source, d->status == SETTING_IN_FORCE ? "" : "(",
		d->status == SETTING_IN_FORCE ? "" : status_word(d->status), d->status == SETTING_IN_FORCE ? "" : ") ", d->doc);
}

void config_print_defaults(FILE *to, bool json)
{
	if (json)
		fputc('[', to);
	for (int i = 0; i < SETTING_COUNT; i++) {
		if (json)
			print_default_json(to, (enum setting_id)i, i == 0);
		else
			print_default_text(to, definition((enum setting_id)i));
	}
	if (json)
		fputs("\n]\n", to);
}

/* ---- the manual ---- */

/* Text in mdoc: a leading dot or quote and backslashes would be taken as requests. */
static void print_mdoc(FILE *to, const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", to);
	for (; *text; text++)
		if (*text == '\\')
			fputs("\\e", to);
		else
			fputc(*text, to);
}

static void print_manual_entry(FILE *to, const struct setting_definition *d)
{
	fprintf(to, ".It Va %s\n", d->name);
	print_mdoc(to, d->doc);
	fputs(".\n", to);
	if (d->status == SETTING_ACCEPTED)
		fputs("Known, not built yet: no effect.\n", to);
	if (d->status == SETTING_REFUSED)
		fputs("Refused when set.\n", to);
	fputs("Takes ", to);
	print_mdoc(to, setting_type_text(d->type));
	fprintf(to, "%s.\nDefault: ", d->flags & SETTING_BANK ? "; may stand in a policy bank" : "");
	print_mdoc(to, d->default_source);
	fputs("\n", to);
}

void config_print_manual(FILE *to)
{
	fputs(".Bl -tag -width Ds\n", to);
	for (int i = 0; i < SETTING_COUNT; i++)
		print_manual_entry(to, definition((enum setting_id)i));
	fputs(".El\n", to);
}
