/* re.c - rules of regular expression and result; the first rule that matches any of the asked strings wins. */
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "lookup/table.h"

#define CAPTURES_MAX 20

struct lookup_table *lookup_table_re(void *owner, struct pattern *const *regexes, const struct value *const *results, size_t count)
{
	struct lookup_table *t = lookup_table_new(owner, LOOKUP_RE);

	t->count = count;
	t->u.re = talloc_zero_array(t, struct re_rule, count);
	for (size_t i = 0; i < count; i++)
		t->u.re[i] = (struct re_rule){ .regex = regexes[i], .result = results[i] };
	return t;
}

/* 1: matched, *result is set; 0: not; -1: a limit was hit. */
static int try_rule(const struct re_rule *rule, const char *subject, void *owner, const struct value **result)
{
	char *captures[CAPTURES_MAX + 1];
	void *scratch;
	int rc;

	if (rule->regex == NULL)
		return 0;
	scratch = talloc_new(NULL);
	rc = pattern_captures(rule->regex, subject, strlen(subject), scratch, captures, CAPTURES_MAX + 1);
	if (rc > 0 && !rule->negated)
		*result = lookup_replace(owner, rule->result, (const char *const *)captures + 1, CAPTURES_MAX, rule->dollars);
	talloc_free(scratch);
	if (rc == 0 && rule->negated)
		*result = rule->result;
	return rc < 0 ? -1 : (rc > 0) != rule->negated;
}

struct re_question {
	const struct lookup_table *table;
	const char *const *subjects;
	size_t count;
	size_t *resume;		/* of each subject: the rule before which it is in a block that is not for it; NULL: there are no blocks */
	struct lookup_sink *sink;
};

/* Rule by rule, each on all strings before the next. */
static int ask_rules(struct re_question *q)
{
	for (size_t i = 0; i < q->table->count; i++) {
		const struct re_rule *rule = &q->table->u.re[i];

		for (size_t j = 0; rule->kind != RULE_ENDIF && j < q->count; j++) {
			const struct value *result = NULL;
			int rc = q->resume != NULL && i < q->resume[j] ? 0 : try_rule(rule, q->subjects[j], q->sink->owner, &result);

			if (rc < 0)
				return error_set(q->sink->failed, ERROR_INPUT, "regular expression %s: match limit reached", pattern_source(rule->regex));
			if (rule->kind == RULE_IF && rc == 0 && i >= q->resume[j])
				q->resume[j] = rule->end;
			if (rule->kind == RULE_IF || rc == 0)
				continue;
			if (!lookup_sink_take(q->sink, result, pattern_source(rule->regex)))
				return 0;
			break;
		}
	}
	return 0;
}

int lookup_ask_re(const struct lookup_table *t, struct lookup_key *k, struct lookup_sink *s)
{
	struct re_question q = { .table = t, .subjects = &k->text, .count = 1, .sink = s };
	int rc;

	if (k->kind == KEY_STRINGS) {
		q.subjects = k->strings;
		q.count = k->string_count;
	}
	if (t->has_blocks)
		q.resume = talloc_zero_array(NULL, size_t, q.count + 1);
	rc = ask_rules(&q);
	talloc_free(q.resume);
	return rc;
}
