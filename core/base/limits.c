/* limits.c - see limits.h. */
#include "config.h"

#include "base/limits.h"

#include <inttypes.h>
#include <sys/resource.h>

int limits_set(int which, const char *what, uint64_t value, struct error *e)
{
	struct rlimit now;
	if (getrlimit((__rlimit_resource_t)which, &now) == 0 && now.rlim_max != RLIM_INFINITY && now.rlim_max < value)
		value = now.rlim_max;
	struct rlimit r = { .rlim_cur = value, .rlim_max = value };
	if (setrlimit((__rlimit_resource_t)which, &r) != 0)
		return error_set_errno(e, "limit %s %" PRIu64, what, value);
	return 0;
}
