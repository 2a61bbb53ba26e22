/* logaddress.c - addresses as log lines show them. */
#include "report/logaddress.h"

#include <idn2.h>
#include <string.h>

#define DOMAIN_MAX 255

static bool has_ace_label(const char *domain)
{
	for (const char *label = domain; label; label = strchr(label, '.') ? strchr(label, '.') + 1 : NULL)
		if (g_str_has_prefix(label, "xn--"))
			return true;
	return false;
}

/* domain: n bytes, ASCII or not. */
static void append_domain(GString *out, const char *domain, size_t n)
{
	char *lower = g_ascii_strdown(domain, (gssize)n), *readable = NULL;
	bool ascii = g_str_is_ascii(lower);
	if (ascii && n <= DOMAIN_MAX && has_ace_label(lower) &&
	    idn2_to_unicode_8z8z(lower, &readable, 0) == IDN2_OK && readable)
		g_string_append(out, readable);
	else
		g_string_append_len(out, ascii ? lower : domain, (gssize)n);
	idn2_free(readable);
	g_free(lower);
}

void logaddress_append(GString *out, const char *address)
{
	size_t n = strlen(address);
	bool closed = n > 1 && address[0] == '<' && address[n - 1] == '>';
	const char *at = strrchr(address, '@');
	if (!at) {
		g_string_append_len(out, address, (gssize)n);
		return;
	}
	g_string_append_len(out, address, at + 1 - address);
	append_domain(out, at + 1, (size_t)(address + n - closed - (at + 1)));
	if (closed)
		g_string_append_c(out, '>');
}

void logaddress_append_path(GString *out, const char *address)
{
	g_string_append_c(out, '<');
	logaddress_append(out, address ? address : "");
	g_string_append_c(out, '>');
}
