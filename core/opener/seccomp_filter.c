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

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <seccomp.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

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

static const char *const deadly[] = {
	"execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "bpf", "perf_event_open", "userfaultfd",
	"io_uring_setup", "open_by_handle_at", "mount", "umount2", "move_mount", "fsopen", "open_tree", "pivot_root", "chroot", "unshare", "setns",
	"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "add_key", "request_key", "keyctl", "reboot", "iopl",
	"ioperm", "modify_ldt", "swapon",
};

static const char *const pretended[] = { "chmod", "fchmod", "fchmodat" };

/* Add a rule for a name; a name that this architecture lacks is passed over. */
static int add_names(scmp_filter_ctx c, uint32_t action, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int number = seccomp_syscall_resolve_name(names[i]);
		if (number == __NR_SCMP_ERROR)
			continue;
		int rc = seccomp_rule_add(c, action, number, 0);
		if (rc != 0 && rc != -EDOM)
			return rc;
	}
	return 0;
}

/* No memory becomes code: PROT_EXEC is refused. */
static int add_memory_rules(scmp_filter_ctx c)
{
	int rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (rc == 0)
		rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return rc;
}

/* Not F_SETOWN and F_SETSIG: they make the kernel send signals to others. */
static int add_fcntl_rules(scmp_filter_ctx c)
{
	static const int commands[] = { F_GETFL, F_SETFL, F_GETFD, F_SETFD, F_DUPFD, F_DUPFD_CLOEXEC, F_GETLK, F_SETLK };
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
		int rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)commands[i]));
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* It may signal only itself (abort does) and only read its limits. */
static int add_self_rules(scmp_filter_ctx c)
{
	scmp_datum_t self = (scmp_datum_t)getpid();
	int rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, self));
	if (rc == 0)
		rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(kill), 1, SCMP_A0(SCMP_CMP_EQ, self));
	if (rc == 0)
		rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A2(SCMP_CMP_EQ, 0));
	return rc;
}

static int fill(scmp_filter_ctx c)
{
	int rc = add_names(c, SCMP_ACT_ALLOW, allowed, G_N_ELEMENTS(allowed));
	if (rc == 0)
		rc = add_names(c, SCMP_ACT_KILL_PROCESS, deadly, G_N_ELEMENTS(deadly));
	if (rc == 0)
		rc = add_names(c, SCMP_ACT_ERRNO(0), pretended, G_N_ELEMENTS(pretended));
	if (rc == 0)
		rc = add_memory_rules(c);
	if (rc == 0)
		rc = add_fcntl_rules(c);
	if (rc == 0)
		rc = add_self_rules(c);
	return rc;
}

struct seccomp_filter *seccomp_filter_new(struct error *e)
{
	scmp_filter_ctx c = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!c) {
		error_set(e, ERROR_ENVIRONMENT, "seccomp: cannot make a filter");
		return NULL;
	}
	/* a binary tree instead of a list; a foreign architecture's calls are an attack; older libraries lack the tree: no matter */
	(void)seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	int rc = seccomp_attr_set(c, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (rc == 0)
		rc = fill(c);
	if (rc != 0) {
		errno = -rc;
		error_set_errno(e, "seccomp filter");
		seccomp_release(c);
		return NULL;
	}
	struct seccomp_filter *f = g_new(struct seccomp_filter, 1);
	f->context = c;
	return f;
}

int seccomp_filter_load(struct seccomp_filter *f, struct error *e)
{
	int rc = seccomp_load(f->context);
	seccomp_filter_free(f);
	if (rc == 0)
		return 0;
	errno = -rc;
	return error_set_errno(e, "seccomp cannot be put in force (is it built into this kernel?)");
}

void seccomp_filter_free(struct seccomp_filter *f)
{
	seccomp_release(f->context);
	g_free(f);
}
