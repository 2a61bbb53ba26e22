/* embedded.h - archives that begin somewhere within a file: self-extracting programs, pictures with something behind them. */
#ifndef POSTERN_DECODER_EMBEDDED_H
#define POSTERN_DECODER_EMBEDDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EMBEDDED_MAX 8

struct embedded { const char *type; size_t at, size; };

/* RAR, 7-Zip and cabinet files whose header makes sense, those of each kind in their order. (Zip archives are found from their end, by the
 * host.) *more: there may be others behind the EMBEDDED_MAX that were found. */
size_t embedded_find(const uint8_t *data, size_t n, struct embedded found[EMBEDDED_MAX], bool *more);
/* How much of it the archive of this type is that the data begins with, by its header; 0: that does not tell. */
size_t embedded_size(const char *type, const uint8_t *data, size_t n);

#endif
