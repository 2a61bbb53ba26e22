/* marks.c - what a copy of a mail tells its reader: alerts in the header, a tag in front of the Subject. It reads facts and fates only. */
#include <glib.h>
#include <string.h>
#include <talloc.h>
#include <time.h>

#include "mail/subject.h"
#include "worker/act.h"
#include "worker/banned.h"
#include "worker/judge.h"
#include "worker/rcpt_policy.h"

#define ALERT_BYTES_MAX 600	/* of what an alert is about */

char *act_date(int64_t wall_us, void *owner)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t t = (time_t)(wall_us / 1000000);
	struct tm tm;
	localtime_r(&t, &tm);
	long offset_min = tm.tm_gmtoff / 60;
	char sign = offset_min < 0 ? '-' : '+';
	offset_min = offset_min < 0 ? -offset_min : offset_min;
	return talloc_asprintf(owner, "%s, %d %s %d %02d:%02d:%02d %c%02ld%02ld", days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
		tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec, sign, offset_min / 60, offset_min % 60);
}

/* --- alerts --- */

/* The first recipient for whom a part is banned speaks for a copy that all share. */
static const char *banned_summary(const struct mail *m, const struct recipient *r)
{
	const char *summary = r ? judge_banned_summary(m, r) : NULL;
	for (unsigned i = 0; !r && !summary && i < m->recipient_count; i++)
		summary = judge_banned_summary(m, &m->recipients[i]);
	return summary;
}

static bool have(const struct mail *m, const struct recipient *r, enum ccat c)
{
	return categories_have(r ? &r->categories : &m->categories, c);
}

static const char *worst_flaw(const struct mail *m)
{
	for (unsigned i = 0; i < m->header_flaws.count; i++)
		if (m->header_flaws.flaws[i].kind == m->header_flaws.worst)
			return m->header_flaws.flaws[i].text;
	return NULL;
}

/* Names of files may be long and in any script: no field of ours is a reason to ask the next hop for SMTPUTF8, or breaks the limits on lines. */
static char *alert_text(const char *what, const char *about, void *owner)
{
	bool cut = strlen(about) > ALERT_BYTES_MAX;
	char *clipped = talloc_asprintf(owner, "%.*s%s", ALERT_BYTES_MAX, about, cut ? "..." : "");
	GString *text = g_string_new(subject_encode(clipped, owner));
	g_string_replace(text, "?= =?", "?=\n =?", 0);
	char *body = talloc_asprintf(owner, "%s%s", what, text->str);
	g_string_free(text, TRUE);
	return body;
}

void act_add_alerts(struct edit_list *l, const struct mail *m, const struct recipient *r)
{
	void *owner = (void *)(uintptr_t)m;
	const char *banned = banned_summary(m, r), *flaw = worst_flaw(m);
	if (have(m, r, CC_BADH) && flaw)
		edit_prepend(l, "X-Amavis-Alert", alert_text("BAD HEADER SECTION, ", flaw, owner));
	if (have(m, r, CC_BANNED) && banned)
		edit_prepend(l, "X-Amavis-Alert", alert_text("BANNED, message contains ", banned, owner));
	if (have(m, r, CC_VIRUS))
		edit_prepend(l, "X-Amavis-Alert", alert_text("INFECTED, message contains virus: ", judge_virus_names(m, owner), owner));
}

/* --- the Subject --- */

struct macro { const char *name; char *value; };

char *act_expand_tag(const struct mail *m, const struct policy *p, const char *tag, void *owner)
{
	const char *host = policy_string(p, SET_myhostname);
	const struct macro macros[] = {
		{ "_SCORE_", talloc_strdup(owner, "-") }, { "_REQD_", talloc_strdup(owner, "-") },
		{ "_YESNO_", talloc_strdup(owner, "No") }, { "_YESNOCAPS_", talloc_strdup(owner, "NO") }, { "_SUBJPREFIX_", talloc_strdup(owner, "") },
		{ "_HOSTNAME_", talloc_strdup(owner, host ? host : "localhost") },
		{ "_DATE_", act_date(m->envelope->received_wall_us, owner) },
		{ "_U_", talloc_asprintf(owner, "%lld", (long long)(m->envelope->received_wall_us / 1000000)) },
		{ "_LOGID_", talloc_strdup(owner, m->log_id) }, { "_MAILID_", talloc_strdup(owner, m->mail_id) },
	};
	GString *text = g_string_new(tag);
	for (size_t i = 0; i < G_N_ELEMENTS(macros) && strchr(tag, '_'); i++)
		g_string_replace(text, macros[i].name, macros[i].value, 0);
	char *expanded = talloc_strdup(owner, text->str);
	g_string_free(text, TRUE);
	return expanded;
}

bool act_tag_subject(struct edit_list *l, const struct mail *m, const struct policy *p, const struct recipient *r)
{
	const char *tag = rcpt_policy_cell_text(r->policy, CELL_SUBJECT_TAG, &r->categories, categories_main(&r->categories), l);
	if (!tag)
		return false;
	subject_add_tag(l, &m->header, act_expand_tag(m, p, tag, l));
	return true;
}
