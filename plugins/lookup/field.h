/* field.h - a line of a table taken apart: what the readers of text tables share. */
#ifndef POSTERN_LOOKUP_FIELD_H
#define POSTERN_LOOKUP_FIELD_H

#include <stdbool.h>

/* A line without a result says yes. */
const char *field_or_one(const char *value);
/* text begins with the word, in any case, and blanks or the end follow: what comes then, else NULL. */
char *field_after_word(char *text, const char *word);
/* Go over any number of "!"; true: an odd number. */
bool field_is_negated(char **text);

#endif
