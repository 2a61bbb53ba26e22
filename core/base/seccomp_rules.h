/* seccomp_rules.h - the words that filters of system calls are made of; which calls they name is each jail's own.
 *
 * A filter is built before the doors close (the library opens files of its own)
 * and put in force last. */
#ifndef POSTERN_BASE_SECCOMP_RULES_H
#define POSTERN_BASE_SECCOMP_RULES_H

#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Everything is answered with EPERM until rules say otherwise, a foreign architecture's calls with death. NULL and e. */
scmp_filter_ctx seccomp_rules_new(struct error *e);
/* This answer to these calls; a name that this architecture lacks is passed over. 0 or a negative errno, as all below. */
int seccomp_rules_names(scmp_filter_ctx c, uint32_t action, const char *const *names, size_t count);
/* fcntl without F_SETOWN and F_SETSIG, which make the kernel send signals to others. */
int seccomp_rules_fcntl(scmp_filter_ctx c);
/* Signals go only to the process that asked for the filter, and limits can only be read. */
int seccomp_rules_self(scmp_filter_ctx c);
/* What no honest library ever tries and an attacker surely would: death. (execve is each jail's own matter.) */
int seccomp_rules_deadly(scmp_filter_ctx c);
/* Put it in force; it is released in any case. 0 or -1. */
int seccomp_rules_load(scmp_filter_ctx c, struct error *e);
/* Release a filter that cannot be built: -1, e says so. */
int seccomp_rules_fail(scmp_filter_ctx c, int rc, struct error *e);

#endif
