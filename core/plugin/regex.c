/* regex.c - the regular expressions of option tables: PCRE2, multi-line, with limits. */
#include "config.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>
#include <talloc.h>

#include "plugin/inside.h"

#define MATCH_LIMIT 1000000
#define DEPTH_LIMIT 10000

/* Whether one of this thread's could not be tried to its end. */
static _Thread_local bool gave_up;

struct postern_regex {
	pcre2_code *code;
	pcre2_match_context *limits;
	const char *source;
};

static int regex_free(struct postern_regex *r)
{
	pcre2_code_free(r->code);
	pcre2_match_context_free(r->limits);
	return 0;
}

struct postern_regex *regex_compile(void *owner, const char *pattern, struct error *e)
{
	int code;
	PCRE2_SIZE offset;
	uint32_t options = PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C;
	if (g_str_has_prefix(pattern, "(*UTF)"))	/* a scanner's output is matched whatever bytes it has */
		options |= PCRE2_MATCH_INVALID_UTF;
	pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &code, &offset, NULL);
	if (!compiled) {
		char text[200] = "";
		pcre2_get_error_message(code, (PCRE2_UCHAR *)text, sizeof text);
		error_set(e, ERROR_CONFIG, "not a regular expression: %s at offset %zu of \"%s\"", text, (size_t)offset, pattern);
		return NULL;
	}
	pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);
	struct postern_regex *r = talloc_zero(owner, struct postern_regex);
	r->code = compiled;
	r->limits = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(r->limits, MATCH_LIMIT);
	pcre2_set_depth_limit(r->limits, DEPTH_LIMIT);
	r->source = talloc_strdup(r, pattern);
	talloc_set_destructor(r, regex_free);
	return r;
}

const char *regex_source(const struct postern_regex *r)
{
	return r->source;
}

void regex_begin(void)
{
	gave_up = false;
}

bool regex_gave_up(void)
{
	return gave_up;
}

static int match(const struct postern_regex *r, const char *text, size_t n, size_t start, pcre2_match_data *data)
{
	int rc = pcre2_match(r->code, (PCRE2_SPTR)text, n, start, 0, data, r->limits);
	gave_up = gave_up || (rc < 0 && rc != PCRE2_ERROR_NOMATCH);
	return rc;
}

bool postern_regex_match(const struct postern_regex *r, const char *text, size_t n)
{
	pcre2_match_data *data = pcre2_match_data_create_from_pattern(r->code, NULL);
	int rc = match(r, text, n, 0, data);
	pcre2_match_data_free(data);
	return rc > 0;
}

/* The text of capture 1, or of the whole match where the pattern has none. */
static char *captured(struct postern_call *c, const char *text, pcre2_match_data *data, int rc)
{
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(data);
	unsigned group = rc > 1 && at[2] != PCRE2_UNSET ? 1 : 0;
	size_t n = at[2 * group + 1] - at[2 * group];
	return talloc_strndup(c->scratch, text + at[2 * group], n);
}

size_t postern_regex_each(struct postern_call *c, const struct postern_regex *r, const char *text, size_t n,
	void (*each)(struct postern_call *, const char *match, void *context), void *context)
{
	pcre2_match_data *data = pcre2_match_data_create_from_pattern(r->code, NULL);
	size_t found = 0, start = 0;
	while (start <= n && found < FOUND_MAX) {
		int rc = match(r, text, n, start, data);
		if (rc <= 0)
			break;
		found++;
		each(c, captured(c, text, data, rc), context);
		size_t end = pcre2_get_ovector_pointer(data)[1];
		start = end > start ? end : start + 1;
	}
	pcre2_match_data_free(data);
	return found;
}

bool postern_match(const struct postern_match *m, int exit_code, const char *output, size_t n)
{
	for (size_t k = 0; k < m->codes.count; k++) {
		if (m->codes.v[k] == exit_code)
			return true;
	}
	return m->regex && postern_regex_match(m->regex, output ? output : "", output ? n : 0);
}
