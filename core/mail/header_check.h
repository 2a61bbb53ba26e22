/* header_check.h - what is wrong with a mail's header section: the bad-header tests of amavisd-new, by its names.
 *
 * Pure: it reads the index that header.c made and changes nothing.  Usable in
 * every process; the bytes are hostile, each is looked at a bounded number of times. */
#ifndef POSTERN_MAIL_HEADER_CHECK_H
#define POSTERN_MAIL_HEADER_CHECK_H

#include "mail/header.h"

/* Minor numbers of CC_BADH; a higher one outranks a lower one. */
enum header_flaw_kind {
	FLAW_MIME = 1, FLAW_8BIT = 2, FLAW_CONTROL = 3, FLAW_EMPTY = 4, FLAW_LONG = 5, FLAW_SYNTAX = 6, FLAW_MISSING = 7, FLAW_MULTIPLE = 8
};

/* Tests by the names of the setting allowed_header_tests; 8bit and utf8 both yield FLAW_8BIT. */
enum header_test {
	HEADER_TEST_OTHER = 1 << 0, HEADER_TEST_MIME = 1 << 1, HEADER_TEST_SYNTAX = 1 << 2, HEADER_TEST_EMPTY = 1 << 3, HEADER_TEST_LONG = 1 << 4,
	HEADER_TEST_CONTROL = 1 << 5, HEADER_TEST_8BIT = 1 << 6, HEADER_TEST_UTF8 = 1 << 7, HEADER_TEST_MISSING = 1 << 8, HEADER_TEST_MULTIPLE = 1 << 9
};
/* The test of that name ("8bit"); 0: there is none. */
enum header_test header_test_named(const char *name);

#define HEADER_FLAWS_MAX 100		/* told of one mail; the worst counts even where it comes later */
#define HEADER_LINE_MAX_BYTES 998	/* RFC 5322 2.1.1, without CRLF */

struct header_flaw {
	enum header_flaw_kind kind;
	const char *text;		/* one printable ASCII line: "Missing required header field: \"Date\"" */
};
struct header_flaws {
	unsigned count;
	struct header_flaw *flaws;	/* talloc, in the order found */
	unsigned worst;			/* enum header_flaw_kind; 0: nothing is wrong */
};

/* Run the tests.  smtputf8: the sender asked for SMTPUTF8 (RFC 6531), so that UTF-8 is no flaw.  mime_error: what the opener
 * complained of, or NULL.  Texts hang on owner. */
void header_check(const struct header *h, unsigned tests, bool smtputf8, const char *mime_error, void *owner, struct header_flaws *out);

#endif
