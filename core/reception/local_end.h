/* local_end.h - the address a client connected to, which a listener at every address does not know. */
#ifndef POSTERN_RECEPTION_LOCAL_END_H
#define POSTERN_RECEPTION_LOCAL_END_H

#include <netinet/in.h>
#include <stdbool.h>

#define LOCAL_END_SIZE INET6_ADDRSTRLEN

/* Of the connection fd: "192.0.2.1" or "2001:db8::1", IPv4 also where it came by an IPv6 socket. port: may be NULL. false: no IP connection. */
bool local_end_address(int fd, char out[LOCAL_END_SIZE], unsigned *port);
/* "192.0.2.1:10024" or "[2001:db8::1]:10024", as in interface_policy; talloc on owner. NULL: no IP connection. */
char *local_end_text(int fd, void *owner);

#endif
