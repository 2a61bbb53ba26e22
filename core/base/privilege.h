/* privilege.h - become an ordinary user for good. */
#ifndef POSTERN_BASE_PRIVILEGE_H
#define POSTERN_BASE_PRIVILEGE_H

#include <sys/types.h>

#include "base/error.h"

/* Look `user` (name or number) and the group names up; groups may be NULL (the user's own). */
int privilege_find(const char *user, const char *const *groups, uid_t *uid, gid_t *gid, struct error *e);
/* setgroups, setgid, setuid; verifies that root cannot come back. A no-op (0) when not root. */
int privilege_drop(const char *user, const char *const *groups, struct error *e);

#endif
