/* record_field.h - one field out of what SQL or LDAP says about an address.
 *
 * Each field is looked for on its own: the first row in which it is not NULL has
 * it.  Usable wherever records are; asks nobody. */
#ifndef POSTERN_LOOKUP_RECORD_FIELD_H
#define POSTERN_LOOKUP_RECORD_FIELD_H

#include "lookup/record.h"

enum record_type {
	RECORD_STRING,		/* as it stands; a list where an attribute has several values */
	RECORD_NUMBER,		/* "" counts as NULL */
	RECORD_BOOLEAN,		/* SQL: false is "", or one of N n F f and blank, or zeros or NULs, blanks behind; LDAP: true is TRUE */
	RECORD_BOOLEAN_TRUE	/* the same; a row that has no such column or attribute says true, but for that of the catch-all key "@." */
};

/* On owner; NULL: no row says it.  *row (may be NULL) is the number of the row that did, from 0.  A value that is not what its type asks
 * for is passed over, as NULL is: *e then names column, value and origin (class ERROR_INPUT; ERROR_NONE before). */
const struct value *record_field(const struct record *r, const char *name, enum record_type type, void *owner, size_t *row, struct error *e);
/* The first value as it stands, NULL: none.  Of columns of one name in one row the last counts, as users.id in the built-in statement. */
const char *record_text(const struct record *r, const char *name);
/* All values of an attribute in the first row that has one: NULL-terminated on owner. */
const char *const *record_texts(const struct record *r, const char *name, void *owner);

/* A field of the address's record as a table; without context->records it knows nothing. */
struct lookup_table *lookup_table_field(void *owner, enum record_source_kind kind, const char *name, enum record_type type);
bool lookup_field_type(const char *name, enum record_type *type);	/* "string", "number", "boolean"; false: none of them */

#endif
