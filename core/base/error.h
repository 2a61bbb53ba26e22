/* error.h - one error value that every layer fills, prefixes or logs.
 *
 * A function that can fail returns 0 or -1 and takes a `struct error *` as its
 * last argument.  Whoever finds the fault calls error_set(); each layer on the
 * way up may put its noun in front with error_prefix(); only the top logs.
 * Usable in every process.  No memory is owned: the text lives in the struct. */
#ifndef POSTERN_BASE_ERROR_H
#define POSTERN_BASE_ERROR_H

enum error_class {
	ERROR_NONE = 0,
	ERROR_ENVIRONMENT,	/* disk, network, missing program: fatal at start, TEMPFAIL later */
	ERROR_INPUT,		/* the mail, the peer, the scanner's reply: a finding or LIMIT */
	ERROR_CONFIG,		/* the administrator's file: shown with file:line */
	ERROR_DEADLINE,		/* the mail's time is over */
	ERROR_CANCELLED		/* the client has gone: stop, deliver nothing */
};

struct error {
	enum error_class class;
	int errnum;		/* errno where there was one, else 0 */
	char text[1000];	/* one line, no trailing newline */
};

/* Set class and text; always returns -1, so that `return error_set(...)` reads well.
 * `e` may be NULL: then nothing is kept. */
int error_set(struct error *e, enum error_class class, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As error_set with ERROR_ENVIRONMENT, appending ": " and strerror(errno). Returns -1. */
int error_set_errno(struct error *e, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Put "<text>: " in front of what is there. Returns -1. */
int error_prefix(struct error *e, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
