/* acl.c - access lists of IP networks. No names are ever resolved here. */
#include "config.h"
#include "reception/acl.h"

#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

struct network {
	bool refuse;
	unsigned prefix_bits;		/* of 128: IPv4 is kept in its mapped form */
	uint8_t address[16];
};

struct acl {
	unsigned count;
	struct network *networks;
};

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

struct acl *acl_new(void *owner)
{
	return talloc_zero(owner, struct acl);
}

/* "10" or "10.1" stand for 10.0.0.0 and 10.1.0.0: the missing octets also give the prefix length. */
static bool parse_ipv4(const char *text, uint8_t out[16], unsigned *octets)
{
	unsigned count = 0;
	memcpy(out, mapped_prefix, sizeof mapped_prefix);
	memset(out + 12, 0, 4);
	for (const char *p = text; *p != '\0'; ) {
		char *end;
		if (count == 4 || !g_ascii_isdigit(*p))
			return false;
		unsigned long value = strtoul(p, &end, 10);
		if (value > 255)
			return false;
		out[12 + count++] = (uint8_t)value;
		if (*end == '\0')
			break;
		if (*end != '.')
			return false;
		p = end + 1;
	}
	*octets = count;
	return count > 0;
}

static bool parse_address(const char *text, struct network *n, unsigned *full_bits)
{
	unsigned octets;
	if (strchr(text, ':') != NULL) {
		*full_bits = 128;
		n->prefix_bits = 128;
		return inet_pton(AF_INET6, text, n->address) == 1;
	}
	if (!parse_ipv4(text, n->address, &octets))
		return false;
	*full_bits = 32;
	n->prefix_bits = 96 + octets * 8;
	return true;
}

static bool parse_prefix(const char *text, unsigned full_bits, struct network *n)
{
	char *end;
	if (!g_ascii_isdigit(*text))
		return false;
	unsigned long bits = strtoul(text, &end, 10);
	if (*end != '\0' || bits > full_bits)
		return false;
	n->prefix_bits = (unsigned)bits + 128 - full_bits;
	return true;
}

/* Takes the brackets out: "[::1]", "[fe80::]/10", "[fe80::/10]". */
static char *strip_brackets(const char *text)
{
	GString *plain = g_string_new(NULL);
	for (const char *p = text; *p != '\0'; p++)
		if (*p != '[' && *p != ']')
			g_string_append_c(plain, *p);
	return g_string_free(plain, FALSE);
}

static bool parse_network(const char *text, struct network *n)
{
	char *plain = strip_brackets(text);
	char *slash = strchr(plain, '/');
	unsigned full_bits;
	if (slash != NULL)
		*slash = '\0';
	bool good = parse_address(plain, n, &full_bits) && (slash == NULL || parse_prefix(slash + 1, full_bits, n));
	g_free(plain);
	return good;
}

int acl_add(struct acl *a, const char *text, struct error *e)
{
	struct network n = { .refuse = text[0] == '!' };
	if (!parse_network(text + (n.refuse ? 1 : 0), &n))
		return error_set(e, ERROR_CONFIG, "\"%s\" is not an IP address or network; expected such as \"10.0.0.0/8\" or \"[::1]\"", text);
	a->networks = talloc_realloc(a, a->networks, struct network, a->count + 1);
	a->networks[a->count++] = n;
	return 0;
}

static bool network_holds(const struct network *n, const uint8_t address[16])
{
	unsigned bytes = n->prefix_bits / 8, bits = n->prefix_bits % 8;
	if (memcmp(n->address, address, bytes) != 0)
		return false;
	return bits == 0 || ((n->address[bytes] ^ address[bytes]) >> (8 - bits)) == 0;
}

static bool peer_bytes(const struct sockaddr *peer, uint8_t out[16])
{
	if (peer->sa_family == AF_INET6) {
		memcpy(out, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr, 16);
		return true;
	}
	if (peer->sa_family != AF_INET)
		return false;
	memcpy(out, mapped_prefix, sizeof mapped_prefix);
	memcpy(out + 12, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, 4);
	return true;
}

bool acl_allows(const struct acl *a, const struct sockaddr *peer)
{
	uint8_t address[16];
	if (!peer_bytes(peer, address))
		return false;
	for (unsigned i = 0; i < a->count; i++)
		if (network_holds(&a->networks[i], address))
			return !a->networks[i].refuse;
	return false;
}
