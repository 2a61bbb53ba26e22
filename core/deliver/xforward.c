/* xforward.c - see xforward.h. */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "deliver/xforward.h"

#define LINE_MAX_BYTES 510	/* without CRLF */
#define VALUE_MAX 255

static const char *const names[] = { "NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE" };
#define NAME_COUNT (sizeof names / sizeof *names)

unsigned xforward_offered(const char *words)
{
	unsigned offered = 0;

	while (*words) {
		size_t n;

		words += strspn(words, " ");
		n = strcspn(words, " ");
		for (unsigned i = 0; i < NAME_COUNT; i++)
			if (n == strlen(names[i]) && strncasecmp(words, names[i], n) == 0)
				offered |= 1u << i;
		words += n;
	}
	return offered;
}

static bool client_was_told(const struct envelope_client *c)
{
	return c->address || c->port || c->name || c->helo || c->protocol || c->source || c->ident;
}

/* What an XFORWARD said stands alone; without one the connecting MTA is the client. */
static const char *value_of(const struct mail *m, unsigned attribute)
{
	const struct envelope *v = m->envelope;
	const struct envelope_client *c = &v->client;
	bool told = client_was_told(c);

	switch (attribute) {
	case XFORWARD_NAME: return c->name;
	case XFORWARD_ADDR: return c->address ? c->address : m->client_address ? m->client_address : told ? NULL : v->peer_address;
	case XFORWARD_PORT: return c->port;
	case XFORWARD_PROTO: return told ? c->protocol : v->protocol;
	case XFORWARD_HELO: return told ? c->helo : v->helo;
	case XFORWARD_IDENT: return c->ident;
	default: return c->source;
	}
}

static void append_value(GString *out, unsigned attribute, const char *value)
{
	if (!value || !*value) {
		g_string_append(out, "[UNAVAILABLE]");
		return;
	}
	if (attribute == XFORWARD_ADDR && strchr(value, ':') && strncasecmp(value, "IPv6:", 5) != 0)
		g_string_append(out, "IPv6:");
	text_append_xtext(out, value, VALUE_MAX);
}

unsigned xforward_append(GString *out, const struct mail *m, unsigned offered)
{
	GString *line = g_string_new(NULL), *one = g_string_new(NULL);
	unsigned commands = 0;

	for (unsigned i = 0; i < NAME_COUNT; i++) {
		if (!(offered & 1u << i))
			continue;
		g_string_printf(one, " %s=", names[i]);
		append_value(one, 1u << i, value_of(m, 1u << i));
		if (line->len > 0 && strlen("XFORWARD") + line->len + one->len > LINE_MAX_BYTES) {
			g_string_append_printf(out, "XFORWARD%s\r\n", line->str);
			g_string_truncate(line, 0);
			commands++;
		}
		g_string_append(line, one->str);
	}
	if (line->len > 0) {
		g_string_append_printf(out, "XFORWARD%s\r\n", line->str);
		commands++;
	}
	g_string_free(line, TRUE);
	g_string_free(one, TRUE);
	return commands;
}
