/* programs.c - whether the programs that an instance names are on this machine.
 *
 * Looked for once, when a configuration is read.  It runs nothing. */
#include "config.h"

#include <stdlib.h>
#include <talloc.h>

#include "base/spawn.h"
#include "plugin/inside.h"
#include "plugin/options.h"

static bool is_there(const char *program, const char *path)
{
	char *file = spawn_find(program, path);
	bool there = file != NULL;
	free(file);
	return there;
}

static bool any_is_there(const char *const *programs, size_t count, const char *path)
{
	for (size_t k = 0; k < count; k++) {
		if (is_there(programs[k], path))
			return true;
	}
	return false;
}

static const char *describe(const char *const *programs, size_t count, const char *path, void *owner)
{
	char *text = talloc_strdup(owner, "no program ");
	bool searched = false;
	for (size_t k = 0; k < count; k++) {
		text = talloc_asprintf_append(text, "%s\"%s\"", k == 0 ? "" : k + 1 < count ? ", " : " or ", programs[k]);
		searched = searched || programs[k][0] != '/';
	}
	return searched ? talloc_asprintf_append(text, " in %s", path) : text;
}

const char *plugin_instance_missing(const struct plugin_instance *i, const char *path, void *owner)
{
	const char *missing = NULL;
	if (!path)
		path = run_program_path();
	for (const struct postern_option *o = i->plugin->options; o && o->name && !missing; o++) {
		const char **programs = NULL;
		size_t count = o->flags & POSTERN_PROGRAM ? option_get(o, i->options, owner, &programs) : 0;
		if (count > 0 && !any_is_there(programs, count, path))
			missing = describe(programs, count, path, owner);
		talloc_free(programs);
	}
	return missing;
}
