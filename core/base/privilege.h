/* privilege.h - become an ordinary user for good. */
#ifndef POSTERN_BASE_PRIVILEGE_H
#define POSTERN_BASE_PRIVILEGE_H

#include <sys/types.h>

#include "base/error.h"

/* Look `user` (name or number) and the group names up; groups (NULL-terminated; the first becomes the main one) may be
 * NULL: then the user's own. ERROR_CONFIG with the useradd line when there is no such user. */
int privilege_find(const char *user, const char *const *groups, uid_t *uid, gid_t *gid, struct error *e);
/* setgroups, setgid, setuid; verifies that root cannot come back. A no-op (0) when not root. */
int privilege_drop(const char *user, const char *const *groups, struct error *e);

#endif
