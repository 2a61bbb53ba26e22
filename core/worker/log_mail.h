/* log_mail.h - from the facts of a settled mail to its main log lines. */
#ifndef POSTERN_WORKER_LOG_MAIL_H
#define POSTERN_WORKER_LOG_MAIL_H

#include "config/config.h"
#include "mail/mail.h"

/* One "Passed" line about those who have it, one "Blocked" line about the others. */
void log_mail(const struct mail *m, const struct policy *p);

#endif
