/* error.c - fills and prefixes struct error. It never logs and never allocates. */
#include "config.h"
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Put ": <tail>" behind the first `used` bytes of text, cut to what fits. */
static void append_tail(char *text, size_t size, int used, const char *tail)
{
	size_t at = used > 0 ? (size_t)used : 0;
	if (at + 2 >= size)
		return;
	text[at++] = ':';
	text[at++] = ' ';
	size_t n = strnlen(tail, size - at - 1);
	memcpy(text + at, tail, n);
	text[at + n] = '\0';
}

static void set_class(struct error *e, enum error_class class, int errnum)
{
	e->class = class;
	e->errnum = errnum;
}

int error_set(struct error *e, enum error_class class, const char *format, ...)
{
	if (!e)
		return -1;
	/* Formatted aside: an argument may be the old text of this very error. */
	char text[sizeof e->text];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	memcpy(e->text, text, sizeof text);
	set_class(e, class, 0);
	return -1;
}

int error_set_errno(struct error *e, const char *format, ...)
{
	int errnum = errno;
	if (!e)
		return -1;
	char text[sizeof e->text];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	const char *reason = strerrordesc_np(errnum);
	append_tail(text, sizeof text, n, reason ? reason : "unknown error");
	memcpy(e->text, text, sizeof text);
	set_class(e, ERROR_ENVIRONMENT, errnum);
	errno = errnum;
	return -1;
}

int error_prefix(struct error *e, const char *format, ...)
{
	if (!e)
		return -1;
	char text[sizeof e->text];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	append_tail(text, sizeof text, n, e->text);
	memcpy(e->text, text, sizeof text);
	return -1;
}
