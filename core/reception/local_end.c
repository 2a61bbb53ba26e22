/* local_end.c - the address a client connected to, and its text; it knows nothing of listeners and banks. */
#include "config.h"
#include "reception/local_end.h"

#include <string.h>
#include <sys/socket.h>
#include <talloc.h>

#include "reception/peer.h"

bool local_end_address(int fd, char out[LOCAL_END_SIZE], unsigned *port)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t length = sizeof address;
	if (getsockname(fd, (struct sockaddr *)&address, &length) != 0 || !peer_address_text((struct sockaddr *)&address, out, LOCAL_END_SIZE))
		return false;
	if (port != NULL)	/* it stands at the same place in both families */
		*port = ntohs(((const struct sockaddr_in *)(const void *)&address)->sin_port);
	return true;
}

char *local_end_text(int fd, void *owner)
{
	char address[LOCAL_END_SIZE];
	unsigned port;
	if (!local_end_address(fd, address, &port))
		return NULL;
	return talloc_asprintf(owner, strchr(address, ':') != NULL ? "[%s]:%u" : "%s:%u", address, port);
}
