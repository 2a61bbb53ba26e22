/* address_ip.h - IP addresses and networks as 128-bit prefixes; IPv4 is IPv4-mapped IPv6 (RFC 4291 2.5.5.2). */
#ifndef POSTERN_LOOKUP_ADDRESS_IP_H
#define POSTERN_LOOKUP_ADDRESS_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct ip_network {
	uint8_t bytes[16];
	unsigned bits;		/* length of the prefix, 0..128 */
};

/* "1.2.3.4", "10.1/16", "10.0.0.0/255.0.0.0", "::1", "[fe80::]/10", "IPv6:::1", "fe80::1%eth0".  Short quads need a
 * length.  prefix_allowed false: a "/" is an error.  0 or -1 (ERROR_CONFIG). */
int ip_parse(const char *text, bool prefix_allowed, struct ip_network *out, struct error *e);
bool ip_within(const struct ip_network *address, const struct ip_network *network);
bool ip_is_v4(const struct ip_network *address);

#endif
