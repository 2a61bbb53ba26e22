/* limits.h - resource limits of this process, for jails: the soft one and the hard one together. */
#ifndef POSTERN_BASE_LIMITS_H
#define POSTERN_BASE_LIMITS_H

#include <stdint.h>

#include "base/error.h"

/* which: RLIMIT_...; what: as in "limit of memory". A hard limit that is lower already stays. 0 or -1. */
int limits_set(int which, const char *what, uint64_t value, struct error *e);

#endif
