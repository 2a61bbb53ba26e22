/* test_sql.c - statements with placeholders, database addresses, DBI's addresses. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>
#include <talloc.h>

#include "config/inside.h"
#include "lookup/sql_dsn.h"
#include "lookup/sql_statement.h"

/* ---- statements ---- */

static const char *const keys[] = { "user@example.com", "@example.com", "@." };
static const char *const parts[] = { "User+x@Example.com", "User+x", "user", "+x", "example.com" };

/* "text|value|value": o in front of octets, NULL as it is. */
static char *expanded(const char *text, bool takes_argument, const struct sql_arguments *arguments)
{
	struct error e = { 0 };
	void *owner = talloc_new(NULL);
	struct postern_parameter *parameters;
	struct sql_statement *s = sql_statement_compile(owner, text, takes_argument, &e);
	GString *out = g_string_new(NULL);
	size_t count;
	if (!s) {
		g_string_append(out, e.text);
	} else {
		g_string_append(out, sql_statement_expand(s, arguments, owner, &parameters, &count));
		for (size_t k = 0; k < count; k++) {
			assert_int_equal(parameters[k].size, parameters[k].text ? strlen(parameters[k].text) : 0);
			g_string_append_printf(out, "|%s%s", parameters[k].octets ? "o:" : "", parameters[k].text ? parameters[k].text : "NULL");
		}
	}
	talloc_free(owner);
	return g_string_free(out, FALSE);
}

static void gives(const char *text, bool takes_argument, const struct sql_arguments *arguments, const char *wanted)
{
	char *got = expanded(text, takes_argument, arguments);
	assert_string_equal(got, wanted);
	g_free(got);
}

static void test_placeholders(void **state)
{
	const struct sql_arguments a = { .keys = keys, .key_count = 3, .parts = parts, .address = "x", .is_local = true, .argument = "17" };
	gives("SELECT 1", false, &a, "SELECT 1");
	gives("IN (%k)", false, &a, "IN (?,?,?)|user@example.com|@example.com|@.");
	gives("%a %l %u %e %d %L", false, &a, "? ? ? ? ? ?|User+x@Example.com|User+x|user|+x|example.com|1");
	gives("rid = ? AND email IN (%k) OR rid=?", true, &a, "rid = ? AND email IN (?,?,?) OR rid=?|17|user@example.com|@example.com|@.|17");
	gives("7 % 4, 7 %% 4, 7 %4, 7%", false, &a, "7 % 4, 7 % 4, 7 %4, 7%");
	gives("%a%a", false, &a, "??|User+x@Example.com|User+x@Example.com");
	(void)state;
}

static void test_quoted(void **state)
{
	const struct sql_arguments a = { .keys = keys, .key_count = 1, .parts = parts, .address = "x" };
	gives("LIKE '%x' AND \"%y\" AND `%z?`", false, &a, "LIKE '%x' AND \"%y\" AND `%z?`");
	gives("'it''s %x' = %u", false, &a, "'it''s %x' = ?|user");
	gives("1 -- %x ?\n = %u", false, &a, "1 -- %x ?\n = ?|user");
	gives("1 /* %x ' ? */ = %u", false, &a, "1 /* %x ' ? */ = ?|user");
	gives("SELECT 'x", false, &a, "' without an end: 'x");
	gives("SELECT /* x", false, &a, "/ without an end: /* x");
	(void)state;
}

static void test_faults(void **state)
{
	const struct sql_arguments a = { .keys = keys };
	gives("email = %x", false, &a, "unknown placeholder \"%x\"; expected %k, %a, %l, %u, %e, %d, %L");
	gives("email = %m", true, &a, "unknown placeholder \"%m\"; expected %k, %a, %l, %u, %e, %d, %L, ?");
	gives("id = ?", false, &a, "\"?\" in a statement that has no argument; expected %k, %a, %l, %u, %e, %d, %L");
	(void)state;
}

static void test_arguments(void **state)
{
	const struct sql_arguments none = { .parts = NULL, .address = "192.0.2.1", .octets = true };
	gives("IN (%k) %a %d %L ?", true, &none, "IN (?) ? ? ? ?|NULL|o:192.0.2.1|o:192.0.2.1|0|NULL");
	const struct sql_arguments octets = { .keys = keys, .key_count = 1, .parts = parts, .argument = "5", .octets = true };
	gives("IN (%k) = ?", true, &octets, "IN (?) = ?|o:user@example.com|5");
	(void)state;
}

static void test_built_in(void **state)
{
	const struct sql_arguments a = { .keys = keys, .key_count = 2, .parts = parts, .argument = "5" };
	gives(sql_sel_policy, false, &a, "SELECT users.*, policy.*, users.id FROM users LEFT JOIN policy ON users.policy_id = policy.id"
		" WHERE users.email IN (?,?) ORDER BY users.priority DESC|user@example.com|@example.com");
	gives(sql_sel_wblist, true, &a, "SELECT wblist.wb FROM wblist JOIN mailaddr ON wblist.sid = mailaddr.id"
		" WHERE wblist.rid = ? AND mailaddr.email IN (?,?) ORDER BY mailaddr.priority DESC|5|user@example.com|@example.com");
	(void)state;
}

/* ---- addresses ---- */

static void address_is(const char *url, const char *wanted)
{
	void *owner = talloc_new(NULL);
	struct sql_dsn d;
	struct error e = { 0 };
	GString *out = g_string_new(NULL);
	if (sql_dsn_parse(owner, url, &d, &e) != 0) {
		g_string_append_printf(out, "! %s", e.text);
	} else {
		g_string_append(out, d.plugin);
		for (size_t k = 0; k < d.count; k++)
			g_string_append_printf(out, " %s=%s", d.names[k], d.values[k]);
	}
	/* wanted "! x": an error with x in it, and never a password */
	if (wanted[0] == '!') {
		assert_non_null(strstr(out->str, wanted + 2));
		assert_null(strstr(out->str, "secret"));
	} else {
		assert_string_equal(out->str, wanted);
	}
	g_string_free(out, TRUE);
	talloc_free(owner);
}

static void test_addresses(void **state)
{
	address_is("mysql://u:secret@127.0.0.1/mail", "mysql database=mail user=u password=secret server=127.0.0.1");
	address_is("mariadb://u@db.example.com:3307/mail?tls=on&ca=/etc/x%20y.pem", "mysql database=mail user=u server=db.example.com port=3307 tls=on ca=/etc/x y.pem");
	address_is("mysql://u:se%40cr%2Fet%23@[::1]:3306/mail", "mysql database=mail user=u password=se@cr/et# server=::1 port=3306");
	address_is("mysql://u:se:cr@et@host/mail", "mysql database=mail user=u password=se:cr@et server=host");
	address_is("postgresql:///mail", "postgresql database=mail");
	address_is("postgres://u@%2Frun%2Fpostgresql/mail", "postgresql database=mail user=u socket=/run/postgresql");
	address_is("mysql://u@localhost/mail?socket=/run/x.sock", "mysql database=mail user=u server=localhost socket=/run/x.sock");
	address_is("sqlite:/var/lib/x%20.db?busy_timeout=2s", "sqlite file=/var/lib/x%20.db busy_timeout=2s");
	address_is("sqlite:///var/lib/x.db", "sqlite file=/var/lib/x.db");
	address_is("sqlite:x.db", "! no absolute file name");
	address_is("mysql://u:12/secret@host/mail", "! in a password write");
	address_is("mysql://u:12/secret@host", "! in a password write");
	address_is("mysql://u:12?secret@host/mail", "! names no database");
	address_is("mysql://u:secret@host", "! names no database");
	address_is("mysql://u:secret@host/", "! names no database");
	address_is("mysql://u:secret@host/a/b", "! names no database");
	address_is("mysql://u:secret#1@host/mail", "! in a password write");
	address_is("mysql://u:secret@host/mail#x", "! a \"#\" in it");
	address_is("oracle://u:secret@host/mail", "! no kind of database");
	address_is("mysql://u:secret@host/mail?tls", "! not option=value");
	address_is("mysql://u:secret@host:port/mail", "! not an address");
	(void)state;
}

static void dbi_is(const char *dbi, const char *user, const char *password, const char *wanted)
{
	char *unknown = NULL, *url = dbi_to_url(dbi, user, password, &unknown);
	assert_string_equal(unknown ? unknown : url ? url : "none", wanted);
	g_free(unknown);
	g_free(url);
}

static void test_dbi(void **state)
{
	dbi_is("DBI:mysql:database=mail;host=127.0.0.1", "u", "p@s/s", "mysql://u:p%40s%2Fs@127.0.0.1/mail");
	dbi_is("DBI:MariaDB:database=mail;host=h;port=3307", "u", NULL, "mysql://u@h:3307/mail");
	dbi_is("DBI:mysql:mail", NULL, NULL, "mysql:///mail");
	dbi_is("DBI:mysql:database=mail;mysql_socket=/run/s", "u", "p", "mysql://u:p@/mail?socket=/run/s");
	dbi_is("DBI:mysql:database=mail;host=h;mysql_ssl=1;mysql_ssl_ca_file=/ca.pem", "u", "p", "mysql://u:p@h/mail?tls=on&ca=/ca.pem");
	dbi_is("DBI:mysql:database=mail;host=h;mysql_enable_utf8mb4=1", "u", "p", "mysql://u:p@h/mail");
	dbi_is("DBI:Pg:dbname=mail;host=/run/postgresql", "u", "p", "postgresql://u:p@%2Frun%2Fpostgresql/mail");
	dbi_is("DBI:Pg:dbname=mail;host=h;sslmode=verify-full;sslrootcert=/ca.pem", "u", "p", "postgresql://u:p@h/mail?tls=on&ca=/ca.pem");
	dbi_is("DBI:Pg:dbname=mail;host=h;sslmode=prefer", "u", "p", "postgresql://u:p@h/mail");
	dbi_is("DBI:Pg:service=x;dbname=mail", "u", "p", "service");
	dbi_is("DBI:SQLite:dbname=/var/lib/x.db", "", "", "sqlite:/var/lib/x.db");
	dbi_is("DBI:SQLite:/var/lib/x.db", "", "", "sqlite:/var/lib/x.db");
	dbi_is("DBI:Oracle:mail", "u", "p", "none");
	dbi_is("DBI:mysql:host=h", "u", "p", "none");
	dbi_is("DBI:mysql", "u", "p", "none");
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_placeholders), cmocka_unit_test(test_quoted), cmocka_unit_test(test_faults), cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_built_in), cmocka_unit_test(test_addresses), cmocka_unit_test(test_dbi),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
