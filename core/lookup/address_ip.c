/* address_ip.c - read IP addresses and networks in all the forms that lookup lists and XFORWARD use. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lookup/address_ip.h"

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* A decimal number of at most three digits that ends at one of `ends` or at the end of the text; -1: none. */
static int parse_decimal(const char **text, int max)
{
	const char *p = *text;
	int n = 0, digits = 0;

	for (; isdigit((unsigned char)*p) && digits < 4; p++, digits++)
		n = n * 10 + (*p - '0');
	if (digits == 0 || digits > 3 || n > max)
		return -1;
	*text = p;
	return n;
}

/* "1.2.3.4" or a shorter beginning of it; returns how many fields, 0: no quad. */
static int parse_quad(const char *text, uint8_t out[4])
{
	int fields = 0;

	memset(out, 0, 4);
	while (fields < 4) {
		int n = parse_decimal(&text, 255);

		if (n < 0)
			return 0;
		out[fields++] = (uint8_t)n;
		if (*text == '\0')
			return fields;
		if (*text++ != '.')
			return 0;
	}
	return 0;
}

/* The number of leading ones of a dotted mask, -1 when ones follow zeros. */
static int mask_length(const uint8_t mask[4])
{
	uint32_t m = (uint32_t)mask[0] << 24 | (uint32_t)mask[1] << 16 | (uint32_t)mask[2] << 8 | mask[3];
	int length = 0;

	while (length < 32 && (m & (UINT32_C(1) << (31 - length))) != 0)
		length++;
	if (length < 32 && (uint32_t)(m << length) != 0)
		return -1;
	return length;
}

static int parse_length(const char *text, bool v4)
{
	uint8_t mask[4];
	const char *p = text;
	int n = parse_decimal(&p, v4 ? 32 : 128);

	if (n >= 0 && *p == '\0')
		return n;
	if (v4 && parse_quad(text, mask) == 4)
		return mask_length(mask);
	return -1;
}

static void set_v4(struct ip_network *out, const uint8_t quad[4])
{
	memcpy(out->bytes, mapped_prefix, sizeof mapped_prefix);
	memcpy(out->bytes + 12, quad, 4);
}

/* Cut blanks, brackets, "IPv6:" and "%scope" in place; returns the bare address. */
static char *bare_address(char *text, bool *says_v6)
{
	size_t n = strlen(text);
	char *scope;

	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		text[n - 1] = '\0';
		text++;
	}
	*says_v6 = strncasecmp(text, "IPv6:", 5) == 0;
	if (*says_v6)
		text += 5;
	scope = strchr(text, '%');
	if (scope != NULL)
		*scope = '\0';
	return text;
}

static int parse_address(char *text, bool short_allowed, bool *v4, struct ip_network *out)
{
	bool says_v6;
	uint8_t quad[4];
	char *address = bare_address(text, &says_v6);
	int fields = says_v6 ? 0 : parse_quad(address, quad);

	*v4 = fields == 4 || (fields > 0 && short_allowed);
	if (*v4) {
		set_v4(out, quad);
		return 0;
	}
	return inet_pton(AF_INET6, address, out->bytes) == 1 ? 0 : -1;
}

int ip_parse(const char *text, bool prefix_allowed, struct ip_network *out, struct error *e)
{
	char copy[128], *slash;
	bool v4;
	int length;

	while (*text == ' ' || *text == '\t')
		text++;
	if (strlen(text) >= sizeof copy)
		return error_set(e, ERROR_CONFIG, "not an IP address: too long");
	strcpy(copy, text);
	for (char *end = copy + strlen(copy); end > copy && strchr(" \t\r\n", end[-1]) != NULL;)
		*--end = '\0';
	slash = prefix_allowed ? strchr(copy, '/') : NULL;
	if (slash != NULL)
		*slash++ = '\0';
	if (parse_address(copy, slash != NULL, &v4, out) != 0)
		return error_set(e, ERROR_CONFIG, "\"%s\" is not an IP %s", text, prefix_allowed ? "network" : "address");
	length = slash == NULL ? (v4 ? 32 : 128) : parse_length(slash, v4);
	if (length < 0)
		return error_set(e, ERROR_CONFIG, "\"%s\": bad prefix length or mask", text);
	out->bits = (unsigned)length + (v4 ? 96 : 0);
	return 0;
}

bool ip_within(const struct ip_network *address, const struct ip_network *network)
{
	unsigned bytes = network->bits / 8, rest = network->bits % 8;

	if (memcmp(address->bytes, network->bytes, bytes) != 0)
		return false;
	return rest == 0 || ((address->bytes[bytes] ^ network->bytes[bytes]) & (0xff << (8 - rest)) & 0xff) == 0;
}

bool ip_is_v4(const struct ip_network *address)
{
	return memcmp(address->bytes, mapped_prefix, sizeof mapped_prefix) == 0;
}
