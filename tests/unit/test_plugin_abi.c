/* test_plugin_abi.c - the plugin interface as others were built against it: exported functions and struct layouts, against golden files.
 *
 * A difference here means: raise POSTERN_ABI_MINOR (something was added at an
 * end) or _MAJOR (anything else), write the changelog of plugin.h, and only then
 * change the golden file. */
#include "config.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/inside.h"

static char *golden(const char *name)
{
	char *text, *path = g_strdup_printf("%s/tests/golden/%s", getenv("POSTERN_SOURCE"), name);
	if (!g_file_get_contents(path, &text, NULL, NULL))
		text = g_strdup("");
	g_free(path);
	return text;
}

static void compare(const char *name, GString *is)
{
	char *should = golden(name);
	bool same = strcmp(should, is->str) == 0;
	if (!same)
		fprintf(stderr, "%s", is->str);
	g_free(should);
	g_string_free(is, TRUE);
	if (!same)
		fail_msg("tests/golden/%s differs from what is now, printed above", name);
}

static void test_exports(void **state)
{
	GString *is = g_string_new(NULL);
	for (size_t k = 0; k < plugin_export_count; k++) {
		g_string_append_printf(is, "%s\n", plugin_exports[k].name);
		/* What a plugin would find: the program's dynamic symbols. */
		assert_non_null(dlsym(RTLD_DEFAULT, plugin_exports[k].name));
	}
	compare("exports.ref", is);
}

#define SIZE(s) g_string_append_printf(is, "%s %zu\n", #s, sizeof(struct s))
#define AT(s, m) g_string_append_printf(is, "%s.%s %zu\n", #s, #m, offsetof(struct s, m))

static void layout_of_plugin(GString *is)
{
	SIZE(postern_plugin);
	AT(postern_plugin, abi_major); AT(postern_plugin, abi_minor); AT(postern_plugin, size); AT(postern_plugin, name);
	AT(postern_plugin, version); AT(postern_plugin, doc); AT(postern_plugin, roles); AT(postern_plugin, capabilities);
	AT(postern_plugin, options); AT(postern_plugin, options_size); AT(postern_plugin, check); AT(postern_plugin, load);
	AT(postern_plugin, start); AT(postern_plugin, idle); AT(postern_plugin, stop); AT(postern_plugin, changed);
	AT(postern_plugin, scanner); AT(postern_plugin, decoder); AT(postern_plugin, score); AT(postern_plugin, lookup);
	AT(postern_plugin, delivery); AT(postern_plugin, report); AT(postern_plugin, database);
}

static void layout_of_ops(GString *is)
{
	SIZE(postern_scanner_ops); AT(postern_scanner_ops, scan); AT(postern_scanner_ops, scan_part); AT(postern_scanner_ops, version);
	AT(postern_scanner_ops, begin); AT(postern_scanner_ops, end);
	SIZE(postern_decoder_ops); AT(postern_decoder_ops, types); AT(postern_decoder_ops, decode);
	AT(postern_decoder_ops, types_of); AT(postern_decoder_ops, program);
	SIZE(postern_score_ops); AT(postern_score_ops, score);
	SIZE(postern_lookup_ops); AT(postern_lookup_ops, lookup); AT(postern_lookup_ops, rows);
	AT(postern_lookup_ops, keys); AT(postern_lookup_ops, table); AT(postern_lookup_ops, probe); AT(postern_lookup_ops, ping);
	SIZE(postern_table_line); AT(postern_table_line, flags); AT(postern_table_line, key); AT(postern_table_line, letters); AT(postern_table_line, value);
	SIZE(postern_delivery_ops); AT(postern_delivery_ops, deliver);
	SIZE(postern_report_ops); AT(postern_report_ops, report);
	SIZE(postern_database_ops); AT(postern_database_ops, execute); AT(postern_database_ops, ping);
	SIZE(postern_program); AT(postern_program, argv); AT(postern_program, suffix); AT(postern_program, output_is_content);
	AT(postern_program, reads); AT(postern_program, memory_bytes); AT(postern_program, threads);
	SIZE(postern_unpacked); AT(postern_unpacked, exit_code); AT(postern_unpacked, signal); AT(postern_unpacked, stopped);
	AT(postern_unpacked, said); AT(postern_unpacked, said_size);
	SIZE(postern_parameter); AT(postern_parameter, text); AT(postern_parameter, size); AT(postern_parameter, octets);
}

static void layout_of_options(GString *is)
{
	SIZE(postern_option); AT(postern_option, name); AT(postern_option, type); AT(postern_option, offset); AT(postern_option, value);
	AT(postern_option, min); AT(postern_option, max); AT(postern_option, flags); AT(postern_option, choices); AT(postern_option, doc);
	SIZE(postern_strings); SIZE(postern_ints); SIZE(postern_match); AT(postern_match, regex); AT(postern_match, given);
	SIZE(postern_run_result); AT(postern_run_result, signal); AT(postern_run_result, output_cut); AT(postern_run_result, output);
	AT(postern_run_result, output_size);
}

static void test_layout(void **state)
{
	if (sizeof(void *) != 8)
		skip();	/* the golden file is of 64-bit machines */
	GString *is = g_string_new(NULL);
	g_string_append_printf(is, "abi %d.%d\n", POSTERN_ABI_MAJOR, POSTERN_ABI_MINOR);
	layout_of_plugin(is);
	layout_of_ops(is);
	layout_of_options(is);
	g_string_append_printf(is, "types %d results %d\n", POSTERN_ENDPOINTS, POSTERN_BROKEN);
	compare("abi.ref", is);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_exports), cmocka_unit_test(test_layout) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
