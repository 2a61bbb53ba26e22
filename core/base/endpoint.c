/* endpoint.c - reads addresses to connect to or listen on. Purely text: nothing is resolved or opened. */
#include "config.h"
#include "base/io.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int parse_unix(const char *path, struct endpoint *out, struct error *e)
{
	if (path[0] != '/')
		return error_set(e, ERROR_CONFIG, "\"%s\": the path of a socket must begin with /", path);
	if (strlen(path) >= sizeof out->path)
		return error_set(e, ERROR_CONFIG, "\"%s\": the path of a socket may have %zu bytes at most", path, sizeof out->path - 1);
	out->is_unix = true;
	snprintf(out->path, sizeof out->path, "%s", path);
	snprintf(out->text, sizeof out->text, "%s", path);
	return 0;
}

static bool port_is_good(const char *port)
{
	size_t n = strlen(port);
	if (n == 0 || n > 5 || strspn(port, "0123456789") != n)
		return false;
	return atoi(port) <= 65535;
}

static bool host_is_good(const char *host, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)host[i];
		if (!isalnum(c) && !strchr(".-_:%*", c) && c < 128)
			return false;
	}
	return n > 0;
}

static bool host_is_numeric(const char *host)
{
	struct in_addr v4;
	return strchr(host, ':') || inet_pton(AF_INET, host, &v4) == 1;
}

/* Where the host stands in "host:port" or "[host]:port"; *port points behind the colon. NULL: no such form. */
static const char *find_host(const char *text, size_t *length, const char **port)
{
	const char *end;
	if (text[0] == '[') {
		end = strchr(++text, ']');
		if (!end || end[1] != ':')
			return NULL;
		*port = end + 2;
	} else {
		end = strchr(text, ':');
		if (!end || strchr(end + 1, ':'))	/* an IPv6 address without brackets: where would its port begin? */
			return NULL;
		*port = end + 1;
	}
	*length = (size_t)(end - text);
	return text;
}

static int parse_inet(const char *text, struct endpoint *out, struct error *e)
{
	const char *port = "";
	size_t length = 0;
	const char *host = find_host(text, &length, &port);
	if (!host)
		return error_set(e, ERROR_CONFIG, "\"%s\": expected host:port, [address]:port or an absolute path", text);
	if (!host_is_good(host, length) || length >= sizeof out->host)
		return error_set(e, ERROR_CONFIG, "\"%s\": this is no host name or address", text);
	if (!port_is_good(port))
		return error_set(e, ERROR_CONFIG, "\"%s\": the port must be a number up to 65535", text);
	memcpy(out->host, host, length);
	snprintf(out->port, sizeof out->port, "%.5s", port);
	snprintf(out->text, sizeof out->text, host_is_numeric(out->host) ? "[%s]:%s" : "%s:%s", out->host, out->port);
	return 0;
}

int endpoint_parse(const char *text, struct endpoint *out, struct error *e)
{
	memset(out, 0, sizeof *out);
	if (text[0] == '/')
		return parse_unix(text, out, e);
	if (strncmp(text, "unix:", 5) == 0)
		return parse_unix(text + 5, out, e);
	if (strncmp(text, "inet:", 5) == 0)
		return parse_inet(text + 5, out, e);
	if (strncmp(text, "inet6:", 6) == 0)
		return parse_inet(text + 6, out, e);
	return parse_inet(text, out, e);
}
