/* test_settle.c - what is settled for a recipient: SQL, LDAP, static tables in their order, by content category, under banks; who shares a policy. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/inside.h"
#include "fake_source.h"
#include "load_config.h"
#include "worker/rewrite.h"
#include "worker/settle.h"

#define COMMON "bypass_virus_checks_maps = { true }\nlocal_domains_maps = { { \".org\" } }\n"

struct given {
	struct config *config;
	struct policy policy;
	struct fake_source sql, ldap;
	struct mail *mail;
	struct error error;
};

static struct mail *mail_to(const char *sender, const char *const *recipients)
{
	struct mail *m = talloc_zero(NULL, struct mail);
	struct envelope *e = talloc_zero(m, struct envelope);
	*e = (struct envelope){ .sender = sender, .socket_text = "127.0.0.1:10024", .protocol = "SMTP", .declared_size = -1 };
	e->recipients = talloc_zero_array(e, struct envelope_recipient, 8);
	for (; recipients[e->recipient_count]; e->recipient_count++)
		e->recipients[e->recipient_count].address = recipients[e->recipient_count];
	*m = (struct mail){ .magic = MAIL_MAGIC, .log_id = "12345-01", .fd = -1, .envelope = e, .deadline = deadline_none() };
	return m;
}

/* lines of SQL, then NULL, then lines of LDAP, then NULL; NULL: none configured. */
/* "From: x" as the header of the mail that is settled next; NULL: none. */
static const char *next_header;

static int settle(struct given *g, const char *lua, const char *const *sql, const char *const *ldap, const char *const *recipients)
{
	g->config = load(lua);
	g->sql.lines = sql;
	g->ldap.lines = ldap;
	g->config->sources[RECORD_SQL] = sql ? fake_source(&g->sql, RECORD_SQL) : NULL;
	g->config->sources[RECORD_LDAP] = ldap ? fake_source(&g->ldap, RECORD_LDAP) : NULL;
	g->mail = mail_to("sender@elsewhere.net", recipients);
	if (next_header)
		header_parse(next_header, strlen(next_header), true, g->mail, &g->mail->header);
	policy_init(&g->policy, g->config);
	return settle_mail(g->mail, &g->policy, NULL, &g->error);
}

static const struct rcpt_policy *policy_of(const struct given *g, unsigned i)
{
	return g->mail->recipients[i].policy;
}

static void finish(struct given *g)
{
	talloc_free(g->mail);
	talloc_free(g->config);
}

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void sql_then_ldap_then_tables(void **state)
{
	struct given g = { 0 };
	assert_int_equal(settle(&g, COMMON "enable_ldap = true\nvirus_lovers_maps = { { [\"a@b.org\"] = true, [\"b@b.org\"] = true } }\n"
		"spam_tag_level_maps = { 3 }\n",
		LIST("a@b.org: virus_lover=N, spam_tag_level=NULL"), LIST("a@b.org: amavisVirusLover=TRUE, amavisSpamTagLevel=2.5"),
		LIST("a@b.org", "b@b.org")), 0);
	double level;
	assert_false(rcpt_policy_true(policy_of(&g, 0), RCPT_virus_lovers_maps));
	assert_true(rcpt_policy_number(policy_of(&g, 0), RCPT_spam_tag_level_maps, &level) && level > 2.4 && level < 2.6);
	assert_true(rcpt_policy_true(policy_of(&g, 1), RCPT_virus_lovers_maps));
	assert_true(rcpt_policy_number(policy_of(&g, 1), RCPT_spam_tag_level_maps, &level) && level > 2.9);
	/* What follows a list by content category has what SQL says, too. */
	assert_true(value_defined(policy_of(&g, 0)->cells[CELL_LOVER][rcpt_policy_key(CC_VIRUS, 0)]));
	assert_false(value_true_p(policy_of(&g, 0)->cells[CELL_LOVER][rcpt_policy_key(CC_VIRUS, 0)]));
	assert_true(value_true_p(policy_of(&g, 1)->cells[CELL_LOVER][rcpt_policy_key(CC_VIRUS, 0)]));
	/* Each recipient is asked for once; the sender too, for lists by sender. */
	assert_int_equal(g.sql.fetches, 3);
	assert_int_equal(g.ldap.fetches, 3);
	finish(&g);
}

static void ldap_only_where_enabled(void **state)
{
	struct given g = { 0 };
	assert_int_equal(settle(&g, COMMON, NULL, LIST("a@b.org: amavisVirusLover=TRUE"), LIST("a@b.org")), 0);
	assert_false(rcpt_policy_true(policy_of(&g, 0), RCPT_virus_lovers_maps));
	assert_int_equal(g.ldap.fetches, 0);
	finish(&g);
}

static void banks_keep_sql(void **state)
{
	static const char bank[] = COMMON "interface_policy[\"10024\"] = \"B\"\npolicy_bank.B = { virus_lovers_maps = { false }%s }\n";
	static const struct { const char *more; bool loves; } table[] = {
		{ "", true }, { ", lookup_maps_imply_sql_and_ldap = false", false }, { ", lookup_maps_imply_sql_and_ldap = true", true },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct given g = { 0 };
		char *lua = g_strdup_printf(bank, table[i].more);
		assert_int_equal(settle(&g, lua, LIST("a@b.org: virus_lover=Y"), NULL, LIST("a@b.org")), 0);
		assert_int_equal(rcpt_policy_true(policy_of(&g, 0), RCPT_virus_lovers_maps), table[i].loves);
		finish(&g);
		g_free(lua);
	}
}

/* A bank without implied lookups may name fields where it wants them; they are the same record, asked for once. */
static void fields_as_tables(void **state)
{
	struct given g = { 0 };
	assert_int_equal(settle(&g, COMMON "interface_policy[\"10024\"] = \"B\"\nenable_ldap = true\npolicy_bank.B = { lookup_maps_imply_sql_and_ldap = false,\n"
		"  virus_lovers_maps = { { [\"b@b.org\"] = true }, sql_field \"virus_lover\", ldap_field \"amavisVirusLover\" },\n"
		"  spam_tag_level_maps = { ldap_field(\"level\", \"number\"), sql_field(\"other\", \"number\") }, virus_admin_maps = { sql_field \"contact\" } }\n",
		LIST("a@b.org: virus_lover=N, other=3, contact=me@b.org", "b@b.org: virus_lover=N, other=bad"), LIST("a@b.org: amavisVirusLover=TRUE"),
		LIST("a@b.org", "b@b.org", "c@b.org")), 0);
	double level;
	assert_false(rcpt_policy_true(policy_of(&g, 0), RCPT_virus_lovers_maps));
	assert_true(rcpt_policy_true(policy_of(&g, 1), RCPT_virus_lovers_maps));
	assert_true(rcpt_policy_number(policy_of(&g, 0), RCPT_spam_tag_level_maps, &level) && level > 2.9 && level < 3.1);
	assert_false(rcpt_policy_number(policy_of(&g, 1), RCPT_spam_tag_level_maps, &level));
	assert_string_equal(rcpt_policy_text(policy_of(&g, 0), RCPT_virus_admin_maps, g.mail), "me@b.org");
	assert_false(rcpt_policy_true(policy_of(&g, 2), RCPT_virus_lovers_maps));
	assert_int_equal(g.sql.fetches, 3);
	finish(&g);
}

static void local_by_sql(void **state)
{
	struct given g = { 0 };
	assert_int_equal(settle(&g, COMMON, LIST("a@b.org: local=N", "c@d.net: id=1", "e@f.net: key=@., id=1"), NULL, LIST("a@b.org", "c@d.net", "e@f.net", "g@b.org")), 0);
	assert_false(policy_of(&g, 0)->is_local);
	assert_true(policy_of(&g, 1)->is_local);
	assert_false(policy_of(&g, 2)->is_local);
	assert_true(policy_of(&g, 3)->is_local);
	finish(&g);
}

static void equal_policies_are_shared(void **state)
{
	struct given g = { 0 };
	assert_int_equal(settle(&g, COMMON "spam_subject_tag_maps = { function(key) return \"tag\" end }\n",
		LIST("a@b.org: id=1, virus_quarantine_to=x@y, spam_kill_level=5", "b@b.org: id=2, virus_quarantine_to=x@y, spam_kill_level=5.0",
			"c@b.org: virus_quarantine_to=other@y, spam_kill_level=5"), NULL, LIST("a@b.org", "b@b.org", "c@b.org", "d@b.org", "e@b.org")), 0);
	assert_ptr_equal(policy_of(&g, 0), policy_of(&g, 1));
	assert_ptr_not_equal(policy_of(&g, 0), policy_of(&g, 2));
	assert_ptr_not_equal(policy_of(&g, 0), policy_of(&g, 3));
	assert_ptr_equal(policy_of(&g, 3), policy_of(&g, 4));
	assert_string_equal(rcpt_policy_text(policy_of(&g, 4), RCPT_spam_subject_tag_maps, g.mail), "tag");
	finish(&g);
}

static void a_dead_source_is_no_answer(void **state)
{
	struct given g = { .sql = { .fails = true } };
	assert_int_equal(settle(&g, COMMON, LIST("a@b.org: virus_lover=Y"), NULL, LIST("a@b.org", "b@b.org")), -1);
	assert_int_equal(g.error.class, ERROR_ENVIRONMENT);
	assert_non_null(strstr(g.error.text, "fake:sql: gone away"));
	finish(&g);
}

/* A failure was forgotten when the next lookup went well, and counted as "no". */
static void a_failed_lookup_is_not_forgotten(void **state)
{
	struct given g = { 0 };
	assert_int_equal(settle(&g, COMMON "banned_files_lovers_maps = { function(key) error(\"no database\") end }\n", NULL, NULL, LIST("a@b.org")), -1);
	assert_non_null(strstr(g.error.text, "<a@b.org>: banned_files_lovers_maps: "));
	assert_non_null(strstr(g.error.text, "no database"));
	finish(&g);
}

static void all_results_of_banned_rules(void **state)
{
	struct given g = { 0 };
	assert_int_equal(settle(&g, COMMON "banned_rules.ONE = re { \"a\" }\nbanned_rules.TWO = re { \"b\" }\n"
		"banned_filename_maps = { { [\"a@b.org\"] = \"ONE\", [\"b.org\"] = \"TWO\" }, \"DEFAULT\" }\n",
		LIST("a@b.org: banned_rulenames=SQL1,SQL2"), NULL, LIST("a@b.org", "x@y.net")), 0);
	const struct value *v = rcpt_policy_value(policy_of(&g, 0), RCPT_banned_filename_maps);
	static const char *const expected[] = { "SQL1,SQL2", "ONE", "TWO", "DEFAULT" };
	assert_int_equal(v->u.list.count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(v->u.list.items[i]->u.string, expected[i]);
	assert_int_equal(rcpt_policy_value(policy_of(&g, 1), RCPT_banned_filename_maps)->u.list.count, 1);
	finish(&g);
}

static void cells(void **state)
{
	struct given g = { 0 };
	assert_int_equal(settle(&g, COMMON "quarantine_method_by_ccat[CC_SPAM] = function(key) return \"local:\" .. key end\n"
		"admin_maps_by_ccat[CC_BANNED] = { { [\"a@b.org\"] = \"admin@b.org\" } }\nfinal_destiny_maps_by_ccat[CC_BANNED] = { { [\"a@b.org\"] = D_REJECT }, D_PASS }\n",
		NULL, NULL, LIST("a@b.org", "b@b.org")), 0);
	struct categories spam = { .count = 1, .at = { { CC_SPAM, 0 } } }, banned = { .count = 1, .at = { { CC_BANNED, 0 } } };
	struct category any = { 255, 255 };
	assert_string_equal(rcpt_policy_cell_text(policy_of(&g, 0), CELL_QUARANTINE_METHOD, &spam, any, g.mail), "local:a@b.org");
	assert_string_equal(rcpt_policy_cell_text(policy_of(&g, 0), CELL_ADMIN, &banned, any, g.mail), "admin@b.org");
	assert_null(rcpt_policy_cell_text(policy_of(&g, 1), CELL_ADMIN, &banned, any, g.mail));
	assert_int_equal(value_to_int(rcpt_policy_cell(policy_of(&g, 0), CELL_DESTINY, &banned), 0), D_REJECT);
	assert_int_equal(value_to_int(rcpt_policy_cell(policy_of(&g, 1), CELL_DESTINY, &banned), 0), D_PASS);
	finish(&g);
}

/* const{} as a result is what is in it. */
static void constant_results(void **state)
{
	struct given g = { 0 };
	assert_int_equal(settle(&g, COMMON "forward_method_maps = { { [\"a@b.org\"] = const { \"smtp:one:25\", \"smtp:two:25\" } }, re { { \"^c@\", const { \"smtp:three:25\" } } },\n"
		"  setting \"forward_method\" }\nforward_method = { \"smtp:four:25\", \"smtp:five:25\" }\n", NULL, NULL, LIST("a@b.org", "b@b.org", "c@b.org")), 0);
	static const char *const first[] = { "smtp:one:25", "smtp:four:25", "smtp:three:25" };
	struct categories clean = { .count = 1, .at = { { CC_CLEAN, 0 } } };
	for (unsigned i = 0; i < 3; i++)
		assert_string_equal(rcpt_policy_cell_text(policy_of(&g, i), CELL_FORWARD_METHOD, &clean, (struct category){ 255, 255 }, g.mail), first[i]);
	finish(&g);
}

/* Files and databases say them as texts. */
static void texts_for_numbers(void **state)
{
	static const char lua[] = COMMON "message_size_limit_maps = { function(key) return ({ [\"a@b.org\"] = \"200k\", [\"b@b.org\"] = \"lots\" })[key] end, 100000 }\n"
		"final_destiny_maps_by_ccat[CC_VIRUS] = { function(key) return ({ [\"a@b.org\"] = \"D_REJECT\", [\"b@b.org\"] = \"-4\", [\"x@b.org\"] = \"no\" })[key] end, \"D_BOUNCE\" }\n"
		"final_destiny_maps_by_ccat[CC_BANNED] = \"D_REJECT\"\n";
	struct categories virus = { .count = 1, .at = { { CC_VIRUS, 0 } } }, banned = { .count = 1, .at = { { CC_BANNED, 0 } } };
	const int expected[] = { D_REJECT, D_TEMPFAIL, D_BOUNCE };
	const int64_t sizes[] = { 204800, 0, 100000 };
	struct given g = { 0 };
	assert_int_equal(settle(&g, lua, NULL, NULL, LIST("a@b.org", "b@b.org", "c@b.org")), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(value_to_int(rcpt_policy_cell(policy_of(&g, i), CELL_DESTINY, &virus), D_PASS), expected[i]);
		assert_int_equal(value_to_int(rcpt_policy_cell(policy_of(&g, i), CELL_DESTINY, &banned), D_PASS), D_REJECT);
		assert_int_equal(policy_of(&g, i)->message_size_limit, sizes[i]);
	}
	finish(&g);
	/* What is no destiny is not "pass": the mail waits. */
	g = (struct given){ 0 };
	assert_int_equal(settle(&g, lua, NULL, NULL, LIST("x@b.org")), -1);
	assert_string_equal(g.error.text, "settle: <x@b.org>: final_destiny_maps_by_ccat: CC_VIRUS says \"no\"; expected D_PASS, D_BOUNCE, D_REJECT, D_DISCARD or D_TEMPFAIL");
	finish(&g);
}

/* --- white and black lists, scores by sender --- */

#define LISTS COMMON "whitelist_sender_maps = { { [\"good@x.net\"] = true, [\"elsewhere.net\"] = false } }\n" \
	"blacklist_sender_maps = { { [\"bad@x.net\"] = true, [\"good@x.net\"] = true } }\n" \
	"per_recip_blacklist_sender_lookup_tables = { [\"b@b.org\"] = { [\".elsewhere.net\"] = true, [\"bad@x.net\"] = false } }\n"

static void senders(void **state)
{
	static const struct {
		const char *from, *sql, *ldap, *wb;
		bool white[2], black[2];	/* of a@b.org, b@b.org */
		unsigned wblists;
	} table[] = {
		{ NULL, NULL, NULL, NULL, { false, false }, { false, true }, 0 },
		{ "From: x@y.net\r\n", NULL, NULL, NULL, { false, false }, { false, true }, 0 },
		{ "From: \"Bad, one\" <x@y.net>, Bad <BAD@x.net>\r\n", NULL, NULL, NULL, { false, false }, { true, true }, 0 },
		{ "From: good@x.net\r\n", NULL, NULL, NULL, { true, false }, { true, true }, 0 },
		/* SQL knows a@b.org and says something: nobody else is asked. */
		{ "From: bad@x.net\r\n", "a@b.org: id=7", NULL, "W", { true, false }, { false, true }, 2 },
		{ "From: good@x.net\r\n", "a@b.org: id=7", NULL, "B", { false, false }, { true, true }, 2 },
		{ "From: good@x.net\r\n", "a@b.org: id=7", NULL, " ", { false, false }, { false, true }, 2 },
		{ "From: good@x.net\r\n", "a@b.org: id=7", NULL, NULL, { true, false }, { true, true }, 2 },
		{ "From: good@x.net\r\n", "a@b.org: id=7; id=8", NULL, NULL, { true, false }, { true, true }, 4 },
		{ "From: good@x.net\r\n", "a@b.org: id=7", NULL, "what?", { true, false }, { true, true }, 2 },
		{ "From: x@y.net\r\n", NULL, "a@b.org: amavisBlacklistSender=y@y.net, amavisBlacklistSender=X@Y.net", NULL, { false, false }, { true, true }, 0 },
		{ "From: x@y.net\r\n", NULL, "a@b.org: amavisBlacklistSender=@y.net, amavisWhitelistSender=.net", NULL, { true, false }, { false, true }, 0 },
		{ "From: x@y.net\r\n", NULL, "a@b.org: amavisBlacklistSender=y.com", NULL, { false, false }, { false, true }, 0 },
		/* Of several entries the most specific that has such a list says it. */
		{ "From: x@y.net\r\n", NULL, "a@b.org: amavisBlacklistSender=y.com; amavisBlacklistSender=@y.net, amavisWhitelistSender=@y.net", NULL,
			{ true, false }, { false, true }, 0 },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct given g = { .sql = { .wb = table[i].wb } };
		next_header = table[i].from;
		assert_int_equal(settle(&g, LISTS "enable_ldap = true\n", table[i].sql ? LIST(table[i].sql) : NULL, table[i].ldap ? LIST(table[i].ldap) : NULL,
			LIST("a@b.org", "b@b.org")), 0);
		for (int k = 0; k < 2; k++) {
			const struct recipient *r = &g.mail->recipients[k];
			if (r->whitelisted != table[i].white[k] || r->blacklisted != table[i].black[k])
				fail_msg("line %zu: <%s> white %d black %d", i, r->address, r->whitelisted, r->blacklisted);
		}
		assert_int_equal(g.sql.wblists, table[i].wblists);
		finish(&g);
	}
	next_header = NULL;
}

/* What the envelope's sender and From: say together: address by address, each of all sources, as amavisd-new. */
static void senders_one_by_one(void **state)
{
	static const struct {
		const char *from, *sql, *ldap;
		const char *wblist[6];
		bool white, black;
		const char *score;	/* NULL: none */
	} table[] = {
		/* A forged From does not undo that the envelope's sender is on a list, nor the other way round. */
		{ "good@x.net", NULL, NULL, { NULL }, false, true, NULL },
		{ "good@x.net", NULL, "a@b.org: amavisBlacklistSender=sender@elsewhere.net, amavisWhitelistSender=good@x.net", { NULL }, false, true, NULL },
		{ "bad@y.net", "a@b.org: id=7; id=8", NULL, { "8 sender@elsewhere.net W", "8 bad@y.net B" }, true, false, NULL },
		{ "other@y.net", "a@b.org: id=7; id=8", NULL, { "8 sender@elsewhere.net W", "7 other@y.net B" }, true, true, NULL },
		{ "good@y.net", "a@b.org: id=7", NULL, { "7 sender@elsewhere.net " }, false, false, NULL },
		/* A number is a score, beside which all go on: further rows, further addresses, LDAP and the tables. */
		{ "x@y.net", "a@b.org: id=7; id=8", NULL, { "7 sender@elsewhere.net 3", "8 sender@elsewhere.net 0.25", "7 x@y.net -1" }, false, true, "AM.WBL=2.25" },
		{ "x@y.net", "a@b.org: id=7", "a@b.org: amavisWhitelistSender=sender@elsewhere.net", { "7 sender@elsewhere.net +12.3456" }, true, false, "AM.WBL=12.346" },
		/* Where SQL has a score, score_sender_maps has none; a score for the first address is no score for the next. */
		{ "scored@y.net", "a@b.org: id=7", NULL, { "7 sender@elsewhere.net 0" }, false, true, NULL },
		{ "scored@y.net", NULL, NULL, { NULL }, false, true, "AM.WBL=1000000.5" },
		{ "scored@y.net, twice@y.net", NULL, NULL, { NULL }, false, true, "AM.WBL=1000000.5" },
		{ "twice@y.net", NULL, NULL, { NULL }, false, true, "AM.WBL=6" },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct given g = { .sql = { .wblist = table[i].wblist } };
		next_header = g_strdup_printf("From: %s\r\n", table[i].from);
		assert_int_equal(settle(&g, COMMON "enable_ldap = true\nwhitelist_sender_maps = { { [\"good@x.net\"] = true } }\n"
			"blacklist_sender_maps = { { [\"sender@elsewhere.net\"] = true } }\n"
			"score_sender_maps = { { [\".\"] = { { [\"scored@y.net\"] = 1000000.5, [\"twice@y.net\"] = 2 } } }, { [\"a@b.org\"] = { { [\"twice@y.net\"] = 4 } } } }\n",
			table[i].sql ? LIST(table[i].sql) : NULL, table[i].ldap ? LIST(table[i].ldap) : NULL, LIST("a@b.org")), 0);
		const struct recipient *r = &g.mail->recipients[0];
		const char *score = g.mail->score_count > 0 ? g.mail->scores[0].test : NULL;
		if (r->whitelisted != table[i].white || r->blacklisted != table[i].black || g_strcmp0(score, table[i].score) != 0)
			fail_msg("line %zu: white %d black %d score %s", i, r->whitelisted, r->blacklisted, score ? score : "none");
		finish(&g);
		g_free((void *)(uintptr_t)next_header);
	}
	next_header = NULL;
}

static void scores(void **state)
{
	struct given g = { 0 };
	next_header = "From: x@y.net\r\n";
	assert_int_equal(settle(&g, COMMON "score_sender_maps = { { [\"a@b.org\"] = { { [\"sender@elsewhere.net\"] = 2.5, [\"x@y.net\"] = 99 }, re { { \".\", 99 } } },\n"
		"  [\".\"] = { { [\"nobody\"] = 1 }, re { { [[^x@]], -1 } } } }, { [\"b.org\"] = { { [\".net\"] = 0.25 } } } }\n",
		NULL, NULL, LIST("a@b.org", "c@d.net")), 0);
	/* a@b.org: the envelope's sender has 2.5 by its own entry (first table), 0.25 by the domain's: From is not asked for.  For c@d.net it is:
	 * -1 by everybody's entry. */
	assert_int_equal(g.mail->score_count, 2);
	assert_string_equal(g.mail->scores[0].test, "AM.WBL=2.75");
	assert_int_equal(g.mail->scores[0].recipient, 0);
	assert_string_equal(g.mail->scores[1].test, "AM.WBL=-1");
	assert_int_equal(g.mail->scores[1].recipient, 1);
	/* Settled again, under other banks: not twice. */
	assert_int_equal(settle_again(g.mail, &g.policy, &g.error), 0);
	assert_int_equal(g.mail->score_count, 2);
	finish(&g);
	next_header = NULL;
}

static void soft_scores_of_sql(void **state)
{
	struct given g = { .sql = { .wb = "-2.5" } };
	assert_int_equal(settle(&g, LISTS "sql_clause.sel_wblist = \"SELECT x\"\n", LIST("a@b.org: id=7, policy_id=3, id=9"), NULL, LIST("a@b.org")), 0);
	assert_string_equal(g.mail->scores[0].test, "AM.WBL=-2.5");
	assert_false(g.mail->recipients[0].whitelisted || g.mail->recipients[0].blacklisted);
	assert_string_equal(g.sql.users_id, "9");
	assert_string_equal(g.sql.sender, "sender@elsewhere.net");
	assert_string_equal(g.sql.statement, "SELECT x");
	assert_false(g.sql.sender_is_local);
	assert_string_equal(g.mail->recipients[0].sql_policy_id, "3");
	finish(&g);
	/* A sender who is local by the tables is asked for by his bare name too, as recipients are. */
	g = (struct given){ .sql = { .wb = "-2.5" } };
	assert_int_equal(settle(&g, LISTS "local_domains_maps = { { [\"elsewhere.net\"] = true } }\nsql_clause.sel_wblist = undef\n",
		LIST("a@b.org: id=9"), NULL, LIST("a@b.org")), 0);
	assert_true(g.sql.sender_is_local);
	assert_string_equal(g.sql.statement, "");
	finish(&g);
}

/* --- address extensions --- */

static void rewriting(void **state)
{
	static const struct { const char *to, *lua, *expected, *orcpt; } table[] = {
		{ "a@b.org", "", NULL, NULL },
		{ "a@b.org", "addr_extension_virus_maps = { \"virus\" }\n", "a+virus@b.org", "rfc822;a@b.org" },
		{ "a+old@b.org", "addr_extension_virus_maps = { \"virus\" }\n", "a+virus@b.org", "rfc822;a+2Bold@b.org" },
		{ "a+old@b.org", "addr_extension_virus_maps = { \"virus\" }\nreplace_existing_extension = false\n", "a+old+virus@b.org", "rfc822;a+2Bold@b.org" },
		{ "a@b.org", "addr_extension_virus_maps = { \"virus\" }\nrecipient_delimiter = undef\n", NULL, NULL },
		{ "a@b.org", "addr_extension_virus_maps = { \"virus\" }\nrecipient_delimiter = \"-+\"\n", "a-virus@b.org", "rfc822;a@b.org" },
		{ "a@b.net", "addr_extension_virus_maps = { \"virus\" }\n", NULL, NULL },
		{ "\"a b\"@b.org", "addr_extension_virus_maps = { \"virus\" }\n", "\"a b+virus\"@b.org", "rfc822;\"a+20b\"@b.org" },
		/* A row that is wrong does no harm, nor does it lose a mail. */
		{ "a@b.org", "addr_extension_virus_maps = { \"vi\\r\\nDATA\" }\n", NULL, NULL },
		{ "a@b.org", "addr_rewrite_maps_by_ccat[CC_VIRUS] = { \"trap@c.org>\" }\n", NULL, NULL },
		{ "a@b.org", "addr_rewrite_maps_by_ccat[CC_VIRUS] = { \"trap@c.org\" }\n", "trap@c.org", "rfc822;a@b.org" },
		{ "a@b.org", "addr_rewrite_maps_by_ccat[CC_VIRUS] = { \"@c.org\" }\n", "a@c.org", "rfc822;a@b.org" },
		{ "a@b.org", "addr_rewrite_maps_by_ccat[CC_VIRUS] = { \"trap@\" }\naddr_extension_virus_maps = { \"v\" }\n", "trap+v@b.org", "rfc822;a@b.org" },
		{ "a+x@b.org", "addr_rewrite_maps_by_ccat[CC_VIRUS] = { { [\"b.org\"] = \"$3.trap$4@$5\" } }\n", "a.trap+x@b.org", "rfc822;a+2Bx@b.org" },
		{ "a@b.org", "addr_rewrite_maps_by_ccat[CC_VIRUS] = { \"trap@c.org, more@c.org\" }\n", "trap@c.org", "rfc822;a@b.org" },
		{ "a@b.org", "addr_rewrite_maps_by_ccat[CC_CLEAN] = { \"clean@c.org\" }\n", "clean@c.org", "rfc822;a@b.org" },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct given g = { 0 };
		char *lua = g_strconcat(COMMON "recipient_delimiter = \"+\"\n", table[i].lua, NULL);
		assert_int_equal(settle(&g, lua, NULL, NULL, LIST(table[i].to)), 0);
		struct recipient *r = &g.mail->recipients[0];
		categories_add(&r->categories, CC_CLEAN, 0);
		categories_add(&r->categories, CC_VIRUS, 0);
		rewrite_recipient(g.mail, &g.policy, r);
		if (g_strcmp0(r->forward_address, table[i].expected) != 0 || g_strcmp0(r->forward_orcpt, table[i].orcpt) != 0)
			fail_msg("line %zu: <%s> %s", i, r->forward_address ? r->forward_address : "the same", r->forward_orcpt ? r->forward_orcpt : "");
		assert_int_equal(r->tagged, table[i].expected && strstr(table[i].lua, "extension_virus") != NULL);
		finish(&g);
		g_free(lua);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sql_then_ldap_then_tables), cmocka_unit_test(ldap_only_where_enabled), cmocka_unit_test(banks_keep_sql), cmocka_unit_test(fields_as_tables),
		cmocka_unit_test(local_by_sql), cmocka_unit_test(equal_policies_are_shared), cmocka_unit_test(a_dead_source_is_no_answer),
		cmocka_unit_test(a_failed_lookup_is_not_forgotten), cmocka_unit_test(all_results_of_banned_rules), cmocka_unit_test(cells), cmocka_unit_test(texts_for_numbers), cmocka_unit_test(constant_results), cmocka_unit_test(senders), cmocka_unit_test(senders_one_by_one), cmocka_unit_test(scores), cmocka_unit_test(soft_scores_of_sql),
		cmocka_unit_test(rewriting),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
