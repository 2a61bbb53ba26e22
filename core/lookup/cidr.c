/* cidr.c - rules of network and result; the first network that holds the client wins.
 *
 * "!" in front of a network makes its result false, as in access lists; in
 * files, which are written as Postfix has them, it means all addresses outside. */
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "lookup/table.h"

static int make_rule(struct lookup_table *t, struct cidr_rule *rule, const char *text, const struct value *result, struct error *e)
{
	const char *bare = text + strspn(text, "!");
	bool negated = (bare - text) % 2 != 0;

	if (negated && !(result->kind == VALUE_BOOL && result->u.boolean))
		return error_set(e, ERROR_CONFIG, "\"%s\": a network with \"!\" has no result of its own, it is false", text);
	rule->text = talloc_strdup(t, text);
	rule->result = negated ? &value_false : result;
	return ip_parse(bare, true, &rule->network, e);
}

struct lookup_table *lookup_table_cidr(void *owner, const char *const *networks, const struct value *const *results, size_t count, struct error *e)
{
	struct lookup_table *t = lookup_table_new(owner, LOOKUP_CIDR);

	t->count = count;
	t->u.cidr = talloc_zero_array(t, struct cidr_rule, count);
	for (size_t i = 0; i < count; i++) {
		if (make_rule(t, &t->u.cidr[i], networks[i], results[i], e) != 0) {
			talloc_free(t);
			return NULL;
		}
	}
	return t;
}

/* "!" of a file's rule means the addresses of the same family outside. */
static bool rule_matches(const struct cidr_rule *rule, const struct lookup_key *k)
{
	if (rule->never)
		return false;
	if (rule->negated)
		return k->ip_valid && ip_is_v4(&k->ip) == ip_is_v4(&rule->network) && !ip_within(&k->ip, &rule->network);
	return rule->network.bits == 0 || (k->ip_valid && ip_within(&k->ip, &rule->network));
}

int lookup_ask_cidr(const struct lookup_table *t, struct lookup_key *k, struct lookup_sink *s)
{
	if (k->kind != KEY_IP)
		return 0;
	for (size_t i = 0; i < t->count; i++) {
		const struct cidr_rule *rule = &t->u.cidr[i];
		bool matches = rule->kind != RULE_ENDIF && rule_matches(rule, k);

		if (rule->kind == RULE_IF && !matches)
			i = rule->end;	/* at its ENDIF, or behind the last */
		if (rule->kind == RULE_PLAIN && matches && !lookup_sink_take(s, rule->result, rule->text))
			break;
	}
	return 0;
}
