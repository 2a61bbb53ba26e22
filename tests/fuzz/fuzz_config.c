/* fuzz_config.c - any text as a configuration: problems, never a crash; whatever comes of it can be printed. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *source = g_strndup((const char *)data, size);
	struct config_options options = { .embedded = source };
	GPtrArray *problems;
	struct config *c = config_load(&options, &problems);
	FILE *nowhere = fopen("/dev/null", "w");
	struct policy p;

	config_print_problems(nowhere, problems);
	config_print_changed(nowhere, c, false);
	config_print_changed(nowhere, c, true);
	policy_init(&p, c);
	policy_load_banks(&p, "A,MYNETS,A", c);
	fclose(nowhere);
	g_ptr_array_free(problems, TRUE);
	talloc_free(c);
	g_free(source);
	return 0;
}
