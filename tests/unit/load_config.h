/* load_config.h - a configuration out of a text, for unit tests; one with errors fails the test. */
#ifndef POSTERN_TESTS_LOAD_CONFIG_H
#define POSTERN_TESTS_LOAD_CONFIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/config.h"

static inline struct config *load(const char *source)
{
	struct config_options options = { .embedded = source };
	GPtrArray *problems;
	struct config *c = config_load(&options, &problems);

	for (guint i = 0; i < problems->len; i++) {
		const struct config_problem *p = g_ptr_array_index(problems, i);

		if (!p->warning)
			print_message("# %s:%d: %s\n", p->file, p->line, p->text);
	}
	assert_int_equal(config_error_count(problems), 0);
	g_ptr_array_free(problems, TRUE);
	return c;
}

#endif
