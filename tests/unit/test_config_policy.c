/* test_config_policy.c - policy banks: what they overlay, merge and follow; settings by content category. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include <talloc.h>

#include "config/config.h"
#include "lookup/lookup.h"
#include "load_config.h"
#include "mail/mail.h"

#define COMMON "bypass_virus_checks_maps = { true }\n"

static int64_t entry(const struct policy *p, enum setting_id id, unsigned major, unsigned minor)
{
	const struct value *v = policy_ccat_entry(p, id, major, minor);

	return v ? value_to_int(v, -99) : -99;
}

static void bank_overlays_scalars(void **state)
{
	struct config *c = load(COMMON "soft_bounce = true\npolicy_bank.A = { soft_bounce = false, log_level = 3 }\n");
	struct policy p, copy;

	(void)state;
	policy_init(&p, c);
	assert_true(policy_bool(&p, SET_soft_bounce));
	copy = p;
	assert_true(policy_load_bank(&p, "A", c));
	assert_false(policy_bool(&p, SET_soft_bounce));
	assert_int_equal(policy_int(&p, SET_log_level, -1), 3);
	assert_string_equal(p.path, "A");
	assert_true(policy_bool(&copy, SET_soft_bounce));
	talloc_free(c);
}

static void unknown_and_repeated_banks_are_ignored(void **state)
{
	struct config *c = load(COMMON "policy_bank.A = { log_level = 1 }\npolicy_bank.B = { log_level = 2 }\n");
	struct policy p;

	(void)state;
	policy_init(&p, c);
	assert_false(policy_load_bank(&p, "NONE", c));
	assert_string_equal(p.path, "");
	policy_load_banks(&p, "A, A,NONE B", c);
	assert_string_equal(p.path, "A/B");
	assert_int_equal(policy_int(&p, SET_log_level, -1), 2);
	assert_false(policy_load_bank(&p, "B", c));
	assert_true(policy_load_bank(&p, "A", c));
	assert_string_equal(p.path, "A/B/A");
	talloc_free(c);
}

static void mynets_implies_originating(void **state)
{
	struct config *c = load(COMMON "policy_bank.MYNETS = { log_level = 1 }\n");
	struct config *d = load(COMMON "policy_bank.MYNETS = { originating = false }\n");
	struct policy p;

	(void)state;
	policy_init(&p, c);
	assert_false(policy_bool(&p, SET_originating));
	policy_load_bank(&p, "MYNETS", c);
	assert_true(policy_bool(&p, SET_originating));
	policy_init(&p, d);
	policy_load_bank(&p, "MYNETS", d);
	assert_false(policy_bool(&p, SET_originating));
	talloc_free(c);
	talloc_free(d);
}

static void hashes_merge_key_by_key(void **state)
{
	struct config *c = load(COMMON
		"policy_bank.A = { final_destiny_maps_by_ccat = { [CC_SPAM] = D_REJECT } }\n"
		"policy_bank.R = { final_destiny_maps_by_ccat = { REPLACE = true, [CC_SPAM] = D_DISCARD } }\n");
	struct policy p;

	(void)state;
	policy_init(&p, c);
	policy_load_bank(&p, "A", c);
	assert_int_equal(entry(&p, SET_final_destiny_maps_by_ccat, CC_SPAM, 0), D_REJECT);
	assert_int_equal(entry(&p, SET_final_destiny_maps_by_ccat, CC_VIRUS, 0), D_DISCARD);
	policy_load_bank(&p, "R", c);
	assert_int_equal(entry(&p, SET_final_destiny_maps_by_ccat, CC_SPAM, 0), D_DISCARD);
	assert_null(policy_ccat_entry(&p, SET_final_destiny_maps_by_ccat, CC_VIRUS, 0));
	assert_null(value_hash_get(policy_value(&p, SET_final_destiny_maps_by_ccat), "REPLACE"));
	talloc_free(c);
}

static void categories_follow_their_scalars(void **state)
{
	struct config *c = load(COMMON "final_virus_destiny = D_REJECT\n"
		"policy_bank.A = { final_virus_destiny = D_PASS, virus_quarantine_method = undef }\n"
		"policy_bank.B = { final_destiny_maps_by_ccat = { [CC_VIRUS] = D_TEMPFAIL } }\n");
	struct policy p;

	(void)state;
	policy_init(&p, c);
	assert_int_equal(entry(&p, SET_final_destiny_maps_by_ccat, CC_VIRUS, 0), D_REJECT);
	assert_string_equal(policy_ccat_entry(&p, SET_quarantine_method_by_ccat, CC_VIRUS, 0)->u.string, "local:virus-%m");
	policy_load_bank(&p, "A", c);
	assert_int_equal(entry(&p, SET_final_destiny_maps_by_ccat, CC_VIRUS, 0), D_PASS);
	assert_int_equal(policy_ccat_entry(&p, SET_quarantine_method_by_ccat, CC_VIRUS, 0)->kind, VALUE_UNDEF);
	policy_load_bank(&p, "B", c);
	assert_int_equal(entry(&p, SET_final_destiny_maps_by_ccat, CC_VIRUS, 0), D_TEMPFAIL);
	talloc_free(c);
}

static void maps_of_a_category_follow_the_bank(void **state)
{
	struct config *c = load(COMMON "policy_bank.A = { virus_lovers_maps = { { [\"a@example.com\"] = true } } }\n");
	struct lookup_style style = { 0 };
	struct lookup_key *key = lookup_key_address(c, "a@example.com", &style);
	struct policy p;

	(void)state;
	policy_init(&p, c);
	assert_false(lookup_true(policy_ccat_entry(&p, SET_lovers_maps_by_ccat, CC_VIRUS, 0), key, NULL, c, NULL));
	policy_load_bank(&p, "A", c);
	assert_true(lookup_true(policy_ccat_entry(&p, SET_lovers_maps_by_ccat, CC_VIRUS, 0), key, NULL, c, NULL));
	talloc_free(c);
}

static void first_existing_category_wins_even_undef(void **state)
{
	struct config *c = load(COMMON
		"subject_tag_maps_by_ccat = { [CC_VIRUS] = undef, [CC_UNCHECKED] = \"u\", [\"CC_UNCHECKED,1\"] = \"e\", [CC_CATCHALL] = \"all\" }\n");
	struct policy p;
	struct categories set = { 0 };
	bool found;
	const struct value *v;

	(void)state;
	policy_init(&p, c);
	v = policy_by_ccat(&p, SET_subject_tag_maps_by_ccat, &set, &found);
	assert_true(found);
	assert_string_equal(v->u.string, "all");
	categories_add(&set, CC_UNCHECKED, 2);
	assert_string_equal(policy_by_ccat(&p, SET_subject_tag_maps_by_ccat, &set, &found)->u.string, "u");
	categories_add(&set, CC_UNCHECKED, 1);
	v = policy_by_ccat(&p, SET_subject_tag_maps_by_ccat, &set, &found);
	assert_string_equal(v->u.string, "e");	/* "7,2" is not there, "7,1" is */
	talloc_free(c);
}

static void undef_entry_stops_the_search(void **state)
{
	struct config *c = load(COMMON "subject_tag_maps_by_ccat = { [CC_VIRUS] = undef, [CC_CATCHALL] = \"all\" }\n");
	struct policy p;
	struct categories set = { 0 };
	bool found;

	(void)state;
	policy_init(&p, c);
	categories_add(&set, CC_VIRUS, 0);
	assert_int_equal(policy_by_ccat(&p, SET_subject_tag_maps_by_ccat, &set, &found)->kind, VALUE_UNDEF);
	assert_true(found);
	talloc_free(c);
}

static void getters_take_units(void **state)
{
	struct config *c = load(COMMON "child_timeout = \"2m\"\nsmtpd_message_size_limit = \"64k\"\nforward_method = { \"smtp:[127.0.0.1]:1\", \"lmtp:/x\" }\n"
		"smtpd_timeout = \"7500ms\"\n");
	struct policy p;
	const char *const *methods;

	(void)state;
	policy_init(&p, c);
	assert_int_equal(policy_ms(&p, SET_child_timeout, 0), 120000);
	assert_int_equal(policy_int(&p, SET_child_timeout, 0), 120);
	assert_int_equal(policy_ms(&p, SET_smtpd_timeout, 0), 7500);
	assert_int_equal(policy_int(&p, SET_smtpd_message_size_limit, 0), 65536);
	assert_int_equal(policy_int(&p, SET_listen_queue_size, 77), 77);
	methods = policy_strings(&p, SET_forward_method, c);
	assert_string_equal(methods[0], "smtp:[127.0.0.1]:1");
	assert_string_equal(methods[1], "lmtp:/x");
	assert_null(methods[2]);
	assert_null(policy_string(&p, SET_QUARANTINEDIR));
	talloc_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bank_overlays_scalars),
		cmocka_unit_test(unknown_and_repeated_banks_are_ignored),
		cmocka_unit_test(mynets_implies_originating),
		cmocka_unit_test(hashes_merge_key_by_key),
		cmocka_unit_test(categories_follow_their_scalars),
		cmocka_unit_test(maps_of_a_category_follow_the_bank),
		cmocka_unit_test(first_existing_category_wins_even_undef),
		cmocka_unit_test(undef_entry_stops_the_search),
		cmocka_unit_test(getters_take_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
