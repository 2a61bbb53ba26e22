/* findings.c - what names of malware mean to the site: a sign of spam only, a forged sender, other banks; and how findings are told.
 * The names come from scanners after the mail was opened: the only lookups that settle.c cannot make before. */
#include "worker/findings.h"

#include <glib.h>
#include <string.h>
#include <talloc.h>

#include "base/log.h"
#include "lookup/lookup.h"
#include "worker/banks.h"

/* NULL: no table knows it. A table that could not answer is said in the log, and the alert stands. */
static const struct value *look_up(struct mail *m, const struct policy *p, enum setting_id id, const char *name, bool *failed)
{
	struct error e = { 0 };
	struct lookup_context context = { .deadline = m->deadline, .mail = m };
	const struct value *v = lookup_first(policy_value(p, id), lookup_key_strings(m, &name, 1), &context, m, NULL, &e);
	*failed = e.class != ERROR_NONE;
	if (*failed)
		log_write(LOG_LEVEL_ERROR, "%s: %s", setting_name(id), e.text);
	return value_defined(v) && !*failed ? v : NULL;
}

/* --- a sign of spam only --- */

struct weight { double points; const char *name; };

static bool weigh_scanner(struct mail *m, const struct policy *p, const char *scanner, struct weight *out)
{
	bool any = false, failed;
	for (unsigned i = 0; i < m->finding_count; i++) {
		const struct finding *f = &m->findings[i];
		if (strcmp(f->scanner, scanner) != 0)
			continue;
		const struct value *v = look_up(m, p, SET_virus_name_to_spam_score_maps, f->name, &failed);
		if (!v)
			return false;
		double points = value_to_float(v, 0);
		if (!any || points > out->points)
			*out = (struct weight){ points, f->name };
		any = true;
	}
	return any;
}

static void add_score_once(struct mail *m, const char *scanner, const struct weight *w)
{
	char *test = talloc_asprintf(m, "AV:%s=%g", w->name, w->points);
	for (unsigned k = 0; k < m->score_count; k++) {
		if (strcmp(m->scores[k].test, test) == 0)
			return;
	}
	mail_add_score(m, scanner, test, w->points, -1);
}

static void soften(struct mail *m, const char *scanner, const struct weight *w)
{
	unsigned kept = 0;
	m->softened = talloc_realloc(m, m->softened, struct finding, m->softened_count + m->finding_count);
	for (unsigned i = 0; i < m->finding_count; i++) {
		if (strcmp(m->findings[i].scanner, scanner) == 0)
			m->softened[m->softened_count++] = m->findings[i];
		else
			m->findings[kept++] = m->findings[i];
	}
	m->finding_count = kept;
	add_score_once(m, scanner, w);
	log_write(LOG_LEVEL_NOTICE, "scan: what %s has found is a sign of spam only: AV:%s=%g", scanner, w->name, w->points);
}

static void note_fake_sender(struct mail *m, const struct policy *p)
{
	bool failed;
	for (unsigned i = 0; i < m->finding_count && !m->fake_sender; i++) {
		const struct value *v = look_up(m, p, SET_viruses_that_fake_sender_maps, m->findings[i].name, &failed);
		m->fake_sender = failed || (v && value_true_p(v));	/* who cannot be told for sure is not written to */
	}
}

void findings_weigh(struct mail *m, const struct policy *p)
{
	for (unsigned i = 0; i < m->finding_count;) {
		const char *scanner = m->findings[i].scanner;
		struct weight w = { 0 };
		bool asked = false;
		for (unsigned k = 0; k < i && !asked; k++)
			asked = strcmp(m->findings[k].scanner, scanner) == 0;
		if (!asked && weigh_scanner(m, p, scanner, &w))
			soften(m, scanner, &w);	/* they are gone from here: the same place again */
		else
			i++;
	}
	note_fake_sender(m, p);
}

/* --- banks --- */

static const char *banks_of(const struct value *v, void *owner)
{
	if (!value_true_p(v))
		return NULL;
	const char *text = v->kind == VALUE_BOOL ? "1" : value_text(v, owner);
	return text && strcmp(text, "1") == 0 ? "VIRUS" : text;
}

int findings_load_banks(struct mail *m, struct policy *p, bool *loaded, struct error *e)
{
	struct lookup_context context = { .deadline = m->deadline, .mail = m };
	struct bank_loading loading = { .mail = m, .policy = p, .context = &context };
	unsigned before = m->bank_step_count;
	bool failed;
	for (unsigned i = 0; i < m->finding_count; i++) {
		const struct value *v = look_up(m, p, SET_virus_name_to_policy_bank_maps, m->findings[i].name, &failed);
		const char *banks = v ? banks_of(v, m) : NULL;
		const char *why = talloc_asprintf(m, "virus_name_to_policy_bank_maps, %s", m->findings[i].name);
		if (banks && banks_load(&loading, banks, why, e) != 0)
			return -1;
	}
	*loaded = m->bank_step_count > before;
	return 0;
}

/* --- telling --- */

static const char *part_path(const struct mail *m, uint32_t number)
{
	const struct part *part = number > 0 && number <= m->part_count ? &m->parts[number - 1] : NULL;
	return part && part->placement ? part->placement : "0";
}

/* "ClamAV 1.4.3/27830/Fri Nov 20 09:00:00 2026": what stands behind the engine's own version is the database's. */
static const char *database_of(const char *version)
{
	const char *slash = version ? strchr(version, '/') : NULL;
	return slash && slash[1] ? slash + 1 : NULL;
}

static void add_part(struct logline_finding *t, const char *path)
{
	size_t n = 0;
	for (; t->parts && t->parts[n]; n++) {
		if (strcmp(t->parts[n], path) == 0)
			return;
	}
	t->parts = talloc_realloc(NULL, t->parts, const char *, n + 2);
	t->parts[n] = path;
	t->parts[n + 1] = NULL;
}

static void tell(const struct mail *m, const struct finding *f, bool softened, struct logline_finding *list, size_t *count)
{
	size_t at = 0;
	while (at < *count && (strcmp(list[at].name, f->name) != 0 || strcmp(list[at].scanner, f->scanner) != 0))
		at++;
	if (at == *count) {
		list[(*count)++] = (struct logline_finding){ .name = f->name, .scanner = f->scanner, .version = f->version,
			.database = database_of(f->version), .spam_only = softened, .parts = talloc_zero_array(list, const char *, 1) };
	}
	add_part(&list[at], part_path(m, f->part));
}

struct logline_finding *findings_told(const struct mail *m, void *owner)
{
	struct logline_finding *list = talloc_zero_array(owner, struct logline_finding, m->finding_count + m->softened_count + 1);
	size_t count = 0;
	for (unsigned i = 0; i < m->finding_count; i++)
		tell(m, &m->findings[i], false, list, &count);
	for (unsigned i = 0; i < m->softened_count; i++)
		tell(m, &m->softened[i], true, list, &count);
	return list;
}
