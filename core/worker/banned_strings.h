/* banned_strings.h - a node of the part tree as the strings that banned rules are asked with, and as text for people. */
#ifndef POSTERN_WORKER_BANNED_STRINGS_H
#define POSTERN_WORKER_BANNED_STRINGS_H

#include <glib.h>

#include "mail/mail.h"

/* Appends the strings of one node: MIME types, ".type", names with every reading of theirs, words for attributes.  They hang on owner. */
void banned_strings_add(GPtrArray *to, const struct part *p, void *owner);
/* "application/zip,.zip,a.zip": the node in short. */
char *banned_strings_short(const struct part *p, void *owner);
/* "P=p003<sep>L=1/2<sep>M=text/plain<sep>T=exe<sep>N=a.exe<sep>A=U"; every key as often as it has values. */
char *banned_strings_attributes(const struct part *p, const char *separator, void *owner);

#endif
