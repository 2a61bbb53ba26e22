/* children.h - a template's children: forked, counted, replaced; back-off only while they die at start. */
#ifndef POSTERN_TEMPLATE_CHILDREN_H
#define POSTERN_TEMPLATE_CHILDREN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct children_entry {
	pid_t pid;
	int64_t started_ms;
	char note[32];			/* an opener's scratch folder */
	unsigned slot;			/* a worker's place in shared memory */
	int link_fd;			/* an opener's end of its link to its worker, to see when the worker has closed the other; a worker's leave pipe; else -1 */
	int64_t hung_up_ms;		/* since when that is so; 0: it is not */
	bool is_stale, is_told;		/* a worker whose tables have been replaced in the template; and that it shall leave */
};

struct children {
	unsigned count, size;
	struct children_entry *entries;
	unsigned early_deaths;		/* in a row: died within a second of their start, not in good order */
	int64_t wait_until_ms;		/* back-off: fork no sooner */
};

/* The entry is good until the next call. */
struct children_entry *children_add(struct children *c, pid_t pid, const char *note, unsigned slot);
/* Reap one that has ended; false: none. *entry is its record (pid 0 when it was not ours); its link_fd is the caller's. */
bool children_reap(struct children *c, struct children_entry *entry, int *status);
/* May another be forked now? */
bool children_may_start(const struct children *c);
void children_signal(const struct children *c, int signal_number);
void children_free(struct children *c);

#endif
