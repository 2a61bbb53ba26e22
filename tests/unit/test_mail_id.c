/* test_mail_id.c - mail ids that their secrets prove; categories; lists of facts. */
#include "config.h"
#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <talloc.h>
#include <cmocka.h>

#include "base/text.h"
#include "mail/mail.h"

static unsigned char *decode(const char *base64url, gsize *n)
{
	char *text = g_strdelimit(g_strdup(base64url), "-", '+');
	g_strdelimit(text, "_", '/');
	char *padded = g_strconcat(text, "===", NULL);
	padded[(strlen(text) + 3) / 4 * 4] = '\0';
	unsigned char *data = g_base64_decode(padded, n);
	g_free(padded);
	g_free(text);
	return data;
}

/* What a release request has to show. */
static void assert_proven(const char *mail_id, const char *secret_id)
{
	gsize n = 0, digest_size = 16;
	guint8 digest[16];
	unsigned char *secret = decode(secret_id, &n);
	GChecksum *md5 = g_checksum_new(G_CHECKSUM_MD5);
	g_checksum_update(md5, secret, (gssize)n);
	g_checksum_get_digest(md5, digest, &digest_size);
	char *text = text_base64url(digest, 16);
	assert_memory_equal(text, mail_id, strlen(mail_id));
	g_free(text);
	g_checksum_free(md5);
	g_free(secret);
}

static void ids_are_proven_by_secrets(void **state)
{
	static const struct { unsigned bits; size_t length; } table[] = { { 72, 12 }, { 96, 16 }, { 48, 8 }, { 24, 4 }, { 0, 4 }, { 1000, 16 }, { 80, 12 } };
	char mail_id[20], secret_id[28];
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		for (int k = 0; k < 300; k++) {
			mail_id_make(mail_id, secret_id, table[i].bits);
			assert_int_equal(strlen(mail_id), table[i].length);
			assert_true(strlen(secret_id) <= 16);
			assert_true(g_ascii_isalnum(mail_id[0]) && g_ascii_isalnum(mail_id[table[i].length - 1]));
			assert_proven(mail_id, secret_id);
		}
	}
}

static void ids_differ(void **state)
{
	GHashTable *seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (int i = 0; i < 2000; i++) {
		char mail_id[20], secret_id[28];
		mail_id_make(mail_id, secret_id, 72);
		assert_true(g_hash_table_add(seen, g_strdup(mail_id)));
	}
	g_hash_table_destroy(seen);
}

static void categories_are_sorted_sets(void **state)
{
	struct categories c = { 0 };
	assert_int_equal(categories_main(&c).major, CC_CLEAN);
	categories_add(&c, CC_CLEAN, 0);
	categories_add(&c, CC_UNCHECKED, CC_UNCHECKED_ENCRYPTED);
	categories_add(&c, CC_BADH, 3);
	categories_add(&c, CC_BADH, 3);
	categories_add(&c, CC_UNCHECKED, 0);
	static const struct category wanted[] = { { 7, 1 }, { 7, 0 }, { 4, 3 }, { 4, 0 }, { 1, 0 } };
	assert_int_equal(c.count, 5);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(c.at[i].major, wanted[i].major);
		assert_int_equal(c.at[i].minor, wanted[i].minor);
	}
	assert_true(categories_have(&c, CC_BADH));
	assert_false(categories_have(&c, CC_VIRUS));
	for (unsigned minor = 1; minor < 100; minor++)
		categories_add(&c, CC_BADH, minor);
	categories_add(&c, CC_VIRUS, 0);
	assert_int_equal(categories_main(&c).major, CC_VIRUS);
	assert_int_equal(c.count, G_N_ELEMENTS(c.at));
}

static void facts_are_copied(void **state)
{
	struct mail *m = talloc_zero(NULL, struct mail);
	char name[] = "Eicar", output[] = "stream: Eicar FOUND";
	struct scan_report report = { .scanner = name, .outcome = SCAN_COMPLETED, .output = output };
	for (int i = 0; i < 100; i++) {
		mail_add_finding(m, "clamd", NULL, name, (uint32_t)i);
		mail_add_report(m, &report);
		mail_add_score(m, "virus", name, 0.1 * i, -1);
	}
	memset(name, 'x', 5);
	memset(output, 'x', 5);
	assert_int_equal(m->finding_count, 100);
	assert_string_equal(m->findings[99].name, "Eicar");
	assert_int_equal(m->findings[99].part, 99);
	assert_null(m->findings[0].version);
	assert_string_equal(m->reports[50].scanner, "Eicar");
	assert_string_equal(m->reports[50].output, "stream: Eicar FOUND");
	assert_string_equal(m->scores[1].test, "Eicar");
	talloc_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_proven_by_secrets), cmocka_unit_test(ids_differ), cmocka_unit_test(categories_are_sorted_sets),
		cmocka_unit_test(facts_are_copied),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
