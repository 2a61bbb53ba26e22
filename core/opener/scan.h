/* scan.h - the opener's own scanners: those that take content apart in process. */
#ifndef POSTERN_OPENER_SCAN_H
#define POSTERN_OPENER_SCAN_H

#include "mail/mail.h"
#include "opener/opener.h"

/* The parts of the mail in hand, kept for the scanners. */
struct scan_parts {
	struct part *parts;		/* talloc array on the mail's owner */
	unsigned count, size;
};
/* Copy a part record (its strings live only as long as the call). */
void scan_parts_add(struct scan_parts *s, const struct part_record *p, void *owner);

typedef int (*scan_report_fn)(void *context, const struct finding_record *f);	/* -1: stop */

struct scan_job {
	const struct opener_settings *settings;
	const struct open_order *order;
	const struct scan_parts *parts;
	const struct opened *opened;
	int mail_fd, dir_fd;
	const char *folder;		/* absolute path of the scratch folder */
	void *owner;
};
/* Ask each ordered scanner in turn; every one is reported once: one that is not there as TEMPFAIL, one that need not be asked
 * any more (first_infected_stops) as NOTHING.
 * false: after these answers the process should not be trusted with another mail. */
bool scan_run(const struct scan_job *job, scan_report_fn report, void *context);

#endif
