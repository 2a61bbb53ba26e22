/* landlock.h - the file system as a process sees it from now on: what these rules name, and nothing else.
 *
 * For jails only: what stands open already stays open.  Source: linux/landlock.h
 * and Documentation/userspace-api/landlock.rst of the kernel. */
#ifndef POSTERN_BASE_LANDLOCK_H
#define POSTERN_BASE_LANDLOCK_H

#include <stddef.h>

#include "base/error.h"

enum landlock_right {
	LANDLOCK_READ = 1 << 0,		/* files; below a folder also list it */
	LANDLOCK_WRITE = 1 << 1,	/* write to files that are there */
	LANDLOCK_MAKE = 1 << 2,		/* a folder: make and remove files and folders, never links, devices, sockets */
	LANDLOCK_EXECUTE = 1 << 3
};

struct landlock_rule {
	int fd;				/* of a file or a folder; -1: the rule says nothing */
	unsigned rights;		/* enum landlock_right */
};

/* What the running kernel offers; 0: no Landlock. */
int landlock_abi(void);

/* Needs PR_SET_NO_NEW_PRIVS. *abi: what the kernel offers, 0: no Landlock, and nothing is in force (not an error). 0 or -1.
 * Neither TCP nor abstract sockets nor signals leave the process where the kernel knows how to forbid them (ABI 4 and 6). */
int landlock_restrict(const struct landlock_rule *rules, size_t count, int *abi, struct error *e);

#endif
