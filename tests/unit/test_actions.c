/* test_actions.c - the words for what was done with a mail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/actions.h"

static void check(const struct action_recipient *rcpts, unsigned count, bool originating, bool quarantined, bool archived, const char *expected)
{
	GString *out = g_string_new("{");
	struct action_facts f = { originating, quarantined, archived, count, rcpts };
	actions_format(out, &f);
	assert_string_equal(out->str + 1, expected);
	g_string_free(out, TRUE);
}

static void test_words(void **state)
{
	(void)state;
	const struct action_recipient many[] = {
		{ ACTION_TEMPFAILED, true, false }, { ACTION_RELAYED, true, false }, { ACTION_RELAYED, false, false }, { ACTION_RELAYED, true, true },
		{ ACTION_REJECTED, false, false }, { ACTION_NOBOUNCE, true, false }, { ACTION_DISCARDED, true, true }, { ACTION_BOUNCED, true, false },
		{ ACTION_ACCEPTED, true, false }, { ACTION_RELAYED, true, false },
	};
	check(NULL, 0, false, false, false, "");
	check(NULL, 0, false, true, true, "Quarantined,Archived");
	check(&many[1], 1, false, false, false, "RelayedInbound");
	check(&many[1], 1, true, false, false, "RelayedInternal");
	check(&many[2], 1, true, false, false, "RelayedOutbound");
	check(&many[2], 1, false, false, false, "RelayedOpenRelay");
	check(&many[1], 2, true, false, true, "RelayedInternal,RelayedOutbound,Archived");
	check(&many[1], 2, false, true, false, "RelayedInbound,RelayedOpenRelay,Quarantined");
	check(&many[6], 1, false, true, false, "DiscardedInbound,Quarantined");
	check(many, 10, false, true, true, "AcceptedInbound,BouncedInbound,DiscardedInbound,NoBounceInbound,RejectedOpenRelay,RelayedTaggedInbound,"
		"RelayedInbound,RelayedOpenRelay,TempFailedInbound,Quarantined,Archived");
}

static void test_fates(void **state)
{
	(void)state;
	assert_int_equal(actions_fate(D_PASS, true, "250 2.0.0 Ok", ACTION_DSN_NONE), ACTION_RELAYED);
	assert_int_equal(actions_fate(D_PASS, false, "250 2.0.0 Ok", ACTION_DSN_NONE), ACTION_ACCEPTED);
	assert_int_equal(actions_fate(D_PASS, true, "451 4.3.0 x", ACTION_DSN_NONE), ACTION_TEMPFAILED);
	assert_int_equal(actions_fate(D_PASS, false, NULL, ACTION_DSN_NONE), ACTION_TEMPFAILED);
	assert_int_equal(actions_fate(D_PASS, false, "", ACTION_DSN_NONE), ACTION_TEMPFAILED);
	assert_int_equal(actions_fate(D_PASS, false, "550 5.1.1 x", ACTION_DSN_NONE), ACTION_REJECTED);
	assert_int_equal(actions_fate(D_TEMPFAIL, false, "450 4.7.0 x", ACTION_DSN_NONE), ACTION_TEMPFAILED);
	assert_int_equal(actions_fate(D_DISCARD, false, "250 2.7.0 Ok, discarded", ACTION_DSN_NONE), ACTION_DISCARDED);
	assert_int_equal(actions_fate(D_REJECT, false, "554 5.7.0 x", ACTION_DSN_NONE), ACTION_REJECTED);
	assert_int_equal(actions_fate(D_REJECT, false, "250 2.5.0 x", ACTION_DSN_SENT), ACTION_BOUNCED);
	assert_int_equal(actions_fate(D_BOUNCE, false, "250 2.5.0 x", ACTION_DSN_SENT), ACTION_BOUNCED);
	assert_int_equal(actions_fate(D_BOUNCE, false, "554 5.7.0 x", ACTION_DSN_SENT), ACTION_BOUNCED);
	assert_int_equal(actions_fate(D_BOUNCE, false, "250 2.5.0 x", ACTION_DSN_SUPPRESSED), ACTION_NOBOUNCE);
	assert_int_equal(actions_fate(D_BOUNCE, false, "554 5.7.0 x", ACTION_DSN_NONE), ACTION_REJECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_words), cmocka_unit_test(test_fates) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
