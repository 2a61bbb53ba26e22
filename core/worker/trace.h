/* trace.h - where a mail came from, read off its Received fields (which anybody may forge: for the log only). */
#ifndef POSTERN_WORKER_TRACE_H
#define POSTERN_WORKER_TRACE_H

#include "mail/mail.h"

/* The oldest public IP address of the trace, the client's own included; NULL: none. Memory of owner. */
const char *trace_oldest_public_ip(const struct mail *m, void *owner);

#endif
