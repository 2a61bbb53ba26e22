/* test_decode.c - the queue of decoders, with decoders that a test makes up: order, answers, limits, passwords, what is spared. */
#include "config.h"

#include <fcntl.h>
#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/deadline.h"
#include "opener/budget.h"
#include "opener/opener.h"
#include "plugin/inside.h"

/* The decoders of a test take zip: a part's bytes behind the first four say what to make of it. */
static const char head[] = "PK\5\6";

struct fixture {
	void *owner;
	char folder[64];
	int dir_fd;
	struct plugin_instance *instances[4];
	uint32_t numbers[4];
	struct open_order order;
	struct opener_tree tree;
	struct opened opened;
};

static struct fixture *now;
static unsigned asked_broken, asked_good;

static enum postern_result decode_broken(struct postern_call *call, const struct postern_part *part)
{
	asked_broken++;
	assert_string_equal(postern_part_type(part), "zip");
	assert_true(postern_child_begin(call, "half"));
	postern_child_attribute(call, 'U');
	assert_true(postern_child_end(call));
	assert_true(postern_child_begin(call, "locked"));
	postern_child_attribute(call, 'C');
	assert_true(postern_child_end(call));
	postern_part_attribute(call, 'C');
	return postern_fail(call, POSTERN_BROKEN, "not for me");
}

static enum postern_result decode_nothing(struct postern_call *call, const struct postern_part *part)
{
	(void)call;
	(void)part;
	return POSTERN_NOTHING;
}

/* One child that holds what is behind the head. */
static enum postern_result decode_good(struct postern_call *call, const struct postern_part *part)
{
	size_t n;
	const char *data = postern_part_data(call, part, &n);
	asked_good++;
	assert_non_null(data);
	if (!postern_child_begin(call, "child"))
		return POSTERN_LIMIT;
	postern_child_name(call, "other name");
	postern_child_mime_type(call, "Text/HTML");
	if (n > 4 && !postern_child_write(call, data + 4, n - 4))
		return POSTERN_LIMIT;
	return postern_child_end(call) ? POSTERN_OK : POSTERN_LIMIT;
}

/* A child that grows until it is told to stop; it does not mind. */
static enum postern_result decode_bomb(struct postern_call *call, const struct postern_part *part)
{
	static const char zeros[4096];
	(void)part;
	assert_true(postern_child_begin(call, "bomb"));
	while (postern_child_write(call, zeros, sizeof zeros))
		;
	return POSTERN_OK;
}

/* Neither reads nor writes. */
static enum postern_result decode_slow(struct postern_call *call, const struct postern_part *part)
{
	(void)part;
	while (postern_may_go_on(call))
		;
	return POSTERN_OK;
}

static enum postern_result decode_many(struct postern_call *call, const struct postern_part *part)
{
	(void)part;
	while (postern_child_begin(call, NULL) && postern_child_end(call))
		;
	return POSTERN_LIMIT;
}

static char passwords[400];

static enum postern_result decode_password(struct postern_call *call, const struct postern_part *part)
{
	const char *word;
	(void)part;
	passwords[0] = '\0';
	for (size_t i = 0; (word = postern_password(call, i)); i++) {
		g_strlcat(passwords, word, sizeof passwords);
		g_strlcat(passwords, " ", sizeof passwords);
	}
	postern_part_attribute(call, 'K');
	return POSTERN_OK;
}

#define DECODER(word, list) \
	static const struct postern_decoder_ops word##_ops = { .size = sizeof word##_ops, .types = list, .decode = decode_##word }; \
	static const struct postern_plugin word = { POSTERN_PLUGIN_HEAD, .name = #word, .version = "1", .doc = "A test's.", \
		.roles = POSTERN_DECODER, .capabilities = POSTERN_CAP_HOSTILE_PARSER, .decoder = &word##_ops };
DECODER(broken, "zip|kmz")
DECODER(nothing, "zip")
DECODER(good, "rar|zip")
DECODER(bomb, "zip")
DECODER(slow, "zip")
DECODER(many, "zip")
DECODER(password, "zip")

static int set_up(void **state)
{
	struct fixture *f = talloc_zero(NULL, struct fixture);
	strcpy(f->folder, "/tmp/test-decode-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->dir_fd = open(f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->order = (struct open_order){ .log_id = "test", .decoders = f->numbers, .digest = "SHA1" };
	asked_broken = asked_good = 0;
	*state = now = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(scratch_empty(f->dir_fd), 0);
	close(f->dir_fd);
	assert_int_equal(rmdir(f->folder), 0);
	talloc_free(f);
	return 0;
}

static void use(struct fixture *f, const struct postern_plugin *plugin)
{
	struct error e = { 0 };
	struct plugin_instance *i = plugin_instance_from_pairs(f, plugin, NULL, NULL, 0, &e);
	assert_non_null(i);
	f->instances[f->order.decoder_count] = i;
	f->numbers[f->order.decoder_count] = f->order.decoder_count;
	f->order.decoder_count++;
}

static void open_text(struct fixture *f, const char *mail, size_t n)
{
	int mail_fd = memfd_create("mail", MFD_CLOEXEC);
	struct opener_job job = { .order = &f->order, .mail_fd = mail_fd, .dir_fd = f->dir_fd, .instances = f->instances, .instance_count = 4 };
	assert_int_equal(write(mail_fd, mail, n), n);
	f->order.size_bytes = n;
	opener_take_apart(&job, &f->tree, &f->opened, f);
	close(mail_fd);
}

/* A mail with a text and what a test's decoder takes for a zip archive. */
static void open_zip(struct fixture *f, const char *content)
{
	GString *mail = g_string_new("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"
		"Hello, the password is: \"sesame\". Yours, Ali\r\n--b\r\nContent-Type: application/zip; name=a.zip\r\n\r\n");
	g_string_append(mail, head);
	g_string_append(mail, content);
	g_string_append(mail, "\r\n--b--\r\n");
	open_text(f, mail->str, mail->len);
	g_string_free(mail, TRUE);
}

static const struct part *at(const struct fixture *f, const char *placement)
{
	for (unsigned i = 0; i < f->tree.count; i++)
		if (strcmp(f->tree.parts[i].placement, placement) == 0)
			return &f->tree.parts[i];
	fail_msg("no part %s among %u", placement, f->tree.count);
	return NULL;
}

static void test_child(void **state)
{
	struct fixture *f = *state;
	use(f, &good);
	open_zip(f, "content");
	const struct part *archive = at(f, "1/2"), *child = at(f, "1/2/1");
	assert_int_equal(f->opened.outcome, OPENED_OK);
	assert_string_equal(archive->decoder, "good");
	assert_int_equal(archive->attributes, PART_SPARED);
	assert_int_equal(f->opened.spared_count, 1);
	assert_int_equal(child->name_count, 2);
	assert_string_equal(child->names[1], "other name");
	assert_string_equal(child->mime_type, "text/html");
	assert_string_equal(child->type_short, "txt");
	assert_string_equal(child->digest, "040f06fd774092478d450774f5ba30c5da78acc8");
	assert_int_equal(child->size_bytes, 7);
	assert_true(child->has_file);
}

/* A child of a type that a decoder takes is opened in turn, a mail goes back to the MIME walker. */
static void test_recursion(void **state)
{
	struct fixture *f = *state;
	use(f, &good);
	open_zip(f, "PK\5\6MIME-Version: 1.0\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\ninner\r\n--c--\r\n");
	assert_int_equal(asked_good, 2);
	assert_string_equal(at(f, "1/2/1/1")->type_short, "mail");
	assert_int_equal(at(f, "1/2/1/1/1/1")->size_bytes, 5);
}

static void test_depth(void **state)
{
	struct fixture *f = *state;
	use(f, &good);
	f->order.max_levels = 3;
	open_zip(f, "PK\5\6PK\5\6PK\5\6PK\5\6PK\5\6 deep");
	assert_int_equal(f->opened.outcome, OPENED_LIMIT);
	assert_string_equal(f->opened.hold, "Maximum decoding depth (3) exceeded");
	assert_int_equal(asked_good, 2);
	assert_false(at(f, "1/2/1/1")->attributes & PART_SPARED);
}

static void test_next_after_broken(void **state)
{
	struct fixture *f = *state;
	use(f, &nothing);
	use(f, &broken);
	use(f, &good);
	open_zip(f, "content");
	assert_int_equal(asked_broken, 1);
	assert_int_equal(asked_good, 1);
	assert_string_equal(at(f, "1/2")->decoder, "good");
	assert_false(f->opened.undecipherable || f->opened.crypted);	/* what the first complained of is no more */
	assert_int_equal(at(f, "1/2/2")->attributes, PART_KEY_FOUND);
	assert_int_equal(at(f, "1/2/3")->size_bytes, 7);
}

static void test_nobody(void **state)
{
	struct fixture *f = *state;
	use(f, &broken);
	use(f, &nothing);
	open_zip(f, "content");
	assert_true(f->opened.undecipherable && f->opened.crypted);
	assert_int_equal(at(f, "1/2")->attributes, PART_UNDECODABLE | PART_CRYPTED);
	assert_string_equal(at(f, "1/2")->note, "broken: not for me");
	assert_null(at(f, "1/2")->decoder);
}

/* A container that no decoder takes is not understood, unless nothing is to be opened at all. */
static void test_no_decoder_for_type(void **state)
{
	static const char arc[] = "Content-Type: a/b\r\n\r\nRar!\x1a\x07\0 whatever";
	struct fixture *f = *state;
	open_text(f, arc, sizeof arc - 1);
	assert_false(f->opened.undecipherable);
	use(f, &broken);
	assert_int_equal(scratch_empty(f->dir_fd), 0);
	open_text(f, arc, sizeof arc - 1);
	assert_true(f->opened.undecipherable);
	assert_string_equal(at(f, "1")->note, "no decoder takes this type");
}

static void test_quota(void **state)
{
	struct fixture *f = *state;
	use(f, &bomb);
	f->order.quota_bytes = 1 << 20;
	open_zip(f, "x");
	assert_int_equal(f->opened.outcome, OPENED_LIMIT);
	assert_non_null(strstr(f->opened.hold, "storage quota 1048576"));
	const struct part *child = at(f, "1/2/1");
	assert_true(child->has_file && child->attributes & PART_UNDECODABLE);
	assert_in_range(child->size_bytes, (1 << 20) - 8192, 1 << 20);
	assert_false(at(f, "1/2")->attributes & PART_SPARED);
}

static void test_files(void **state)
{
	struct fixture *f = *state;
	use(f, &many);
	f->order.max_files = 50;
	open_zip(f, "x");
	assert_int_equal(f->opened.outcome, OPENED_LIMIT);
	assert_string_equal(f->opened.hold, "Maximum number of files (50) exceeded");
	assert_int_equal(f->tree.count, 50);
}

static void assert_out_of_time(struct fixture *f, const char *hold)
{
	use(f, &slow);
	use(f, &good);
	open_zip(f, "x");
	assert_int_equal(f->opened.outcome, OPENED_LIMIT);
	assert_string_equal(f->opened.hold, hold);
}

static void test_time_of_decoder(void **state)
{
	((struct fixture *)*state)->order.decoder_ms = 30;
	assert_out_of_time(*state, "slow: out of time while decoding");
}

static void test_cpu_of_decoder(void **state)
{
	((struct fixture *)*state)->order.decoder_cpu_ms = 30;
	assert_out_of_time(*state, "slow: used too much CPU time while decoding");
}

static void test_time_of_all(void **state)
{
	((struct fixture *)*state)->order.decoding_ms = 30;
	assert_out_of_time(*state, "slow: out of time while decoding");
}

static void test_budget_of_all(void **state)
{
	struct fixture *f = *state;
	struct budget b;
	f->order.decoding_cpu_ms = 1;
	budget_begin(&b, &f->order, f);
	assert_true(budget_decoder_begin(&b));
	while (budget_decoder_may_go_on(&b, "x"))
		;
	budget_decoder_end(&b);
	assert_false(b.stopped);
	assert_false(budget_decoder_begin(&b));
	assert_true(b.stopped);
}

static void test_passwords(void **state)
{
	struct fixture *f = *state;
	use(f, &password);
	open_zip(f, "x");
	assert_string_equal(passwords, "");		/* none allowed */
	f->order.password_words = 4;
	assert_int_equal(scratch_empty(f->dir_fd), 0);
	open_zip(f, "x");
	assert_string_equal(passwords, "\"sesame\". sesame is: Yours, ");
	assert_int_equal(at(f, "1/2")->attributes, PART_KEY_FOUND | PART_SPARED);
	f->order.password_words = 20;
	assert_int_equal(scratch_empty(f->dir_fd), 0);
	open_zip(f, "x");
	assert_non_null(strstr(passwords, " infected "));
	assert_non_null(strstr(passwords, " Hello"));
}

int main(void)
{
	struct error e;
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(test_child), TEST(test_recursion), TEST(test_depth), TEST(test_next_after_broken), TEST(test_nobody), TEST(test_no_decoder_for_type),
		TEST(test_quota), TEST(test_files), TEST(test_time_of_decoder), TEST(test_cpu_of_decoder), TEST(test_time_of_all),
		TEST(test_budget_of_all), TEST(test_passwords),
	};
	if (opener_preload(&e) != 0)
		print_message("# %s\n", e.text);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
