/* replace.c - "$1" in results: pieces of what was asked put into the answer. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "lookup/table.h"

/* At `p` just behind a "$": the number it names and where it ends; NULL: a plain dollar. */
static const char *parse_reference(const char *p, size_t *number)
{
	char close = *p == '{' ? '}' : *p == '(' ? ')' : '\0';
	const char *digits = close != '\0' ? p + 1 : p;

	*number = 0;
	for (p = digits; g_ascii_isdigit(*p); p++)
		if (*number < 1000)
			*number = *number * 10 + (size_t)(*p - '0');
	if (p == digits)
		return NULL;
	if (close == '\0')
		return p;
	return *p == close ? p + 1 : NULL;
}

static char *replace(void *owner, const char *text, const char *const *parts, size_t count, bool dollars)
{
	char *out = talloc_strdup(owner, "");

	while (*text != '\0') {
		size_t plain = strcspn(text, "$"), number;
		const char *end;

		out = talloc_strndup_append_buffer(out, text, plain);
		text += plain;
		if (*text == '\0')
			break;
		end = parse_reference(text + 1, &number);
		if (end == NULL) {
			out = talloc_strdup_append_buffer(out, "$");
			text += dollars && text[1] == '$' ? 2 : 1;
			continue;
		}
		if (number >= 1 && number <= count && parts[number - 1] != NULL)
			out = talloc_strdup_append_buffer(out, parts[number - 1]);
		text = end;
	}
	return out;
}

const struct value *lookup_replace(void *owner, const struct value *result, const char *const *parts, size_t count, bool dollars)
{
	struct value *copy;

	if (result == NULL || result->kind != VALUE_STRING || strchr(result->u.string, '$') == NULL)
		return result;
	copy = talloc(owner, struct value);
	if (copy == NULL)
		abort();
	*copy = *result;
	copy->u.string = replace(copy, result->u.string, parts, count, dollars);
	return copy;
}
