/* pattern.c - PCRE2 with limits, so that no pattern can eat a worker's time.
 *
 * Matching is thread-safe: every match has its own match data; a subject that
 * overruns the small JIT stack is matched again by the interpreter, which has
 * the same limits. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "base/pattern.h"

#define MATCH_LIMIT 1000000
#define DEPTH_LIMIT 10000
#define HEAP_LIMIT_KIB 20000

struct pattern {
	pcre2_code *code;
	pcre2_match_context *context;
	char *source;			/* as Lua: rx("...", "i") or the bare pattern's string */
	char *pattern;			/* PCRE2 alone: the flags stand in front */
};

static int pattern_free(struct pattern *r)
{
	pcre2_code_free(r->code);
	pcre2_match_context_free(r->context);
	return 0;
}

static int parse_flags(const char *flags, uint32_t *options, struct error *e)
{
	static const struct { char letter; uint32_t option; } known[] = {
		{ 'i', PCRE2_CASELESS }, { 'x', PCRE2_EXTENDED }, { 'm', PCRE2_MULTILINE }, { 's', PCRE2_DOTALL },
		{ 'u', PCRE2_UTF | PCRE2_MATCH_INVALID_UTF }, { 'n', PCRE2_NO_AUTO_CAPTURE },
		{ 'A', PCRE2_ANCHORED }, { 'D', PCRE2_DOLLAR_ENDONLY }, { 'U', PCRE2_UNGREEDY },
	};

	*options = 0;
	for (; flags != NULL && *flags != '\0'; flags++) {
		size_t i = 0;

		while (i < sizeof known / sizeof known[0] && known[i].letter != *flags)
			i++;
		if (i == sizeof known / sizeof known[0])
			return error_set(e, ERROR_CONFIG, "unknown flag \"%c\" of a regular expression, expected some of \"imnsux\"", *flags);
		*options |= known[i].option;
	}
	return 0;
}

static void append_quoted(char **out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n')
			*out = talloc_strdup_append_buffer(*out, "\\n");
		else if (*text == '"' || *text == '\\')
			*out = talloc_asprintf_append_buffer(*out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*out = talloc_asprintf_append_buffer(*out, "\\%03u", (unsigned)(unsigned char)*text);
		else
			*out = talloc_strndup_append_buffer(*out, text, 1);
	}
}

static char *make_source(void *owner, const char *pattern, const char *flags)
{
	char *out = talloc_strdup(owner, "rx(\"");

	append_quoted(&out, pattern);
	out = talloc_strdup_append_buffer(out, "\"");
	if (flags != NULL && *flags != '\0')
		out = talloc_asprintf_append_buffer(out, ", \"%s\"", flags);
	return talloc_strdup_append_buffer(out, ")");
}

/* "(*UTF)(?im)..." */
static char *make_pattern(void *owner, const char *pattern, const char *flags)
{
	char inside[8] = "";
	size_t n = 0;
	bool utf = false;

	for (; flags != NULL && *flags != '\0'; flags++) {
		if (*flags == 'u')
			utf = true;
		else if (strchr(inside, *flags) == NULL && n < sizeof inside - 1)
			inside[n++] = *flags;
	}
	return talloc_asprintf(owner, "%s%s%s%s%s", utf ? "(*UTF)" : "", n ? "(?" : "", inside, n ? ")" : "", pattern);
}

static pcre2_match_context *make_context(void)
{
	pcre2_match_context *c = pcre2_match_context_create(NULL);

	if (c == NULL)
		abort();
	pcre2_set_match_limit(c, MATCH_LIMIT);
	pcre2_set_depth_limit(c, DEPTH_LIMIT);
	pcre2_set_heap_limit(c, HEAP_LIMIT_KIB);
	return c;
}

struct pattern *pattern_compile(void *owner, const char *pattern, const char *flags, struct error *e)
{
	struct pattern *r;
	pcre2_code *code;
	PCRE2_UCHAR message[200];
	PCRE2_SIZE offset;
	uint32_t options;
	int number;

	if (parse_flags(flags, &options, e) != 0)
		return NULL;
	code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &number, &offset, NULL);
	if (code == NULL) {
		pcre2_get_error_message(number, message, sizeof message);
		error_set(e, ERROR_CONFIG, "bad regular expression \"%s\": %s at offset %zu", pattern, (const char *)message, (size_t)offset);
		return NULL;
	}
	pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);	/* without JIT the interpreter matches */
	r = talloc_zero(owner, struct pattern);
	if (r == NULL)
		abort();
	r->code = code;
	r->context = make_context();
	r->source = make_source(r, pattern, flags);
	r->pattern = make_pattern(r, pattern, flags);
	talloc_set_destructor(r, pattern_free);
	return r;
}

static int match(const struct pattern *r, const char *subject, size_t n, pcre2_match_data *data)
{
	int rc = pcre2_match(r->code, (PCRE2_SPTR)subject, n, 0, 0, data, r->context);

	if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
		rc = pcre2_match(r->code, (PCRE2_SPTR)subject, n, 0, PCRE2_NO_JIT, data, r->context);
	return rc;
}

static pcre2_match_data *make_data(const struct pattern *r)
{
	pcre2_match_data *data = pcre2_match_data_create_from_pattern(r->code, NULL);

	if (data == NULL)
		abort();
	return data;
}

bool pattern_match(const struct pattern *r, const char *subject, size_t n)
{
	pcre2_match_data *data = make_data(r);
	int rc = match(r, subject, n, data);

	pcre2_match_data_free(data);
	return rc >= 0;
}

int pattern_captures(const struct pattern *r, const char *subject, size_t n, void *owner, char **captures, int max)
{
	pcre2_match_data *data = make_data(r);
	int rc = match(r, subject, n, data), count = rc < max ? rc : max;
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(data);

	memset(captures, 0, (size_t)max * sizeof *captures);
	for (int i = 0; i < count; i++) {
		if (at[2 * i] != PCRE2_UNSET && at[2 * i + 1] >= at[2 * i])
			captures[i] = talloc_strndup(owner, subject + at[2 * i], at[2 * i + 1] - at[2 * i]);
	}
	pcre2_match_data_free(data);
	if (rc == PCRE2_ERROR_NOMATCH)
		return 0;
	return rc < 0 ? -1 : rc;
}

const char *pattern_source(const struct pattern *r)
{
	return r->source;
}

const char *pattern_bare(const struct pattern *r)
{
	return r->pattern;
}
