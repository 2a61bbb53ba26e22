/* smtp_xforward.c - XFORWARD: what the MTA in front says of its own client (Postfix' XFORWARD_README).
 *
 * Valid for the next mail only, as in Postfix: a mail without it is never given the client of the one before. */
#include "config.h"
#include "reception/smtp.h"

#include <stddef.h>
#include <string.h>
#include <talloc.h>

#include "reception/reply.h"

#define VALUE_MAX 255

struct attribute {
	const char *name;
	size_t offset;		/* of the const char * in struct envelope_client */
};

#define IGNORED ((size_t)-1)

static const struct attribute attributes[] = {
	{ "NAME", offsetof(struct envelope_client, name) },
	{ "ADDR", offsetof(struct envelope_client, address) },
	{ "PORT", offsetof(struct envelope_client, port) },
	{ "PROTO", offsetof(struct envelope_client, protocol) },
	{ "HELO", offsetof(struct envelope_client, helo) },
	{ "IDENT", offsetof(struct envelope_client, ident) },
	{ "SOURCE", offsetof(struct envelope_client, source) },
	{ "LOGIN", IGNORED },
};

static bool is_upper_hex(char c)
{
	return g_ascii_isdigit(c) || (c >= 'A' && c <= 'F');
}

/* xtext (RFC 3461 4): +HH only; a plus sign that is followed by anything else is itself. */
static char *decode_xtext(void *owner, const char *value)
{
	char *out = talloc_array(owner, char, strlen(value) + 1);
	size_t n = 0;
	for (const char *p = value; *p != '\0'; p++) {
		if (*p == '+' && is_upper_hex(p[1]) && is_upper_hex(p[2])) {
			out[n++] = (char)(g_ascii_xdigit_value(p[1]) * 16 + g_ascii_xdigit_value(p[2]));
			p += 2;
		} else {
			out[n++] = *p;
		}
	}
	out[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)out[i] < ' ' || out[i] == 0x7f)
			return NULL;
	return out;
}

static bool is_unknown(const char *value)
{
	return g_ascii_strcasecmp(value, "[UNAVAILABLE]") == 0 || g_ascii_strcasecmp(value, "[TEMPUNAVAIL]") == 0;
}

static const struct attribute *find_attribute(const char *word, size_t length)
{
	for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++)
		if (strlen(attributes[i].name) == length && g_ascii_strncasecmp(word, attributes[i].name, length) == 0)
			return &attributes[i];
	return NULL;
}

static void set_attribute(struct envelope_client *client, const struct attribute *a, const char *value)
{
	if (a->offset == IGNORED)
		return;
	if (a->offset == offsetof(struct envelope_client, address) && g_ascii_strncasecmp(value, "IPv6:", 5) == 0)
		value += 5;
	*(const char **)(void *)((char *)client + a->offset) = is_unknown(value) ? NULL : value;
}

static int take_attribute(struct smtp *m, struct envelope_client *client, const char *word)
{
	size_t length = strcspn(word, "=");
	const struct attribute *a = find_attribute(word, length);
	if (a == NULL || word[length] != '=') {
		smtp_error(m, "501 5.5.4 Error: bad XFORWARD attribute: %.60s", word);
		return -1;
	}
	const char *value = word + length + 1;
	char *decoded = strlen(value) <= VALUE_MAX ? decode_xtext(client, value) : NULL;
	if (decoded == NULL) {
		smtp_error(m, "501 5.5.4 Error: bad value of the XFORWARD attribute %s", a->name);
		return -1;
	}
	set_attribute(client, a, decoded);
	return 0;
}

static bool refused(struct smtp *m, const char *argument)
{
	if (!smtp_offers(m, EXTENSION_XFORWARD))
		smtp_error(m, "550 5.7.0 Error: insufficient authorization");
	else if (m->job != NULL)
		smtp_error(m, "503 5.5.1 Error: XFORWARD not allowed within transaction");
	else if (*argument == '\0')
		smtp_error(m, "501 5.5.4 Syntax: XFORWARD attribute=value...");
	else
		return false;
	return true;
}

void smtp_xforward(struct smtp *m, const char *argument)
{
	if (refused(m, argument))
		return;
	if (m->xforward == NULL)
		m->xforward = talloc_zero(m, struct envelope_client);
	char **words = g_strsplit_set(argument, " \t", -1);
	int failed = 0;
	for (char **word = words; *word != NULL && failed == 0; word++)
		if (**word != '\0')
			failed = take_attribute(m, m->xforward, *word);
	g_strfreev(words);
	if (failed == 0)
		reply_send(m->session, "250 2.5.0 Ok XFORWARD");
}
