/* explain_print.c - an explanation as text for people and as JSON. */
#include "worker/explained.h"

#include <string.h>

#include "base/text.h"
#include "worker/rcpt_policy.h"

static const char *direction(const struct mail *m, const struct recipient *r)
{
	bool local = r->policy && r->policy->is_local;
	return m->originating ? (local ? "internal" : "outbound") : local ? "inbound" : "open relay";
}

/* --- for people --- */

static void text_place(GString *out, const char *file, int line)
{
	if (file)
		g_string_append_printf(out, "%s:%d", file, line);
}

static void text_difference(GString *out, const struct policy_difference *d)
{
	g_string_append_printf(out, "  %s = %s\n    ", setting_name(d->setting), d->lua);
	if (d->bank)
		g_string_append_printf(out, "policy bank %s%s", d->bank, d->file ? ", " : "");
	text_place(out, d->file, d->line);
	g_string_append(out, "\n");
}

static void text_setting(GString *out, const struct explained *e)
{
	g_string_append_printf(out, "  %s%s%s%s = %s\n    ", e->setting, e->category ? "[" : "", e->category ? e->category : "", e->category ? "]" : "", e->lua);
	if (e->origin) {
		g_string_append_printf(out, "%s %s, row %s, %s\n", strcmp(e->source, "sql") == 0 ? "SQL" : "LDAP", e->origin, e->row ? e->row : "?",
			e->field ? e->field : "?");
		return;
	}
	if (e->table)
		g_string_append_printf(out, "table %u of %s%s", e->table, e->list, e->place ? ", " : "");
	g_string_append(out, e->place ? e->place : "");
	if (e->key)
		g_string_append_printf(out, ", matched by %s", e->key);
	g_string_append(out, "\n");
}

static void text_settings(GString *out, const struct explanation *x, int recipient)
{
	for (guint i = 0; i < x->settings->len; i++) {
		const struct explained *e = g_ptr_array_index(x->settings, i);
		if (e->recipient == recipient)
			text_setting(out, e);
	}
}

static void text_recipient(GString *out, const struct explanation *x, const struct recipient *r)
{
	g_string_append_printf(out, "recipient <%s>: %s, %s%s%s\n", r->envelope->address, r->policy && r->policy->is_local ? "local" : "not local",
		direction(x->mail, r), r->whitelisted ? ", sender whitelisted" : "", r->blacklisted ? ", sender blacklisted" : "");
	for (unsigned i = 0; i < x->mail->score_count; i++)
		if (x->mail->scores[i].recipient == (int)r->index)
			g_string_append_printf(out, "  score %s\n", x->mail->scores[i].test);
	text_settings(out, x, (int)r->index);
}

static void text_banks(GString *out, const struct mail *m)
{
	g_string_append_printf(out, "policy banks: %s\n", *m->policy_bank_path ? m->policy_bank_path : "none");
	for (unsigned i = 0; i < m->bank_step_count; i++)
		g_string_append_printf(out, "  %s: %s%s\n", m->bank_steps[i].name, m->bank_steps[i].why, m->bank_steps[i].known ? "" : " (there is no such bank)");
}

void explain_print_text(GString *out, const struct explanation *x)
{
	const struct mail *m = x->mail;
	const char *client = m->client_address, *interface = m->envelope->socket_text;
	g_string_append_printf(out, "mail from <%s>, client %s, by %s%s\n", m->envelope->sender, client ? client : "unknown",
		*interface ? interface : "no interface", m->originating ? ", originating" : "");
	text_banks(out, m);
	if (x->failure)
		g_string_append_printf(out, "could not be settled, the mail would be answered 451: %s\n", x->failure);
	g_string_append(out, "settings that are not the defaults:\n");
	for (guint i = 0; i < x->differences->len; i++)
		text_difference(out, g_ptr_array_index(x->differences, i));
	text_settings(out, x, -1);
	for (unsigned i = 0; i < m->recipient_count && !x->failure; i++)
		text_recipient(out, x, &m->recipients[i]);
}

/* --- for programs --- */

static void comma(GString *out)
{
	char last = out->str[out->len - 1];
	if (last != '{' && last != '[')
		g_string_append_c(out, ',');
}

static void pair(GString *out, const char *key, const char *text)
{
	if (!text)
		return;
	comma(out);
	g_string_append_printf(out, "\"%s\":", key);
	text_append_json(out, text, strlen(text));
}

static void flag(GString *out, const char *key, bool value)
{
	comma(out);
	g_string_append_printf(out, "\"%s\":%s", key, value ? "true" : "false");
}

static void open_list(GString *out, const char *key)
{
	comma(out);
	g_string_append_printf(out, "\"%s\":[", key);
}

static void open_object(GString *out)
{
	comma(out);
	g_string_append_c(out, '{');
}

static void json_setting(GString *out, const struct explained *e)
{
	open_object(out);
	pair(out, "setting", e->setting);
	pair(out, "category", e->category);
	pair(out, "lua", e->lua);
	pair(out, "source", e->source);
	pair(out, "origin", e->origin);
	pair(out, "row", e->row);
	pair(out, "field", e->field);
	pair(out, "list", e->origin ? NULL : e->list);
	if (e->table)
		g_string_append_printf(out, ",\"table\":%u", e->table);
	pair(out, "key", e->key);
	pair(out, "place", e->place);
	g_string_append_c(out, '}');
}

static void json_settings(GString *out, const char *key, const struct explanation *x, int recipient)
{
	open_list(out, key);
	for (guint i = 0; i < x->settings->len; i++) {
		const struct explained *e = g_ptr_array_index(x->settings, i);
		if (e->recipient == recipient)
			json_setting(out, e);
	}
	g_string_append_c(out, ']');
}

static void json_recipient(GString *out, const struct explanation *x, const struct recipient *r)
{
	open_object(out);
	pair(out, "rcpt_to", r->envelope->address);
	flag(out, "is_local", r->policy && r->policy->is_local);
	pair(out, "direction", direction(x->mail, r));
	flag(out, "whitelisted", r->whitelisted);
	flag(out, "blacklisted", r->blacklisted);
	open_list(out, "scores");
	for (unsigned i = 0; i < x->mail->score_count; i++) {
		if (x->mail->scores[i].recipient != (int)r->index)
			continue;
		comma(out);
		text_append_json(out, x->mail->scores[i].test, strlen(x->mail->scores[i].test));
	}
	g_string_append_c(out, ']');
	json_settings(out, "settings", x, (int)r->index);
	g_string_append_c(out, '}');
}

static void json_difference(GString *out, const struct policy_difference *d)
{
	open_object(out);
	pair(out, "setting", setting_name(d->setting));
	pair(out, "lua", d->lua);
	pair(out, "bank", d->bank);
	pair(out, "file", d->file);
	if (d->file)
		g_string_append_printf(out, ",\"line\":%d", d->line);
	g_string_append_c(out, '}');
}

static void json_banks(GString *out, const struct mail *m)
{
	open_list(out, "banks");
	for (unsigned i = 0; i < m->bank_step_count; i++) {
		open_object(out);
		pair(out, "name", m->bank_steps[i].name);
		pair(out, "why", m->bank_steps[i].why);
		flag(out, "known", m->bank_steps[i].known);
		g_string_append_c(out, '}');
	}
	g_string_append_c(out, ']');
}

void explain_print_json(GString *out, const struct explanation *x)
{
	const struct mail *m = x->mail;
	g_string_append_c(out, '{');
	pair(out, "mail_from", m->envelope->sender);
	pair(out, "client_ip", m->client_address);
	pair(out, "interface", m->envelope->socket_text);
	flag(out, "originating", m->originating);
	pair(out, "policy_bank_path", m->policy_bank_path);
	pair(out, "error", x->failure);
	json_banks(out, m);
	open_list(out, "settings");
	for (guint i = 0; i < x->differences->len; i++)
		json_difference(out, g_ptr_array_index(x->differences, i));
	g_string_append_c(out, ']');
	json_settings(out, "for_all", x, -1);
	open_list(out, "recipients");
	for (unsigned i = 0; i < m->recipient_count && !x->failure; i++)
		json_recipient(out, x, &m->recipients[i]);
	g_string_append(out, "]}\n");
}
