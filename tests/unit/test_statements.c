/* What database plugins see in a statement's text: whether it only reads, where it begins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "../../plugins/database/statements.h"

static void what_only_reads(void **state)
{
	(void)state;
	assert_true(statement_only_reads("SELECT 1"));
	assert_true(statement_only_reads("select\t1"));
	assert_true(statement_only_reads(" \n( (SELECT 1) UNION SELECT 2)"));
	assert_true(statement_only_reads("SELECT(1)"));
	assert_false(statement_only_reads(""));
	assert_false(statement_only_reads("SELECTED"));
	assert_false(statement_only_reads("UPDATE x SET a = 1"));
	assert_false(statement_only_reads("WITH gone AS (DELETE FROM x RETURNING *) SELECT * FROM gone"));
	assert_false(statement_only_reads("BEGIN"));
}

static void comments_before_it_count_for_nothing(void **state)
{
	(void)state;
	assert_true(statement_only_reads("/* of postern */ SELECT 1"));
	assert_true(statement_only_reads("/**/SELECT 1"));
	assert_true(statement_only_reads("-- policy\n  -- of users\nSELECT 1"));
	assert_true(statement_only_reads("# policy\nSELECT 1"));
	assert_true(statement_only_reads("( /* one */ -- two\n SELECT 1)"));
	assert_false(statement_only_reads("/* SELECT 1 */ DELETE FROM x"));
	assert_false(statement_only_reads("-- SELECT 1\nDELETE FROM x"));
	assert_false(statement_only_reads("-- SELECT 1"));
	assert_false(statement_only_reads("/* SELECT 1"));
	assert_false(statement_only_reads("/"));
	assert_false(statement_only_reads("-"));
}

/* MySQL and MariaDB carry out what stands in the first ones; for PostgreSQL the last is a DELETE. */
static void some_comments_are_none(void **state)
{
	(void)state;
	assert_false(statement_only_reads("/*! DELETE FROM x; */ SELECT 1"));
	assert_false(statement_only_reads("/*!50000 INSERT INTO x */ SELECT 1"));
	assert_false(statement_only_reads("/*M!100100 INSERT INTO x */ SELECT 1"));
	assert_false(statement_only_reads("/* /* */ SELECT 1 */ DELETE FROM x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_only_reads),
		cmocka_unit_test(comments_before_it_count_for_nothing),
		cmocka_unit_test(some_comments_are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
