/* logline.c - the main log line of a mail as text. Log analysers parse it: every blank and comma counts. */
#include "report/logline.h"

#include <inttypes.h>
#include <string.h>

#include "report/logaddress.h"

static bool given(const char *text)
{
	return text && *text;
}

static void append_client(GString *out, const struct logline *l)
{
	if (!given(l->client_ip))
		return;
	if (l->originating)
		g_string_append(out, " LOCAL");
	g_string_append_printf(out, " [%s]", l->client_ip);
	if (given(l->client_port) && strcmp(l->client_port, "0") != 0)
		g_string_append_printf(out, ":%s", l->client_port);
}

static void append_recipients(GString *out, const char *const *recipients)
{
	for (unsigned i = 0; recipients && recipients[i]; i++) {
		if (i > 0)
			g_string_append_c(out, ',');
		logaddress_append_path(out, recipients[i]);
	}
}

static void append_named(GString *out, const char *name, const char *value)
{
	if (given(value))
		g_string_append_printf(out, ", %s: %s", name, value);
}

static void append_message_id(GString *out, const char *name, const char *id)
{
	if (!given(id))
		return;
	g_string_append_printf(out, ", %s: ", name);
	logaddress_append(out, id);
}

void logline_format(GString *out, const struct logline *l)
{
	g_string_append_printf(out, "%s %s {%s},", l->passed ? "Passed" : "Blocked", l->category ? l->category : "OTHER",
		l->actions ? l->actions : "");
	if (given(l->policy_banks))
		g_string_append_printf(out, " %s", l->policy_banks);
	append_client(out, l);
	if (given(l->origin_ip))
		g_string_append_printf(out, " [%s]", l->origin_ip);
	g_string_append_c(out, ' ');
	logaddress_append_path(out, l->sender);
	g_string_append(out, " -> ");
	append_recipients(out, l->recipients);
	append_named(out, "quarantine", l->quarantine);
	append_named(out, "Queue-ID", l->queue_id);
	append_message_id(out, "Message-ID", l->message_id);
	append_message_id(out, "Resent-Message-ID", l->resent_message_id);
	append_named(out, "mail_id", l->mail_id);
	append_named(out, "Hits", given(l->hits) ? l->hits : "-");
	g_string_append_printf(out, ", size: %" PRIu64, l->size);
	if (l->passed)
		append_named(out, "queued_as", l->queued_as);
	g_string_append_printf(out, ", %" PRIu64 " ms", l->elapsed_ms);
}
