/* launcher.c - postern-unpack: puts itself into a jail and becomes one program that takes a part of a mail apart.
 *
 *     postern-unpack WORD=NUMBER ... [read=PATH ...] -- PROGRAM ARGUMENT ...
 *
 * Started by a worker and nobody else; its words and descriptors are a matter
 * between the two (worker/program.c).  It looks neither at the part nor at what
 * becomes of it.  What goes wrong before the program runs is written to the
 * report descriptor, which closes by itself when all went well. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "unpack/jail.h"

#define READS_MAX 32
#define EXIT_NOT_STARTED 71	/* os error, as in sysexits.h; the report says more */

struct words {
	struct unpack_order order;
	const char *reads[READS_MAX];
};

static int take_number(const char *text, uint64_t *out)
{
	char *end;
	errno = 0;
	unsigned long long n = strtoull(text, &end, 10);
	*out = n;
	return errno == 0 && *text >= '0' && *text <= '9' && *end == '\0' ? 0 : -1;
}

static int take_word(struct words *w, const char *word)
{
	struct unpack_order *o = &w->order;
	struct { const char *name; uint64_t *value; } numbers[] = {
		{ "worker=", &o->worker_pid }, { "memory=", &o->memory_bytes }, { "file=", &o->file_bytes }, { "cpu=", &o->cpu_seconds },
		{ "threads=", &o->threads },
	};
	if (strncmp(word, "read=", 5) == 0) {
		if (o->read_count == READS_MAX)
			return -1;
		w->reads[o->read_count++] = word + 5;
		return 0;
	}
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (strncmp(word, numbers[i].name, strlen(numbers[i].name)) == 0)
			return take_number(word + strlen(numbers[i].name), numbers[i].value);
	return -1;
}

static int take_words(struct words *w, int argc, char **argv, struct error *e)
{
	int i = 1;
	w->order.reads = w->reads;
	for (; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (take_word(w, argv[i]) != 0)
			return error_set(e, ERROR_CONFIG, "what is \"%s\"? postern-unpack is started by a worker, not by hand", argv[i]);
	if (i + 1 >= argc || argv[i + 1][0] != '/')
		return error_set(e, ERROR_CONFIG, "no program is named; postern-unpack is started by a worker, not by hand");
	w->order.program = argv[i + 1];
	w->order.argv = argv + i + 1;
	return 0;
}

/* It ends with the worker, and nothing above the report is open. */
static int settle(const struct unpack_order *o, struct error *e)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return error_set_errno(e, "prctl");
	if ((uint64_t)getppid() != o->worker_pid)
		return error_set(e, ERROR_ENVIRONMENT, "its worker has gone");
	for (int fd = UNPACK_FD_FOLDER; fd < UNPACK_FD_COUNT; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
			return error_set_errno(e, "descriptor %d", fd);
	syscall(SYS_close_range, (unsigned)UNPACK_FD_COUNT, ~0u, 0u);	/* the worker leaves none there; an old kernel lacks it */
	umask(077);
	if (fchdir(UNPACK_FD_FOLDER) != 0)
		return error_set_errno(e, "enter the folder for what comes out");
	return 0;
}

static int enter(const struct unpack_order *o, struct error *e)
{
	if (settle(o, e) != 0)
		return -1;
	scmp_filter_ctx filter = unpack_filter_new(o, e);
	if (!filter)
		return -1;
	if (unpack_limit(o, e) != 0 || unpack_confine(o, e) != 0) {
		seccomp_release(filter);
		return -1;
	}
	return seccomp_rules_load(filter, e);
}

static int run(struct words *w, int argc, char **argv, struct error *e)
{
	char *const empty[] = { NULL };
	if (take_words(w, argc, argv, e) != 0 || enter(&w->order, e) != 0)
		return -1;
	execve(w->order.program, w->order.argv, empty);
	if (errno == ENOEXEC || errno == EACCES)
		return error_set_errno(e, "%s cannot be executed; a script is no program here, name what it runs", w->order.program);
	return error_set_errno(e, "execute %s", w->order.program);
}

int main(int argc, char **argv)
{
	struct words w = { 0 };
	struct error e = { 0 };
	if (run(&w, argc, argv, &e) == 0)
		return 0;
	if (write(UNPACK_FD_REPORT, e.text, strlen(e.text)) < 0)
		fprintf(stderr, "postern-unpack: %s\n", e.text);
	return EXIT_NOT_STARTED;
}
