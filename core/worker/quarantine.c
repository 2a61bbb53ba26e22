/* quarantine.c - keeps the copies that policy asks for, by delivery plugins, before anything is answered.
 * It does not decide who is blocked; it only reads fates. */
#include <string.h>
#include <talloc.h>

#include "base/log.h"
#include "mail/address.h"
#include "worker/act.h"
#include "worker/findings.h"
#include "worker/rcpt_policy.h"

#define PARTS_TOLD 20	/* paths in one field */
#define FINDINGS_TOLD 100	/* fields */

struct copy { const char *method, *target; bool archive; };

struct plugin_instance *act_delivery_plugin(const struct worker *w, const char *method)
{
	const char *colon = strchr(method, ':');
	for (size_t i = 0; colon && w->setup->deliveries[i]; i++) {
		const char *name = w->setup->deliveries[i]->plugin->name;
		if (strlen(name) == (size_t)(colon - method) && strncmp(name, method, (size_t)(colon - method)) == 0)
			return w->setup->deliveries[i];
	}
	return NULL;
}

/* Method and target for one recipient: by its blocking category, else by its main one. */
static bool copy_for(const struct mail *m, const struct recipient *r, struct copy *c)
{
	void *owner = (void *)(uintptr_t)m;
	if (r->fate == FATE_FAILED)
		return false;
	struct category from = r->fate == FATE_BLOCKED ? r->blocking : categories_main(&r->categories);
	c->method = rcpt_policy_cell_text(r->policy, CELL_QUARANTINE_METHOD, &r->categories, from, owner);	/* of a list the first: there is no second choice */
	c->target = rcpt_policy_cell_text(r->policy, CELL_QUARANTINE_TO, &r->categories, from, owner);
	c->archive = false;
	if (c->target && strcmp(c->target, "%a") == 0)
		c->target = r->address;
	return c->method && c->target;
}

/* The second, independent quarantine: every mail. */
static bool archive_for(const struct mail *m, const struct policy *p, const struct recipient *r, struct copy *c)
{
	void *owner = (void *)(uintptr_t)m;
	const char *const *methods = policy_strings(p, SET_archive_quarantine_method, owner);
	*c = (struct copy){ .method = methods ? methods[0] : NULL, .target = rcpt_policy_text(r->policy, RCPT_archive_quarantine_to_maps, owner), .archive = true };
	return r->fate != FATE_FAILED && c->method && *c->method && c->target && *c->target;
}

static void add_copy(struct copy *list, unsigned *count, const struct copy *c)
{
	for (unsigned k = 0; k < *count; k++)
		if (strcmp(list[k].method, c->method) == 0 && strcmp(list[k].target, c->target) == 0)
			return;
	list[(*count)++] = *c;
}

static unsigned collect_copies(const struct mail *m, const struct policy *p, struct copy **out)
{
	struct copy *list = talloc_zero_array((void *)(uintptr_t)m, struct copy, 2 * m->recipient_count + 1), c;
	unsigned count = 0;
	for (unsigned i = 0; i < m->recipient_count; i++) {
		if (copy_for(m, &m->recipients[i], &c))
			add_copy(list, &count, &c);
		if (archive_for(m, p, &m->recipients[i], &c))
			add_copy(list, &count, &c);
	}
	*out = list;
	return count;
}

/* --- the fields on top of a quarantined copy --- */

static char *address_list(const struct mail *m, bool blocked_only)
{
	char *list = talloc_strdup((void *)(uintptr_t)m, "");
	for (unsigned i = 0; i < m->recipient_count; i++) {
		const struct recipient *r = &m->recipients[i];
		if (blocked_only && r->fate != FATE_BLOCKED)
			continue;
		list = talloc_asprintf_append(list, "%s<%s>", *list ? ",\n " : "", r->envelope->address);
	}
	return list;
}

/* X-Postern-Finding: which scanner has found what in which part, by which database. */
static void add_findings(struct edit_list *l, const struct mail *m, void *owner)
{
	const struct logline_finding *list = findings_told(m, owner);
	size_t count = 0;
	while (list[count].name && count < FINDINGS_TOLD)
		count++;
	while (count-- > 0) {
		char *text = talloc_asprintf(owner, "%s; scanner=%s; parts=%s", list[count].name, list[count].scanner, list[count].parts[0]);
		for (unsigned k = 1; list[count].parts[k] && k < PARTS_TOLD; k++)
			text = talloc_asprintf_append(text, ",%s", list[count].parts[k]);
		if (list[count].spam_only)
			text = talloc_asprintf_append(text, "; spam-only");
		if (list[count].version)
			text = talloc_asprintf_append(text, ";\n version=%s", list[count].version);
		edit_prepend(l, "X-Postern-Finding", text);
	}
}

static struct edit_list *copy_edits(const struct mail *m, const struct policy *p, const char *target)
{
	void *owner = (void *)(uintptr_t)m;
	struct edit_list *l = edit_list_new(owner);
	char *sender = talloc_asprintf(owner, "<%s>", m->envelope->sender);
	edit_remove(l, "Return-Path");
	edit_prepend(l, "Received", act_received_body(m, p, m->recipient_count == 1 ? m->envelope->recipients[0].address : NULL, owner));
	add_findings(l, m, owner);
	act_add_alerts(l, m, NULL);
	if (m->hold)
		edit_prepend(l, "X-Amavis-Hold", m->hold);
	edit_prepend(l, "X-Quarantine-ID", talloc_asprintf(owner, "<%s>", m->mail_id));
	edit_prepend(l, "X-Envelope-To-Blocked", address_list(m, true));
	edit_prepend(l, "X-Envelope-To", address_list(m, false));
	edit_prepend(l, "X-Envelope-From", sender);
	edit_prepend(l, "Delivered-To", target);
	edit_prepend(l, "Return-Path", sender);
	return l;
}

/* --- settings that delivery plugins may read --- */

static const char *setting_text(void *context, const char *name)
{
	static const enum setting_id readable[] = { SET_QUARANTINEDIR, SET_quarantine_subdir_levels, SET_MYHOME, SET_mydomain, SET_myhostname };
	const struct policy *p = context;
	for (size_t i = 0; i < sizeof readable / sizeof *readable; i++)
		if (strcmp(setting_name(readable[i]), name) == 0)
			return value_text(policy_value(p, readable[i]), NULL);
	return NULL;
}

static void remember(struct mail *m, const struct copy *c, const struct plugin_delivered *d)
{
	m->archive_count += c->archive;
	m->quarantines = talloc_realloc(m, m->quarantines, struct quarantine_copy, m->quarantine_count + 1);
	m->quarantines[m->quarantine_count++] = (struct quarantine_copy){
		.method = c->method, .location = d->location ? d->location : c->target, .type = d->type,
	};
}

static int keep_copy(struct worker *w, struct mail *m, const struct policy *p, const struct copy *c, struct error *e)
{
	struct plugin_instance *plugin = act_delivery_plugin(w, c->method);
	if (!plugin)
		return error_set(e, ERROR_CONFIG, "quarantine: no delivery plugin for %s", c->method);
	const char *recipients[2] = { c->target, NULL };
	struct plugin_delivery_order order = {
		.mail = m, .method = c->method, .target = c->target, .sender = m->envelope->sender, .recipients = recipients,
		.edits = copy_edits(m, p, c->target), .setting = setting_text, .setting_context = (void *)(uintptr_t)p,
	};
	struct plugin_delivered done = { 0 };
	plugin_deliver(plugin, &order, m->deadline, m, &done);
	if (done.result != POSTERN_OK)
		return error_set(e, ERROR_ENVIRONMENT, "quarantine: %s", done.error ? done.error : "not kept");
	remember(m, c, &done);
	return 0;
}

/* What should have been kept and is not: its recipients wait, the MTA keeps the mail. */
static void fail_copies(struct mail *m, const struct policy *p, const struct copy *failed, const struct error *why)
{
	for (unsigned i = 0; i < m->recipient_count; i++) {
		struct recipient *r = &m->recipients[i];
		struct copy c;
		bool wanted = failed->archive ? archive_for(m, p, r, &c) : copy_for(m, r, &c);
		if (!wanted || strcmp(c.method, failed->method) != 0 || strcmp(c.target, failed->target) != 0)
			continue;
		r->destiny = D_TEMPFAIL;
		r->fate = FATE_FAILED;
		r->reply = talloc_asprintf(m, "451 4.5.0 Error in processing, id=%s, %s", m->log_id, why->text);
	}
}

int act_quarantine(struct worker *w, struct mail *m, const struct policy *p, struct error *e)
{
	struct copy *copies;
	unsigned count = collect_copies(m, p, &copies);
	int rc = 0;
	for (unsigned i = 0; i < count; i++) {
		struct error why = { 0 };
		if (keep_copy(w, m, p, &copies[i], &why) == 0)
			continue;
		log_write(LOG_LEVEL_ERROR, "%s", why.text);
		fail_copies(m, p, &copies[i], &why);
		if (e)
			*e = why;
		rc = -1;
	}
	if (m->quarantine_count > 0)
		shared_count(w->shared, COUNT_QUARANTINED, 1);
	return rc;
}
