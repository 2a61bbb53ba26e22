/* acl.h - access lists of IP networks (inet_acl, xforward_hosts); the first entry that matches decides. */
#ifndef POSTERN_RECEPTION_ACL_H
#define POSTERN_RECEPTION_ACL_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/error.h"

struct acl;

struct acl *acl_new(void *owner);	/* talloc; an empty list matches nobody */
/* "127.0.0.1", "10.0.0.0/8", "10/8", "[::1]", "fe80::/10", each also with "!" in front (then: refuse). 0 or -1. */
int acl_add(struct acl *a, const char *text, struct error *e);
/* IPv4 addresses mapped into IPv6 are compared as IPv4. Other families never match. */
bool acl_allows(const struct acl *a, const struct sockaddr *peer);

#endif
