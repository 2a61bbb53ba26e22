/* sample_plugin.c - a plugin for the tests of the host; built several times, once well and once for each thing that a host refuses. */
#include <postern/plugin.h>

#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef SAMPLE_NAME
#define SAMPLE_NAME "sample"
#endif
#ifndef SAMPLE_MAJOR
#define SAMPLE_MAJOR POSTERN_ABI_MAJOR
#endif
#ifndef SAMPLE_MINOR
#define SAMPLE_MINOR POSTERN_ABI_MINOR
#endif
#ifndef SAMPLE_SIZE
#define SAMPLE_SIZE sizeof(struct postern_plugin)
#endif
#ifndef SAMPLE_ROLES
#define SAMPLE_ROLES (POSTERN_SCANNER | POSTERN_LOOKUP)
#endif
#ifndef SAMPLE_OFFSET
#define SAMPLE_OFFSET offsetof(struct options, mode)
#endif

struct options { const char *mode; };

static void wait_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
	nanosleep(&t, NULL);
}

static enum postern_result sample_part(struct postern_call *call, const struct postern_part *part)
{
	const struct options *o = postern_options(postern_call_instance(call));
	char text[64] = "";
	int fd = postern_part_fd(call, part);
	if (fd < 0 || pread(fd, text, sizeof text - 1, 0) < 0)
		return POSTERN_TEMPFAIL;
	if (strcmp(o->mode, "hang") == 0)
		wait_ms(60000);
	if (strcmp(o->mode, "slow") == 0)
		wait_ms(200);
	if (strncmp(text, "virus ", 6) == 0)
		postern_found(call, part, text + 6);
	if (strncmp(text, "fail", 4) == 0)
		return postern_fail(call, POSTERN_TEMPFAIL, "as told by p%03u", postern_part_number(part));
	if (strncmp(text, "nothing", 7) == 0)
		return POSTERN_NOTHING;
	return strncmp(text, "limit", 5) == 0 ? POSTERN_LIMIT : POSTERN_OK;
}

static enum postern_result sample_lookup(struct postern_call *call, const char *const *keys, size_t count)
{
	for (size_t k = 0; k < count; k++) {
		if (strcmp(keys[k], "example.com") != 0)
			continue;
		postern_lookup_answer(call, keys[k], "yes");
		return POSTERN_OK;
	}
	return POSTERN_NOTHING;
}

static const struct postern_option option_table[] = {
	{ .name = "mode", .type = POSTERN_ENUM, .offset = SAMPLE_OFFSET, .value = "plain", .choices = "plain|slow|hang",
	  .flags = POSTERN_POSITIONAL, .doc = "What it does." },
	{ .name = NULL }
};

static const struct postern_scanner_ops scanner_ops = { .size = sizeof scanner_ops, .scan_part = sample_part };
static const struct postern_lookup_ops lookup_ops = { .size = sizeof lookup_ops, .lookup = sample_lookup };

#ifdef SAMPLE_NO_SYMBOL
const int something_else = 1;
extern const struct postern_plugin not_a_plugin;
const struct postern_plugin not_a_plugin = {
#else
const struct postern_plugin postern_plugin = {
#endif
	.abi_major = SAMPLE_MAJOR, .abi_minor = SAMPLE_MINOR, .size = SAMPLE_SIZE,
	.name = SAMPLE_NAME, .version = "1", .doc = "For tests.",
	.roles = SAMPLE_ROLES, .capabilities = POSTERN_CAP_PER_PART,
	.options = option_table, .options_size = sizeof(struct options),
	.scanner = &scanner_ops, .lookup = &lookup_ops,
};
