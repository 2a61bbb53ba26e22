/* spawn.c - runs another program to its end under a deadline and keeps what it printed.
 *
 * Threads of the process may do the same at the same moment, so there is no
 * signal handler and no waiting for "any" child: each program is watched
 * through its own pidfd (or asked after, where the kernel has none). */
#include "config.h"
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
#define ASK_EVERY_MS 10		/* without pidfd */
#define READ_BYTES 16384

struct run {
	pid_t pid;
	int pidfd, output_fd;	/* output_fd -1: ended */
	size_t output_max;
	struct spawn_result *out;
};

static bool is_program(const char *file)
{
	struct stat st;
	return stat(file, &st) == 0 && S_ISREG(st.st_mode) && faccessat(AT_FDCWD, file, X_OK, AT_EACCESS) == 0;
}

static char *find_in(const char *folder, size_t length, const char *name)
{
	/* An empty or relative folder would depend on where we happen to stand. */
	if (length == 0 || folder[0] != '/')
		return NULL;
	size_t size = length + strlen(name) + 2;
	char *file = malloc(size);
	if (!file)
		return NULL;
	memcpy(file, folder, length);
	file[length] = '/';
	strcpy(file + length + 1, name);
	if (is_program(file))
		return file;
	free(file);
	return NULL;
}

char *spawn_find(const char *name, const char *path)
{
	if (name[0] == '/')
		return is_program(name) ? strdup(name) : NULL;
	if (name[0] == '\0' || strchr(name, '/'))
		return NULL;
	for (const char *p = path ? path : PATH_DEFAULT;;) {
		size_t length = strcspn(p, ":");
		char *file = find_in(p, length, name);
		if (file || p[length] == '\0')
			return file;
		p += length + 1;
	}
}

static int make_pipe(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC) != 0)
		return -1;
	if (fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0)
		return 0;
	int errnum = errno;
	close(fds[0]);
	close(fds[1]);
	errno = errnum;
	return -1;
}

static int add_files(posix_spawn_file_actions_t *files, const int *fds, int count, const char *cwd)
{
	int problem = 0;
	for (int i = 0; i < count && !problem; i++)
		problem = fds[i] >= 0 ? posix_spawn_file_actions_adddup2(files, fds[i], i)
			: posix_spawn_file_actions_addopen(files, i, "/dev/null", i == STDIN_FILENO ? O_RDONLY : O_RDWR, 0);
	if (!problem)
		problem = posix_spawn_file_actions_addchdir_np(files, cwd ? cwd : "/");
	if (!problem)
		problem = posix_spawn_file_actions_addclosefrom_np(files, count);	/* whatever lacks close-on-exec */
	return problem;
}

/* A group of its own to be killed by, and no signal blocked or ignored as here. */
static int prepare_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	int problem = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (!problem)
		problem = posix_spawnattr_setpgroup(attributes, 0);
	if (!problem)
		problem = posix_spawnattr_setsigmask(attributes, &none);
	if (!problem)
		problem = posix_spawnattr_setsigdefault(attributes, &all);
	return problem;
}

/* The limit of the process that starts it is not meant for a program that loads a database. */
static void lift_memory_limit(pid_t pid)
{
	struct rlimit now;
	if (getrlimit(RLIMIT_DATA, &now) != 0 || now.rlim_cur == now.rlim_max)
		return;
	now.rlim_cur = now.rlim_max;
	prlimit(pid, RLIMIT_DATA, &now, NULL);
}

static int start_with(const char *program, const char *const argv[], const int *fds, int count, const char *cwd, pid_t *pid)
{
	char *const empty[] = { NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	int problem = add_files(&files, fds, count, cwd);
	if (!problem)
		problem = prepare_attributes(&attributes);
	if (!problem)
		problem = posix_spawn(pid, program, &files, &attributes, (char *const *)argv, empty);
	if (!problem)
		lift_memory_limit(*pid);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	errno = problem;
	return problem ? -1 : 0;
}

static void close_all(const int *fds, int count)
{
	int errnum = errno;
	for (int i = 0; i < count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	errno = errnum;
}

/* Copies that lie above every number they are to become: no dup2 in the child overwrites what another one needs. */
int spawn_start(const char *program, const char *const argv[], const int *fds, int count, const char *cwd, pid_t *pid)
{
	int above[SPAWN_FDS_MAX] = { 0 };
	for (int i = 0; i < count; i++) {
		above[i] = fds[i] >= 0 ? fcntl(fds[i], F_DUPFD_CLOEXEC, SPAWN_FDS_MAX) : -1;
		if (fds[i] >= 0 && above[i] < 0) {
			close_all(above, i);
			return -1;
		}
	}
	int rc = start_with(program, argv, above, count, cwd, pid);
	close_all(above, count);
	return rc;
}

int spawn_watch_fd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static bool keep(struct spawn_result *out, const char *data, size_t n, size_t max)
{
	if (n > max - out->output_size) {
		n = max - out->output_size;
		out->output_cut = true;
	}
	char *more = realloc(out->output, out->output_size + n + 1);
	if (!more)
		return false;
	memcpy(more + out->output_size, data, n);
	out->output = more;
	out->output_size += n;
	more[out->output_size] = '\0';
	return true;
}

/* Take what the pipe holds. What is above output_max is read too, so that the program can end. false: nothing was there. */
static bool take_output(struct run *r)
{
	char block[READ_BYTES];
	ssize_t n = read(r->output_fd, block, sizeof block);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return errno == EINTR;
	if (n > 0)
		return r->out->output_cut || keep(r->out, block, (size_t)n, r->output_max);
	close(r->output_fd);
	r->output_fd = -1;
	return false;
}

/* The zombie is left, so that its number and its group's stay ours. */
bool spawn_has_ended(pid_t pid)
{
	siginfo_t info = { 0 };
	int rc;
	do
		rc = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | WNOHANG);
	while (rc != 0 && errno == EINTR);
	return rc != 0 || info.si_pid == pid;
}

/* 0 when the program has ended; -1 with ETIMEDOUT or ECANCELED. */
static int watch(struct run *r, struct deadline d)
{
	while (!spawn_has_ended(r->pid)) {
		struct pollfd p[3] = {
			{ .fd = r->output_fd, .events = POLLIN }, { .fd = r->pidfd, .events = POLLIN }, { .fd = d.cancel_fd, .events = POLLIN },
		};
		if (deadline_left_ms(d) == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		int left_ms = deadline_left_ms(r->pidfd >= 0 ? d : deadline_sooner(d, ASK_EVERY_MS));
		if (poll(p, 3, left_ms) < 0 && errno != EINTR)
			return -1;
		if (p[2].revents) {
			errno = ECANCELED;
			return -1;
		}
		if (p[0].revents)
			take_output(r);
	}
	return 0;
}

int spawn_finish(pid_t pid, int *exit_code, int *signal, uint64_t *cpu_us)
{
	struct rusage used;
	int status = 0;
	pid_t got;
	kill(-pid, SIGKILL);
	do
		got = wait4(pid, &status, 0, &used);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -1;
	*exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	*signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	*cpu_us = (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 + (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
	return 0;
}

/* Nothing that the program started outlives it; then the rest of its output, which can only be what the pipe still holds. */
static int finish(struct run *r, struct deadline d)
{
	uint64_t cpu_us;
	kill(-r->pid, SIGKILL);
	while (r->output_fd >= 0 && !r->out->output_cut && deadline_left_ms(d) != 0 && take_output(r))
		;
	return spawn_finish(r->pid, &r->out->exit_code, &r->out->signal, &cpu_us);
}

static int report(const char *program, struct error *e)
{
	int errnum = errno;
	if (errnum == ETIMEDOUT)
		error_set(e, ERROR_DEADLINE, "run %s: it did not end in time and was killed", program);
	else if (errnum == ECANCELED)
		error_set(e, ERROR_CANCELLED, "run %s: cancelled", program);
	else
		error_set_errno(e, "run %s", program);
	if (e)
		e->errnum = errnum;
	errno = errnum;
	return -1;
}

static void drop_result(struct spawn_result *out)
{
	free(out->output);
	memset(out, 0, sizeof *out);
	out->exit_code = -1;
}

static int run_found(const char *program, const char *const argv[], int stdin_fd, const char *cwd, size_t output_max,
	struct deadline d, struct spawn_result *out, struct error *e)
{
	int fds[2];
	struct run r = { .output_max = output_max, .out = out };
	if (make_pipe(fds) != 0)
		return report(program, e);
	const int given[] = { stdin_fd, fds[1], fds[1] };
	int rc = spawn_start(program, argv, given, 3, cwd, &r.pid);
	int errnum = errno;
	close(fds[1]);
	r.output_fd = fds[0];
	r.pidfd = -1;
	if (rc == 0) {
		r.pidfd = spawn_watch_fd(r.pid);
		rc = watch(&r, d);
		errnum = errno;
		if (finish(&r, d) != 0 && rc == 0) {
			errnum = errno;
			rc = -1;
		}
	}
	if (r.pidfd >= 0)
		close(r.pidfd);
	if (r.output_fd >= 0)
		close(r.output_fd);
	errno = errnum;
	return rc == 0 ? 0 : report(program, e);
}

int spawn_run(const char *const argv[], const char *path, int stdin_fd, const char *cwd, size_t output_max,
	struct deadline d, struct spawn_result *out, struct error *e)
{
	memset(out, 0, sizeof *out);
	if (output_max > SIZE_MAX / 2)
		output_max = SIZE_MAX / 2;
	if (!keep(out, "", 0, output_max))
		return error_set_errno(e, "run %s", argv[0]);
	char *program = spawn_find(argv[0], path);
	int rc;
	if (!program)
		rc = error_set(e, ERROR_ENVIRONMENT, "run %s: there is no such program%s%s; install it or correct its path", argv[0],
			argv[0][0] == '/' ? "" : " in ", argv[0][0] == '/' ? "" : path ? path : PATH_DEFAULT);
	else
		rc = run_found(program, argv, stdin_fd, cwd, output_max, d, out, e);
	free(program);
	if (rc != 0)
		drop_result(out);
	return rc;
}
