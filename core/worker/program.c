/* program.c - lays a part before a program and starts it through the launcher, which jails it (core/unpack/).
 *
 *     unpack/in/part.arj      the part, by another name: the program may read it
 *     unpack/out/files/       where it stands; empty, and the only place where it may write
 *     unpack/out/said         its words;  unpack/out/content  its standard output where that is what comes out
 *
 * In the opener's scratch folder, and the opener's to remove. */
#include "config.h"

#include "worker/program.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "base/spawn.h"
#include "plugin/call.h"

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define FOLDER_MODE 0700
#define FILE_MODE 0600
#define LOOK_EVERY_MS 10		/* without pidfd */
#define CPU_NEARLY(us) ((us) / 2)	/* the kernel counts ticks for the limit, and time for what was used */

/* The descriptors of a run, in the order in which the launcher has them. */
enum { STDIN, STDOUT, STDERR, FILES, SOURCE, REPORT, FD_COUNT };

struct run {
	const struct program_job *job;
	struct postern_program program;
	void *owner;
	int fds[FD_COUNT];
	int report_fd;			/* our end */
	pid_t pid;
	int pidfd;
	const char *stopped;		/* why we ended it */
};

/* --- laying it out --- */

static int make_folder(int at_fd, const char *name)
{
	return mkdirat(at_fd, name, FOLDER_MODE) == 0 ? openat(at_fd, name, DIR_FLAGS) : -1;
}

static int make_file(int at_fd, const char *name)
{
	return openat(at_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
}

/* A second name for the part's file, with the suffix that the program wants to see. */
static int lay_part(struct run *r, int source_fd)
{
	char part[16], name[32];
	struct stat st;
	snprintf(part, sizeof part, "p%03" PRIu32, r->job->part);
	snprintf(name, sizeof name, "part%.15s", r->program.suffix);
	if (linkat(r->job->scratch_fd, part, source_fd, name, 0) != 0)
		return -1;
	int fd = openat(source_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	if (fd >= 0)
		close(fd);
	errno = EINVAL;
	return -1;
}

static bool names_part(const struct postern_program *p)
{
	for (size_t i = 1; p->argv[i]; i++)
		if (strstr(p->argv[i], "{}"))
			return true;
	return false;
}

static int lay_out_in(struct run *r, int folder_fd)
{
	int out_fd = make_folder(folder_fd, "out");
	r->fds[SOURCE] = make_folder(folder_fd, "in");
	if (out_fd < 0 || r->fds[SOURCE] < 0) {
		if (out_fd >= 0)
			close(out_fd);
		return -1;
	}
	r->fds[STDIN] = lay_part(r, r->fds[SOURCE]);
	r->fds[FILES] = make_folder(out_fd, "files");
	r->fds[STDERR] = make_file(out_fd, "said");
	r->fds[STDOUT] = r->program.output_is_content ? make_file(out_fd, "content") : fcntl(r->fds[STDERR], F_DUPFD_CLOEXEC, 0);
	close(out_fd);
	for (int i = STDIN; i <= SOURCE; i++)
		if (r->fds[i] < 0)
			return -1;
	if (names_part(&r->program)) {
		close(r->fds[STDIN]);
		r->fds[STDIN] = -1;	/* /dev/null */
	}
	return 0;
}

static int lay_out(struct run *r)
{
	int folder_fd = make_folder(r->job->scratch_fd, WIRE_UNPACK_FOLDER);
	int pipe_fds[2];
	if (folder_fd < 0)
		return -1;
	int rc = lay_out_in(r, folder_fd), errnum = errno;
	close(folder_fd);
	errno = errnum;
	if (rc != 0 || pipe2(pipe_fds, O_CLOEXEC) != 0)
		return -1;
	r->report_fd = pipe_fds[0];
	r->fds[REPORT] = pipe_fds[1];
	return fcntl(r->report_fd, F_SETFL, O_NONBLOCK);
}

static void close_fds(struct run *r)
{
	for (int i = 0; i < FD_COUNT; i++) {
		if (r->fds[i] >= 0)
			close(r->fds[i]);
		r->fds[i] = -1;
	}
}

/* --- starting it --- */

/* Every "{}" in a word becomes the part, as it is seen from where the program stands. */
static const char *put_part(void *owner, const char *word, const char *path)
{
	const char *hole = strstr(word, "{}");
	if (!hole)
		return word;
	return talloc_asprintf(owner, "%.*s%s%s", (int)(hole - word), word, path, put_part(owner, hole + 2, path));
}

static void add_word(void *owner, const char ***words, const char *word)
{
	size_t n = talloc_array_length(*words);
	*words = talloc_realloc(owner, *words, const char *, n + 1);
	(*words)[n] = word;
}

static void add_number(void *owner, const char ***words, const char *name, uint64_t value)
{
	add_word(owner, words, talloc_asprintf(owner, "%s=%" PRIu64, name, value));
}

static const char *const *launcher_words(struct run *r)
{
	const struct postern_program *p = &r->program;
	void *o = r->owner;
	const char **words = talloc_array(o, const char *, 0);
	const char *path = talloc_asprintf(o, "../../in/part%s", p->suffix);
	add_word(o, &words, "postern-unpack");
	add_number(o, &words, "worker", (uint64_t)getpid());
	add_number(o, &words, "memory", (uint64_t)p->memory_bytes);
	add_number(o, &words, "file", r->job->file_max_bytes);
	add_number(o, &words, "cpu", ((uint64_t)r->job->cpu_ms + 999) / 1000);
	add_number(o, &words, "threads", p->threads > 0 ? (uint64_t)p->threads : 0);
	for (size_t i = 0; p->reads && p->reads[i]; i++)
		add_word(o, &words, talloc_asprintf(o, "read=%s", p->reads[i]));
	add_word(o, &words, "--");
	add_word(o, &words, p->argv[0]);
	for (size_t i = 1; p->argv[i]; i++)
		add_word(o, &words, put_part(o, p->argv[i], path));
	add_word(o, &words, NULL);
	return words;
}

/* --- waiting for its end --- */

/* What the opener says meanwhile: only that it is enough. 0 or -1. */
static int hear_opener(struct run *r, struct error *e)
{
	char bytes[64];
	struct wire_reader reader;
	ssize_t n = fdpass_receive(r->job->opener_fd, bytes, sizeof bytes, NULL, NULL, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return error_set(e, ERROR_INPUT, "opener: it ended while a program ran for it");
	if (!wire_open(&reader, bytes, (size_t)n) || reader.kind != RECORD_UNPACK_STOP)
		return error_set(e, ERROR_INPUT, "opener: it said something that cannot be while a program ran for it");
	r->stopped = "it was ended: over a limit";
	return 0;
}

static int wait_once(struct run *r, struct error *e)
{
	struct deadline d = r->job->deadline;
	struct pollfd p[3] = {
		{ .fd = r->pidfd, .events = POLLIN }, { .fd = r->job->opener_fd, .events = POLLIN }, { .fd = d.cancel_fd, .events = POLLIN },
	};
	if (deadline_left_ms(d) == 0) {
		r->stopped = "it did not end in time";
		return 0;
	}
	if (poll(p, 3, deadline_left_ms(r->pidfd >= 0 ? d : deadline_sooner(d, LOOK_EVERY_MS))) < 0 && errno != EINTR)
		return error_set_errno(e, "wait for a program");
	if (p[2].revents)
		return error_set(e, ERROR_CANCELLED, "the client has gone");
	return p[1].revents ? hear_opener(r, e) : 0;
}

static int wait_for_end(struct run *r, struct error *e)
{
	while (!r->stopped && !spawn_has_ended(r->pid))
		if (wait_once(r, e) != 0)
			return -1;
	return 0;
}

/* --- the answer --- */

static bool is_of_machine(int problem)
{
	return problem == ENOSPC || problem == EDQUOT || problem == EMFILE || problem == ENFILE || problem == ENOMEM || problem == EAGAIN;
}

static int not_started(void *owner, struct unpacked_record *out, const char *what)
{
	int problem = errno;
	*out = (struct unpacked_record){
		.outcome = is_of_machine(problem) ? UNPACKED_ENVIRONMENT : UNPACKED_NOT_STARTED,
		.error = talloc_asprintf(owner, "%s: %s", what, strerrordesc_np(problem)),
	};
	return 0;
}

static const char *read_report(struct run *r)
{
	char text[1000];
	ssize_t n = read(r->report_fd, text, sizeof text);
	return n > 0 ? talloc_strndup(r->owner, text, (size_t)n) : NULL;
}

/* A signal that a limit sent says the limit. */
static const char *limit_of(const struct run *r, const struct unpacked_record *u)
{
	if (r->stopped)
		return r->stopped;
	if (u->signal == SIGXFSZ)
		return "it wrote a file larger than all of the mail may become";
	bool spent = r->job->cpu_ms > 0 && u->cpu_us >= CPU_NEARLY((uint64_t)r->job->cpu_ms * 1000);
	return (u->signal == SIGXCPU || u->signal == SIGKILL) && spent ? "it used too much processor time" : NULL;
}

static void say(struct run *r, int exit_code, int signal, struct unpacked_record *out)
{
	const char *report = read_report(r), *limit;
	out->exit_code = exit_code < 0 ? 0 : (uint32_t)exit_code;
	out->signal = (uint32_t)signal;
	limit = limit_of(r, out);
	out->outcome = limit ? UNPACKED_STOPPED : UNPACKED_ENDED;
	out->error = limit;
	if (report) {
		out->outcome = UNPACKED_NOT_STARTED;
		out->error = report;
	}
}

static int run_started(struct run *r, struct unpacked_record *out, struct error *e)
{
	int exit_code = -1, signal = 0;
	close_fds(r);
	r->pidfd = spawn_watch_fd(r->pid);
	int rc = wait_for_end(r, e);
	if (spawn_finish(r->pid, &exit_code, &signal, &out->cpu_us) != 0 && rc == 0)
		rc = error_set_errno(e, "wait for a program");
	if (rc == 0)
		say(r, exit_code, signal, out);
	if (r->pidfd >= 0)
		close(r->pidfd);
	return rc;
}

static int run(struct run *r, struct unpacked_record *out, struct error *e)
{
	struct plugin_outcome outcome;
	plugin_program(r->job->instance, r->job->password[0] ? r->job->password : NULL, r->owner, &r->program, &outcome);
	if (outcome.result != POSTERN_OK) {
		*out = (struct unpacked_record){ .outcome = UNPACKED_NOT_STARTED, .error = outcome.error };
		return 0;
	}
	if (lay_out(r) != 0)
		return not_started(r->owner, out, "lay the part before a program");
	if (spawn_start(r->job->launcher, launcher_words(r), r->fds, FD_COUNT, "/", &r->pid) != 0)
		return not_started(r->owner, out, r->job->launcher);
	return run_started(r, out, e);
}

int program_run_job(const struct program_job *j, void *owner, struct unpacked_record *out, struct error *e)
{
	struct run r = { .job = j, .owner = owner, .fds = { -1, -1, -1, -1, -1, -1 }, .report_fd = -1, .pidfd = -1 };
	*out = (struct unpacked_record){ 0 };
	int rc = run(&r, out, e);
	close_fds(&r);
	if (r.report_fd >= 0)
		close(r.report_fd);
	return rc;
}
