/* jail.c - puts an opener into its jail, in the order that works: limits, filter built, Landlock, filter loaded.
 *
 * After it nothing outside the scratch folder can be opened, so whatever must be
 * read first is read before (preload.c).  Seccomp is required; a kernel without
 * Landlock is reported, not refused. */
#include "config.h"

#include "opener/opener.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/landlock.h"
#include "base/limits.h"
#include "opener/jail.h"

#define OPEN_FILES_MAX 512

#ifdef WITH_SANITIZER
/* A sanitizer's shadow memory is terabytes of address space: no limit makes sense. */
static uint64_t memory_ceiling(uint64_t limit_bytes)
{
	return 0;
}
#else
/* Size now plus what the mail may cost, in bytes of address space; 0: no limit. */
static uint64_t memory_ceiling(uint64_t limit_bytes)
{
	unsigned long pages = 0;
	FILE *f = limit_bytes ? fopen("/proc/self/statm", "re") : NULL;
	if (!f)
		return 0;
	if (fscanf(f, "%lu", &pages) != 1)
		pages = 0;
	fclose(f);
	return pages ? (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) + limit_bytes : 0;
}
#endif

static int set_limits(uint64_t memory_limit_bytes, uint64_t file_limit_bytes, struct jail_report *report, struct error *e)
{
	uint64_t ceiling = memory_ceiling(memory_limit_bytes);
	if (ceiling && limits_set(RLIMIT_AS, "of memory", ceiling, e) != 0)
		return -1;
	report->memory_limit_bytes = ceiling ? memory_limit_bytes : 0;
	if (file_limit_bytes && limits_set(RLIMIT_FSIZE, "of file size", file_limit_bytes, e) != 0)
		return -1;
	if (limits_set(RLIMIT_CORE, "of core dumps", 0, e) != 0 || limits_set(RLIMIT_NPROC, "of processes", 0, e) != 0)
		return -1;
	return limits_set(RLIMIT_NOFILE, "of open files", OPEN_FILES_MAX, e);
}

int jail_enter(int scratch_dir_fd, uint64_t memory_limit_bytes, uint64_t file_limit_bytes, struct jail_report *report, struct error *e)
{
	*report = (struct jail_report){ 0 };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return error_set_errno(e, "jail: prctl");
	if (set_limits(memory_limit_bytes, file_limit_bytes, report, e) != 0)
		return error_prefix(e, "jail");
	struct seccomp_filter *filter = seccomp_filter_new(e);
	if (!filter)
		return error_prefix(e, "jail");
	const struct landlock_rule scratch = { scratch_dir_fd, LANDLOCK_READ | LANDLOCK_WRITE | LANDLOCK_MAKE };
	if (landlock_restrict(&scratch, 1, &report->landlock_abi, e) != 0) {
		seccomp_filter_free(filter);
		return error_prefix(e, "jail");
	}
	if (seccomp_filter_load(filter, e) != 0)
		return error_prefix(e, "jail");
	report->seccomp = true;
	return 0;
}
