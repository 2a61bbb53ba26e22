/* test_judge.c - facts and policy in, fates and replies out: the table of what judge.c decides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <talloc.h>

#include "mail/mail.h"
#include "worker/banned.h"
#include "worker/judge.h"
#include "worker/rcpt_policy.h"

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

/* --- banned parts --- */

static struct banned_hit hit = { .part = 2, .summary = "program:.exe,a.exe", .rhs = "1" };

static void ban(struct mail *m, unsigned index, const struct banned_result *b)
{
	if (!m->banned)
		m->banned = talloc_zero_array(m, const struct banned_result *, m->recipient_count);
	m->recipients[index].index = index;
	m->banned[index] = b;
}

/* Each recipient by its own rules: one is refused, one is not asked, one loves such parts, for one nothing is banned. */
static void test_banned_by_recipient(void **state)
{
	static const struct banned_result none, banned = { .count = 1, .hits = &hit };
	struct mail *m = mail_new(4);
	struct judge_facts facts = { 0 };
	for (unsigned i = 0; i < 4; i++) {
		set_destiny(policy_of(m, i), CC_BANNED, D_REJECT);
		ban(m, i, i == 3 ? &none : &banned);
	}
	policy_of(m, 1)->bypass_banned = true;
	policy_of(m, 2)->cells[CELL_LOVER][rcpt_policy_key(CC_BANNED, 0)] = &value_true;
	judge_mail(m, &facts, &fatal);
	assert_string_equal(m->recipients[0].reply, "554 5.7.0 Reject, id=12345-01 - BANNED: program:.exe,a.exe");
	for (unsigned i = 1; i < 4; i++) {
		assert_int_equal(m->recipients[i].destiny, D_PASS);
		assert_int_equal(categories_have(&m->recipients[i].categories, CC_BANNED), i == 2);
	}
	talloc_free(m);
}

/* The rule's result decides whether the sender hears of a bounce, and of nothing else. */
static void test_banned_discard(void **state)
{
	static const struct { enum destiny destiny; bool discard; enum destiny becomes; } table[] = {
		{ D_BOUNCE, false, D_BOUNCE }, { D_BOUNCE, true, D_DISCARD }, { D_REJECT, true, D_REJECT }, { D_PASS, true, D_PASS },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct banned_result banned = { .count = 1, .hits = &hit, .discard = table[i].discard };
		struct mail *m = mail_new(1);
		struct judge_facts facts = { 0 };
		ban(m, 0, &banned);
		set_destiny(policy_of(m, 0), CC_BANNED, table[i].destiny);
		judge_mail(m, &facts, &fatal);
		assert_int_equal(m->recipients[0].destiny, table[i].becomes);
		talloc_free(m);
	}
}

/* A rule that could not be tried: its recipient waits, unless another rule has spoken; nobody else does. */
static void test_banned_incomplete(void **state)
{
	static const struct banned_result none, unknown = { .incomplete = true }, found = { .count = 1, .hits = &hit, .incomplete = true };
	struct mail *m = mail_new(4);
	struct judge_facts facts = { 0 };
	for (unsigned i = 0; i < 4; i++) {
		set_destiny(policy_of(m, i), CC_BANNED, D_REJECT);
		ban(m, i, i == 0 ? &found : i == 3 ? &none : &unknown);
	}
	policy_of(m, 2)->bypass_banned = true;
	judge_mail(m, &facts, &lenient);
	assert_int_equal(m->recipients[0].fate, FATE_BLOCKED);
	assert_int_equal(m->recipients[1].fate, FATE_FAILED);
	assert_string_equal(m->recipients[1].reply, "451 4.5.0 Error in processing, id=12345-01, banned rules could not be tried");
	assert_int_equal(m->recipients[2].destiny, D_PASS);
	assert_int_equal(m->recipients[3].destiny, D_PASS);
	talloc_free(m);
}

/* Malware is worse than a banned part; who loves it is judged by what comes next. */
static void test_worst_first(void **state)
{
	static const struct banned_result banned = { .count = 1, .hits = &hit };
	struct mail *m = mail_new(2);
	struct judge_facts facts = { 0 };
	mail_add_finding(m, "clamd", NULL, "Eicar", 1);
	for (unsigned i = 0; i < 2; i++) {
		set_destiny(policy_of(m, i), CC_BANNED, D_REJECT);
		ban(m, i, &banned);
	}
	policy_of(m, 1)->cells[CELL_LOVER][rcpt_policy_key(CC_VIRUS, 0)] = &value_true;
	judge_mail(m, &facts, &fatal);
	assert_int_equal(m->recipients[0].destiny, D_DISCARD);
	assert_int_equal(m->recipients[0].blocking.major, CC_VIRUS);
	assert_int_equal(m->recipients[1].destiny, D_REJECT);
	assert_int_equal(m->recipients[1].blocking.major, CC_BANNED);
	talloc_free(m);
}

/* --- bad headers --- */

static void test_bad_header(void **state)
{
	static const struct { enum destiny destiny; const char *sender; bool is_bulk, bypass, lover; enum destiny becomes; } table[] = {
		{ D_REJECT, "a@x", false, false, false, D_REJECT }, { D_REJECT, "", true, false, false, D_REJECT },
		{ D_REJECT, "a@x", false, true, false, D_PASS }, { D_REJECT, "a@x", false, false, true, D_PASS },
		{ D_BOUNCE, "a@x", false, false, false, D_BOUNCE }, { D_BOUNCE, "", false, false, false, D_PASS },
		{ D_BOUNCE, "a@x", true, false, false, D_PASS }, { D_DISCARD, "", true, false, false, D_DISCARD },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct envelope envelope = { .sender = table[i].sender };
		struct mail *m = mail_new(1);
		struct judge_facts facts = { 0 };
		m->envelope = &envelope;
		m->is_bulk = table[i].is_bulk;
		m->header_flaws.worst = FLAW_8BIT;
		set_destiny(policy_of(m, 0), CC_BADH, table[i].destiny);
		policy_of(m, 0)->bypass_header = table[i].bypass;
		if (table[i].lover)
			policy_of(m, 0)->cells[CELL_LOVER][rcpt_policy_key(CC_BADH, 0)] = &value_true;
		judge_mail(m, &facts, &fatal);
		assert_int_equal(m->recipients[0].destiny, table[i].becomes);
		assert_int_equal(categories_have(&m->recipients[0].categories, CC_BADH), !table[i].bypass);
		if (table[i].becomes == D_REJECT)
			assert_string_equal(m->recipients[0].reply, "554 5.6.3 Reject, id=12345-01 - BAD HEADER");
		talloc_free(m);
	}
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

static void test_a_failure_is_told_in_ascii(void **state)
{
	struct mail *m = mail_new(1);
	struct judge_facts facts = { .virus_tempfail = true, .failure = "virus scanner sophie: it said \"ung\xc3\xbcltig\"" };
	judge_mail(m, &facts, &fatal);
	assert_string_equal(m->recipients[0].reply, "451 4.5.0 Error in processing, id=12345-01, virus scanner sophie: it said \"ung?ltig\"");
	talloc_free(m);
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
		cmocka_unit_test(test_banned_by_recipient), cmocka_unit_test(test_banned_discard), cmocka_unit_test(test_banned_incomplete),
		cmocka_unit_test(test_worst_first), cmocka_unit_test(test_bad_header),
		cmocka_unit_test(test_silence), cmocka_unit_test(test_a_failure_is_told_in_ascii), cmocka_unit_test(test_finding_beside_silence), cmocka_unit_test(test_minor_categories),
		cmocka_unit_test(test_single_reply), cmocka_unit_test(test_undecided_is_no_success),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
