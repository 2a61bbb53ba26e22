/* sources.c - the databases and directories that know recipients' own settings, as the configuration names them.
 * It connects to nothing: that is done in each worker when first asked. */
#include "config/inside.h"
#include "lookup/record.h"

struct record_source *config_record_source(const struct config *c, int kind)
{
	return kind >= 0 && kind < RECORD_SOURCE_COUNT ? c->sources[kind] : NULL;
}
