/* jail.h - the pieces of jail_enter(), each in a file of its own.  Only jail.c calls them. */
#ifndef POSTERN_OPENER_JAIL_H
#define POSTERN_OPENER_JAIL_H

#include <stdint.h>

#include "base/error.h"

/* Seccomp: built before the doors close (it opens files of its own), loaded last. */
struct seccomp_filter;
struct seccomp_filter *seccomp_filter_new(struct error *e);
int seccomp_filter_load(struct seccomp_filter *f, struct error *e);	/* frees f in any case */
void seccomp_filter_free(struct seccomp_filter *f);

#endif
