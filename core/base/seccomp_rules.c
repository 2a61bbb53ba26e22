/* seccomp_rules.c - see seccomp_rules.h. */
#include "config.h"

#include "base/seccomp_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const deadly[] = {
	"ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "bpf", "perf_event_open", "userfaultfd",
	"io_uring_setup", "open_by_handle_at", "mount", "umount2", "move_mount", "fsopen", "open_tree", "pivot_root", "chroot", "unshare", "setns",
	"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "add_key", "request_key", "keyctl", "reboot", "iopl",
	"ioperm", "modify_ldt", "swapon",
};

scmp_filter_ctx seccomp_rules_new(struct error *e)
{
	scmp_filter_ctx c = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!c) {
		error_set(e, ERROR_ENVIRONMENT, "seccomp: cannot make a filter");
		return NULL;
	}
	/* a binary tree instead of a list; older libraries lack it: no matter */
	(void)seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	int rc = seccomp_attr_set(c, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (rc == 0)
		return c;
	seccomp_rules_fail(c, rc, e);
	return NULL;
}

int seccomp_rules_names(scmp_filter_ctx c, uint32_t action, const char *const *names, size_t count)
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

int seccomp_rules_fcntl(scmp_filter_ctx c)
{
	static const int commands[] = { F_GETFL, F_SETFL, F_GETFD, F_SETFD, F_DUPFD, F_DUPFD_CLOEXEC, F_GETLK, F_SETLK };
	for (size_t i = 0; i < COUNT(commands); i++) {
		int rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)commands[i]));
		if (rc != 0)
			return rc;
	}
	return 0;
}

int seccomp_rules_self(scmp_filter_ctx c)
{
	scmp_datum_t self = (scmp_datum_t)getpid();
	int rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, self));
	if (rc == 0)
		rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(kill), 1, SCMP_A0(SCMP_CMP_EQ, self));
	if (rc == 0)
		rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A2(SCMP_CMP_EQ, 0));
	return rc;
}

int seccomp_rules_deadly(scmp_filter_ctx c)
{
	return seccomp_rules_names(c, SCMP_ACT_KILL_PROCESS, deadly, COUNT(deadly));
}

int seccomp_rules_load(scmp_filter_ctx c, struct error *e)
{
	int rc = seccomp_load(c);
	seccomp_release(c);
	if (rc == 0)
		return 0;
	errno = -rc;
	return error_set_errno(e, "seccomp cannot be put in force (is it built into this kernel?)");
}

int seccomp_rules_fail(scmp_filter_ctx c, int rc, struct error *e)
{
	seccomp_release(c);
	errno = -rc;
	return error_set_errno(e, "seccomp filter");
}
