/* address.c - the syntax of mail addresses, one character after the other. No lookups, no DNS. */
#include "config.h"
#include "mail/address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <glib.h>
#include <idn2.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <talloc.h>

#define PATH_MAX_BYTES 1024	/* RFC 5321 4.5.3.1.3 asks for 256; UTF-8 and long VERP senders need more */

static bool is_atext(unsigned char c, bool utf8)
{
	if (c >= 128)
		return utf8;
	return isalnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* Dot-string. The mails of this world also have "a..b@" and "a.@": what relays accept cannot be refused here. */
static const char *skip_dot_string(const char *p, bool utf8)
{
	while (is_atext((unsigned char)*p, utf8) || *p == '.')
		p++;
	return p;
}

/* Quoted-string; NULL when it does not end or has control characters. */
static const char *skip_quoted(const char *p, bool utf8)
{
	for (p++; *p != '"'; p++) {
		if (*p == '\\')
			p++;
		unsigned char c = (unsigned char)*p;
		if (c < ' ' || c == 0x7f || (c >= 128 && !utf8))
			return NULL;
	}
	return p + 1;
}

static const char *skip_literal(const char *p)
{
	const char *end = strchr(p, ']');
	char inner[64];
	struct in6_addr six;
	struct in_addr four;
	if (!end || (size_t)(end - p - 1) >= sizeof inner)
		return NULL;
	memcpy(inner, p + 1, (size_t)(end - p - 1));
	inner[end - p - 1] = '\0';
	bool good = strncasecmp(inner, "IPv6:", 5) == 0 ? inet_pton(AF_INET6, inner + 5, &six) == 1 : inet_pton(AF_INET, inner, &four) == 1;
	return good ? end + 1 : NULL;
}

/* Domain or address literal; NULL: there is none. Underscores are no host name (RFC 1123) but are in use. */
static const char *skip_domain(const char *p, bool utf8)
{
	if (*p == '[')
		return skip_literal(p);
	const char *start = p;
	while (isalnum((unsigned char)*p) || *p == '-' || *p == '_' || *p == '.' || (utf8 && (unsigned char)*p >= 128))
		p++;
	if (p == start || *start == '.' || *start == '-')
		return NULL;
	for (const char *q = start; q + 1 < p; q++) {
		if (q[0] == '.' && q[1] == '.')
			return NULL;
	}
	return p;
}

/* "@a,@b:" in front of a mailbox. NULL: begun but wrong; p itself: there is none. */
static const char *skip_route(const char *p, bool utf8)
{
	if (*p != '@')
		return p;
	for (;;) {
		p = skip_domain(p + 1, utf8);
		if (!p || (*p != ',' && *p != ':'))
			return NULL;
		if (*p == ':')
			return p + 1;
		if (*++p != '@')
			return NULL;
	}
}

static const char *skip_mailbox(const char *p, bool utf8, const char **why)
{
	const char *start = p;
	p = *p == '"' ? skip_quoted(p, utf8) : skip_dot_string(p, utf8);
	if (!p || p == start) {
		*why = p ? "the local part is missing or begins with a character that needs quotes" : "the quoted local part is wrong";
		return NULL;
	}
	if (*p != '@')
		return p;	/* "postmaster", or a local name */
	p = skip_domain(p + 1, utf8);
	if (!p)
		*why = "the domain is wrong";
	return p;
}

char *address_parse_path(void *owner, const char *text, bool utf8, const char **end, const char **why)
{
	const char *unused_why, *unused_end;
	why = why ? why : &unused_why;
	end = end ? end : &unused_end;
	bool bracket = text[0] == '<';
	const char *start = text + bracket;
	const char *mailbox = skip_route(start, utf8);
	if (!mailbox) {
		*why = "the source route is wrong";
		return NULL;
	}
	/* The null path is "<>" only. */
	bool null_path = bracket && mailbox == start && *start == '>';
	const char *p = null_path ? start : skip_mailbox(mailbox, utf8, why);
	if (!p)
		return NULL;
	if (p - mailbox > PATH_MAX_BYTES) {
		*why = "the address is too long";
		return NULL;
	}
	if (utf8 && !g_utf8_validate(mailbox, p - mailbox, NULL)) {
		*why = "the address is not valid UTF-8";
		return NULL;
	}
	if (bracket ? *p != '>' : *p != '\0' && *p != ' ') {
		*why = bracket ? "a character that is not allowed here, or no closing >" : "a character that is not allowed here";
		return NULL;
	}
	*end = p + bracket;
	return talloc_strndup(owner, mailbox, (size_t)(p - mailbox));
}

/* Where the domain's '@' stands: the last one outside of quotes; NULL: none. */
static const char *find_at(const char *address)
{
	if (address[0] != '"')
		return strrchr(address, '@');
	const char *p = address + 1;
	while (*p && *p != '"')
		p += p[0] == '\\' && p[1] ? 2 : 1;
	return strrchr(p, '@');
}

char *address_unquote(void *owner, const char *rfc5321)
{
	const char *at = find_at(rfc5321);
	size_t local = at ? (size_t)(at - rfc5321) : strlen(rfc5321);
	char *plain = talloc_array(owner, char, strlen(rfc5321) + 1);
	if (!plain)
		return NULL;
	size_t used = 0;
	for (size_t i = 0; i < local; i++) {
		if (rfc5321[i] == '"')
			continue;
		if (rfc5321[i] == '\\' && i + 1 < local)
			i++;
		plain[used++] = rfc5321[i];
	}
	strcpy(plain + used, rfc5321 + local);
	return plain;
}

static bool needs_quotes(const char *local, size_t n)
{
	if (n == 0 || local[0] == '.' || local[n - 1] == '.')
		return true;
	for (size_t i = 0; i < n; i++) {
		if (local[i] == '.' ? local[i + 1] == '.' : !is_atext((unsigned char)local[i], true))
			return true;
	}
	return false;
}

char *address_quote(void *owner, const char *plain)
{
	const char *at = strrchr(plain, '@');
	size_t local = at ? (size_t)(at - plain) : strlen(plain);
	if (plain[0] == '\0' || !needs_quotes(plain, local))
		return talloc_strdup(owner, plain);
	char *quoted = talloc_array(owner, char, 2 * local + strlen(plain + local) + 3);
	if (!quoted)
		return NULL;
	size_t used = 0;
	quoted[used++] = '"';
	for (size_t i = 0; i < local; i++) {
		if (plain[i] == '"' || plain[i] == '\\')
			quoted[used++] = '\\';
		quoted[used++] = plain[i];
	}
	quoted[used++] = '"';
	strcpy(quoted + used, plain + local);
	return quoted;
}

void address_split(void *owner, const char *plain, char **local, char **domain)
{
	const char *at = strrchr(plain, '@');
	*local = at ? talloc_strndup(owner, plain, (size_t)(at - plain)) : talloc_strdup(owner, plain);
	*domain = at ? talloc_strdup(owner, at + 1) : NULL;
}

static bool is_ascii(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text >= 128)
			return false;
	}
	return true;
}

static void lower_ascii(char *text)
{
	for (; *text; text++) {
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text + ('a' - 'A'));
	}
}

static char *to_ace(void *owner, const char *domain)
{
	char *ace = NULL;
	if (idn2_to_ascii_8z(domain, &ace, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return NULL;
	char *copy = talloc_strdup(owner, ace);
	idn2_free(ace);
	return copy;
}

char *address_domain_normalise(void *owner, const char *domain)
{
	size_t n = strlen(domain);
	while (n > 0 && domain[n - 1] == '.')
		n--;
	char *normal = talloc_strndup(owner, domain, n);
	if (!normal)
		return NULL;
	if (!is_ascii(normal)) {
		char *ace = to_ace(owner, normal);
		if (ace) {
			talloc_free(normal);
			normal = ace;
		}
	}
	lower_ascii(normal);
	return normal;
}

static bool never_split(const char *local, const char *delimiters)
{
	if (strcasecmp(local, "postmaster") == 0 || strcasecmp(local, "mailer-daemon") == 0 || strcasecmp(local, "double-bounce") == 0)
		return true;
	if (!strchr(delimiters, '-'))
		return false;
	size_t n = strlen(local), owner = strlen("owner-"), request = strlen("-request");
	return (n > owner && strncasecmp(local, "owner-", owner) == 0)
		|| (n > request && strcasecmp(local + n - request, "-request") == 0);
}

/* As in amavisd-new the user must not be empty: "+foo" is a user without extension. */
void address_split_extension(void *owner, const char *local, const char *delimiters, char **user, char **extension)
{
	*extension = NULL;
	size_t n = strlen(local);
	bool whole = !delimiters || !delimiters[0] || n == 0 || never_split(local, delimiters);
	if (!whole) {
		size_t at = 1 + strcspn(local + 1, delimiters);
		if (at < n) {
			*extension = talloc_strdup(owner, local + at);
			n = at;
		}
	}
	*user = talloc_strndup(owner, local, n);
}
