/* contents.c - see contents.h. Rules are tried once for each distinct choice of rule sets, header tests once for the mail. */
#include "worker/contents.h"

#include <string.h>
#include <talloc.h>

#include "base/log.h"
#include "mail/header_fix.h"
#include "worker/banned.h"
#include "worker/rcpt_policy.h"

/* --- banned parts --- */

static void log_hits(const struct recipient *r, const struct banned_result *b)
{
	for (unsigned i = 0; i < b->unknown_count; i++)
		log_write(LOG_LEVEL_WARNING, "banned_filename_maps: <%s>: banned_rules has no rule set \"%s\", which a lookup has given", r->address, b->unknown[i]);
	for (unsigned i = 0; i < b->count; i++)
		log_write(LOG_LEVEL_INFO, "banned: <%s>: part %s, rule %s: %s", r->address, b->hits[i].path_attributes, b->hits[i].rule, b->hits[i].path);
}

static struct banned_rules rules_of(const struct policy *p)
{
	const char *semantics = policy_string(p, SET_banned_semantics);
	return (struct banned_rules){
		.named = policy_value(p, SET_banned_rules), .namepath = policy_value(p, SET_banned_namepath_re),
		.by_path = semantics && strcmp(semantics, "path") == 0,
	};
}

static const struct banned_result *find_banned(struct mail *m, const struct banned_rules *rules, const struct recipient *r, const struct value *sets)
{
	struct error why = { 0 };
	struct banned_result *found = talloc_zero(m, struct banned_result);
	if (banned_find(m, rules, sets, found, found, &why) != 0)
		log_write(LOG_LEVEL_ERROR, "<%s>: %s", r->address, why.text);
	log_hits(r, found);
	return found;
}

static guint sets_hash(gconstpointer sets)
{
	return value_hash(sets);
}

static gboolean sets_equal(gconstpointer a, gconstpointer b)
{
	return value_equal(a, b);
}

/* Who has equal rule sets has one answer, whatever else sets their policies apart. */
static void check_banned(struct mail *m, const struct policy *p)
{
	struct banned_rules rules = rules_of(p);
	GHashTable *answers = g_hash_table_new(sets_hash, sets_equal);
	m->banned = talloc_zero_array(m, const struct banned_result *, m->recipient_count + 1);
	m->banned_checked = m->opened;
	for (unsigned i = 0; m->opened && i < m->recipient_count; i++) {
		const struct recipient *r = &m->recipients[i];
		const struct value *sets = rcpt_policy_value(r->policy, RCPT_banned_filename_maps);
		if (r->policy->bypass_banned)
			continue;
		m->banned[i] = g_hash_table_lookup(answers, sets);
		if (m->banned[i])
			continue;
		m->banned[i] = find_banned(m, &rules, r, sets);
		g_hash_table_insert(answers, (gpointer)(uintptr_t)sets, (gpointer)(uintptr_t)m->banned[i]);
	}
	g_hash_table_destroy(answers);
}

/* --- header tests --- */

static unsigned allowed_tests(const struct policy *p)
{
	const struct value *hash = policy_value(p, SET_allowed_header_tests);
	unsigned tests = 0;
	for (size_t i = 0; hash->kind == VALUE_HASH && i < hash->u.list.count; i++)
		if (value_true_p(hash->u.list.items[i]))
			tests |= (unsigned)header_test_named(hash->u.list.keys[i]->u.string);
	return tests;
}

static bool any_wants_header_tests(const struct mail *m)
{
	for (unsigned i = 0; i < m->recipient_count; i++)
		if (!m->recipients[i].policy->bypass_header)
			return true;
	return false;
}

static void check_header(struct mail *m, const struct policy *p)
{
	if (!any_wants_header_tests(m))
		return;
	header_check(&m->header, allowed_tests(p), m->envelope->smtputf8, m->mime_error, m, &m->header_flaws);
	m->header_checked = true;
	for (unsigned i = 0; i < m->header_flaws.count; i++)
		log_write(LOG_LEVEL_INFO, "bad header: %s", m->header_flaws.flaws[i].text);
}

/* Which repairs the site wants; whether any is needed is found out once for all recipients. */
static void check_fixes(struct mail *m, const struct policy *p)
{
	unsigned fixes = 0;
	if (!policy_bool(p, SET_allow_fixing_improper_header))
		return;
	fixes |= HEADER_FIX_CR;
	fixes |= policy_bool(p, SET_allow_fixing_improper_header_folding) ? HEADER_FIX_FOLDING : 0;
	fixes |= policy_bool(p, SET_allow_fixing_long_header_lines) ? HEADER_FIX_LONG : 0;
	m->header_fixes = header_fix(NULL, &m->header, fixes) > 0 ? fixes : 0;
}

/* RFC 3834 2: mail that no person waits for an answer to. */
static bool is_bulk(const struct mail *m)
{
	const struct header_field *precedence = header_find(&m->header, "precedence"), *automatic = header_find(&m->header, "auto-submitted");
	char *value = precedence ? header_value(&m->header, precedence, (void *)(uintptr_t)m) : NULL;
	if (header_find(&m->header, "list-id") || header_find(&m->header, "list-unsubscribe"))
		return true;
	if (value && (!g_ascii_strcasecmp(value, "bulk") || !g_ascii_strcasecmp(value, "list") || !g_ascii_strcasecmp(value, "junk")))
		return true;
	value = automatic ? header_value(&m->header, automatic, (void *)(uintptr_t)m) : NULL;
	return value && !(g_ascii_strncasecmp(value, "no", 2) == 0 && !g_ascii_isalpha(value[2]));
}

void contents_check(struct mail *m, const struct policy *p)
{
	check_header(m, p);
	check_fixes(m, p);
	m->is_bulk = is_bulk(m);
	check_banned(m, p);
}
