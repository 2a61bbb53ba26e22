/* test_program.c - the worker's side of programs that take parts apart: what it lays out, and openers that lie, before and while one runs.
 *
 * The program is tests/scenario/unpack_probe, which does what the part says. */
#include "config.h"

#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fdpass.h"
#include "config/config.h"
#include "opener/opener.h"
#include "plugin/inside.h"
#include "worker/open.h"
#include "worker/program.h"

struct fixture {
	char folder[64];
	int scratch_fd;
	int pair[2];			/* [0] the worker's end, [1] the opener's */
	struct plugin_instance *instance;
	struct program_job job;
	struct unpacked_record out;
	struct error e;
};

static const char *program = "", *suffix = ".arj", *const *reads;
static char probe[4096], launcher[4096];

static enum postern_result say_program(struct postern_call *call, const char *password, struct postern_program *out)
{
	const char **argv = postern_alloc(call, 4 * sizeof *argv);
	argv[0] = program;
	argv[1] = "{}";
	argv[2] = password;
	*out = (struct postern_program){ .argv = argv, .suffix = suffix, .reads = reads };
	return POSTERN_OK;
}

static const struct postern_decoder_ops ops = { .size = sizeof ops, .types = "arj", .program = say_program };
static const struct postern_plugin plugin = {
	POSTERN_PLUGIN_HEAD, .name = "tried", .roles = POSTERN_DECODER, .capabilities = POSTERN_CAP_HOSTILE_PARSER, .decoder = &ops,
};

static void no_complaint(void *context, const char *path, const char *text)
{
	(void)context;
	fail_msg("%s: %s", path, text);
}

static void write_part(const struct fixture *f, const char *name, const char *word)
{
	int fd = openat(f->scratch_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0640);
	assert_true(fd >= 0);
	dprintf(fd, "a part\n%s\n", word);
	close(fd);
}

static int set_up(void **state)
{
	struct fixture *f = talloc_zero(NULL, struct fixture);
	const char *build = getenv("POSTERN_BUILD");
	snprintf(probe, sizeof probe, "%s/tests/scenario/unpack_probe", build ? build : ".");
	snprintf(launcher, sizeof launcher, "%s/postern-unpack", build ? build : ".");
	strcpy(f->folder, "/tmp/test-program-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->scratch_fd = open(f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fdpass_pair(f->pair), 0);
	f->instance = plugin_instance_new(f, &plugin, &value_undef, no_complaint, NULL);
	program = probe;
	suffix = ".arj";
	f->job = (struct program_job){
		.instance = f->instance, .part = 1, .password = "", .scratch_fd = f->scratch_fd, .opener_fd = f->pair[0], .launcher = launcher,
		.deadline = deadline_in(20000), .file_max_bytes = 1 << 20, .cpu_ms = 5000,
	};
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(scratch_empty(f->scratch_fd), 0);
	assert_int_equal(rmdir(f->folder), 0);
	close(f->scratch_fd);
	for (int i = 0; i < 2; i++)
		if (f->pair[i] >= 0)
			close(f->pair[i]);
	talloc_free(f);
	return 0;
}

static int run(struct fixture *f, const char *word)
{
	write_part(f, "p001", word);
	return program_run_job(&f->job, f, &f->out, &f->e);
}

static bool made(const struct fixture *f, const char *name)
{
	char path[256];
	snprintf(path, sizeof path, WIRE_UNPACK_FOLDER "/out/files/%s", name);
	return faccessat(f->scratch_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void test_lays_out_and_runs(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	assert_int_equal(run(f, "words"), 0);
	assert_int_equal(f->out.outcome, UNPACKED_ENDED);
	assert_int_equal(f->out.exit_code, 0);
	assert_null(f->out.error);
	assert_true(made(f, "words"));
	assert_int_equal(fstatat(f->scratch_fd, WIRE_UNPACK_FOLDER "/in/part.arj", &st, 0), 0);
	assert_int_equal(fstatat(f->scratch_fd, WIRE_UNPACK_FOLDER "/out/said", &st, 0), 0);
	assert_int_equal(st.st_size, 6);
}

static void test_endings(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(run(f, "abort"), 0);
	assert_int_equal(f->out.outcome, UNPACKED_ENDED);
	assert_int_equal(f->out.signal, SIGABRT);
}

static void test_password_is_one_word(void **state)
{
	struct fixture *f = *state;
	f->job.password = "-popensesame";
	assert_int_equal(run(f, "locked"), 0);
	assert_int_equal(f->out.exit_code, 0);
}

static void assert_not_started(struct fixture *f, const char *why)
{
	assert_int_equal(run(f, "words"), 0);
	assert_int_equal(f->out.outcome, UNPACKED_NOT_STARTED);
	if (!f->out.error || !strstr(f->out.error, why))
		fail_msg("%s lacks \"%s\"", f->out.error ? f->out.error : "(nothing)", why);
}

static void test_not_started(void **state)
{
	struct fixture *f = *state;
	program = "/nonexistent/program";
	assert_not_started(f, "no such program");
	program = probe;
	suffix = "/../../x";
	assert_not_started(f, "suffix");
}

static void test_launcher_is_missing(void **state)
{
	struct fixture *f = *state;
	f->job.launcher = "/nonexistent/postern-unpack";
	assert_not_started(f, "/nonexistent/postern-unpack");
}

/* What lies there was made by an opener that may have been taken over. */
static void test_scratch_folder_is_hostile(void **state)
{
	struct fixture *f = *state;
	f->job.part = 2;
	assert_not_started(f, "lay the part");	/* no such part */
	assert_int_equal(scratch_empty(f->scratch_fd), 0);
	assert_int_equal(symlinkat("/etc/passwd", f->scratch_fd, "p002"), 0);
	assert_not_started(f, "lay the part");
	assert_int_equal(scratch_empty(f->scratch_fd), 0);
	assert_int_equal(mkfifoat(f->scratch_fd, "p002", 0600), 0);
	assert_not_started(f, "lay the part");
	assert_int_equal(scratch_empty(f->scratch_fd), 0);
	write_part(f, "p002", "words");
	assert_int_equal(symlinkat("/tmp", f->scratch_fd, WIRE_UNPACK_FOLDER), 0);
	assert_not_started(f, "lay the part");
}

/* --- openers, while a program runs --- */

struct speaker { struct fixture *f; enum record_kind kind; };

static void *speak(void *context)
{
	struct speaker *s = context;
	struct wire_writer w = { 0 };
	size_t n;
	for (int i = 0; i < 2000 && !made(s->f, "begun"); i++)
		usleep(5000);
	if (s->kind == 0) {
		close(s->f->pair[1]);
		s->f->pair[1] = -1;
		return NULL;
	}
	text_record_write(&w, s->kind, "");
	const void *data = wire_end(&w, &n);
	fdpass_send(s->f->pair[1], data, n, NULL, 0, 0);
	wire_free(&w);
	return NULL;
}

/* kind 0: hangs up. */
static int run_while_it_says(struct fixture *f, enum record_kind kind)
{
	pthread_t thread;
	struct speaker s = { f, kind };
	write_part(f, "p001", "wait");
	assert_int_equal(pthread_create(&thread, NULL, speak, &s), 0);
	int rc = program_run_job(&f->job, f, &f->out, &f->e);
	pthread_join(thread, NULL);
	return rc;
}

static void test_opener_stops_it(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(run_while_it_says(f, RECORD_UNPACK_STOP), 0);
	assert_int_equal(f->out.outcome, UNPACKED_STOPPED);
}

static void test_opener_talks_nonsense(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(run_while_it_says(f, RECORD_DONE), -1);
	assert_int_equal(f->e.class, ERROR_INPUT);
}

static void test_opener_hangs_up(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(run_while_it_says(f, 0), -1);
	assert_int_equal(f->e.class, ERROR_INPUT);
}

static void test_time_is_over(void **state)
{
	struct fixture *f = *state;
	f->job.deadline = deadline_in(200);
	assert_int_equal(run(f, "wait"), 0);
	assert_int_equal(f->out.outcome, UNPACKED_STOPPED);
	assert_string_equal(f->out.error, "it did not end in time");
}

/* --- openers that ask for what cannot be: a whole mail, this test being template and opener --- */

struct asking { int template_fd; struct unpack_record ask; bool twice_opened; };

static void send_text(int fd, struct wire_writer *w)
{
	size_t n;
	const void *data = wire_end(w, &n);
	fdpass_send(fd, data, n, NULL, 0, 0);
}

static void *be_opener(void *context)
{
	struct asking *a = context;
	static char buffer[FDPASS_RECORD_MAX];
	struct wire_writer w = { 0 };
	int fds[FDPASS_MAX], count = FDPASS_MAX;
	if (fdpass_receive(a->template_fd, buffer, sizeof buffer, fds, &count, 0) <= 0 || count != 1)
		return NULL;
	int worker_fd = fds[0], folder_fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	size_t n;
	hello_write(&w, &(struct hello){ .pid = 1, .scratch = "opener-00000000" });
	const void *data = wire_end(&w, &n);
	fdpass_send(worker_fd, data, n, &folder_fd, 1, 0);
	close(folder_fd);
	count = FDPASS_MAX;
	if (fdpass_receive(worker_fd, buffer, sizeof buffer, fds, &count, 0) > 0)
		fdpass_close_all(fds, count);
	if (a->twice_opened) {
		part_record_write(&w, &(struct part_record){ .number = 1, .index_in_parent = 1, .type_short = "txt", .type_full = "text" });
		send_text(worker_fd, &w);
	}
	unpack_record_write(&w, &a->ask);
	send_text(worker_fd, &w);
	fdpass_receive(worker_fd, buffer, sizeof buffer, NULL, NULL, 0);	/* until it hangs up */
	close(worker_fd);
	wire_free(&w);
	return NULL;
}

static void assert_refused(struct fixture *f, struct asking a)
{
	int templates[2];
	pthread_t thread;
	struct open_result result;
	struct policy policy;
	GPtrArray *problems;
	struct config_options options = { .file = "/dev/null", .embedded = config_embedded_default };
	struct config *config = config_load(&options, &problems);
	policy_init(&policy, config);
	assert_int_equal(fdpass_pair(templates), 0);
	f->instance->number = 1;
	struct plugin_instance *instances[] = { NULL, f->instance, f->instance };
	struct worker_setup setup = { .instances = instances, .instance_count = 3, .shared = shared_private(), .openers_fd = templates[0],
		.temp_base = f->folder, .launcher = launcher };
	const struct plugin_instance *decoders[] = { f->instance };
	struct open_request request = { .decoders = decoders, .decoder_count = 1, .policy = &policy };
	struct mail *m = talloc_zero(f, struct mail);
	m->magic = MAIL_MAGIC;
	m->log_id = "1-01";
	m->fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	m->deadline = deadline_in(20000);
	m->started_ms = clock_now_ms();
	a.template_fd = templates[1];
	assert_int_equal(pthread_create(&thread, NULL, be_opener, &a), 0);
	struct opener_link *link = opener_link_new(f, &setup);
	assert_int_equal(open_mail(link, m, &request, &result, &f->e), -1);
	assert_int_equal(f->e.class, ERROR_INPUT);
	assert_int_equal(opener_link_fd(link), -1);	/* it is given up */
	pthread_join(thread, NULL);
	close(m->fd);
	close(templates[0]);
	close(templates[1]);
	g_ptr_array_unref(problems);
	talloc_free(config);
}

static void test_opener_asks_for_what_cannot_be(void **state)
{
	struct fixture *f = *state;
	assert_refused(f, (struct asking){ .ask = { .decoder = 2, .part = 1 } });	/* not among those that it was given */
	assert_refused(f, (struct asking){ .ask = { .decoder = 4000000000u, .part = 1 } });
	assert_refused(f, (struct asking){ .ask = { .decoder = 1, .part = 0 } });
	assert_refused(f, (struct asking){ .ask = { .decoder = 1, .part = 1, .password = "a\nb" } });
	assert_refused(f, (struct asking){ .ask = { .decoder = 1, .part = 1 }, .twice_opened = true });	/* it has told parts already */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lays_out_and_runs), TEST(test_endings), TEST(test_password_is_one_word), TEST(test_not_started), TEST(test_launcher_is_missing),
		TEST(test_scratch_folder_is_hostile), TEST(test_opener_stops_it), TEST(test_opener_talks_nonsense), TEST(test_opener_hangs_up),
		TEST(test_time_is_over), TEST(test_opener_asks_for_what_cannot_be),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
