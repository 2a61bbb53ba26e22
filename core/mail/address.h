/* address.h - mail addresses as SMTP writes them and as lookups want them (RFC 5321 4.1.2). */
#ifndef POSTERN_MAIL_ADDRESS_H
#define POSTERN_MAIL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

/* Parse a path as of MAIL/RCPT: "<a@b>", "<>", "<@relay:a@b>", "<\"q q\"@b>", also without brackets.  On success *end points
 * behind it and the result (talloc on owner) is what stood between the brackets without a source route, quoting kept.
 * NULL: a syntax error (`why` gets a constant text). utf8: bytes above 127 are allowed (SMTPUTF8). */
char *address_parse_path(void *owner, const char *text, bool utf8, const char **end, const char **why);
/* "\"a b\"@c" -> "a b@c" (quotes and backslashes of the local part removed). */
char *address_unquote(void *owner, const char *rfc5321);
/* "a b@c" -> "\"a b\"@c" where the local part needs it. */
char *address_quote(void *owner, const char *plain);
/* Split at the last '@': *local and *domain are talloc on owner; domain NULL when there is none. */
void address_split(void *owner, const char *plain, char **local, char **domain);
/* Lower-case, IDN to ACE (libidn2; left alone when that fails), trailing dots cut. */
char *address_domain_normalise(void *owner, const char *domain);
/* "user+foo" with delimiter "+" -> "user", "+foo" (extension NULL where none). Rules of amavisd-new: any character of
 * `delimiters` splits; never postmaster, mailer-daemon, double-bounce; with '-': not owner-*, *-request. */
void address_split_extension(void *owner, const char *local, const char *delimiters, char **user, char **extension);

/* All addresses of a From field or its like (RFC 5322 3.4: names, groups, comments), plain, at most `max`: NULL-terminated talloc array on
 * owner.  Lenient: what makes no sense is passed over. */
char **address_list_parse(void *owner, const char *text, unsigned max);

#endif
