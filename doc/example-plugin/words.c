/* words.c - an example of a scanner plugin: calls a mail infected that holds one of the words it was given.
 *
 *     av_scanners = { words { words = { "first", "second" } } }
 *
 * It is built against the installed header alone (see the Makefile beside it). */
#include <postern/plugin.h>

#include <string.h>
#include <unistd.h>

/* The host fills this from the table of options below. */
struct options {
	struct postern_strings words;
	int64_t max_bytes;
};

static const struct postern_option option_table[] = {
	{ .name = "words", .type = POSTERN_STRINGS, .offset = offsetof(struct options, words), .flags = POSTERN_REQUIRED | POSTERN_POSITIONAL,
	  .doc = "Words that no mail may hold." },
	{ .name = "max_bytes", .type = POSTERN_SIZE, .offset = offsetof(struct options, max_bytes), .value = "1M", .min = 1, .max = 16 << 20,
	  .doc = "Parts larger than this are not looked into; they count as over the limit." },
	{ 0 }
};

/* Once for each part of the mail, with what the opener has decoded. */
static enum postern_result scan_part(struct postern_call *call, const struct postern_part *part)
{
	const struct options *o = postern_options(postern_call_instance(call));
	int64_t size = postern_part_size(part);
	if (size > o->max_bytes)
		return postern_fail(call, POSTERN_LIMIT, "the part has %lld bytes", (long long)size);
	int fd = postern_part_fd(call, part);
	char *text = postern_alloc(call, (size_t)size + 1);	/* goes with the call */
	if (fd < 0 || pread(fd, text, (size_t)size, 0) != size)
		return postern_fail(call, POSTERN_TEMPFAIL, "the part could not be read");
	for (size_t i = 0; i < o->words.count; i++)
		if (memmem(text, (size_t)size, o->words.v[i], strlen(o->words.v[i])))
			postern_found(call, part, postern_printf(call, "Word.%s", o->words.v[i]));
	return POSTERN_OK;	/* this part was looked into: clean, unless something was found */
}

static enum postern_result version(struct postern_call *call)
{
	postern_set_version(call, "words 1");
	return POSTERN_OK;
}

static const struct postern_scanner_ops scanner_ops = { .size = sizeof scanner_ops, .scan_part = scan_part, .version = version };

/* The one symbol that a plugin exports. */
const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD,
	.name = "words", .version = "1", .doc = "Finds words.",
	.roles = POSTERN_SCANNER, .capabilities = POSTERN_CAP_PER_PART,
	.options = option_table, .options_size = sizeof(struct options),
	.scanner = &scanner_ops,
};
