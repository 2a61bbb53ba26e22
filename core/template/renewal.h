/* renewal.h - what the worker template has loaded for its workers, kept up to date: files that change are read anew beside what is in
 * use, and workers that have inherited the old are replaced, idle ones one by one.  Worker template, and checks. */
#ifndef POSTERN_TEMPLATE_RENEWAL_H
#define POSTERN_TEMPLATE_RENEWAL_H

#include <glib.h>
#include <stdbool.h>

#include "base/error.h"
#include "plugin/host.h"
#include "template/children.h"
#include "wire/shared.h"

/* check() and load() of every instance that `wanted` lets through.  Every failure goes to `problems` and every line of a table that is left
 * out to `warnings`, as "file:line: text" (char *, g_free).  False: something failed. */
bool renewal_load(struct plugin_instance *const *instances, size_t count, bool (*wanted)(const struct plugin_instance *),
	GPtrArray *problems, GPtrArray *warnings);

struct renewal {
	struct plugin_instance *const *instances;
	size_t count;
	bool (*wanted)(const struct plugin_instance *);
	int64_t interval_ms, next_check_ms;
	char **told;			/* of each instance: the last failure that was logged; talloc on the owner */
};
void renewal_init(struct renewal *r, void *owner, struct plugin_instance *const *instances, size_t count,
	bool (*wanted)(const struct plugin_instance *), int64_t interval_ms);
/* Look whether anything has changed, when it is time to.  True: something has been loaded anew, and all workers are marked as stale. */
bool renewal_check(struct renewal *r, struct children *workers);
/* Tell stale workers to leave: those with a mail in hand at once (they finish it), of the idle ones the next when the one before has been
 * replaced.  True: some are still to be told or to be gone; come back soon. */
bool renewal_retire(struct children *workers, const struct shared *shared, unsigned wanted);

#endif
