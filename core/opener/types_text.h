/* types_text.h - the text half of types.c: is it text, and which kind. */
#ifndef POSTERN_OPENER_TYPES_TEXT_H
#define POSTERN_OPENER_TYPES_TEXT_H

#include "opener/types.h"

/* No byte that text never holds (NUL and most controls). */
bool types_is_text(const uint8_t *data, size_t n);
/* Kind of a text: html, xml, svg, mail, uue, plain. */
void types_guess_text(const uint8_t *data, size_t n, struct type_guess *out);

#endif
