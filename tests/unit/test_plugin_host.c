/* test_plugin_host.c - which files the host takes as plugins, and that every refusal names the file and the reason. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#include <cmocka.h>

#include "plugin/inside.h"

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define MINOR TEXT(POSTERN_ABI_MINOR)

struct fixture {
	void *owner;
	char folder[64];
	struct plugin_host *host;
};

static char *built(struct fixture *f, const char *name)
{
	return talloc_asprintf(f->owner, "%s/tests/unit/.libs/%s.so", getenv("POSTERN_BUILD"), name);
}

/* Into the fixture's plugin folder as NAME.so; size 0: all of it. */
static char *install(struct fixture *f, const char *from, const char *name, size_t size)
{
	gsize n;
	char *data, *path = talloc_asprintf(f->owner, "%s/%s.so", f->folder, name);
	assert_true(g_file_get_contents(built(f, from), &data, &n, NULL));
	assert_true(g_file_set_contents(path, data, size && size < n ? (gssize)size : (gssize)n, NULL));
	g_free(data);
	assert_int_equal(chmod(path, 0755), 0);
	return path;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	f->owner = talloc_new(NULL);
	strcpy(f->folder, "/tmp/test_plugin_host-XXXXXX");
	if (!mkdtemp(f->folder))
		return -1;
	chmod(f->folder, 0755);
	f->host = plugin_host_new(f->owner, f->folder, NULL);
	*state = f;
	return f->host ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	const char *const *names = plugin_host_names(f->host, f->owner);
	chmod(f->folder, 0755);
	for (size_t k = 0; names[k]; k++)
		unlink(talloc_asprintf(f->owner, "%s/%s.so", f->folder, names[k]));
	rmdir(f->folder);
	talloc_free(f->owner);
	free(f);
	return 0;
}

static void refused(struct fixture *f, const char *name, const char *why)
{
	struct error e = { 0 };
	assert_null(plugin_host_find(f->host, name, &e));
	if (!strstr(e.text, why))
		fail_msg("\"%s\" does not say \"%s\"", e.text, why);
}

static void test_loads_once(void **state)
{
	struct fixture *f = *state;
	struct error e;
	install(f, "sample", "sample", 0);
	const struct postern_plugin *p = plugin_host_find(f->host, "sample", &e);
	assert_non_null(p);
	assert_string_equal(p->name, "sample");
	assert_ptr_equal(p, plugin_host_find(f->host, "sample", &e));
	assert_string_equal(plugin_host_names(f->host, f->owner)[0], "sample");
}

static void test_absent(void **state)
{
	struct fixture *f = *state;
	struct error e;
	assert_null(plugin_host_find(f->host, "nothing", &e));
	assert_int_equal(e.errnum, ENOENT);
	assert_null(plugin_host_find(f->host, "../nothing", &e));
	assert_int_equal(e.errnum, ENOENT);
	assert_null(plugin_host_load_file(f->host, "x", "relative.so", &e));
	assert_non_null(strstr(e.text, "no absolute file name"));
	assert_null(plugin_host_load_file(f->host, "x", "/nonexistent/x.so", &e));
	assert_int_equal(e.errnum, ENOENT);
}

static void test_other_interfaces(void **state)
{
	struct fixture *f = *state;
	install(f, "sample_other_major", "sample_other_major", 0);
	install(f, "sample_newer_minor", "sample_newer_minor", 0);
	install(f, "sample_tiny", "sample_tiny", 0);
	install(f, "sample_huge", "sample_huge", 0);
	refused(f, "sample_other_major", "made for plugin interface 7." MINOR ", this is Postern with 0." MINOR);
	refused(f, "sample_other_major", "sample_other_major.so");
	refused(f, "sample_newer_minor", "made for plugin interface 0.99, this is Postern with 0." MINOR);
	refused(f, "sample_tiny", "claims 8 bytes");
	refused(f, "sample_huge", "claims 99999999 bytes");
}

static void test_not_what_it_says(void **state)
{
	struct fixture *f = *state;
	install(f, "sample_misnamed", "sample_misnamed", 0);
	install(f, "sample_no_symbol", "sample_no_symbol", 0);
	install(f, "sample_no_calls", "sample_no_calls", 0);
	install(f, "sample_bad_offset", "sample_bad_offset", 0);
	refused(f, "sample_misnamed", "calls itself \"sample\", not \"sample_misnamed\"");
	refused(f, "sample_no_symbol", "exports no symbol \"postern_plugin\"");
	refused(f, "sample_no_calls", "without the calls for it");
	refused(f, "sample_bad_offset", "option \"mode\" does not fit");
}

static void test_shorter_struct(void **state)
{
	struct fixture *f = *state;
	struct error e;
	install(f, "sample_short", "sample_short", 0);
	const struct postern_plugin *p = plugin_host_find(f->host, "sample_short", &e);
	assert_non_null(p);
	assert_non_null(p->scanner);
	assert_null(p->lookup);	/* behind the end that the plugin gave: not provided, whatever lies there */
	assert_non_null(p->scanner->scan_part);
}

static void test_damaged(void **state)
{
	struct fixture *f = *state;
	install(f, "sample", "sample", 3000);
	refused(f, "sample", "cut off");
	install(f, "sample", "text", 4);
	refused(f, "text", "no shared object");
}

static void test_writable_by_others(void **state)
{
	struct fixture *f = *state;
	char *path = install(f, "sample", "sample", 0);
	chmod(path, 0757);
	refused(f, "sample", "world-writable");
	chmod(path, 0755);
	chmod(f->folder, 0777);
	refused(f, "sample", "world-writable");
	chmod(f->folder, 0755);
	if (getuid() != 0)
		return;
	assert_int_equal(chown(path, 0, 65534), 0);
	chmod(path, 0775);
	refused(f, "sample", "writable by group 65534");
	assert_int_equal(chown(path, 65534, 0), 0);
	chmod(path, 0755);
	refused(f, "sample", "owned by user 65534");
	assert_int_equal(chown(path, 0, 0), 0);
	assert_non_null(plugin_host_find(f->host, "sample", NULL));
}

static void test_file_of_a_build_tree(void **state)
{
	struct fixture *f = *state;
	struct error e = { 0 };
	char *la = talloc_asprintf(f->owner, "%s/tests/unit/sample.la", getenv("POSTERN_BUILD"));
	const struct postern_plugin *p = plugin_host_load_file(f->host, "sample", la, &e);
	assert_string_equal(e.text, "");
	assert_non_null(p);
	assert_ptr_equal(p, plugin_host_load_file(f->host, "sample", la, &e));
	assert_null(plugin_host_load_file(f->host, "sample", built(f, "sample"), &e));
	assert_non_null(strstr(e.text, "names are unique"));
}

static void test_plugins_of_the_build_tree(void **state)
{
	struct fixture *f = *state;
	struct error e = { 0 };
	struct plugin_host *h = plugin_host_new(f->owner, NULL, getenv("POSTERN_BUILD"));
	const char *const *names = plugin_host_names(h, f->owner);
	size_t count = 0;
	for (; names[count]; count++) {
		const struct postern_plugin *p = plugin_host_find(h, names[count], &e);
		if (!p)
			fail_msg("%s", e.text);
	}
	assert_true(count > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_loads_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_absent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_interfaces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_what_it_says, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shorter_struct, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_writable_by_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_of_a_build_tree, setup, teardown),
		cmocka_unit_test_setup_teardown(test_plugins_of_the_build_tree, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
