/* test_judge.c - facts and policy in, fates and replies out: the table of what judge.c decides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <talloc.h>

#include "mail/mail.h"
#include "worker/judge.h"
#include "worker/settle.h"

static struct value destiny_values[6];
static const struct value *destiny_value(enum destiny d)
{
	struct value *v = &destiny_values[d + 4];
	*v = (struct value){ .kind = VALUE_INT, .u.integer = d };
	return v;
}

/* amavisd-new's default destinies. */
static struct rcpt_policy *policy_new(void *owner)
{
	struct rcpt_policy *p = talloc_zero(owner, struct rcpt_policy);
	p->cells[CELL_DESTINY][rcpt_policy_key(CC_VIRUS, 0)] = destiny_value(D_DISCARD);
	p->cells[CELL_DESTINY][rcpt_policy_key(CC_UNCHECKED, 0)] = destiny_value(D_PASS);
	p->cells[CELL_DESTINY][rcpt_policy_key(CC_OVERSIZED, 0)] = destiny_value(D_BOUNCE);
	p->cells[CELL_DESTINY][rcpt_policy_key(CC_CATCHALL, 0)] = destiny_value(D_PASS);
	return p;
}

static void set_destiny(struct rcpt_policy *p, enum ccat c, enum destiny d)
{
	p->cells[CELL_DESTINY][rcpt_policy_key(c, 0)] = destiny_value(d);
}

static struct mail *mail_new(unsigned recipients)
{
	static struct envelope_recipient addresses[8];
	struct mail *m = talloc_zero(NULL, struct mail);
	m->magic = MAIL_MAGIC;
	m->log_id = "12345-01";
	m->recipient_count = recipients;
	m->recipients = talloc_zero_array(m, struct recipient, recipients);
	for (unsigned i = 0; i < recipients; i++) {
		m->recipients[i].envelope = &addresses[i];
		m->recipients[i].policy = policy_new(m);
		m->recipients[i].destiny = D_UNSET;
	}
	return m;
}

static struct rcpt_policy *policy_of(struct mail *m, unsigned i)
{
	return (struct rcpt_policy *)(uintptr_t)m->recipients[i].policy;
}

static const struct judge_settings fatal = { .virus_failure_is_fatal = true, .opener_failure_is_fatal = true, .poison_is_fatal = true };
static const struct judge_settings lenient = { 0 };

static void pass(struct recipient *r, const char *reply)
{
	r->fate = reply[0] == '2' ? FATE_PASSED : FATE_FAILED;
	r->delivered = reply[0] == '2';
	r->reply = reply;
}

static void test_clean_passes(void **state)
{
	struct mail *m = mail_new(1);
	struct judge_facts facts = { 0 };
	judge_mail(m, &facts, &fatal);
	assert_int_equal(m->recipients[0].destiny, D_PASS);
	assert_int_equal(categories_main(&m->recipients[0].categories).major, CC_CLEAN);
	assert_int_equal(m->recipients[0].fate, FATE_UNDECIDED);
	talloc_free(m);
}

static void test_virus_destinies(void **state)
{
	static const struct { enum destiny destiny; bool soft; enum fate_kind fate; const char *reply; } table[] = {
		{ D_DISCARD, false, FATE_BLOCKED, "250 2.7.0 Ok, discarded, id=12345-01 - INFECTED: Eicar" },
		{ D_REJECT, false, FATE_BLOCKED, "554 5.7.0 Reject, id=12345-01 - INFECTED: Eicar" },
		{ D_BOUNCE, false, FATE_BLOCKED, "554 5.7.0 Reject, id=12345-01 - INFECTED: Eicar" },
		{ D_TEMPFAIL, false, FATE_BLOCKED, "450 4.7.0 Temporary failure, id=12345-01 - INFECTED: Eicar" },
		{ D_REJECT, true, FATE_BLOCKED, "450 4.7.0 Reject, id=12345-01 - INFECTED: Eicar (soft_bounce)" },
		{ D_PASS, false, FATE_UNDECIDED, NULL },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct mail *m = mail_new(1);
		struct judge_facts facts = { 0 };
		struct judge_settings settings = { .soft_bounce = table[i].soft };
		mail_add_finding(m, "clamd", NULL, "Eicar", 1);
		set_destiny(policy_of(m, 0), CC_VIRUS, table[i].destiny);
		judge_mail(m, &facts, &settings);
		assert_int_equal(m->recipients[0].fate, table[i].fate);
		if (table[i].reply)
			assert_string_equal(m->recipients[0].reply, table[i].reply);
		talloc_free(m);
	}
}

static void test_lovers_and_bypassers(void **state)
{
	struct mail *m = mail_new(3);
	struct judge_facts facts = { 0 };
	mail_add_finding(m, "clamd", NULL, "Eicar", 1);
	policy_of(m, 1)->cells[CELL_LOVER][rcpt_policy_key(CC_VIRUS, 0)] = &value_true;
	policy_of(m, 2)->bypass_virus = true;
	judge_mail(m, &facts, &fatal);
	assert_int_equal(m->recipients[0].fate, FATE_BLOCKED);
	assert_int_equal(m->recipients[1].destiny, D_PASS);
	assert_true(categories_have(&m->recipients[1].categories, CC_VIRUS));
	assert_int_equal(m->recipients[2].destiny, D_PASS);
	assert_false(categories_have(&m->recipients[2].categories, CC_VIRUS));
	talloc_free(m);
}

/* A silence is never "clean": it waits, or is unchecked, as the settings say; who bypasses is not concerned. */
static void test_silence(void **state)
{
	static const struct { struct judge_facts facts; const struct judge_settings *settings; bool waits, unchecked; } table[] = {
		{ { .virus_unanswered = true }, &fatal, true, true },
		{ { .virus_unanswered = true }, &lenient, false, true },
		{ { .virus_tempfail = true }, &lenient, true, false },
		{ { .virus_unchecked = true }, &fatal, false, true },
		{ { .opener_failed = true }, &fatal, true, true },
		{ { .opener_failed = true }, &lenient, false, true },
		{ { .poisoned = true }, &fatal, true, true },
		{ { .poisoned = true }, &lenient, false, true },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct mail *m = mail_new(2);
		policy_of(m, 1)->bypass_virus = policy_of(m, 1)->bypass_banned = true;
		judge_mail(m, &table[i].facts, table[i].settings);
		assert_int_equal(m->recipients[0].fate == FATE_FAILED, table[i].waits);
		assert_int_equal(categories_have(&m->recipients[0].categories, CC_UNCHECKED), table[i].unchecked);
		if (table[i].waits)
			assert_memory_equal(m->recipients[0].reply, "451 4.5.0 Error in processing, id=12345-01", 42);
		assert_int_equal(m->recipients[1].destiny, D_PASS);
		assert_false(categories_have(&m->recipients[1].categories, CC_UNCHECKED));
		talloc_free(m);
	}
}

/* What one scanner found stands, whoever else kept silent. */
static void test_finding_beside_silence(void **state)
{
	struct mail *m = mail_new(1);
	struct judge_facts facts = { .virus_tempfail = true };
	mail_add_finding(m, "clamd", NULL, "Eicar", 1);
	judge_mail(m, &facts, &fatal);
	assert_int_equal(m->recipients[0].fate, FATE_BLOCKED);
	assert_int_equal(m->recipients[0].destiny, D_DISCARD);
	talloc_free(m);
}

static void test_minor_categories(void **state)
{
	struct mail *m = mail_new(1);
	struct judge_facts facts = { 0 };
	m->crypted = true;
	m->over_limits = true;
	set_destiny(policy_of(m, 0), CC_UNCHECKED, D_REJECT);
	judge_mail(m, &facts, &fatal);
	assert_int_equal(m->recipients[0].blocking.major, CC_UNCHECKED);
	assert_int_equal(m->recipients[0].blocking.minor, CC_UNCHECKED_OVER_LIMITS);
	assert_string_equal(m->recipients[0].reply, "554 5.7.0 Reject, id=12345-01 - UNCHECKED: over limits");
	talloc_free(m);
	m = mail_new(1);
	m->undecipherable = true;		/* a transfer encoding: the test of headers' business */
	judge_mail(m, &facts, &fatal);
	assert_int_equal(categories_main(&m->recipients[0].categories).major, CC_CLEAN);
	talloc_free(m);
	m = mail_new(1);
	m->undecipherable = m->unopened = true;
	judge_mail(m, &facts, &fatal);
	assert_int_equal(categories_main(&m->recipients[0].categories).major, CC_UNCHECKED);
	talloc_free(m);
}

/* --- one reply for all --- */

#define DISCARDED "250 2.7.0 Ok, discarded, x"
#define REJECTED "554 5.7.0 Reject, x"
#define QUEUED "250 2.0.0 from MTA(smtp:x): 250 2.0.0 Ok: queued as X"
#define REFUSED "550 5.1.1 from MTA(smtp:x): 550 5.1.1 no such user"
#define LATER "451 4.5.0 from MTA(smtp:x): 451 later"

static void set(struct mail *m, unsigned i, const char *what)
{
	struct recipient *r = &m->recipients[i];
	if (strcmp(what, "discarded") == 0)
		*r = (struct recipient){ .fate = FATE_BLOCKED, .destiny = D_DISCARD, .reply = DISCARDED };
	else if (strcmp(what, "rejected") == 0)
		*r = (struct recipient){ .fate = FATE_BLOCKED, .destiny = D_REJECT, .reply = REJECTED };
	else
		r->destiny = D_PASS;
	if (strcmp(what, "queued") == 0 || strcmp(what, "skipped") == 0)
		pass(r, QUEUED);
	if (strcmp(what, "refused") == 0)
		pass(r, REFUSED);
	if (strcmp(what, "later") == 0)
		pass(r, LATER);
	r->skipped = strcmp(what, "skipped") == 0;
}

static void test_single_reply(void **state)
{
	static const struct { const char *first, *second, *reply; } table[] = {
		{ "queued", "queued", QUEUED },
		{ "discarded", "discarded", DISCARDED },
		{ "discarded", "rejected", REJECTED },
		{ "rejected", "rejected", REJECTED },
		{ "queued", "discarded", QUEUED },
		{ "queued", "rejected", QUEUED ", but 1 REJECT" },
		{ "queued", "later", LATER },
		{ "discarded", "later", LATER },
		{ "queued", "refused", "451 4.5.0 id=12345-01, 1 of 2 recipients have it, the next hop refused others: try again to learn of them" },
		{ "skipped", "refused", REFUSED },
		{ "refused", "refused", REFUSED },
		{ "skipped", "queued", QUEUED },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct mail *m = mail_new(2);
		set(m, 0, table[i].first);
		set(m, 1, table[i].second);
		assert_string_equal(judge_single_reply(m, m), table[i].reply);
		set(m, 1, table[i].first);
		set(m, 0, table[i].second);
		assert_string_equal(judge_single_reply(m, m), table[i].reply);
		talloc_free(m);
	}
}

static void test_undecided_is_no_success(void **state)
{
	struct mail *m = mail_new(2);
	pass(&m->recipients[0], QUEUED);
	assert_int_equal(judge_single_reply(m, m)[0], '4');
	talloc_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean_passes), cmocka_unit_test(test_virus_destinies), cmocka_unit_test(test_lovers_and_bypassers),
		cmocka_unit_test(test_silence), cmocka_unit_test(test_finding_beside_silence), cmocka_unit_test(test_minor_categories),
		cmocka_unit_test(test_single_reply), cmocka_unit_test(test_undecided_is_no_success),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
