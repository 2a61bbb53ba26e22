/* edits.c - what a passed mail gets on top of its header, and what is taken out.
 * Fields that no setting names keep their bytes and their order. */
#include <string.h>
#include <talloc.h>

#include "mail/header_fix.h"
#include "worker/act.h"
#include "worker/rcpt_policy.h"

/* "127.0.0.1:10024" -> "127.0.0.1" and "10024"; a path has neither. */
static void split_socket(const char *text, void *owner, char **address, char **port)
{
	const char *colon = strrchr(text, ':');
	*address = *port = NULL;
	if (*text == '/' || !colon)
		return;
	*port = talloc_strdup(owner, colon + 1);
	*address = talloc_strndup(owner, text, (size_t)(colon - text));
}

static char *helo_clean(const struct mail *m, void *owner)
{
	char *helo = talloc_strdup(owner, m->envelope->helo && *m->envelope->helo ? m->envelope->helo : "localhost");
	for (char *c = helo; *c; c++)
		if (*c <= ' ' || *c == 127 || strchr("()<>\\\"", *c))
			*c = '?';
	return helo;
}

char *act_received_body(const struct mail *m, const struct policy *p, const char *only_recipient, void *owner)
{
	const struct envelope *e = m->envelope;
	const char *by = policy_string(p, SET_localhost_name), *host = policy_string(p, SET_myhostname);
	char *address, *port;
	split_socket(e->socket_text, owner, &address, &port);
	char *body = talloc_asprintf(owner, "from %s", helo_clean(m, owner));
	if (e->peer_address)
		body = talloc_asprintf_append(body, strchr(e->peer_address, ':') ? " ([IPv6:%s])" : " ([%s])", e->peer_address);
	body = talloc_asprintf_append(body, "\n by %s (%s", by ? by : "localhost", host ? host : "localhost");
	if (address)
		body = talloc_asprintf_append(body, *address == '[' ? " %s" : " [%s]", address);
	body = talloc_asprintf_append(body, port ? ") (postern, port %s)\n" : ") (postern, unix socket%s)\n", port ? port : "");
	body = talloc_asprintf_append(body, " with %s id %s", e->protocol, m->mail_id);
	if (only_recipient)
		body = talloc_asprintf_append(body, "\n for <%s>", only_recipient);
	return talloc_asprintf_append(body, "; %s", act_date(e->received_wall_us, owner));
}

/* Marks that only we may make: what comes from outside under these names is forged or stale. */
static void remove_forged(struct edit_list *l, const struct policy *p)
{
	edit_remove(l, "X-Amavis-Hold");
	edit_remove(l, "X-Amavis-Alert");
	edit_remove(l, "X-Quarantine-ID");
	const char *tag = policy_string(p, SET_X_HEADER_TAG);
	if (tag && *tag && policy_bool(p, SET_remove_existing_x_scanned_headers))
		edit_remove(l, tag);
}

static void mark_checks(struct edit_list *l, const struct mail *m, const struct policy *p, const struct recipient *r)
{
	const char *tag = policy_string(p, SET_X_HEADER_TAG), *line = policy_string(p, SET_X_HEADER_LINE);
	act_add_alerts(l, m, r);
	if (m->virus_checked && !r->policy->bypass_virus && tag && *tag && line && *line)
		edit_prepend(l, tag, line);
	if (m->quarantine_count > 0)
		edit_prepend(l, "X-Quarantine-ID", talloc_asprintf((void *)(uintptr_t)m, "<%s>", m->mail_id));
}

struct edit_list *act_edits_for(const struct mail *m, const struct policy *p, const struct recipient *r, bool single_recipient, bool *tagged)
{
	struct edit_list *l = edit_list_new((void *)(uintptr_t)m);
	*tagged = false;
	remove_forged(l, p);
	if (m->header_fixes)
		header_fix(l, &m->header, m->header_fixes);
	if (m->hold && categories_have(&r->categories, CC_UNCHECKED))	/* for whoever comes next, also outside */
		edit_prepend(l, "X-Amavis-Hold", m->hold);
	if (r->policy->is_local) {
		*tagged = act_tag_subject(l, m, p, r);
		mark_checks(l, m, p, r);
	}
	edit_prepend(l, "Received", act_received_body(m, p, single_recipient ? r->envelope->address : NULL, l));
	return l;
}
