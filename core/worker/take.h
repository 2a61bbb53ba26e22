/* take.h - from a JOB with its descriptors to a `struct mail`. */
#ifndef POSTERN_WORKER_TAKE_H
#define POSTERN_WORKER_TAKE_H

#include "base/error.h"
#include "mail/mail.h"

/* Takes ownership of both descriptors; envelope_fd is -1 where the job has the envelope within. The mail hangs on owner; its envelope, header, sizes and ledger digest are filled. NULL: e. */
/* A job without a mail (RCPT, EXPLAIN): envelope and deadline only, mail->fd is -1. */
struct mail *take_question(void *owner, const struct job *job, int envelope_fd, int cancel_fd, struct error *e);
struct mail *take_mail(void *owner, const struct job *job, int mail_fd, int envelope_fd, int cancel_fd, unsigned mail_id_bits, struct error *e);

#endif
