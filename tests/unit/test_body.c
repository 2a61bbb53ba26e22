/* test_body.c - the moment of no return: a cancel counts until the block with the dot is sent, and not after. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <talloc.h>
#include <unistd.h>

#include <cmocka.h>

#include "deliver/body.h"

#define MAIL_SIZE 60000		/* one block */

struct setting {
	struct connection *connection;
	struct edit_stream *stream;
	char *blocks[2];
	int server, mail, cancel[2];
	size_t heard;
};

static int set_up(void **state)
{
	struct setting *s = talloc_zero(NULL, struct setting);
	int pair[2], small = 4096;
	char *mail = talloc_zero_size(s, MAIL_SIZE);

	memset(mail, 'x', MAIL_SIZE);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
	assert_int_equal(pipe(s->cancel), 0);
	s->mail = memfd_create("mail", MFD_CLOEXEC);
	assert_int_equal(write(s->mail, mail, MAIL_SIZE), MAIL_SIZE);
	s->connection = talloc_zero(s, struct connection);
	s->connection->fd = pair[0];
	s->server = pair[1];
	s->stream = edit_stream_open(s, s->mail, MAIL_SIZE, NULL, NULL, EDIT_CRLF, true);
	for (int i = 0; i < 2; i++)
		s->blocks[i] = talloc_size(s, BODY_BLOCK);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct setting *s = *state;

	close(s->connection->fd);
	close(s->server);
	close(s->mail);
	close(s->cancel[0]);
	close(s->cancel[1]);
	talloc_free(s);
	return 0;
}

static struct deadline cancellable(const struct setting *s)
{
	struct deadline d = deadline_in(10000);

	d.cancel_fd = s->cancel[0];
	return d;
}

static void test_cancel_before_the_last_block(void **state)
{
	struct setting *s = *state;
	char nothing;

	assert_int_equal(write(s->cancel[1], "x", 1), 1);
	assert_int_equal(body_send(s->connection, s->stream, s->blocks, cancellable(s)), BODY_FAILED);
	assert_int_equal(errno, ECANCELED);
	assert_int_equal(recv(s->server, &nothing, 1, MSG_DONTWAIT), -1);
}

static void test_no_time_before_the_last_block(void **state)
{
	struct setting *s = *state;
	char nothing;

	assert_int_equal(body_send(s->connection, s->stream, s->blocks, (struct deadline){ 1, -1 }), BODY_FAILED);
	assert_int_equal(errno, ETIMEDOUT);
	assert_int_equal(recv(s->server, &nothing, 1, MSG_DONTWAIT), -1);
}

/* The first bytes show that the last block is on its way; then comes the cancel, then the rest is read. */
static void *cancel_and_read(void *context)
{
	struct setting *s = context;
	char piece[4096];

	while (s->heard < MAIL_SIZE + 5) {
		ssize_t n = recv(s->server, piece, sizeof piece, 0);

		if (n <= 0)
			break;
		if (s->heard == 0 && write(s->cancel[1], "x", 1) != 1)
			break;
		if (s->heard == 0)
			usleep(20000);
		s->heard += (size_t)n;
	}
	return NULL;
}

static void test_cancel_within_the_last_block(void **state)
{
	struct setting *s = *state;
	pthread_t reader;

	assert_int_equal(pthread_create(&reader, NULL, cancel_and_read, s), 0);
	assert_int_equal(body_send(s->connection, s->stream, s->blocks, cancellable(s)), BODY_SENT);
	pthread_join(reader, NULL);
	assert_int_equal(s->heard, MAIL_SIZE + 5);
}

static void test_server_speaks_first(void **state)
{
	struct setting *s = *state;

	assert_int_equal(write(s->server, "250 2.0.0 Ok\r\n", 14), 14);
	assert_int_equal(body_send(s->connection, s->stream, s->blocks, cancellable(s)), BODY_EARLY_REPLY);
}

static void test_unreadable_mail(void **state)
{
	struct setting *s = *state;

	assert_int_equal(ftruncate(s->mail, 10), 0);
	assert_int_equal(body_send(s->connection, s->stream, s->blocks, cancellable(s)), BODY_UNREADABLE);
}

#define BODY_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BODY_TEST(test_cancel_before_the_last_block), BODY_TEST(test_no_time_before_the_last_block),
		BODY_TEST(test_cancel_within_the_last_block), BODY_TEST(test_server_speaks_first), BODY_TEST(test_unreadable_mail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
