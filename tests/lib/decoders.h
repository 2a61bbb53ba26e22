/* decoders.h - decoders of the build tree for test programs, loaded as an opener template loads them. */
#ifndef POSTERN_TESTS_DECODERS_H
#define POSTERN_TESTS_DECODERS_H

#include "opener/opener.h"

#define DECODERS_MAX 32

struct decoders {
	struct plugin_instance *instances[DECODERS_MAX];
	uint32_t numbers[DECODERS_MAX];		/* for struct open_order */
	uint32_t count;
};
/* names: "archive,lzop", NULL: all that were built but those that start a program. Ends the program where one cannot be loaded. The build tree is $POSTERN_BUILD or ".". */
void decoders_load(struct decoders *d, const char *names);

#endif
