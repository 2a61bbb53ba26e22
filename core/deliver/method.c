/* method.c - read delivery methods; see method.h. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "deliver/method.h"

#define EXPECTED "expected smtp:[host]:port, smtp:/socket, lmtp:[host]:port or lmtp:/socket"

/* A field up to the next colon; one in brackets may hold colons. NULL: no room, or no closing bracket. */
static const char *take_field(const char *from, char *out, size_t size)
{
	bool bracketed = *from == '[';
	const char *end;
	size_t n;

	if (bracketed)
		from++;
	end = from + strcspn(from, bracketed ? "]" : ":");
	if (bracketed && *end != ']')
		return NULL;
	n = (size_t)(end - from);
	if (n >= size)
		return NULL;
	memcpy(out, from, n);
	out[n] = '\0';
	end += bracketed;
	return *end == '\0' || *end == ':' ? end : NULL;
}

static bool take_scheme(const char **at, bool *lmtp)
{
	if (strncasecmp(*at, "smtp:", 5) != 0 && strncasecmp(*at, "lmtp:", 5) != 0)
		return false;
	*lmtp = **at == 'l' || **at == 'L';
	*at += 5;
	return true;
}

static int settle_host(const char *method, const struct envelope *envelope, struct endpoint *to, struct error *e)
{
	if (strcmp(to->host, "*") != 0)
		return 0;
	if (!envelope || !envelope->peer_address)
		return error_set(e, ERROR_CONFIG, "%s: the mail did not come from an IP address that `*` could stand for;"
			" name the host", method);
	if (snprintf(to->host, sizeof to->host, "%s", envelope->peer_address) >= (int)sizeof to->host)
		return error_set(e, ERROR_INPUT, "%s: the peer's address is too long", method);
	return 0;
}

static int settle_port(const char *method, const struct envelope *envelope, struct endpoint *to, struct error *e)
{
	const char *socket_text = envelope && envelope->socket_text ? envelope->socket_text : "";
	const char *colon = strrchr(socket_text, ':');
	long port;

	if (strcmp(to->port, "*") != 0)
		return 0;
	port = colon && *socket_text != '/' ? strtol(colon + 1, NULL, 10) : 0;
	if (port < 1 || port >= 65535)
		return error_set(e, ERROR_CONFIG, "%s: the mail came in by \"%s\", which has no port that `*` could follow;"
			" name the port", method, socket_text);
	snprintf(to->port, sizeof to->port, "%ld", port + 1);
	return 0;
}

static int parse_inet(const char *method, const char *at, const struct envelope *envelope, struct next_hop *out, struct error *e)
{
	struct endpoint *to = &out->endpoint;

	at = take_field(at, to->host, sizeof to->host);
	if (!at || *at != ':' || to->host[0] == '\0')
		return error_set(e, ERROR_CONFIG, "%s: no host and port, " EXPECTED, method);
	at = take_field(at + 1, to->port, sizeof to->port);
	if (!at || to->port[0] == '\0' || to->port[0] == '[')
		return error_set(e, ERROR_CONFIG, "%s: no port, " EXPECTED, method);
	if (settle_host(method, envelope, to, e) < 0 || settle_port(method, envelope, to, e) < 0)
		return -1;
	snprintf(to->text, sizeof to->text, "[%s]:%s", to->host, to->port);
	return 0;
}

static int parse_unix(const char *method, const char *at, struct next_hop *out, struct error *e)
{
	struct endpoint *to = &out->endpoint;

	to->is_unix = true;
	if (!take_field(at, to->path, sizeof to->path))
		return error_set(e, ERROR_CONFIG, "%s: the socket's path is longer than %zu bytes", method, sizeof to->path - 1);
	snprintf(to->text, sizeof to->text, "%s", to->path);
	return 0;
}

int method_parse(const char *method, const struct envelope *envelope, struct next_hop *out, struct error *e)
{
	const char *at = method;
	int r;

	memset(out, 0, sizeof *out);
	if (!take_scheme(&at, &out->lmtp))
		return error_set(e, ERROR_CONFIG, "%s: not a method of the core, " EXPECTED, method);
	r = *at == '/' ? parse_unix(method, at, out, e) : parse_inet(method, at, envelope, out, e);
	if (r == 0)
		snprintf(out->name, sizeof out->name, "%s:%s", out->lmtp ? "lmtp" : "smtp", out->endpoint.text);
	return r;
}
