/* test_wire_records.c - every record there and back, and every record cut short or damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>
#include <talloc.h>

#include "base/fdpass.h"
#include "wire/records.h"

/* Reads one record of a kind; what it finds is compared by writing it again. */
static int reread(struct wire_reader *r, void *owner, struct wire_writer *again)
{
	union {
		struct token token; struct job job; struct envelope envelope; struct committed committed; struct result result;
		struct hello hello; struct open_order order; struct part_record part; struct keep_record keep; struct unpack_record unpack; struct unpacked_record unpacked; struct finding_record finding;
		struct opened opened; struct settings_record settings;
	} u;
	memset(&u, 0, sizeof u);
	int rc;
	char *text;
	switch (r->kind) {
	case RECORD_TOKEN: rc = token_read(r, &u.token); if (rc == 0) token_write(again, &u.token); return rc;
	case RECORD_JOB: rc = job_read(r, owner, &u.job); if (rc == 0) job_write(again, &u.job); return rc;
	case RECORD_ENVELOPE: rc = envelope_read(r, owner, &u.envelope); if (rc == 0) envelope_write(again, &u.envelope); return rc;
	case RECORD_COMMITTED: rc = committed_read(r, owner, &u.committed); if (rc == 0) committed_write(again, &u.committed); return rc;
	case RECORD_RESULT: rc = result_read(r, owner, &u.result); if (rc == 0) result_write(again, &u.result); return rc;
	case RECORD_HELLO: rc = hello_read(r, owner, &u.hello); if (rc == 0) hello_write(again, &u.hello); return rc;
	case RECORD_OPEN: rc = open_order_read(r, owner, &u.order); if (rc == 0) open_order_write(again, &u.order); return rc;
	case RECORD_UNPACK: rc = unpack_record_read(r, owner, &u.unpack); if (rc == 0) unpack_record_write(again, &u.unpack); return rc;
	case RECORD_UNPACKED: rc = unpacked_record_read(r, owner, &u.unpacked); if (rc == 0) unpacked_record_write(again, &u.unpacked); return rc;
	case RECORD_KEEP: rc = keep_record_read(r, owner, &u.keep); if (rc == 0) keep_record_write(again, &u.keep); return rc;
	case RECORD_PART: rc = part_record_read(r, owner, &u.part); if (rc == 0) part_record_write(again, &u.part); return rc;
	case RECORD_FINDING: rc = finding_record_read(r, owner, &u.finding); if (rc == 0) finding_record_write(again, &u.finding); return rc;
	case RECORD_OPENED: rc = opened_read(r, owner, &u.opened); if (rc == 0) opened_write(again, &u.opened); return rc;
	case RECORD_SETTINGS: rc = settings_record_read(r, owner, &u.settings); if (rc == 0) settings_record_write(again, &u.settings); return rc;
	default:
		text = text_record_read(r, owner);
		if (text)
			text_record_write(again, (enum record_kind)r->kind, text);
		return text ? 0 : -1;
	}
}

/* There and back gives the same bytes; cut at each byte (with the head's length right) it is refused. */
static void check_record(struct wire_writer *w)
{
	size_t n, again_n;
	const uint8_t *data = wire_end(w, &n);
	struct wire_writer again = { 0 };
	struct wire_reader r;
	void *owner = talloc_new(NULL);
	assert_true(wire_open(&r, data, n));
	assert_int_equal(reread(&r, owner, &again), 0);
	const void *second = wire_end(&again, &again_n);
	assert_int_equal(n, again_n);
	assert_memory_equal(data, second, n);
	for (size_t cut = 8; cut < n; cut++) {
		uint8_t *copy = talloc_memdup(owner, data, cut);
		size_t length = cut - 8;
		for (unsigned i = 0; i < 4; i++)
			copy[4 + i] = (uint8_t)(length >> (8 * i));
		assert_true(wire_open(&r, copy, cut));
		assert_int_equal(reread(&r, owner, &again), -1);
		talloc_free_children(owner);
	}
	talloc_free(owner);
	wire_free(&again);
	wire_free(w);
}

static int read_back(struct wire_writer *w)
{
	void *owner = talloc_new(NULL);
	size_t n;
	struct wire_reader r;
	struct wire_writer again = { 0 };
	const void *data = wire_end(w, &n);
	assert_true(wire_open(&r, data, n));
	int rc = reread(&r, owner, &again);
	wire_free(&again);
	wire_free(w);
	talloc_free(owner);
	return rc;
}

static void test_token_and_job(void **state)
{
	(void)state;
	struct wire_writer w = { 0 };
	token_write(&w, &(struct token){ 5, 123456, TOKEN_QUESTIONS });
	check_record(&w);
	static const char envelope[WIRE_ENVELOPE_WITHIN_MAX + 1] = { 0 };
	struct job job = { JOB_SCAN, 1234567890123, -5, "12345-01", 4711, NULL, 0 };
	job_write(&w, &job);
	check_record(&w);
	job.envelope = envelope;
	job.envelope_bytes = WIRE_ENVELOPE_WITHIN_MAX;
	job_write(&w, &job);
	check_record(&w);
	job.envelope_bytes++;
	job_write(&w, &job);
	assert_int_equal(read_back(&w), -1);
	job.envelope_bytes = 0;
	job.kind = JOB_FILTER + 1;
	job_write(&w, &job);
	assert_int_equal(read_back(&w), -1);
	job.kind = 0;
	job_write(&w, &job);
	assert_int_equal(read_back(&w), -1);
}

static void test_log_id_is_bounded(void **state)
{
	(void)state;
	char id[WIRE_LOG_ID_MAX + 2];
	struct wire_writer w = { 0 };
	memset(id, 'x', sizeof id);
	id[WIRE_LOG_ID_MAX] = '\0';
	job_write(&w, &(struct job){ .kind = JOB_MAIL, .log_id = id });
	assert_int_equal(read_back(&w), 0);
	id[WIRE_LOG_ID_MAX] = 'x';
	id[WIRE_LOG_ID_MAX + 1] = '\0';
	job_write(&w, &(struct job){ .kind = JOB_MAIL, .log_id = id });
	assert_int_equal(read_back(&w), -1);
}

static struct envelope an_envelope(struct envelope_recipient *rcpts, uint32_t count)
{
	return (struct envelope){
		.log_id = "12345-01", .sender = "", .protocol = "ESMTP", .socket_text = "127.0.0.1:10024", .peer_address = NULL,
		.client = { .address = "192.0.2.1", .port = "1234", .helo = "mx", .ident = "QID" }, .helo = "me",
		.ret = "FULL", .envid = "", .auth = NULL, .body_8bitmime = 2, .smtputf8 = 1, .received_wall_us = 1234567,
		.declared_size = -1, .had_bare_cr_or_lf = 1, .recipient_count = count, .recipients = rcpts
	};
}

static void test_envelope(void **state)
{
	(void)state;
	struct wire_writer w = { 0 };
	struct envelope_recipient rcpts[] = { { "a@x", NULL, 0 }, { "b@y", "rfc822;b@y", NOTIFY_SUCCESS | NOTIFY_DELAY }, { "c", "", NOTIFY_NEVER } };
	struct envelope e = an_envelope(rcpts, 3), back;
	envelope_write(&w, &e);
	size_t n;
	struct wire_reader r;
	void *owner = talloc_new(NULL);
	const void *data = wire_end(&w, &n);
	assert_true(wire_open(&r, data, n));
	assert_int_equal(envelope_read(&r, owner, &back), 0);
	assert_string_equal(back.sender, "");
	assert_null(back.peer_address);
	assert_null(back.auth);
	assert_string_equal(back.envid, "");
	assert_string_equal(back.client.ident, "QID");
	assert_null(back.recipients[0].orcpt);
	assert_string_equal(back.recipients[2].orcpt, "");
	assert_int_equal(back.recipients[1].notify, NOTIFY_SUCCESS | NOTIFY_DELAY);
	talloc_free(owner);
	check_record(&w);
	e = an_envelope(NULL, 0);
	envelope_write(&w, &e);
	check_record(&w);
	rcpts[0].notify = 16;
	e = an_envelope(rcpts, 1);
	envelope_write(&w, &e);
	assert_int_equal(read_back(&w), -1);
}

static void test_big_envelope(void **state)
{
	(void)state;
	struct envelope_recipient *rcpts = g_new0(struct envelope_recipient, 20000);
	for (int i = 0; i < 20000; i++)
		rcpts[i].address = "someone@example.com";
	struct envelope e = an_envelope(rcpts, 20000);
	struct wire_writer w = { 0 };
	envelope_write(&w, &e);
	assert_int_equal(read_back(&w), 0);
	g_free(rcpts);
}

static void test_committed(void **state)
{
	(void)state;
	struct wire_writer w = { 0 };
	uint32_t rcpts[] = { 0, 7, 99999, 100000 };
	committed_write(&w, &(struct committed){ 3, rcpts, "250 2.0.0 Ok: queued as X" });
	check_record(&w);
	committed_write(&w, &(struct committed){ 4, rcpts, "250 2.0.0 Ok: queued as X" });
	assert_int_equal(read_back(&w), -1);
	committed_write(&w, &(struct committed){ 0, NULL, "" });
	check_record(&w);
}

static void test_result(void **state)
{
	(void)state;
	struct wire_writer w = { 0 };
	const char *replies[] = { "250 2.0.0 Ok", "250 2.0.0 Ok", "554 5.7.0 no", "250 2.0.0 Ok" };
	result_write(&w, &(struct result){ 4, replies, "250 2.0.0 Ok", 1 });
	check_record(&w);
	result_write(&w, &(struct result){ 4, NULL, "451 4.3.0 x", 0 });
	check_record(&w);
	result_write(&w, &(struct result){ 0, NULL, NULL, 0 });
	check_record(&w);
	result_write(&w, &(struct result){ WIRE_RECIPIENTS_MAX + 1, NULL, "451 4.3.0 x", 0 });
	assert_int_equal(read_back(&w), -1);
}

/* Thousands of different replies still fit one record of the socket, and keep their codes. */
static void test_result_of_thousands(void **state)
{
	(void)state;
	enum { MANY = 5000 };
	char **replies = g_new0(char *, MANY + 1);
	for (int i = 0; i < MANY; i++)
		replies[i] = g_strdup_printf("%s <user%d@example.com> and the rest of a long reply", i % 2 ? "250 2.1.5" : "452 4.2.2", i);
	struct wire_writer w = { 0 };
	size_t n;
	struct wire_reader r;
	struct result res;
	void *owner = talloc_new(NULL);
	result_write(&w, &(struct result){ MANY, (const char **)replies, NULL, 0 });
	const void *data = wire_end(&w, &n);
	assert_true(n < FDPASS_RECORD_MAX);
	assert_true(wire_open(&r, data, n));
	assert_int_equal(result_read(&r, owner, &res), 0);
	assert_string_equal(res.replies[3], replies[3]);
	assert_string_equal(res.replies[MANY - 1], "250 2.1.5");
	assert_string_equal(res.replies[MANY - 2], "452 4.2.2");
	talloc_free(owner);
	wire_free(&w);
	g_strfreev(replies);
}

static void test_hello(void **state)
{
	(void)state;
	struct wire_writer w = { 0 };
	hello_write(&w, &(struct hello){ 42, 1, 7, 1 << 30, "opener-42" });
	check_record(&w);
	const char *bad[] = { "", ".", "..", "a/b", "/etc", ".hidden" };
	for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
		hello_write(&w, &(struct hello){ 42, 1, 7, 0, bad[i] });
		assert_int_equal(read_back(&w), -1);
	}
}

static void test_open_order(void **state)
{
	(void)state;
	struct wire_writer w = { 0 };
	uint32_t scanners[] = { 3, 1 }, decoders[] = { 0, 9, 4 };
	struct open_order o = { .log_id = "1-1", .size_bytes = 9, .deadline_ms = 8, .scan = 1, .first_infected_stops = 1, .keep_mail = 0,
		.keep_parts = 1, .max_files = 3000, .max_levels = 14, .quota_bytes = 1 << 20, .cpu_ms = 5000,
		.bare_file = 1, .asks_keep = 1, .decoding_ms = 1, .decoding_cpu_ms = 2, .decoder_ms = 3, .decoder_cpu_ms = 4, .password_words = 5, .digest = "SHA1",
		.decoder_count = 3, .decoders = decoders, .scanner_count = 2, .scanners = scanners };
	open_order_write(&w, &o);
	check_record(&w);
	o.scan = 2;
	open_order_write(&w, &o);
	assert_int_equal(read_back(&w), -1);
}

static void test_part(void **state)
{
	(void)state;
	struct wire_writer w = { 0 };
	const char *names[] = { "a.exe", "", "\xC3\xA4.zip" }, *types[] = { "text/plain", "application/zip" };
	struct part_record p = { .number = 2, .parent = 1, .index_in_parent = 1, .has_file = 1, .attributes = PART_CRYPTED | PART_LINK,
		.size_bytes = 77, .mime_type_count = 2, .mime_types = types, .digest = "00ff", .decoder = "archive", .note = "odd", .type_short = "txt", .type_full = NULL, .name_count = 3, .names = names };
	part_record_write(&w, &p);
	check_record(&w);
	struct part_record bad = p;
	bad.parent = 2;
	part_record_write(&w, &bad);
	assert_int_equal(read_back(&w), -1);
	bad = p;
	bad.number = bad.parent = 0;
	part_record_write(&w, &bad);
	assert_int_equal(read_back(&w), -1);
	bad = p;
	bad.index_in_parent = 0;
	part_record_write(&w, &bad);
	assert_int_equal(read_back(&w), -1);
	bad = p;
	bad.attributes = PART_ATTRIBUTES_ALL + 1;
	part_record_write(&w, &bad);
	assert_int_equal(read_back(&w), -1);
}

static void test_keep(void **state)
{
	(void)state;
	struct wire_writer w = { 0 };
	uint32_t parts[] = { 2, 19 };
	keep_record_write(&w, &(struct keep_record){ 2, parts });
	check_record(&w);
	keep_record_write(&w, &(struct keep_record){ 0, NULL });
	check_record(&w);
}

/* A name too long keeps its ending, names too many are cut, and both are said. */
static void test_part_names_out_of_bounds(void **state)
{
	(void)state;
	const char *names[WIRE_PART_NAMES_MAX + 5];
	char *lengthy = g_strnfill(100000, 'x');
	memcpy(lengthy + 100000 - 4, ".exe", 4);
	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
		names[i] = lengthy;
	struct part_record p = { .number = 1, .index_in_parent = 1, .name_count = 1, .names = names }, back;
	for (uint32_t count = 1; count <= G_N_ELEMENTS(names); count += G_N_ELEMENTS(names) - 1) {
		struct wire_writer w = { 0 };
		struct wire_reader r;
		size_t n;
		void *owner = talloc_new(NULL);
		p.name_count = count;
		part_record_write(&w, &p);
		const void *data = wire_end(&w, &n);
		assert_true(n < FDPASS_RECORD_MAX);
		assert_true(wire_open(&r, data, n));
		assert_int_equal(part_record_read(&r, owner, &back), 0);
		assert_int_equal(back.attributes, PART_AMBIGUOUS);
		assert_int_equal(back.name_count, MIN(count, (uint32_t)WIRE_PART_NAMES_MAX));
		assert_int_equal(strlen(back.names[0]), WIRE_NAME_MAX);
		assert_true(g_str_has_suffix(back.names[0], "x.exe"));
		talloc_free(owner);
		wire_free(&w);
	}
	g_free(lengthy);
}

static void test_finding(void **state)
{
	(void)state;
	struct wire_writer w = { 0 };
	const char *names[] = { "Eicar-Test-Signature", "Other" };
	uint32_t parts[] = { 2, 5 };
	struct finding_record f = { .scanner = 1, .part = 0, .outcome = 0, .elapsed_us = 99, .version = "ClamAV 1.0", .error = NULL,
		.name_count = 2, .names = names, .parts = parts };
	finding_record_write(&w, &f);
	check_record(&w);
	f = (struct finding_record){ .scanner = 1, .outcome = 4, .error = "connection refused" };
	finding_record_write(&w, &f);
	check_record(&w);
	f.outcome = 5;
	finding_record_write(&w, &f);
	assert_int_equal(read_back(&w), -1);
}

static void test_finding_of_thousands(void **state)
{
	(void)state;
	enum { MANY = 5000 };
	const char **names = g_new0(const char *, MANY);
	char *lengthy = g_strnfill(3000, 'v');
	for (int i = 0; i < MANY; i++)
		names[i] = lengthy;
	struct finding_record f = { .part = 6, .name_count = MANY, .names = names }, back;
	struct wire_writer w = { 0 };
	struct wire_reader r;
	size_t n;
	void *owner = talloc_new(NULL);
	finding_record_write(&w, &f);
	const void *data = wire_end(&w, &n);
	assert_true(n < FDPASS_RECORD_MAX);
	assert_true(wire_open(&r, data, n));
	assert_int_equal(finding_record_read(&r, owner, &back), 0);
	assert_true(back.name_count > 0);
	assert_int_equal(back.parts[0], 6);
	talloc_free(owner);
	wire_free(&w);
	g_free(lengthy);
	g_free(names);
}

static void test_opened(void **state)
{
	(void)state;
	struct wire_writer w = { 0 };
	struct opened o = { .outcome = OPENED_LIMIT, .part_count = 4, .undecipherable = 1, .mail_kept = 1, .hold = "too many files", .cpu_us = 5 };
	opened_write(&w, &o);
	check_record(&w);
	o.outcome = 0;
	opened_write(&w, &o);
	assert_int_equal(read_back(&w), -1);
}

static void test_unpack(void **state)
{
	(void)state;
	struct wire_writer w = { 0 };
	struct unpack_record u = { .decoder = 3, .part = 7, .password = "open sesame" };
	unpack_record_write(&w, &u);
	check_record(&w);
	u = (struct unpack_record){ .part = 1 };
	unpack_record_write(&w, &u);
	check_record(&w);
	char *lengthy = g_strnfill(WIRE_PASSWORD_MAX + 1, 'p');
	const struct unpack_record wrong[] = {
		{ .part = 0 }, { .part = WIRE_PARTS_MAX + 1 }, { .part = 1, .password = "line\nfeed" }, { .part = 1, .password = "\xc3\xa4" },
		{ .part = 1, .password = lengthy },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		unpack_record_write(&w, &wrong[i]);
		assert_int_equal(read_back(&w), -1);
	}
	g_free(lengthy);
}

static void test_unpacked(void **state)
{
	(void)state;
	struct wire_writer w = { 0 };
	struct unpacked_record u = { .outcome = UNPACKED_ENDED, .exit_code = 3, .cpu_us = 1234567 };
	unpacked_record_write(&w, &u);
	check_record(&w);
	u = (struct unpacked_record){ .outcome = UNPACKED_NOT_STARTED, .error = "there is no such program" };
	unpacked_record_write(&w, &u);
	check_record(&w);
	u.outcome = 0;
	unpacked_record_write(&w, &u);
	assert_int_equal(read_back(&w), -1);
	u.outcome = UNPACKED_ENVIRONMENT + 1;
	unpacked_record_write(&w, &u);
	assert_int_equal(read_back(&w), -1);
}

static void test_settings(void **state)
{
	(void)state;
	struct setting_pair pairs[] = { { "a", "1" }, { "b", NULL }, { "a", "2" }, { "c", "12x" }, { "d", "-7" }, { "e", "" } };
	struct settings_record s = { G_N_ELEMENTS(pairs), pairs };
	struct wire_writer w = { 0 };
	settings_record_write(&w, &s);
	check_record(&w);
	assert_string_equal(settings_record_get(&s, "a"), "1");
	assert_null(settings_record_get(&s, "b"));
	assert_null(settings_record_get(&s, "z"));
	assert_int_equal(settings_record_int(&s, "a", 9), 1);
	assert_int_equal(settings_record_int(&s, "c", 9), 9);
	assert_int_equal(settings_record_int(&s, "d", 9), -7);
	assert_int_equal(settings_record_int(&s, "e", 9), 9);
	assert_int_equal(settings_record_int(&s, "z", 9), 9);
}

static void test_texts(void **state)
{
	(void)state;
	static const enum record_kind kinds[] = { RECORD_CANCEL, RECORD_RETIRING, RECORD_OPENER_WANTED, RECORD_DONE, RECORD_EMPTIED, RECORD_UNPACK_STOP, RECORD_LISTENERS,
		RECORD_READY, RECORD_PROBLEM, RECORD_DRAIN, RECORD_IDLE, RECORD_DATABASE_CHANGED, RECORD_CONTROL, RECORD_ANSWER };
	struct wire_writer w = { 0 };
	for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
		text_record_write(&w, kinds[i], "two\nlines");
		check_record(&w);
		text_record_write(&w, kinds[i], NULL);
		assert_int_equal(read_back(&w), 0);
	}
	char *lengthy = g_strnfill(WIRE_TEXT_MAX + 100, 'x');
	text_record_write(&w, RECORD_ANSWER, lengthy);
	assert_int_equal(read_back(&w), 0);
	g_free(lengthy);
	text_record_write(&w, (enum record_kind)999, "x");
	assert_int_equal(read_back(&w), -1);
}

/* A reader given a record of another kind refuses it, whatever its fields. */
static void test_other_kind(void **state)
{
	(void)state;
	struct wire_writer w = { 0 };
	struct wire_reader r;
	struct token t;
	size_t n;
	text_record_write(&w, RECORD_READY, "1234");
	const void *data = wire_end(&w, &n);
	assert_true(wire_open(&r, data, n));
	assert_int_equal(token_read(&r, &t), -1);
	token_write(&w, &(struct token){ 0 });
	data = wire_end(&w, &n);
	assert_true(wire_open(&r, data, n));
	assert_null(text_record_read(&r, NULL));
	wire_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_token_and_job), cmocka_unit_test(test_log_id_is_bounded), cmocka_unit_test(test_envelope),
		cmocka_unit_test(test_big_envelope), cmocka_unit_test(test_committed), cmocka_unit_test(test_result),
		cmocka_unit_test(test_result_of_thousands), cmocka_unit_test(test_hello), cmocka_unit_test(test_open_order), cmocka_unit_test(test_keep),
		cmocka_unit_test(test_part), cmocka_unit_test(test_part_names_out_of_bounds), cmocka_unit_test(test_finding),
		cmocka_unit_test(test_finding_of_thousands), cmocka_unit_test(test_opened), cmocka_unit_test(test_unpack), cmocka_unit_test(test_unpacked), cmocka_unit_test(test_settings),
		cmocka_unit_test(test_texts), cmocka_unit_test(test_other_kind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
