/* unpack_probe.c - a program that takes parts apart and means no good, for test_daemon_unpack.py.
 *
 *     unpack_probe [FILE [PASSWORD]]   what it is to do stands in the part, behind its first line; without FILE the part is standard input
 *
 * What it finds out it says by the names of the files that it makes: "connect denied", "connect ALLOWED".  It is built without
 * sanitizers: the jail limits its memory. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

extern char **environ;

static char part[4096];			/* what it is told */
static const char *part_path, *password;

static void make(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		_exit(90);
	close(fd);
}

static void say(const char *what, bool allowed)
{
	char name[200];
	snprintf(name, sizeof name, "%s %s", what, allowed ? "ALLOWED" : "denied");
	make(name, strerror(errno));
}

/* --- out of the jail --- */

static void try_connect(void)
{
	say("socket inet", socket(AF_INET, SOCK_STREAM, 0) >= 0);
	say("socket unix", socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
	say("socket netlink", socket(AF_NETLINK, SOCK_RAW, 0) >= 0);
	int pair[2];
	say("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
}

static void try_read(void)
{
	char path[4200];
	say("read passwd", open("/etc/passwd", O_RDONLY) >= 0);
	say("read proc", open("/proc/self/status", O_RDONLY) >= 0);
	say("list root", open("/", O_RDONLY | O_DIRECTORY) >= 0);
	say("list work", open("../../..", O_RDONLY | O_DIRECTORY) >= 0);
	say("read sibling", open("../../../p001", O_RDONLY) >= 0);
	snprintf(path, sizeof path, "/proc/%d/root/etc/passwd", (int)getppid());
	say("read through the worker", open(path, O_RDONLY) >= 0);
	say("read the part", open(part_path, O_RDONLY) >= 0);
}

static void try_write(void)
{
	say("write above", open("../above", O_WRONLY | O_CREAT, 0644) >= 0);
	say("write beside the part", open("../../in/beside", O_WRONLY | O_CREAT, 0644) >= 0);
	say("write to the part", open(part_path, O_WRONLY) >= 0);
	say("truncate the part", truncate(part_path, 0) == 0);
	say("remove the part", unlink(part_path) == 0);
	say("write tmp", open("/tmp/postern-unpack-probe", O_WRONLY | O_CREAT, 0644) >= 0);
	say("write shm", open("/dev/shm/postern-unpack-probe", O_WRONLY | O_CREAT, 0644) >= 0);
	make("moving", "x");
	say("move above", rename("moving", "../moved") == 0);
	say("open a device", open("/dev/mem", O_RDONLY) >= 0 || open("/dev/tty", O_RDWR) >= 0);
}

static void *idle(void *unused)
{
	return unused;
}

static void try_processes(void)
{
	char *const shell[] = { "sh", "-c", "echo >'execute ALLOWED'", NULL }, *const nothing[] = { NULL };
	pthread_t thread;
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	say("fork", child > 0);
	child = (pid_t)syscall(SYS_clone, (long)SIGCHLD, 0, 0, 0, 0);
	if (child == 0)
		_exit(0);
	say("clone", child > 0);
	errno = pthread_create(&thread, NULL, idle, NULL);
	say("thread", errno == 0);
	say("kill the worker", kill(getppid(), SIGKILL) == 0);
	say("kill all", kill(-1, SIGKILL) == 0);
	say("new session", setsid() >= 0);
	say("new group", setpgid(0, 0) == 0 || setpgid(0, getppid()) == 0);
	say("outlive", prctl(PR_SET_PDEATHSIG, 0) == 0);
	struct rlimit more = { RLIM_INFINITY, RLIM_INFINITY };
	say("more memory", setrlimit(RLIMIT_AS, &more) == 0);
	execve("/bin/sh", shell, nothing);
	say("execute", false);
}

static void try_links(void)
{
	struct stat st;
	(void)!symlink("/etc/passwd", "link");
	say("symbolic link", lstat("link", &st) == 0);
	(void)!link(part_path, "hard");
	say("hard link", lstat("hard", &st) == 0);
	(void)!mknod("device", S_IFBLK | 0666, 0x800);
	say("device", lstat("device", &st) == 0);
	(void)!mkfifo("fifo", 0666);
	say("fifo", lstat("fifo", &st) == 0);
	make("mode", "x");
	say("mode", chmod("mode", 04777) == 0 && stat("mode", &st) == 0 && (st.st_mode & 07077) != 0);
}

static void try_memory(void)
{
	void *p = mmap(NULL, (size_t)1 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	say("memory", p != MAP_FAILED);
}

/* What reached it that should not. */
static void show_inheritance(void)
{
	say("environment", environ && environ[0]);
	bool any = false;
	for (int fd = 3; fd < 1024; fd++)
		any |= fcntl(fd, F_GETFD) >= 0;
	say("descriptors", any);
	say("words on standard input", read(0, part, 1) > 0);
}

/* --- too much --- */

static void fill(void)
{
	char block[65536] = { 0 };
	for (int i = 0;; i++) {
		char name[32];
		snprintf(name, sizeof name, "fill%d", i);
		int fd = open(name, O_WRONLY | O_CREAT, 0644);
		for (int n = 0; fd >= 0 && n < 16; n++)
			(void)!write(fd, block, sizeof block);
		close(fd);
	}
}

static void fill_one(void)
{
	char block[65536] = { 0 };
	int fd = open("large", O_WRONLY | O_CREAT, 0644);
	for (;;)
		(void)!write(fd, block, sizeof block);
}

static void fill_words(void)
{
	char block[65536];
	memset(block, 'x', sizeof block);
	for (;;)
		(void)!write(1, block, sizeof block);
}

static void make_many(void)
{
	for (int i = 0;; i++) {
		char name[32];
		snprintf(name, sizeof name, "%d", i);
		close(open(name, O_WRONLY | O_CREAT, 0644));
	}
}

static void make_deep(void)
{
	for (int i = 0; i < 3000; i++)
		if (mkdir("d", 0755) != 0 || chdir("d") != 0)
			return;
	make("deep", "x");
}

static void make_names(void)
{
	char longest[256];
	memset(longest, 'n', 255);
	longest[255] = '\0';
	make("; touch $(id) | & `x`", "x");
	make("line\nfeed", "x");
	make("\xff\xfe not text", "x");
	make(longest, "x");
	make("..dots..", "x");
	make("-rf", "x");
	mkdir("folder", 0755);
	make("folder/in it", "x");
	mkdir("empty", 0755);
}

static void spin(void)
{
	volatile unsigned n = 0;
	for (;;)
		n++;
}

static void wait_for_ever(void)
{
	make("begun", "x");
	for (;;)
		pause();
}

static void copy_words(void)
{
	const char *word = strchr(part, '\n') + 1;
	make("words", word);
	printf("%s\n", word);
}

static const struct { const char *word; void (*run)(void); int exit_code; } acts[] = {
	{ "connect", try_connect, 0 }, { "read", try_read, 0 }, { "write", try_write, 0 }, { "processes", try_processes, 0 },
	{ "links", try_links, 0 }, { "memory", try_memory, 0 }, { "inheritance", show_inheritance, 0 }, { "fill", fill, 0 },
	{ "large", fill_one, 0 }, { "babble", fill_words, 0 }, { "many", make_many, 0 }, { "deep", make_deep, 0 }, { "names", make_names, 0 },
	{ "spin", spin, 0 }, { "wait", wait_for_ever, 0 }, { "words", copy_words, 0 }, { "fail", copy_words, 3 }, { "nothing", NULL, 0 },
	{ "abort", abort, 0 },
};

static int act(const char *word)
{
	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
		if (strcmp(acts[i].word, word) != 0)
			continue;
		if (acts[i].run)
			acts[i].run();
		return acts[i].exit_code;
	}
	if (strcmp(word, "locked") == 0) {
		make("opened", password);
		return strcmp(password, "-popensesame") == 0 ? 0 : 7;
	}
	if (strcmp(word, "trace") == 0)
		ptrace(PTRACE_ATTACH, getppid(), 0, 0);
	return 91;
}

int main(int argc, char **argv)
{
	part_path = argc > 1 ? argv[1] : NULL;
	password = argc > 2 ? argv[2] : "";
	int fd = part_path ? open(part_path, O_RDONLY) : 0;
	ssize_t n = fd >= 0 ? read(fd, part, sizeof part - 1) : -1;
	if (fd > 0)
		close(fd);
	char *word = n > 0 ? strchr(part, '\n') : NULL;
	if (!word)
		return 92;
	word[1 + strcspn(word + 1, "\n")] = '\0';
	return act(word + 1);
}
