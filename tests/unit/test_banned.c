/* test_banned.c - banned rules over a tree of parts: both readings, every key, results, comments, names that hide their end. */
#include "config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <glib.h>
#include <talloc.h>

#include "lookup/lookup.h"
#include "wire/records.h"
#include "worker/banned.h"
#include "worker/banned_strings.h"

static void *owner;
static struct mail *mail;
static struct banned_rules rules;
static struct banned_result found;

static int set_up(void **state)
{
	owner = talloc_new(NULL);
	mail = talloc_zero(owner, struct mail);
	mail->parts = talloc_zero_array(mail, struct part, 64);
	rules = (struct banned_rules){ 0 };
	return 0;
}

static int tear_down(void **state)
{
	talloc_free(owner);
	return 0;
}

/* --- a tree --- */

static struct part *add(uint32_t parent, const char *placement, const char *mime_type, const char *types, const char *name)
{
	struct part *p = &mail->parts[mail->part_count++];
	*p = (struct part){ .number = mail->part_count, .parent = parent, .placement = placement, .mime_type = mime_type, .type_short = types };
	p->mime_types = talloc_array(mail, const char *, 1);
	p->names = talloc_array(mail, const char *, 2);
	if (mime_type)
		p->mime_types[p->mime_type_count++] = mime_type;
	if (name)
		p->names[p->name_count++] = name;
	return p;
}

/* A text, and a zip with an executable in it. */
static void make_tree(void)
{
	add(0, "1", "multipart/mixed", NULL, NULL);
	add(1, "1/1", "text/plain", "asc", NULL);
	add(1, "1/2", "application/zip", "zip", "a.zip");
	add(3, "1/2/1", NULL, "exe,exe-ms", "setup.exe");
}

/* --- rules --- */

struct rule { const char *pattern, *flags; const struct value *result; };

static const struct value *table(const struct rule *list, size_t count)
{
	struct pattern **patterns = talloc_array(owner, struct pattern *, count);
	const struct value **results = talloc_array(owner, const struct value *, count);
	struct value *v = talloc_zero(owner, struct value);
	for (size_t i = 0; i < count; i++) {
		patterns[i] = pattern_compile(owner, list[i].pattern, list[i].flags, NULL);
		results[i] = list[i].result ? list[i].result : &value_true;
	}
	v->kind = VALUE_TABLE;
	v->u.table = lookup_table_re(owner, patterns, results, count);
	return v;
}

static const struct value *list_of(const struct value *a, const struct value *b)
{
	struct value *v = talloc_zero(owner, struct value);
	v->kind = VALUE_LIST;
	v->u.list.count = b ? 2 : 1;
	v->u.list.items = talloc_array(v, const struct value *, 2);
	v->u.list.items[0] = a;
	v->u.list.items[1] = b;
	return v;
}

#define RULES(...) table((const struct rule[]){ __VA_ARGS__ }, sizeof((const struct rule[]){ __VA_ARGS__ }) / sizeof(struct rule))

static void find(const struct value *sets)
{
	struct error e = { 0 };
	if (banned_find(mail, &rules, sets, owner, &found, &e) != 0)
		fail_msg("%s", e.text);
}

static void assert_banned(uint32_t part, const char *summary)
{
	assert_int_equal(found.count, 1);
	assert_int_equal(found.hits[0].part, part);
	assert_string_equal(found.hits[0].summary, summary);
}

/* --- the two readings --- */

static const struct value *allow_zip_ban_exe(void)
{
	return list_of(RULES({ "^\\.zip$", "", &value_false }, { "^\\.(exe-ms)$", "", NULL }), NULL);
}

static void test_node_by_node(void **state)
{
	make_tree();
	find(allow_zip_ban_exe());
	assert_banned(4, ".exe,.exe-ms,setup.exe");
	assert_string_equal(found.hits[0].path, "multipart/mixed | application/zip,.zip,a.zip | .exe,.exe-ms,setup.exe");
	assert_string_equal(found.hits[0].path_attributes,
		"P=p001,L=1,M=multipart/mixed | P=p003,L=1/2,M=application/zip,T=zip,N=a.zip | P=p004,L=1/2/1,T=exe,T=exe-ms,N=setup.exe");
	assert_string_equal(found.hits[0].rhs, "1");
	assert_null(found.hits[0].comment);
}

static void test_whole_paths(void **state)
{
	make_tree();
	rules.by_path = true;
	find(allow_zip_ban_exe());
	assert_int_equal(found.count, 0);
	find(list_of(RULES({ "^\\.zip$", "", NULL }), NULL));
	assert_banned(4, ".exe,.exe-ms,setup.exe");
}

/* Containers are nodes too; on whole paths only their leaves are asked about. */
static void test_containers(void **state)
{
	make_tree();
	find(list_of(RULES({ "^\\.zip$", "", NULL }), NULL));
	assert_banned(3, "application/zip,.zip,a.zip");
	find(list_of(RULES({ "^multipart/", "", NULL }), NULL));
	assert_banned(1, "multipart/mixed");
}

/* The order of rules counts before the order of strings. */
static void test_rule_major(void **state)
{
	add(0, "1", "application/octet-stream", "exe", "good.exe");
	find(list_of(RULES({ "good", "", &value_false }, { "^application/", "", NULL }), NULL));
	assert_int_equal(found.count, 0);
}

static void test_every_kind_of_key(void **state)
{
	static const char *const patterns[] = { "^application/x-msdownload$", "^\\.exe-ms$", "^a\\.b$", "^second$", "^UNDECIPHERABLE$", "^ENCRYPTED$",
		"^AMBIGUOUS$", "^MACRO$", "^AUTOEXEC$" };
	struct part *p = add(0, "1", "application/x-msdownload", "exe,exe-ms", "a.b");
	p->names[p->name_count++] = "second";
	p->attributes = PART_UNDECODABLE | PART_CRYPTED | PART_AMBIGUOUS | PART_MACRO | PART_AUTOEXEC;
	for (size_t i = 0; i < G_N_ELEMENTS(patterns); i++) {
		find(list_of(RULES({ patterns[i], "", NULL }), NULL));
		assert_int_equal(found.count, 1);
	}
	find(list_of(RULES({ "^(P=|L=|1$|p001)", "", NULL }), NULL));
	assert_int_equal(found.count, 0);
}

/* --- rule sets --- */

static void test_named_sets(void **state)
{
	struct value *named = talloc_zero(owner, struct value);
	const struct value *keys[] = { value_string(owner, "NONE"), value_string(owner, "EXE") };
	const struct value *items[] = { &value_undef, RULES({ "\\.exe$", "", NULL }) };
	named->kind = VALUE_HASH;
	named->u.list.count = 2;
	named->u.list.keys = keys;
	named->u.list.items = items;
	rules.named = named;
	make_tree();
	find(list_of(value_string(owner, "NONE, EXE"), NULL));
	assert_banned(4, ".exe,.exe-ms,setup.exe");
	find(list_of(value_string(owner, "NONE"), NULL));
	assert_int_equal(found.count, 0);
	find(list_of(value_string(owner, "NONE\tOTHER EXE"), NULL));
	assert_int_equal(found.count, 1);
	assert_int_equal(found.unknown_count, 1);
	assert_string_equal(found.unknown[0], "OTHER");
}

/* All results of the recipient's maps count; an undef result leaves the table, false and true end the question. */
static void test_tables_in_order(void **state)
{
	make_tree();
	find(list_of(RULES({ "setup", "", &value_undef }), RULES({ "setup", "", NULL })));
	assert_int_equal(found.count, 1);
	find(list_of(RULES({ "setup", "", &value_false }), RULES({ "setup", "", NULL })));
	assert_int_equal(found.count, 0);
	find(NULL);
	assert_int_equal(found.count, 0);
}

static void test_results_and_comments(void **state)
{
	make_tree();
	find(list_of(RULES({ "(?# executable )\\.EXE$", "i", value_string(owner, "DISCARD $1 no bounce") }), NULL));
	assert_banned(4, "executable:.exe,.exe-ms,setup.exe");
	assert_string_equal(found.hits[0].comment, "executable");
	assert_true(found.discard);
	find(list_of(RULES({ "\\.exe$", "", value_string(owner, "please do not DISCARD") }), NULL));
	assert_false(found.discard);
}

/* --- names --- */

static void ban_exe_named(const char *name, unsigned wanted)
{
	mail->part_count = 0;
	add(0, "1", NULL, NULL, name);
	find(list_of(RULES({ "\\.exe$", "i", NULL }), NULL));
	if (found.count != wanted)
		fail_msg("%s: banned %u times, not %u", name, found.count, wanted);
}

static void test_names_that_hide(void **state)
{
	ban_exe_named("plain.exe", 1);
	ban_exe_named("SETUP.EXE", 1);
	ban_exe_named("dots.exe. . ", 1);
	ban_exe_named("zero\xe2\x80\x8bwidth.e\xe2\x80\x8bxe", 1);
	ban_exe_named("invoice\xe2\x80\xaetxt.exe", 1);
	ban_exe_named("marked.exe\xe2\x80\x8e", 1);
	ban_exe_named("tab.exe\t", 1);
	ban_exe_named("stream.exe::$DATA", 1);
	ban_exe_named("dir\\sub.exe:Zone.Identifier", 1);
	ban_exe_named("latin1 \xe9.exe", 1);
	ban_exe_named("latin1 \xe9.e\x01xe. ", 1);
	ban_exe_named("latin1 \xe9.e\xe2\x80\x8bxe", 1);
	ban_exe_named("cut off.exe\xe2\x80", 0);
	ban_exe_named("wide\xef\xbc\x8e\xef\xbd\x85\xef\xbd\x98\xef\xbd\x85", 1);
	ban_exe_named("'quoted.exe'", 1);
	ban_exe_named("half quoted.exe\"", 1);
	ban_exe_named("blank.exe\xc2\xa0", 1);
	ban_exe_named("<angle.exe>", 1);
	ban_exe_named("forbidden.exe?*|", 1);
	ban_exe_named("folder.exe/", 1);
	ban_exe_named("text about exe", 0);
	ban_exe_named("a.exe.txt", 0);
	ban_exe_named("", 0);
	ban_exe_named(". .", 0);
}

/* A rule that wants something in front of the dot is one on names, not on types; a name that is nothing but an extension is a name. */
static void test_name_or_type(void **state)
{
	const struct value *by_name = list_of(RULES({ ".\\.exe$", "", NULL }), NULL);
	mail->part_count = 0;
	add(0, "1", NULL, "exe", "a.txt");
	find(by_name);
	assert_int_equal(found.count, 0);
	mail->part_count = 0;
	add(0, "1", NULL, NULL, ".exe");
	find(by_name);
	assert_int_equal(found.count, 1);
	mail->part_count = 0;
	add(0, "1", NULL, NULL, "folder/.exe");
	find(by_name);
	assert_int_equal(found.count, 1);
}

/* --- the whole path as one string --- */

static void test_namepath(void **state)
{
	make_tree();
	rules.namepath = RULES({ "\\AP=p001\\tL=1\\tM=multipart/mixed\\nP=p003\\tL=1/2\\tM=application/zip\\tT=zip\\tN=a\\.zip\\n"
		"P=p004\\tL=1/2/1\\tT=exe\\tT=exe-ms\\tN=setup\\.exe\\z", "", NULL });
	find(NULL);
	assert_banned(4, ".exe,.exe-ms,setup.exe");
	rules.namepath = RULES({ "T=zip", "", NULL });
	find(NULL);
	assert_banned(4, ".exe,.exe-ms,setup.exe");
	find(list_of(RULES({ "^\\.exe$", "", &value_false }), NULL));
	assert_int_equal(found.count, 0);
	const char *forged[] = { "x\tN=ok.txt\nP=p009\tN=ok.txt\r\n.exe", NULL };
	mail->parts[3].names = forged;
	mail->parts[3].name_count = 1;
	rules.namepath = RULES({ "\tN=[^\t\n]*\\.exe$", "m", NULL });
	find(NULL);
	assert_int_equal(found.count, 1);
	mail->parts[1].attributes = PART_CRYPTED | PART_UNDECODABLE;
	rules.namepath = RULES({ "\\tA=U\\tA=C$", "m", NULL });
	find(NULL);
	assert_banned(2, "text/plain,.asc");
}

/* --- limits --- */

static void test_what_cannot_be_tried(void **state)
{
	struct error e = { 0 };
	char *name = talloc_zero_size(owner, 201);
	memset(name, 'a', 199);
	name[199] = '!';
	add(0, "1", NULL, NULL, name);
	const struct value *sets = list_of(RULES({ "^(a+)+$", "", NULL }), NULL);
	assert_int_equal(banned_find(mail, &rules, sets, owner, &found, &e), -1);
	assert_non_null(strstr(e.text, "match limit"));
	assert_true(found.incomplete);
	assert_int_equal(found.count, 0);
}

/* What was found before the rule that could not be tried stands. */
static void test_found_before_the_limit(void **state)
{
	struct error e = { 0 };
	char *name = talloc_zero_size(owner, 201);
	memset(name, 'a', 199);
	name[199] = '!';
	add(0, "1", NULL, NULL, "x.exe");
	add(0, "2", NULL, NULL, name);
	const struct value *sets = list_of(RULES({ "\\.exe$", "", NULL }, { "^(a+)+$", "", NULL }), NULL);
	assert_int_equal(banned_find(mail, &rules, sets, owner, &found, &e), -1);
	assert_banned(1, "x.exe");
	assert_true(found.incomplete);
}

static void test_no_time_left(void **state)
{
	struct error e = { 0 };
	make_tree();
	mail->deadline = (struct deadline){ .at_ms = 1, .cancel_fd = -1 };
	assert_int_equal(banned_find(mail, &rules, allow_zip_ban_exe(), owner, &found, &e), -1);
	assert_string_equal(e.text, "banned rules: no time left at part 1 of 4");
	assert_true(found.incomplete);
	assert_int_equal(banned_find(mail, &rules, NULL, owner, &found, &e), 0);	/* no rules want no time */
}

static void test_many_hits(void **state)
{
	for (unsigned i = 0; i < 60; i++)
		add(0, "1", NULL, NULL, "x.exe");
	find(list_of(RULES({ "\\.exe$", "", NULL }), NULL));
	assert_int_equal(found.count, BANNED_HITS_MAX);
}

/* An opener's tree may claim any depth. */
static void test_deep_tree(void **state)
{
	talloc_free(mail->parts);
	mail->parts = talloc_zero_array(mail, struct part, 1000);
	for (unsigned i = 0; i < 1000; i++)
		add(i, "1", NULL, "zip", NULL);
	rules.by_path = true;
	find(list_of(RULES({ "^\\.zip$", "", NULL }), NULL));
	assert_int_equal(found.count, 1);
	assert_int_equal(found.hits[0].part, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(test_node_by_node), TEST(test_whole_paths), TEST(test_containers), TEST(test_rule_major), TEST(test_every_kind_of_key),
		TEST(test_named_sets), TEST(test_tables_in_order), TEST(test_results_and_comments), TEST(test_names_that_hide), TEST(test_name_or_type), TEST(test_namepath),
		TEST(test_what_cannot_be_tried), TEST(test_found_before_the_limit), TEST(test_no_time_left), TEST(test_many_hits), TEST(test_deep_tree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
