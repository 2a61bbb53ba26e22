/* seccomp_filter.c - which system calls an opener may make.
 *
 * Three answers.  Allowed: what taking mails apart needs, measured call by
 * call.  EPERM: everything else, because a library may try harmlessly (a log
 * socket, a thread, a cache file) and must live on without.  Death: what no
 * library of ours ever tries and an attacker surely would.
 *
 * chmod is answered with a success that does nothing: libclamav insists on it
 * for its own temporary folders, and Landlock does not govern it elsewhere. */
#include "config.h"

#include "opener/jail.h"

#include <glib.h>
#include <sys/mman.h>

#include "base/seccomp_rules.h"

struct seccomp_filter {
	scmp_filter_ctx context;
};

static const char *const allowed[] = {
	/* descriptors that are open already, files below the scratch folder (Landlock says where) */
	"read", "write", "readv", "writev", "pread64", "pwrite64", "lseek", "_llseek", "close", "dup", "dup3", "openat", "open",
	"newfstatat", "fstatat64", "fstat", "fstat64", "stat", "lstat", "statx", "fstatfs", "getdents64", "ftruncate", "fadvise64",
	"unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "rename", "renameat", "renameat2", "umask", "fsync", "fdatasync",
	/* memory */
	"munmap", "mremap", "brk", "madvise", "futex", "membarrier",
	/* its worker's socket */
	"recvmsg", "sendmsg", "sendto", "recvfrom", "shutdown", "poll", "ppoll",
	/* time and itself */
	"clock_gettime", "clock_getres", "gettimeofday", "time", "nanosleep", "clock_nanosleep", "times", "getrusage", "sched_yield",
	"timer_create", "timer_settime", "timer_gettime", "timer_delete",
	"getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getrandom", "uname",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall", "exit", "exit_group",
};

static const char *const deadly[] = { "execve", "execveat" };

static const char *const pretended[] = { "chmod", "fchmod", "fchmodat" };

/* No memory becomes code: PROT_EXEC is refused. */
static int add_memory_rules(scmp_filter_ctx c)
{
	int rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (rc == 0)
		rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return rc;
}

static int fill(scmp_filter_ctx c)
{
	int rc = seccomp_rules_names(c, SCMP_ACT_ALLOW, allowed, G_N_ELEMENTS(allowed));
	if (rc == 0)
		rc = seccomp_rules_names(c, SCMP_ACT_KILL_PROCESS, deadly, G_N_ELEMENTS(deadly));
	if (rc == 0)
		rc = seccomp_rules_deadly(c);
	if (rc == 0)
		rc = seccomp_rules_names(c, SCMP_ACT_ERRNO(0), pretended, G_N_ELEMENTS(pretended));
	if (rc == 0)
		rc = add_memory_rules(c);
	if (rc == 0)
		rc = seccomp_rules_fcntl(c);
	if (rc == 0)
		rc = seccomp_rules_self(c);
	return rc;
}

struct seccomp_filter *seccomp_filter_new(struct error *e)
{
	scmp_filter_ctx c = seccomp_rules_new(e);
	int rc = c ? fill(c) : 0;
	if (!c || rc != 0) {
		if (c)
			seccomp_rules_fail(c, rc, e);
		return NULL;
	}
	struct seccomp_filter *f = g_new(struct seccomp_filter, 1);
	f->context = c;
	return f;
}

int seccomp_filter_load(struct seccomp_filter *f, struct error *e)
{
	scmp_filter_ctx c = f->context;
	g_free(f);
	return seccomp_rules_load(c, e);
}

void seccomp_filter_free(struct seccomp_filter *f)
{
	seccomp_release(f->context);
	g_free(f);
}
