/* filter.c - which system calls a program may make that takes a part apart.
 *
 * Files, memory, time, itself.  No socket, no other process: it can neither
 * fork nor leave its process group, so that when it has ended nothing of it is
 * left.  Owners, modes, times, links and devices are answered with a success
 * that does nothing: archivers insist on them, and nobody wants them here. */
#include "config.h"

#include "unpack/jail.h"

#include <errno.h>
#include <sched.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const allowed[] = {
	/* files (Landlock says where) */
	"read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "lseek", "_llseek", "close", "close_range",
	"dup", "dup2", "dup3", "pipe", "pipe2", "openat", "open", "creat", "access", "faccessat", "faccessat2", "newfstatat", "fstatat64",
	"fstat", "fstat64", "stat", "stat64", "lstat", "lstat64", "statx", "statfs", "statfs64", "fstatfs", "fstatfs64", "getdents", "getdents64",
	"readlink", "readlinkat", "getcwd", "chdir", "fchdir", "truncate", "truncate64", "ftruncate", "ftruncate64", "fallocate",
	"fadvise64", "fsync", "fdatasync", "copy_file_range", "sendfile", "sendfile64", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir",
	"rename", "renameat", "renameat2", "umask", "poll", "ppoll", "select", "pselect6", "_newselect", "flock",
	/* memory: the dynamic loader maps code */
	"mmap", "mmap2", "mprotect", "munmap", "mremap", "brk", "madvise", "mincore", "msync", "futex", "membarrier",
	"set_robust_list", "set_tid_address", "rseq", "arch_prctl",
	/* time and itself */
	"clock_gettime", "clock_getres", "clock_nanosleep", "gettimeofday", "time", "nanosleep", "times", "getrusage",
	"sched_yield", "sched_getaffinity", "sysinfo", "uname", "getrandom", "alarm", "setitimer", "getitimer", "pause",
	"getpid", "gettid", "getppid", "getpgrp", "getpgid", "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "sigaltstack", "restart_syscall", "exit", "exit_group",
	/* the launcher becomes the program; what else may be executed is Landlock's to say */
	"execve",
};

static const char *const pretended[] = {
	"chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat", "utime", "utimes", "futimesat", "utimensat",
	"symlink", "symlinkat", "link", "linkat", "mknod", "mknodat", "setxattr", "lsetxattr", "fsetxattr",
};

/* libc goes on without them, but only if they seem not to exist. */
static const char *const unknown[] = { "clone3", "openat2" };

static const char *const deadly[] = { "execveat", "pidfd_open", "pidfd_send_signal" };

/* Threads share everything; what makes a process does not. */
static int add_threads(scmp_filter_ctx c)
{
	scmp_datum_t shared = CLONE_VM | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
	return seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, shared, shared));
}

static int fill(scmp_filter_ctx c, const struct unpack_order *o)
{
	int rc = seccomp_rules_names(c, SCMP_ACT_ALLOW, allowed, COUNT(allowed));
	if (rc == 0)
		rc = seccomp_rules_names(c, SCMP_ACT_ERRNO(0), pretended, COUNT(pretended));
	if (rc == 0)
		rc = seccomp_rules_names(c, SCMP_ACT_ERRNO(ENOSYS), unknown, COUNT(unknown));
	if (rc == 0)
		rc = seccomp_rules_names(c, SCMP_ACT_KILL_PROCESS, deadly, COUNT(deadly));
	if (rc == 0)
		rc = seccomp_rules_deadly(c);
	if (rc == 0)
		rc = seccomp_rules_fcntl(c);
	if (rc == 0)
		rc = seccomp_rules_self(c);
	if (rc == 0 && o->threads > 0)
		rc = add_threads(c);
	return rc;
}

scmp_filter_ctx unpack_filter_new(const struct unpack_order *o, struct error *e)
{
	scmp_filter_ctx c = seccomp_rules_new(e);
	int rc = c ? fill(c, o) : 0;
	if (rc == 0)
		return c;
	seccomp_rules_fail(c, rc, e);
	return NULL;
}
