/* test_header_fix.c - repairs of header fields: what is repaired, and what keeps its bytes. */
#include "config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <talloc.h>
#include <cmocka.h>

#include "mail/header_fix.h"

#define ALL (HEADER_FIX_CR | HEADER_FIX_FOLDING | HEADER_FIX_LONG)

static void *owner;

static int set_up(void **state)
{
	owner = talloc_new(NULL);
	return 0;
}

static int tear_down(void **state)
{
	talloc_free(owner);
	return 0;
}

static void assert_fixed(const char *mail, unsigned fixes, unsigned count, const char *wanted)
{
	struct header h;
	struct edit_list *l = edit_list_new(owner);
	char out[8192];
	int fd = memfd_create("mail", MFD_CLOEXEC);
	assert_int_equal(write(fd, mail, strlen(mail)), strlen(mail));
	assert_int_equal(header_read(fd, strlen(mail), owner, &h), 0);
	assert_int_equal(header_fix(l, &h, fixes), count);
	struct edit_stream *s = edit_stream_open(owner, fd, strlen(mail), &h, l, EDIT_CRLF, false);
	ssize_t n = edit_stream_read(s, out, sizeof out - 1);
	assert_true(n >= 0);
	out[n] = '\0';
	assert_string_equal(out, wanted);
	close(fd);
}

static void test_nothing_to_fix(void **state)
{
	static const char mail[] = "Subject: a\r\n b\r\n\tc \r\nX:\r\n\r\n \r\nbody\r\n";
	assert_fixed(mail, ALL, 0, mail);
	assert_fixed("A: \r\n \t\r\n b\r\n\r\n", 0, 0, "A: \r\n \t\r\n b\r\n\r\n");
}

static void test_folding(void **state)
{
	assert_fixed("A: x\r\n \t\r\n b\r\nB: y\r\n \r\n\r\nbody\r\n", HEADER_FIX_FOLDING, 2, "A: x\r\n b\r\nB: y\r\n\r\nbody\r\n");
}

static void test_cr(void **state)
{
	assert_fixed("A: x\ry\r\nB: z\r\n\r\n", HEADER_FIX_CR, 1, "A: xy\r\nB: z\r\n\r\n");
}

static void test_long(void **state)
{
	char *x = talloc_zero_size(owner, 996), *y = talloc_zero_size(owner, 997);
	memset(x, 'x', 995);
	memset(y, 'y', 996);
	char *mail = talloc_asprintf(owner, "A: %s\r\nB: %s\r\n short\r\n\r\n", x, y);
	char *wanted = talloc_asprintf(owner, "A: %s\r\nB: %.992s...\r\n short\r\n\r\n", x, y);
	assert_fixed(mail, HEADER_FIX_LONG, 1, wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_to_fix), cmocka_unit_test(test_folding), cmocka_unit_test(test_cr), cmocka_unit_test(test_long),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
