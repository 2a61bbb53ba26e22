/* How database plugins try the addresses of a server's name: what each costs, and what is told where none answers. The host is this file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../plugins/database/shared.h"

static struct { const char *const *addresses; int left_ms, resolve_ms; const char *answers; char tried[64], failed[200]; int64_t times_ms[4], until_ms; size_t tries; } host;

const char *const *postern_resolve(struct postern_call *call, const char *name)
{
	(void)call;
	assert_string_equal(name, "db.example.com");
	usleep((useconds_t)host.resolve_ms * 1000);
	return host.addresses;
}

int postern_time_left_ms(struct postern_call *call)
{
	(void)call;
	return host.left_ms;
}

enum postern_result postern_fail(struct postern_call *call, enum postern_result result, const char *format, ...)
{
	va_list arguments;
	(void)call;
	va_start(arguments, format);
	vsnprintf(host.failed, sizeof host.failed, format, arguments);
	va_end(arguments);
	return result;
}

/* Of the host, but not asked here. */
int postern_wait(struct postern_call *call, int fd, short events, int timeout_ms)
{
	(void)call, (void)fd, (void)events, (void)timeout_ms;
	abort();
}
char *postern_printf(struct postern_call *call, const char *format, ...)
{
	(void)call, (void)format;
	abort();
}
void **postern_state(struct postern_instance *instance)
{
	(void)instance;
	abort();
}
enum postern_result postern_complain(struct postern_error *e, enum postern_result result, const char *format, ...)
{
	(void)e, (void)result, (void)format;
	abort();
}

static enum postern_result connect_to(struct postern_call *call, const char *address)
{
	(void)call;
	strcat(strcat(host.tried, " "), address);
	host.times_ms[host.tries++] = host.until_ms - waiting_now_ms();
	return host.answers && strcmp(address, host.answers) == 0 ? POSTERN_OK : POSTERN_TEMPFAIL;
}

static const char *const three[] = { "2001:db8::1", "192.0.2.1", "192.0.2.2", NULL };

static enum postern_result try_all(int connect_timeout_ms)
{
	const struct server_options o = { .server = "db.example.com", .connect_timeout_ms = connect_timeout_ms };
	return server_connect(NULL, &o, &host.until_ms, connect_to);
}

static void begin(const char *const *addresses, int left_ms, const char *answers)
{
	memset(&host, 0, sizeof host);
	host.addresses = addresses;
	host.left_ms = left_ms;
	host.answers = answers;
}

/* One that swallows connections leaves time for the others. */
static void each_has_its_share(void **state)
{
	(void)state;
	begin(three, INT32_MAX, "192.0.2.2");
	assert_int_equal(try_all(90000), POSTERN_OK);
	assert_string_equal(host.tried, " 2001:db8::1 192.0.2.1 192.0.2.2");
	assert_in_range(host.times_ms[0], 20000, 30000);
	assert_in_range(host.times_ms[1], 30000, 45000);
	assert_in_range(host.times_ms[2], 60000, 90000);
	assert_int_equal(host.until_ms, 0);
}

static void the_mail_has_less_time(void **state)
{
	(void)state;
	begin(three, 60000, "2001:db8::1");
	assert_int_equal(try_all(90000), POSTERN_OK);
	assert_string_equal(host.tried, " 2001:db8::1");
	assert_in_range(host.times_ms[0], 10000, 20000);
}

static void none_answers(void **state)
{
	(void)state;
	begin(three, INT32_MAX, NULL);
	assert_int_equal(try_all(90000), POSTERN_TEMPFAIL);
	assert_int_equal(host.tries, 3);
}

static void the_name_takes_too_long(void **state)
{
	(void)state;
	begin(three, INT32_MAX, "192.0.2.1");
	host.resolve_ms = 200;
	assert_int_equal(try_all(100), POSTERN_TEMPFAIL);
	assert_int_equal(host.tries, 0);
	assert_non_null(strstr(host.failed, "connect to db.example.com: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_its_share), cmocka_unit_test(the_mail_has_less_time), cmocka_unit_test(none_answers),
		cmocka_unit_test(the_name_takes_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
