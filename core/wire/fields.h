/* fields.h - what the record readers of this room share; used by records_*.c only. */
#ifndef POSTERN_WIRE_FIELDS_H
#define POSTERN_WIRE_FIELDS_H

#include "wire/codec.h"

/* A string that must be there: "" where the writer put NULL, or when bad. */
const char *fields_get_text(struct wire_reader *r, void *owner, size_t max);
/* 0 or 1; anything else makes the reader bad. */
uint8_t fields_get_flag(struct wire_reader *r);
/* A number from low to high; anything else makes the reader bad and gives low. */
uint8_t fields_get_range(struct wire_reader *r, uint8_t low, uint8_t high);
/* A count of at most max elements of at least min_element_bytes each. */
uint32_t fields_get_count(struct wire_reader *r, size_t min_element_bytes, uint32_t max);
/* Zeroed memory for an array on owner; NULL for none. Dies when there is no memory. */
void *fields_array(void *owner, size_t element_bytes, uint32_t count);
/* 0 when the record was good to its last byte, else -1. */
int fields_end(const struct wire_reader *r);
/* The reader is at the start of a record of this kind; otherwise it turns bad. */
void fields_expect(struct wire_reader *r, uint16_t kind);

#endif
