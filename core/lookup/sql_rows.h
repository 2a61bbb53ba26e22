/* sql_rows.h - the rows of one statement as a record: between the files of lookup/ only. */
#ifndef POSTERN_LOOKUP_SQL_ROWS_H
#define POSTERN_LOOKUP_SQL_ROWS_H

#include "lookup/record.h"
#include "plugin/call.h"

#define SQL_ROWS_MAX 1000
#define SQL_BYTES_MAX (256 * 1024)

struct sql_rows {
	void *owner;
	bool trim;
	const char **names;	/* of columns, lower case; NULL: one of the same name stands behind it, and counts */
	size_t column_count;
	struct record_row *rows;
	size_t row_count, bytes;
};
struct plugin_record_sink sql_rows_sink(struct sql_rows *r);	/* everything on r->owner */

#endif
