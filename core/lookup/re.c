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
	void *scratch = talloc_new(NULL);
	int rc = pattern_captures(rule->regex, subject, strlen(subject), scratch, captures, CAPTURES_MAX + 1);

	if (rc > 0)
		*result = lookup_replace(owner, rule->result, (const char *const *)captures + 1, CAPTURES_MAX);
	talloc_free(scratch);
	return rc > 0 ? 1 : rc;
}

int lookup_ask_re(const struct lookup_table *t, struct lookup_key *k, struct lookup_sink *s)
{
	const char *const *subjects = k->kind == KEY_STRINGS ? k->strings : &k->text;
	size_t subject_count = k->kind == KEY_STRINGS ? k->string_count : 1;

	for (size_t i = 0; i < t->count; i++) {
		for (size_t j = 0; j < subject_count; j++) {
			const struct value *result = NULL;
			int rc = try_rule(&t->u.re[i], subjects[j], s->owner, &result);

			if (rc < 0)
				return error_set(s->failed, ERROR_INPUT, "regular expression %s: match limit reached", pattern_source(t->u.re[i].regex));
			if (rc == 0)
				continue;
			if (!lookup_sink_take(s, result, pattern_source(t->u.re[i].regex)))
				return 0;
			break;
		}
	}
	return 0;
}
