/* contents.h - stage 3b: what banned rules and header tests say of an opened mail, for each recipient; facts for judge.c. */
#ifndef POSTERN_WORKER_CONTENTS_H
#define POSTERN_WORKER_CONTENTS_H

#include "config/config.h"
#include "mail/mail.h"

/* Fills m->header_flaws and m->banned.  After the mail was opened (or could not be), before scanners take its parts away.  -1: a rule could not be
 * tried: nobody's mail is called free of banned parts (TEMPFAIL). */
int contents_check(struct mail *m, const struct policy *p, struct error *e);

#endif
