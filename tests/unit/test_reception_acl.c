/* test_reception_acl.c - access lists: forms of networks, order, refusal, bad entries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <string.h>
#include <talloc.h>

#include "reception/acl.h"

static bool allows(const char *entries, const char *address)
{
	struct error e = { 0 };
	struct acl *a = acl_new(NULL);
	char copy[200], *save = NULL;
	struct sockaddr_in four = { 0 };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	strcpy(copy, entries);
	for (char *word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save))
		assert_int_equal(acl_add(a, word, &e), 0);
	struct sockaddr *peer = (struct sockaddr *)&six;
	if (strchr(address, ':') == NULL) {
		four.sin_family = AF_INET;
		assert_int_equal(inet_pton(AF_INET, address, &four.sin_addr), 1);
		peer = (struct sockaddr *)&four;
	} else {
		assert_int_equal(inet_pton(AF_INET6, address, &six.sin6_addr), 1);
	}
	bool result = acl_allows(a, peer);
	talloc_free(a);
	return result;
}

static void test_match(void **state)
{
	(void)state;
	assert_true(allows("127.0.0.1 [::1]", "127.0.0.1"));
	assert_true(allows("127.0.0.1 [::1]", "::1"));
	assert_true(allows("127.0.0.1", "::ffff:127.0.0.1"));
	assert_false(allows("127.0.0.1 [::1]", "127.0.0.2"));
	assert_true(allows("10.0.0.0/8", "10.255.3.4"));
	assert_true(allows("10/8", "10.1.1.1"));
	assert_true(allows("192.168", "192.168.7.7"));
	assert_false(allows("192.168", "192.169.7.7"));
	assert_true(allows("!10.1.2.3 10/8", "10.1.2.4"));
	assert_false(allows("!10.1.2.3 10/8", "10.1.2.3"));
	assert_true(allows("10.0.0.128/25", "10.0.0.200"));
	assert_false(allows("10.0.0.128/25", "10.0.0.100"));
	assert_true(allows("[fe80::]/10", "fe80::1"));
	assert_true(allows("0/0", "8.8.8.8"));
	assert_false(allows("0/0", "2001:db8::1"));
	assert_true(allows("::/0", "2001:db8::1"));
	assert_false(allows("", "127.0.0.1"));
}

static void test_bad(void **state)
{
	static const char *const bad[] = { "", "!", "localhost", "10.0.0.256", "10.0.0.0/33", "::1/129", "1.2.3.4.5", "10.0.0.0/", "10.0.0.0/x", "10..1" };
	(void)state;
	struct acl *a = acl_new(NULL);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct error e = { 0 };
		assert_int_equal(acl_add(a, bad[i], &e), -1);
		assert_int_equal(e.class, ERROR_CONFIG);
		assert_non_null(strstr(e.text, "IP address"));
	}
	talloc_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_match), cmocka_unit_test(test_bad) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
