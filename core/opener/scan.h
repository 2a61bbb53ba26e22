/* scan.h - the opener's own scanners: those that take content apart in process. */
#ifndef POSTERN_OPENER_SCAN_H
#define POSTERN_OPENER_SCAN_H

#include "opener/opener.h"

typedef int (*scan_report_fn)(void *context, const struct finding_record *f);	/* -1: stop */

struct scan_job {
	const struct opener_settings *settings;
	const struct open_order *order;
	const struct opener_tree *tree;
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
