/* sql_dsn.h - database addresses: which plugin, and its options.
 *
 * "mysql://user:password@host:port/database?option=value", "mariadb://", "postgresql://", "postgres://", "sqlite:/file".
 * Pure.  An error never shows the address: it may hold a password. */
#ifndef POSTERN_LOOKUP_SQL_DSN_H
#define POSTERN_LOOKUP_SQL_DSN_H

#include <stddef.h>

#include "base/error.h"
#include "plugin/host.h"

struct sql_dsn {
	const char *plugin;		/* "mysql", "postgresql", "sqlite" */
	const char **names, **values;	/* of options; equal names stand side by side */
	size_t count;
};
/* On owner. 0 or -1. */
int sql_dsn_parse(void *owner, const char *url, struct sql_dsn *out, struct error *e);

/* How people are told which database it is: "mysql:mail@127.0.0.1:3306", "sqlite:/file". On owner. */
const char *sql_dsn_origin(void *owner, const struct plugin_instance *database);

#endif
