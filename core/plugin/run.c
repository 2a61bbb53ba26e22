/* run.c - programs of plugins: an argument vector, an empty environment, the call's deadline; never a shell. */
#include "config.h"

#include <stdlib.h>
#include <talloc.h>

#include "base/spawn.h"
#include "plugin/inside.h"

static char *program_path;

void run_setup(const char *path)
{
	g_free(program_path);
	program_path = g_strdup(path);
}

const char *run_program_path(void)
{
	return program_path ? program_path : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

const char *postern_find_program(struct postern_instance *i, const char *program)
{
	char *found = spawn_find(program, run_program_path());
	if (!found)
		return NULL;
	const char *kept = talloc_strdup(to_instance(i), found);
	free(found);
	return kept;
}

int postern_run(struct postern_call *c, const char *const argv[], int stdin_fd, const char *folder, size_t output_max,
	struct postern_run_result *out)
{
	struct spawn_result result = { 0 };
	struct error e = { 0 };
	c->program = talloc_strdup(c->arena, argv[0]);
	if (!(c->instance->plugin->capabilities & POSTERN_CAP_EXEC)) {
		postern_fail(c, POSTERN_BROKEN, "the plugin runs a program without having declared that it does");
		return -1;
	}
	if (spawn_run(argv, run_program_path(), stdin_fd, folder, output_max, c->deadline, &result, &e) != 0) {
		postern_fail(c, POSTERN_TEMPFAIL, "%s", e.text);
		return -1;
	}
	char *output = talloc_zero_size(c->scratch, result.output_size + 1);
	for (size_t k = 0; k < result.output_size; k++)
		output[k] = result.output[k] ? result.output[k] : '?';
	free(result.output);
	*out = (struct postern_run_result){ .exit_code = result.exit_code, .signal = result.signal, .output_cut = result.output_cut,
		.output = output, .output_size = result.output_size };
	return 0;
}
