/* contents.h - stage 3b: what banned rules and header tests say of an opened mail, for each recipient; facts for judge.c. */
#ifndef POSTERN_WORKER_CONTENTS_H
#define POSTERN_WORKER_CONTENTS_H

#include "config/config.h"
#include "mail/mail.h"

/* Fills m->header_flaws, m->header_fixes, m->is_bulk and m->banned.  After the mail was opened (or could not be), before scanners take its parts
 * away.  A rule that could not be tried is logged and leaves its result incomplete: judge.c makes those recipients wait (TEMPFAIL). */
void contents_check(struct mail *m, const struct policy *p);

#endif
