/* unpack.c - decoders that are programs: in the opener they ask for one, in the worker they say which. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "base/spawn.h"
#include "plugin/inside.h"

#define WORDS_MAX 64
#define SUFFIX_BYTES_MAX 15

/* --- in the opener --- */

const char *plugin_decoder_types(const struct plugin_instance *i)
{
	const struct postern_decoder_ops *ops = i->plugin->decoder;
	const char *types = !ops ? NULL : ops->types ? ops->types : ops->types_of ? ops->types_of(from_instance((struct plugin_instance *)(uintptr_t)i)) : NULL;
	return types ? types : "";
}

enum postern_result postern_unpack(struct postern_call *c, const struct postern_part *part, const char *password, struct postern_unpacked *out)
{
	const char *error = NULL;
	*out = (struct postern_unpacked){ .exit_code = -1, .said = "" };
	if (!c->sink || !c->sink->unpack)
		return postern_fail(c, POSTERN_BROKEN, "programs are not started from here");
	enum postern_result r = c->sink->unpack(c->sink->context, postern_part_number(part), password, c->arena, out, &error);
	if (error)
		postern_fail(c, r, "%s", error);
	return r;
}

bool postern_unpacked_files(struct postern_call *c, size_t *count)
{
	*count = 0;
	return c->sink && c->sink->unpacked_files && c->sink->unpacked_files(c->sink->context, count);
}

bool postern_unpacked_content(struct postern_call *c)
{
	return c->sink && c->sink->unpacked_content && c->sink->unpacked_content(c->sink->context);
}

/* --- in the worker --- */

static const char *const *copy_words(const char *const *words, void *owner)
{
	size_t n = 0;
	while (words && words[n] && n < WORDS_MAX)
		n++;
	const char **copy = talloc_zero_array(owner, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		copy[i] = talloc_strdup(copy, words[i]);
	return copy;
}

/* A suffix becomes part of a file's name. */
static bool suffix_is_plain(const char *suffix)
{
	return strlen(suffix) <= SUFFIX_BYTES_MAX && !strchr(suffix, '/');
}

static enum postern_result copy_program(struct postern_call *c, const struct postern_program *said, void *owner, struct postern_program *out)
{
	const char *name = said->argv ? said->argv[0] : NULL, *suffix = said->suffix ? said->suffix : "";
	char *found = name ? spawn_find(name, run_program_path()) : NULL;
	if (!found)
		return postern_fail(c, POSTERN_BROKEN, "%s: there is no such program%s%s; install it or correct its path", name ? name : "(nothing)",
			name && name[0] == '/' ? "" : " in ", name && name[0] == '/' ? "" : run_program_path());
	const char **argv = (const char **)(uintptr_t)copy_words(said->argv, owner);
	argv[0] = talloc_strdup(argv, found);
	free(found);
	*out = *said;
	out->argv = argv;
	out->reads = copy_words(said->reads, owner);
	out->suffix = talloc_strdup(owner, suffix);
	return suffix_is_plain(suffix) ? POSTERN_OK : postern_fail(c, POSTERN_BROKEN, "\"%s\" is no suffix of a file name", suffix);
}

void plugin_program(struct plugin_instance *i, const char *password, void *owner, struct postern_program *program, struct plugin_outcome *out)
{
	const struct postern_decoder_ops *ops = i->plugin->decoder;
	struct postern_program said = { 0 };
	*program = said;
	*out = (struct plugin_outcome){ .result = POSTERN_BROKEN };
	if (!ops || !ops->program) {
		outcome_fail(out, POSTERN_BROKEN, "no decoder by program", owner);
		return;
	}
	struct postern_call *c = call_begin(i, NULL, (struct deadline){ .cancel_fd = -1 });
	enum postern_result r = ops->program(c, password, &said);
	if (r == POSTERN_OK)
		r = copy_program(c, &said, owner, program);
	out->result = r;
	out->error = c->error ? talloc_strdup(owner, c->error) : NULL;
	call_end(c);
}
