/* banks.h - which policy banks hold: by interface, by client address, for our own users. */
#ifndef POSTERN_WORKER_BANKS_H
#define POSTERN_WORKER_BANKS_H

#include "config/config.h"
#include "lookup/lookup.h"
#include "mail/mail.h"

/* Overlay the banks of the interface that a session came in by ("127.0.0.1:10024", "[::1]:10024", "/run/x.sock").
 * Also used by the worker template to tell reception each listener's settings. */
void banks_by_interface(struct policy *p, const char *socket_text, void *owner);
/* Overlay the banks of the client's address (the first matching pair of client_ipaddr_policy). -1: a table could not answer. */
int banks_by_client(struct policy *p, const char *client_address, const struct lookup_context *context, void *owner, struct error *e);
/* MYUSERS: mail that originates here, from a sender in local_domains_maps. */
int banks_by_sender(struct policy *p, const char *sender, const struct lookup_context *context, void *owner, struct error *e);
void banks_lookup_style(const struct policy *p, struct lookup_style *style);

#endif
