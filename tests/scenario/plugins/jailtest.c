/* jailtest.c - a scanner that tries what an attacker in the opener would try, and reports what came of it.
 *
 * Each harmless attempt becomes a finding "denied:WHAT" or "allowed:WHAT".  A
 * mail whose first line is "X-Try: WHAT" makes it try that one deadly thing.
 * Never installed. */
#include "config.h"
#include <postern/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

struct options { const char *outside; };	/* an existing folder outside of the jail */

static const struct postern_option options[] = {
	{ .name = "outside", .type = POSTERN_STRING, .offset = offsetof(struct options, outside), .value = "/tmp", .doc = "a folder outside" },
	{ 0 },
};

static void tell(struct postern_call *c, bool denied, const char *what)
{
	postern_found(c, NULL, postern_printf(c, "%s:%s", denied ? "denied" : "allowed", what));
}

static bool cannot_open(const char *path, int flags)
{
	int fd = open(path, flags, 0600);
	if (fd >= 0)
		close(fd);
	return fd < 0;
}

static void *do_nothing(void *argument)
{
	return argument;
}

static bool cannot_fork(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	return pid < 0;
}

static bool cannot_start_thread(void)
{
	pthread_t t;
	if (pthread_create(&t, NULL, do_nothing, NULL) != 0)
		return true;
	pthread_join(t, NULL);
	return false;
}

static bool cannot_connect(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	strcpy(a.sun_path, "/dev/log");
	return connect(0, (struct sockaddr *)&a, sizeof a) != 0 && errno == EPERM;
}

static void try_processes(struct postern_call *c)
{
	int pair[2];
	tell(c, socket(AF_INET, SOCK_STREAM, 0) < 0, "socket");
	tell(c, socket(AF_UNIX, SOCK_STREAM, 0) < 0, "socket-unix");
	tell(c, socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0, "socketpair");
	tell(c, cannot_connect(), "connect");
	tell(c, cannot_fork(), "fork");
	tell(c, cannot_start_thread(), "thread");
	tell(c, kill(getppid(), 0) != 0, "kill-parent");
	tell(c, fcntl(0, F_SETOWN, getppid()) != 0, "fcntl-setown");
}

static void try_memory(struct postern_call *c)
{
	void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	tell(c, code == MAP_FAILED, "mmap-code");
	void *data = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	tell(c, mprotect(data, 4096, PROT_READ | PROT_EXEC) != 0, "mprotect-code");
	tell(c, mmap(NULL, 64ul << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED, "huge-memory");
}

static void try_files(struct postern_call *c, const struct options *o, const char *folder)
{
	char *outside = postern_printf(c, "%s/jailtest-%d", o->outside, (int)getpid());
	char *link_path = postern_printf(c, "%s/link", folder), *own = postern_printf(c, "%s/own", folder);
	tell(c, cannot_open("/etc/passwd", O_RDONLY), "open-passwd");
	tell(c, cannot_open("/proc/1/status", O_RDONLY), "open-proc1");
	tell(c, cannot_open("/proc/self/mem", O_RDWR), "open-own-memory");
	tell(c, cannot_open(postern_printf(c, "%s/..", folder), O_RDONLY | O_DIRECTORY), "open-parent-folder");
	tell(c, cannot_open(outside, O_WRONLY | O_CREAT), "write-outside");
	tell(c, mkdir(outside, 0700) != 0, "mkdir-outside");
	tell(c, symlink("/etc/passwd", link_path) != 0, "symlink");
	tell(c, link("/etc/passwd", link_path) != 0, "link");
	tell(c, mknod(link_path, S_IFIFO | 0600, 0) != 0, "mknod");
	tell(c, cannot_open(own, O_RDWR | O_CREAT), "own-file");
	tell(c, cannot_open(own, O_RDONLY), "own-file-again");
	int fd = open(own, O_RDWR);
	tell(c, ftruncate(fd, 1ll << 40) != 0, "huge-file");
	close(fd);
}

static void try_charset(struct postern_call *c)
{
	iconv_t cd = iconv_open("UTF-8", "KOI8-R");
	tell(c, cd == (iconv_t)-1, "iconv");
	if (cd != (iconv_t)-1)
		iconv_close(cd);
}

static void spin(void)
{
	for (volatile unsigned i = 0;; i++)
		;
}

/* What kills: only one of them fits into a life. */
static void try_deadly(const char *what)
{
	char *const nothing[] = { NULL };
	if (strcmp(what, "execve") == 0)
		execve("/bin/true", nothing, nothing);
	else if (strcmp(what, "ptrace") == 0)
		ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
	else if (strcmp(what, "process_vm_readv") == 0)
		process_vm_readv(getppid(), NULL, 0, NULL, 0, 0);
	else if (strcmp(what, "unshare") == 0)
		syscall(SYS_unshare, 0x10000000);
	else if (strcmp(what, "io_uring_setup") == 0)
		syscall(425, 1, NULL);
	else if (strcmp(what, "abort") == 0)
		abort();
	else if (strcmp(what, "spin") == 0)
		spin();
}

static bool wants_deadly(const struct postern_mail *mail, char what[64])
{
	char line[64] = "";
	ssize_t n = pread(postern_mail_fd(mail), line, sizeof line - 1, 0);
	if (n <= 7 || strncmp(line, "X-Try: ", 7) != 0)
		return false;
	line[strcspn(line, "\r\n")] = '\0';
	strcpy(what, line + 7);
	return true;
}

static enum postern_result jailtest_scan(struct postern_call *c, const struct postern_mail *mail)
{
	char what[64];
	if (wants_deadly(mail, what)) {
		try_deadly(what);
		tell(c, false, what);
		return POSTERN_OK;
	}
	try_processes(c);
	try_memory(c);
	try_files(c, postern_options(postern_call_instance(c)), postern_work_folder(postern_call_instance(c)));
	try_charset(c);
	return POSTERN_OK;
}

static const struct postern_scanner_ops scanner = { .size = sizeof scanner, .scan = jailtest_scan };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD,
	.name = "jailtest", .version = "1", .doc = "tries to break out of the opener's jail",
	.roles = POSTERN_SCANNER, .capabilities = POSTERN_CAP_HOSTILE_PARSER,
	.options = options, .options_size = sizeof(struct options), .scanner = &scanner,
};
