/* trace.c - the Received trace.  It believes nothing it reads and decides nothing by it. */
#include "worker/trace.h"

#include <gio/gio.h>
#include <string.h>
#include <strings.h>
#include <talloc.h>

static bool is_public(const char *text)
{
	GInetAddress *a = g_inet_address_new_from_string(text);
	if (!a)
		return false;
	const guint8 *b = g_inet_address_to_bytes(a);
	bool v4 = g_inet_address_get_family(a) == G_SOCKET_FAMILY_IPV4;
	bool reserved = g_inet_address_get_is_loopback(a) || g_inet_address_get_is_site_local(a) || g_inet_address_get_is_link_local(a)
		|| g_inet_address_get_is_any(a) || g_inet_address_get_is_multicast(a);
	reserved = reserved || (v4 ? b[0] == 0 || b[0] >= 240 || (b[0] == 100 && (b[1] & 0xc0) == 64) : (b[0] & 0xfe) == 0xfc);
	g_object_unref(a);
	return !reserved;
}

/* The first bracketed address of the from clause: "from x (name [192.0.2.1]) by y". */
static char *from_clause_ip(const char *received, void *owner)
{
	const char *by = strcasestr(received, " by "), *at = received;
	while ((at = strchr(at, '[')) && (!by || at < by)) {
		const char *end = strchr(++at, ']');
		if (!end)
			return NULL;
		if (strncasecmp(at, "IPv6:", 5) == 0)
			at += 5;
		char *ip = talloc_strndup(owner, at, (size_t)(end - at));
		if (g_hostname_is_ip_address(ip))
			return ip;
	}
	return NULL;
}

const char *trace_oldest_public_ip(const struct mail *m, void *owner)
{
	for (unsigned i = m->header.count; i-- > 0; ) {
		const struct header_field *f = &m->header.fields[i];
		if (f->name_length != 8 || strcmp(f->name, "received") != 0)
			continue;
		char *ip = from_clause_ip(header_value(&m->header, f, owner), owner);
		if (ip && is_public(ip))
			return ip;
	}
	return m->client_address && is_public(m->client_address) ? m->client_address : NULL;
}
