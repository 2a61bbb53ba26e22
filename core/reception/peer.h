/* peer.h - what each connecting host uses at the moment: connections and bytes in the work area. */
#ifndef POSTERN_RECEPTION_PEER_H
#define POSTERN_RECEPTION_PEER_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct peer {
	char text[48];		/* the IP without port, brackets or zone */
	unsigned references;
	unsigned connections;
	uint64_t spooled_bytes;
	GHashTable *table;
};

GHashTable *peer_table_new(void);
/* The IP address as struct peer has it; false for other families. */
bool peer_address_text(const struct sockaddr *address, char *out, socklen_t size);
/* The account of an IP address, made when absent, with one reference more; NULL for other families. */
struct peer *peer_get(GHashTable *table, const struct sockaddr *address);
struct peer *peer_reference(struct peer *p);	/* p may be NULL, here and below */
void peer_release(struct peer *p);

#endif
