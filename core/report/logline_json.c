/* logline_json.c - the same mail as one JSON object, for machines. Fields that nobody gave are left out. */
#include "report/logline.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "report/logaddress.h"

/* --- JSON, as far as it is needed here --- */

static void put_comma(GString *out)
{
	char last = out->len ? out->str[out->len - 1] : '{';
	if (last != '{' && last != '[')
		g_string_append(out, ",");
}

static void put_key(GString *out, const char *key)
{
	put_comma(out);
	g_string_append_printf(out, "\"%s\":", key);
}

static void put_text(GString *out, const char *text)
{
	text_append_json(out, text, strlen(text));
}

static void field_text(GString *out, const char *key, const char *text)
{
	if (!text || !*text)
		return;
	put_key(out, key);
	put_text(out, text);
}

static void field_flag(GString *out, const char *key, bool value)
{
	put_key(out, key);
	g_string_append(out, value ? "true" : "false");
}

static void field_if(GString *out, const char *key, bool value)
{
	if (value)
		field_flag(out, key, true);
}

static void field_u64(GString *out, const char *key, uint64_t value)
{
	put_key(out, key);
	g_string_append_printf(out, "%" PRIu64, value);
}

/* A number that comes as text from outside: only where it is one. */
static void field_digits(GString *out, const char *key, const char *digits)
{
	if (!digits || !*digits || strspn(digits, "0123456789") != strlen(digits) || strlen(digits) > 9)
		return;
	field_u64(out, key, g_ascii_strtoull(digits, NULL, 10));
}

static void put_list(GString *out, const char *const *texts)
{
	g_string_append_c(out, '[');
	for (unsigned i = 0; texts[i]; i++) {
		put_comma(out);
		put_text(out, texts[i]);
	}
	g_string_append_c(out, ']');
}

static void field_list(GString *out, const char *key, const char *const *texts)
{
	if (!texts || !texts[0])
		return;
	put_key(out, key);
	put_list(out, texts);
}

/* `text` split at the separator, as a list. */
static void field_split(GString *out, const char *key, const char *text, const char *separator)
{
	if (!text)
		return;
	char **pieces = g_strsplit(text, separator, -1);
	put_key(out, key);
	put_list(out, (const char *const *)pieces);
	g_strfreev(pieces);
}

static bool list_has(const GPtrArray *list, const char *text)
{
	for (guint i = 0; i < list->len; i++)
		if (strcmp(g_ptr_array_index(list, i), text) == 0)
			return true;
	return false;
}

static void list_add_once(GPtrArray *list, char *owned)
{
	if (list_has(list, owned))
		g_free(owned);
	else
		g_ptr_array_add(list, owned);
}

static void field_array(GString *out, const char *key, GPtrArray *list)
{
	g_ptr_array_add(list, NULL);
	field_list(out, key, (const char *const *)list->pdata);
	g_ptr_array_set_size(list, (gint)list->len - 1);
}

/* --- addresses --- */

static char *path_text(const char *address)
{
	GString *s = g_string_new(NULL);
	logaddress_append_path(s, address);
	return g_string_free(s, FALSE);
}

static GPtrArray *recipient_paths(const struct logline *l)
{
	GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
	for (unsigned i = 0; i < l->detail_count; i++)
		g_ptr_array_add(paths, path_text(l->details[i].address));
	for (unsigned i = 0; !l->detail_count && l->recipients && l->recipients[i]; i++)
		g_ptr_array_add(paths, path_text(l->recipients[i]));
	return paths;
}

/* "250" of "250 2.0.0 Ok", or NULL. */
static char *reply_code(const char *reply)
{
	return reply && strspn(reply, "0123456789") == 3 ? g_strndup(reply, 3) : NULL;
}

static void put_detail(GString *out, const struct logline_recipient *r)
{
	char *path = path_text(r->address), *code = reply_code(r->reply);
	put_comma(out);
	g_string_append_c(out, '{');
	field_text(out, "rcpt_to", path);
	field_text(out, "rcpt_to_orig", r->original);
	field_flag(out, "rcpt_is_local", r->is_local);
	field_text(out, "sql_user_policy_id", r->sql_policy_id);
	field_text(out, "action", r->action ? r->action : "?");
	field_text(out, "smtp_response", r->reply);
	field_text(out, "smtp_code", code);
	field_text(out, "queued_as", r->queued_as);
	field_if(out, "blacklisted", r->blacklisted);
	field_if(out, "whitelisted", r->whitelisted);
	field_if(out, "bypass_virus_checks", r->bypass_virus_checks);
	field_if(out, "bypass_banned_checks", r->bypass_banned_checks);
	field_if(out, "bypass_spam_checks", r->bypass_spam_checks);
	field_text(out, "ccat_blocking", r->ccat_blocking);
	field_text(out, "ccat_main", r->ccat_main);
	field_text(out, "banning_reason", r->banning_reason);
	g_string_append_c(out, '}');
	g_free(path);
	g_free(code);
}

static void put_details(GString *out, const struct logline *l)
{
	if (l->detail_count == 0)
		return;
	put_key(out, "recipients");
	g_string_append_c(out, '[');
	for (unsigned i = 0; i < l->detail_count; i++)
		put_detail(out, &l->details[i]);
	g_string_append_c(out, ']');
}

/* --- findings --- */

static void put_virus_names(GString *out, const struct logline *l)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	for (unsigned i = 0; l->virus_names && l->virus_names[i]; i++)
		list_add_once(names, g_strdup(l->virus_names[i]));
	field_array(out, "virusnames", names);
	g_ptr_array_free(names, TRUE);
}

static void put_names_of_scanner(GString *out, const struct logline *l, const char *scanner)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	for (unsigned i = 0; l->virus_names[i] && l->scanners[i]; i++)
		if (strcmp(l->scanners[i], scanner) == 0)
			list_add_once(names, g_strdup(l->virus_names[i]));
	g_ptr_array_add(names, NULL);
	put_comma(out);
	put_text(out, scanner);
	g_string_append_c(out, ':');
	put_list(out, (const char *const *)names->pdata);
	g_ptr_array_free(names, TRUE);
}

static void put_scanners(GString *out, const struct logline *l)
{
	if (!l->virus_names || !l->virus_names[0] || !l->scanners || !l->scanners[0])
		return;
	GPtrArray *scanners = g_ptr_array_new_with_free_func(g_free);
	for (unsigned i = 0; l->virus_names[i] && l->scanners[i]; i++)
		list_add_once(scanners, g_strdup(l->scanners[i]));
	put_key(out, "av_scan");
	g_string_append_c(out, '{');
	for (guint i = 0; i < scanners->len; i++)
		put_names_of_scanner(out, l, g_ptr_array_index(scanners, i));
	g_string_append_c(out, '}');
	g_ptr_array_free(scanners, TRUE);
}

static void put_finding(GString *out, const struct logline_finding *f)
{
	put_comma(out);
	g_string_append_c(out, '{');
	field_text(out, "name", f->name);
	field_text(out, "scanner", f->scanner);
	field_text(out, "version", f->version);
	field_text(out, "database", f->database);
	field_list(out, "parts", f->parts);
	if (f->spam_only)
		field_flag(out, "spam_only", true);
	g_string_append_c(out, '}');
}

static void put_findings(GString *out, const struct logline *l)
{
	if (!l->findings || !l->findings[0].name)
		return;
	put_key(out, "findings");
	g_string_append_c(out, '[');
	for (unsigned i = 0; l->findings[i].name; i++)
		put_finding(out, &l->findings[i]);
	g_string_append_c(out, ']');
	if (l->fake_sender)
		field_flag(out, "fake_sender", true);
}

/* --- the whole --- */

static void put_origin(GString *out, const struct logline *l)
{
	field_text(out, "type", l->type ? l->type : "amavis");
	field_text(out, "host", l->host);
	field_text(out, "log_id", l->log_id);
	field_text(out, "mail_id", l->mail_id);
	field_text(out, "src_ip", l->source_ip);
	field_text(out, "dst_ip", l->listener_ip);
	field_digits(out, "dst_port", l->listener_port);
	field_text(out, "client_ip", l->client_ip);
	field_digits(out, "client_port", l->client_port);
	field_text(out, "queue_id", l->queue_id);
	field_text(out, "protocol", l->protocol);
}

static void put_envelope(GString *out, const struct logline *l, GPtrArray *paths)
{
	char *sender = path_text(l->sender);
	field_list(out, "attached_file_names", l->attached_file_names);
	field_text(out, "mail_from", sender);
	field_array(out, "rcpt_to", paths);
	field_u64(out, "rcpt_num", paths->len);
	put_details(out, l);
	g_free(sender);
}

static char *rot13(const char *text)
{
	char *out = g_strdup(text);
	for (char *p = out; *p; p++) {
		if (!g_ascii_isalpha(*p))
			continue;
		char first = g_ascii_islower(*p) ? 'a' : 'A';
		*p = (char)(first + (*p - first + 13) % 26);
	}
	return out;
}

static void put_header(GString *out, const struct logline *l)
{
	const char *author[] = { l->from, NULL };
	field_list(out, "author", author);
	field_list(out, "to_addr", l->to_addresses);
	field_list(out, "cc_addr", l->cc_addresses);
	if (l->subject) {
		char *hidden = rot13(l->subject);
		field_text(out, "subject", l->subject);
		field_text(out, "subject_rot13", hidden);
		g_free(hidden);
	}
	field_text(out, "message_id", l->message_id);
	field_list(out, "references", l->references);
	field_text(out, "user_agent", l->user_agent);
}

/* Only the first copy is told, as amavisd-new does. */
static void put_quarantine(GString *out, const struct logline *l)
{
	if (!l->quarantine || !*l->quarantine)
		return;
	const char *end = strstr(l->quarantine, ", ");
	char *first = end ? g_strndup(l->quarantine, (gsize)(end - l->quarantine)) : g_strdup(l->quarantine);
	field_text(out, "quarantine", first);
	field_text(out, "quar_type", l->quarantine_type);
	g_free(first);
}

static void put_verdict(GString *out, const struct logline *l)
{
	field_split(out, "policy_banks", l->policy_banks, "/");
	field_list(out, "ip_trace", l->ip_trace);
	if (l->size > 0)
		field_u64(out, "size", l->size);
	field_text(out, "digest_body", l->body_digest);
	field_text(out, "content_type", l->content_type);
	put_quarantine(out, l);
	field_flag(out, "dsn_sent", l->dsn_sent);
	field_flag(out, "originating", l->originating);
	if (l->actions && *l->actions) {
		char *spaced = g_strdelimit(g_strdup(l->actions), ",", ' ');
		field_text(out, "actions_performed", spaced);
		g_free(spaced);
	}
	field_text(out, "checks_performed", l->checks);
	put_virus_names(out, l);
	put_scanners(out, l);
	put_findings(out, l);
	field_list(out, "tests", l->score_tests);
}

static GPtrArray *collect_actions(const struct logline *l)
{
	GPtrArray *actions = g_ptr_array_new_with_free_func(g_free);
	for (unsigned i = 0; i < l->detail_count; i++)
		list_add_once(actions, g_strdup(l->details[i].action ? l->details[i].action : "?"));
	if (l->detail_count == 0 && l->passed)
		g_ptr_array_add(actions, g_strdup("PASS"));
	return actions;
}

static void put_replies(GString *out, const struct logline *l)
{
	GPtrArray *codes = g_ptr_array_new_with_free_func(g_free), *queued = g_ptr_array_new_with_free_func(g_free);
	for (unsigned i = 0; i < MAX(l->detail_count, 1u); i++) {
		char *code = reply_code(l->detail_count ? l->details[i].reply : l->reply);
		if (code)
			list_add_once(codes, code);
		if (l->detail_count && l->details[i].queued_as)
			list_add_once(queued, g_strdup(l->details[i].queued_as));
	}
	field_array(out, "smtp_code", codes);
	if (l->detail_count)
		field_array(out, "queued_as", queued);
	else if (l->queued_as && *l->queued_as)
		field_split(out, "queued_as", l->queued_as, "/");
	g_ptr_array_free(codes, TRUE);
	g_ptr_array_free(queued, TRUE);
}

static char *joined(GPtrArray *list)
{
	g_ptr_array_add(list, NULL);
	char *text = g_strjoinv(",", (char **)list->pdata);
	g_ptr_array_set_size(list, (gint)list->len - 1);
	return text;
}

static void put_message(GString *out, const struct logline *l, GPtrArray *actions, GPtrArray *paths)
{
	char *action_text = joined(actions), *to = joined(paths), *from = path_text(l->sender);
	char *text = g_strdup_printf("%s %s %s %s -> %s", l->log_id ? l->log_id : "", action_text,
		l->content_type ? l->content_type : "", from, to);
	field_text(out, "message", text);
	g_free(text);
	g_free(action_text);
	g_free(to);
	g_free(from);
}

static void put_times(GString *out, const struct logline *l)
{
	time_t seconds = (time_t)(l->time_wall_us / 1000000);
	int ms = (int)(l->time_wall_us % 1000000 / 1000);
	struct tm utc, local;
	char text[64];
	gmtime_r(&seconds, &utc);
	localtime_r(&seconds, &local);
	put_key(out, "time_unix");
	g_string_append_printf(out, "%" PRId64 ".%03d", (int64_t)seconds, ms);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
	put_key(out, "@timestamp");
	g_string_append_printf(out, "\"%s.%03dZ\"", text, ms);
	strftime(text, sizeof text, "%G-W%V-%u", &local);
	field_text(out, "time_iso_week_date", text);
	put_key(out, "elapsed");
	g_string_append_printf(out, "{\"Total\":%" PRIu64 ".%03u}", l->elapsed_ms / 1000, (unsigned)(l->elapsed_ms % 1000));
}

void logline_json(GString *out, const struct logline *l)
{
	GPtrArray *paths = recipient_paths(l), *actions = collect_actions(l);
	g_string_append_c(out, '{');
	put_origin(out, l);
	put_envelope(out, l, paths);
	put_header(out, l);
	put_verdict(out, l);
	put_replies(out, l);
	field_array(out, "action", actions);
	put_message(out, l, actions, paths);
	put_times(out, l);
	g_string_append_c(out, '}');
	g_ptr_array_free(paths, TRUE);
	g_ptr_array_free(actions, TRUE);
}
