/* peer.c - accounts per connecting host; an account lives as long as something counts on it. */
#include "config.h"
#include "reception/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>

GHashTable *peer_table_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
}

bool peer_address_text(const struct sockaddr *address, char *out, socklen_t size)
{
	if (address->sa_family == AF_INET)
		return inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, out, size) != NULL;
	if (address->sa_family != AF_INET6)
		return false;
	const struct in6_addr *six = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
	if (IN6_IS_ADDR_V4MAPPED(six))
		return inet_ntop(AF_INET, six->s6_addr + 12, out, size) != NULL;
	return inet_ntop(AF_INET6, six, out, size) != NULL;
}

struct peer *peer_get(GHashTable *table, const struct sockaddr *address)
{
	char text[48];
	if (!peer_address_text(address, text, sizeof text))
		return NULL;
	struct peer *p = g_hash_table_lookup(table, text);
	if (p == NULL) {
		p = g_new0(struct peer, 1);
		g_strlcpy(p->text, text, sizeof p->text);
		p->table = table;
		g_hash_table_insert(table, p->text, p);
	}
	return peer_reference(p);
}

struct peer *peer_reference(struct peer *p)
{
	if (p != NULL)
		p->references++;
	return p;
}

void peer_release(struct peer *p)
{
	if (p != NULL && --p->references == 0)
		g_hash_table_remove(p->table, p->text);
}
