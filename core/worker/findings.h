/* findings.h - what names of malware mean to the site, and how findings are told. */
#ifndef POSTERN_WORKER_FINDINGS_H
#define POSTERN_WORKER_FINDINGS_H

#include "config/config.h"
#include "mail/mail.h"
#include "report/logline.h"

/* After all scanners have answered: virus_name_to_spam_score_maps turns alerts that are but a sign of spam into score lines
 * (every name of a scanner must have a defined score; they move to mail->softened), viruses_that_fake_sender_maps is kept as a fact. */
void findings_weigh(struct mail *m, const struct policy *p);
/* virus_name_to_policy_bank_maps: overlay the banks of what was found. *loaded: some were, settle the recipients again.
 * -1: an ACTION of theirs failed. */
int findings_load_banks(struct mail *m, struct policy *p, bool *loaded, struct error *e);
/* Each name of each scanner once, with the paths of all parts it was found in; softened ones last. NULL-name terminated, on owner. */
struct logline_finding *findings_told(const struct mail *m, void *owner);

#endif
